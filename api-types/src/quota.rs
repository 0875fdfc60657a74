//! What a tool may have, and what it has.

use crate::answer::answer;

answer! {
    /// What `quota` answers: limits and use, by what they are about.
    #[derive(Eq)]
    pub struct QuotaView {
        required:
        /// The categories that anything is limited in.
        pub categories: Vec<QuotaCategory>,
    }
}

answer! {
    /// Limits of one sort.
    #[derive(Eq)]
    pub struct QuotaCategory {
        required:
        /// What they are about, in words.
        pub name: String,

        optional:
        /// The limits.
        pub items: Vec<QuotaItem>,
    }
}

answer! {
    /// One limit.
    #[derive(Eq)]
    pub struct QuotaItem {
        required:
        /// What is limited, in words.
        pub name: String,

        optional:
        /// How much is allowed, as Kubernetes writes quantities: `16`, `500m`, `4Gi`.
        pub limit: String,
        /// How much is in use. `null` where nothing adds up, as of what each job may have.
        pub used: Option<String>,
    }
}
