//! Quotas: who waits, who is refused, and who must not be in the way.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use jiff::SignedDuration;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{LimitRange, ResourceQuota},
};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tjf_api_types::Phase;
use tjf_devcluster::suite::{Call, Needs, Tool, World};

use super::{POD_TIME_MAX, continuous, one_off, scenarios, schedules::create_child, with};

/// Requests at once; the service answers eight of a caller at a time and lets the rest wait.
const AT_ONCE: usize = 8;

scenarios![
    the_seventeenth_pod_waits_and_says_why,
    the_fifty_first_unfinished_one_off_is_refused_with_numbers,
    a_refusal_for_quota_names_the_resource_and_the_numbers,
    limits_are_judged_before_anything_is_created,
    a_day_of_three_hundred_jobs_starves_no_cron_job,
    a_quota_that_is_late_refuses_no_run: Needs::Embedded("only its quotas can be made late"),
    a_fresh_result_is_not_deleted_while_kubernetes_has_room,
    unfinished_one_offs_leave_room_for_schedules,
    a_limit_too_many_times_its_request_is_refused_before_anything_is_created,
    what_a_namespace_does_not_give_has_to_be_said_before_anything_is_created,
];

/// Changes what the tool's quota allows.
pub(super) async fn set_quota(tool: &Tool, hard: serde_json::Value) {
    let patch = Patch::Merge(json!({"spec": {"hard": hard}}));
    let quotas = tool.api::<ResourceQuota>();
    quotas.patch("tool", &PatchParams::default(), &patch).await.unwrap();
    // Admission looks at the status, which the quota's controller writes.
    tjf_devcluster::suite::eventually("the new quota", POD_TIME_MAX, async || {
        let quota = quotas.get("tool").await.unwrap();
        let (spec, status) = (quota.spec.unwrap(), quota.status.unwrap());
        if spec.hard == status.hard { Ok(()) } else { Err(status) }
    })
    .await;
}

/// Changes what the tool's limits are.
pub(super) async fn set_limits(tool: &Tool, items: &serde_json::Value) {
    let patch = Patch::Merge(json!({"spec": {"limits": items}}));
    tool.api::<LimitRange>().patch("tool", &PatchParams::default(), &patch).await.unwrap();
}

async fn the_seventeenth_pod_waits_and_says_why(world: Arc<World>) {
    let tool = world.tool("pods").await;
    let sleep = "exec sleep 3600";
    tool.run(with(continuous("crowd", sleep), &json!({"replicas": 16}))).await;
    let quotas = tool.api::<ResourceQuota>();
    tjf_devcluster::suite::eventually("sixteen pods", POD_TIME_MAX, async || {
        let used = quotas.get("tool").await.unwrap().status.unwrap().used.unwrap();
        if used["pods"].0 == "16" { Ok(()) } else { Err(used) }
    })
    .await;
    tool.run(one_off("late", "true")).await;
    tool.run(continuous("bot", sleep)).await;
    for name in ["late", "bot"] {
        let job = tool.until(name, POD_TIME_MAX, |job| job.status.reason.is_some()).await;
        assert_eq!(job.status.reason.as_deref(), Some("QuotaExceeded"), "{job:#?}");
        assert_eq!(job.status.phase, Phase::Pending, "{job:#?}");
        assert!(job.status_long.contains("pods"), "{}", job.status_long);
        assert!(job.status_long.contains("16"), "{}", job.status_long);
    }
    let listed = tool.list().await;
    let waiting = listed.iter().filter(|job| job.status.reason.as_deref() == Some("QuotaExceeded"));
    assert_eq!(waiting.count(), 2, "{listed:#?}");
    // Room again, and Kubernetes' own patience: about a minute at most for a one-off.
    tool.delete("crowd").await;
    tool.delete("bot").await;
    assert_eq!(tool.ended("late").await.status_short, "Completed");
}

async fn the_fifty_first_unfinished_one_off_is_refused_with_numbers(world: Arc<World>) {
    let tool = world.tool("fifty").await;
    // One pod is enough to know that the others wait.
    set_quota(&tool, json!({"pods": "1"})).await;
    let run = |number: usize| {
        let call = Call::run(&one_off(&format!("job-{number}"), "exec sleep 3600"));
        let tool = &tool;
        async move { tool.send(call).await }
    };
    let answers: Vec<_> = stream::iter(1..=50).map(run).buffer_unordered(AT_ONCE).collect().await;
    for answer in &answers {
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let problem = run(51).await.expect_problem(403, "quota-exceeded");
    for word in ["one-off", "1 asked", "50 used", "50 allowed"] {
        assert!(problem.detail.contains(word), "{word} in {}", problem.detail);
    }
    tool.send(Call::get("/show/job-51/")).await.expect_problem(404, "job-not-found");
    // Another kind is not in question.
    tool.run(continuous("bot", "true")).await;
    let deleted: serde_json::Value = tool.send(Call::flush()).await.expect(200);
    assert_eq!(deleted["deleted"].as_array().unwrap().len(), 51);
}

async fn a_refusal_for_quota_names_the_resource_and_the_numbers(world: Arc<World>) {
    let tool = world.tool("quota").await;
    let hard = json!({"count/cronjobs.batch": "1", "replicationcontrollers": "0"});
    set_quota(&tool, hard).await;
    let scheduled = |name| with(one_off(name, "true"), &json!({"schedule": "0 0 1 1 *"}));
    tool.run(scheduled("first")).await;
    let cases = [
        (scheduled("second"), ["cronjobs", "1", "1", "1"]),
        (continuous("bot", "true"), ["replicationcontrollers", "1", "0", "0"]),
    ];
    for (job, words) in cases {
        let problem = tool.send(Call::run(&job)).await.expect_problem(403, "quota-exceeded");
        for word in words.iter().chain(&["asked", "used", "allowed"]) {
            assert!(problem.detail.contains(word), "{word} in {}", problem.detail);
        }
    }
    assert_eq!(tool.list().await.len(), 1);
}

async fn limits_are_judged_before_anything_is_created(world: Arc<World>) {
    let tool = world.tool("limits").await;
    for (field, value) in [("memory", "5Gi"), ("memory", "1Mi"), ("cpu", "2"), ("cpu", "1m")] {
        let job = with(one_off("big", "true"), &json!({field: value}));
        let problem = tool.send(Call::run(&job)).await.expect_problem(400, "invalid-limits");
        assert_eq!(problem.field.as_deref(), Some(field), "{problem:?}");
    }
    assert_eq!(tool.list().await, []);
}

/// A finished one-off of the tool, as one that ran an hour ago: the same object, with the end
/// written into it. It is suspended from the beginning, so that no pod is made for it.
async fn create_finished(tool: &Tool, model: &Job, number: usize) {
    let jobs = tool.api::<Job>();
    let mut job = model.clone();
    job.metadata.name = Some(format!("done-{number}"));
    job.spec.as_mut().unwrap().suspend = Some(true);
    let job = jobs.create(&PostParams::default(), &job).await.unwrap();
    let now = "2026-01-01T00:00:00Z";
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": "CompletionsReached",
            "lastProbeTime": now, "lastTransitionTime": now})
    };
    let conditions = [condition("SuccessCriteriaMet"), condition("Complete")];
    let status = json!({"conditions": conditions, "startTime": now, "completionTime": now,
        "succeeded": 1});
    let patch = Patch::Merge(json!({"status": status}));
    jobs.patch_status(&job.name_any(), &PatchParams::default(), &patch).await.unwrap();
}

/// A job as the service makes it, with nothing in it that is this very object's.
async fn model(tool: &Tool) -> Job {
    tool.run(one_off("model", "true")).await;
    let mut job = tool.api::<Job>().get("model").await.unwrap();
    tool.delete("model").await;
    let labels = job.metadata.labels.take();
    let annotations = job.metadata.annotations.take();
    job.metadata = kube::api::ObjectMeta { labels, annotations, ..Default::default() };
    job.status = None;
    let spec = job.spec.as_mut().unwrap();
    spec.selector = None;
    spec.ttl_seconds_after_finished = None;
    let template = spec.template.metadata.as_mut().unwrap();
    let is_own = |key: &str| !key.contains("controller-uid") && !key.contains("job-name");
    template.labels.as_mut().unwrap().retain(|key, _| is_own(key));
    job
}

/// Twenty-five cron jobs and three hundred one-offs that have finished since, with a namespace that
/// counts at most two hundred Jobs of any kind: whenever a one-off is created, room must be left
/// for the three children that each cron job may have at a time.
async fn a_day_of_three_hundred_jobs_starves_no_cron_job(world: Arc<World>) {
    let tool = world.tool("day").await;
    let model = model(&tool).await;
    let create = |numbers: std::ops::Range<usize>| {
        let (tool, model) = (&tool, &model);
        stream::iter(numbers)
            .map(move |number| create_finished(tool, model, number))
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
    };
    create(0..150).await;
    for number in 0..25 {
        let schedule = json!({"schedule": "0 0 1 1 *"});
        tool.run(with(one_off(&format!("cron-{number}"), "true"), &schedule)).await;
    }
    // The day goes on: as many as Kubernetes counts, and whatever comes next makes room.
    for batch in [150..225, 225..300] {
        create(batch).await;
        let name = tool.run(one_off("next", "true")).await.name;
        assert_eq!(tool.ended(&name).await.status_short, "Completed");
    }
    let children = join_all((0..75).map(|number| {
        let (tool, cron_job) = (&tool, format!("cron-{}", number % 25));
        async move { create_child(tool, &cron_job, &format!("child-{number}")).await }
    }))
    .await;
    let refused: Vec<_> = children.into_iter().filter_map(Result::err).collect();
    assert!(refused.is_empty(), "{} children are refused: {:?}", refused.len(), refused[0]);
    let jobs = tool.api::<Job>().list(&ListParams::default()).await.unwrap().items.len();
    assert!(jobs <= 200, "{jobs}");
    let listed = tool.list().await;
    assert!(listed.iter().any(|job| job.name == "next"), "the newest went, not the oldest");
    tjf_devcluster::suite::within("flush", Duration::from_secs(30), tool.send(Call::flush())).await;
}

/// Whoever has more results than places makes room with each `run`, and Kubernetes does not see it
/// at once.
async fn a_quota_that_is_late_refuses_no_run(world: Arc<World>) {
    let tool = world.tool("late").await;
    let model = model(&tool).await;
    set_quota(&tool, json!({"count/jobs.batch": "5"})).await;
    join_all((0..5).map(|number| create_finished(&tool, &model, number))).await;
    let lag = SignedDuration::from_millis(50);
    world.cluster.embedded().unwrap().set_quota_lag(&tool.name, lag);
    for number in 0..40 {
        let name = tool.run(one_off(&format!("job-{number}"), "true")).await.name;
        assert_eq!(tool.ended(&name).await.status_short, "Completed");
    }
}

/// Five schedules that may each have three children at a time, and fifteen places.
async fn five_schedules(world: &World, purpose: &str) -> Tool {
    let tool = world.tool(purpose).await;
    set_quota(&tool, json!({"count/jobs.batch": "15", "pods": "1"})).await;
    for number in 0..5 {
        let job = one_off(&format!("cron-{number}"), "true");
        tool.run(with(job, &json!({"schedule": "0 0 1 1 *"}))).await;
    }
    tool
}

async fn a_fresh_result_is_not_deleted_while_kubernetes_has_room(world: Arc<World>) {
    let tool = five_schedules(&world, "fresh").await;
    let result = tool.run(one_off("result", "exit 3")).await;
    tool.ended("result").await;
    tool.run(one_off("next", "true")).await;
    let left = tool.show("result").await;
    assert_eq!((left.uid, left.status.exit_code), (result.uid, Some(3)));
}

async fn unfinished_one_offs_leave_room_for_schedules(world: Arc<World>) {
    let tool = five_schedules(&world, "ticks").await;
    let mut statuses = Vec::new();
    for number in 0..15 {
        let job = one_off(&format!("job-{number}"), "exec sleep 3600");
        let answer = tool.send(Call::run(&job)).await;
        if answer.status != 201 {
            answer.expect_problem(403, "quota-exceeded");
        }
        statuses.push(answer.status);
    }
    let created = statuses.iter().filter(|status| **status == 201).count();
    assert!((1..15).contains(&created), "{statuses:?}");
    create_child(&tool, "cron-0", "tick").await.unwrap();
}

async fn a_limit_too_many_times_its_request_is_refused_before_anything_is_created(
    world: Arc<World>,
) {
    let tool = world.tool("ratio").await;
    let same = json!({"cpu": "500m", "memory": "512Mi"});
    let limits = json!([{"type": "Container", "default": same, "defaultRequest": same,
        "maxLimitRequestRatio": {"cpu": "1"}}]);
    set_limits(&tool, &limits).await;
    // Its request would be half of it.
    let job = with(one_off("big", "true"), &json!({"cpu": "1"}));
    let problem = tool.send(Call::run(&job)).await.expect_problem(400, "invalid-limits");
    assert_eq!(problem.field.as_deref(), Some("cpu"), "{problem:?}");
    assert_eq!(tool.list().await, []);
    let job = tool.run(one_off("small", "true")).await;
    assert_eq!(tool.ended(&job.name).await.status_short, "Completed");
}

/// Without defaults, a quota asks for memory and a range for CPU.
async fn what_a_namespace_does_not_give_has_to_be_said_before_anything_is_created(
    world: Arc<World>,
) {
    let tool = world.tool("unsaid").await;
    set_limits(&tool, &json!([{"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}])).await;
    let no_cpu = json!({"limits.cpu": null, "requests.cpu": null, "limits.memory": "4Gi"});
    set_quota(&tool, no_cpu).await;
    let refused = [
        (json!({}), "memory"),
        (json!({"cpu": "100m"}), "memory"),
        (json!({"memory": "64Mi"}), "cpu"),
    ];
    for (asked, missing) in refused {
        let job = with(one_off("job", "true"), &asked);
        let problem = tool.send(Call::run(&job)).await.expect_problem(400, "invalid-limits");
        assert_eq!(problem.field.as_deref(), Some(missing), "{asked}: {problem:?}");
        assert!(problem.detail.starts_with("say how much"), "{problem:?}");
    }
    assert_eq!(tool.list().await, []);
    let asked = json!({"cpu": "100m", "memory": "64Mi"});
    let job = tool.run(with(one_off("job", "true"), &asked)).await;
    assert_eq!(tool.ended(&job.name).await.status_short, "Completed");
}
