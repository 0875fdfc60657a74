//! Restarts that a server left in the middle are brought to their end by whoever sees them.

use std::time::Duration;

use tjf_api_types::ObjectName;

use super::Copies;
use crate::cluster::Cluster;

/// As long as a request has.
const TIME_MAX: Duration = Duration::from_secs(30);

impl Cluster {
    /// Goes on with the restarts of these jobs, by name and uid, beside the answer to the request that saw them.
    pub(in crate::cluster) fn resume(&self, interrupted: &[(String, String)]) {
        // Who sees them while somebody is at it leaves them to that one.
        if interrupted.is_empty() || self.context.known().resuming.try_lock().is_err() {
            return;
        }
        let interrupted = interrupted.to_vec();
        self.context.beside(TIME_MAX, async move |context| {
            let Ok(_resuming) = context.known().resuming.try_lock() else { return };
            match Self::of(&context).await {
                Ok(cluster) => cluster.resume_all(&interrupted).await,
                Err(error) => tracing::debug!(%error, "a restart can't be gone on with"),
            }
        });
    }

    async fn resume_all(&self, interrupted: &[(String, String)]) {
        let tool = self.tool();
        for (name, uid) in interrupted {
            let Ok(name) = name.parse::<ObjectName>() else { continue };
            tracing::info!(tool.name = %tool, job.name = %name, "going on with a restart");
            let mut copies = Copies { cluster: self, name: &name, uid, has_begun: true, lost: 0 };
            if let Err(error) = copies.renew().await {
                tracing::info!(tool.name = %tool, job.name = %name, %error, "a restart goes on later");
            }
        }
    }
}
