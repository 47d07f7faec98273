//! Which older commit answers an address whose files are broken: the newest one along first parents where it is whole.
//!
//! A function of the tip alone, so that replicas and restarts decide alike; only where no such commit is found, what was
//! last served stands in. An answer that lacks a file of the tip looks whole and is not, so nothing is looked for behind the
//! commit that brought such a file. Faults that no commit is to blame for, such as a key that is missing, search no history.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::answer::{self, AnswerError};
use crate::config::address::Address;
use crate::config::problem::Problem;
use crate::config::tree::CommitId;
use crate::snapshot::{Snapshot, is_of_settings};
use crate::source::ReadError;
use crate::source::mirror::history::Parent;

use super::past::{Files, Past, SoughtFiles};

/// How many commits are looked at before an address is given up.
pub const FURTHEST: u32 = 200;

/// How many addresses that the repository does not name are remembered with what answers them.
const MOST_OTHERS: usize = 10_000;

/// An older commit that answers an address.
#[derive(Debug, Clone)]
pub struct Pin {
    /// The commit, with at least the files that the address selects.
    pub snapshot: Arc<Snapshot>,
    /// How many first parents back it is; `None`: it is what was last served, and no such parent.
    pub depth: Option<u32>,
    /// What is wrong with the files that would answer now, on one line.
    pub reason: Arc<str>,
}

/// An application with its profiles.
pub type Asked = (Arc<str>, Vec<Arc<str>>);

/// The pins of one label at one commit.
#[derive(Debug, Default)]
pub struct Pins {
    /// The addresses that the repository names and that are broken; `None`: nothing older answers them either.
    known: BTreeMap<Asked, Option<Pin>>,
    /// Others, as they were asked for.
    others: Mutex<HashMap<Asked, Option<Pin>>>,
    /// What answers every other address as well, because it cannot be known how the commit is read.
    whole: Option<Pin>,
}

impl Pins {
    /// What answers a broken address; `None` if that was not found out yet.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<Option<Pin>> {
        let asked = asked(address);
        let known = self.known.get(&asked).or(self.others().get(&asked)).cloned();
        known.or_else(|| self.whole.clone().map(Some))
    }

    /// Remembers what answers an address that the repository does not name.
    pub fn add(&self, address: &Address, pin: Option<Pin>) {
        let mut others = self.others();
        if others.len() < MOST_OTHERS {
            others.insert(asked(address), pin);
        }
    }

    /// The addresses that the repository names and that an older commit answers.
    pub fn known(&self) -> impl Iterator<Item = (&Asked, &Pin)> {
        self.known.iter().filter_map(|(asked, pin)| Some((asked, pin.as_ref()?)))
    }

    /// The older commit that answers everybody, because of this one it cannot be known how it is read.
    #[must_use]
    pub fn whole(&self) -> Option<&Pin> {
        self.whole.as_ref()
    }

    /// True if every address that the repository names is whole.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.whole.is_none()
    }

    fn others(&self) -> MutexGuard<'_, HashMap<Asked, Option<Pin>>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn asked(address: &Address) -> Asked {
    (Arc::clone(&address.application), address.profiles.clone())
}

/// What a label served before, and what is known of its history.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// The same, to be held on to.
    pub held: &'a Arc<Snapshot>,
    /// Its pins.
    pub pins: &'a Pins,
}

/// A broken address, and why it is.
struct Broken {
    address: Address,
    problems: Vec<Problem>,
    /// The files that the newest commit has for the address.
    files: BTreeSet<Arc<str>>,
}

impl Broken {
    /// The address, if a snapshot has no answer to it.
    fn find(snapshot: &Snapshot, address: Address) -> Option<Self> {
        match answer::whole(snapshot, &address) {
            Err(AnswerError::Broken(problems)) => {
                let files = answer::files(snapshot, &address);
                Some(Self { address, problems, files })
            }
            Ok(_) | Err(AnswerError::TooLarge(_) | AnswerError::NoKey { .. } | AnswerError::Unwritable(_)) => None,
        }
    }

    fn is_of_settings(&self) -> bool {
        self.problems.iter().all(|problem| is_of_settings(problem.code))
    }

    fn reason(&self) -> Arc<str> {
        let first = self.problems.first();
        let told =
            first.map(|first| format!("{}:{}:{}: {}", first.file, first.at.line, first.at.column, first.message));
        Arc::from(told.unwrap_or_default())
    }

    /// True if a commit has every file that the newest one has for the address.
    fn has_its_files_in(&self, files: &Files) -> bool {
        self.files.iter().all(|path| files.has(path))
    }

    /// The same of a snapshot.
    fn has_its_files(&self, snapshot: &Snapshot) -> bool {
        self.files.iter().all(|path| snapshot.at_path(path).is_some())
    }

    /// True if a snapshot that is not found by going back may stand in for the newest commit.
    fn may_be_answered_by(&self, snapshot: &Snapshot) -> bool {
        self.has_its_files(snapshot) && answer::whole(snapshot, &self.address).is_ok()
    }

    fn pinned(&self, snapshot: &Arc<Snapshot>, depth: Option<u32>) -> Pin {
        Pin { snapshot: Arc::clone(snapshot), depth, reason: self.reason() }
    }
}

/// The addresses that no commit was found for so far.
struct Left {
    /// An older one may answer them.
    faulty: Vec<Broken>,
    /// One of their files came with a commit that was looked at and was never whole since. No commit before it answers.
    new: Vec<Broken>,
    /// The settings of this server keep the commit from answering that would. To pass over it would let a missing key
    /// decide what is served, so nothing but what is in memory stands in.
    closed: Vec<Broken>,
}

impl Left {
    /// Looks no further for addresses of which a commit lacks a file that the newest one has.
    fn stop_at(&mut self, has_its_files: impl Fn(&Broken) -> bool) {
        let (faulty, new) = mem::take(&mut self.faulty).into_iter().partition(has_its_files);
        self.faulty = faulty;
        self.new.extend::<Vec<Broken>>(new);
    }

    /// Looks no further for addresses that nothing but the settings keeps a snapshot from answering.
    fn close(&mut self, snapshot: &Snapshot) {
        let is_closed = |broken: &Broken| {
            Broken::find(snapshot, broken.address.clone()).is_some_and(|found| found.is_of_settings())
        };
        let (closed, faulty) = mem::take(&mut self.faulty).into_iter().partition(is_closed);
        self.faulty = faulty;
        self.closed.extend::<Vec<Broken>>(closed);
    }
}

/// Looks for older commits of one source.
pub struct Search<'a> {
    /// Reads the commits.
    pub(super) past: Past<'a>,
    /// What the label served before.
    pub(super) before: Option<Before<'a>>,
    /// The commit of the label that was whole the last time, from an earlier run perhaps.
    pub(super) good: Option<CommitId>,
}

impl Search<'_> {
    /// The pins of all addresses that a snapshot names and has no answer to. What cannot be read pins nothing.
    pub fn known(&mut self, snapshot: &Snapshot) -> Pins {
        if snapshot.own.is_broken() {
            return self.readable(snapshot);
        }
        let broken = snapshot.known_addresses().filter_map(|address| Broken::find(snapshot, address)).collect();
        Pins { known: self.pins(snapshot.commit, broken), others: Mutex::default(), whole: None }
    }

    /// The newest commit before one that does not say how it is read, for everybody.
    fn readable(&mut self, snapshot: &Snapshot) -> Pins {
        let fault = snapshot.own.faults().into_iter().next();
        let reason =
            fault.map(|fault| format!("{}:{}:{}: {}", fault.file, fault.at.line, fault.at.column, fault.message));
        let reason: Arc<str> = Arc::from(reason.unwrap_or_default());
        let pin = |snapshot, depth| Pin { snapshot, depth, reason: Arc::clone(&reason) };
        let mut found = None;
        let mut next = snapshot.commit;
        for depth in 1..=FURTHEST {
            let Ok(Some(parent)) = self.parent(next) else { break };
            next = parent;
            if self.past.is_readable(parent).unwrap_or(false) {
                found = self.past.whole(parent).ok().map(|snapshot| pin(snapshot, Some(depth)));
                break;
            }
        }
        let held = self.before.and_then(|before| match before.pins.whole() {
            Some(whole) => Some(pin(Arc::clone(&whole.snapshot), None)),
            None => (!before.snapshot.own.is_broken()).then(|| pin(Arc::clone(before.held), None)),
        });
        let whole = found.or(held).or_else(|| {
            let good = self.past.whole(self.good?).ok()?;
            (!good.own.is_broken()).then(|| pin(good, None))
        });
        let addresses = whole.iter().flat_map(|pin| pin.snapshot.known_addresses());
        let known = addresses.map(|address| (asked(&address), whole.clone())).collect();
        Pins { known, others: Mutex::default(), whole }
    }

    /// The pin of one address.
    pub fn one(&mut self, snapshot: &Snapshot, address: &Address) -> Option<Pin> {
        let broken = Broken::find(snapshot, address.clone())?;
        self.pins(snapshot.commit, vec![broken]).into_values().next().flatten()
    }

    fn pins(&mut self, tip: CommitId, broken: Vec<Broken>) -> BTreeMap<Asked, Option<Pin>> {
        let mut pins = BTreeMap::new();
        let (closed, faulty): (Vec<_>, Vec<_>) = broken.into_iter().partition(Broken::is_of_settings);
        let mut left = Left { faulty, closed, new: Vec::new() };
        self.walk(tip, &mut left, &mut pins);
        for broken in left.closed {
            let pin = self.in_memory(&broken);
            pins.insert(asked(&broken.address), pin);
        }
        for broken in left.faulty {
            let pin = self.in_memory(&broken).or_else(|| self.remembered(&broken));
            pins.insert(asked(&broken.address), pin);
        }
        let mut known = HashMap::new();
        for broken in left.new {
            let found = [self.in_memory(&broken), self.remembered(&broken)];
            let mut found = found.into_iter().flatten();
            let pin = found.find(|pin| !self.leads_to(tip, pin.snapshot.commit, &mut known));
            pins.insert(asked(&broken.address), pin);
        }
        pins
    }

    /// True if a commit is in the history of the tip, so that it is older than a file that the history brought since.
    fn leads_to(&mut self, tip: CommitId, commit: CommitId, known: &mut HashMap<CommitId, bool>) -> bool {
        // What cannot be found out is no reason to serve less than there is.
        *known.entry(commit).or_insert_with(|| self.past.reader.is_reachable(commit, &[tip]).unwrap_or(true))
    }

    /// Goes back from the tip until every address is found whole; those that are not are left.
    fn walk(&mut self, tip: CommitId, left: &mut Left, pins: &mut BTreeMap<Asked, Option<Pin>>) {
        let mut wanted = SoughtFiles::new(left.faulty.iter().map(|broken| &broken.address));
        let (mut next, mut known) = (tip, None);
        for depth in 1..=FURTHEST {
            if left.faulty.is_empty() {
                break;
            }
            let Ok(Some(parent)) = self.parent(next) else { break };
            next = parent;
            if let Some(before) = self.before.filter(|before| before.snapshot.commit == parent) {
                left.stop_at(|broken| broken.has_its_files(before.snapshot));
                left.faulty = resume(before, depth, mem::take(&mut left.faulty), pins);
                left.close(before.snapshot);
                known = None;
                continue;
            }
            let Ok(files) = self.past.files(parent, &mut wanted) else { break };
            if known.as_ref() == Some(&files) {
                continue;
            }
            left.stop_at(|broken| broken.has_its_files_in(&files));
            let Ok(snapshot) = self.past.snapshot(parent, &files) else { break };
            known = Some(files);
            left.faulty.retain(|broken| {
                let is_whole = answer::whole(&snapshot, &broken.address).is_ok();
                if is_whole {
                    pins.insert(asked(&broken.address), Some(broken.pinned(&snapshot, Some(depth))));
                }
                !is_whole
            });
            left.close(&snapshot);
        }
    }

    /// What this run last served for an address.
    fn in_memory(&self, broken: &Broken) -> Option<Pin> {
        let before = self.before?;
        if answer::whole(before.snapshot, &broken.address).is_ok() {
            return broken.has_its_files(before.snapshot).then(|| broken.pinned(before.held, None));
        }
        let pin = before.pins.get(&broken.address)??;
        broken.may_be_answered_by(&pin.snapshot).then(|| broken.pinned(&pin.snapshot, None))
    }

    /// What the commit has for an address that was whole the last time, perhaps in an earlier run.
    fn remembered(&mut self, broken: &Broken) -> Option<Pin> {
        let good = self.good?;
        let files = self.past.files(good, &mut SoughtFiles::new(std::iter::once(&broken.address))).ok()?;
        let snapshot = self.past.snapshot(good, &files).ok()?;
        broken.may_be_answered_by(&snapshot).then(|| broken.pinned(&snapshot, None))
    }

    fn parent(&mut self, commit: CommitId) -> Result<Option<CommitId>, ReadError> {
        let about = self.past.reader.about(commit)?;
        Ok(about.and_then(|about| if let Parent::Commit(parent) = about.parent { Some(parent) } else { None }))
    }
}

/// Goes on from what was found out for an ancestor; those are left that nothing was found out about.
fn resume(before: Before<'_>, depth: u32, wanted: Vec<Broken>, pins: &mut BTreeMap<Asked, Option<Pin>>) -> Vec<Broken> {
    let mut left = Vec::new();
    for broken in wanted {
        if answer::whole(before.snapshot, &broken.address).is_ok() {
            pins.insert(asked(&broken.address), Some(broken.pinned(before.held, Some(depth))));
            continue;
        }
        let found = before.pins.get(&broken.address).flatten();
        let further = found.and_then(|pin| Some((pin.depth? + depth, pin)));
        match further.filter(|(depth, _)| *depth <= FURTHEST) {
            Some((depth, pin)) => {
                drop(pins.insert(asked(&broken.address), Some(broken.pinned(&pin.snapshot, Some(depth)))));
            }
            None => left.push(broken),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fake::Fake;
    use super::super::live::Live;
    use super::*;

    const GOOD: &str = "a: 1";
    const BAD: &str = "a: [";

    /// The commit that answers an application on `main` with `+` if it is an older one; the first problem if none does.
    fn told(live: &Live, application: &str) -> String {
        let address = Address::parse(application, None, None).unwrap();
        let table = live.table();
        let loaded = &table.loaded["main"];
        let pin = match answer::whole(&loaded.snapshot, &address) {
            Ok(_) => return loaded.snapshot.commit.0[0].to_string(),
            Err(_) => live.pin("main", loaded, &address).unwrap(),
        };
        pin.map_or_else(|| "none".to_owned(), |pin| format!("+{} {}", pin.snapshot.commit.0[0], pin.reason))
    }

    fn advance(live: &Live) {
        live.advance().unwrap();
    }

    #[test]
    fn an_address_stays_at_the_newest_commit_where_it_is_whole_and_others_move_on() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", GOOD), ("order.yml", GOOD)]);
        fake.commit("main", &[("user.yml", "a: 2")]);
        fake.commit("main", &[("user.yml", BAD)]);
        fake.commit("main", &[("order.yml", "a: 2")]);
        for live in [fake.live(None, 64), fake.live(None, 64)] {
            advance(&live);
            assert_eq!(told(&live, "user"), "+2 user.yml:1:4: a bracket is not closed");
            assert_eq!(told(&live, "order"), "4");
            assert_eq!(live.table().loaded["main"].pins.known().count(), 1);
        }
        let live = fake.live(None, 64);
        advance(&live);
        fake.commit("main", &[("user.yml", "a: 5")]);
        advance(&live);
        assert_eq!(told(&live, "user"), "5", "a later good commit frees it");
    }

    #[test]
    fn a_broken_shared_file_holds_everybody_and_a_broken_profile_those_who_ask_for_it() {
        let fake = Fake::new();
        fake.commit("main", &[("application.yml", GOOD), ("user.yml", GOOD)]);
        fake.commit("main", &[("application-dev.yml", BAD)]);
        let live = fake.live(None, 64);
        advance(&live);
        let pins = |live: &Live| {
            let table = live.table();
            let known = table.loaded["main"].pins.known().map(|((application, profiles), pin)| {
                format!("{application}/{} {}", profiles.join(","), pin.snapshot.commit.0[0])
            });
            known.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(pins(&live), "", "a file that was never whole leads to no commit that does not have it");
        fake.commit("main", &[("application-dev.yml", GOOD)]);
        fake.commit("main", &[("application-dev.yml", BAD)]);
        advance(&live);
        assert_eq!(pins(&live), "user/dev 3");
        fake.commit("main", &[("application.yml", BAD)]);
        advance(&live);
        assert_eq!(pins(&live), "user/default 4 user/dev 3");
        assert!(told(&live, "anybody").starts_with("+4 application.yml"), "{}", told(&live, "anybody"));
    }

    #[test]
    fn no_commit_answers_that_lacks_a_file_of_the_newest_one() {
        let fake = Fake::new();
        let running = fake.live(None, 64);
        let told = |application: &str| {
            let restarted = fake.live(None, 64);
            advance(&running);
            advance(&restarted);
            assert_eq!(told(&running, application), told(&restarted, application), "a restart decides alike");
            told(&running, application)
        };
        fake.commit("main", &[("application.yml", GOOD)]);
        assert_eq!(told("pay"), "1");
        fake.commit("main", &[("pay.yml", BAD)]);
        assert_eq!((told("pay"), told("other")), ("none".to_owned(), "2".to_owned()), "a new service");
        fake.commit("main", &[("pay.yml", GOOD)]);
        fake.commit("main", &[("pay.yml", BAD)]);
        assert_eq!(told("pay"), "+3 pay.yml:1:4: a bracket is not closed");
        fake.commit("main", &[("pay/application.yml", GOOD)]);
        assert_eq!(told("pay"), "none", "the file that is whole is missing in the older commit as well");
        fake.commit("main", &[("pay/application.yml", "")]);
        assert_eq!(told("pay"), "+3 pay.yml:1:4: a bracket is not closed", "it is gone again");
        fake.commit("main", &[("pay.yml", "")]);
        fake.commit("main", &[("pay.yml", BAD)]);
        assert_eq!(told("pay"), "none", "what stood at its path before it was deleted is another file");
        fake.commit("main", &[("pay.yml", GOOD), ("application.yml", BAD)]);
        assert_eq!(told("pay"), "none");
        assert!(told("other").starts_with("+8 application.yml"), "{}", told("other"));
    }

    #[test]
    fn what_was_last_served_stands_in_only_with_every_file_of_the_newest_commit() {
        let fake = Fake::new();
        fake.commit("main", &[("application.yml", GOOD), ("user.yml", GOOD)]);
        let live = fake.live(None, 64);
        advance(&live);
        let rewritten = [("application.yml", BAD), ("user.yml", GOOD), ("pay.yml", GOOD)];
        fake.point("main", fake.orphan(&rewritten));
        let restarted = fake.live(None, 64);
        for live in [live, restarted] {
            advance(&live);
            assert!(told(&live, "user").starts_with("+1 application.yml:1:4"), "{}", told(&live, "user"));
            assert_eq!(told(&live, "pay"), "none", "the last good commit has nothing of its own for it");
        }
    }

    #[test]
    fn what_was_found_out_before_is_not_found_out_again_and_the_distance_counts() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", GOOD)]);
        let live = fake.live(None, 64);
        advance(&live);
        fake.commit("main", &[("user.yml", BAD)]);
        advance(&live);
        for number in 0..FURTHEST - 2 {
            fake.commit("main", &[("other.yml", &format!("b: {}", number % 7))]);
            if number % 50 == 0 {
                advance(&live);
            }
        }
        advance(&live);
        let depth = |live: &Live| {
            let table = live.table();
            table.loaded["main"].pins.known().next().map(|(_, pin)| (pin.snapshot.commit.0[0], pin.depth))
        };
        assert_eq!(depth(&live), Some((1, Some(FURTHEST - 1))));
        let restarted = fake.live(None, 64);
        advance(&restarted);
        assert_eq!(depth(&restarted), depth(&live), "a restart decides alike");
        fake.commit("main", &[("other.yml", "b: 8")]);
        fake.commit("main", &[("other.yml", "b: 9")]);
        advance(&live);
        assert_eq!(depth(&live), Some((1, None)), "too far for history, and still what was last served");
        let restarted = fake.live(None, 64);
        advance(&restarted);
        assert_eq!(depth(&restarted), Some((1, None)), "the last good commit is remembered");
    }

    #[test]
    fn a_rewritten_branch_falls_back_to_what_was_last_served() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", GOOD)]);
        let live = fake.live(None, 64);
        advance(&live);
        let other = fake.orphan(&[("user.yml", BAD), ("order.yml", "a: 2")]);
        fake.point("main", other);
        advance(&live);
        assert_eq!(told(&live, "user"), "+1 user.yml:1:4: a bracket is not closed");
        assert_eq!(told(&live, "order"), "2");
        let restarted = fake.live(None, 64);
        advance(&restarted);
        assert_eq!(told(&restarted, "user"), told(&live, "user"));
    }

    #[test]
    fn without_any_whole_commit_the_problems_are_the_answer() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", BAD), ("order.yml", GOOD)]);
        fake.commit("main", &[("order.yml", "a: 2")]);
        let live = fake.live(None, 64);
        advance(&live);
        assert_eq!((told(&live, "user").as_str(), told(&live, "order").as_str()), ("none", "2"));
    }

    #[test]
    fn a_commit_from_before_a_file_came_answers_neither_from_memory_nor_after_a_restart() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", GOOD)]);
        let live = fake.live(None, 64);
        advance(&live);
        // Between two fetches the file went and came back broken.
        fake.commit("main", &[("user.yml", ""), ("order.yml", GOOD)]);
        fake.commit("main", &[("user.yml", BAD)]);
        advance(&live);
        let restarted = fake.live(None, 64);
        advance(&restarted);
        assert_eq!((told(&live, "user").as_str(), told(&restarted, "user").as_str()), ("none", "none"));
    }

    #[test]
    fn tags_never_fall_back() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", GOOD)]);
        let broken = fake.commit("main", &[("user.yml", BAD)]);
        fake.tag("v1", broken);
        let live = fake.live(None, 64);
        advance(&live);
        let loaded = live.load(&Arc::from("v1")).unwrap().unwrap();
        assert!(loaded.pins.is_empty());
        let address = Address::parse("user", None, None).unwrap();
        assert!(live.pin("v1", &loaded, &address).unwrap().is_none());
    }

    #[test]
    fn a_limit_searches_no_history_and_leaves_the_last_answer_in_memory() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", GOOD)]);
        let live = fake.live(None, 64);
        advance(&live);
        fake.commit("main", &[("user.yml", &format!("a: {}1{}", "[".repeat(100), "]".repeat(100)))]);
        advance(&live);
        assert!(told(&live, "user").starts_with("+1 user.yml:1:"), "{}", told(&live, "user"));
        assert_eq!(live.table().loaded["main"].pins.known().next().unwrap().1.depth, None);
        // Another run has nothing in memory, and knowing a good commit is no reason to serve an older one.
        let restarted = fake.live(None, 64);
        advance(&restarted);
        assert_eq!(told(&restarted, "user"), "none");
    }

    #[test]
    fn a_commit_that_a_limit_keeps_from_answering_is_not_passed_over() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", GOOD)]);
        let live = fake.live(None, 64);
        advance(&live);
        for text in [format!("a: {}1{}", "[".repeat(100), "]".repeat(100)).as_str(), BAD, "b: ["] {
            fake.commit("main", &[("user.yml", text)]);
            advance(&live);
            assert!(told(&live, "user").starts_with("+1 user.yml:1:"), "{}", told(&live, "user"));
            let restarted = fake.live(None, 64);
            advance(&restarted);
            assert_eq!(told(&restarted, "user"), "none");
        }
    }
}
