//! Answers for shells.

use std::sync::Arc;

use hyper::Method;
use serde_json::json;
use tjf_devcluster::suite::{Answer, Call, Tool, World};

use super::{continuous, one_off, scenarios, with};

scenarios![a_shell_reads_every_answer_line_by_line];

async fn ask(tool: &Tool, call: Call) -> Answer {
    let answer = tool.send(call.header("accept", "text/plain")).await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers["vary"], "accept");
    answer
}

/// The value in the one line that has this key.
fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    let mut values = lines.filter(|(of, _)| *of == key).map(|(_, value)| value);
    let found = values.next().unwrap_or_else(|| panic!("{key} is not in\n{text}"));
    assert_eq!(values.next(), None, "{key} is there twice");
    found
}

async fn a_shell_reads_every_answer_line_by_line(world: Arc<World>) {
    let tool = world.tool("text").await;
    let cmd = "printf 'a\tb\\n'\nexit 3";
    let run = Call::run(&with(one_off("a", cmd), &json!({"env": {"A": "x\ny"}})));
    let answer = ask(&tool, run).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, "a\n"));
    assert_eq!(answer.headers["location"], "/api/v1/show/a/");
    tool.ended("a").await;

    let shown = ask(&tool, Call::get("/show/a/")).await;
    let text = shown.text();
    for (key, expected) in [
        ("name", "a"),
        ("cmd", r"printf 'a\tb\\n'\nexit 3"),
        ("job_type", "one-off"),
        ("continuous", "false"),
        ("schedule", ""),
        ("env.A", r"x\ny"),
        ("status_short", "Failed"),
        ("status.phase", "failed"),
        ("status.exit_code", "3"),
        ("status.signal", ""),
    ] {
        assert_eq!(value(&text, key), expected, "{key}");
    }
    let listed = ask(&tool, Call::get("/list/")).await;
    assert_eq!(listed.text(), "a\tone-off\tFailed\n");
    let containers = ask(&tool, Call::get("/containers/")).await.text();
    let line = containers.lines().find(|line| line.starts_with("tf-busybox\t"));
    assert_eq!(line.unwrap().split('\t').count(), 2);

    // What was answered is known by its tag again, and is not the same in JSON.
    for (path, answer) in [("/show/a/", &shown), ("/list/", &listed)] {
        let tag = answer.headers["etag"].to_str().unwrap();
        let again = Call::get(path).header("if-none-match", tag);
        let in_json = tool.send(again.clone()).await;
        assert_eq!(in_json.status, 200, "{path}");
        assert_ne!(in_json.headers["etag"], tag);
        let again = tool.send(again.header("accept", "text/plain")).await;
        assert_eq!((again.status, again.text().as_str()), (304, ""), "{path}");
        assert_eq!(again.headers["vary"], "accept");
    }

    tool.run(continuous("bot", "exec sleep 600")).await;
    let restarted = ask(&tool, Call::new(Method::POST, "/restart/bot/")).await;
    assert_eq!((restarted.status, restarted.text().as_str()), (200, "bot\n"));
    tool.delete("bot").await;
    let quota = ask(&tool, Call::get("/quota/")).await.text();
    assert!(quota.lines().count() > 1, "{quota}");
    for line in quota.lines() {
        let (key, _) = line.split_once('\t').unwrap();
        assert!(key.ends_with(".used") || key.ends_with(".limit"), "{line:?}");
    }

    let refused = ask(&tool, Call::get("/show/b/")).await;
    assert_eq!((refused.status, refused.text().lines().count()), (404, 1));
    assert!(refused.text().contains("`b`"), "{}", refused.text());
    let deleted = ask(&tool, Call::delete("a")).await;
    assert_eq!((deleted.status, deleted.text().as_str()), (200, "a\n"));
    for name in ["c", "b"] {
        tool.send(Call::run(&one_off(name, "sleep 600"))).await;
    }
    assert_eq!(ask(&tool, Call::flush()).await.text(), "b\nc\n");
    assert_eq!(ask(&tool, Call::flush()).await.text(), "");
    assert_eq!(ask(&tool, Call::get("/list/")).await.text(), "");
    let nowhere = ask(&tool, Call::new(Method::PATCH, "/list/")).await;
    assert_eq!((nowhere.status, nowhere.text().lines().count()), (405, 1));
}
