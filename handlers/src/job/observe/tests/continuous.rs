use super::*;

/// A copy whose program was started anew so often, is in this state, and ended like this before.
fn copy(name: &str, restarts: i64, state: Value, last: Value) -> Pod {
    let mut status = json!({"phase": "Running", "containerStatuses": [{"restartCount": restarts}]});
    status["containerStatuses"][0]["state"] = state;
    status["containerStatuses"][0]["lastState"] = last;
    owned(name, "u-a", CREATED, status)
}

fn running_since(time: &str) -> Value {
    json!({"running": {"startedAt": time}})
}

fn with(replicas: i64, pods: Vec<Pod>) -> Objects {
    let controller = controller(&json!({"spec": {"replicas": replicas}}));
    Objects { controllers: vec![controller], pods, ..Objects::default() }
}

#[test]
fn a_crash_loop_is_the_same_in_all_its_moments() {
    let crash = || terminated(7, "Error", "");
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let moments = [
        copy("a-x", 3, back_off, crash()),
        copy("a-x", 3, running_since("2026-01-01T00:04:58Z"), crash()),
        copy("a-x", 3, crash(), crash()),
    ];
    let told: Vec<_> = moments.map(|copy| view(&with(1, vec![copy]))).into();
    let first = &told[0];
    assert_eq!(
        (first.status.phase.known(), first.status.restarts),
        (Some(Phase::Pending), Some(3))
    );
    assert_eq!(first.status.reason, reason("CrashLoopBackOff"));
    assert_eq!((first.status.exit_code, first.status.signal), (Some(7), None));
    for other in &told[1..] {
        assert_eq!((&other.status, &other.status_long), (&first.status, &first.status_long));
    }
}

#[test]
fn a_program_that_crashed_once_and_runs_for_a_while_runs() {
    let settled = copy("a-x", 1, running_since("2026-01-01T00:04:50Z"), terminated(7, "Error", ""));
    let view = view(&with(1, vec![settled]));
    assert_eq!(view.status_short, "Running for 10s");
    assert_eq!((view.status.restarts, view.status.reason), (Some(1), None));
}

#[test]
fn a_crash_loop_says_why_it_last_ended() {
    let looping = |last| {
        with(1, vec![copy("a-x", 1, json!({"waiting": {"reason": "CrashLoopBackOff"}}), last)])
    };
    let oom = view(&looping(terminated(137, "OOMKilled", ""))).status;
    assert_eq!((oom.reason, oom.oom_killed), (reason("CrashLoopBackOff"), Some(true)));
    let log = view(&looping(terminated(73, "Error", "sh: can't create x: Is a directory"))).status;
    assert_eq!(log.reason, reason("LogNotWritable"));
    assert!(log.message.unwrap().starts_with("sh: can't create x: Is a directory; "));
    let done = view(&looping(terminated(0, "Completed", ""))).status;
    assert!(done.message.unwrap().starts_with("it ended, although it should run for ever"));
}

#[test]
fn one_copy_that_runs_makes_it_a_running_job() {
    let loops = || {
        copy(
            "a-x",
            9,
            json!({"waiting": {"reason": "CrashLoopBackOff"}}),
            terminated(1, "Error", ""),
        )
    };
    let runs = |name, since| copy(name, 0, running_since(since), json!({}));
    let pods =
        vec![loops(), runs("a-y", "2026-01-01T00:04:00Z"), runs("a-z", "2026-01-01T00:03:00Z")];
    let view = view(&with(3, pods));
    assert_eq!((view.status_short.as_str(), view.status.restarts), ("Running for 2m", Some(9)));
}

#[test]
fn of_copies_that_wait_one_with_a_reason_speaks() {
    let silent = || copy("a-x", 0, json!({"waiting": {"reason": "ContainerCreating"}}), json!({}));
    let pulls = || copy("a-y", 0, json!({"waiting": {"reason": "ErrImagePull"}}), json!({}));
    for pods in [vec![silent(), pulls()], vec![pulls(), silent()]] {
        assert_eq!(view(&with(2, pods)).status.reason, reason("ErrImagePull"));
    }
}

#[test]
fn what_goes_or_has_ended_speaks_no_more() {
    let mut going = copy("a-x", 0, running_since(CREATED), json!({}));
    going.metadata.deletion_timestamp = Some(at(NOW));
    let evicted = json!({"phase": "Failed", "reason": "Evicted"});
    let evicted: Pod = owned("a-y", "u-a", CREATED, evicted);
    let objects = with(1, vec![going, evicted]);
    assert_eq!(told(&objects), (Phase::Pending, None, "Waiting to start".to_owned()));
}

#[test]
fn a_copy_that_finds_no_room_is_told_beside_those_that_run() {
    let quota = "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16";
    let condition = json!({"type": "ReplicaFailure", "status": "True", "message": quota});
    let more = json!({"spec": {"replicas": 2}, "status": {"conditions": [condition]}});
    let objects = Objects {
        controllers: vec![controller(&more)],
        pods: vec![copy("a-x", 0, running_since("2026-01-01T00:04:00Z"), json!({}))],
        ..Objects::default()
    };
    let status = view(&objects).status;
    assert_eq!((status.phase, status.reason), (Phase::Running.into(), reason("QuotaExceeded")));
}

/// The condition stays for a while after what was refused has been made.
#[test]
fn a_refusal_is_not_told_any_more_when_all_copies_are_there() {
    let quota = "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16";
    let condition = json!({"type": "ReplicaFailure", "status": "True", "message": quota});
    let more = json!({"spec": {"replicas": 1}, "status": {"conditions": [condition]}});
    let objects = Objects {
        controllers: vec![controller(&more)],
        pods: vec![copy("a-x", 0, running_since("2026-01-01T00:04:00Z"), json!({}))],
        ..Objects::default()
    };
    let status = view(&objects).status;
    assert_eq!((status.phase, status.reason), (Phase::Running.into(), None));
}

#[test]
fn no_copies_wanted_is_not_a_fault() {
    assert_eq!(
        told(&with(0, vec![])),
        (Phase::Pending, reason("NoReplicas"), "Waiting: NoReplicas".to_owned())
    );
}
