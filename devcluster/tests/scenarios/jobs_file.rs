//! A tool's jobs in a file: `load` and `dump`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use tjf_api_types::JobView;
use tjf_devcluster::suite::{Output, Relay, Tool, World};
use tokio::fs;

use super::scenarios;

scenarios![
    a_file_is_loaded_and_only_what_changed_is_replaced,
    a_dump_brings_back_every_job_as_it_was,
    a_file_is_checked_whole_before_anything_changes,
    what_a_load_that_was_cut_off_left_the_next_one_does,
];

const FILE: &str = "\
- name: once
  command: echo once >> runs; exit 3
  image: busybox
- name: bot
  command: exec sleep 3600
  image: tf-busybox
  continuous: yes
  mem: 64Mi
- name: nightly
  command: 'true'
  image: tf-busybox
  schedule: '@daily'
  no-filelog: \"true\"
";

async fn load(tool: &Tool, file: &str, options: &[&str], code: i32) -> Output {
    let path = tool.home.join("jobs.yaml");
    fs::write(&path, file).await.unwrap();
    let words = [&["load", path.to_str().unwrap()], options].concat();
    let output = tool.command(&words).await;
    assert_eq!(output.code, code, "{words:?}: {output:#?}");
    output
}

async fn uids(tool: &Tool) -> BTreeMap<String, String> {
    tool.list().await.into_iter().map(|job| (job.name, job.uid)).collect()
}

async fn a_file_is_loaded_and_only_what_changed_is_replaced(world: Arc<World>) {
    let tool = world.tool("load").await;
    let output = load(&tool, FILE, &["--dry-run"], 2).await;
    assert!(output.stdout.contains("+++ file/bot\n+- name: bot\n"), "{output:?}");
    assert_eq!(tool.list().await, []);
    // Of those that were started only the one-off has an end.
    let output = load(&tool, FILE, &["--wait"], 3).await;
    let lines = "once created\nbot created\nnightly created\nonce Failed\n";
    assert_eq!(output.stdout, lines, "{output:?}");
    let first = uids(&tool).await;

    let unchanged = "once unchanged\nbot unchanged\nnightly unchanged\n";
    assert_eq!(load(&tool, FILE, &[], 0).await.stdout, unchanged);
    // Said in other words.
    let same = FILE.replace("image: busybox", "image: tf-busybox").replace("64Mi", "65536Ki");
    assert_eq!(load(&tool, &same, &["--prune"], 0).await.stdout, unchanged);
    assert_eq!(load(&tool, &same, &["--dry-run"], 0).await.stdout, "");
    assert_eq!(uids(&tool).await, first);
    assert_eq!(tool.read("runs").await, "once\n");

    let changed = FILE.replace("64Mi", "65Mi");
    let output = load(&tool, &changed, &["--dry-run"], 2).await;
    let difference = "\n-  mem: 64Mi\n+  mem: 65Mi\n";
    assert!(output.stdout.starts_with("--- now/bot\n"), "{output:?}");
    assert!(output.stdout.ends_with(difference), "{output:?}");
    assert_eq!(uids(&tool).await, first);
    let replaced = "once unchanged\nbot replaced\nnightly unchanged\n";
    assert_eq!(load(&tool, &changed, &[], 0).await.stdout, replaced);
    let second = uids(&tool).await;
    assert_ne!(second["bot"], first["bot"]);
    assert_eq!((&second["once"], &second["nightly"]), (&first["once"], &first["nightly"]));
    assert_eq!(tool.show("bot").await.memory.as_deref(), Some("65Mi"));

    // A one-off that has ended runs again once it is defined otherwise, also as another kind.
    let again = changed.replace("exit 3", "exit 0");
    let output = load(&tool, &again, &["--job", "once", "--wait"], 0).await;
    assert_eq!(output.stdout, "once replaced\nonce Completed\n");
    assert_eq!(tool.read("runs").await, "once\nonce\n");
    let (_, rest) = again.split_once("- name: bot").unwrap();
    let rest = format!("- name: bot{rest}");
    assert_eq!(load(&tool, &rest, &[], 0).await.stdout, "bot unchanged\nnightly unchanged\n");
    let output = load(&tool, &rest, &["--prune"], 0).await;
    assert_eq!(output.stdout, "bot unchanged\nnightly unchanged\nonce deleted\n");
    assert_eq!(uids(&tool).await.into_keys().collect::<Vec<_>>(), ["bot", "nightly"]);
}

/// What defines a job, as it is told.
fn definition(job: &JobView) -> Value {
    let mut job = serde_json::to_value(job).unwrap();
    for own in ["uid", "created_at", "status", "status_short", "status_long", "deleting_since"] {
        job[own].take();
    }
    job
}

async fn a_dump_brings_back_every_job_as_it_was(world: Arc<World>) {
    let tool = world.tool("dump").await;
    let odd = "
- name: odd
  command: |
    # 'what': \"a\" \\ shell\tmay hold
    echo \"$A\" 'é' >> said
  image: tf-busybox
  filelog-stdout: odd 1.log
  filelog-stderr: /dev/null
  cpu: 0.1
  retry: 2
  timeout: 5m
  emails: onfailure
  env: {A: ' no ', 'B C': yes}
- name: homeless
  command: 'true'
  image: tf-busybox
  mount: none
- name: weekly
  command: 'true'
  image: tf-busybox
  schedule: '*/7 3 * * MON'
  timezone: Europe/Berlin
- name: none
  command: sleep 1
  image: tf-busybox
  continuous: on
  replicas: 0
";
    load(&tool, &format!("{FILE}{odd}"), &["--wait"], 3).await;
    assert_eq!(tool.read("said").await, " no  é\n");
    let before = tool.list().await;
    assert_eq!(before.len(), 7);

    let path = tool.home.join("dump.yaml");
    let path = path.to_str().unwrap();
    let output = tool.command(&["dump", "--to-file", path]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output:?}");
    let dumped = fs::read_to_string(path).await.unwrap();
    assert_eq!(tool.command(&["dump"]).await.stdout, dumped);
    let home = tool.home.to_str().unwrap();
    assert!(!dumped.contains(home) && !dumped.contains("Etc/UTC"), "{dumped}");
    let output = tool.command(&["load", path, "--prune"]).await;
    assert!(
        output.code == 0 && output.stdout.lines().all(|it| it.ends_with(" unchanged")),
        "{output:?}"
    );

    assert_eq!(tool.command(&["flush", "--yes"]).await.code, 0);
    assert_eq!(tool.command(&["dump"]).await.stdout, "[]\n");
    let output = tool.command(&["load", path]).await;
    assert!(
        output.code == 0 && output.stdout.lines().all(|it| it.ends_with(" created")),
        "{output:?}"
    );
    let after = tool.list().await;
    let definitions = |jobs: &[JobView]| jobs.iter().map(definition).collect::<Vec<_>>();
    assert_eq!(definitions(&after), definitions(&before));
    assert_eq!(tool.command(&["dump"]).await.stdout, dumped);
}

async fn a_file_is_checked_whole_before_anything_changes(world: Arc<World>) {
    let tool = world.tool("whole").await;
    load(&tool, FILE, &[], 0).await;
    let before = uids(&tool).await;
    let changed = FILE.replace("64Mi", "65Mi");
    for (more, told) in [
        (
            "- {name: bad, command: x, image: tf-nope}",
            "error: line 14, `bad`: there is no container",
        ),
        ("- {name: bad, command: x, image: tf-busybox, mem: 64Gi}", "error: line 14, `bad`: "),
        ("- {name: Bad, command: x, image: tf-busybox}", "error: line 14, `Bad`: "),
        (
            "- {name: bad, command: x, image: tf-busybox, retry: 9}",
            "error: line 14, `bad`: `retry`",
        ),
        ("- {name: bad, command: x, imag: tf-busybox}", ", line 14: there is no key `imag`"),
        (
            "- {name: bot, command: x, image: tf-busybox}",
            ", line 14: there is a job `bot` in line 4",
        ),
        (
            "- {name: bad, command: x, image: tf-busybox, port: 80}",
            "error: line 14, `bad`: only a continuous job has a port",
        ),
        (
            "- {name: bad, command: x, image: tf-busybox, publish: /}",
            ", line 14: `publish` is not taken",
        ),
    ] {
        for options in [&["--prune"][..], &["--dry-run"]] {
            let output = load(&tool, &format!("{changed}{more}\n"), options, 1).await;
            assert!(output.stderr.contains(told), "{more}: {output:?}");
            assert_eq!(output.stdout, "", "{more}");
        }
        assert_eq!(uids(&tool).await, before, "{more}");
    }
}

/// From the first answer to the last: the connection breaks after so many bytes of answers, and each
/// one that is made then too.
async fn what_a_load_that_was_cut_off_left_the_next_one_does(world: Arc<World>) {
    let tool = world.tool("cut").await;
    let relay = Relay::start(tool.service().address).await;
    let (ca, path) = (tool.service().ca_file(), tool.home.join("jobs.yaml"));
    let words = ["load", path.to_str().unwrap(), "--prune", "--verbose"];
    let rounds = 12;
    let mut cut = 0;
    for round in 0..rounds {
        let file = format!(
            "- {{name: once, command: echo {round} >> runs, image: tf-busybox}}\n\
             - {{name: bot, command: exec sleep 3600, image: tf-busybox, continuous: yes, env: {{N: {round}}}}}\n\
             - {{name: extra-{round}, command: 'true', image: tf-busybox, schedule: '@daily'}}\n"
        );
        fs::write(&path, file).await.unwrap();
        relay.cut_answers_after(3_000 + round * 600);
        let first = tool.command_at(relay.address, &ca, &words).await;
        assert!([0, 3].contains(&first.code), "{round}: {first:?}");
        cut += u64::from(first.code == 3 || first.stderr.contains(": sent again in "));
        relay.lead_to(tool.service().address);
        let second = tool.command_at(relay.address, &ca, &words).await;
        assert_eq!(second.code, 0, "{round}: {first:?}, {second:?}");
        let jobs = tool.list().await;
        let names: Vec<_> = jobs.iter().map(|job| job.name.clone()).collect();
        assert_eq!(names, ["bot".to_owned(), format!("extra-{round}"), "once".to_owned()]);
        assert_eq!(jobs[0].env["N"], round.to_string());
        tool.ended("once").await;
        // No job was made twice, also when nobody knew whether it was there.
        let runs: String = (0..=round).map(|round| format!("{round}\n")).collect();
        assert_eq!(tool.read("runs").await, runs, "{first:?}, {second:?}");
    }
    assert!(cut > rounds / 2, "{cut} of {rounds} were cut off");
}
