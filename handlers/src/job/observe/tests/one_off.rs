use super::*;

fn ended(job: &Value, status: Value) -> Objects {
    Objects { jobs: vec![super::job(job)], pods: vec![pod(status)], ..Objects::default() }
}

#[test]
fn an_exit_code_above_128_is_a_signal_and_137_is_not_by_itself_a_lack_of_memory() {
    for (code, word, signal, why) in [
        (1, "Error", None, "ExitCode"),
        (128, "Error", None, "ExitCode"),
        (129, "Error", Some(1), "Signal"),
        (137, "Error", Some(9), "Signal"),
        (143, "Error", Some(15), "Signal"),
        (159, "Error", Some(31), "Signal"),
        (160, "Error", None, "ExitCode"),
        (255, "Error", None, "ExitCode"),
        (137, "OOMKilled", Some(9), "OOMKilled"),
        (137, "ContainerStatusUnknown", Some(9), "ContainerStatusUnknown"),
        (128, "StartError", None, "StartError"),
    ] {
        let pod = container("Failed", terminated(code, word, ""));
        let view = view(&ended(&failed("BackoffLimitExceeded"), pod));
        assert_eq!(view.status.reason.as_deref(), Some(why), "{code} {word}");
        assert_eq!((view.status.exit_code, view.status.signal), (Some(code), signal));
        assert_eq!(view.status.oom_killed, Some(word == "OOMKilled"), "{code} {word}");
        assert_eq!(
            (view.status_short.as_str(), view.status.phase),
            ("Failed", Phase::Failed.into())
        );
    }
}

#[test]
fn a_log_that_cannot_be_written_is_exit_code_73_with_a_message_and_comes_first() {
    let sentence = "toolforge-job: can't create /data/project/tf-test/x: nonexistent directory\n";
    let unread = "Error on reading termination message from logs: lstat /var/log/pods/x/0.log";
    for (code, message, why, shown) in [
        (73, sentence, "LogNotWritable", sentence.trim()),
        (73, "", "ExitCode", "it ended with exit code 73"),
        (73, " \n", "ExitCode", "it ended with exit code 73"),
        (73, unread, "ExitCode", "it ended with exit code 73"),
        (1, sentence, "ExitCode", "it ended with exit code 1"),
    ] {
        let pod = container("Failed", terminated(code, "Error", message));
        let view = view(&ended(&failed("BackoffLimitExceeded"), pod));
        assert_eq!(view.status.reason.as_deref(), Some(why), "{code} {message:?}");
        assert_eq!(view.status.message.as_deref(), Some(shown));
    }
}

#[test]
fn what_the_pod_says_itself_comes_before_what_its_container_says() {
    for word in ["Evicted", "OutOfcpu", "Terminated"] {
        let mut status = container("Failed", terminated(137, "OOMKilled", ""));
        status["reason"] = json!(word);
        status["message"] = json!("The node was low on resource: /var/lib/kubelet");
        let view = view(&ended(&failed("BackoffLimitExceeded"), status));
        assert_eq!(view.status.reason.as_deref(), Some(word));
        assert!(!view.status_long.contains("/var"), "{}", view.status_long);
    }
}

#[test]
fn a_program_that_never_started_did_not_start_in_1970() {
    let mut end = terminated(128, "StartError", "exec: \"/no/such/program\"");
    end["terminated"]["startedAt"] = json!("1970-01-01T00:00:00Z");
    let present = view(&ended(&json!({}), container("Pending", end.clone()))).status;
    assert_eq!((present.phase, present.started_at), (Phase::Pending.into(), None));
    assert_eq!((present.reason, present.exit_code), (reason("StartError"), Some(128)));

    let counted = failed("BackoffLimitExceeded");
    let over = view(&ended(&counted, container("Failed", end))).status;
    assert_eq!((over.phase, over.started_at.as_deref()), (Phase::Failed.into(), Some(CREATED)));
    assert_eq!(over.reason, reason("StartError"));
}

/// Its node refused it: there never was a container, and nobody deleted anything.
#[test]
fn a_pod_that_no_node_would_have_says_so() {
    let status = json!({"phase": "Failed", "reason": "OutOfpods"});
    let view = view(&ended(&failed("BackoffLimitExceeded"), status));
    assert_eq!(view.status.reason, reason("OutOfpods"));
    assert_eq!(view.status.message.as_deref(), Some("its node could not run it, or had to end it"));
}

/// The pod that ran out of time was deleted: whatever pod is left is an earlier try's.
#[test]
fn a_deadline_comes_before_whatever_earlier_tries_say() {
    let late = failed("DeadlineExceeded");
    let mut evicted = container("Failed", terminated(137, "Error", ""));
    evicted["reason"] = json!("Evicted");
    for pod in [
        container("Failed", terminated(143, "Error", "")),
        container("Failed", terminated(3, "Error", "")),
        container("Failed", terminated(137, "OOMKilled", "")),
        container("Failed", terminated(73, "Error", "can't create x")),
        evicted,
    ] {
        let status = view(&ended(&late, pod)).status;
        assert_eq!(status.reason, reason("DeadlineExceeded"));
        assert_eq!((status.exit_code, status.signal, status.oom_killed), (None, None, None));
    }
}

/// What Kubernetes says of a job that its deadline ended before there was room for its pod.
fn never_began() -> Value {
    let mut late = failed("DeadlineExceeded");
    late["spec"]["activeDeadlineSeconds"] = json!(6);
    late["status"]["failed"] = json!(0);
    late
}

#[test]
fn a_job_that_never_had_a_pod_never_began() {
    let quota = "Error creating: pods \"a-x\" is forbidden: exceeded quota: q, requested: pods=1, \
                 used: pods=16, limited: pods=16";
    let limit = "Error creating: pods \"a-x\" is forbidden: maximum cpu usage per Container is 1, \
                 but limit is 2";
    let unsaid = "Error creating: pods \"a-x\" is forbidden: failed quota: q: must specify \
                  limits.memory for: job";
    let given_up = "it never began, and was given up after 6 s, the `timeout` it was given";
    for (event, why, said) in [
        (Some(quota), "QuotaExceeded", "pods at once (pods): 1 asked, 16 used, 16 allowed"),
        (Some(limit), "DeadlineExceeded", "a job may have at most 1 of cpu, not 2"),
        (
            Some(unsaid),
            "DeadlineExceeded",
            "it does not say how much `memory` it may use, which the tool's quota counts \
             (limits.memory)",
        ),
        (Some("Error creating: something"), "DeadlineExceeded", "it had no pod"),
        (None, "DeadlineExceeded", "it had no pod"),
    ] {
        let event = event.map(|it| warning("u-a", "FailedCreate", "2026-01-01T00:00:05Z", it));
        let jobs = vec![job(&never_began())];
        let view =
            view(&Objects { jobs, events: event.into_iter().collect(), ..Objects::default() });
        assert_eq!(view.status.reason, reason(why));
        assert_eq!(view.status.message, Some(format!("{given_up}: {said}")));
        assert_eq!((view.status.started_at, view.status.attempts), (None, Some(0)));
        assert_eq!(view.status.finished_at.as_deref(), Some("2026-01-01T00:01:05Z"));
        assert_eq!(view.status_short, "Failed");
    }
}

#[test]
fn a_job_whose_pod_its_deadline_ended_is_not_told_by_an_older_event() {
    let quota = "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16";
    let mut late = never_began();
    late["status"]["failed"] = json!(1);
    let objects = Objects {
        jobs: vec![job(&late)],
        events: vec![warning("u-a", "FailedCreate", CREATED, quota)],
        ..Objects::default()
    };
    let status = view(&objects).status;
    assert_eq!(status.reason, reason("DeadlineExceeded"));
    assert_eq!(status.started_at.as_deref(), Some(CREATED));
}

/// Lists are read side by side: the pod was made after they were read.
#[test]
fn a_refusal_is_not_told_any_more_when_a_pod_was_made_since() {
    let quota = "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16";
    for (active, why) in [(0, reason("QuotaExceeded")), (1, None)] {
        let objects = Objects {
            jobs: vec![job(&json!({"status": {"active": active}}))],
            events: vec![warning("u-a", "FailedCreate", CREATED, quota)],
            ..Objects::default()
        };
        assert_eq!(view(&objects).status.reason, why, "active: {active}");
    }
}

/// The pod of the second try ran out of time and was deleted; the first one's is still there.
#[test]
fn a_deadline_does_not_tell_an_earlier_tries_exit_code_and_times() {
    let mut late = failed("DeadlineExceeded");
    merge(&mut late, &json!({"spec": {"backoffLimit": 3, "activeDeadlineSeconds": 65}}));
    merge(&mut late, &json!({"status": {"failed": 2}}));
    let status = view(&ended(&late, container("Failed", terminated(3, "Error", "")))).status;
    assert_eq!((status.exit_code, status.signal, status.oom_killed), (None, None, None));
    assert_eq!(status.started_at.as_deref(), Some(CREATED));
    assert_eq!(status.finished_at.as_deref(), Some("2026-01-01T00:01:05Z"));
    assert_eq!(status.attempts, Some(2));
    let message = "it was ended after 65 s, the `timeout` it was given";
    assert_eq!(status.message.as_deref(), Some(message));
}

#[test]
fn backoff_limit_exceeded_is_the_reason_only_when_no_pod_is_left() {
    let gone = Objects { jobs: vec![job(&failed("BackoffLimitExceeded"))], ..Objects::default() };
    assert_eq!(view(&gone).status.reason, reason("BackoffLimitExceeded"));
    let left = container("Failed", terminated(3, "Error", ""));
    assert_eq!(
        view(&ended(&failed("BackoffLimitExceeded"), left)).status.reason,
        reason("ExitCode")
    );
}

#[test]
fn while_tries_are_left_a_job_has_not_failed() {
    let job = |retry: i64, failed: i64| {
        super::job(&json!({"spec": {"backoffLimit": retry}, "status": {"failed": failed}}))
    };
    let failed = |name: &str, created: &str| -> Pod {
        owned(name, "u-a", created, container("Failed", terminated(4, "Error", "")))
    };
    let first = || failed("a-x", CREATED);
    let second = || failed("a-y", "2026-01-01T00:02:00Z");
    let with = |job, pods| Objects { jobs: vec![job], pods, ..Objects::default() };

    let backing_off = view(&with(job(1, 1), vec![first()]));
    assert_eq!(backing_off.status.phase, Phase::Pending);
    assert_eq!(backing_off.status.attempts, Some(1));
    let message = "it ended with exit code 4; it is tried again at 2026-01-01T00:01:10Z, 2 of 2";
    assert_eq!(backing_off.status.message.as_deref(), Some(message));

    // Ended and not yet counted: neither failed nor about to be tried again.
    for objects in [with(job(1, 0), vec![first()]), with(job(1, 1), vec![first(), second()])] {
        assert_eq!(view(&objects).status.phase, Phase::Running, "{objects:?}");
    }
    // Counted, and no condition yet: Kubernetes has to say it.
    let counted = view(&with(job(1, 2), vec![first(), second()]));
    assert_eq!((counted.status.phase, counted.status.attempts), (Phase::Running.into(), Some(2)));
}

#[test]
fn a_try_that_runs_is_counted_although_an_earlier_ones_pod_is_gone() {
    let job = json!({"spec": {"backoffLimit": 2}, "status": {"failed": 1, "active": 1}});
    let running = container("Running", json!({"running": {"startedAt": CREATED}}));
    let status = view(&ended(&job, running)).status;
    assert_eq!((status.phase, status.attempts), (Phase::Running.into(), Some(2)));
}

#[test]
fn a_success_is_one_also_when_its_pod_is_gone_and_after_failed_tries() {
    let complete = json!({"spec": {"backoffLimit": 1}, "status": {
        "startTime": CREATED,
        "completionTime": "2026-01-01T00:01:00Z",
        "failed": 1,
        "succeeded": 1,
        "conditions": [{"type": "Complete", "status": "True"}],
    }});
    let gone = Objects { jobs: vec![job(&complete)], ..Objects::default() };
    let failed = container("Failed", terminated(4, "Error", ""));
    for objects in [gone, ended(&complete, failed)] {
        let view = view(&objects);
        assert_eq!((view.status.phase, view.status.exit_code), (Phase::Succeeded.into(), Some(0)));
        assert_eq!((view.status.reason, view.status.message), (None, None));
        assert_eq!(view.status.started_at.as_deref(), Some(CREATED));
        assert_eq!(view.status.finished_at.as_deref(), Some("2026-01-01T00:01:00Z"));
        assert_eq!((view.status.attempts, view.status_short.as_str()), (Some(2), "Completed"));
    }
}

#[test]
fn a_condition_that_is_not_true_ends_nothing() {
    let conditions = json!([
        {"type": "Failed", "status": "False"},
        {"type": "SuccessCriteriaMet", "status": "True"},
        {"type": "FailureTarget", "status": "True"},
    ]);
    let job = json!({"status": {"conditions": conditions}});
    let succeeded = container("Succeeded", terminated(0, "Completed", ""));
    assert_eq!(view(&ended(&job, succeeded)).status.phase, Phase::Running);
}

#[test]
fn of_several_events_the_newest_speaks_and_only_of_its_own_object() {
    let quota = "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16";
    let range = "maximum memory usage per Container is 4Gi, but limit is 5Gi";
    let objects = Objects {
        jobs: vec![job(&json!({}))],
        events: vec![
            warning("u-a", "FailedCreate", "2026-01-01T00:02:00Z", quota),
            warning("u-a", "FailedCreate", "2026-01-01T00:01:00Z", range),
            warning("u-other", "FailedCreate", "2026-01-01T00:03:00Z", range),
            warning("u-a", "UnexpectedJob", "2026-01-01T00:04:00Z", "Saw a job"),
        ],
        ..Objects::default()
    };
    assert_eq!(
        told(&objects),
        (Phase::Pending, reason("QuotaExceeded"), "Waiting: QuotaExceeded".to_owned())
    );
}

#[test]
fn an_event_of_before_the_pod_says_nothing_any_more() {
    let making = container("Pending", json!({"waiting": {"reason": "ContainerCreating"}}));
    let quota = "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16";
    let mut objects = ended(&json!({}), making);
    objects.events = vec![
        warning("u-a", "FailedCreate", CREATED, quota),
        warning("u-a-x", "FailedScheduling", CREATED, "0/1 nodes are available"),
    ];
    assert_eq!(told(&objects), (Phase::Pending, None, "Waiting to start".to_owned()));
    objects.events.push(warning("u-a-x", "FailedMount", NOW, "MountVolume.SetUp failed"));
    let view = view(&objects);
    assert_eq!(view.status.reason, reason("FailedMount"));
    assert!(!view.status_long.contains("SetUp"), "{}", view.status_long);
}

/// Kubernetes says for some time `ContainerCreating`, for some nothing, before there is a word.
#[test]
fn waiting_without_a_word_is_not_a_reason() {
    for state in
        [json!({}), json!({"waiting": {}}), json!({"waiting": {"reason": "ContainerCreating"}})]
    {
        let objects = ended(&json!({"status": {"active": 1}}), container("Pending", state));
        assert_eq!(told(&objects), (Phase::Pending, None, "Waiting to start".to_owned()));
    }
    let objects = ended(&json!({"status": {"active": 1}}), json!({"phase": "Pending"}));
    assert_eq!(told(&objects).0, Phase::Pending);
}

#[test]
fn who_outgrew_its_memory_is_told_how_much_that_was() {
    for (limits, told) in [
        (json!({"memory": "64Mi"}), "it used more memory than it may, 64Mi: ask for more"),
        (json!({}), "it used more memory than it may: ask for more"),
    ] {
        let mut status = container("Failed", terminated(137, "OOMKilled", ""));
        status["containerStatuses"][0]["name"] = json!("job");
        let mut pod: Pod = owned("a-x", "u-a", CREATED, status);
        let spec = json!({"containers": [
            {"name": "beside", "resources": {"limits": {"memory": "1Gi"}}},
            {"name": "job", "resources": {"limits": limits}},
        ]});
        pod.spec = serde_json::from_value(spec).unwrap();
        let failed = super::job(&json!({"status": {"failed": 1, "conditions": [
            {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"},
        ]}}));
        let view = view(&Objects { jobs: vec![failed], pods: vec![pod], ..Objects::default() });
        assert!(view.status_long.contains(told), "{}", view.status_long);
    }
}
