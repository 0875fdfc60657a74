//! What a job writes, read while it does: each byte once, whatever happens to the file, the service
//! or the network.

pub(super) mod costs;
pub(super) mod lines;

use std::{
    os::unix::fs::{chown, symlink},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use futures_util::future::join;
use rustix::process::Signal;
use serde_json::{Value, json};
use tjf_devcluster::{
    Service,
    suite::{Call, End, Following, Needs, Relay, Tool, World, eventually, within},
};
use tokio::{
    fs::{self, OpenOptions},
    io::AsyncWriteExt,
    time::Instant,
};

use super::{POD_TIME_MAX, continuous, one_off, scenarios, waiting::both_cas, with};

scenarios![
    a_log_is_followed_until_its_job_has_ended,
    a_log_goes_on_when_its_file_is_cut_short_or_replaced,
    the_command_loses_no_byte_when_the_service_or_the_network_goes,
    a_followed_job_shows_both_streams_and_ends_as_it_did,
    a_followed_log_breaks_off_with_its_server,
    a_log_that_is_not_the_tools_own_is_not_shown: Needs::Users,
];

/// For an answer that should come at once, on a machine that does much else.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

async fn follow(tool: &Tool, job: &str, query: &str) -> Following {
    let following = tool.client.follow(Call::get(&format!("/logs/{job}/?follow=true&{query}")));
    let following = following.await;
    assert_eq!(following.status, 200);
    following
}

async fn read(tool: &Tool, job: &str, query: &str) -> String {
    let answer = tool.send(Call::get(&format!("/logs/{job}/?{query}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// Ends with this code once a file is in the home.
fn until_told(name: &str, begin: &str, code: u8) -> Value {
    one_off(name, &format!("{begin}; until [ -e {name}.go ]; do sleep 0.1; done; exit {code}"))
}

async fn tell_to_end(tool: &Tool, name: &str) {
    fs::write(tool.home.join(format!("{name}.go")), "").await.unwrap();
}

/// A file of the tool's own.
/// A file of the tool's from its first moment on: one that is somebody else's ends whatever follows it.
async fn write(tool: &Tool, name: &str, text: &str) -> PathBuf {
    let (path, before) = (tool.home.join(name), tool.home.join(format!("{name}.before")));
    fs::write(&before, text).await.unwrap();
    chown(&before, Some(tool.uid), Some(tool.gid)).unwrap();
    fs::rename(before, &path).await.unwrap();
    path
}

async fn append(tool: &Tool, name: &str, text: &str) {
    let file = OpenOptions::new().append(true).open(tool.home.join(name)).await;
    let mut file = file.unwrap();
    file.write_all(text.as_bytes()).await.unwrap();
    file.flush().await.unwrap();
}

async fn a_log_is_followed_until_its_job_has_ended(world: Arc<World>) {
    let tool = world.tool("follow").await;
    let cmd =
        "sleep 1; echo one; echo oops >&2; until [ -e bot.go ]; do sleep 0.1; done; printf end";
    tool.run(one_off("bot", cmd)).await;
    let mut both = follow(&tool, "bot", "").await;
    let mut stdout = follow(&tool, "bot", "stream=stdout").await;
    both.until("out: one\n").await;
    both.until("err: oops\n").await;
    assert_eq!(both.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(both.headers["x-accel-buffering"], "no");
    stdout.until("one\n").await;
    let position = stdout.headers["log-position"].to_str().unwrap().to_owned();
    assert!(position.ends_with("-0"), "{position}");
    // What there is at this moment, and a head without anything.
    assert_eq!(read(&tool, "bot", "stream=stderr").await, "oops\n");
    assert_eq!(read(&tool, "bot", "lines=1").await, "out: one\nerr: oops\n");
    let head = Call::new(http::Method::HEAD, "/logs/bot/?stream=stdout");
    let head = tool.send(head).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.headers["log-position"], position.as_str());
    tell_to_end(&tool, "bot").await;
    assert_eq!((both.end().await, stdout.end().await), (End::Clean, End::Clean));
    assert_eq!(stdout.text, "one\nend");
    assert!(both.text.ends_with("out: end\n"), "{}", both.text);
    // Of one that has ended all comes at once.
    let mut ended = follow(&tool, "bot", "stream=stdout&lines=1").await;
    assert_eq!((ended.end().await, ended.text.as_str()), (End::Clean, "end"));

    tool.run(with(one_off("quiet", "echo x"), &json!({"filelog": false}))).await;
    let refused = tool.send(Call::get("/logs/quiet/")).await;
    assert_eq!(refused.expect_problem(400, "invalid-request").field.as_deref(), Some("filelog"));
    tool.send(Call::get("/logs/nope/")).await.expect_problem(404, "job-not-found");

    // What does not end by itself is followed until it is deleted, to its last words.
    let cmd = "trap 'echo last words; exit' TERM; echo on; while true; do sleep 0.1; done";
    let both = json!({"filelog_stdout": "one.log", "filelog_stderr": "one.log"});
    tool.run(with(continuous("always", cmd), &both)).await;
    let mut always = follow(&tool, "always", "").await;
    always.until("on\n").await;
    let (end, ()) = join(always.end(), tool.delete("always")).await;
    assert_eq!(end, End::Clean);
    assert!(
        always.text.starts_with("on\n"),
        "one file for both is shown as it is: {}",
        always.text
    );
    assert!(always.text.contains("last words\n"), "{}", always.text);
}

/// The one as its reader counts, who breaks off; the other goes on by itself.
async fn a_log_goes_on_when_its_file_is_cut_short_or_replaced(world: Arc<World>) {
    let tool = world.tool("rotate").await;
    tool.run(until_told("bot", "echo first", 0)).await;
    tool.read_until("bot.out", "first\n", POD_TIME_MAX).await;
    let mut both = follow(&tool, "bot", "").await;
    both.until("out: first\n").await;
    let mut counted = follow(&tool, "bot", "stream=stdout").await;
    counted.until("first\n").await;
    let words = ["logs", "bot", "-f", "--stream", "stdout"];
    let changes = async {
        fs::write(tool.home.join("bot.out"), "").await.unwrap();
        append(&tool, "bot.out", "cut\n").await;
        both.until("out: cut\n").await;
        assert_eq!(counted.end().await, End::BrokenOff);
        fs::rename(tool.home.join("bot.out"), tool.home.join("bot.out.1")).await.unwrap();
        append(&tool, "bot.out.1", "renamed\n").await;
        both.until("out: renamed\n").await;
        write(&tool, "bot.out", "new\n").await;
        append(&tool, "bot.out.1", "late\n").await;
        both.until("out: late\n").await;
        both.until("out: new\n").await;
        tell_to_end(&tool, "bot").await;
    };
    // It may begin at any time.
    let (output, ()) = join(tool.command(&words), changes).await;
    assert_eq!(both.end().await, End::Clean);
    let lines = ["first", "cut", "renamed", "late", "new"];
    assert_eq!(both.text, lines.map(|line| format!("out: {line}\n")).concat());
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.ends_with("new\n"), "{output:?}");
    for line in lines {
        assert!(output.stdout.matches(&format!("{line}\n")).count() <= 1, "{output:?}");
    }
}

/// Lines that say which they are, on both streams, for some seconds.
fn chatty(name: &str, code: u8) -> Value {
    let cmd = format!(
        "i=0; until [ -e {name}.go ]; do echo \"line $i\"; echo \"error $i\" >&2; i=$((i+1)); sleep 0.02; done; exit {code}"
    );
    one_off(name, &cmd)
}

async fn until_longer(tool: &Tool, name: &str, by: u64) {
    let path = tool.home.join(name);
    let length = async || fs::metadata(&path).await.map(|it| it.len()).unwrap_or(0);
    let wanted = length().await + by;
    eventually("more output", POD_TIME_MAX, async || {
        let length = length().await;
        if length >= wanted { Ok(()) } else { Err(length) }
    })
    .await;
}

/// The network is cut again and again, the service killed, and for some seconds nobody is there.
async fn disturb(tool: &Tool, relay: &Relay, service: &Service, next: &Service) {
    until_longer(tool, "bot.out", 500).await;
    for _ in 0..10 {
        until_longer(tool, "bot.out", 1).await;
        relay.cut();
    }
    relay.cut_answers_after(2_000);
    until_longer(tool, "bot.out", 2_000).await;
    service.signal(Signal::KILL);
    relay.close_for(Duration::from_secs(3)).await;
    relay.lead_to(next.address);
    for _ in 0..10 {
        until_longer(tool, "bot.out", 1).await;
        relay.cut();
    }
    until_longer(tool, "bot.out", 500).await;
    tell_to_end(tool, "bot").await;
}

async fn the_command_loses_no_byte_when_the_service_or_the_network_goes(world: Arc<World>) {
    let (service, next) = (world.start_service().await, world.start_service().await);
    let tool = world.tool("resume").await.through(&service);
    let relay = Relay::start(service.address).await;
    let ca = both_cas(&tool, &service, &next).await;
    tool.run(chatty("bot", 0)).await;
    tool.read_until("bot.out", "line 10\n", POD_TIME_MAX).await;
    let follow = async |words: &[&str]| tool.command_at(relay.address, &ca, words).await;
    let commands = async {
        tokio::join!(
            follow(&["logs", "bot", "-f", "--stream", "stdout"]),
            follow(&["logs", "bot", "-f"]),
        )
    };
    let ((stdout, both), ()) = join(commands, disturb(&tool, &relay, &service, &next)).await;
    let (out, err) = (tool.read("bot.out").await, tool.read("bot.err").await);
    assert_eq!((stdout.code, both.code), (0, 0), "{}\n{}", stdout.stderr, both.stderr);
    assert!(stdout.stdout == out, "{}\nis not\n{out}", stdout.stdout);
    let of = |prefix: &str| -> String {
        let lines = both.stdout.lines().filter_map(|line| line.strip_prefix(prefix));
        lines.map(|line| format!("{line}\n")).collect()
    };
    assert!(of("out: ") == out && of("err: ") == err, "{}", both.stdout);
}

async fn a_followed_job_shows_both_streams_and_ends_as_it_did(world: Arc<World>) {
    let (service, next) = (world.start_service().await, world.start_service().await);
    let tool = world.tool("shown").await.through(&service);
    let relay = Relay::start(service.address).await;
    let ca = both_cas(&tool, &service, &next).await;
    let job = chatty("bot", 7);
    let cmd = job["cmd"].as_str().unwrap();
    let words = ["run", "bot", "--command", cmd, "--image", "tf-busybox", "--follow"];
    let command = tool.command_at(relay.address, &ca, &words);
    let (output, ()) = join(command, disturb(&tool, &relay, &service, &next)).await;
    let (out, err) = (tool.read("bot.out").await, tool.read("bot.err").await);
    assert_eq!(output.code, 7, "{}", output.stderr);
    assert!(output.stdout == out, "{}\nis not\n{out}", output.stdout);
    let told: String = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("error "))
        .fold(String::new(), |all, line| all + line + "\n");
    assert!(told == err, "{}\nis not\n{err}", output.stderr);

    // The next one writes into the same files, and only what it writes is shown.
    let again = tool.through(&next);
    let words = ["run", "bot", "--command", "echo again; exit 3", "--image", "tf-busybox"];
    let output = again.command(&[&words[..], &["--follow"]].concat()).await;
    assert_eq!((output.code, output.stdout.as_str()), (3, "again\n"), "{output:?}");
    // After a wait for one that failed the end of its errors is shown.
    let words =
        ["run", "bad", "--command", "seq 20 >&2; exit 4", "--image", "tf-busybox", "--wait"];
    let output = again.command(&words).await;
    assert_eq!((output.code, output.stdout.as_str()), (4, "bad\nFailed\n"), "{output:?}");
    assert!(
        output.stderr.contains("errors:\n  11\n") && output.stderr.contains("\n  20\n"),
        "{output:?}"
    );
}

async fn a_followed_log_breaks_off_with_its_server(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("drain").await.through(&service);
    tool.run(until_told("bot", "echo on", 0)).await;
    let mut single = follow(&tool, "bot", "stream=stdout").await;
    let mut both = follow(&tool, "bot", "").await;
    single.until("on\n").await;
    both.until("out: on\n").await;
    let began = Instant::now();
    service.terminate();
    assert_eq!((single.end().await, both.end().await), (End::BrokenOff, End::BrokenOff));
    let held = began.elapsed().as_secs();
    assert!((4..20).contains(&held), "broke off after {held} s");
    let status = within("the end of the service", ANSWER_TIME_MAX, service.ended()).await;
    assert_eq!(status.code(), Some(0));
}

async fn a_log_that_is_not_the_tools_own_is_not_shown(world: Arc<World>) {
    let (tool, neighbour) = (world.tool("curious").await, world.tool("private").await);
    let secret = write(&neighbour, "secret", "nobody else's").await;
    tool.run(until_told("bot", "echo on", 0)).await;
    tool.read_until("bot.out", "on\n", POD_TIME_MAX).await;
    let mut following = follow(&tool, "bot", "stream=stdout").await;
    following.until("on\n").await;
    let path = tool.home.join("bot.out");
    let relative = PathBuf::from("..").join(&neighbour.name).join("secret");
    for what in ["absolute", "relative", "hard", "folder"] {
        let _ = fs::remove_file(&path).await;
        match what {
            "absolute" => symlink(&secret, &path).unwrap(),
            "relative" => symlink(&relative, &path).unwrap(),
            "hard" => std::fs::hard_link(&secret, &path).unwrap(),
            _ => fs::create_dir(&path).await.unwrap(),
        }
        for query in ["", "stream=stdout", "lines=1", "follow=true"] {
            let refused = tool.send(Call::get(&format!("/logs/bot/?{query}"))).await;
            refused.expect_problem(403, "forbidden");
        }
    }
    assert_eq!((following.end().await, following.text.as_str()), (End::BrokenOff, "on\n"));
    // A link that stays in the home is followed.
    fs::remove_dir(&path).await.unwrap();
    write(&tool, "elsewhere", "inside\n").await;
    symlink("elsewhere", &path).unwrap();
    assert_eq!(read(&tool, "bot", "stream=stdout").await, "inside\n");
}
