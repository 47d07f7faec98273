//! What is live now: the sources being served, their snapshots, and the answers made of them.
//!
//! Floor 4. A request asks [`Store::snapshot`] once and works on that snapshot to its end. This room knows no protocol.

pub mod answers;
pub mod change;
#[cfg(test)]
mod change_model;
mod chosen;
pub mod compare;
pub mod discovered;
#[cfg(test)]
mod fake;
pub mod freshness;
pub mod history;
mod journal;
pub mod live;
pub mod meant;
mod past;
pub mod patterns;
pub mod pin;
#[cfg(test)]
mod pin_model;
pub mod pool;
pub mod refresh;
pub mod report;
pub mod status;
pub mod table;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::access::Permitted;
use crate::answer::{self, AnswerError, Spelled, Spelling};
use crate::config::address::Address;
use crate::config::tree::BlobId;
use crate::snapshot::Secrets;

pub use chosen::{ChooseError, Chosen, Part, Pinned, WouldClose};

use answers::Memo;
use change::Feed;
use discovered::{FindError, Found};
use live::Live;
use patterns::Patterns;
use pin::{Asked, Pin};
use pool::Cold;
use refresh::Handle;
use table::{Loaded, Lookup};

/// The sources being served.
pub struct Store {
    entries: Vec<Entry>,
    memo: Memo,
    cold: Cold,
    secrets: Arc<ArcSwap<Secrets>>,
    feed: Arc<Feed>,
}

/// One entry of the settings' list of sources.
pub struct Entry {
    /// Which addresses it answers.
    pub matches: Patterns,
    /// The entry behind it takes part in its answers, below it.
    pub joins_next: bool,
    /// Where its configuration is.
    pub place: Place,
}

/// Where the configuration of an entry is.
pub enum Place {
    /// In one source.
    One(Served),
    /// In one of those that are found at run time.
    Found(Arc<Found>),
}

/// A source being served, with what asks it to fetch.
#[derive(Clone)]
pub struct Served {
    /// The source.
    pub live: Arc<Live>,
    /// Its loop.
    pub refresh: Handle,
}

/// What the store needs to know of the settings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of spelled answers kept.
    pub answers: u64,
    /// Requests that read Git at once.
    pub cold: usize,
}

impl Store {
    /// A store of entries in the order in which they are tried, whose sources open sealed values with these secrets and
    /// announce their changes in this feed.
    #[must_use]
    pub fn new(entries: Vec<Entry>, secrets: Arc<ArcSwap<Secrets>>, feed: Arc<Feed>, limits: Limits) -> Self {
        Self { entries, memo: Memo::new(limits.answers), cold: Cold::new(limits.cold), secrets, feed }
    }

    /// What answers an address now. Waits only if a label is not in memory, never for a fetch; but for the first fetch of
    /// a source that is found at run time.
    ///
    /// The first entry that matches answers, with those that are joined to it and match as well. One of them that does
    /// not know the label takes part with its default, unless none knows it.
    ///
    /// # Errors
    /// If no entry matches, no part knows the label, or a part cannot be read.
    pub async fn snapshot(&self, address: &Permitted<Address>) -> Result<Chosen, ChooseError> {
        let label = address.label.as_deref();
        let mut rest = self.answering(address).map(|index| (index, &self.entries[index])).peekable();
        let (index, entry) = rest.next().ok_or(ChooseError::NoSource)?;
        let is_alone = rest.peek().is_none();
        let first = self.whole((index, &entry.served(address).await?.live), label, address, is_alone).await;
        if is_alone {
            return Ok(Chosen { first: first?, others: Vec::new() });
        }
        let mut parts = vec![(index, entry, first)];
        for (index, entry) in rest {
            let part = self.whole((index, &entry.served(address).await?.live), label, address, false).await;
            parts.push((index, entry, part));
        }
        let is_known = parts.iter().any(|(_, _, part)| part.is_ok());
        let mut chosen = Vec::with_capacity(parts.len());
        for (index, entry, part) in parts {
            chosen.push(match part {
                Err(ChooseError::UnknownLabel(_)) if is_known => {
                    self.whole((index, &entry.served(address).await?.live), None, address, false).await?
                }
                part => part?,
            });
        }
        let first = chosen.remove(0);
        Ok(Chosen { first, others: chosen })
    }

    /// The name of the label that answers an address: the one asked for, or the default of the first source that matches;
    /// `None` if that source is yet to be found, or has no label.
    #[must_use]
    pub fn label_of(&self, address: &Address) -> Option<Arc<str>> {
        if let Some(label) = &address.label {
            return Some(Arc::clone(label));
        }
        let entry = &self.entries[self.answering(address).next()?];
        match &entry.place {
            Place::One(served) => served.live.default_label(),
            Place::Found(_) => None,
        }
    }

    /// The indexes of the entries that answer an address, strong to weak.
    fn answering(&self, address: &Address) -> impl Iterator<Item = usize> {
        let admits = |entry: &Entry| entry.matches.admit(address);
        let first = self.entries.iter().position(admits).unwrap_or(self.entries.len());
        let joins = self.entries[first..].iter().take_while(|entry| entry.joins_next).count();
        let chain = (first..self.entries.len()).take(joins + 1);
        chain.filter(move |index| admits(&self.entries[*index]))
    }

    /// The snapshot of a label, `None` for the default one, of one source.
    async fn part(&self, entry: usize, live: &Arc<Live>, label: Option<&str>) -> Result<Part, ChooseError> {
        let (label, loaded) = self.loaded(live, label).await?;
        Ok(Part::of(entry, live, label, loaded.snapshot))
    }

    /// The same for an address. If the files that answer it are broken, an older commit where they are not.
    async fn whole(
        &self,
        (entry, live): (usize, &Arc<Live>),
        label: Option<&str>,
        address: &Address,
        is_alone: bool,
    ) -> Result<Part, ChooseError> {
        let (label, loaded) = self.loaded(live, label).await?;
        let part = Part::of(entry, live, Arc::clone(&label), Arc::clone(&loaded.snapshot));
        let is_whole = match is_alone {
            _ if loaded.snapshot.is_clean() => true,
            true => self.memo.is_whole(&part, address),
            // What a schema misses in one part another one may have.
            false => answer::select(&loaded.snapshot, address).is_ok(),
        };
        if is_whole {
            return Ok(part);
        }
        let pin = match loaded.pins.get(address) {
            Some(known) => known,
            None => {
                let (live, label, loaded, address) =
                    (Arc::clone(live), Arc::clone(&label), loaded.clone(), address.clone());
                self.cold.run(move || live.pin(&label, &loaded, &address)).await?
            }
        };
        Ok(match pin {
            Some(pin) => Part { snapshot: pin.snapshot, pinned: Some(pin.reason), ..part },
            None => part,
        })
    }

    async fn loaded(&self, live: &Arc<Live>, label: Option<&str>) -> Result<(Arc<str>, Loaded), ChooseError> {
        let (label, loaded) = match live.look(label) {
            Lookup::Ready(label, loaded) => (label, Some(loaded)),
            Lookup::Cold(label, _) | Lookup::Id(label, _) => (Arc::clone(&label), self.cold.load(live, label).await?),
            Lookup::Unknown => (Arc::from(label.unwrap_or_default()), None),
            Lookup::Stuck(label, reason) => return Err(ChooseError::Stuck(label, reason)),
            Lookup::Empty => return Err(ChooseError::NotReady(Arc::clone(&live.settings.name))),
        };
        let loaded = loaded.ok_or_else(|| ChooseError::UnknownLabel(Arc::clone(&label)))?;
        Ok((label, loaded))
    }

    /// The snapshot of a label, `None` for the default one, of every source that has it. Sources that cannot be read are
    /// left out if others can.
    ///
    /// # Errors
    /// If no source has it: why the first one that could not be read could not, else that it is not known.
    pub async fn everywhere(&self, label: Option<&str>) -> Result<Chosen, ChooseError> {
        let (mut parts, mut failure) = (Vec::new(), None);
        for (index, served) in self.served() {
            match self.part(index, &served.live, label).await {
                Ok(part) => parts.push(part),
                Err(error @ ChooseError::UnknownLabel(_)) => failure = failure.or(Some(error)),
                Err(error) if matches!(failure, None | Some(ChooseError::UnknownLabel(_))) => failure = Some(error),
                Err(_) => {}
            }
        }
        if parts.is_empty() {
            return Err(failure.unwrap_or(ChooseError::NoSource));
        }
        let first = parts.remove(0);
        Ok(Chosen { first, others: parts })
    }

    /// True if the source of a part has a say in the answers about an application in a profile.
    #[must_use]
    pub fn answers_for(&self, part: &Part, application: &Arc<str>, profile: &Arc<str>) -> bool {
        let (application, profiles) = (Arc::clone(application), vec![Arc::clone(profile)]);
        self.answering(&Address { application, profiles, label: None }).any(|index| index == part.entry)
    }

    /// The answer of what was chosen, from memory if it was spelled before.
    ///
    /// # Errors
    /// As [`crate::answer::select`] and [`crate::answer::spell`].
    pub fn answer(&self, chosen: &Chosen, address: &Address, spelling: &Spelling) -> Result<Arc<Spelled>, AnswerError> {
        self.memo.answer(chosen, address, spelling)
    }

    /// What a protocol writes of what was chosen for an address, from memory if it wrote that before under the same name.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn keep<E>(
        &self,
        question: (&Chosen, &Address),
        name: &'static str,
        make: impl FnOnce() -> Result<Spelled, E>,
    ) -> Result<Arc<Spelled>, E> {
        self.memo.keep(question, name, make)
    }

    /// The bytes of a file of a part, read from the local copy.
    ///
    /// # Errors
    /// If too many requests read already, or the local copy cannot be read.
    pub async fn read(&self, part: &Part, blob: BlobId) -> Result<Vec<u8>, ChooseError> {
        let live = part.live.as_ref().ok_or_else(|| ChooseError::NotReady(Arc::from(part.source())))?;
        Ok(self.cold.read(live, blob).await?)
    }

    /// The sources being served, each with the index of its entry. A list that is made for this: no request for
    /// configuration needs it.
    fn served(&self) -> Vec<(usize, Served)> {
        let of_entry = |(index, entry): (usize, &Entry)| match &entry.place {
            Place::One(served) => vec![(index, served.clone())],
            Place::Found(found) => found.served().into_iter().map(|served| (index, served)).collect(),
        };
        self.entries.iter().enumerate().flat_map(of_entry).collect()
    }

    /// The addresses that repositories name and that older commits answer, for chosen labels.
    #[must_use]
    pub fn pinned(&self, chosen: &Chosen) -> Vec<Pinned> {
        let of_part = |part: &Part| {
            let table = part.live.as_ref()?.table();
            let pins = Arc::clone(&table.loaded.get(&part.label)?.pins);
            let source: Arc<str> = Arc::from(part.source());
            let pinned = |(asked, pin): (&Asked, &Pin)| Pinned {
                source: Arc::clone(&source),
                asked: asked.clone(),
                pin: pin.clone(),
            };
            Some(pins.known().map(pinned).collect::<Vec<_>>())
        };
        chosen.parts().filter_map(of_part).flatten().collect()
    }

    /// Whether there is something to answer with: every source was tried, and one of them can be read or has yet to be
    /// found.
    ///
    /// # Errors
    /// [`ChooseError::NotReady`] with the first source that keeps the server from being ready.
    pub fn readiness(&self) -> Result<(), ChooseError> {
        let waiting = self.entries.iter().filter_map(|entry| match &entry.place {
            Place::One(Served { live, .. }) if !live.is_ready() => Some(live),
            Place::One(_) | Place::Found(_) => None,
        });
        let waiting: Vec<_> = waiting.collect();
        let untried = waiting.iter().find(|live| !live.freshness.was_tried());
        let first = waiting.first().filter(|_| waiting.len() == self.entries.len());
        untried.or(first).map_or(Ok(()), |live| Err(ChooseError::NotReady(Arc::clone(&live.settings.name))))
    }

    /// Waits until nothing more is to be expected for [`Self::readiness`]: every source that has nothing to answer with yet
    /// was fetched once, well or not.
    pub async fn settled(&self) {
        for entry in &self.entries {
            if let Place::One(Served { live, .. }) = &entry.place
                && !live.is_ready()
            {
                live.freshness.tried().await;
            }
        }
    }

    /// Opens all sealed values with other keys from now on, unless one that is open would not be any more.
    ///
    /// # Errors
    /// Names the first value that would be closed; nothing has changed then.
    pub fn reload_keys(&self, secrets: Secrets) -> Result<(), WouldClose> {
        let served = self.served();
        for (_, Served { live, .. }) in &served {
            if let Some((file, key)) = live.closed_by(&secrets) {
                return Err(WouldClose { name: Arc::clone(&live.settings.name), file, key });
            }
        }
        self.secrets.store(Arc::new(secrets));
        served.iter().for_each(|(_, served)| served.live.reopen());
        // Sources that were found meanwhile.
        let opened_before = |live: &Arc<Live>| served.iter().any(|(_, served)| Arc::ptr_eq(&served.live, live));
        self.served()
            .iter()
            .filter(|(_, served)| !opened_before(&served.live))
            .for_each(|(_, served)| served.live.reopen());
        // Commits are the same, what they answer may not be.
        self.feed.announce_everything();
        Ok(())
    }

    /// What sealed values are opened with now.
    #[must_use]
    pub fn secrets(&self) -> Arc<Secrets> {
        self.secrets.load_full()
    }

    /// Bytes of answers kept.
    #[must_use]
    pub fn memo_weight(&self) -> u64 {
        self.memo.weight()
    }
}

impl Entry {
    /// An entry that answers everything.
    #[must_use]
    pub fn for_all(served: Served) -> Self {
        let matches = Patterns::parse::<&str>(&[]).expect("no pattern is none that cannot be read");
        Self { matches, joins_next: false, place: Place::One(served) }
    }

    async fn served(&self, address: &Address) -> Result<Served, FindError> {
        match &self.place {
            Place::One(served) => Ok(served.clone()),
            Place::Found(found) => found.find(address).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::change::{Effect, Notice};
    use super::fake::Fake;
    use super::refresh::{Metrics, Refresher};
    use super::*;
    use crate::secret;
    use crate::secret::key::{Key, KeyId};
    use crate::secret::keyring::Keyring;
    use crate::secret::place::Context;
    use crate::snapshot::OnFailure;

    const LIMITS: Limits = Limits { answers: 1 << 20, cold: 4 };

    /// An entry for a source in memory, read once if it has something.
    fn entry(fake: &Fake, matches: &[&str], joins_next: bool) -> Entry {
        let live = fake.live(None, 64);
        live.advance().unwrap();
        let (_, refresh) = Refresher::new(Arc::clone(&live), Duration::from_secs(600), Metrics::default());
        let matches = Patterns::parse(matches).unwrap();
        Entry { matches, joins_next, place: Place::One(Served { live, refresh }) }
    }

    fn source(label: &str, file: &str, text: &str) -> Fake {
        let fake = Fake::new();
        fake.commit(label, &[(file, text)]);
        fake
    }

    fn permitted(address: &Address) -> Permitted<Address> {
        crate::access::Grants::everything().permit(address.clone(), "").unwrap()
    }

    /// The merged document, or why there is none.
    async fn told(store: &Store, application: &str, profiles: &str, label: Option<&str>) -> String {
        let address = Address::parse(application, Some(profiles), label).unwrap();
        let chosen = match store.snapshot(&permitted(&address)).await {
            Ok(chosen) => chosen,
            Err(error) => return error.to_string(),
        };
        let spelled = store.answer(&chosen, &address, &Spelling::default()).unwrap();
        let labels: Vec<_> = chosen.parts().map(|part| &*part.label).collect();
        format!("{} {}", labels.join("+"), String::from_utf8_lossy(&spelled.body))
    }

    #[tokio::test]
    async fn a_label_leads_to_a_snapshot_or_to_the_reason_why_not() {
        let fake = Fake::new();
        let entry = entry(&fake, &[], false);
        let Place::One(Served { live, .. }) = &entry.place else { unreachable!("it is one source") };
        let live = Arc::clone(live);
        let store = Store::new(vec![entry], Arc::default(), Arc::default(), LIMITS);
        let told = async |label: Option<&str>| match store.everywhere(label).await {
            Ok(chosen) => format!("{} {}", chosen.first.label, chosen.first.snapshot.commit.0[0]),
            Err(error) => error.to_string(),
        };
        let nothing = "there is no configuration yet: the source `config` was not read so far";
        assert_eq!((told(None).await, told(Some("x")).await), (nothing.to_owned(), nothing.to_owned()));
        assert_eq!(store.readiness().unwrap_err().to_string(), nothing);
        let first = fake.commit("main", &[("a.yml", "a: 1")]).to_string();
        fake.commit("main", &[("a.yml", "a: 2")]);
        fake.commit("side", &[("a.yml", "a: 3")]);
        live.advance().unwrap();
        assert_eq!(store.readiness(), Ok(()));
        assert_eq!(told(None).await, "main 2");
        assert_eq!(told(Some("side")).await, "side 3");
        assert_eq!(told(Some(&first)).await, format!("{first} 1"));
        for unknown in ["HEAD", "main~1", "refs/heads/main", &first[..12], &"0".repeat(40)] {
            assert_eq!(told(Some(unknown)).await, format!("there is no label `{unknown}`"));
        }
    }

    #[tokio::test]
    async fn the_first_source_that_matches_answers_alone() {
        let (pay, rest) = (source("main", "pay.yml", "a: pay"), source("main", "application.yml", "a: rest"));
        let store = Store::new(
            vec![entry(&pay, &["pay*"], false), entry(&rest, &["*/prod"], false)],
            Arc::default(),
            Arc::default(),
            LIMITS,
        );
        assert_eq!(told(&store, "pay", "dev", None).await, r#"main {"a":"pay"}"#);
        assert_eq!(told(&store, "pay-x", "prod", None).await, "main {}", "no other source is asked");
        assert_eq!(told(&store, "user", "dev,prod", None).await, r#"main {"a":"rest"}"#);
        let none = "no source is there for this application and these profiles";
        assert_eq!(told(&store, "user", "dev", None).await, none);
    }

    #[tokio::test]
    async fn of_joined_sources_the_earlier_one_wins_whatever_the_rank_of_its_file() {
        let strong = source("main", "application.yml", "{a: strong, m: {x: 1}}");
        let weak = source("main", "user-dev.yml", "{a: weak, m: {y: 2}, b: 1}");
        let other = source("main", "user.yml", "c: 3");
        let entries = || [entry(&strong, &["*"], true), entry(&weak, &["user"], true), entry(&other, &["*"], false)];
        let store = Store::new(entries().into(), Arc::default(), Arc::default(), LIMITS);
        assert_eq!(
            told(&store, "user", "dev", None).await,
            r#"main+main+main {"c":3,"a":"strong","m":{"y":2,"x":1},"b":1}"#
        );
        assert_eq!(told(&store, "order", "dev", None).await, r#"main+main {"a":"strong","m":{"x":1}}"#);
    }

    #[tokio::test]
    async fn a_joined_source_without_the_label_takes_part_with_its_default() {
        let (strong, weak) = (source("main", "a.yml", "a: 1"), source("main", "a.yml", "b: 1"));
        weak.commit("side", &[("a.yml", "b: 2")]);
        let store = Store::new(
            vec![entry(&strong, &["*"], true), entry(&weak, &["*"], false)],
            Arc::default(),
            Arc::default(),
            LIMITS,
        );
        assert_eq!(told(&store, "a", "dev", Some("side")).await, r#"main+side {"b":2,"a":1}"#);
        assert_eq!(told(&store, "a", "dev", Some("none")).await, "there is no label `none`");
    }

    #[test]
    fn a_change_has_an_effect_on_those_who_are_answered_from_its_source() {
        let feed = Arc::new(Feed::default());
        let mut heard = feed.subscribe();
        let (pay, rest) = (source("main", "pay.yml", "a: pay"), source("main", "application.yml", "a: rest"));
        let entry = |fake: &Fake, name: &str, matches: &[&str], joins_next| {
            let live = fake.announcing(name, &feed);
            live.advance().unwrap();
            let (_, refresh) = Refresher::new(Arc::clone(&live), Duration::from_secs(600), Metrics::default());
            let matches = Patterns::parse(matches).unwrap();
            (Arc::clone(&live), Entry { matches, joins_next, place: Place::One(Served { live, refresh }) })
        };
        let ((_, pay), (live, rest_entry)) =
            (entry(&pay, "pay", &["pay*"], true), entry(&rest, "rest", &["*/prod"], false));
        let store = Store::new(vec![pay, rest_entry], Arc::default(), Arc::clone(&feed), LIMITS);
        rest.commit("main", &[("application.yml", "a: other")]);
        live.advance().unwrap();
        let Some(Notice::Change(change)) = heard.pending().pop() else { panic!("it is announced") };
        let effect = |application: &str, profile: &str, label: Option<&str>| {
            let address = Address::parse(application, Some(profile), label).unwrap();
            let is_touched = store.is_touched(&change, &address);
            (matches!(store.effect(&change, &address), Effect::Keys(_)), is_touched)
        };
        assert_eq!(effect("user", "prod", None), (true, true));
        assert_eq!(effect("pay", "prod", Some("side")), (true, true), "it takes part with its default");
        assert_eq!(effect("pay", "dev", None), (false, false), "another source answers");
        assert_eq!(effect("user", "prod", Some("side")), (false, false), "no source has that label");
        assert_eq!(change.source.as_ref(), "rest");
    }

    #[tokio::test]
    async fn a_dead_source_harms_only_its_own() {
        let (dead, good) = (Fake::new(), source("main", "application.yml", "a: 1"));
        let entries = vec![entry(&dead, &["pay"], false), entry(&good, &["*"], false)];
        let Place::One(Served { live, .. }) = &entries[0].place else { unreachable!("it is one source") };
        let live = Arc::clone(live);
        let store = Store::new(entries, Arc::default(), Arc::default(), LIMITS);
        let nothing = "there is no configuration yet: the source `config` was not read so far";
        assert_eq!(told(&store, "pay", "dev", None).await, nothing);
        assert_eq!(told(&store, "user", "dev", None).await, r#"main {"a":1}"#);
        assert_eq!(store.readiness().unwrap_err().to_string(), nothing, "it may still come");
        // Whoever waits is polled first, and is woken by the end of the fetch.
        tokio::join!(biased; store.settled(), async {
            assert_eq!(store.readiness().unwrap_err().to_string(), nothing);
            live.freshness.update(|fresh| fresh.next_at = Some(1));
        });
        assert_eq!(store.readiness(), Ok(()));
        let listed = store.everywhere(None).await.unwrap();
        assert_eq!(listed.parts().count(), 1);
        let joined = Store::new(
            vec![entry(&good, &["*"], true), entry(&dead, &["*"], false)],
            Arc::default(),
            Arc::default(),
            LIMITS,
        );
        assert_eq!(told(&joined, "user", "dev", None).await, nothing, "half an answer is none");
    }

    /// A ring of one key, and a value that it has sealed for `a` in `a.yml`.
    fn ring(id: &str, byte: u8) -> (Arc<Keyring>, String) {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(0_u8..).for_each(|(one, at)| *one = byte.wrapping_mul(31) ^ at.wrapping_mul(17));
        let key = (KeyId::new(id).unwrap(), Key::from_bytes(bytes).unwrap());
        let ring = Keyring::new(vec![key], None, None).unwrap();
        let place = secret::place::Place {
            rank: "a",
            application: None,
            target: Some(&crate::config::target::Target::named("a", None)),
            key: "a",
        };
        let sealed = ring.seal("open", Context::Prop, &place, [byte; 24]).unwrap();
        (Arc::new(ring), sealed)
    }

    #[tokio::test]
    async fn other_keys_are_taken_unless_they_would_close_what_is_open() {
        let ((one, sealed), (two, _)) = (ring("one", 1), ring("two", 2));
        let secrets = |ring: &Arc<Keyring>| Secrets { ring: Arc::clone(ring), on_failure: OnFailure::Pin };
        let shared = Arc::new(ArcSwap::from_pointee(Secrets::default()));
        let fake = source("main", "a.yml", &format!("a: '{sealed}'"));
        let live = fake.live_with(None, 64, Arc::clone(&shared));
        live.advance().unwrap();
        let (_, refresh) = Refresher::new(Arc::clone(&live), Duration::from_secs(600), Metrics::default());
        let store = Store::new(vec![Entry::for_all(Served { live, refresh })], shared, Arc::default(), LIMITS);
        let problem = async || {
            let address = Address::parse("a", None, None).unwrap();
            let chosen = store.snapshot(&permitted(&address)).await.unwrap();
            store.answer(&chosen, &address, &Spelling::default()).map(|spelled| spelled.body.len()).is_err()
        };
        assert!(problem().await, "there is no key");
        store.reload_keys(secrets(&one)).unwrap();
        assert_eq!(told(&store, "a", "dev", None).await, r#"main {"a":"open"}"#);
        let refused = store.reload_keys(secrets(&two)).unwrap_err().to_string();
        assert_eq!(refused, "`a` in `a.yml` of the source `config` is open now and would not be with these keys");
        assert_eq!(told(&store, "a", "dev", None).await, r#"main {"a":"open"}"#);
        assert_eq!(store.secrets().ring.fingerprint(), one.fingerprint());
        fake.commit("main", &[("a.yml", "a: plain")]);
        store.served()[0].1.live.advance().unwrap();
        store.reload_keys(secrets(&two)).unwrap();
        assert_eq!(told(&store, "a", "dev", None).await, r#"main {"a":"plain"}"#);
    }

    #[tokio::test]
    async fn an_answer_that_is_kept_is_not_that_of_other_keys() {
        let (one, sealed) = ring("one", 1);
        let leave = |ring: Arc<Keyring>| Secrets { ring, on_failure: OnFailure::Leave };
        let shared = Arc::new(ArcSwap::from_pointee(leave(Arc::default())));
        let fake = source("main", "a.yml", &format!("a: '{sealed}'"));
        let live = fake.live_with(None, 64, Arc::clone(&shared));
        live.advance().unwrap();
        let (_, refresh) = Refresher::new(Arc::clone(&live), Duration::from_secs(600), Metrics::default());
        let store = Store::new(vec![Entry::for_all(Served { live, refresh })], shared, Arc::default(), LIMITS);
        assert_eq!(told(&store, "a", "dev", None).await, format!(r#"main {{"a":"{sealed}"}}"#));
        store.reload_keys(leave(one)).unwrap();
        assert_eq!(told(&store, "a", "dev", None).await, r#"main {"a":"open"}"#);
    }
}
