//! Containers on offer.

use serde::Deserialize;

use crate::{Word, Words, answer::answer};

answer! {
    /// One container that jobs can run in.
    #[derive(Eq)]
    pub struct ContainerView {
        required:
        /// The name to ask for.
        pub shortname: String,

        optional:
        /// What really runs.
        pub image: String,
        /// Whether new jobs should use it.
        pub state: Word<ContainerState>,
    }
}

/// Whether a container has a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerState {
    /// Use it.
    Stable,
    /// Still works; move on.
    Deprecated,
}

impl Words for ContainerState {
    const ALL: &'static [Self] = &[Self::Stable, Self::Deprecated];

    fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Deprecated => "deprecated",
        }
    }
}
