use tjf_runtime::testing::FakeCluster;

use super::*;
use crate::testing::context;

#[tokio::test]
async fn the_catalogue_is_told_without_asking_kubernetes() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.silence();
    let Json(views) = containers(context(kube)).await.unwrap();
    let told: Vec<_> =
        views.iter().map(|view| (view.shortname.as_str(), view.state.as_str())).collect();
    assert_eq!(told, [("tf-busybox", "stable"), ("tf-old", "deprecated")]);
    script.finish().await;
}
