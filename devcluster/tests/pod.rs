//! The supervisor of a pod.

mod supervised;

use std::{collections::BTreeMap, path::Path, time::Duration};

use rustix::process::{Signal, geteuid};
use tjf_devcluster::pod::protocol::{Order, Report, Start, User};
use tjf_handlers::job::command::{LogFiles, argv};
use tokio::{fs, process::Command, time::Instant};

use self::supervised::{Pod, goes, is_gone, signal_to};

/// More than any of these tests takes.
const LONG_GRACE: Order = Order::Stop { grace_seconds: 600 };
/// Ends by nothing but SIGKILL, and says so.
const DEAF: &str = "trap '' TERM; echo ready; while :; do sleep 0.05; done";

#[tokio::test]
async fn a_pod_ends_with_its_command_s_exit_code() {
    let mut pod = Pod::shell("exit 7").await;
    assert_eq!(pod.exit_code().await, 7);
    assert_eq!(pod.report().await, None);
    assert!(pod.process.wait().await.expect("it ends").success());
}

#[tokio::test]
async fn a_signal_s_exit_code_is_128_and_its_number() {
    assert_eq!(Pod::shell("kill -USR1 $$").await.exit_code().await, 138);
}

#[tokio::test]
async fn output_is_appended_to_the_log() {
    let mut pod = Pod::new(&[]).await;
    fs::write(pod.path("log"), "earlier\n").await.expect("a log");
    let start = pod.start_of(&["/bin/sh", "-c", "echo one; echo two >&2"]);
    pod.start(&start).await;
    assert_eq!(pod.exit_code().await, 0);
    assert_eq!(pod.line("log").await, "earlier\none\ntwo\n");
}

#[tokio::test]
async fn a_command_gets_its_own_variables_and_folder_and_no_input() {
    let mut pod = Pod::new(&[]).await;
    let script = "cat; pwd -P; exec env";
    let mut start = pod.start_of(&["/bin/sh", "-c", script]);
    start.env.insert("GREETING".to_owned(), "hello\nworld".to_owned());
    pod.start(&start).await;
    assert_eq!(pod.exit_code().await, 0);
    let folder = fs::canonicalize(pod.folder.path()).await.expect("there");
    let log = pod.line("log").await;
    // A shell adds its own.
    let mut lines: Vec<_> = log.lines().filter(|line| !line.starts_with("PWD=")).collect();
    lines[1..].sort_unstable();
    let expected =
        [folder.to_str().expect("text"), "GREETING=hello", "PATH=/usr/bin:/bin", "world"];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_command_runs_as_the_user_that_was_asked_for() {
    if !geteuid().is_root() {
        println!("not checked: only root can start a process of another user");
        return;
    }
    let mut pod = Pod::new(&[]).await;
    let mut start = pod.start_of(&["/bin/sh", "-c", "id -u; id -g; id -G"]);
    start.working_dir = "/".into();
    start.user = Some(User { uid: 12345, gid: 23456 });
    pod.start(&start).await;
    assert_eq!(pod.exit_code().await, 0);
    assert_eq!(pod.line("log").await, "12345\n23456\n23456\n");
}

#[tokio::test]
async fn a_command_can_gain_no_privileges() {
    let mut pod = Pod::shell("grep NoNewPrivs /proc/self/status").await;
    assert_eq!(pod.exit_code().await, 0);
    assert_eq!(pod.line("log").await, "NoNewPrivs:\t1\n");
}

#[tokio::test]
async fn what_can_t_be_started_is_reported_with_a_reason() {
    let missing_folder = |start: &mut Start| start.working_dir = "/nowhere".into();
    let missing_program = |start: &mut Start| start.argv = vec!["no-such-program".to_owned()];
    let no_command = |start: &mut Start| start.argv.clear();
    let no_log = |start: &mut Start| start.log = "/nowhere/log".into();
    let cases: [(fn(&mut Start), _); 4] = [
        (missing_folder, "/nowhere"),
        (missing_program, "no-such-program"),
        (no_command, "no command"),
        (no_log, "/nowhere/log"),
    ];
    for (spoil, word) in cases {
        let mut pod = Pod::new(&[]).await;
        let mut start = pod.start_of(&["/bin/true"]);
        spoil(&mut start);
        pod.tell(&start).await;
        let Some(Report::NotStarted { reason }) = pod.report().await else {
            panic!("{start:?} was started");
        };
        assert!(reason.contains(word), "{reason}");
        assert!(!pod.process.wait().await.expect("it ends").success());
    }
}

#[tokio::test]
async fn a_stopped_program_has_last_words() {
    let script = "trap 'echo last words; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut pod = Pod::shell(script).await;
    pod.line("log").await;
    pod.tell(&LONG_GRACE).await;
    assert_eq!(pod.exit_code().await, 3);
    assert_eq!(pod.line("log").await, "ready\nlast words\n");
}

#[tokio::test]
async fn only_the_main_process_hears_of_a_stop() {
    let child = "trap 'echo heard' TERM; echo ready; for i in 1 2 3 4 5 6; do sleep 0.05; done";
    let script = format!("trap 'wait; exit 0' TERM; ({child}) & wait");
    let mut pod = Pod::shell(&script).await;
    pod.line("log").await;
    pod.tell(&LONG_GRACE).await;
    assert_eq!(pod.exit_code().await, 0);
    assert_eq!(pod.line("log").await, "ready\n");
}

#[tokio::test]
async fn a_deaf_program_is_killed_after_its_grace() {
    let mut pod = Pod::shell(DEAF).await;
    pod.line("log").await;
    let asked = Instant::now();
    pod.tell(&Order::Stop { grace_seconds: 1 }).await;
    assert_eq!(pod.exit_code().await, 137);
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_later_stop_can_shorten_the_grace_but_not_prolong_it() {
    let mut pod = Pod::shell(DEAF).await;
    pod.line("log").await;
    pod.tell(&Order::Stop { grace_seconds: u64::MAX }).await;
    pod.tell(&Order::Stop { grace_seconds: 1 }).await;
    pod.tell(&LONG_GRACE).await;
    assert_eq!(pod.exit_code().await, 137);
}

#[tokio::test]
async fn nothing_outlives_the_main_process() {
    let script = r#"
        setsid sh -c 'echo $$ >session; exec sleep 1000' &
        (setsid sh -c 'sleep 1000 & echo $! >daemon' &)
        sh -c 'trap "" TERM INT HUP; echo $$ >child; sleep 1000; :' &
        until [ -s session ] && [ -s daemon ] && [ -s child ]; do sleep 0.05; done
        exit 4"#;
    let mut pod = Pod::shell(script).await;
    assert_eq!(pod.exit_code().await, 4);
    for name in ["session", "daemon", "child"] {
        assert!(is_gone(pod.pid(name).await).await, "{name}");
    }
}

#[tokio::test]
async fn after_a_stop_others_may_outlive_the_main_process_until_the_grace_ends() {
    let script = r#"
        setsid sh -c 'echo $$ >fast; until [ -e go ]; do sleep 0.05; done; echo done >words' &
        echo $$ >main; exec sleep 1000"#;
    let mut pod = Pod::shell(script).await;
    pod.pid("fast").await;
    let main = pod.pid("main").await;
    pod.tell(&LONG_GRACE).await;
    goes(main).await;
    fs::write(pod.path("go"), "").await.expect("a file");
    assert_eq!(pod.exit_code().await, 143);
    assert_eq!(pod.line("words").await, "done\n");
}

#[tokio::test]
async fn after_a_stop_others_are_killed_when_the_grace_ends() {
    let mut pod = Pod::shell("setsid sleep 1000 & echo $! >slow; exec sleep 1000").await;
    let slow = pod.pid("slow").await;
    pod.tell(&Order::Stop { grace_seconds: 1 }).await;
    assert_eq!(pod.exit_code().await, 143);
    assert!(is_gone(slow).await);
}

/// Three generations in two sessions, whose numbers are in `main` and `daemon`.
const FAMILY: &str = r#"
    trap '' TERM INT HUP
    (setsid sh -c 'sleep 1000 & echo $! >daemon; wait' &)
    echo $$ >main
    while :; do sleep 0.05; done"#;

#[tokio::test]
async fn everybody_is_killed_when_the_kubelet_hangs_up() {
    let mut pod = Pod::shell(FAMILY).await;
    let (main, daemon) = (pod.pid("main").await, pod.pid("daemon").await);
    pod.orders = None;
    pod.supervisor_ends().await;
    assert!(is_gone(main).await && is_gone(daemon).await);
}

#[tokio::test]
async fn everybody_is_killed_when_the_kubelet_can_t_be_understood() {
    let mut pod = Pod::shell(FAMILY).await;
    let (main, daemon) = (pod.pid("main").await, pod.pid("daemon").await);
    pod.tell(&"What?").await;
    assert_eq!(pod.exit_code().await, 137);
    assert!(is_gone(main).await && is_gone(daemon).await);
}

#[tokio::test]
async fn everybody_is_killed_when_the_supervisor_is_told_to_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut pod = Pod::shell(FAMILY).await;
        let (main, daemon) = (pod.pid("main").await, pod.pid("daemon").await);
        signal_to(&pod.process, signal);
        assert_eq!(pod.exit_code().await, 137);
        assert!(is_gone(main).await && is_gone(daemon).await);
    }
}

#[tokio::test]
async fn everybody_is_killed_when_the_kubelet_is_killed() {
    // It can't be noticed by its end of the pipe, for this test holds that.
    let mut pod = Pod::new(&["/bin/sh", "-c", r#""$0" "$@"; :"#]).await;
    let start = pod.start_of(&["/bin/sh", "-c", FAMILY]);
    pod.start(&start).await;
    let (main, daemon) = (pod.pid("main").await, pod.pid("daemon").await);
    signal_to(&pod.process, Signal::KILL);
    assert_eq!(pod.exit_code().await, 137);
    assert!(is_gone(main).await && is_gone(daemon).await);
}

/// A job's process 1 as a container gets it, with a file for its output.
fn job(text: &str, output: &Path) -> Vec<String> {
    let output = output.to_str().expect("text");
    let argv = argv(text, &BTreeMap::new(), Some(LogFiles { stdout: output, stderr: output }));
    argv.iter().map(|word| word.replace("$$", "$")).collect()
}

#[tokio::test]
async fn a_program_behind_a_job_s_shell_has_time_for_its_last_words() {
    let mut pod = Pod::new(&[]).await;
    let program = r#"
        trap "sleep 1; echo last words; exit 0" TERM
        echo ready
        while :; do sleep 0.05; done"#;
    let words = job(&format!("/bin/sh -c '{program}'; true"), &pod.path("output"));
    let start = Start { argv: words, ..pod.start_of(&[]) };
    pod.start(&start).await;
    assert_eq!(pod.line("output").await, "ready\n");
    pod.tell(&LONG_GRACE).await;
    assert_eq!(pod.exit_code().await, 143);
    // Between the two a shell may say how its `sleep` ended.
    let output = pod.line("output").await;
    assert!(output.ends_with("\nlast words\n"), "{output}");
}

#[tokio::test]
async fn nobody_outside_is_signalled() {
    let mut bystander = Command::new("sleep");
    let mut bystander = bystander.arg("1000").kill_on_drop(true).spawn().expect("a bystander");
    let mut job_pod = Pod::new(&[]).await;
    let words = job("echo ready; sleep 1000", &job_pod.path("output"));
    let start = Start { argv: words, ..job_pod.start_of(&[]) };
    job_pod.start(&start).await;
    job_pod.line("output").await;
    job_pod.tell(&LONG_GRACE).await;
    assert_eq!(job_pod.exit_code().await, 143);
    let mut family = Pod::shell(FAMILY).await;
    family.pid("daemon").await;
    family.tell(&Order::Stop { grace_seconds: 0 }).await;
    assert_eq!(family.exit_code().await, 137);
    assert_eq!(bystander.try_wait().expect("ours"), None);
}

#[tokio::test]
async fn who_takes_too_much_memory_is_killed() {
    let mut pod = Pod::new(&[]).await;
    let script = "(setsid tail /dev/zero & echo $! >greedy; wait); echo lived on";
    let mut start = pod.start_of(&["/bin/sh", "-c", script]);
    start.memory_bytes_max = Some(24 << 20);
    pod.start(&start).await;
    assert_eq!(pod.report().await, Some(Report::Ended { exit_code: 137, oom_killed: true }));
    assert!(is_gone(pod.pid("greedy").await).await);
    assert_eq!(fs::read_to_string(pod.path("log")).await.expect("a log"), "");
}

#[tokio::test]
async fn memory_that_several_share_counts_once() {
    let mut pod = Pod::new(&[]).await;
    // A subshell is a copy of its shell, but Linux copies no page that nobody writes to.
    let script = r"
        large=$(head -c 16777216 /dev/zero | tr '\0' x)
        for copy in 1 2 3 4 5 6; do (sleep 0.8; :) & done
        wait
        echo done";
    let mut start = pod.start_of(&["/bin/sh", "-c", script]);
    start.memory_bytes_max = Some(96 << 20);
    pod.start(&start).await;
    assert_eq!(pod.exit_code().await, 0);
    assert_eq!(pod.line("log").await, "done\n");
}
