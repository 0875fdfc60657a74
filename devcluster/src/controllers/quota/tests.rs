use serde_json::json;

use crate::{
    controllers::testing::Cluster,
    kind::Kind,
    store::Propagation,
    testing::{object, pod, quota},
};

#[test]
fn what_is_used_follows_what_is_there() {
    let mut cluster = Cluster::new();
    let hard = json!({
        "pods": "16", "limits.cpu": "16", "limits.memory": "16Gi", "requests.cpu": "4",
        "count/jobs.batch": "200", "replicationcontrollers": "16", "services": "4",
    });
    cluster.create(quota(hard.clone()));
    let used = |cluster: &Cluster| {
        let status = cluster.status(Kind::ResourceQuota, "tool-tf-test");
        assert_eq!(status["hard"], hard);
        status["used"].clone()
    };
    let nothing = json!({
        "pods": "0", "limits.cpu": "0", "limits.memory": "0", "requests.cpu": "0",
        "count/jobs.batch": "0", "replicationcontrollers": "0", "services": "0",
    });
    assert_eq!(used(&cluster), nothing);
    let ask = json!({"limits": {"cpu": "500m", "memory": "1900Mi"}, "requests": {"cpu": "100m"}});
    cluster.create(pod("a", ask.clone()));
    cluster.create(pod("b", ask));
    cluster.create(object(Kind::Job, "j", json!({"spec": {"parallelism": 0}})));
    let something = json!({
        "pods": "2", "limits.cpu": "1", "limits.memory": "3800Mi", "requests.cpu": "200m",
        "count/jobs.batch": "1", "replicationcontrollers": "0", "services": "0",
    });
    assert_eq!(used(&cluster), something);
    cluster.assert_at_rest();

    cluster.set_pod_status("a", json!({"phase": "Succeeded"}));
    assert_eq!(used(&cluster)["pods"], "1");
    cluster.delete(Kind::Pod, "b", Propagation::Background);
    cluster.delete(Kind::Job, "j", Propagation::Background);
    assert_eq!(used(&cluster), nothing);
    cluster.assert_at_rest();
}

#[test]
fn quotas_count_each_other_and_follow_their_own_spec() {
    let mut cluster = Cluster::new();
    cluster.create(quota(json!({"resourcequotas": "2"})));
    let mut second = quota(json!({"pods": "1"}));
    second.metadata.name = Some("second".to_owned());
    cluster.create(second);
    let used = json!({"resourcequotas": "2"});
    assert_eq!(cluster.status(Kind::ResourceQuota, "tool-tf-test")["used"], used);
    cluster.set(Kind::ResourceQuota, "second", "hard", json!({"count/jobs.batch": "5"}));
    let expected = json!({"hard": {"count/jobs.batch": "5"}, "used": {"count/jobs.batch": "0"}});
    assert_eq!(cluster.status(Kind::ResourceQuota, "second"), expected);
    cluster.delete(Kind::ResourceQuota, "second", Propagation::Background);
    let used = json!({"resourcequotas": "1"});
    assert_eq!(cluster.status(Kind::ResourceQuota, "tool-tf-test")["used"], used);
    cluster.assert_at_rest();
}
