//! A service that is installed in the cluster, as its administrator knows it.

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, LogParams},
};

use crate::secrets;

/// Where `deploy/` installs it.
const NAMESPACE: &str = "toolforge-jobs";

/// Notes the service's own key.
pub(crate) async fn know_keys(admin: &Client) {
    let of_tls = ListParams::default().fields("type=kubernetes.io/tls");
    let Ok(kept) = Api::<Secret>::namespaced(admin.clone(), NAMESPACE).list(&of_tls).await else {
        return;
    };
    for (file, bytes) in kept.items.into_iter().filter_map(|secret| secret.data).flatten() {
        if file == "tls.key" {
            secrets::know_key(&String::from_utf8_lossy(&bytes.0));
        }
    }
}

/// Looks through the logs of its pods, also of their containers that are over. Gives the number of
/// lines.
pub(crate) async fn search_logs(admin: &Client) -> usize {
    let pods = Api::<Pod>::namespaced(admin.clone(), NAMESPACE);
    let mut count = 0;
    for pod in pods.list(&ListParams::default()).await.map(|pods| pods.items).unwrap_or_default() {
        for previous in [false, true] {
            let params = LogParams { previous, ..LogParams::default() };
            // Most have no container that is over.
            let log = pods.logs(&pod.name_any(), &params).await.unwrap_or_default();
            for line in log.lines() {
                secrets::search_record("the log of an installed service", line.as_bytes());
                count += 1;
            }
        }
    }
    count
}
