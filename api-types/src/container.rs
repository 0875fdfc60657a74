//! Containers on offer.

use serde::{Deserialize, Serialize};

/// One container that jobs can run in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerView {
    /// The name to ask for.
    pub shortname: String,
    /// What really runs.
    pub image: String,
    /// Whether new jobs should use it.
    pub state: ContainerState,
}

/// Whether a container has a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerState {
    /// Use it.
    Stable,
    /// Still works; move on.
    Deprecated,
}

impl ContainerState {
    /// The word as it crosses the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Deprecated => "deprecated",
        }
    }
}
