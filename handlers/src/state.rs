//! What all calls share.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tjf_runtime::{Application, Written, files::HomeFiles, lock, reload::Reloaded};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    catalogue::Catalogue,
    cluster::LARGE_ANSWERS_MAX,
    job::{kind::Kind, manifest::PodSettings, objects::Version, quota::Limits},
    openapi,
    store::{Store, StoreRoom},
};

/// What a namespace allows is asked for again after this.
const LIMITS_AGE_MAX: Duration = Duration::from_secs(60);
/// Calls of one tool at once: as many as one request makes, when it deletes much.
const CALLS_MAX: usize = 16;
/// Of these, over one connection: as many as one look at all kinds makes. More would hold up each
/// other, and the watches that share it.
const SHARED_CALLS_MAX: usize = 4;
/// As long as another server may be behind with what this one created, and much longer.
const CREATES_AGE_MAX: Duration = Duration::from_secs(60);

/// What all calls share.
pub struct AppState {
    /// Containers on offer.
    pub catalogue: Arc<Reloaded<Catalogue>>,
    /// What the operator decided about pods.
    pub pod_settings: PodSettings,
    /// Places for large answers of Kubernetes that are read at once.
    pub reading: Semaphore,
    /// The description of the API.
    pub openapi: Written,
    /// Room for what is remembered of all tools.
    pub room: Arc<StoreRoom>,
    /// What is in the tools' homes.
    pub files: HomeFiles,
}

impl AppState {
    /// Reads the catalogue.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub fn new(catalogue: PathBuf, pod_settings: PodSettings) -> Result<Self, String> {
        let make = |files: &[Vec<u8>]| Catalogue::parse(&files[0]);
        let files = HomeFiles::new(PathBuf::from(&pod_settings.homes));
        Ok(Self {
            files,
            catalogue: Arc::new(Reloaded::load("catalogue", vec![catalogue], make)?),
            pod_settings,
            reading: Semaphore::new(LARGE_ANSWERS_MAX),
            openapi: openapi::written(),
            room: Arc::default(),
        })
    }
}

impl Application for AppState {
    type PerCaller = KnownTool;
}

/// What is kept of one tool.
#[derive(Default)]
pub struct KnownTool {
    limits: Mutex<Option<(Instant, Arc<Limits>)>>,
    /// Held from the look at a tool's jobs until one more is announced, so that two requests do not
    /// both take the last place. Between two servers that may still happen, and mends itself with
    /// the next request.
    pub counting: tokio::sync::Mutex<()>,
    /// Held while a large answer of Kubernetes is read for the tool, so that one tool's objects hold
    /// up no other's.
    pub reading: tokio::sync::Mutex<()>,
    /// Held while restarts are gone on with that somebody left in the middle.
    pub resuming: tokio::sync::Mutex<()>,
    /// Places for calls to Kubernetes that are under way.
    pub calls: Calls,
    /// What is in the tool's namespace.
    pub store: Store,
    /// Who tells what waits for room that there is some.
    pub nudging: Nudging,
    creates: Mutex<Creates>,
}

/// Whether somebody tells what waits for room that there is some, and when that was last done.
#[derive(Debug, Default)]
pub struct Nudging(Mutex<Nudges>);

#[derive(Debug, Default)]
struct Nudges {
    is_under_way: bool,
    asked_at: Option<Instant>,
    nudged_at: Option<Instant>,
}

/// Somebody is at it, until this is dropped.
pub struct Working<'a> {
    nudging: &'a Nudging,
    is_over: bool,
}

impl Nudging {
    /// Notes that there may be room. True when nobody is at it, and the caller is to begin.
    pub fn ask(&self) -> bool {
        let mut nudges = lock(&self.0);
        nudges.asked_at = Some(Instant::now());
        !std::mem::replace(&mut nudges.is_under_way, true)
    }

    /// For whoever has begun.
    pub fn working(&self) -> Working<'_> {
        Working { nudging: self, is_over: false }
    }

    /// When somebody last noted that there may be room.
    pub fn asked_at(&self) -> Option<Instant> {
        lock(&self.0).asked_at
    }

    /// Notes that something was told.
    pub fn nudged(&self) {
        lock(&self.0).nudged_at = Some(Instant::now());
    }

    /// When the next may be told.
    pub fn next_at(&self, pause: Duration) -> Instant {
        lock(&self.0).nudged_at.map_or_else(Instant::now, |at| at + pause)
    }
}

impl Working<'_> {
    /// Ends the work, unless somebody has asked for it since this time.
    pub fn ends(&mut self, asked_at: Option<Instant>) -> bool {
        let mut nudges = lock(&self.nudging.0);
        self.is_over = nudges.asked_at == asked_at;
        nudges.is_under_way = !self.is_over;
        self.is_over
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        // Else somebody else may be at it by now.
        if !self.is_over {
            lock(&self.nudging.0).is_under_way = false;
        }
    }
}

/// Places for the calls of one tool.
pub struct Calls {
    /// For all of them.
    pub all: Semaphore,
    /// For those of them that go over the connection which the tool's watches share.
    pub shared: Semaphore,
}

impl Default for Calls {
    fn default() -> Self {
        Self { all: Semaphore::new(CALLS_MAX), shared: Semaphore::new(SHARED_CALLS_MAX) }
    }
}

/// What this server creates for a tool.
#[derive(Debug, Clone, Default)]
pub struct Creates {
    versions: HashMap<Kind, Version>,
    last: Option<Instant>,
    coming: Vec<Named>,
}

/// The kind and the name of an object.
type Named = (Kind, String);

impl Creates {
    /// The version at which an object of a kind was created last, if one was. A list that is as
    /// fresh as that shows all that this server created.
    pub fn version(&self, kind: Kind) -> Option<Version> {
        self.versions.get(&kind).copied()
    }

    /// Whether this server created something less than a minute ago. If not, another server may
    /// have answered the tool's last request.
    pub fn are_recent(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now - last < CREATES_AGE_MAX)
    }

    /// The names of this kind's objects that are on their way: a look may show them already.
    pub fn coming(&self, kind: Kind) -> Vec<&str> {
        let coming = self.coming.iter().filter(|(coming, _)| *coming == kind);
        coming.map(|(_, name)| name.as_str()).collect()
    }
}

/// An object that is on its way, until this is dropped.
pub struct Coming<'a> {
    tool: &'a KnownTool,
    object: Named,
}

impl Coming<'_> {
    /// Notes that it was created, at this version.
    pub fn has_come(&self, version: Version) {
        self.tool.note(self.object.0, version);
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        let mut creates = lock(&self.tool.creates);
        if let Some(index) = creates.coming.iter().position(|it| *it == self.object) {
            creates.coming.swap_remove(index);
        }
    }
}

impl KnownTool {
    /// What the tool's namespace allows, if that was asked less than a minute ago.
    pub fn limits(&self, now: Instant) -> Option<Arc<Limits>> {
        let known = lock(&self.limits);
        let (at, limits) = known.as_ref()?;
        (now - *at < LIMITS_AGE_MAX).then(|| Arc::clone(limits))
    }

    /// What this server creates for the tool.
    pub fn creates(&self) -> Creates {
        lock(&self.creates).clone()
    }

    /// Announces an object, so that others count it before Kubernetes shows it.
    pub fn announce(&self, kind: Kind, name: &str) -> Coming<'_> {
        let object = (kind, name.to_owned());
        let mut creates = lock(&self.creates);
        creates.coming.push(object.clone());
        Coming { tool: self, object }
    }

    /// Notes that an object was created. Answers may come in another order than versions.
    pub fn note(&self, kind: Kind, version: Version) {
        self.store.note_created();
        let mut creates = lock(&self.creates);
        creates.last = Some(Instant::now());
        let noted = creates.versions.entry(kind).or_insert(version);
        if version.includes(*noted) {
            *noted = version;
        }
    }

    /// Forgets all versions: Kubernetes does not know one of them, as after a restore of its
    /// database.
    pub fn forget_versions(&self) {
        lock(&self.creates).versions.clear();
    }

    /// Remembers what the tool's namespace allows.
    pub fn set_limits(&self, limits: Arc<Limits>, now: Instant) {
        *lock(&self.limits) = Some((now, limits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_out_of_date_after_a_minute() {
        let known = KnownTool::default();
        let began = Instant::now();
        known.set_limits(Arc::default(), began);
        let limits_after = |seconds| known.limits(began + Duration::from_secs(seconds));
        assert!(limits_after(59).is_some());
        assert!(limits_after(60).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_is_coming_until_its_create_is_over() {
        let known = KnownTool::default();
        let [a, again] = [known.announce(Kind::JOBS, "a"), known.announce(Kind::JOBS, "a")];
        let _other = known.announce(Kind::CRON_JOBS, "c");
        drop(a);
        assert_eq!(known.creates().coming(Kind::JOBS), ["a"]);
        again.has_come(Version::parse("7"));
        drop(again);
        let creates = known.creates();
        assert_eq!(
            (creates.coming(Kind::JOBS).len(), creates.coming(Kind::CRON_JOBS).len()),
            (0, 1)
        );
        assert_eq!(creates.version(Kind::JOBS), Some(Version::parse("7")));
        assert_eq!(creates.version(Kind::CRON_JOBS), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_latest_version_is_kept_whichever_answer_comes_last() {
        let known = KnownTool::default();
        for version in ["9", "41", "10"] {
            known.note(Kind::JOBS, Version::parse(version));
        }
        assert_eq!(known.creates().version(Kind::JOBS), Some(Version::parse("41")));
        let now = Instant::now();
        assert!(known.creates().are_recent(now + Duration::from_secs(59)));
        assert!(!known.creates().are_recent(now + CREATES_AGE_MAX));
        known.forget_versions();
        assert_eq!(known.creates().version(Kind::JOBS), None);
    }
}
