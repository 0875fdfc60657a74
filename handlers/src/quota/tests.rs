use serde_json::json;
use tjf_runtime::testing::{FakeCluster, get};

use super::*;
use crate::testing::{JOBS, LIMIT_RANGES, QUOTAS, context, ended, object, ours, owned};

#[tokio::test]
async fn limits_and_use_are_as_kubernetes_counts_them_now() {
    let (cluster, kube) = FakeCluster::pair();
    let quota = json!({
        "metadata": {"name": "q", "uid": "q"},
        "spec": {"hard": {"pods": "16", "limits.memory": "16Gi"}},
        "status": {"used": {"pods": "2", "limits.memory": "1536Mi"}},
    });
    let jobs = [ours("a", "u1"), owned("b-1", "u2", "cron"), object("c", "u3", &ended())];
    let script = cluster.expect_all([
        get(LIMIT_RANGES).items([]),
        get(QUOTAS).items([quota]),
        get(JOBS).query("labelSelector").items(jobs),
    ]);
    let Json(view) = quota_of(kube).await.unwrap();
    script.finish().await;
    let told: Vec<_> = view.categories.iter().flat_map(|it| &it.items).collect();
    let told: Vec<_> =
        told.iter().map(|it| (it.name.as_str(), it.used.as_deref(), it.limit.as_str())).collect();
    assert_eq!(
        told,
        [
            ("Pods", Some("2"), "16"),
            ("Memory", Some("1536Mi"), "16Gi"),
            ("One-off jobs that have not ended", Some("1"), "50"),
        ]
    );
}

/// To tell that there is no limit would be wrong.
#[tokio::test]
async fn who_may_not_see_its_quota_is_told_so() {
    let (cluster, kube) = FakeCluster::pair();
    let _script = cluster.expect_at_least([get(QUOTAS).refused(403, "Forbidden", "not yours")]);
    assert!(quota_of(kube).await.is_err());
}

async fn quota_of(kube: kube::Client) -> Result<Json<QuotaView>> {
    quota(context(kube)).await
}
