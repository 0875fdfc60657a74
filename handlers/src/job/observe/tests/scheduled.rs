use super::*;

fn child(name: &str, created: &str, status: Value) -> BatchJob {
    owned(name, "u-a", created, status)
}

fn complete(time: &str) -> Value {
    json!({
        "startTime": CREATED,
        "completionTime": time,
        "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": time}],
    })
}

fn running(name: &str, child: &str) -> Pod {
    let state = json!({"running": {"startedAt": "2026-01-01T00:04:00Z"}});
    owned(name, &format!("u-{child}"), CREATED, container("Running", state))
}

fn with(cronjob: CronJob, jobs: Vec<BatchJob>, pods: Vec<Pod>) -> Objects {
    Objects { cronjobs: vec![cronjob], jobs, pods, ..Objects::default() }
}

#[test]
fn between_runs_it_waits_for_its_time_and_says_when_that_is() {
    let view = view(&with(cronjob(&json!({})), vec![], vec![]));
    assert_eq!((view.status.phase, view.status.reason), (Phase::Pending.into(), None));
    assert_eq!(view.status_short, "Waiting for scheduled time");
    assert_eq!(view.status.next_scheduled_at.as_deref(), Some("2026-01-01T01:00:00Z"));
    assert_eq!(
        view.status_long,
        "Waiting for scheduled time. Its next run is at 2026-01-01T01:00:00Z."
    );
}

#[test]
fn the_next_run_is_in_the_jobs_own_time_zone() {
    let noon = json!({"spec": {"schedule": "0 12 * * *", "timeZone": "Europe/Zurich"}});
    let status = view(&with(cronjob(&noon), vec![], vec![])).status;
    assert_eq!(status.next_scheduled_at.as_deref(), Some("2026-01-01T11:00:00Z"));
}

#[test]
fn a_run_that_is_about_to_start_does_not_wait_for_its_time() {
    let starting = child("a-1", "2026-01-01T00:04:59Z", json!({}));
    let view = view(&with(cronjob(&json!({})), vec![starting], vec![]));
    assert_eq!(view.status_short, "Waiting to start");
}

#[test]
fn while_a_run_has_tries_left_it_is_told_and_the_run_has_not_ended() {
    let mut retrying = child("a-1", CREATED, json!({"failed": 1}));
    retrying.spec.backoff_limit = Some(1);
    let failed = container("Failed", terminated(4, "Error", ""));
    let pod = owned("a-1-x", "u-a-1", CREATED, failed);
    let status = view(&with(cronjob(&json!({})), vec![retrying], vec![pod])).status;
    assert_eq!((status.phase, status.reason), (Phase::Pending.into(), reason("ExitCode")));
    assert_eq!((status.last_run, status.attempts), (None, None));
}

#[test]
fn of_several_runs_the_one_at_work_speaks_and_the_other_is_told() {
    let jobs = || vec![child("a-1", CREATED, json!({})), child("a-x7k2p", NOW, json!({}))];
    for pods in [
        vec![running("a-1-x", "a-1")],
        vec![running("a-x7k2p-x", "a-x7k2p")],
        vec![running("a-1-x", "a-1"), running("a-x7k2p-x", "a-x7k2p")],
    ] {
        let view = view(&with(cronjob(&json!({})), jobs(), pods));
        assert_eq!(view.status_short, "Running for 1m");
        assert_eq!(view.status.message.as_deref(), Some("2 runs of it are at work at once"));
    }
}

#[test]
fn the_last_run_is_the_youngest_that_ended_whatever_came_of_it() {
    let failed = json!({"startTime": CREATED, "failed": 1, "conditions": [{
        "type": "Failed",
        "status": "True",
        "reason": "DeadlineExceeded",
        "lastTransitionTime": "2026-01-01T00:03:00Z",
    }]});
    let jobs = vec![
        child("a-2", "2026-01-01T00:02:00Z", failed),
        child("a-1", "2026-01-01T00:01:00Z", complete("2026-01-01T00:01:30Z")),
    ];
    let view = view(&with(cronjob(&json!({})), jobs, vec![]));
    let run = view.status.last_run.unwrap();
    assert_eq!((run.phase, run.reason), (Phase::Failed.into(), reason("DeadlineExceeded")));
    assert_eq!(run.finished_at.as_deref(), Some("2026-01-01T00:03:00Z"));
    assert_eq!(view.status.phase, Phase::Pending, "a schedule never ends");
    let sentence = "Its last run failed at 2026-01-01T00:03:00Z (DeadlineExceeded).";
    assert!(view.status_long.contains(sentence), "{}", view.status_long);
}

#[test]
fn a_suspended_one_has_no_next_run() {
    let suspended = cronjob(&json!({"spec": {"suspend": true}}));
    let view = view(&with(suspended, vec![], vec![]));
    assert_eq!(view.status_short, "Waiting: Suspended");
    assert_eq!(view.status.next_scheduled_at, None);
}

/// The tick of 00:02 was refused a moment after it came due.
#[test]
fn a_tick_refused_for_quota_is_told_until_a_later_one_was_not() {
    let message = "Error creating job: jobs.batch \"a-2\" is forbidden: exceeded quota: q, \
                   requested: count/jobs.batch=1, used: count/jobs.batch=200, \
                   limited: count/jobs.batch=200";
    let last_kept = |time: &str| json!({"lastScheduleTime": time});
    for (status, last_child, why) in [
        (json!({}), None, reason("QuotaExceeded")),
        (last_kept("2026-01-01T00:01:00Z"), None, reason("QuotaExceeded")),
        (json!({}), Some("2026-01-01T00:01:00Z"), reason("QuotaExceeded")),
        (json!({}), Some("2026-01-01T00:03:00Z"), None),
        (last_kept("2026-01-01T00:03:00Z"), None, None),
        // That very tick, at the second attempt.
        (last_kept("2026-01-01T00:02:00Z"), None, None),
        (json!({"lastSuccessfulTime": "2026-01-01T00:02:40Z"}), None, None),
    ] {
        let ended = |created| child("a-1", created, complete("2026-01-01T00:03:30Z"));
        let every_minute = json!({"spec": {"schedule": "* * * * *"}, "status": status});
        let mut objects =
            with(cronjob(&every_minute), last_child.map(ended).into_iter().collect(), vec![]);
        let refused = warning("u-a", "FailedCreate", "2026-01-01T00:02:01Z", message);
        let by_hand = warning("u-a", "UnexpectedJob", "2026-01-01T00:04:00Z", "Saw a job");
        objects.events = vec![refused, by_hand];
        assert_eq!(view(&objects).status.reason, why, "{status}, last child: {last_child:?}");
    }
}

#[test]
fn a_run_that_never_began_is_told_as_that() {
    let message = "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16";
    let run = child("a-1", CREATED, failed("DeadlineExceeded")["status"].clone());
    let mut never = run.clone();
    never.status.failed = 0;
    for (run, started_at, why) in
        [(run, Some(CREATED), "DeadlineExceeded"), (never, None, "QuotaExceeded")]
    {
        let mut objects = with(cronjob(&json!({})), vec![run], vec![]);
        objects.events = vec![warning("u-a-1", "FailedCreate", CREATED, message)];
        let run = view(&objects).status.last_run.unwrap();
        assert_eq!((run.started_at.as_deref(), run.reason), (started_at, reason(why)));
    }
}

#[test]
fn a_schedule_that_was_suspended_while_a_run_is_at_work_says_so() {
    let suspended = cronjob(&json!({"spec": {"suspend": true}}));
    let run = child("a-1", CREATED, json!({}));
    let view = view(&with(suspended, vec![run], vec![running("a-1-x", "a-1")]));
    assert_eq!((view.status.phase, view.status.next_scheduled_at), (Phase::Running.into(), None));
    assert_eq!(view.status.message.as_deref(), Some("its schedule was suspended from outside"));
}

#[test]
fn events_are_asked_for_when_a_tick_has_no_child() {
    let cronjob = |more| super::cronjob(&more);
    let (due, early) = ("2026-01-01T01:00:02Z", "2026-01-01T01:00:01Z");
    let run = json!({"status": {"lastScheduleTime": "2026-01-01T01:00:00Z"}});
    let suspended = json!({"spec": {"suspend": true}});
    let macros = json!({"spec": {"schedule": "@hourly"}});
    let busy = || vec![child("a-1", CREATED, json!({})), child("a-2", CREATED, json!({}))];
    for (objects, now, needs) in [
        (with(cronjob(json!({})), vec![], vec![]), early, false),
        (with(cronjob(json!({})), vec![], vec![]), due, true),
        (with(cronjob(run), vec![], vec![]), due, false),
        (with(cronjob(suspended), vec![], vec![]), due, false),
        // Another program's macro: Kubernetes does not spread it.
        (with(cronjob(macros), vec![], vec![]), due, true),
        // A tick is skipped while a run is at work: nothing to explain, however long that takes.
        (
            with(
                cronjob(json!({})),
                busy(),
                vec![running("a-1-x", "a-1"), running("a-2-x", "a-2")],
            ),
            due,
            false,
        ),
    ] {
        assert_eq!(objects.snapshot().lacks(at(now)).events, needs, "{objects:?} at {now}");
    }
}
