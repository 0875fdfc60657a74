//! What logs cost: the service, and those who have nothing to do with them.

use std::{os::unix::fs::chown, sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use tjf_devcluster::{
    Service,
    suite::{Call, End, HangingFolder, Needs, Tool, World, eventually, say, within},
};
use tokio::{
    fs::{self, OpenOptions},
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
    time::Instant,
};

use super::{
    super::{POD_TIME_MAX, one_off, scenarios, with},
    ANSWER_TIME_MAX, append, follow, read, tell_to_end, until_told,
};

scenarios![
    the_end_of_a_log_of_five_gigabytes_costs_no_more_than_its_end,
    readers_who_do_not_read_take_little_memory,
    a_home_that_hangs_delays_its_own_tool_alone: Needs::Users,
];

/// Sparse, so that it takes no room.
async fn the_end_of_a_log_of_five_gigabytes_costs_no_more_than_its_end(world: Arc<World>) {
    const BYTES: u64 = 5 << 30;
    const READS: u32 = 20;
    let service = world.start_service().await;
    let tool = world.tool("large").await.through(&service);
    let quiet = json!({"filelog_stdout": "large.log", "filelog_stderr": "small.log"});
    tool.run(with(one_off("bot", "true"), &quiet)).await;
    tool.ended("bot").await;
    let end: String = (0..1000).map(|number| format!("line {number}\n")).collect();
    append(&tool, "small.log", &end).await;
    let large = OpenOptions::new().write(true).open(tool.home.join("large.log")).await;
    let mut large = large.unwrap();
    large.set_len(BYTES).await.unwrap();
    large.seek(std::io::SeekFrom::End(0)).await.unwrap();
    large.write_all(format!("\n{end}").as_bytes()).await.unwrap();
    large.flush().await.unwrap();
    let expected: String = (990..1000).map(|number| format!("line {number}\n")).collect();
    let mut times = [Duration::MAX; 2];
    let before = service.memory().await;
    for _ in 0..READS {
        for (time, stream) in times.iter_mut().zip(["stderr", "stdout"]) {
            let began = Instant::now();
            let text = read(&tool, "bot", &format!("stream={stream}&lines=10")).await;
            *time = began.elapsed().min(*time);
            assert_eq!(text, expected);
        }
    }
    let grown = service.memory().await.saturating_sub(before);
    let [small, large] = times;
    say(&format!("ten lines of a small log: {small:?}, of one with 5 GB: {large:?}"));
    assert!(large < small * 3 + Duration::from_millis(20), "{small:?}, of 5 GB {large:?}");
    assert!(grown < 8 * 1024, "{grown} KiB more");
}

/// Each has asked for all of a large log, and takes nothing.
async fn readers_who_do_not_read_take_little_memory(world: Arc<World>) {
    const GROWTH_KIB_MAX: u64 = 16 * 1024;
    let path = |_: &Tool| "/api/v1/logs/bot/?stream=stdout&follow=true".to_owned();
    let grown = growth_by_readers(&world, "slow", path).await;
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more");
}

/// By how many KiB a service grows when fifty ask for the large log of the job `bot` by this path, and
/// take nothing of it.
pub(super) async fn growth_by_readers(
    world: &World,
    tool: &str,
    path: impl FnOnce(&Tool) -> String,
) -> u64 {
    const READERS: usize = 50;
    let service = world.start_service().await;
    let tool = world.tool(tool).await.through(&service);
    tool.run(until_told("bot", "echo on", 0)).await;
    tool.read_until("bot.out", "on\n", POD_TIME_MAX).await;
    let large = OpenOptions::new().write(true).open(tool.home.join("bot.out")).await;
    large.unwrap().set_len(1 << 30).await.unwrap();
    let before = service.memory().await;
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path(&tool));
    let readers = (0..READERS).map(|_| async {
        let mut stream = tool.client.connect().await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // Fifty in one task use up its turn, and what TLS could not send at once waits for a flush.
        stream.flush().await.unwrap();
        // The head comes, so that it is at work.
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        stream
    });
    let readers = join_all(readers).await;
    let line = format!("tjf_permits_in_use{{class=\"waiting\"}} {READERS}\n");
    eventually("requests that wait", ANSWER_TIME_MAX, async || {
        let metrics = service.admin("/metrics").await.unwrap();
        if metrics.contains(&line) { Ok(()) } else { Err(metrics) }
    })
    .await;
    let grown = service.memory().await.saturating_sub(before);
    say(&format!("{READERS} readers who take nothing: {grown} KiB more"));
    drop(readers);
    tell_to_end(&tool, "bot").await;
    grown
}

/// How many threads of the service touch homes now.
async fn threads_in_homes(service: &Service) -> usize {
    let mut tasks = fs::read_dir(format!("/proc/{}/task", service.pid())).await.unwrap();
    let mut count = 0;
    while let Ok(Some(task)) = tasks.next_entry().await {
        let name = fs::read_to_string(task.path().join("comm")).await;
        count += usize::from(name.is_ok_and(|name| name.trim() == "home"));
    }
    count
}

async fn a_home_that_hangs_delays_its_own_tool_alone(world: Arc<World>) {
    const SILENT_TIME_MAX: Duration = Duration::from_secs(15);
    let service = world.start_service().await;
    let (stuck, calm) = (world.tool("stuck").await, world.tool("calm").await);
    let (stuck, calm) = (stuck.through(&service), calm.through(&service));
    let folder = stuck.home.join("logs");
    fs::create_dir(&folder).await.unwrap();
    chown(&folder, Some(stuck.uid), Some(stuck.gid)).unwrap();
    let files = json!({"filelog_stdout": "logs/out", "filelog_stderr": "logs/err"});
    stuck.run(with(until_told("bot", "echo on", 0), &files)).await;
    calm.run(until_told("bot", "echo on", 0)).await;
    stuck.read_until("logs/out", "on\n", POD_TIME_MAX).await;
    calm.read_until("bot.out", "on\n", POD_TIME_MAX).await;
    let mut follower = follow(&stuck, "bot", "stream=stdout").await;
    follower.until("on\n").await;
    let mut undisturbed = follow(&calm, "bot", "stream=stdout").await;
    undisturbed.until("on\n").await;
    let hanging = HangingFolder::at(&folder).unwrap();
    let refused = async {
        let asked = (0..6).map(|_| stuck.send(Call::get("/logs/bot/")));
        for answer in join_all(asked).await {
            answer.expect_problem(503, "cluster-unavailable");
        }
        assert_eq!(follower.end().await, End::BrokenOff);
        // Two threads hang, and nobody gets a third.
        assert_eq!(threads_in_homes(&service).await, 2);
        stuck.send(Call::get("/logs/bot/")).await.expect_problem(503, "cluster-unavailable");
        assert_eq!(threads_in_homes(&service).await, 2);
        // What needs no log goes on for the tool itself, too.
        assert_eq!(stuck.list().await.len(), 1);
    };
    let others = async {
        for number in 0..10 {
            let text = format!("more {number}\n");
            append(&calm, "bot.out", &text).await;
            within("more", Duration::from_secs(3), undisturbed.until(&text)).await;
            let plain = read(&calm, "bot", "stream=stdout&lines=1");
            assert_eq!(within("an answer", Duration::from_secs(3), plain).await, text);
        }
    };
    let both = async { tokio::join!(refused, others) };
    within("answers although a home hangs", SILENT_TIME_MAX * 2, both).await;
    drop(hanging);
    eventually("the home answers again", ANSWER_TIME_MAX, async || {
        let answer = stuck.send(Call::get("/logs/bot/?stream=stdout")).await;
        if answer.text() == "on\n" { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    for tool in [&stuck, &calm] {
        tell_to_end(tool, "bot").await;
    }
}
