//! PATCH, which creates or replaces: one name is one job, and one program at a time.

use std::sync::Arc;

use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};
use tjf_devcluster::suite::{Answer, Call, Tool, World};

use super::{continuous, one_off, scenarios, with};

const ROUNDS: usize = 3;

scenarios![
    what_is_defined_just_so_is_not_touched,
    what_differs_is_replaced_after_its_pods_have_gone,
    of_many_at_once_one_job_is_left_and_never_two_programs,
    a_job_that_is_deleted_meanwhile_is_there_or_gone,
    what_cannot_be_created_costs_nothing,
];

fn path(tool: &Tool, rest: &str) -> String {
    format!("/jobs/v1/tool/{}/{rest}", tool.name)
}

async fn replace(tool: &Tool, body: &Value) -> Answer {
    let call = Call::to(Method::PATCH, &path(tool, "jobs/"));
    tool.send(call.header("content-type", "application/json").body(body.to_string())).await
}

/// Whether anything was done, and the uid of the job that is there then.
async fn replaced(tool: &Tool, body: &Value) -> (bool, String) {
    let answer = replace(tool, body).await;
    let is_changed = answer.status == 201;
    let told: Value = answer.expect(if is_changed { 201 } else { 200 });
    assert_eq!(told["job_changed"], is_changed, "{told}");
    (is_changed, tool.show(body["name"].as_str().unwrap()).await.uid)
}

async fn what_is_defined_just_so_is_not_touched(world: Arc<World>) {
    let tool = world.tool("sameness").await;
    for (first, again) in [
        (continuous("bot", "exec sleep 3600"), json!({"memory": "0.0625Gi", "replicas": "1"})),
        (
            with(one_off("cron", "true"), &json!({"schedule": "@daily"})),
            json!({"retry": 0, "job_type": "scheduled"}),
        ),
        (one_off("once", "exec sleep 3600"), json!({"schedule": null, "mount": "all"})),
    ] {
        let first = with(first, &json!({"memory": "64Mi"}));
        let (is_changed, uid) = replaced(&tool, &first).await;
        assert!(is_changed, "{first}");
        let again = with(first, &with(again, &json!({"memory": "65536Ki", "emails": "none"})));
        assert_eq!(replaced(&tool, &again).await, (false, uid), "{again}");
    }
    let ended = one_off("ended", "true");
    let (_, uid) = replaced(&tool, &ended).await;
    tool.ended("ended").await;
    assert_eq!(replaced(&tool, &ended).await, (false, uid));
    // What that command can't say, and a user of ours has said.
    let more = json!({"env": {"A": "1"}, "schedule": "@daily", "timezone": "Europe/Rome"});
    let ours = tool.run(with(one_off("ours", "true"), &more)).await;
    let theirs = with(one_off("ours", "true"), &json!({"schedule": "@daily"}));
    assert_eq!(replaced(&tool, &theirs).await, (false, ours.uid));
}

async fn what_differs_is_replaced_after_its_pods_have_gone(world: Arc<World>) {
    let tool = world.tool("differs").await;
    let bot = |text: &str| {
        let words = "trap 'sleep 1; echo gone >> order; exit' TERM; sleep 3600 & wait";
        continuous("bot", &format!("echo {text} >> order; {words}"))
    };
    let (_, first) = replaced(&tool, &bot("old")).await;
    tool.read_until("order", "old\n", super::POD_TIME_MAX).await;
    let (is_changed, second) = replaced(&tool, &bot("new")).await;
    assert!(is_changed && first != second);
    let order = tool.read_until("order", "new\n", super::POD_TIME_MAX).await;
    assert_eq!(order, "old\ngone\nnew\n");
    // Another kind under the same name.
    let scheduled = with(one_off("bot", "true"), &json!({"schedule": "@daily"}));
    assert!(replaced(&tool, &scheduled).await.0);
    assert_eq!(tool.list().await.len(), 1);
    assert!(tool.pods_of("bot").await.is_empty());
}

/// Each is done or told that another one's job has the name.
async fn of_many_at_once_one_job_is_left_and_never_two_programs(world: Arc<World>) {
    let tool = world.tool("patches").await;
    for round in 0..ROUNDS {
        let bodies = (0..6).map(|number| {
            let cmd = format!("exec sleep 3{round}{}", number % 4);
            match number {
                5 => with(one_off("bot", &cmd), &json!({"schedule": "0 0 1 1 *"})),
                _ => continuous("bot", &cmd),
            }
        });
        let bodies: Vec<_> = bodies.collect();
        let answers = join_all(bodies.iter().map(|body| replace(&tool, body))).await;
        for answer in &answers {
            assert!([200, 201, 409].contains(&answer.status), "{}", answer.text());
        }
        let jobs = tool.list().await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        let asked = bodies.iter().any(|body| body["cmd"] == jobs[0].cmd);
        assert!(asked, "{:?}", jobs[0].cmd);
        assert!(tool.pods_of("bot").await.len() <= 1);
    }
}

async fn a_job_that_is_deleted_meanwhile_is_there_or_gone(world: Arc<World>) {
    let tool = world.tool("patchdel").await;
    for round in 0..ROUNDS {
        let bot = |number: usize| continuous("bot", &format!("exec sleep 3{round}{number}"));
        replaced(&tool, &bot(0)).await;
        let new = bot(1);
        let delete = Call::to(Method::DELETE, &path(&tool, "jobs/bot"));
        let (replaced, deleted) = tokio::join!(replace(&tool, &new), tool.send(delete));
        assert!([200, 404].contains(&deleted.status), "{}", deleted.text());
        assert!([201, 409].contains(&replaced.status), "{}", replaced.text());
        let jobs = tool.list().await;
        assert!(jobs.len() <= 1, "{jobs:?}");
        assert!(jobs.iter().all(|job| new["cmd"] == job.cmd), "{jobs:?}");
    }
}

async fn what_cannot_be_created_costs_nothing(world: Arc<World>) {
    let tool = world.tool("patchno").await;
    let bot = continuous("bot", "exec sleep 3600");
    let (_, uid) = replaced(&tool, &bot).await;
    for (more, status, slug) in [
        (json!({"memory": "100Gi"}), 400, "invalid-limits"),
        (json!({"imagename": "no-such"}), 400, "invalid-container"),
        (json!({"replicas": 99}), 400, "invalid-request"),
        (json!({"schedule": "61 * * * *", "continuous": false}), 400, "invalid-schedule"),
    ] {
        let answer = replace(&tool, &with(bot.clone(), &more)).await;
        answer.expect_problem(status, slug);
    }
    assert_eq!(tool.show("bot").await.uid, uid);
}
