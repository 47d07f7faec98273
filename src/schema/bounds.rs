//! What applying a schema costs, known before it is applied: schemas that refer to one another can make a small file cost
//! more than all the time there is, or more stack than a thread has.

use serde_json::Value;

use crate::config::problem::{Fault, Problem};

use super::BROKEN;
use super::bundle::{Bundle, Sub};

/// The most schemas that may look at one value through one another.
const MAX_SAME: usize = 100;

/// The most schemas that are inside one another while a configuration is checked, members included.
const MAX_DEPTH: usize = 600;

/// The most times that a schema of the whole is applied to a value of the configuration.
const MAX_STEPS: usize = 1_000_000;

/// Refuses schemas that lead to themselves while they look at one and the same value, and all too long ways.
pub(super) fn check_depth(bundle: &Bundle) -> Result<(), Problem> {
    let subs = &bundle.subs;
    let mut befores: Vec<Vec<usize>> = vec![Vec::new(); subs.len()];
    for (number, sub) in subs.iter().enumerate() {
        sub.same.iter().for_each(|next| befores[*next].push(number));
    }
    let mut left: Vec<usize> = subs.iter().map(|sub| sub.same.len()).collect();
    let mut lengths = vec![1; subs.len()];
    let mut open: Vec<usize> = (0..subs.len()).filter(|number| left[*number] == 0).collect();
    while let Some(number) = open.pop() {
        if lengths[number] > MAX_SAME {
            let message = format!("more than {MAX_SAME} schemas refer to one another from here on");
            return Err(refusal(bundle, number, &message));
        }
        for before in &befores[number] {
            lengths[*before] = lengths[*before].max(lengths[number] + 1);
            left[*before] -= 1;
            if left[*before] == 0 {
                open.push(*before);
            }
        }
    }
    match (0..subs.len()).find(|number| left[*number] > 0) {
        None => Ok(()),
        Some(start) => {
            let message = "the schema leads to itself without a step to a member or an item";
            Err(refusal(bundle, on_circle(subs, start, &left), message))
        }
    }
}

/// A schema on the circle that those who are left lead to.
fn on_circle(subs: &[Sub], start: usize, left: &[usize]) -> usize {
    let next = |number: usize| subs[number].same.iter().copied().find(|next| left[*next] > 0);
    (0..subs.len()).try_fold(start, |number, _| next(number)).unwrap_or(start)
}

fn refusal(bundle: &Bundle, sub: usize, message: &str) -> Problem {
    let (path, at) = bundle.place_of(sub);
    Fault::warning(BROKEN, at, message).in_file(path)
}

/// True if applying the schemas to a value ends within the bounds, however the answers turn out.
pub(super) fn is_affordable(subs: &[Sub], value: &Value) -> bool {
    let mut walk = Walk { subs, left: MAX_STEPS };
    walk.passes(0, value, 0)
}

struct Walk<'a> {
    subs: &'a [Sub],
    left: usize,
}

impl Walk<'_> {
    fn passes(&mut self, sub: usize, value: &Value, depth: usize) -> bool {
        if depth > MAX_DEPTH || self.left == 0 {
            return false;
        }
        self.left -= 1;
        let subs = self.subs;
        let sub = &subs[sub];
        sub.same.iter().all(|next| self.passes(*next, value, depth + 1))
            && (0..sub.unevaluated).all(|_| self.marks(sub, value, depth))
            && match value {
                Value::Object(map) => {
                    let mut named = sub.named.iter().filter_map(|(name, next)| Some((map.get(&**name)?, next)));
                    named.all(|(value, next)| self.passes(*next, value, depth + 1))
                        && map.values().all(|value| self.passes_every(sub, value, depth))
                }
                Value::Array(items) => items.iter().all(|value| self.passes_every(sub, value, depth)),
                _ => true,
            }
    }

    /// What has been looked at is found out from above for each schema that looks at the same value, in each of those again.
    fn marks(&mut self, sub: &Sub, value: &Value, depth: usize) -> bool {
        let subs = self.subs;
        sub.same.iter().all(|next| {
            self.passes(*next, value, depth + 1)
                && (subs[*next].same.is_empty() || self.marks(&subs[*next], value, depth + 1))
        })
    }

    fn passes_every(&mut self, sub: &Sub, value: &Value, depth: usize) -> bool {
        sub.every.iter().all(|next| self.passes(*next, value, depth + 1))
    }
}
