//! The conversation of a fetch with its remote: what it has, and the objects of the labels that are missing here.
//!
//! If not all of them come together they are asked for in halves, and halves of halves, so that a label whose objects
//! nobody can send keeps no other from coming.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use git2::{AutotagOption, Direction, ErrorClass, ErrorCode, FetchOptions, Oid, Progress, RemoteCallbacks, Repository};

use super::Request;
use super::folder::Folder;
use super::refs::Advertised;
use crate::source::FetchError;
use crate::source::mirror::{Mirror, Record};
use crate::source::remote::Location;
use crate::source::transport::budget::Allowance;
use crate::source::transport::failure::explain;
use crate::source::transport::http::Channel;
use crate::source::transport::ref_list::Wanted;
use crate::source::transport::ssh::Ssh;
use crate::source::transport::{self, Carrier};

/// Everything that the transports pass on, which is what the settings allow.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Asks for all of a history of which the mirror has only the last part.
const ALL_OF_IT: i32 = i32::MAX;

/// How often one fetch asks for fewer labels because those before did not come: enough to find six among thousands.
const MAX_ATTEMPTS: usize = 64;

/// How much of each history is asked for, as libgit2 takes it; 0 for all that is missing.
pub(super) fn depth(depth: Option<u32>, repository: &Repository) -> i32 {
    match depth {
        Some(depth) => i32::try_from(depth).unwrap_or(ALL_OF_IT),
        None if repository.is_shallow() => ALL_OF_IT,
        None => 0,
    }
}

/// How the remote is reached.
pub(super) enum Way {
    /// By libgit2, which needs the address, and what carries the bytes.
    Network(String, Carrier),
    Folder(Folder),
}

pub(super) fn connect(request: &Request, allowance: &Arc<Allowance>) -> Result<Way, FetchError> {
    let Request { login, files, .. } = request;
    let allowance = Arc::clone(allowance);
    Ok(match request.remote.location() {
        Location::Http(url) => {
            let channel = Channel::new(url, login.clone(), files, allowance)?;
            Way::Network(url.clone(), Carrier::Http(channel))
        }
        // Only the scheme counts; where to connect to is for the carrier.
        Location::Ssh(place) => {
            Way::Network("ssh://remote/".to_owned(), Carrier::Ssh(Ssh::new(place, files, allowance)))
        }
        Location::Folder(path) => Way::Folder(Folder::open(path)?),
    })
}

/// The conversation with a remote.
pub(super) struct Exchange<'a> {
    pub(super) repository: &'a Repository,
    pub(super) way: &'a Way,
    pub(super) wanted: Arc<Wanted>,
    pub(super) meter: &'a Meter<'a>,
    /// As [`depth`] tells it.
    pub(super) depth: i32,
}

/// Names of labels, and why they did not come.
pub(super) type Reasons = BTreeMap<String, String>;

impl Exchange<'_> {
    /// Asks what the remote has and, unless it is what is known, takes the objects that are missing. One label that cannot
    /// be had keeps no other from coming.
    pub(super) fn run(
        &self,
        depth: Option<u32>,
        known: Option<&Record>,
        mirror: &Mirror,
    ) -> Result<(Advertised, Reasons), FetchError> {
        let none = BTreeMap::new();
        let has = known.map_or(&none, |known| &known.tips);
        let mut first = None;
        let advertised = match self.way {
            Way::Folder(folder) => folder.list(&self.wanted).map_err(|error| self.failure(&error))?,
            Way::Network(url, carrier) => {
                let (advertised, came) =
                    self.ask((url, carrier), depth, known, mirror).map_err(|error| self.failure(&error))?;
                first = came;
                advertised
            }
        };
        if known.is_some_and(|known| known.has_nothing_new(&advertised.digest)) {
            return Ok((advertised, BTreeMap::new()));
        }
        let (fresh, again) = self.missing(&advertised, known);
        // Asked for last, so that those that came to nothing before cannot use up what the others need.
        let mut pending = vec![(again, None)];
        match first {
            Some(Ok(())) => {}
            Some(Err(error)) => pending.push((fresh, Some(self.reason(&error)?))),
            None => pending.push((fresh, None)),
        }
        let reasons = self.divide(pending, &advertised, has)?;
        Ok((advertised, reasons))
    }

    /// The list of refs and, on the same connection, what is missing, if nothing is known to stand in the way of that.
    fn ask(
        &self,
        (url, carrier): (&str, &Carrier),
        depth: Option<u32>,
        known: Option<&Record>,
        mirror: &Mirror,
    ) -> Result<(Advertised, Option<Result<(), git2::Error>>), git2::Error> {
        let _entered = transport::enter(carrier, &self.wanted)?;
        let mut remote = self.repository.remote_anonymous(url)?;
        let mut connection = remote.connect_auth(Direction::Fetch, Some(self.meter.callbacks()), None)?;
        let advertised = Advertised::read(&connection, &self.wanted, depth)?;
        let told = mirror.tell_what_is_there(known.map(|known| &known.tips));
        told.map_err(|error| git2::Error::new(ErrorCode::GenericError, ErrorClass::Os, error.to_string()))?;
        let is_nothing =
            known.is_some_and(|known| known.has_nothing_new(&advertised.digest)) || advertised.refs.is_empty();
        let came = match is_nothing || !self.missing(&advertised, known).1.is_empty() {
            true => None,
            false => Some(connection.remote().download(&REFSPECS, Some(&mut self.options()))),
        };
        Ok((advertised, came))
    }

    fn options(&self) -> FetchOptions<'_> {
        let mut options = FetchOptions::new();
        options.remote_callbacks(self.meter.callbacks()).download_tags(AutotagOption::None).depth(self.depth);
        options
    }

    /// The labels whose objects are not here: those not tried yet, and those that came to nothing before. What is more
    /// likely to be asked for comes first.
    fn missing(&self, advertised: &Advertised, known: Option<&Record>) -> (Vec<String>, Vec<String>) {
        let is_here =
            |id: Oid| self.depth != ALL_OF_IT && self.repository.odb().is_ok_and(|objects| objects.exists(id));
        let was_tried = |name: &str, id| known.and_then(|known| known.stuck.get(name)).is_some_and(|it| it.id == id);
        let missing = advertised.refs.iter().filter(|(_, id)| !is_here(**id));
        let (again, mut fresh): (Vec<_>, Vec<_>) = missing.partition(|(name, id)| was_tried(name, **id));
        let is_usual = |name: &String| {
            advertised.head.as_ref() == Some(name) || matches!(&**name, "refs/heads/main" | "refs/heads/master")
        };
        fresh.sort_by_key(|(name, _)| !is_usual(name));
        let names = |refs: Vec<(&String, &Oid)>| refs.into_iter().map(|(name, _)| name.clone()).collect();
        (names(fresh), names(again))
    }

    /// Asks for sets of labels, and where one does not come for its halves, until only the labels are left that do not come
    /// by themselves.
    fn divide(
        &self,
        mut pending: Vec<(Vec<String>, Option<String>)>,
        advertised: &Advertised,
        has: &BTreeMap<String, Oid>,
    ) -> Result<Reasons, FetchError> {
        let (mut reasons, mut left) = (BTreeMap::new(), MAX_ATTEMPTS);
        while let Some((mut names, failed)) = pending.pop() {
            if names.is_empty() {
                continue;
            }
            let reason = match failed {
                Some(reason) => reason,
                None if left == 0 => {
                    let reason = format!(
                        "too many labels fail for each to be tried; this one is left for later ({MAX_ATTEMPTS} attempts)"
                    );
                    reasons.extend(names.into_iter().map(|name| (name, reason.clone())));
                    continue;
                }
                None => {
                    left -= 1;
                    match self.attempt(&names, advertised, has) {
                        Ok(()) => continue,
                        Err(error) => self.reason(&error)?,
                    }
                }
            };
            if names.len() == 1 {
                reasons.extend(names.pop().map(|name| (name, reason)));
                continue;
            }
            let second = names.split_off(names.len() / 2);
            pending.extend([(second, None), (names, None)]);
        }
        Ok(reasons)
    }

    /// Takes what these labels lead to.
    fn attempt(
        &self,
        names: &[String],
        advertised: &Advertised,
        has: &BTreeMap<String, Oid>,
    ) -> Result<(), git2::Error> {
        match self.way {
            Way::Folder(folder) => {
                let ids: Vec<Oid> = names.iter().filter_map(|name| advertised.refs.get(name).copied()).collect();
                folder.copy(&ids, has, self.repository, &|received| self.meter.allows(received))
            }
            Way::Network(url, carrier) => {
                let _entered = transport::enter(carrier, &Arc::new(self.wanted.only(names)))?;
                let mut remote = self.repository.remote_anonymous(url)?;
                let mut connection = remote.connect_auth(Direction::Fetch, Some(self.meter.callbacks()), None)?;
                connection.remote().download(&REFSPECS, Some(&mut self.options()))
            }
        }
    }

    /// Why the remote could not be asked.
    fn failure(&self, error: &git2::Error) -> FetchError {
        let of_carrier = || match self.way {
            Way::Network(_, carrier) => carrier.take_failure(),
            Way::Folder(folder) => folder.of_partial(error),
        };
        self.meter.failure.take().or_else(of_carrier).unwrap_or_else(|| explain(error))
    }

    /// Why labels did not come, if it may be for one of them that they did not.
    fn reason(&self, error: &git2::Error) -> Result<String, FetchError> {
        let failure = self.failure(error);
        if failure.reason == "protocol" { Ok(failure.message) } else { Err(failure) }
    }
}

/// Watches the limits of a fetch while libgit2 is at work.
pub(super) struct Meter<'a> {
    pub(super) allowance: &'a Allowance,
    pub(super) failure: RefCell<Option<FetchError>>,
}

impl Meter<'_> {
    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(|progress: Progress<'_>| {
            self.allows(u64::try_from(progress.received_bytes()).unwrap_or(u64::MAX))
        });
        callbacks.sideband_progress(|_| {
            // A server may count for minutes before it has anything to send, and says so.
            self.allowance.is_patient_again();
            self.allows(0)
        });
        callbacks
    }

    fn allows(&self, received: u64) -> bool {
        let checked = self.allowance.check(received);
        checked.map_err(|error| self.failure.borrow_mut().get_or_insert(error).reason).is_ok()
    }
}
