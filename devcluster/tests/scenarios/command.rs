//! The command `toolforge-jobs`, as a person types it.

use std::sync::Arc;

use serde_json::Value;
use tjf_api_types::{JobType, JobView, Phase};
use tjf_devcluster::suite::{Output, Tool, World};
use tokio::fs;

use super::{POD_TIME_MAX, one_off, scenarios};

scenarios![
    run_takes_a_command_or_a_name_first,
    run_wait_passes_the_exit_code_on,
    a_job_starts_waits_for_and_reads_another,
    a_day_with_the_command,
    what_a_hint_says_helps,
    containers_are_listed,
    refusals_words_and_failures_have_codes_of_their_own,
];

/// Runs the command, which must end with `code`.
async fn must(tool: &Tool, words: &[&str], code: i32) -> Output {
    let output = tool.command(words).await;
    assert_eq!(output.code, code, "{words:?}: {output:#?}");
    output
}

async fn run_takes_a_command_or_a_name_first(world: Arc<World>) {
    let tool = world.tool("forms").await;
    let output =
        must(&tool, &["run", "echo 'one two'; echo $HOME", "--type", "tf-busybox"], 0).await;
    let name = output.stdout.trim().to_owned();
    assert!(name.starts_with("echo-"), "{output:?}");
    tool.ended(&name).await;
    let home = tool.home.display();
    assert_eq!(tool.read(&format!("{name}.out")).await, format!("one two\n{home}\n"));

    let words = ["run", "named", "--command", "echo second", "--image", "tf-busybox", "--wait"];
    must(&tool, &words, 0).await;
    assert_eq!(tool.read("named.out").await, "second\n");

    // Words after `--` are an argument each.
    let words = ["run", "--name", "words", "--container", "tf-busybox", "--wait", "--"];
    let words = [&words[..], &["printf", "%s\\n", "a b", "$HOME", "it's"]].concat();
    must(&tool, &words, 0).await;
    assert_eq!(tool.read("words.out").await, "a b\n$HOME\nit's\n");

    let words = ["run", "tick", "--type", "tf-busybox", "--schedule", "@daily", "--name", "daily"];
    must(&tool, &words, 0).await;
    assert_eq!(tool.show("daily").await.job_type, JobType::Scheduled);
    let words = ["run", "bot", "--command", "exec sleep 3600", "--image", "tf-busybox"];
    must(&tool, &[&words[..], &["--continuous", "--mem", "64Mi", "--cpu", "0.1"]].concat(), 0)
        .await;
    let bot = tool.show("bot").await;
    assert_eq!((bot.job_type, bot.memory.as_deref()), (JobType::Continuous.into(), Some("64Mi")));
}

async fn run_wait_passes_the_exit_code_on(world: Arc<World>) {
    let tool = world.tool("wait").await;
    for (number, (cmd, code)) in
        [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)].into_iter().enumerate()
    {
        let name = format!("job-{number}");
        let words = ["run", &name, "--command", cmd, "--image", "tf-busybox", "--wait"];
        let output = must(&tool, &words, code).await;
        assert!(output.stdout.starts_with(&name), "{output:?}");
    }
    let words = ["run", "sleep 3600", "--type", "tf-busybox", "--name", "long", "--wait=2"];
    must(&tool, &words, 124).await;
    assert!(!tool.show("long").await.status.phase.is_final());
}

/// As the site sets it up: the service's address is in a file, and all else is in the home. The
/// kubeconfig there names the cluster's CA by a path that pods do not have.
async fn a_job_starts_waits_for_and_reads_another(world: Arc<World>) {
    let service = world.service_for_pods().await;
    let tool = world.tool("nested").await.through(&service);
    let file = |name: &str| tool.home.join(name);
    fs::copy(world.command_for_pods().await, file("toolforge-jobs")).await.unwrap();
    // Not a copy of the file, which its owner alone may be able to read.
    fs::write(file("service-ca.crt"), &service.ca).await.unwrap();
    fs::create_dir(file(".config")).await.unwrap();
    let settings = format!("server = 'https://{}'\nca = '~/service-ca.crt'\n", service.address);
    fs::write(file(".config/toolforge-jobs.toml"), settings).await.unwrap();
    let kubeconfig = fs::read_to_string(file(".kube/config")).await.unwrap();
    let ca = world.cluster.site.ca.to_str().unwrap();
    assert!(kubeconfig.contains(ca), "{kubeconfig}");
    fs::write(file(".kube/config"), kubeconfig.replace(ca, "/nowhere/ca.crt")).await.unwrap();

    let inner = "run inner --command 'echo inside; exit 7' --image tf-busybox";
    let jobs = "~/toolforge-jobs";
    let cmd = format!(
        "{jobs} {inner} --wait; echo code $?; {jobs} wait inner; echo code $?; {jobs} logs inner; exit 9"
    );
    tool.run(one_off("outer", &cmd)).await;
    let outer = tool.ended("outer").await;
    let told = (tool.read("outer.out").await, tool.read("outer.err").await);
    assert_eq!(outer.status.exit_code, Some(9), "{told:?}");
    let expected = "inner\nFailed\ncode 7\ninner Failed\ncode 7\nout: inside\n";
    assert_eq!(told.0, expected, "{told:?}");
    assert_eq!(tool.read("inner.out").await, "inside\n");
}

async fn a_day_with_the_command(world: Arc<World>) {
    let tool = world.tool("day").await;
    let output = must(&tool, &["list"], 0).await;
    assert_eq!(output.stdout, "", "{output:?}");
    for name in ["first", "second", "third"] {
        let words = ["run", name, "--command", "exec sleep 3600", "--image", "tf-busybox"];
        assert_eq!(must(&tool, &words, 0).await.stdout.trim(), name);
    }
    tool.until("first", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;

    let output = must(&tool, &["show", "first"], 0).await;
    for word in ["first", "tf-busybox", "exec sleep 3600", "one-off", "Running"] {
        assert!(output.stdout.contains(word), "{word} in {}", output.stdout);
    }
    let output = must(&tool, &["--json", "show", "first"], 0).await;
    let shown: JobView = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(shown.uid, tool.show("first").await.uid);

    let output = must(&tool, &["list"], 0).await;
    let lines: Vec<_> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", output.stdout);
    assert!(lines[1].starts_with("first") && lines[1].contains("one-off"), "{}", output.stdout);
    let output = must(&tool, &["list", "--json"], 0).await;
    let listed: Vec<JobView> = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        listed.iter().map(|job| &job.name).collect::<Vec<_>>(),
        ["first", "second", "third"]
    );

    // What is there goes, and the code tells of what was not.
    let output = must(&tool, &["delete", "first", "nope"], 1).await;
    assert_eq!(output.stdout, "first\n");
    assert!(output.stderr.contains("nope"), "{output:?}");
    let output = must(&tool, &["flush", "--yes"], 0).await;
    assert_eq!(output.stdout, "second\nthird\n");
    assert_eq!(tool.list().await, []);
}

async fn what_a_hint_says_helps(world: Arc<World>) {
    let tool = world.tool("hints").await;
    // As a restart script of the deployed service's users has it.
    let words = ["run", "--mem", "64Mi", "--mount=all", "--image", "tf-busybox", "--command"];
    let bot = ["exec sleep 3600", "--filelog", "-o", "bot.log", "-e", "bot.log", "bot"];
    let bot = [&words[..], &bot].concat();
    must(&tool, &bot, 0).await;
    let output = must(&tool, &bot, 1).await;
    assert!(output.stderr.contains("or `toolforge-jobs delete bot` first\n"), "{output:?}");
    must(&tool, &["delete", "bot"], 0).await;
    must(&tool, &bot, 0).await;

    let words = ["run", "echo oops >&2; exit 3", "--type", "tf-busybox", "--name", "bad", "--wait"];
    let output = must(&tool, &words, 3).await;
    assert_eq!(output.stderr.matches("ailed").count(), 1, "{output:?}");
    let home = tool.home.display();
    let hint = format!("hint: what it wrote is in `{home}/bad.out` and `{home}/bad.err`\n");
    assert!(output.stderr.contains(&hint), "{output:?}");
    assert_eq!(
        (tool.read("bad.out").await, tool.read("bad.err").await),
        (String::new(), "oops\n".to_owned())
    );

    // What never began is not said to have written something.
    let words = ["run", "true", "--type", "tf-gone", "--timeout", "2", "--name", "never", "--wait"];
    let output = must(&tool, &words, 1).await;
    assert!(!output.stderr.contains("what it wrote is in"), "{output:?}");
}

async fn containers_are_listed(world: Arc<World>) {
    let tool = world.tool("images").await;
    for verb in ["containers", "images"] {
        let output = must(&tool, &[verb], 0).await;
        let gone = output.stdout.lines().find(|line| line.contains("tf-gone")).unwrap();
        assert!(gone.contains("deprecated"), "{}", output.stdout);
        assert!(output.stdout.contains("tf-busybox"), "{}", output.stdout);
    }
    let output = must(&tool, &["containers", "--json"], 0).await;
    let containers: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(containers[0]["shortname"], "tf-busybox");
}

async fn refusals_words_and_failures_have_codes_of_their_own(world: Arc<World>) {
    let tool = world.tool("codes").await;
    let refused = [
        &["show", "nope"][..],
        &["delete", "nope"],
        &["run", "true", "--type", "tf-busybocks"],
        &["run", "true", "--type", "tf-busybox", "--schedule", "61 * * * *"],
        &["run", "true", "--type", "tf-busybox", "--mem", "64Gi"],
    ];
    for words in refused {
        let output = must(&tool, words, 1).await;
        assert!(output.stderr.starts_with("error: "), "{output:?}");
        assert_eq!(output.stdout, "", "{words:?}");
    }
    let usage = [
        &["runn"][..],
        &["run", "true"],
        &["run", "a", "--command", "b", "--name", "c", "--image", "tf-busybox"],
        &["show"],
        &["list", "--nope"],
        &["--cert", "/nowhere", "--key", "/nowhere", "list"],
    ];
    for words in usage {
        must(&tool, words, 2).await;
    }
    // Nobody listens at an address that was free a moment ago; and a CA that did not sign the
    // service's certificate.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    must(&tool, &["--server", &format!("https://{free}"), "list"], 3).await;
    let cluster_ca = world.cluster.site.ca.to_str().unwrap();
    must(&tool, &["--ca", cluster_ca, "list"], 3).await;
    // A person at no terminal is not asked, and nothing is deleted.
    let output = tool.command(&["flush"]).await;
    assert_eq!(output.stdout, "", "{output:?}");
}
