//! Two snapshots compared for everybody, on all cores. What a difference is, and how it is grouped, is in
//! `answer/compare.rs`.

use std::num::NonZero;
use std::thread;

use crate::answer::compare::{Comparison, Outcome, Question, compare, group};
use crate::snapshot::Snapshot;

/// Below so many questions a thread costs more than it brings.
const WORTH_A_THREAD: usize = 64;

/// Answers all questions about two snapshots and groups what differs. Blocks, and keeps every core busy meanwhile.
#[must_use]
pub fn compare_all(base: &Snapshot, head: &Snapshot, questions: &[Question]) -> Comparison {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let part = questions.len().div_ceil(cores).max(WORTH_A_THREAD);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let parts: Vec<_> = questions.chunks(part).map(|part| scope.spawn(|| compare(base, head, part))).collect();
        let joined = parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    });
    group(questions, &outcomes)
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;
    use crate::answer::compare::touched;

    #[test]
    fn many_threads_find_what_one_finds() {
        let fake = Fake::new();
        let files: Vec<_> = (0..300).map(|number| (format!("s{number}.yml"), format!("own: {number}"))).collect();
        let files = || files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        let commit = |shared: &'static str| {
            let files: Vec<_> = files().chain([("application.yml", shared)]).collect();
            fake.commit("main", &files);
            let live = fake.live(None, 64);
            live.advance().unwrap();
            live.labelled(None).unwrap().unwrap().1
        };
        let (base, head) = (commit("a: 1"), commit("a: 2\nb: ${own}"));
        let questions = touched(&base, &head);
        assert_eq!(questions.len(), 301, "and any other application");
        let alone = group(&questions, &compare(&base, &head, &questions));
        let together = compare_all(&base, &head, &questions);
        assert_eq!(format!("{together:?}"), format!("{alone:?}"));
        assert_eq!(together.groups.len(), 302, "one change for all, and one for each, and for any other application");
    }
}
