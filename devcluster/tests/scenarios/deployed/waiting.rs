//! `run --wait`: it asks every five seconds, and knows three ends.

use std::{sync::Arc, time::Duration};

use tjf_api_types::Phase;
use tjf_devcluster::suite::{World, eventually};

use super::{BOTH, POD_TIME_MAX, Person, both, scenarios, told};

scenarios![
    its_wait_ends_with_the_job: BOTH,
    its_wait_takes_a_job_that_vanished_for_a_success: BOTH,
];

/// For a job to be there, on a machine that does much else.
const THERE_TIME_MAX: Duration = Duration::from_secs(60);

async fn its_wait_ends_with_the_job(world: Arc<World>) {
    both(&world, "waits", ends).await;
}

async fn ends(mut person: Person) {
    let run = |name, cmd| ["run", name, "--command", cmd, "--image", "tf-busybox", "--wait"];
    person.tell(&run("good", "echo done"), 0).await;
    assert_eq!(person.tool.read("good.out").await, "done\n");
    let failed = person.tell(&run("bad", "exit 3"), 1).await;
    assert!(told::value(&failed, "Status:").starts_with("Failed"), "{failed:#?}");
    // Once it is told to be running.
    let late = [&run("late", "exec sleep 3600")[..], &["2"]].concat();
    let output = person.must(&late, 2).await;
    let said = "ERROR: timed out 2 seconds waiting for job 'late' to complete:";
    assert_eq!(told::warnings(&output)[0], said, "{output:#?}");
    assert_eq!(told::value(&output, "Job name:"), "late");
    person.tool.until("late", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    person.compare("waits");
}

async fn its_wait_takes_a_job_that_vanished_for_a_success(world: Arc<World>) {
    both(&world, "vanishes", vanishes).await;
}

/// To the command any 4xx means that the job has ended well and was deleted. That is its own judgement:
/// no answer of ours could say otherwise and still be the one that `show` needs.
async fn vanishes(person: Person) {
    let words = ["run", "gone", "--command", "exec sleep 3600", "--image", "tf-busybox", "--wait"];
    let delete = async {
        eventually("the job", THERE_TIME_MAX, async || {
            let there = person.tool.list().await;
            if there.is_empty() { Err(there) } else { Ok(()) }
        })
        .await;
        person.tool.delete("gone").await;
    };
    let (output, ()) = tokio::join!(person.must(&words, 0), delete);
    let said = "INFO: job 'gone' completed (and already deleted)";
    assert_eq!(told::warnings(&output), [said], "{output:#?}");
}
