//! Who listens to which address, and who is woken by a change: the hub behind every way to wait for configuration.
//!
//! Floor 5. The hub knows no protocol and holds no answer: it wakes those whose address a change can touch, and they look
//! for themselves whether their answer differs. So nobody misses the last state, however many changes came between, and
//! who reads slowly holds up nobody.

mod topic;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::config::address::Address;
use crate::store::Store;
use crate::store::change::{Notice, Subscription};

pub use topic::Topic;

/// How long the versions of an address are remembered after the last listener has left: somebody who polls comes back
/// sooner, and is then told which keys differ.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// The most addresses that are remembered without a listener.
const IDLE_TOPICS: usize = 4_096;

/// Wakes listeners when the answer to their address may differ.
pub struct Hub {
    store: Arc<Store>,
    topics: Mutex<HashMap<Address, Arc<Topic>>>,
    places: Arc<Semaphore>,
    metrics: Metrics,
}

/// One who waits for changes of an address. Dropping it gives the place back.
pub struct Listener {
    topic: Arc<Topic>,
    receiver: watch::Receiver<()>,
    metrics: Metrics,
    _place: OwnedSemaphorePermit,
}

/// All places for listeners are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many clients wait for changes already")]
pub struct Full;

/// What the hub counts.
#[derive(Debug, Clone, Default)]
struct Metrics {
    listeners: Gauge,
    wakes: Counter,
}

impl Hub {
    /// A hub for so many listeners at once, and what tells it of changes; [`Hub::run`] has to be spawned with it.
    #[must_use]
    pub fn new(store: Arc<Store>, listeners: usize) -> (Arc<Self>, Subscription) {
        let subscription = store.feed().subscribe();
        let places = Arc::new(Semaphore::new(listeners.min(Semaphore::MAX_PERMITS)));
        let hub = Self { store, topics: Mutex::default(), places, metrics: Metrics::default() };
        (Arc::new(hub), subscription)
    }

    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Clients that wait for changes: long polls and event streams";
        registry.register("layerd_watchers", help, self.metrics.listeners.clone());
        let help = "Addresses with waiting clients that were woken by a change";
        registry.register("layerd_watch_wakes", help, self.metrics.wakes.clone());
    }

    /// How many listen.
    #[must_use]
    pub fn listeners(&self) -> u64 {
        u64::try_from(self.metrics.listeners.get()).unwrap_or(0)
    }

    /// Listens to an address from now on. Begin to listen before the configuration is read: a change between the two then
    /// wakes, and none is missed.
    ///
    /// # Errors
    /// [`Full`] if nobody else may wait.
    pub fn listen(&self, address: &Address) -> Result<Listener, Full> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Full)?;
        let mut topics = self.topics();
        if topics.len() >= IDLE_TOPICS && !topics.contains_key(address) {
            forget(&mut topics, Duration::ZERO);
        }
        let topic = match topics.entry(address.clone()) {
            Entry::Occupied(entry) => Arc::clone(entry.get()),
            Entry::Vacant(entry) => Arc::clone(entry.insert(Arc::default())),
        };
        let receiver = topic.subscribe();
        drop(topics);
        self.metrics.listeners.inc();
        Ok(Listener { topic, receiver, metrics: self.metrics.clone(), _place: place })
    }

    /// Wakes listeners until the server is gone. Ends with its future.
    pub async fn run(self: Arc<Self>, mut subscription: Subscription) {
        while let Some(notice) = subscription.next().await {
            let hub = Arc::clone(&self);
            // Selecting layers for many addresses takes milliseconds, which belong to no thread that serves.
            let woken = tokio::task::spawn_blocking(move || hub.wake(&notice));
            if woken.await.is_err() {
                // Rather once too often than never.
                self.wake_all();
            }
        }
    }

    fn wake(&self, notice: &Notice) {
        let Notice::Change(change) = notice else { return self.wake_all() };
        let heard: Vec<_> = self.heard();
        for (address, topic) in heard {
            if self.store.is_touched(change, &address) {
                self.metrics.wakes.inc();
                topic.wake();
            }
        }
    }

    fn wake_all(&self) {
        for (_, topic) in self.heard() {
            self.metrics.wakes.inc();
            topic.wake();
        }
    }

    /// The addresses that somebody listens to.
    fn heard(&self) -> Vec<(Address, Arc<Topic>)> {
        let mut topics = self.topics();
        forget(&mut topics, REMEMBERED);
        let heard = topics.iter().filter(|(_, topic)| topic.is_heard());
        heard.map(|(address, topic)| (address.clone(), Arc::clone(topic))).collect()
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Address, Arc<Topic>>> {
        // A panic leaves at worst an address that nobody listens to.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the addresses whose last listener left that long ago.
fn forget(topics: &mut HashMap<Address, Arc<Topic>>, after: Duration) {
    let now = Instant::now();
    topics.retain(|_, topic| topic.is_heard() || topic.left_at().is_some_and(|left| now - left < after));
}

impl Listener {
    /// Waits until the answer may differ from the one that was read after the last wake.
    pub async fn woken(&mut self) {
        // The topic holds the sender, so the channel does not close while somebody listens.
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What is known of the versions of the address.
    #[must_use]
    pub const fn topic(&self) -> &Arc<Topic> {
        &self.topic
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.topic.leave();
        self.metrics.listeners.dec();
    }
}

#[cfg(test)]
mod tests {
    use arc_swap::ArcSwap;

    use crate::snapshot::Secrets;
    use crate::store::Limits;
    use crate::store::change::Feed;

    use super::*;

    fn hub(listeners: usize) -> (Arc<Store>, Arc<Hub>, Subscription) {
        let (secrets, limits) = (Arc::new(ArcSwap::default()), Limits { answers: 1 << 20, cold: 1 });
        let store = Arc::new(Store::new(Vec::new(), secrets, Arc::new(Feed::default()), limits));
        let (hub, subscription) = Hub::new(Arc::clone(&store), listeners);
        (store, hub, subscription)
    }

    fn address(application: &str) -> Address {
        Address::parse(application, None, None).unwrap()
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let (_store, hub, _subscription) = hub(2);
        let first = hub.listen(&address("a")).unwrap();
        let second = hub.listen(&address("a")).unwrap();
        assert_eq!(hub.listen(&address("b")).err(), Some(Full));
        assert_eq!(hub.listeners(), 2);
        drop(first);
        assert_eq!(hub.listeners(), 1);
        let third = hub.listen(&address("b")).unwrap();
        assert!(!Arc::ptr_eq(second.topic(), third.topic()));
    }

    #[test]
    fn an_address_is_remembered_for_those_who_come_back_and_then_forgotten() {
        let (_store, hub, _subscription) = hub(1);
        let topic = Arc::clone(hub.listen(&address("a")).unwrap().topic());
        assert!(Arc::ptr_eq(hub.listen(&address("a")).unwrap().topic(), &topic));
        forget(&mut hub.topics(), Duration::ZERO);
        assert!(!Arc::ptr_eq(hub.listen(&address("a")).unwrap().topic(), &topic));
    }

    #[tokio::test]
    async fn everybody_is_woken_when_anything_may_have_changed() {
        let (store, hub, subscription) = hub(2);
        let run = Arc::clone(&hub).run(subscription);
        let mut listener = hub.listen(&address("a")).unwrap();
        store.reload_keys(Secrets::default()).unwrap();
        tokio::select! {
            () = run => panic!("the hub ended"),
            () = listener.woken() => {}
        }
    }
}
