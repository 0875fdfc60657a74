use serde_json::{Value, json};
use tjf_api_types::{JobView, Phase};
use tjf_runtime::testing::{FakeCluster, get};

use super::*;
use crate::testing::{CONTROLLERS, CRONJOBS, EVENTS, JOBS, PODS, context, ended, object, owned};

async fn ask(kube: kube::Client, name: &str) -> Result<JobView> {
    let Ok(name) = name.parse();
    let shown = show(context(kube), Path(name), Query(Wanted::default()), Recall::Allowed).await?;
    Ok(serde_json::from_slice(shown.json()).unwrap())
}

async fn ask_for(kube: kube::Client, wanted: Wanted) -> Result<Written> {
    let Ok(name) = "a".parse();
    show(context(kube), Path(name), Query(wanted), Recall::Allowed).await
}

fn named(path: &str, name: &str) -> String {
    format!("{path}/{name}")
}

#[tokio::test]
async fn a_job_that_is_not_there_is_reported_by_name() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        get(named(JOBS, "nope")).not_found(),
        get(named(CRONJOBS, "nope")).not_found(),
        get(named(CONTROLLERS, "nope")).not_found(),
        get(JOBS).query("app.kubernetes.io%2Fname%3Dnope").items([]),
        get(PODS).query("app.kubernetes.io%2Fname%3Dnope").items([]),
    ]);
    let error = ask(kube, "nope").await.unwrap_err();
    assert!(matches!(error, Error::JobNotFound(name) if name.to_string() == "`nope`"));
    script.finish().await;
}

#[tokio::test]
async fn a_finished_job_is_told_without_asking_for_events() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        get(named(JOBS, "a")).answer(object("a", "u1", &ended())),
        get(named(CRONJOBS, "a")).not_found(),
        get(named(CONTROLLERS, "a")).not_found(),
        get(JOBS).items([object("a", "u1", &ended())]),
        get(PODS).items([]),
    ]);
    let view = ask(kube, "a").await.unwrap();
    assert_eq!((view.uid.as_str(), view.status.phase), ("u1", Phase::Succeeded.into()));
    assert_eq!(view.status_short, "Completed");
    script.finish().await;
}

/// The pod was read a moment before it failed, and its job a moment after. The nodes' clocks may be
/// any time apart from ours.
#[tokio::test]
async fn how_a_job_ended_is_told_also_when_its_pod_was_read_too_early() {
    let now = "2026-01-01T00:01:00Z";
    let failed = json!({"status": {"failed": 1, "conditions": [{"type": "Failed",
        "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": now}]}});
    let pod = |status: Value| {
        let mut pod = owned("a-x", "u2", "u1");
        pod["status"] = status;
        pod
    };
    let end = json!({"terminated": {"exitCode": 5, "reason": "Error"}});
    let after = json!({"phase": "Failed", "containerStatuses": [{"name": "job", "state": end}]});
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![
            get(named(JOBS, "a")).answer(object("a", "u1", &failed)),
            get(named(CRONJOBS, "a")).not_found(),
            get(named(CONTROLLERS, "a")).not_found(),
            get(JOBS).items([]),
            get(PODS).items([pod(json!({"phase": "Running"}))]),
        ],
        vec![get(PODS).query("app.kubernetes.io%2Fname%3Da").items([pod(after)])],
    ]);
    let view = ask(kube, "a").await.unwrap();
    assert_eq!(view.status.exit_code, Some(5));
    assert_eq!(view.status.reason.as_deref(), Some("ExitCode"));
    script.finish().await;
}

#[tokio::test]
async fn a_job_without_a_pod_is_explained_by_its_events() {
    let (cluster, kube) = FakeCluster::pair();
    let refused = json!({
        "involvedObject": {"uid": "u1"}, "reason": "FailedCreate", "type": "Warning",
        "message": "Error creating: pods \"a-x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16",
    });
    let script = cluster.expect_groups([
        vec![
            get(named(JOBS, "a")).answer(object("a", "u1", &json!({"status": {}}))),
            get(named(CRONJOBS, "a")).not_found(),
            get(named(CONTROLLERS, "a")).not_found(),
            get(JOBS).items([]),
            get(PODS).items([]),
        ],
        vec![get(EVENTS).query("fieldSelector=type%3DWarning").items([refused])],
    ]);
    let view = ask(kube, "a").await.unwrap();
    assert_eq!(view.status.reason.as_deref(), Some("QuotaExceeded"));
    assert!(view.status_long.contains("1 asked, 16 used, 16 allowed"), "{}", view.status_long);
    script.finish().await;
}

/// An explanation is missing then, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_job_is_shown_although_its_events_cannot_be_read() {
    let (cluster, kube) = FakeCluster::pair();
    let failing = || vec![get(EVENTS).refused(500, "InternalError", "etcd is away")];
    let _script = cluster.expect_groups(
        [vec![
            get(named(JOBS, "a")).answer(object("a", "u1", &json!({"status": {}}))),
            get(named(CRONJOBS, "a")).not_found(),
            get(named(CONTROLLERS, "a")).not_found(),
            get(JOBS).items([]),
            get(PODS).items([]),
        ]]
        .into_iter()
        .chain((0..50).map(|_| failing())),
    );
    assert_eq!(ask(kube, "a").await.unwrap().status.phase, Phase::Pending);
}

#[tokio::test]
async fn a_run_of_a_scheduled_job_is_not_a_job_of_its_own() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        get(named(JOBS, "every-1")).answer(owned("every-1", "child", "every")),
        get(named(CRONJOBS, "every-1")).not_found(),
        get(named(CONTROLLERS, "every-1")).not_found(),
        get(JOBS).items([]),
        get(PODS).items([]),
    ]);
    assert!(matches!(ask(kube, "every-1").await, Err(Error::JobNotFound(_))));
    script.finish().await;
}

#[tokio::test]
async fn an_object_of_somebody_else_is_not_there() {
    let foreign = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "webservice"}}});
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        get(named(JOBS, "web")).not_found(),
        get(named(CRONJOBS, "web")).not_found(),
        get(named(CONTROLLERS, "web")).answer(object("web", "u1", &foreign)),
        get(JOBS).items([]),
        get(PODS).items([]),
    ]);
    assert!(matches!(ask(kube, "web").await, Err(Error::JobNotFound(_))));
    script.finish().await;
}

/// Whatever is asked for: what can't be a name is not the name of a job, and Kubernetes is not asked.
#[tokio::test]
async fn what_cannot_be_a_name_is_not_there() {
    for name in ["", "No", "a b", "a\nb", "..", &"a".repeat(254)] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_all([]);
        let error = ask(kube, name).await.unwrap_err();
        assert!(matches!(&error, Error::JobNotFound(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.chars().count() < 70 && !text.contains('\n'), "{text}");
        script.finish().await;
    }
}

/// A label's value has 63 characters at most, so a longer name can't be selected by.
#[tokio::test]
async fn a_name_that_is_too_long_for_a_label_is_shown() {
    let name = "a".repeat(100);
    let without_name = json!({"metadata": {"labels": {"app.kubernetes.io/name": null}}});
    let more = json!({"metadata": without_name["metadata"], "spec": {"template": without_name}});
    let mut pod = owned("x", "u2", "u1");
    pod["status"] = json!({"phase": "Running", "containerStatuses": [
        {"name": "job", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}},
    ]});
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        get(named(JOBS, &name)).not_found(),
        get(named(CRONJOBS, &name)).not_found(),
        get(named(CONTROLLERS, &name)).answer(object(&name, "u1", &more)),
        get(JOBS).query("limit=500").items([]),
        get(PODS).query("limit=500").items([pod]),
    ]);
    let view = ask(kube, &name).await.unwrap();
    assert_eq!((view.name.as_str(), view.status.phase), (name.as_str(), Phase::Running.into()));
    script.finish().await;
}

/// Objects of another program: its pods lack the name, or all labels of ours.
#[tokio::test]
async fn pods_with_other_labels_are_looked_for_further() {
    let running = || {
        let mut pod = owned("x", "u2", "u1");
        pod["status"] = json!({"phase": "Running", "containerStatuses": [
            {"name": "main", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}},
        ]});
        pod
    };
    for (label, further) in [
        ("app.kubernetes.io/name", get(PODS).query("created-by%3Dtf-test")),
        ("toolforge", get(PODS).query("limit=500")),
    ] {
        let template = json!({"metadata": {"labels": {label: null}}});
        let more = json!({"spec": {"template": template}, "status": {"active": 1}});
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_groups([
            vec![
                get(named(JOBS, "a")).answer(object("a", "u1", &more)),
                get(named(CRONJOBS, "a")).not_found(),
                get(named(CONTROLLERS, "a")).not_found(),
                get(JOBS).items([]),
                get(PODS).items([]),
            ],
            vec![further.items([running()])],
        ]);
        let view = ask(kube, "a").await.unwrap();
        assert_eq!(view.status.phase, Phase::Running, "without {label}");
        script.finish().await;
    }
}

/// The runs of a scheduled job, and then their pods.
#[tokio::test]
async fn runs_with_other_labels_are_looked_for_further() {
    let labels = json!({"metadata": {"labels": {"toolforge": null}}});
    let mut job_template = labels.clone();
    job_template["spec"] = json!({"template": labels});
    let more = json!({"spec": {
        "schedule": "0 0 1 1 *", "timeZone": "Etc/UTC", "jobTemplate": job_template,
    }});
    let mut pod = owned("x", "u3", "u2");
    pod["status"] = json!({"phase": "Running", "containerStatuses": [
        {"name": "job", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}},
    ]});
    let stranger = object("stranger", "u9", &json!({}));
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![
            get(named(JOBS, "a")).not_found(),
            get(named(CRONJOBS, "a")).answer(object("a", "u1", &more)),
            get(named(CONTROLLERS, "a")).not_found(),
            get(JOBS).items([]),
            get(PODS).items([]),
        ],
        vec![get(JOBS).query("limit=500").items([owned("a-1", "u2", "u1"), stranger])],
        vec![get(PODS).query("limit=500").items([pod])],
    ]);
    let view = ask(kube, "a").await.unwrap();
    assert_eq!((view.uid.as_str(), view.status.phase), ("u1", Phase::Running.into()));
    script.finish().await;
}

#[tokio::test]
async fn a_refused_certificate_is_tried_once_more_and_then_reported() {
    let refused = || get(named(JOBS, "a")).refused(401, "Unauthorized", "Unauthorized");
    let (cluster, kube) = FakeCluster::pair();
    // The other four are given up with the first that fails for good; how many of them came is left
    // open.
    let script = cluster.expect_at_least([refused(), refused()]);
    let error = ask(kube, "a").await.unwrap_err();
    assert!(matches!(error, Error::Cluster(crate::cluster::ClusterError::CredentialsRejected)));
    script.finish().await;
}

fn looks_at(job: Value, controller: Value) -> Vec<tjf_runtime::testing::Exchange> {
    let answer = |path: &str, object: Value| {
        let call = get(named(path, "a"));
        if object.is_null() { call.not_found() } else { call.answer(object) }
    };
    vec![
        answer(JOBS, job),
        get(named(CRONJOBS, "a")).not_found(),
        answer(CONTROLLERS, controller),
        get(JOBS).items([]),
        get(PODS).items([]),
    ]
}

#[tokio::test]
async fn who_means_a_very_job_is_told_of_no_other() {
    for (uid, is_found) in [("u1", true), ("u2", false), ("", false)] {
        for wait in [None, Some(50)] {
            let (cluster, kube) = FakeCluster::pair();
            let script = cluster.expect_all(looks_at(object("a", "u1", &ended()), Value::Null));
            let outcome = ask_for(kube, Wanted { wait, uid: Some(uid.to_owned()) }).await;
            assert_eq!(outcome.is_ok(), is_found, "{uid:?} {wait:?}");
            assert!(matches!(outcome, Ok(_) | Err(Error::JobNotFound(_))));
            script.finish().await;
        }
    }
}

#[tokio::test]
async fn only_what_ends_can_be_waited_for_and_not_for_ever() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all(looks_at(Value::Null, object("a", "u1", &json!({}))));
    let error = ask_for(kube, Wanted { wait: Some(50), uid: None }).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(invalid) if invalid.field == "wait"));
    script.finish().await;
    for seconds in [0, 301] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.silence();
        let error = ask_for(kube, Wanted { wait: Some(seconds), uid: None }).await.unwrap_err();
        assert!(matches!(error, Error::Invalid(invalid) if invalid.field == "wait"));
        script.finish().await;
    }
}
