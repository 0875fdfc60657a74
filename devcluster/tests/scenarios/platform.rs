//! The README's first command, and the platform that stays up.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tjf_devcluster::suite::{Needs, World, eventually, run_program, within};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::scenarios;

scenarios![
    the_demo_shows_a_job_of_each_kind_and_leaves_nothing: Needs::NoOther,
    the_platform_stays_up_until_ctrl_c: Needs::NoOther,
    the_platform_takes_everything_with_it_when_it_is_killed: Needs::NoOther,
];

const PROGRAM: &str = env!("CARGO_BIN_EXE_tjf-devcluster");
const README: &str = include_str!("../../../README.md");
const ALIASES: &str = include_str!("../../../.cargo/config.toml");
const UP_TIME_MAX: Duration = Duration::from_secs(120);
const GONE_TIME_MAX: Duration = Duration::from_secs(30);

/// What an alias of cargo makes of the README's command, from the words on that are the program's.
fn words_of(alias: &str) -> Vec<&'static str> {
    let line = ALIASES.lines().find_map(|line| line.strip_prefix(&format!("{alias} = [")));
    let words = line.expect("the alias is there").trim_end_matches(']');
    let words: Vec<_> = words.split(", ").map(|word| word.trim_matches('"')).collect();
    let (before, after) = words.split_at(words.iter().position(|word| *word == "--").unwrap());
    assert_eq!(before, ["run", "--locked", "-p", "tjf-devcluster"], "it runs this very program");
    after[1..].to_vec()
}

/// Our own variables, since cargo and rustup may have theirs among them; and a folder of its own for
/// what is temporary, so that what is left can be seen.
fn variables(folder: &Path) -> Vec<(String, OsString)> {
    let own =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let own = own.filter(|(name, _)| name != "TMPDIR");
    own.chain([("TMPDIR".to_owned(), folder.into())]).collect()
}

fn temporary_folder() -> tempfile::TempDir {
    // Tools have to pass through it to their homes.
    let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    tempfile::Builder::new().permissions(passable).tempdir().unwrap()
}

async fn left_in(folder: &Path) -> Vec<PathBuf> {
    let mut entries = tokio::fs::read_dir(folder).await.unwrap();
    let mut left = Vec::new();
    while let Some(entry) = entries.next_entry().await.unwrap() {
        left.push(entry.path());
    }
    left
}

async fn the_demo_shows_a_job_of_each_kind_and_leaves_nothing(_world: Arc<World>) {
    let first = README.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(first.starts_with("cargo demo\ncargo test\n"), "the README's first block: {first}");
    let folder = temporary_folder();
    let variables = variables(folder.path());
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_os_str())).collect();
    let output = run_program(Path::new(PROGRAM), &words_of("demo"), &variables).await;
    let told = format!("{}\n{}", output.stdout, output.stderr);
    assert_eq!(output.code, 0, "{told}");
    for words in [
        "\nhello from hello-",
        "its exit code was 3\n",
        "\nno such wiki\n",
        "\nbot     continuous  -          Running for ",
        "error: there is no job `bot`",
        "\ntick at ",
        "nothing is left",
    ] {
        assert!(output.stdout.contains(words), "{words:?} is not in:\n{told}");
    }
    assert_eq!(left_in(folder.path()).await, [""; 0].map(PathBuf::from), "{told}");
}

/// The platform, and what it printed by the first word of each line.
async fn up(folder: &Path) -> (Child, Vec<String>) {
    let mut command = Command::new(PROGRAM);
    command.args(words_of("dev")).env_clear().envs(variables(folder));
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told: Vec<String> = Vec::new();
    let read = async {
        while told.last().is_none_or(|line| !line.contains("Ctrl-C")) {
            told.push(lines.next_line().await.unwrap().expect("it stays up"));
        }
    };
    within("the platform is up", UP_TIME_MAX, read).await;
    (child, told)
}

/// What stands in a row of what it printed.
fn row<'a>(told: &'a [String], name: &str) -> &'a str {
    let find = |line: &'a String| line.strip_prefix("devcluster: ")?.strip_prefix(name);
    told.iter().find_map(find).expect("the row is there").trim()
}

async fn the_platform_stays_up_until_ctrl_c(_world: Arc<World>) {
    let folder = temporary_folder();
    let (mut child, told) = up(folder.path()).await;
    // The line can be pasted as it is.
    let pasted = run_program(Path::new("/bin/sh"), &["-c", row(&told, "try")], &[]).await;
    assert_eq!(pasted.code, 0, "{told:?} {pasted:?}");
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let status = within("its end", GONE_TIME_MAX, child.wait()).await.unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(left_in(folder.path()).await, [""; 0].map(PathBuf::from));
}

/// SIGKILL leaves it no time for anything: pods and service have to notice by themselves. Only
/// files stay.
async fn the_platform_takes_everything_with_it_when_it_is_killed(_world: Arc<World>) {
    let folder = temporary_folder();
    let (mut child, told) = up(folder.path()).await;
    let try_it = row(&told, "try");
    let (before, _) = try_it.split_once(" run ").unwrap();
    let bot = "(setsid sleep 600 & echo $! >pid; wait)";
    let line = format!("{before} run '{bot}' --type tf-busybox --name bot --continuous");
    let pasted = run_program(Path::new("/bin/sh"), &["-c", &line], &[]).await;
    assert_eq!(pasted.code, 0, "{pasted:?}");
    let home = before.strip_prefix("HOME=").unwrap().split(' ').next().unwrap();
    let pid: u32 = eventually("the bot begins", UP_TIME_MAX, async || {
        let text = tokio::fs::read_to_string(Path::new(home).join("pid")).await;
        let text = text.unwrap_or_default();
        text.trim().parse().map_err(|_| text)
    })
    .await;
    let process = Path::new("/proc").join(pid.to_string());
    assert!(process.exists());
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    let service = row(&told, "jobs api").strip_prefix("https://").unwrap().to_owned();
    eventually("nothing is left of it", GONE_TIME_MAX, async || {
        let is_served = tokio::net::TcpStream::connect(&service).await.is_ok();
        if process.exists() || is_served { Err((process.exists(), is_served)) } else { Ok(()) }
    })
    .await;
}
