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
    job::{limits::Limits, manifest::House},
};

/// What a namespace allows is asked for again after this.
const LIMITS_AGE_MAX: Duration = Duration::from_secs(60);
/// From this many tools on, what is out of date is forgotten when a new one comes.
const LIMITS_KEPT_MAX: usize = 1024;

/// What all calls share.
pub struct AppState {
    /// Containers on offer.
    pub catalogue: Arc<Reloaded<Catalogue>>,
    /// What the operator decided about pods.
    pub house: House,
    /// What each tool's namespace allows.
    pub limits: KnownLimits,
}

impl AppState {
    /// Reads the catalogue.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub fn new(catalogue: PathBuf, house: House) -> Result<Self, String> {
        let make = |files: &[Vec<u8>]| Catalogue::parse(&files[0]);
        Ok(Self {
            catalogue: Arc::new(Reloaded::load("catalogue", vec![catalogue], make)?),
            house,
            limits: KnownLimits::default(),
        })
    }
}

/// What namespaces allow, for a minute.
#[derive(Debug, Default)]
pub struct KnownLimits(Mutex<HashMap<ToolName, (Instant, Arc<Limits>)>>);

impl KnownLimits {
    /// What is known of a tool's namespace, if it is fresh enough.
    pub fn get(&self, tool: &ToolName, now: Instant) -> Option<Arc<Limits>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, limits) = known.get(tool)?;
        (now - *at < LIMITS_AGE_MAX).then(|| Arc::clone(limits))
    }

    /// Remembers what a tool's namespace allows.
    pub fn put(&self, tool: &ToolName, limits: Arc<Limits>, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= LIMITS_KEPT_MAX {
            known.retain(|_, (at, _)| now - *at < LIMITS_AGE_MAX);
        }
        known.insert(tool.clone(), (now, limits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_out_of_date_after_a_minute() {
        let known = KnownLimits::default();
        let tool: ToolName = "tf-test".parse().unwrap();
        let began = Instant::now();
        known.put(&tool, Arc::default(), began);
        assert!(known.get(&tool, began + Duration::from_secs(59)).is_some());
        assert!(known.get(&tool, began + Duration::from_secs(60)).is_none());
        assert!(known.get(&"tf-other".parse().unwrap(), began).is_none());
    }
}
