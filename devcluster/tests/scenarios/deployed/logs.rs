//! Its `logs`: lines with a time and a pod, out of files that have neither.

use std::sync::Arc;

use tjf_devcluster::suite::{Output, World};
use tokio::fs;

use super::{BOTH, POD_TIME_MAX, Person, both, scenarios, told};

scenarios![
    its_logs_are_what_the_job_wrote: BOTH,
    a_log_that_it_follows_ends_with_the_job: BOTH,
];

/// What stands behind time, pod and container.
fn messages(output: &Output) -> Vec<&str> {
    let lines = output.stdout.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut parts = line.splitn(4, ' ');
            let (time, pod) = (parts.next().unwrap(), parts.next().unwrap());
            assert!(time.starts_with("20") && time.contains('T'), "{line}");
            assert!(pod.starts_with('[') && pod.ends_with(']'), "{line}");
            assert!(parts.next().unwrap().ends_with(']'), "{line}");
            parts.next().unwrap_or_default()
        })
        .collect()
}

async fn its_logs_are_what_the_job_wrote(world: Arc<World>) {
    both(&world, "logs", logs).await;
}

async fn logs(mut person: Person) {
    let cmd = "for number in 1 2 3 4 5; do echo \"line  $number [x]\"; done; echo oops >&2";
    person.run("once", cmd, &[]).await;
    person.tool.ended("once").await;
    let all = person.must(&["logs", "once"], 0).await;
    let mut told = messages(&all);
    told.sort_unstable();
    let lines = ["line  1 [x]", "line  2 [x]", "line  3 [x]", "line  4 [x]", "line  5 [x]", "oops"];
    assert_eq!(told, lines, "{all:#?}");
    let last = person.must(&["logs", "once", "-l", "2"], 0).await;
    // The one before gets what it would follow: so many lines of each file.
    let expected = if person.is_today() { 2 } else { 3 };
    assert_eq!(messages(&last).len(), expected, "{last:#?}");
    if person.is_today() {
        times(&mut person).await;
        let recent = person.must(&["logs", "once", "--since", "1h"], 0).await;
        assert_eq!(messages(&recent).len(), lines.len(), "{recent:#?}");
        let until = ["logs", "once", "--since", "2h", "--until", "2020-01-01T00:00:00Z"];
        person.tell(&until, 1).await;
        person.tell(&["logs", "once", "--since", "yesterday"], 1).await;
    }
    person.tell(&["logs", "nope"], 1).await;
    person.run("quiet", "echo x", &["--no-filelog"]).await;
    person.tool.ended("quiet").await;
    person.tell(&["logs", "quiet"], 1).await;
    // More than a page of lines, each once and in their order.
    person.run("many", "seq 1 1201; seq 1 3 >&2", &["-e", "/dev/null"]).await;
    person.tool.ended("many").await;
    let many = person.must(&["logs", "many"], 0).await;
    let numbers: Vec<_> = (1..=1201).map(|number| number.to_string()).collect();
    assert_eq!(messages(&many), numbers);
    person.compare("logs");
}

/// Lines that begin with a time have it, and those behind them belong to them: they go where it goes, but
/// what is told as their time is when they were read.
async fn times(person: &mut Person) {
    let lines = [
        "2026-01-02T03:04:05Z one",
        "2026-01-02 04:04:05,6 two",
        "  more",
        "2026-01-02T05:04:05Z three",
    ];
    let words = lines.map(|line| format!("'{line}'")).join(" ");
    person.run("timed", &format!("printf '%s\\n' {words}"), &[]).await;
    person.tool.ended("timed").await;
    let all = person.must(&["logs", "timed"], 0).await;
    assert_eq!(messages(&all), lines, "{all:#?}");
    let told: Vec<_> = all.stdout.lines().map(|line| &line[..19]).collect();
    let told = [told[0], told[1], told[3]];
    let times = ["2026-01-02T03:04:05", "2026-01-02T04:04:05", "2026-01-02T05:04:05"];
    assert_eq!(told, times, "{all:#?}");
    for (options, expected) in [
        (&["--since", "2026-01-02T04:00:00Z"][..], &lines[1..]),
        (&["--until", "2026-01-02T05:30:00+01:00"], &lines[..3]),
        (&["--since", "2026-01-02T04:00:00Z", "--until", "2026-01-02T05:00:00"], &lines[1..3]),
        (&["--since", "1m"], &[]),
    ] {
        let told = person.must(&[&["logs", "timed"], options].concat(), 0).await;
        assert_eq!(messages(&told), expected, "{options:?}: {told:#?}");
    }
}

async fn a_log_that_it_follows_ends_with_the_job(world: Arc<World>) {
    both(&world, "follows", follows).await;
}

async fn follows(person: Person) {
    let cmd = "echo first; until [ -e go ]; do sleep 0.1; done; echo last; exit 3";
    person.run("bot", cmd, &[]).await;
    let tool = person.tool.clone();
    let meanwhile = async {
        tool.read_until("bot.out", "first\n", POD_TIME_MAX).await;
        fs::write(tool.home.join("go"), "").await.unwrap();
    };
    let (followed, ()) = tokio::join!(person.must(&["logs", "-f", "bot"], 0), meanwhile);
    assert_eq!(messages(&followed), ["first", "last"], "{followed:#?}");
    // Of one that has ended all comes at once.
    let again = person.must(&["logs", "-f", "bot", "-l", "1"], 0).await;
    assert_eq!(messages(&again), ["last"], "{again:#?}");
    assert_eq!(told::warnings(&again), Vec::<String>::new());
}
