//! Scheduled jobs: a run now.

use tjf_runtime::testing::{delete, post};

use super::*;

fn the_cronjob() -> Exchange {
    get(format!("{CRONJOBS}/a"))
}

fn cronjob(run: Option<(&str, &str)>) -> Value {
    let annotations =
        run.map(|(run, since)| json!({RESTART: json!({"since": since, "run": run}).to_string()}));
    let schedule = json!({"schedule": "0 0 1 1 *", "timeZone": "Etc/UTC", "suspend": true});
    let mut cronjob = object("a", "cron", &json!({"spec": schedule}));
    cronjob["kind"] = json!("CronJob");
    cronjob["metadata"]["annotations"] = annotations.unwrap_or_else(|| json!({}));
    cronjob
}

fn run(name: &str, uid: &str) -> Value {
    super::owned(name, uid, "cron")
}

fn look_at_cronjob() -> Vec<Exchange> {
    super::look(the_cronjob().answer(cronjob(None)), CRONJOBS)
}

/// Kubernetes says that it would take a run.
fn trial() -> Exchange {
    post(JOBS).query("dryRun=All").body(json!({"metadata": {"generateName": "run-"}}))
}

fn claim() -> Exchange {
    patch(format!("{CRONJOBS}/a"))
        .body(json!({"metadata": {"uid": "cron", "resourceVersion": "41"}}))
        .answer(cronjob(None))
}

/// A run with one owner, which counts for the schedule's history and blocks nobody.
fn creation(name: &str) -> Exchange {
    let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "a", "uid": "cron",
        "controller": true}]);
    post(JOBS)
        .query("fieldValidation=Strict")
        .without("dryRun")
        .body(json!({"kind": "Job", "metadata": {"name": name, "ownerReferences": owner}}))
        .created(run(name, "new"))
}

fn deletion(name: &str, uid: &str) -> Exchange {
    delete(format!("{JOBS}/{name}"))
        .body(json!({"propagationPolicy": "Background", "preconditions": {"uid": uid}}))
}

/// As another restart has left it a moment ago, which is to make this run.
fn under_way() -> Value {
    cronjob(Some(("a-x7k2p", &now())))
}

async fn restarted(groups: Vec<Vec<Exchange>>) -> Result<JobView> {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([look_at_cronjob()].into_iter().chain(groups));
    let outcome = restart_a(kube).await;
    script.finish().await;
    outcome
}

/// Another restart has kept the name of its run, and has not made it yet: it is the run of both.
#[tokio::test(start_paused = true)]
async fn of_two_restarts_at_once_there_is_one_run() {
    let name = "a-x7k2p";
    for (creation, is_confirmed) in [
        (creation(name), true),
        (
            creation(name).refused(409, "AlreadyExists", "jobs.batch \"a-x7k2p\" already exists"),
            false,
        ),
    ] {
        let mut groups = vec![
            one(the_cronjob().answer(under_way())),
            one(gone(JOBS, name)),
            one(get(JOBS).items([run("a-1", "old")])),
            one(the_cronjob().answer(under_way())),
            one(deletion("a-1", "old")),
            one(get(JOBS).items([])),
            one(get(PODS).items([])),
            one(the_cronjob().answer(under_way())),
            one(creation),
        ];
        if is_confirmed {
            groups.push(one(the_cronjob().answer(under_way())));
        }
        groups.push(look_at_cronjob());
        let view = restarted(groups).await.unwrap();
        assert_eq!(view.name, "a");
    }
}

/// The restart that this one was to help has made its run after a look at the kept name, and the next
/// one has ended it and made another: that one is not ended for a restart which is over.
#[tokio::test(start_paused = true)]
async fn the_run_of_a_later_restart_is_not_ended_for_one_that_is_over() {
    let later = || cronjob(Some(("a-later", &now())));
    let groups = vec![
        one(the_cronjob().answer(under_way())),
        one(gone(JOBS, "a-x7k2p")),
        one(get(JOBS).items([run("a-later", "later")])),
        one(the_cronjob().answer(later())),
        // It is over, too, so this restart makes a run of its own, in the place of that one.
        one(the_cronjob().answer(later())),
        one(get(format!("{JOBS}/a-later")).answer(run("a-later", "later"))),
        one(get(JOBS).items([run("a-later", "later")])),
        one(trial().created(json!({}))),
        one(claim()),
        one(deletion("a-later", "later")),
        one(get(JOBS).items([])),
        one(get(PODS).items([])),
        one(the_cronjob().answer(cronjob(Some(("a-other", &now()))))),
        look_at_cronjob(),
    ];
    assert!(restarted(groups).await.is_ok());
}

/// What is at work ends first, and its pod too.
#[tokio::test(start_paused = true)]
async fn the_run_that_is_at_work_ends_before_another_begins() {
    let pod = || super::owned("a-1-x", "pod", "old");
    let name = "a-x7k2p";
    let groups = vec![
        one(the_cronjob().answer(under_way())),
        one(gone(JOBS, name)),
        one(get(JOBS).items([run("a-1", "old")])),
        one(the_cronjob().answer(under_way())),
        one(deletion("a-1", "old")),
        one(get(JOBS).items([])),
        one(get(PODS).items([pod()])),
        one(delete(format!("{PODS}/a-1-x"))),
        one(get(JOBS).items([])),
        one(get(PODS).items([pod()])),
        one(delete(format!("{PODS}/a-1-x"))),
        one(get(JOBS).items([])),
        one(get(PODS).items([])),
        one(the_cronjob().answer(under_way())),
        one(creation(name)),
        one(the_cronjob().answer(under_way())),
        look_at_cronjob(),
    ];
    assert!(restarted(groups).await.is_ok());
}

/// The other restart has deleted it already, and waits for its pod: so does this one.
#[tokio::test(start_paused = true)]
async fn a_run_that_another_restart_has_deleted_is_waited_for() {
    let name = "a-x7k2p";
    let mut going = super::owned("a-1-x", "pod", "old");
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    going["metadata"]["labels"]["app.kubernetes.io/name"] = json!("a");
    let pods = |pods: &[Value]| one(get(PODS).items(pods.to_vec()));
    let groups = vec![
        one(the_cronjob().answer(under_way())),
        one(gone(JOBS, name)),
        one(get(JOBS).items([])),
        one(the_cronjob().answer(under_way())),
        one(get(JOBS).items([])),
        pods(std::slice::from_ref(&going)),
        // Its owner is really not there.
        vec![get(JOBS).items([]), get(CRONJOBS).items([]), get(CONTROLLERS).items([])],
        one(get(JOBS).items([])),
        pods(&[going]),
        one(get(JOBS).items([])),
        pods(&[]),
        one(the_cronjob().answer(under_way())),
        one(creation(name)),
        one(the_cronjob().answer(under_way())),
        look_at_cronjob(),
    ];
    assert!(restarted(groups).await.is_ok());
}

/// A restart whose run is there is over, and so is one that is older than a minute: a new name is
/// kept, under which nobody makes a run. Whoever took that name's place makes the run.
#[tokio::test(start_paused = true)]
async fn a_restart_that_is_over_or_old_gives_way_to_the_next() {
    let over = cronjob(Some(("a-x7k2p", &now())));
    let old = cronjob(Some(("a-x7k2p", "2026-01-01T00:00:00Z")));
    for (there, look) in [(over, Some(run("a-x7k2p", "first"))), (old, None)] {
        let mut groups = vec![one(the_cronjob().answer(there))];
        groups.extend(look.map(|run| one(get(format!("{JOBS}/a-x7k2p")).answer(run))));
        groups.extend([
            one(get(JOBS).items([])),
            one(trial().created(json!({}))),
            one(claim()),
            one(get(JOBS).items([])),
            one(get(PODS).items([])),
            // A third one was quicker meanwhile, so this one is over.
            one(the_cronjob().answer(cronjob(Some(("a-other", &now()))))),
            look_at_cronjob(),
        ]);
        assert!(restarted(groups).await.is_ok());
    }
}

/// A run that came after the next restart had looked for it would be the second pod of one bot.
#[tokio::test(start_paused = true)]
async fn a_run_that_came_too_late_is_taken_away_again() {
    let name = "a-x7k2p";
    let groups = vec![
        one(the_cronjob().answer(under_way())),
        one(gone(JOBS, name)),
        one(get(JOBS).items([])),
        one(the_cronjob().answer(under_way())),
        one(get(JOBS).items([])),
        one(get(PODS).items([])),
        one(the_cronjob().answer(under_way())),
        one(creation(name)),
        one(the_cronjob().answer(cronjob(Some(("a-other", &now()))))),
        one(deletion(name, "new")),
        one(get(JOBS).items([])),
        one(get(PODS).items([])),
        look_at_cronjob(),
    ];
    assert!(restarted(groups).await.is_ok());
}

/// The answer to the create got lost; the run is there, or it is not and is sent again.
#[tokio::test(start_paused = true)]
async fn a_run_whose_answer_got_lost_is_looked_for() {
    let name = "a-x7k2p";
    let begin = || {
        vec![
            one(the_cronjob().answer(under_way())),
            one(gone(JOBS, name)),
            one(get(JOBS).items([])),
            one(the_cronjob().answer(under_way())),
            one(get(JOBS).items([])),
            one(get(PODS).items([])),
            one(the_cronjob().answer(under_way())),
            one(super::lost(creation(name))),
        ]
    };
    let confirmed = || one(the_cronjob().answer(under_way()));
    let found = vec![one(get(format!("{JOBS}/{name}")).answer(run(name, "new"))), confirmed()];
    let again = vec![
        one(gone(JOBS, name)),
        one(the_cronjob().answer(under_way())),
        one(creation(name)),
        confirmed(),
    ];
    for then in [found, again] {
        let groups = begin().into_iter().chain(then).chain([look_at_cronjob()]);
        assert!(restarted(groups.collect()).await.is_ok());
    }
    let never = (0..2).flat_map(|_| {
        [
            one(gone(JOBS, name)),
            one(the_cronjob().answer(under_way())),
            one(super::lost(creation(name))),
        ]
    });
    let groups = begin().into_iter().chain(never).chain([one(gone(JOBS, name))]);
    let detail = detail_of(restarted(groups.collect()).await.unwrap_err());
    assert!(detail.starts_with("it is not known whether a new run"), "{detail}");
}

fn exceeded(call: Exchange) -> Exchange {
    let message = "jobs.batch \"run-x\" is forbidden: exceeded quota: q, requested: \
                   count/jobs.batch=1, used: count/jobs.batch=200, limited: count/jobs.batch=200";
    call.refused(403, "Forbidden", message)
}

/// Nothing was ended for it.
#[tokio::test(start_paused = true)]
async fn a_run_that_would_be_refused_costs_nothing() {
    let groups = vec![
        one(the_cronjob().answer(cronjob(None))),
        one(get(JOBS).items([])),
        one(exceeded(trial())),
    ];
    let error = restarted(groups).await.unwrap_err();
    let problem = Failure::from(error).problem(&RequestId::from_text("r1"));
    assert_eq!(problem.slug(), "quota-exceeded");
    assert!(problem.detail.contains("1 asked, 200 used, 200 allowed"), "{problem:?}");
}

/// Kubernetes' count is late, and then it is not.
#[tokio::test(start_paused = true)]
async fn the_run_that_ended_makes_room_for_the_next() {
    let name = "a-x7k2p";
    let still = || one(the_cronjob().answer(under_way()));
    let groups = vec![
        still(),
        one(gone(JOBS, name)),
        one(get(JOBS).items([run("a-1", "old")])),
        still(),
        one(deletion("a-1", "old")),
        one(get(JOBS).items([])),
        one(get(PODS).items([])),
        still(),
        one(exceeded(creation(name))),
        still(),
        one(creation(name)),
        still(),
        look_at_cronjob(),
    ];
    assert!(restarted(groups).await.is_ok());
}

/// A pod that does not end: no other run begins.
#[tokio::test(start_paused = true)]
async fn while_the_old_run_has_a_pod_there_is_no_new_one() {
    let (cluster, kube) = FakeCluster::pair();
    let mut going = super::owned("a-1-x", "pod", "old");
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut groups = vec![
        look_at_cronjob(),
        one(the_cronjob().answer(under_way())),
        one(gone(JOBS, "a-x7k2p")),
        one(get(JOBS).items([run("a-1", "old")])),
        one(the_cronjob().answer(under_way())),
        one(deletion("a-1", "old")),
    ];
    for _ in 0..100 {
        groups.extend([one(get(JOBS).items([])), one(get(PODS).items([going.clone()]))]);
    }
    let _script = cluster.expect_groups(groups);
    let detail = detail_of(restart_a(kube).await.unwrap_err());
    assert!(detail.contains("has not ended yet"), "{detail}");
}

/// To keep a name is nothing to anybody, so nothing was done when that is all that may have been.
#[tokio::test(start_paused = true)]
async fn a_name_that_can_not_be_kept_has_ended_nothing() {
    let look = || [one(the_cronjob().answer(cronjob(None))), one(get(JOBS).items([]))];
    let mut groups = look().to_vec();
    groups.push(one(trial().created(json!({}))));
    groups.push(one(super::lost(claim())));
    for _ in 1..5 {
        groups.extend(look());
        groups.push(one(super::lost(claim())));
    }
    let error = restarted(groups).await.unwrap_err();
    let problem = Failure::from(error).problem(&RequestId::from_text("r1"));
    assert_eq!((problem.status, problem.slug()), (503, "cluster-unavailable"));
}
