//! What becomes a job of the list, and which pods it has.

use super::*;

fn named(name: &str, uid: &str, created: &str) -> Value {
    object(name, uid, &json!({"metadata": {"creationTimestamp": created}}))
}

fn names(snapshot: &Snapshot) -> Vec<(String, JobType)> {
    views_at(snapshot, NOW).into_iter().map(|view| (view.name, view.job_type)).collect()
}

#[test]
fn jobs_are_sorted_by_name_and_of_one_name_the_older_comes_first() {
    let (older, younger) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
    for (job, cronjob, first) in
        [(older, younger, JobType::OneOff), (younger, older, JobType::Scheduled)]
    {
        let snapshot = Snapshot {
            jobs: vec![read(named("b", "u1", job)), read(named("c", "u2", older))],
            cronjobs: vec![read(named("b", "u3", cronjob))],
            controllers: vec![read(named("a", "u4", younger))],
            ..Snapshot::default()
        };
        let names = names(&snapshot);
        let order: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order, ["a", "b", "b", "c"]);
        assert_eq!(names[1].1, first);
    }
}

#[test]
fn what_a_cron_job_made_is_no_job_of_its_own() {
    let child: BatchJob = owned("a-29923188", "u-a", CREATED, json!({}));
    let orphan: BatchJob = owned("b-29923188", "u-of-nobody-here", CREATED, json!({}));
    let snapshot = Snapshot {
        jobs: vec![child, orphan],
        cronjobs: vec![cronjob(&json!({}))],
        ..Snapshot::default()
    };
    assert_eq!(names(&snapshot), [("a".to_owned(), JobType::Scheduled)]);
}

/// The old job of this name failed, and its pod is still there under a name that begins with it.
#[test]
fn a_new_job_never_shows_an_old_pods_outcome() {
    let failed = container("Failed", terminated(3, "Error", ""));
    let old: Pod = owned("a-x", "u-before", CREATED, failed);
    assert!(old.metadata.labels.are_ours(&"tf-test".parse().unwrap()));
    let snapshot = Snapshot { jobs: vec![job(&json!({}))], pods: vec![old], ..Snapshot::default() };
    let view = view(&snapshot);
    assert_eq!(view.status_short, "Waiting to start");
    assert_eq!((view.status.exit_code, view.status.attempts), (None, Some(0)));
}

/// An owner that is no controller, as a hand-written reference may be, manages nothing.
#[test]
fn a_pod_belongs_to_its_controller_only() {
    let mut pod = pod(container("Running", json!({"running": {"startedAt": CREATED}})));
    pod.metadata.owner_references[0].controller = false;
    let snapshot = Snapshot { jobs: vec![job(&json!({}))], pods: vec![pod], ..Snapshot::default() };
    assert_eq!(view(&snapshot).status.phase, Phase::Pending);
}

#[test]
fn a_job_without_a_readable_request_is_listed_as_far_as_it_can_be_understood() {
    let container = json!({
        "image": "registry.example/gone:1", "command": ["sh", "-c"], "args": ["echo 'hi' $HOME"],
    });
    let template = json!({"template": {"spec": {"containers": [container]}}});
    let annotations = [
        json!({}),
        json!({"jobs.toolforge.org/spec": "garbage"}),
        json!({"jobs.toolforge.org/spec": "{}"}),
        json!({"jobs.toolforge.org/spec": kept_text("continuous")}),
    ];
    for annotations in annotations {
        let more = json!({"metadata": {"annotations": annotations}, "spec": template});
        let snapshot = Snapshot { jobs: vec![job(&more)], ..Snapshot::default() };
        let view = view(&snapshot);
        assert_eq!(view.cmd, r"sh -c 'echo '\''hi'\'' $HOME'", "{annotations}");
        assert_eq!(view.imagename, "registry.example/gone:1");
        assert_eq!(view.image, "registry.example/gone:1");
        assert_eq!(view.image_state, ContainerState::Deprecated);
        assert_eq!((view.job_type, view.retry, view.filelog), (JobType::OneOff, Some(0), false));
    }
}

#[test]
fn an_image_on_offer_has_its_short_name_also_in_another_programs_job() {
    for (image, name, state) in [
        ("registry.example/busybox:1", "tf-busybox", ContainerState::Stable),
        ("registry.example/old:1", "tf-old", ContainerState::Deprecated),
    ] {
        let more = json!({"spec": {"template": {"spec": {"containers": [{"image": image}]}}}});
        let snapshot = Snapshot { jobs: vec![job(&more)], ..Snapshot::default() };
        let view = view(&snapshot);
        assert_eq!((view.imagename.as_str(), view.image_state), (name, state));
    }
}

#[test]
fn another_programs_cron_job_and_controller_are_understood_too() {
    let cronjob = json!({"spec": {
        "schedule": "@daily",
        "timeZone": null,
        "jobTemplate": {"spec": {"backoffLimit": 6, "activeDeadlineSeconds": 60}},
    }});
    let snapshot = Snapshot { cronjobs: vec![self::cronjob(&cronjob)], ..Snapshot::default() };
    let scheduled = view(&snapshot);
    assert_eq!(scheduled.schedule.as_deref(), Some("@daily"));
    assert_eq!((scheduled.retry, scheduled.timeout), (Some(6), Some(60)));
    assert_eq!((scheduled.timezone, scheduled.status.next_scheduled_at), (None, None));

    let replicas = json!({"spec": {"replicas": 300}});
    let snapshot = Snapshot { controllers: vec![controller(&replicas)], ..Snapshot::default() };
    let continuous = view(&snapshot);
    assert_eq!((continuous.replicas, continuous.retry), (Some(255), None));
    assert!(continuous.continuous);
}

/// An object of which nothing at all can be read but its name.
#[test]
fn an_empty_object_is_listed() {
    let snapshot =
        Snapshot { jobs: vec![read(json!({"metadata": {"name": "a"}}))], ..Snapshot::default() };
    let view = view(&snapshot);
    assert_eq!((view.name.as_str(), view.cmd.as_str()), ("a", ""));
    assert_eq!(view.image_state, ContainerState::Deprecated);
}

fn kept_text(job_type: &str) -> String {
    let mut spec = json!({
        "cmd": "echo $HOME", "imagename": "tf-busybox", "job_type": job_type,
        "logs": {"stdout": "/data/project/tf-test/a.out", "stderr": "/dev/null"},
        "memory": "1Gi", "emails": "onfailure", "env": {"A": "b"},
    });
    match job_type {
        "continuous" => spec["replicas"] = json!(2),
        _ => spec["retry"] = json!(3),
    }
    spec.to_string()
}

#[test]
fn what_was_asked_for_is_read_back_from_the_annotation_alone() {
    let annotations = json!({"jobs.toolforge.org/spec": kept_text("one-off")});
    let more = json!({"metadata": {"annotations": annotations}, "spec": {"backoffLimit": 5}});
    let snapshot = Snapshot { jobs: vec![job(&more)], ..Snapshot::default() };
    let view = view(&snapshot);
    assert_eq!((view.cmd.as_str(), view.imagename.as_str()), ("echo $HOME", "tf-busybox"));
    assert_eq!(view.filelog_stdout.as_deref(), Some("/data/project/tf-test/a.out"));
    assert_eq!(view.filelog_stderr.as_deref(), Some("/dev/null"));
    assert_eq!((view.filelog, view.retry, view.timeout), (true, Some(3), None));
    assert_eq!((view.memory.as_deref(), view.cpu), (Some("1Gi"), None));
    assert_eq!((view.emails, view.mount), (Emails::OnFailure, Mount::All));
    assert_eq!((view.env["A"].as_str(), view.created_at.as_str()), ("b", CREATED));
}

#[test]
fn events_are_asked_for_only_when_nothing_else_can_explain() {
    let making = || pod(container("Pending", json!({"waiting": {"reason": "ContainerCreating"}})));
    let running = || pod(container("Running", json!({"running": {"startedAt": CREATED}})));
    let pulling = || pod(container("Pending", json!({"waiting": {"reason": "ErrImagePull"}})));
    let job = |more: &Value| vec![super::job(more)];
    let with = |jobs, pods| Snapshot { jobs, pods, ..Snapshot::default() };
    let suspended = json!({"status": {"conditions": [{"type": "Suspended", "status": "True"}]}});
    let early = "2026-01-01T00:00:01Z";
    for (snapshot, now, needs) in [
        (with(job(&json!({})), vec![]), NOW, true),
        (with(job(&json!({})), vec![]), early, false),
        (with(job(&suspended), vec![]), NOW, false),
        (with(job(&failed("DeadlineExceeded")), vec![]), NOW, false),
        (with(job(&json!({})), vec![making()]), NOW, true),
        (with(job(&json!({})), vec![making()]), early, false),
        (with(job(&json!({})), vec![pulling()]), NOW, false),
        (with(job(&json!({})), vec![running()]), NOW, false),
        (Snapshot::default(), NOW, false),
    ] {
        assert_eq!(snapshot.needs_events(at(now)), needs, "{snapshot:?} at {now}");
    }
}
