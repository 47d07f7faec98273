//! Answers that were spelled before, kept by what they were made of, so that nothing is merged or written twice.
//!
//! Two bounded caches: from commit and address to the fingerprint of the selection, and from fingerprint and spelling to
//! the bytes. A commit that does not touch an address finds the old bytes again, and all profiles that no file knows
//! share one entry.

use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::answer::{self, AnswerError, Fingerprint, Spelled, Spelling};
use crate::config::address::Address;
use crate::config::semantics::Semantics;
use crate::config::tree::CommitId;
use crate::snapshot::Stamp;

use super::{Chosen, Part};

/// What an entry costs besides the bytes that it holds: keys, pointers and the cache's own books.
const OVERHEAD: u64 = 256;

/// Answers by what they were made of.
#[derive(Debug)]
pub struct Memo {
    fingerprints: Cache<Asked, Fingerprint, Weigh>,
    spelled: Cache<Written, Arc<Spelled>, Weigh>,
    parts: Cache<OfProtocol, Arc<Spelled>, Weigh>,
}

/// What a protocol wrote for an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct OfProtocol(Asked, Option<Arc<str>>, &'static str);

/// A snapshot: two entries may read one commit in two ways, and other keys open other values.
type Made = (usize, CommitId, Stamp);

/// Snapshots and an address whose label is left out of account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    first: Made,
    others: Vec<Made>,
    /// The label, where it has a say in what is searched.
    label: Option<Arc<str>>,
    application: Arc<str>,
    profiles: Vec<Arc<str>>,
}

#[derive(Hash)]
struct AskedRef<'a> {
    first: Made,
    others: Vec<Made>,
    label: Option<Arc<str>>,
    application: &'a Arc<str>,
    profiles: &'a Vec<Arc<str>>,
}

/// A selection and the spelling that it was written in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Written(Fingerprint, Spelling);

#[derive(Hash)]
struct WrittenRef<'a>(Fingerprint, &'a Spelling);

#[derive(Debug, Clone)]
struct Weigh;

impl Memo {
    /// A memo of about `bytes` bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        // An eighth for fingerprints: they are small, and without them the bytes are not found.
        let items = |bytes: u64| usize::try_from(bytes / 1024).unwrap_or(usize::MAX).max(16);
        let (fingerprints, parts) = (bytes / 8, bytes / 4);
        let spelled = bytes - fingerprints - parts;
        Self {
            fingerprints: Cache::with_weighter(items(fingerprints), fingerprints, Weigh),
            spelled: Cache::with_weighter(items(spelled), spelled, Weigh),
            parts: Cache::with_weighter(items(parts), parts, Weigh),
        }
    }

    /// The answer of what was chosen to an address in a spelling.
    ///
    /// # Errors
    /// As [`Chosen::whole`] and [`answer::spell`]; errors are not kept.
    pub fn answer(&self, chosen: &Chosen, address: &Address, spelling: &Spelling) -> Result<Arc<Spelled>, AnswerError> {
        let asked = AskedRef::new(chosen, address);
        if let Some(fingerprint) = self.fingerprints.get(&asked)
            && let Some(spelled) = self.spelled.get(&WrittenRef(fingerprint, spelling))
        {
            return Ok(spelled);
        }
        let selection = chosen.whole(address)?;
        self.fingerprints.insert(asked.into_owned(), selection.fingerprint);
        let key = Written(selection.fingerprint, spelling.clone());
        if let Some(spelled) = self.spelled.get(&key) {
            return Ok(spelled);
        }
        let spelled = Arc::new(answer::spell(&selection, spelling)?);
        self.spelled.insert(key, Arc::clone(&spelled));
        Ok(spelled)
    }

    /// True if nothing is wrong with what a part alone answers to an address; found out once.
    #[must_use]
    pub fn is_whole(&self, part: &Part, address: &Address) -> bool {
        let Address { application, profiles, .. } = address;
        let asked = AskedRef { first: made(part), others: Vec::new(), label: label(part), application, profiles };
        if self.fingerprints.contains_key(&asked) {
            return true;
        }
        let whole = Chosen { first: part.clone(), others: Vec::new() }.whole(address);
        whole.is_ok_and(|selection| {
            self.fingerprints.insert(asked.into_owned(), selection.fingerprint);
            true
        })
    }

    /// What a protocol writes of what was chosen for an address: as it was written before under that name, else made
    /// now. Unlike [`Memo::answer`] it is made anew for each commit.
    ///
    /// # Errors
    /// Those of `make`; they are not kept.
    pub fn keep<E>(
        &self,
        (chosen, address): (&Chosen, &Address),
        name: &'static str,
        make: impl FnOnce() -> Result<Spelled, E>,
    ) -> Result<Arc<Spelled>, E> {
        let asked = AskedRef::new(chosen, address).into_owned();
        let key = OfProtocol(asked, address.label.clone(), name);
        if let Some(part) = self.parts.get(&key) {
            return Ok(part);
        }
        let part = Arc::new(make()?);
        self.parts.insert(key, Arc::clone(&part));
        Ok(part)
    }

    /// Bytes that the memo holds, by its own count.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.fingerprints.weight() + self.spelled.weight() + self.parts.weight()
    }
}

/// Under Spring's semantics search paths may hold the label, so that two labels of one commit are two questions.
fn label(part: &Part) -> Option<Arc<str>> {
    (part.snapshot.semantics == Semantics::Spring).then(|| Arc::clone(&part.label))
}

fn made(part: &Part) -> Made {
    (part.entry, part.snapshot.commit, part.snapshot.stamp)
}

impl<'a> AskedRef<'a> {
    fn new(chosen: &Chosen, address: &'a Address) -> Self {
        let Address { application, profiles, .. } = address;
        let (first, others) = (made(&chosen.first), chosen.others.iter().map(made).collect());
        Self { first, others, label: label(&chosen.first), application, profiles }
    }

    fn into_owned(self) -> Asked {
        let (application, profiles) = (Arc::clone(self.application), self.profiles.clone());
        Asked { first: self.first, others: self.others, label: self.label, application, profiles }
    }
}

impl Equivalent<Asked> for AskedRef<'_> {
    fn equivalent(&self, asked: &Asked) -> bool {
        (self.first, &self.others, &self.label) == (asked.first, &asked.others, &asked.label)
            && *self.application == asked.application
            && *self.profiles == asked.profiles
    }
}

impl Equivalent<Written> for WrittenRef<'_> {
    fn equivalent(&self, written: &Written) -> bool {
        self.0 == written.0 && *self.1 == written.1
    }
}

impl Weighter<Asked, Fingerprint> for Weigh {
    fn weight(&self, asked: &Asked, _: &Fingerprint) -> u64 {
        let names = asked.profiles.iter().map(|profile| profile.len() + 16).sum::<usize>() + asked.application.len();
        OVERHEAD + (names + asked.others.len() * size_of::<Made>()) as u64
    }
}

impl Weighter<OfProtocol, Arc<Spelled>> for Weigh {
    fn weight(&self, OfProtocol(asked, ..): &OfProtocol, spelled: &Arc<Spelled>) -> u64 {
        Weighter::<Asked, Fingerprint>::weight(self, asked, &Fingerprint::default())
            + (spelled.body.len() + spelled.etag.len()) as u64
    }
}

impl Weighter<Written, Arc<Spelled>> for Weigh {
    fn weight(&self, Written(_, spelling): &Written, spelled: &Arc<Spelled>) -> u64 {
        let key = spelling.key.as_ref().map_or(0, |key| key.len());
        OVERHEAD + (key + spelled.body.len() + spelled.etag.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    /// What `fake` has on `main` now.
    fn chosen(fake: &Fake, entry: usize) -> Chosen {
        let live = fake.live(None, 64);
        live.advance().unwrap();
        let snapshot = Arc::clone(&live.table().loaded["main"].snapshot);
        let mut chosen = Chosen::alone(Arc::from("main"), snapshot);
        chosen.first.entry = entry;
        chosen
    }

    fn ask(memo: &Memo, chosen: &Chosen, application: &str, profiles: &str) -> Arc<Spelled> {
        let address = Address::parse(application, Some(profiles), None).unwrap();
        memo.answer(chosen, &address, &Spelling::default()).unwrap()
    }

    #[test]
    fn a_commit_that_does_not_touch_an_address_leaves_its_bytes_alone() {
        let (fake, memo) = (Fake::new(), Memo::new(1 << 20));
        fake.commit("main", &[("application.yml", "a: 1"), ("user.yml", "b: 2"), ("order.yml", "c: 3")]);
        let before = chosen(&fake, 0);
        let (user, order) = (ask(&memo, &before, "user", "x"), ask(&memo, &before, "order", "x"));
        assert!(Arc::ptr_eq(&user, &ask(&memo, &before, "user", "x")));
        fake.commit("main", &[("order.yml", "c: 4")]);
        let after = chosen(&fake, 0);
        assert!(Arc::ptr_eq(&user, &ask(&memo, &after, "user", "x")));
        assert_eq!(&*ask(&memo, &after, "order", "x").body, b"{\"a\":1,\"c\":4}");
        assert_eq!(&*order.body, b"{\"a\":1,\"c\":3}");
    }

    #[test]
    fn profiles_that_no_file_knows_share_one_entry() {
        let (fake, memo) = (Fake::new(), Memo::new(1 << 20));
        fake.commit("main", &[("application.yml", "a: 1"), ("application-known.yml", "a: 2")]);
        let chosen = chosen(&fake, 0);
        let unknown = ask(&memo, &chosen, "user", "unknown");
        assert!(Arc::ptr_eq(&unknown, &ask(&memo, &chosen, "user", "other,unknown")));
        assert!(Arc::ptr_eq(&unknown, &ask(&memo, &chosen, "nobody", "default")));
        assert!(!Arc::ptr_eq(&unknown, &ask(&memo, &chosen, "user", "known")));
        assert_eq!(memo.spelled.len(), 2);
    }

    #[test]
    fn one_commit_in_two_sources_is_two_answers() {
        let (one, two, memo) = (Fake::new(), Fake::new(), Memo::new(1 << 20));
        one.commit("main", &[("a.yml", "a: 1")]);
        two.commit("main", &[("a.yml", "a: 2")]);
        assert_eq!(&*ask(&memo, &chosen(&one, 0), "a", "x").body, b"{\"a\":1}");
        assert_eq!(&*ask(&memo, &chosen(&two, 1), "a", "x").body, b"{\"a\":2}");
    }

    #[test]
    fn equal_bytes_in_two_formats_are_two_answers() {
        let (fake, memo) = (Fake::new(), Memo::new(1 << 20));
        fake.commit("main", &[("one.yml", "a: 1"), ("two.properties", "a: 1")]);
        let chosen = chosen(&fake, 0);
        assert_eq!(&*ask(&memo, &chosen, "one", "x").body, b"{\"a\":1}");
        assert_eq!(&*ask(&memo, &chosen, "two", "x").body, b"{\"a\":\"1\"}");
    }

    #[test]
    fn a_broken_file_is_told_each_time_and_spellings_are_kept_apart() {
        let (fake, memo) = (Fake::new(), Memo::new(1 << 20));
        fake.commit("main", &[("a.yml", "a: ["), ("b.yml", "b: {c: 1}")]);
        let chosen = chosen(&fake, 0);
        let address = Address::parse("a", None, None).unwrap();
        for _ in 0..2 {
            let answer = memo.answer(&chosen, &address, &Spelling::default());
            assert!(matches!(answer, Err(AnswerError::Broken(_))));
        }
        let address = Address::parse("b", None, None).unwrap();
        let spelling = Spelling { key: Some(Arc::from("b")), ..Spelling::default() };
        assert_eq!(&*memo.answer(&chosen, &address, &spelling).unwrap().body, b"{\"c\":1}");
        assert_eq!(&*ask(&memo, &chosen, "b", "default").body, b"{\"b\":{\"c\":1}}");
    }

    #[test]
    fn an_answer_that_breaks_an_enforced_schema_is_not_given_though_its_bytes_are_known() {
        let (fake, memo) = (Fake::new(), Memo::new(1 << 20));
        fake.commit(
            "main",
            &[("one.yml", "a: 1"), ("two/two.yml", "b: 1"), ("two/schema.json", r#"{"required": ["a"]}"#)],
        );
        let mut chosen = chosen(&fake, 0);
        let address = Address::parse("two", None, None).unwrap();
        let given = memo.answer(&chosen, &address, &Spelling::default()).unwrap();
        assert_eq!(&*given.body, b"{\"b\":1}");
        chosen.first.entry = 1;
        chosen.first.snapshot = fake.enforcing("main");
        for _ in 0..2 {
            let Err(AnswerError::Broken(problems)) = memo.answer(&chosen, &address, &Spelling::default()) else {
                panic!()
            };
            assert_eq!(problems[0].message, "`a` is missing for the profile `default`");
        }
        assert_eq!(&*ask(&memo, &chosen, "one", "default").body, b"{\"a\":1}");
    }

    #[test]
    fn what_is_kept_stays_within_its_bound() {
        let (fake, memo) = (Fake::new(), Memo::new(64 << 10));
        fake.commit("main", &[("application.yml", "a: 1")]);
        let chosen = chosen(&fake, 0);
        for number in 0..2000 {
            ask(&memo, &chosen, &format!("application-{number}"), "x");
        }
        assert!(memo.weight() <= 64 << 10, "{}", memo.weight());
    }
}
