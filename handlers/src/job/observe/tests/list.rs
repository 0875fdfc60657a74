//! What becomes a job of the list, and which pods it has.

use super::*;

fn named(name: &str, uid: &str, created: &str) -> Value {
    object(name, uid, &json!({"metadata": {"creationTimestamp": created}}))
}

fn names(objects: &Objects) -> Vec<(String, JobType)> {
    let views = views_at(objects, NOW).into_iter();
    views.map(|view| (view.name, view.job_type.known().unwrap())).collect()
}

#[test]
fn jobs_are_sorted_by_name_and_of_one_name_the_older_comes_first() {
    let (older, younger) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
    for (job, cronjob, first) in
        [(older, younger, JobType::OneOff), (younger, older, JobType::Scheduled)]
    {
        let objects = Objects {
            jobs: vec![read(named("b", "u1", job)), read(named("c", "u2", older))],
            cronjobs: vec![read(named("b", "u3", cronjob))],
            controllers: vec![read(named("a", "u4", younger))],
            ..Objects::default()
        };
        let names = names(&objects);
        let order: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order, ["a", "b", "b", "c"]);
        assert_eq!(names[1].1, first);
    }
}

#[test]
fn what_a_cron_job_made_is_not_a_job_of_its_own() {
    let child: BatchJob = owned("a-29923188", "u-a", CREATED, json!({}));
    let orphan: BatchJob = owned("b-29923188", "u-of-nobody-here", CREATED, json!({}));
    let objects = Objects {
        jobs: vec![child, orphan],
        cronjobs: vec![cronjob(&json!({}))],
        ..Objects::default()
    };
    assert_eq!(names(&objects), [("a".to_owned(), JobType::Scheduled)]);
}

/// The old job of this name failed, and its pod is still there under a name that begins with it.
#[test]
fn a_new_job_never_shows_an_old_pods_outcome() {
    let failed = container("Failed", terminated(3, "Error", ""));
    let old: Pod = owned("a-x", "u-before", CREATED, failed);
    assert!(old.metadata.labels.are_ours(&"tf-test".parse().unwrap()));
    let objects = Objects { jobs: vec![job(&json!({}))], pods: vec![old], ..Objects::default() };
    let view = view(&objects);
    assert_eq!(view.status_short, "Waiting to start");
    assert_eq!((view.status.exit_code, view.status.attempts), (None, Some(0)));
}

/// An owner that is not a controller, as a hand-written reference may be, manages nothing.
#[test]
fn a_pod_belongs_to_its_controller_only() {
    let mut pod = pod(container("Running", json!({"running": {"startedAt": CREATED}})));
    pod.metadata.owner_references[0].controller = false;
    let objects = Objects { jobs: vec![job(&json!({}))], pods: vec![pod], ..Objects::default() };
    assert_eq!(view(&objects).status.phase, Phase::Pending);
}

/// An object of which nothing at all can be read but what makes it one.
#[test]
fn an_empty_object_is_listed() {
    let objects = Objects {
        jobs: vec![read(json!({"metadata": {"name": "a", "uid": "u"}}))],
        ..Objects::default()
    };
    let view = view(&objects);
    assert_eq!((view.name.as_str(), view.cmd.as_str()), ("a", ""));
    assert_eq!(view.image_state, ContainerState::Deprecated);
}
