//! What it shows of jobs, and what becomes of those that it restarts and deletes.

use std::sync::Arc;

use tjf_api_types::Phase;
use tjf_devcluster::suite::{World, eventually};

use super::{BOTH, POD_TIME_MAX, Person, both, scenarios, told};

scenarios![
    what_it_shows_is_as_written_down: BOTH,
    what_it_restarts_and_deletes_is_gone_or_new: BOTH,
];

async fn what_it_shows_is_as_written_down(world: Arc<World>) {
    both(&world, "shows", shows).await;
}

async fn shows(mut person: Person) {
    let empty = [&["images"][..], &["quota"], &["list"], &["list", "-o", "name"]];
    person.tell_all(&empty, 0).await;
    person.tell_all(&[&["list", "-o", "long"], &["dump"]], 0).await;
    let run = |name, cmd| ["run", name, "--command", cmd, "--image", "tf-busybox"];
    person.tell(&run("once", "echo out; echo err >&2"), 0).await;
    person.tell(&run("broken", "exit 3"), 0).await;
    person.tell(&[&run("bot", "exec sleep 3600")[..], &["--continuous"]].concat(), 0).await;
    let yearly = [&run("yearly", "true")[..], &["--schedule", "7 4 1 1 *"]].concat();
    person.tell(&yearly, 0).await;
    let tool = person.tool.clone();
    tool.ended("once").await;
    tool.ended("broken").await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;

    let lists = [&["list"][..], &["list", "-o", "name"], &["list", "-o", "long"], &["list", "-l"]];
    person.tell_all(&lists, 0).await;
    let shown = ["once", "broken", "bot", "yearly"].map(|name| ["show", name]);
    person.tell_all(&shown.each_ref().map(|words| &words[..]), 0).await;
    let debugged = person.must(&["--debug", "list", "-o", "name"], 0).await;
    assert_eq!(debugged.stdout, "bot\nbroken\nonce\nyearly\n");
    person.compare("shows");
}

async fn what_it_restarts_and_deletes_is_gone_or_new(world: Arc<World>) {
    both(&world, "changes", changes).await;
}

async fn changes(mut person: Person) {
    let tool = person.tool.clone();
    person.run("bot", "exec sleep 3600", &["--continuous"]).await;
    person.run("yearly", "echo ran", &["--schedule", "7 4 1 1 *"]).await;
    person.run("once", "true", &[]).await;
    tool.ended("once").await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    let pods = async || {
        let pods = tool.pods_of("bot").await;
        pods.into_iter().filter_map(|pod| pod.metadata.uid).collect::<Vec<_>>()
    };
    let before = pods().await;
    person.tell(&["restart", "bot"], 0).await;
    eventually("another pod", POD_TIME_MAX, async || {
        let after = pods().await;
        if after.len() == 1 && after != before { Ok(()) } else { Err(after) }
    })
    .await;
    person.tell(&["restart", "yearly"], 0).await;
    tool.read_until("yearly.out", "ran\n", POD_TIME_MAX).await;
    person.tell(&["restart", "once"], 1).await;
    person.tell(&["restart", "nope"], 1).await;

    person.tell(&["delete", "once"], 0).await;
    person.tell(&["delete", "once"], 1).await;
    person.tell(&["show", "once"], 1).await;
    assert_eq!(person.must(&["list", "-o", "name"], 0).await.stdout, "bot\nyearly\n");
    person.tell(&["flush"], 0).await;
    person.tell(&["flush"], 0).await;
    assert_eq!(tool.list().await, []);
    let told = person.must(&["list"], 0).await;
    assert_eq!((told.stdout.as_str(), told::warnings(&told)), ("", vec![]));
    person.compare("changes");
}
