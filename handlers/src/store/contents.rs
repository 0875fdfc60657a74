//! The objects of one namespace, as lists showed them and watches changed them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{Filling, Page};
use crate::{
    catalogue::Catalogue,
    job::{
        kind::{Kind, Resource},
        objects::{BatchJob, CronJob, Event, Meta, Pod, ReplicationController, Version},
        observe::Objects,
    },
    state::Creates,
};

/// The kinds that are followed.
const KINDS: [Kind; 4] = [Kind::JOBS, Kind::CRON_JOBS, Kind::REPLICATION_CONTROLLERS, Kind::PODS];
/// Warnings say why something waits, and are not followed.
const EVENTS_AGE_MAX: Duration = Duration::from_secs(5);

/// A kind of object that is followed.
pub trait Followed: Resource {
    /// About an object.
    fn meta(&self) -> &Meta;
    /// The same, to be changed.
    fn meta_mut(&mut self) -> &mut Meta;
    /// All of this kind.
    fn among(objects: &mut Objects) -> &mut Vec<Self>;
}

macro_rules! followed {
    ($($Object:ident $field:ident),*) => {
        $(impl Followed for $Object {
            fn meta(&self) -> &Meta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut Meta {
                &mut self.metadata
            }

            fn among(objects: &mut Objects) -> &mut Vec<Self> {
                &mut objects.$field
            }
        })*
    };
}

followed!(BatchJob jobs, CronJob cronjobs, ReplicationController controllers, Pod pods);

/// What a watch tells of one object.
#[derive(Debug)]
pub enum Change<T> {
    /// It is like this now.
    Is(T),
    /// It is there no more.
    Gone(Box<Meta>),
}

/// Everything in one namespace.
#[derive(Debug)]
pub struct Contents {
    /// Each kind sorted by name.
    objects: Objects,
    versions: HashMap<Kind, Version>,
    begun: HashSet<Kind>,
    /// Deleted by this server, and not told by a watch yet.
    going: BTreeSet<String>,
    /// Bytes of all objects, as Kubernetes wrote them.
    bytes: usize,
    events_at: Option<Instant>,
    /// Made of what is here; a change takes it away.
    page: Option<Kept>,
}

/// A page, and for how long it is right.
#[derive(Debug)]
struct Kept {
    second: i64,
    catalogue: Arc<Catalogue>,
    page: Arc<Page>,
}

impl Contents {
    pub(super) fn new(filling: Filling) -> Self {
        let Filling { mut objects, versions, bytes } = filling;
        let count = objects.of_jobs().count() + objects.pods.len();
        // Which of them has how many, nobody counted.
        let each = bytes / count.max(1);
        sort(&mut objects.jobs, each);
        sort(&mut objects.cronjobs, each);
        sort(&mut objects.controllers, each);
        sort(&mut objects.pods, each);
        Self {
            objects,
            versions: versions.into_iter().collect(),
            begun: HashSet::new(),
            going: BTreeSet::new(),
            bytes: each * count,
            events_at: None,
            page: None,
        }
    }

    /// Whether this shows all that is known to have happened: every watch is under way, and has
    /// told what this server has done.
    pub(super) fn stands_for(&self, creates: &Creates) -> bool {
        let shows = |kind: &Kind| {
            creates.version(*kind).is_none_or(|version| self.version(*kind).includes(version))
        };
        self.begun.len() == KINDS.len() && self.going.is_empty() && KINDS.iter().all(shows)
    }

    /// Everything there is, those of others too.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The Job of this name.
    pub fn one_off(&self, name: &str) -> Option<&BatchJob> {
        let jobs = &self.objects.jobs;
        let at = jobs.binary_search_by(|job| (*job.metadata.name).cmp(name)).ok()?;
        Some(&jobs[at])
    }

    /// Whether there is a job that does not end by itself, of this name and uid.
    pub fn has_endless(&self, name: &str, uid: &str) -> bool {
        let Objects { cronjobs, controllers, .. } = &self.objects;
        let mut all =
            cronjobs.iter().map(|it| &it.metadata).chain(controllers.iter().map(|it| &it.metadata));
        all.any(|it| it.name == name && it.uid == uid)
    }

    /// Whether there is a pod of a job of this name that has not ended.
    pub fn has_pods_of(&self, name: &str) -> bool {
        let is_of_job = |pod: &&Pod| pod.metadata.labels.name() == Some(name);
        self.objects.pods.iter().filter(is_of_job).any(|pod| !pod.has_ended())
    }

    /// How many pods take room, of whatever they are.
    pub fn pods_at_work(&self) -> usize {
        self.objects.pods.iter().filter(|pod| !pod.has_ended()).count()
    }

    /// Whether the object of this uid has no pod that is at work.
    pub fn lacks_pod(&self, uid: &str) -> bool {
        let is_its = |pod: &&Pod| pod.metadata.controller() == Some(uid) && !pod.has_ended();
        !self.objects.pods.iter().any(|pod| is_its(&pod))
    }

    /// Whether warnings were asked for a moment ago.
    pub fn has_events(&self, now: Instant) -> bool {
        self.events_at.is_some_and(|at| now - at < EVENTS_AGE_MAX)
    }

    pub(super) fn set_events(&mut self, events: Vec<Event>, now: Instant) {
        self.objects.events = events;
        self.events_at = Some(now);
        self.page = None;
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The page that was made of this, if it was in this second, and of this catalogue.
    pub fn page(&self, second: i64, catalogue: &Arc<Catalogue>) -> Option<Arc<Page>> {
        let kept = self.page.as_ref()?;
        let is_right = kept.second == second && Arc::ptr_eq(&kept.catalogue, catalogue);
        is_right.then(|| Arc::clone(&kept.page))
    }

    /// Keeps a page that was made of this.
    pub fn keep(&mut self, second: i64, catalogue: Arc<Catalogue>, page: Arc<Page>) {
        self.page = Some(Kept { second, catalogue, page });
    }

    pub(super) fn begun(&mut self, kind: Kind) {
        self.begun.insert(kind);
    }

    /// Up to which version a kind is known.
    pub(super) fn version(&self, kind: Kind) -> Version {
        self.versions.get(&kind).copied().unwrap_or_default()
    }

    /// A bookmark comes about once a minute. What was put together for readers goes then: where some
    /// come all the time it would not have lasted anyway, and where none come nobody needs it.
    pub(super) fn bookmark(&mut self, kind: Kind, version: Version) {
        self.page = None;
        if !self.has_events(Instant::now()) {
            self.objects.events = Vec::new();
        }
        self.is_known_up_to(kind, version);
    }

    fn is_known_up_to(&mut self, kind: Kind, version: Version) {
        let known = self.versions.entry(kind).or_default();
        if version.includes(*known) {
            *known = version;
        }
        if kind == Kind::PODS {
            self.objects.pods_version = *known;
        }
    }

    /// An object that has been deleted is waited for, unless that is told already: it is going, or
    /// it went before, and so is not here, nor was at any later version than it was known at.
    pub(super) fn expect_to_go(&mut self, kind: Kind, uid: &str, known_at: Version) {
        let pods = self.objects.pods.iter().map(Followed::meta);
        let is_here = self.objects.of_jobs().chain(pods).any(|meta| meta.uid == uid);
        let is_going = |meta: &Meta| meta.uid == uid && meta.deletion_timestamp.is_some();
        if self.objects.of_jobs().any(is_going) {
            return;
        }
        if KINDS.contains(&kind) && (is_here || !self.version(kind).includes(known_at)) {
            self.going.insert(uid.to_owned());
        }
    }

    pub(super) fn apply<T: Followed>(&mut self, change: Change<T>, bytes: usize) {
        let meta = match &change {
            Change::Is(object) => object.meta(),
            Change::Gone(meta) => meta,
        };
        let (name, version) = (meta.name.clone(), meta.version);
        // It is told that it goes, which is all that a finalizer lets happen.
        if matches!(change, Change::Gone(_)) || meta.deletion_timestamp.is_some() {
            self.going.remove(&meta.uid);
        }
        let objects = T::among(&mut self.objects);
        let place = objects.binary_search_by(|object| object.meta().name.cmp(&name));
        if let Ok(at) = place {
            self.bytes -= objects[at].meta().bytes;
        }
        match (place, change) {
            (place, Change::Is(mut object)) => {
                object.meta_mut().bytes = bytes;
                self.bytes += bytes;
                match place {
                    Ok(at) => objects[at] = object,
                    Err(at) => objects.insert(at, object),
                }
            }
            (Ok(at), Change::Gone(_)) => drop(objects.remove(at)),
            (Err(_), Change::Gone(_)) => {}
        }
        self.page = None;
        self.is_known_up_to(T::KIND, version);
    }
}

fn sort<T: Followed>(objects: &mut Vec<T>, bytes_each: usize) {
    objects.sort_unstable_by(|a, b| a.meta().name.cmp(&b.meta().name));
    objects.shrink_to_fit();
    for object in objects {
        object.meta_mut().bytes = bytes_each;
    }
}
