//! Following: every change as it comes.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    path::{Query, Target},
    selector::Selector,
    status::Refused,
};
use crate::{
    object::Object,
    shared::Shared,
    store::{Change, Refusal},
};

/// Between two bookmarks.
const BOOKMARK_TIME: Duration = Duration::from_secs(60);
/// How long a watch lasts that does not say so.
const TIME_MAX: Duration = Duration::from_secs(1800);

/// One watch under way.
struct Watch {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    target: Target,
    selector: Selector,
    /// Up to which version everything has been told.
    told: u64,
    lines: VecDeque<Bytes>,
    has_bookmarks: bool,
    bookmark_at: Instant,
    ends_at: Instant,
    has_ended: bool,
}

/// Begins to watch: first what is there, when no version is named, then what changes.
///
/// # Errors
/// When the request makes no sense. That a version is forgotten is told in the stream itself.
pub(crate) fn begin(
    shared: &Arc<Shared>,
    target: Target,
    query: &Query,
) -> Result<impl Stream<Item = io::Result<Frame<Bytes>>> + use<>, Refused> {
    let seconds = query.number("timeoutSeconds")?.map(Duration::from_secs);
    let version = query.number("resourceVersion")?.filter(|version| *version > 0);
    let wants_all = query.is("sendInitialEvents");
    let mut watch = Watch {
        shared: Arc::clone(shared),
        changes: shared.changes(),
        selector: Selector::of(query, target.kind)?,
        target,
        told: 0,
        lines: VecDeque::new(),
        has_bookmarks: query.is("allowWatchBookmarks"),
        bookmark_at: Instant::now() + BOOKMARK_TIME,
        ends_at: Instant::now() + seconds.unwrap_or(TIME_MAX).min(TIME_MAX),
        has_ended: false,
    };
    match version {
        Some(version) if !wants_all => watch.told = version,
        _ => watch.tell_what_is_there(wants_all),
    }
    Ok(stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok(Frame::data(line)), watch))
    }))
}

impl Watch {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.has_ended {
                return None;
            }
            // Seen before the changes are read, so that none gets lost between.
            self.changes.mark_unchanged();
            if self.tell_changes() {
                continue;
            }
            tokio::select! {
                changed = self.changes.changed() => self.has_ended = changed.is_err(),
                () = sleep_until(self.bookmark_at), if self.has_bookmarks => self.bookmark(json!({})),
                () = sleep_until(self.ends_at) => {
                    self.has_ended = true;
                    if self.has_bookmarks {
                        self.bookmark(json!({}));
                    }
                }
            }
        }
    }

    /// What is there is told as if it had just been added. Whoever asks for that explicitly wants
    /// to know where it ends too.
    fn tell_what_is_there(&mut self, with_end: bool) {
        let (there, version) = self.shared.with(|store, _| {
            let all = store.list(self.target.kind, self.target.within());
            let there: Vec<_> = all.filter(|object| self.is_wanted(object)).cloned().collect();
            (there, store.version())
        });
        self.told = version;
        for object in there {
            self.push("ADDED", &object.to_value());
        }
        if with_end {
            self.bookmark(json!({"k8s.io/initial-events-end": "true"}));
        }
    }

    /// False when nothing has changed.
    fn tell_changes(&mut self) -> bool {
        let told = self.told;
        let changes = self.shared.with(|store, _| {
            // A version that has not come yet is waited for, and not told from one that never
            // will.
            let changes: Vec<_> = store.changes_since(told)?.cloned().collect();
            Ok::<_, Refusal>((changes, store.version()))
        });
        match changes {
            Ok((changes, version)) => {
                for change in changes {
                    self.tell(&change);
                }
                self.told = self.told.max(version);
            }
            Err(refusal) => {
                let refused = Refused::by_store(&self.target.key(), &refusal);
                self.push("ERROR", &refused.to_value());
                self.has_ended = true;
            }
        }
        !self.lines.is_empty()
    }

    /// Whatever comes into the selection is added, and whatever leaves it is deleted.
    fn tell(&mut self, change: &Change) {
        let find = |object: &Option<Arc<Object>>| {
            object.as_ref().filter(|object| self.is_wanted(object)).cloned()
        };
        let (kind, object) = match (find(&change.old), find(&change.new)) {
            (None, None) => return,
            (None, Some(new)) => ("ADDED", new),
            (Some(_), Some(new)) => ("MODIFIED", new),
            (Some(old), None) => ("DELETED", old),
        };
        let mut object = Object::clone(&object);
        object.metadata.resource_version = Some(change.version.to_string());
        self.push(kind, &object.to_value());
    }

    fn is_wanted(&self, object: &Object) -> bool {
        let Target { kind, name, .. } = &self.target;
        object.kind == *kind
            && self.target.within().is_none_or(|namespace| object.namespace() == namespace)
            && name.as_ref().is_none_or(|name| object.name() == name)
            && self.selector.selects(object)
    }

    fn bookmark(&mut self, annotations: Value) {
        self.bookmark_at = Instant::now() + BOOKMARK_TIME;
        let kind = self.target.kind;
        let mut metadata = json!({"resourceVersion": self.told.to_string()});
        if annotations != json!({}) {
            metadata["annotations"] = annotations;
        }
        let object = json!({
            "kind": kind.name(), "apiVersion": kind.api_version(), "metadata": metadata,
        });
        self.push("BOOKMARK", &object);
    }

    fn push(&mut self, kind: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        self.lines.push_back(line.into());
    }
}
