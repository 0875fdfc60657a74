//! What has to be read, or read again, before everything can be told.

use super::*;

#[test]
fn events_are_asked_for_only_when_nothing_else_can_explain() {
    let making = || pod(container("Pending", json!({"waiting": {"reason": "ContainerCreating"}})));
    let running = || pod(container("Running", json!({"running": {"startedAt": CREATED}})));
    let pulling = || pod(container("Pending", json!({"waiting": {"reason": "ErrImagePull"}})));
    let job = |more: &Value| vec![super::job(more)];
    let with = |jobs, pods| Objects { jobs, pods, ..Objects::default() };
    let suspended = json!({"status": {"conditions": [{"type": "Suspended", "status": "True"}]}});
    let early = "2026-01-01T00:00:01Z";
    for (objects, now, needs) in [
        (with(job(&json!({})), vec![]), NOW, true),
        (with(job(&json!({})), vec![]), early, false),
        (with(job(&suspended), vec![]), NOW, false),
        (with(job(&failed("DeadlineExceeded")), vec![]), NOW, false),
        (with(job(&json!({})), vec![making()]), NOW, true),
        (with(job(&json!({})), vec![making()]), early, false),
        (with(job(&json!({})), vec![pulling()]), NOW, false),
        (with(job(&json!({})), vec![running()]), NOW, false),
        (Objects::default(), NOW, false),
    ] {
        assert_eq!(objects.snapshot().lacks(at(now)).events, needs, "{objects:?} at {now}");
    }
}

/// Versions of all kinds are one sequence; what the clocks say does not matter.
#[test]
fn pods_are_read_again_when_a_job_ended_after_they_were_read() {
    let version = Version::parse;
    let at_work = || pod(container("Running", json!({"running": {"startedAt": CREATED}})));
    let over = || pod(container("Failed", terminated(3, "Error", "")));
    let has_ended = failed("BackoffLimitExceeded");
    for (job, pods, pods_version, lacks) in [
        (json!({}), vec![], "40", false),
        (json!({}), vec![at_work()], "40", false),
        (has_ended.clone(), vec![over()], "40", false),
        (has_ended.clone(), vec![at_work()], "40", true),
        (has_ended.clone(), vec![over(), at_work()], "40", true),
        (has_ended.clone(), vec![], "9", true),
        (has_ended.clone(), vec![], "40", true),
        (has_ended.clone(), vec![], "41", false),
        (has_ended.clone(), vec![], "100", false),
        (has_ended.clone(), vec![], "", true),
        (has_ended.clone(), vec![], "x", true),
        // Of this very pod the snapshot says that it is at work, whatever its version.
        (has_ended, vec![at_work()], "41", true),
    ] {
        let objects = Objects {
            jobs: vec![super::job(&job)],
            pods,
            pods_version: version(pods_version),
            ..Objects::default()
        };
        assert_eq!(objects.snapshot().lacks(at(NOW)).pods.is_some(), lacks, "{objects:?}");
    }
}

#[test]
fn the_end_of_a_scheduled_jobs_run_is_looked_for_too() {
    let mut run: BatchJob =
        owned("a-1", "u-a", CREATED, failed("BackoffLimitExceeded")["status"].clone());
    run.metadata.version = Version::parse("41");
    let mut objects =
        Objects { jobs: vec![run], cronjobs: vec![cronjob(&json!({}))], ..Objects::default() };
    objects.pods_reach = Reach::Tool;
    for (pods_version, lacks) in [("40", true), ("41", false)] {
        objects.pods_version = Version::parse(pods_version);
        assert_eq!(objects.snapshot().lacks(at(NOW)).pods.is_some(), lacks, "{pods_version}");
    }
}

/// An object of another program may give its pods and runs other labels than it has itself.
#[test]
fn what_the_selector_does_not_find_is_looked_for_further() {
    let labels = |name: Value| json!({"metadata": {"labels": {"app.kubernetes.io/name": name}}});
    let without_ours = json!({"metadata": {"labels": {"toolforge": null}}});
    let of_another_tool =
        json!({"metadata": {"labels": {"app.kubernetes.io/created-by": "tf-other"}}});
    for (template, at_first, pods) in [
        (json!({}), Reach::Job, None),
        (json!({}), Reach::Tool, None),
        (labels(Value::Null), Reach::Job, Some(Reach::Tool)),
        (labels(Value::Null), Reach::Tool, None),
        (labels(json!("b")), Reach::Job, Some(Reach::Tool)),
        (without_ours.clone(), Reach::Job, Some(Reach::Namespace)),
        (without_ours.clone(), Reach::Tool, Some(Reach::Namespace)),
        (without_ours.clone(), Reach::Namespace, None),
        (of_another_tool, Reach::Tool, Some(Reach::Namespace)),
    ] {
        let running = json!({"spec": {"template": template}, "status": {"active": 1}});
        for objects in [
            Objects { jobs: vec![job(&running)], ..Objects::default() },
            Objects { controllers: vec![controller(&running)], ..Objects::default() },
        ] {
            let objects = Objects { pods_reach: at_first, ..objects };
            let lacks = objects.snapshot().lacks(at(NOW));
            assert_eq!((lacks.runs, lacks.pods), (None, pods), "{template} {at_first:?}");
        }
    }
    let jobs = json!({"spec": {"jobTemplate": without_ours}});
    let pods = json!({"spec": {"jobTemplate": {"spec": {"template": without_ours}}}});
    let far = Some(Reach::Namespace);
    for (cronjob, runs, pods) in [(jobs, far, None), (pods, None, far)] {
        let objects = Objects { cronjobs: vec![super::cronjob(&cronjob)], ..Objects::default() };
        let lacks = objects.snapshot().lacks(at(NOW));
        assert_eq!((lacks.runs, lacks.pods), (runs, pods), "{cronjob}");
    }
}

/// A run that was made before its scheduled job was changed.
#[test]
fn the_pods_of_a_run_with_other_labels_are_looked_for_further_too() {
    let mut run: BatchJob = owned("a-1", "u-a", CREATED, json!({}));
    run.spec.template.metadata.labels = Labels::default();
    let objects =
        Objects { jobs: vec![run], cronjobs: vec![cronjob(&json!({}))], ..Objects::default() };
    assert_eq!(objects.snapshot().lacks(at(NOW)).pods, Some(Reach::Namespace));
}

/// Kubernetes forgets events after an hour.
#[test]
fn why_a_job_never_began_is_asked_for_while_events_live() {
    let late = |failed: i64, reason: &str| {
        let mut job = super::failed(reason);
        job["status"]["failed"] = json!(failed);
        job
    };
    for (job, now, lacks) in [
        (late(0, "DeadlineExceeded"), NOW, true),
        (late(0, "DeadlineExceeded"), "2026-01-01T01:01:04Z", true),
        (late(0, "DeadlineExceeded"), "2026-01-01T01:01:05Z", false),
        (late(1, "DeadlineExceeded"), NOW, false),
        (late(0, "BackoffLimitExceeded"), NOW, false),
    ] {
        let objects = Objects { jobs: vec![super::job(&job)], ..Objects::default() };
        assert_eq!(objects.snapshot().lacks(at(now)).events, lacks, "{job} at {now}");
    }
}

/// With volumes and network in place only the image is still fetched, and its words are in the pod.
#[test]
fn no_event_explains_a_pod_whose_sandbox_is_ready() {
    let mut status = container("Pending", json!({"waiting": {"reason": "ContainerCreating"}}));
    for (ready, lacks) in [("False", true), ("True", false)] {
        status["conditions"] = json!([{"type": "PodReadyToStartContainers", "status": ready}]);
        let event = warning("u-a-x", "FailedMount", CREATED, "MountVolume.SetUp failed");
        let objects = Objects {
            jobs: vec![job(&json!({}))],
            pods: vec![pod(status.clone())],
            events: vec![event],
            ..Objects::default()
        };
        assert_eq!(objects.snapshot().lacks(at(NOW)).events, lacks);
        assert_eq!(view(&objects).status.reason.is_some(), lacks);
    }
}
