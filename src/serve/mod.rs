//! Settings become a running server: sources opened, loops started, connections accepted, everything stopped in order.
//!
//! Floor 7. Every task that lives as long as the server is spawned here and waited for here.

mod audit;
mod harden;
mod identities;
mod open;
pub mod reload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::audit::AuditLog;
use crate::http::access::Access;
use crate::http::server::{self, ListenMetrics};
use crate::http::webhook::{WebhookSecret, Webhooks};
use crate::http::{self, App};
use crate::push::Hub;
use crate::secret::key::KeyId;
use crate::secret::keyring::Keyring;
use crate::settings::{SecretSettings, Settings};
use crate::snapshot::Secrets;
use crate::source::ReadError;
use crate::source::dir::DirSource;
use crate::source::dir::watch::Watch;
use crate::source::fetch::worker::Worker;
use crate::source::private::Unfit;
use crate::store::change::Feed;
use crate::store::discovered::{Bounds, Found, Loops};
use crate::store::live::Live;
use crate::store::refresh::{Handle, Refresher, now};
use crate::store::{self, Entry, Place, Served, Store};
use crate::telemetry::Telemetry;

use crate::settings::keys::{self, Loader};
use audit::Audit;
use open::{Source, matches};
use reload::Reloader;

pub use open::{Means, Opened, ServeError, open, rules};

/// How soon it is seen that another folder has taken the place of the one being served. Links on the way to it may have
/// been swapped, of which a watch on the folder tells nothing.
const FOLDER_REPLACED: Duration = Duration::from_millis(500);

/// How soon a folder is read again in which a file was being written.
const FOLDER_UNSETTLED: Duration = Duration::from_millis(100);

/// A folder is looked at this often even if nothing tells of a change, because network file systems may not tell.
const FOLDER_PERIOD: Duration = Duration::from_secs(60);

/// How long requests that are under way may take to end after a signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs the server until it is told to stop by SIGTERM or SIGINT. `listening` is called with the address as soon as
/// connections are accepted.
///
/// # Errors
/// If the server cannot start. Once it listens, nothing outside ends it.
pub async fn serve(
    settings: Settings,
    telemetry: &Telemetry,
    listening: impl FnOnce(SocketAddr, &Store),
) -> Result<(), ServeError> {
    let worker = Worker::of_this_program()?;
    let (loader, ring) = load_keys(&settings.secrets)?;
    let settings = Arc::new(settings);
    let secrets = Secrets { ring: Arc::new(ring), on_failure: settings.secrets.on_failure };
    let secrets = Arc::new(ArcSwap::from_pointee(secrets));
    let (shared, feed) = (Arc::clone(&secrets), Arc::new(Feed::starting_at(now())));
    let means = Means { settings: Arc::clone(&settings), secrets: shared, feed, worker: Some(worker) };
    let opened = (0..settings.sources.len()).map(|index| Source::open(index, &means));
    let opened = opened.collect::<Result<Vec<_>, _>>()?;
    let mut audit = Audit::open(&settings)?;
    let opened_access = identities::access(&settings, audit.log())?;
    let webhooks = webhooks(&settings)?;
    let mut signals = Signals::new()?;
    let listener = server::bind(settings.http.listen)?;
    let address = listener.local_addr()?;
    warm_up_all(&opened).await?;
    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    let mut registry = Registry::default();
    telemetry.register(&mut registry);
    webhooks.register(&mut registry);
    let app = start(opened, &means, &opened_access.access, &mut registry, &tasks, &shutdown)?;
    let tokens = identities::start(opened_access, &mut registry, &tasks, &shutdown);
    let keys = reload::Handle::default();
    keys.register(&mut registry);
    if loader.files().next().is_some() {
        let shutdown = shutdown.clone();
        let following = follow_keys(loader, &app.store, &secrets.load(), (keys.clone(), audit.log()));
        tasks.spawn(async move { shutdown.run_until_cancelled(following).await });
    }
    let metrics = ListenMetrics::default();
    metrics.register(&mut registry);
    audit.register(&mut registry);
    let app = Arc::new(App { metrics: http::ops::Metrics::new(registry), webhooks, ..app });
    let router = http::router(Arc::clone(&app), &settings.http.prefix);
    listening(address, &app.store);
    audit.start()?;
    info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    let accepting = server::serve(listener, router, &settings.http, metrics, shutdown.clone(), DRAIN);
    tokio::pin!(accepting);
    loop {
        tokio::select! {
            () = &mut accepting => break,
            signal = signals.next() => match signal {
                Told::Reload => reload_all(&app, &settings, &keys, (&tokens, &audit)),
                Told::Stop if app.draining.is_cancelled() => {
                    warn!("told to stop a second time, stopping at once");
                    return Ok(());
                }
                Told::Stop => {
                    info!("told to stop, finishing the requests that are under way");
                    app.draining.cancel();
                    shutdown.cancel();
                }
            },
        }
    }
    finish(&tasks).await;
    audit.end().await;
    info!("stopped");
    Ok(())
}

/// Waits for the tasks in the background, which were told to end.
async fn finish(tasks: &TaskTracker) {
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        warn!(seconds = DRAIN.as_secs(), tasks = tasks.len(), "background tasks did not end in time, stopping anyway");
    }
}

/// Everything that may have changed outside is read anew.
fn reload_all(app: &App, settings: &Settings, keys: &reload::Handle, (tokens, audit): (&Notify, &Audit)) {
    audit.reopen();
    keys.reload();
    tokens.notify_one();
    // If the server is stopping, there is nothing left to fetch.
    _ = app.store.poke();
    reload_webhooks(settings, &app.webhooks);
}

/// Takes over keys whose files change, and writes down that it did.
fn follow_keys(
    loader: Loader,
    store: &Arc<Store>,
    secrets: &Secrets,
    (handle, audit): (reload::Handle, Option<AuditLog>),
) -> impl Future<Output = ()> + use<> {
    let (store, on_failure) = (Arc::clone(store), secrets.on_failure);
    let install = move |ring| {
        let secrets = Secrets { ring: Arc::new(ring), on_failure };
        store.reload_keys(secrets).map_err(|error| error.to_string())?;
        audit::keys_changed(audit.as_ref());
        Ok(())
    };
    reload::run(Reloader::new(loader, secrets.ring.fingerprint(), install, handle))
}

/// Believes deliveries that are signed with the secrets of the settings.
fn webhooks(settings: &Settings) -> Result<Arc<Webhooks>, ServeError> {
    let webhooks = Webhooks::default();
    webhooks.set(webhook_secrets(settings).map_err(ServeError::Webhooks)?);
    Ok(Arc::new(webhooks))
}

/// The secrets of webhooks, read from their files.
fn webhook_secrets(settings: &Settings) -> Result<Vec<WebhookSecret>, String> {
    let told = |unfit: Unfit| {
        let hint = unfit.hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("{}{hint}", unfit.message)
    };
    settings.webhooks.iter().map(|secret| secret.load().map_err(told)).collect()
}

/// Takes over secrets that were replaced; those in force stay if one cannot be read.
fn reload_webhooks(settings: &Settings, webhooks: &Webhooks) {
    match webhook_secrets(settings) {
        Ok(secrets) => webhooks.set(secrets),
        Err(reason) => error!("the secrets of webhooks in force stay: one of them {reason}"),
    }
}

/// The ring of the settings. A process that holds keys is closed to others before the first of them is read.
fn load_keys(settings: &SecretSettings) -> Result<(Loader, Keyring), ServeError> {
    if !settings.is_empty() {
        harden::harden();
    }
    let mut loader = Loader::new(settings.clone());
    let ring = loader.load()?;
    for weakness in keys::weaknesses(&ring) {
        warn!("{weakness}");
    }
    if let Some(seals) = ring.encrypts_with() {
        let ids: Vec<&str> = ring.ids().map(KeyId::as_str).collect();
        info!(keys = ids.join(","), encrypt_with = %seals, "keys are loaded");
    }
    Ok((loader, ring))
}

async fn warm_up_all(sources: &[Source]) -> Result<(), ServeError> {
    for source in sources {
        if let Source::One(source) = source {
            warm_up(source).await?;
        }
    }
    Ok(())
}

/// Serves what is there already: the folder, or the mirror of an earlier run. That a mirror has nothing yet is no error;
/// that a folder cannot be read is one.
async fn warm_up(source: &Opened) -> Result<(), ServeError> {
    let (live, is_folder) = (Arc::clone(&source.live), source.folder.is_some());
    let advanced = tokio::task::spawn_blocking(move || {
        let advanced = live.advance();
        live.start_at(if is_folder { Some(now()) } else { live.source.fetched_at() });
        advanced
    });
    let advanced = advanced.await.unwrap_or_else(|_| Err(ReadError("reading it failed unexpectedly".to_owned())));
    let name = source.live.settings.name.to_string();
    // A copy in which the default label cannot be read is as good as none.
    let readable = advanced.and_then(|mut moved| {
        let default = moved.after.default.clone();
        let stuck = moved.stuck.iter().position(|(label, _)| Some(label) == default.as_ref());
        stuck.map_or(Ok(()), |stuck| Err(moved.stuck.swap_remove(stuck).1))
    });
    match (readable, &source.folder) {
        (Err(error), Some(_)) => Err(ServeError::Folder { name, error }),
        (Err(error), None) => {
            warn!(source = name, "the mirror of an earlier run cannot be read: {error}");
            Ok(())
        }
        (Ok(()), _) => {
            tell_what_is_served(&source.live);
            Ok(())
        }
    }
}

fn tell_what_is_served(live: &Live) {
    let source = &*live.settings.name;
    let status = live.status();
    let Some(label) = status.default() else { return };
    let age = status.freshness.age(now()).unwrap_or(0);
    let (files, applications) = (label.files(), label.applications().len());
    info!(source, commit = %label.commit(), age_seconds = age, files, applications, "serving what is there already");
    if files == 0 {
        warn!(
            source,
            "there is no configuration file: looked for `application.yml`, `SERVICE.yml` and `SERVICE/application.yml` \
             (also .yaml, .json, .properties) in the root and the search paths"
        );
    }
}

/// Starts the loop of each source and what tells it of changes.
fn start(
    sources: Vec<Source>,
    means: &Means,
    access: &Arc<Access>,
    registry: &mut Registry,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<App, ServeError> {
    let metrics = store::refresh::Metrics::default();
    metrics.register(registry);
    let loops = |period| Loops { period, metrics: metrics.clone(), tasks: tasks.clone(), shutdown: shutdown.clone() };
    let mut entries = Vec::new();
    for (source, settings) in sources.into_iter().zip(&means.settings.sources) {
        let place = match source {
            Source::One(opened) => Place::One(start_one(opened, loops(settings.refresh))),
            Source::Found { template, label, open } => {
                let (name, loops) = (Arc::from(&*settings.name), loops(settings.refresh));
                Place::Found(Found::new(name, (template, label), open, loops, Bounds::default()))
            }
        };
        entries.push(Entry { matches: matches(settings)?, joins_next: settings.joins_next, place });
    }
    let limits = means.settings.limits;
    let limits = store::Limits { answers: limits.answers, cold: limits.cold };
    let store = Arc::new(Store::new(entries, Arc::clone(&means.secrets), Arc::clone(&means.feed), limits));
    let metrics = http::ops::Metrics::new(Registry::default());
    let (hub, subscription) = Hub::new(Arc::clone(&store), means.settings.http.limits.watchers);
    hub.register(registry);
    let (waking, stopped) = (Arc::clone(&hub).run(subscription), shutdown.clone());
    tasks.spawn(async move { stopped.run_until_cancelled(waking).await });
    Ok(App {
        store,
        hub,
        metrics,
        access: Arc::clone(access),
        webhooks: Arc::default(),
        spring: means.settings.spring.clone(),
        draining: CancellationToken::new(),
    })
}

fn start_one(source: Opened, loops: Loops) -> Served {
    let Loops { metrics, tasks, shutdown, .. } = loops;
    let (refresher, refresh) = Refresher::new(Arc::clone(&source.live), source.period, metrics);
    tasks.spawn(refresher.run(shutdown.clone()));
    if let Some(folder) = source.folder {
        let refresh = refresh.clone();
        tasks.spawn(async move { shutdown.run_until_cancelled(watch(folder, refresh)).await });
    }
    Served { live: source.live, refresh }
}

/// Has a folder read whenever something in it changes, also after another folder has taken its place.
async fn watch(folder: Arc<DirSource>, handle: Handle) {
    let changed = Arc::new(Notify::new());
    let (mut watched, mut guard, mut is_told) = (None, None::<Watch>, false);
    loop {
        let (source, told, before) = (Arc::clone(&folder), Arc::clone(&changed), watched.clone());
        // What could not be watched may be what has changed.
        let is_due = is_told && guard.as_ref().is_some_and(|guard| !guard.is_whole());
        let looked = tokio::task::spawn_blocking(move || {
            let found = source.identity();
            let is_due = is_due || found != before;
            let renewed = is_due.then(|| found.is_some().then(|| source.watch(move || told.notify_one())));
            (found, renewed)
        });
        is_told = false;
        let is_new = if let Ok((found, Some(renewed))) = looked.await {
            watched = found;
            guard = renewed.and_then(|renewed| {
                renewed.inspect_err(|error| warn!("changes are seen once a minute only: {error}")).ok()
            });
            true
        } else {
            let patience = if folder.is_unsettled() { FOLDER_UNSETTLED } else { FOLDER_REPLACED };
            is_told = tokio::time::timeout(patience, changed.notified()).await.is_ok();
            false
        };
        // With a new watch at once, so that nothing happens unseen before it.
        if (is_new || is_told || folder.is_unsettled()) && handle.poke().is_err() {
            return drop(guard);
        }
    }
}

/// What a signal asks for.
enum Told {
    Stop,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => Told::Reload,
        }
    }
}
