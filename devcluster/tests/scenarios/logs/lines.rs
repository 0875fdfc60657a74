//! What a job writes, as the deployed service's command asks for it: a line is an object, in pages or
//! in a stream.

use std::{sync::Arc, time::Duration};

use futures_util::future::join;
use http::Method;
use serde_json::{Value, json};
use tjf_devcluster::suite::{Answer, Call, End, Following, Tool, World, say};
use tokio::{
    fs::{self, OpenOptions},
    io::{AsyncSeekExt, AsyncWriteExt},
    time::Instant,
};

use super::{
    super::{POD_TIME_MAX, continuous, one_off, scenarios, with},
    append,
    costs::growth_by_readers,
    tell_to_end, until_told, write,
};

scenarios![
    pages_tell_each_line_once_and_the_newest_first,
    pages_end_where_a_file_was_cut_short,
    since_and_until_bound_what_is_told,
    a_page_of_a_log_of_five_gigabytes_costs_no_more_than_the_page,
    a_stream_tells_each_line_once_through_files_that_are_cut_or_replaced,
    a_stream_ends_with_its_job_and_breaks_off_with_its_server,
    what_is_not_to_be_had_is_refused_where_that_command_reads_it,
    readers_of_streams_who_do_not_read_take_little_memory,
];

/// Where a page is asked for.
fn pages(tool: &Tool, job: &str) -> String {
    format!("/logs/v1/tool/{}/job/{job}/logs", tool.name)
}

/// Where the command of 2025 asks.
fn of_jobs(tool: &Tool, job: &str) -> String {
    format!("/jobs/v1/tool/{}/jobs/{job}/logs", tool.name)
}

async fn ask(tool: &Tool, path: &str) -> Answer {
    tool.send(Call::to(Method::GET, path)).await
}

async fn page(tool: &Tool, path: &str) -> Value {
    let answer = ask(tool, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let page: Value = answer.expect(200);
    assert!(page["messages"].is_object(), "{page}");
    page
}

/// All lines of all pages, as the command collects them: oldest first.
async fn all_lines(tool: &Tool, job: &str, query: &str) -> Vec<Value> {
    let path = pages(tool, job);
    let (mut lines, mut asked) = (Vec::new(), format!("?direction=newest_first{query}"));
    loop {
        let mut page = page(tool, &format!("{path}{asked}")).await;
        let Value::Array(told) = page["data"]["logs"].take() else { panic!("{page}") };
        let next = page["data"]["next"]["url"].as_str().map(str::to_owned);
        assert!(next.is_none() || !told.is_empty(), "a page with a next one is empty");
        lines.extend(told);
        let Some(next) = next else { break };
        assert!(next.starts_with('?') && next != asked, "{next}");
        asked = next;
    }
    lines.reverse();
    lines
}

async fn stream(tool: &Tool, path: &str) -> Following {
    let stream = tool.client.follow(Call::to(Method::GET, path)).await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.headers["content-type"], "application/x-ndjson");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    stream
}

async fn followed(tool: &Tool, job: &str, query: &str) -> Following {
    stream(tool, &format!("{}_stream{query}", pages(tool, job))).await
}

/// The messages of one container, or of all.
fn messages(lines: &[Value], container: Option<&str>) -> String {
    let of = |line: &&Value| container.is_none_or(|name| line["container"] == name);
    lines.iter().filter(of).map(|line| format!("{}\n", line["message"].as_str().unwrap())).collect()
}

fn parsed(stream: &Following) -> Vec<Value> {
    stream.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn ended_with(tool: &Tool, job: &str, out: &str, err: &str) {
    tool.run(one_off(job, "true")).await;
    tool.ended(job).await;
    write(tool, &format!("{job}.out"), out).await;
    write(tool, &format!("{job}.err"), err).await;
}

async fn pages_tell_each_line_once_and_the_newest_first(world: Arc<World>) {
    let tool = world.tool("pages").await;
    let time = |second: usize| {
        format!("2026-11-25T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    };
    let out: String = (0..20_000).map(|at| format!("{}Z out {at}\n", time(at))).collect();
    let err: String =
        (0..20_000).map(|at| format!("{},5 ERROR err {at}\n  in it\n", time(at))).collect();
    ended_with(&tool, "bot", &out, &err).await;
    let lines = all_lines(&tool, "bot", "").await;
    assert_eq!(lines.len(), 60_000);
    assert!(messages(&lines, Some("stdout")) == out && messages(&lines, Some("stderr")) == err);
    let (first, second) = (&lines[0], &lines[1]);
    let message = "2026-11-25T00:00:00Z out 0";
    assert_eq!(
        *first,
        json!({"datetime": "2026-11-25T00:00:00Z", "pod": "bot", "container": "stdout", "message": message})
    );
    assert_eq!(
        (&second["datetime"], &lines[2]["message"]),
        (&json!("2026-11-25T00:00:00.5Z"), &json!("  in it"))
    );
    let last = all_lines(&tool, "bot", "&lines=2500").await;
    assert!(
        last == lines[lines.len() - 2500..]
            || messages(&last, None) == messages(&lines[lines.len() - 2500..], None)
    );
    // The command of 2025 has one stream behind the other, at either of its paths.
    for path in [of_jobs(&tool, "bot"), format!("/v1/tool/{}/jobs/bot/logs", tool.name)] {
        let mut both = stream(&tool, &format!("{path}?follow=false")).await;
        assert_eq!(both.end().await, End::Clean);
        let told = parsed(&both);
        assert!(messages(&told[..20_000], Some("stdout")) == out);
        assert!(messages(&told[20_000..], Some("stderr")) == err);
        let mut last = stream(&tool, &format!("{path}?follow=true&lines=1")).await;
        assert_eq!(last.end().await, End::Clean);
        let told = parsed(&last);
        assert_eq!(messages(&told, None), format!("{}Z out 19999\n  in it\n", time(19_999)));
    }
    // What is written meanwhile is on no later page.
    let first = page(&tool, &pages(&tool, "bot")).await;
    append(&tool, "bot.out", "2026-11-26T00:00:00Z new\n").await;
    let next = first["data"]["next"]["url"].as_str().unwrap();
    let second = page(&tool, &format!("{}{next}", pages(&tool, "bot"))).await;
    let (first, second) = (first["data"]["logs"].as_array(), second["data"]["logs"].as_array());
    let mut two = [first.unwrap().as_slice(), second.unwrap()].concat();
    two.reverse();
    assert!(messages(&two, None) == messages(&lines[lines.len() - two.len()..], None));
}

async fn pages_end_where_a_file_was_cut_short(world: Arc<World>) {
    let tool = world.tool("cut").await;
    let out: String = (0..5000).map(|at| format!("out {at}\n")).collect();
    for (job, change) in [("short", "truncate"), ("moved", "rename"), ("anew", "rewrite")] {
        ended_with(&tool, job, &out, "").await;
        let path = pages(&tool, job);
        let first = page(&tool, &path).await;
        let next = first["data"]["next"]["url"].as_str().unwrap();
        let file = tool.home.join(format!("{job}.out"));
        match change {
            "rename" => {
                fs::rename(&file, tool.home.join("old")).await.unwrap();
                write(&tool, &format!("{job}.out"), &out).await;
            }
            "truncate" => fs::write(&file, "out 0\n").await.unwrap(),
            _ => fs::write(&file, "another text\n".repeat(20_000)).await.unwrap(),
        }
        let second = page(&tool, &format!("{path}{next}")).await;
        assert_eq!(second["data"], json!({"logs": [], "next": null}), "{change}");
        assert_eq!(second["messages"]["warning"].as_array().unwrap().len(), 1, "{second}");
    }
}

async fn since_and_until_bound_what_is_told(world: Arc<World>) {
    let tool = world.tool("bounds").await;
    let hours = |of: std::ops::Range<usize>| -> String {
        of.map(|hour| format!("2026-11-25 {hour:02}:00:00,000 hour {hour}\n  more of it\n"))
            .collect()
    };
    ended_with(&tool, "bot", &hours(0..24), "no time\n").await;
    let told = async |query: &str| all_lines(&tool, "bot", query).await;
    let some = told("&since=2026-11-25T05:00:00Z&until=2026-11-25T09:30:00%2B01:00").await;
    assert_eq!(messages(&some, Some("stdout")), hours(5..9));
    assert_eq!(messages(&told("&since=1h").await, None), "no time\n");
    assert_eq!(messages(&told("&until=2026-11-25T00:00:00Z").await, Some("stdout")), hours(0..1));
    assert_eq!(messages(&told("&since=2026-11-25&lines=1").await, None), "no time\n");
    let mut since = followed(&tool, "bot", "?since=2026-11-25T22:00:00Z").await;
    assert_eq!(since.end().await, End::Clean);
    let lines = parsed(&since);
    assert_eq!(messages(&lines, Some("stdout")), hours(22..24));
    assert_eq!(messages(&lines, Some("stderr")), "no time\n");
}

/// Sparse, so that it takes no room.
async fn a_page_of_a_log_of_five_gigabytes_costs_no_more_than_the_page(world: Arc<World>) {
    const BYTES: u64 = 5 << 30;
    let service = world.start_service().await;
    let tool = world.tool("large-page").await.through(&service);
    let end: String =
        (0..1000).map(|at| format!("2026-11-25T12:{:02}:00Z {at}\n", at / 60)).collect();
    for (job, bytes) in [("small", 0), ("large", BYTES)] {
        ended_with(&tool, job, "", "").await;
        let file = OpenOptions::new().write(true).open(tool.home.join(format!("{job}.out"))).await;
        let mut file = file.unwrap();
        file.set_len(bytes).await.unwrap();
        file.seek(std::io::SeekFrom::End(0)).await.unwrap();
        file.write_all(format!("\n{end}").as_bytes()).await.unwrap();
        file.flush().await.unwrap();
    }
    let before = service.memory().await;
    for query in
        ["?lines=10", "?lines=300&until=2026-11-25T12:05:00Z", "?since=2026-11-25T12:10:00Z"]
    {
        let mut times = [Duration::MAX; 2];
        let mut told = [Value::Null, Value::Null];
        for _ in 0..10 {
            for ((time, told), job) in times.iter_mut().zip(&mut told).zip(["small", "large"]) {
                let began = Instant::now();
                let mut page = page(&tool, &format!("{}{query}", pages(&tool, job))).await;
                *time = began.elapsed().min(*time);
                *told = page["data"]["logs"].take();
            }
        }
        let [small, large] = times;
        say(&format!("{query} of a small log: {small:?}, of one with 5 GB: {large:?}"));
        let [of_small, of_large] = told.map(|lines| messages(lines.as_array().unwrap(), None));
        assert!(of_large.starts_with(of_small.trim_end()), "{query}");
        assert!(large < small * 3 + Duration::from_millis(40), "{small:?}, of 5 GB {large:?}");
    }
    let grown = service.memory().await.saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB more");
}

async fn a_stream_tells_each_line_once_through_files_that_are_cut_or_replaced(world: Arc<World>) {
    let tool = world.tool("rotated").await;
    tool.run(until_told("bot", "echo first; echo oops >&2", 0)).await;
    tool.read_until("bot.err", "oops\n", POD_TIME_MAX).await;
    let mut today = followed(&tool, "bot", "").await;
    let mut before = stream(&tool, &format!("{}?follow=true", of_jobs(&tool, "bot"))).await;
    let mut one = followed(&tool, "bot", "?lines=0").await;
    for stream in [&mut today, &mut before] {
        stream.until("\"first\"").await;
        stream.until("\"oops\"").await;
    }
    fs::write(tool.home.join("bot.out"), "").await.unwrap();
    append(&tool, "bot.out", "cut\nwithout").await;
    today.until("\"cut\"").await;
    append(&tool, "bot.out", " pause\nhalf").await;
    today.until("\"without pause\"").await;
    fs::rename(tool.home.join("bot.out"), tool.home.join("bot.out.1")).await.unwrap();
    append(&tool, "bot.out.1", " of it").await;
    write(&tool, "bot.out", "new\r\n\u{2028}odd\n\n").await;
    for stream in [&mut today, &mut before, &mut one] {
        stream.until("\"new\"").await;
        stream.until("odd\"").await;
    }
    tell_to_end(&tool, "bot").await;
    let all = "first\ncut\nwithout pause\nhalf of it\nnew\n\u{2028}odd\n\n";
    for stream in [&mut today, &mut before] {
        assert_eq!(stream.end().await, End::Clean);
        assert!(!stream.text.contains('\u{2028}'), "{}", stream.text);
        let lines = parsed(stream);
        assert_eq!(messages(&lines, Some("stdout")), all);
        assert_eq!(messages(&lines, Some("stderr")), "oops\n");
    }
    assert_eq!(one.end().await, End::Clean);
    assert!(!one.text.contains("\"first\"") && !one.text.contains("\"oops\""), "{}", one.text);
}

async fn a_stream_ends_with_its_job_and_breaks_off_with_its_server(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("ends").await.through(&service);
    // What does not end by itself is followed until it is deleted, to its last words.
    let cmd = "trap 'printf \"last words\"; exit' TERM; echo on; while true; do sleep 0.1; done";
    let both = json!({"filelog_stdout": "one.log", "filelog_stderr": "one.log"});
    tool.run(with(continuous("always", cmd), &both)).await;
    let mut always = followed(&tool, "always", "").await;
    always.until("\"on\"").await;
    let (end, ()) = join(always.end(), tool.delete("always")).await;
    assert_eq!(end, End::Clean);
    let lines = parsed(&always);
    assert!(lines.iter().all(|line| line["container"] == "job" && line["pod"] == "always"));
    assert_eq!(messages(&lines, None).lines().last(), Some("last words"), "{}", always.text);
    // A file that is not there yet is waited for, and what has no end is a line at the end.
    let cmd = "sleep 1; printf end";
    tool.run(one_off("brief", cmd)).await;
    let mut brief = followed(&tool, "brief", "").await;
    assert_eq!(brief.end().await, End::Clean);
    assert_eq!(messages(&parsed(&brief), Some("stdout")), "end\n");
    tool.run(until_told("bot", "echo on", 0)).await;
    let mut bot = followed(&tool, "bot", "").await;
    bot.until("\"on\"").await;
    service.terminate();
    assert_eq!(bot.end().await, End::BrokenOff);
    tell_to_end(&tool.through(&world.start_service().await), "bot").await;
}

async fn what_is_not_to_be_had_is_refused_where_that_command_reads_it(world: Arc<World>) {
    let tool = world.tool("refused").await;
    tool.run(with(one_off("quiet", "true"), &json!({"filelog": false}))).await;
    ended_with(&tool, "bot", "x\n", "").await;
    let other = |path: String| path.replace(&tool.name, "somebody");
    let (bot, quiet, nope) = (pages(&tool, "bot"), pages(&tool, "quiet"), pages(&tool, "nope"));
    for (path, status, slug, field) in [
        (quiet.clone(), 400, "invalid-request", Some("filelog")),
        (format!("{quiet}_stream"), 400, "invalid-request", Some("filelog")),
        (of_jobs(&tool, "quiet"), 400, "invalid-request", Some("filelog")),
        (nope.clone(), 404, "job-not-found", None),
        (format!("{nope}_stream"), 404, "job-not-found", None),
        (of_jobs(&tool, "nope"), 404, "job-not-found", None),
        (other(bot.clone()), 403, "forbidden", None),
        (other(format!("{bot}_stream")), 403, "forbidden", None),
        (other(of_jobs(&tool, "bot")), 403, "forbidden", None),
        (format!("{bot}?since=yesterday"), 400, "invalid-request", Some("since")),
        (format!("{bot}?direction=oldest_first"), 400, "invalid-request", Some("direction")),
        (format!("{bot}?before=1-2-3"), 400, "invalid-request", Some("before")),
        (format!("{bot}?lines=-1"), 400, "invalid-request", Some("lines")),
        (format!("{bot}_stream?until=1h"), 400, "invalid-request", Some("until")),
    ] {
        let answer = ask(&tool, &path).await;
        let problem = answer.expect_problem(status, slug);
        assert_eq!(problem.field.as_deref(), field, "{path}");
        let body: Value = answer.expect(status);
        assert_eq!(body["error"], json!([problem.detail]), "{path}");
    }
}

/// Each has asked for all of a large log, and takes nothing.
async fn readers_of_streams_who_do_not_read_take_little_memory(world: Arc<World>) {
    const GROWTH_KIB_MAX: u64 = 24 * 1024;
    let path = |tool: &Tool| format!("{}_stream", pages(tool, "bot"));
    let grown = growth_by_readers(&world, "unread", path).await;
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more");
}
