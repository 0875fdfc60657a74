//! What all calls share.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tjf_api_types::ToolName;
use tjf_runtime::reload::Reloaded;
use tokio::time::Instant;

use crate::{
    catalogue::Catalogue,
    job::{kind::Kind, manifest::PodSettings, quota::Limits},
};

/// What a namespace allows is asked for again after this.
const LIMITS_AGE_MAX: Duration = Duration::from_secs(60);
/// From this many tools on, those that nobody asked for within a minute are forgotten when a new
/// one comes.
const TOOLS_KEPT_MAX: usize = 1024;

/// What all calls share.
pub struct AppState {
    /// Containers on offer.
    pub catalogue: Arc<Reloaded<Catalogue>>,
    /// What the operator decided about pods.
    pub pod_settings: PodSettings,
    /// What is kept of each tool.
    pub tools: Tools,
}

impl AppState {
    /// Reads the catalogue.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub fn new(catalogue: PathBuf, pod_settings: PodSettings) -> Result<Self, String> {
        let make = |files: &[Vec<u8>]| Catalogue::parse(&files[0]);
        Ok(Self {
            catalogue: Arc::new(Reloaded::load("catalogue", vec![catalogue], make)?),
            pod_settings,
            tools: Tools::default(),
        })
    }
}

/// What is kept of each tool, for a minute or as long as one of its requests needs it.
#[derive(Default)]
pub struct Tools(Mutex<HashMap<ToolName, Arc<KnownTool>>>);

/// What is kept of one tool.
#[derive(Default)]
pub struct KnownTool {
    limits: Mutex<Option<(Instant, Arc<Limits>)>>,
    /// Held from counting a tool's objects to creating one more, so that two requests do not both
    /// take the last place. Between two servers that may still happen, and mends itself with the
    /// next request.
    pub counting: tokio::sync::Mutex<LastCreated>,
}

/// The versions at which we last created an object of each kind for a tool. A list that is as fresh
/// as these shows what we created.
#[derive(Debug, Default)]
pub struct LastCreated(HashMap<Kind, String>);

impl LastCreated {
    /// The version of what was last created of a kind, if anything was.
    pub fn version(&self, kind: Kind) -> Option<&str> {
        self.0.get(&kind).map(String::as_str)
    }

    /// Notes that an object was created.
    pub fn note(&mut self, kind: Kind, version: &str) {
        self.0.insert(kind, version.to_owned());
    }

    /// Forgets all versions: Kubernetes does not know one of them, as after a restore of its
    /// database.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

impl Tools {
    /// What is kept of this tool.
    pub fn get(&self, tool: &ToolName) -> Arc<KnownTool> {
        let mut tools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tools.len() >= TOOLS_KEPT_MAX && !tools.contains_key(tool) {
            let now = Instant::now();
            tools.retain(|_, known| Arc::strong_count(known) > 1 || known.limits(now).is_some());
        }
        Arc::clone(tools.entry(tool.clone()).or_default())
    }
}

impl KnownTool {
    /// What the tool's namespace allows, if that was asked less than a minute ago.
    pub fn limits(&self, now: Instant) -> Option<Arc<Limits>> {
        let known = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, limits) = known.as_ref()?;
        (now - *at < LIMITS_AGE_MAX).then(|| Arc::clone(limits))
    }

    /// Remembers what the tool's namespace allows.
    pub fn set_limits(&self, limits: Arc<Limits>, now: Instant) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, limits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ToolName {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_out_of_date_after_a_minute() {
        let tools = Tools::default();
        let began = Instant::now();
        tools.get(&name("tf-test")).set_limits(Arc::default(), began);
        let limits_after =
            |seconds| tools.get(&name("tf-test")).limits(began + Duration::from_secs(seconds));
        assert!(limits_after(59).is_some());
        assert!(limits_after(60).is_none());
        assert!(tools.get(&name("tf-other")).limits(began).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn only_tools_that_nobody_needs_are_forgotten() {
        let tools = Tools::default();
        let (held, fresh) = (tools.get(&name("held")), name("fresh"));
        tools.get(&fresh).set_limits(Arc::default(), Instant::now());
        for number in 0..2 * TOOLS_KEPT_MAX {
            tools.get(&name(&format!("t{number}")));
        }
        assert!(Arc::ptr_eq(&held, &tools.get(&name("held"))));
        assert!(tools.get(&fresh).limits(Instant::now()).is_some());
        assert!(tools.0.lock().unwrap().len() <= TOOLS_KEPT_MAX);
    }
}
