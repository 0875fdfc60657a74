//! Pods with more containers than the job's own: webhooks put them there.

use super::*;

/// A container of this name, in this state.
fn named(name: &str, state: Value) -> Value {
    let mut container = json!({"name": name, "restartCount": 0});
    container["state"] = state;
    container
}

fn running() -> Value {
    json!({"running": {"startedAt": CREATED}})
}

fn waiting(word: &str) -> Value {
    json!({"waiting": {"reason": word}})
}

/// A pod whose init containers have not let the others start yet.
fn pod_of(phase: &str, containers: &[Value], inits: &[Value]) -> Value {
    json!({
        "phase": phase,
        "conditions": [{"type": "Initialized", "status": "False"}],
        "containerStatuses": containers,
        "initContainerStatuses": inits,
    })
}

/// A pod whose init containers have done what they had to.
fn initialized(mut pod: Value) -> Value {
    pod["conditions"][0]["status"] = json!("True");
    pod
}

fn one_off(job: &Value, pod: Value) -> JobView {
    view(&Objects {
        jobs: vec![super::job(job)],
        pods: vec![super::pod(pod)],
        ..Objects::default()
    })
}

fn bot(pod: Value) -> JobView {
    let controller = controller(&json!({"spec": {"replicas": 1}}));
    view(&Objects {
        controllers: vec![controller],
        pods: vec![super::pod(pod)],
        ..Objects::default()
    })
}

fn message(view: &JobView) -> &str {
    view.status.message.as_deref().unwrap_or_default()
}

#[test]
fn how_a_job_ended_is_told_by_the_container_named_job_wherever_it_stands() {
    let proxy = named("a-proxy", terminated(0, "Completed", ""));
    let job = named("job", terminated(7, "Error", ""));
    for containers in [[proxy.clone(), job.clone()], [job, proxy]] {
        let status = pod_of("Failed", &containers, &[]);
        let view = one_off(&failed("BackoffLimitExceeded"), status);
        assert_eq!((view.status.exit_code, view.status.reason), (Some(7), reason("ExitCode")));
    }
}

#[test]
fn of_another_programs_pod_the_first_container_speaks() {
    let containers = [named("main", terminated(7, "Error", "")), named("x", running())];
    let view = one_off(&failed("BackoffLimitExceeded"), pod_of("Failed", &containers, &[]));
    assert_eq!(view.status.exit_code, Some(7));
}

#[test]
fn a_pod_that_failed_for_another_container_says_which() {
    let proxy = named("a-proxy", terminated(9, "Error", ""));
    let job = named("job", terminated(0, "Completed", ""));
    let view = one_off(&failed("BackoffLimitExceeded"), pod_of("Failed", &[proxy, job], &[]));
    assert_eq!((view.status.exit_code, view.status.signal), (None, None));
    assert_eq!(view.status.reason, reason("ExitCode"));
    assert_eq!(message(&view), "another container of its pod `a-proxy` ended with exit code 9");
}

#[test]
fn deleted_from_outside_is_said_only_when_no_pod_is_there() {
    for (pods, said) in [
        (vec![], true),
        (vec![pod(json!({"phase": "Failed"}))], false),
        (vec![pod(json!({"phase": "Running"}))], false),
    ] {
        let jobs = vec![job(&failed("BackoffLimitExceeded"))];
        let view = view(&Objects { jobs, pods, ..Objects::default() });
        assert_eq!(view.status.reason, reason("BackoffLimitExceeded"));
        assert_eq!(message(&view).contains("deleted from outside"), said, "{}", message(&view));
    }
}

#[test]
fn a_container_that_goes_on_after_the_program_has_ended_is_told() {
    let job = named("job", terminated(7, "Error", ""));
    let alone = one_off(&json!({}), pod_of("Running", std::slice::from_ref(&job), &[]));
    assert_eq!((alone.status.phase.known(), message(&alone)), (Some(Phase::Running), ""));
    let view = one_off(&json!({}), pod_of("Running", &[named("a-proxy", running()), job], &[]));
    assert_eq!((view.status.phase.known(), &view.status.reason), (Some(Phase::Running), &None));
    let sentence = "its program ended with exit code 7, but another container of its pod, `a-proxy`, still runs";
    assert_eq!(message(&view), sentence);
}

#[test]
fn a_job_whose_init_container_failed_says_so() {
    let init = |code, word| named("fetch", terminated(code, word, ""));
    let job = || named("job", waiting("PodInitializing"));
    for (code, word, why, did) in [
        (3, "Error", "ExitCode", "ended with exit code 3"),
        (137, "OOMKilled", "OOMKilled", "used more memory than it may"),
    ] {
        let status = pod_of("Failed", &[job()], &[init(0, "Completed"), init(code, word)]);
        let view = one_off(&failed("BackoffLimitExceeded"), status);
        assert_eq!((&view.status.reason, view.status.exit_code), (&reason(why), None));
        assert_eq!(message(&view), format!("its init container `fetch` {did}"));
    }
}

#[test]
fn a_bot_whose_init_container_crashes_is_in_a_crash_loop_in_all_its_moments() {
    let job = named("job", waiting("PodInitializing"));
    let crash = || terminated(3, "Error", "");
    for state in [
        waiting("CrashLoopBackOff"),
        crash(),
        json!({"running": {"startedAt": "2026-01-01T00:04:58Z"}}),
    ] {
        let mut init = named("fetch", state);
        merge(&mut init, &json!({"restartCount": 2, "lastState": crash()}));
        let view = bot(pod_of("Pending", std::slice::from_ref(&job), &[init]));
        let told = (view.status.phase.clone(), view.status.reason.clone(), view.status.exit_code);
        assert_eq!(told, (Phase::Pending.into(), reason("CrashLoopBackOff"), None));
        let sentence =
            "its init container `fetch` ended with exit code 3; it is started again after a pause";
        assert_eq!(message(&view), sentence);
    }
}

#[test]
fn an_init_container_that_runs_or_waits_is_told_by_its_name() {
    let job = || named("job", waiting("PodInitializing"));
    for (state, why, said) in [
        (running(), "PodInitializing", "its init container `fetch` runs first"),
        (
            waiting("ImagePullBackOff"),
            "ImagePullBackOff",
            "its init container `fetch` waits: its container image can't be fetched: \
             ask an administrator, or use another container",
        ),
    ] {
        let view = bot(pod_of("Pending", &[job()], &[named("fetch", state)]));
        assert_eq!((&view.status.reason, message(&view)), (&reason(why), said));
    }
    let being_made = pod_of("Pending", &[job()], &[named("fetch", waiting("PodInitializing"))]);
    assert_eq!(bot(being_made).status_short, "Waiting to start");
}

/// An init container that is restarted for ever runs beside the job, and so keeps nothing waiting.
#[test]
fn an_init_container_that_runs_beside_the_job_is_not_in_its_way() {
    let mut crashed = named("proxy", waiting("CrashLoopBackOff"));
    crashed["restartCount"] = json!(4);
    for proxy in [named("proxy", running()), crashed] {
        let status = pod_of("Running", &[named("job", running())], std::slice::from_ref(&proxy));
        assert_eq!(bot(initialized(status)).status_short, "Running for 5m");
        let pulling = pod_of("Pending", &[named("job", waiting("ErrImagePull"))], &[proxy]);
        assert_eq!(bot(initialized(pulling)).status.reason, reason("ErrImagePull"));
    }
}

#[test]
fn of_several_init_containers_one_that_fails_comes_before_one_that_runs() {
    let job = || named("job", waiting("PodInitializing"));
    let mut fetch = named("fetch", waiting("CrashLoopBackOff"));
    fetch["lastState"] = terminated(3, "Error", "");
    let inits = [named("proxy", running()), fetch];
    let view = bot(pod_of("Pending", &[job()], &inits));
    assert!(message(&view).starts_with("its init container `fetch` ended"), "{}", message(&view));
}

#[test]
fn restarts_are_those_of_the_jobs_own_program() {
    let mut proxy = named("a-proxy", running());
    proxy["restartCount"] = json!(9);
    let view = bot(pod_of("Running", &[proxy, named("job", running())], &[]));
    assert_eq!(view.status.restarts, Some(0));
}
