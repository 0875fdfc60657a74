//! The command as a whole process, beside `kubectl`, which shows the same objects as well as it can.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tjf_devcluster::suite::{Tool, World};
use tokio::{process::Command, time::Instant};

use crate::{
    figure::{Table, Wanted},
    warm::make_jobs,
};

const ROUNDS: usize = 60;

pub(crate) async fn measure(world: &Arc<World>, table: &mut Table) {
    let service = world.start_service().await;
    let tool = world.tool("whole").await.through(&service);
    make_jobs(&tool).await;
    let command = shipped().await;
    let Some(kubectl) = found("kubectl") else {
        println!("no kubectl is there");
        return;
    };
    let server = format!("https://{}", service.address);
    let ours = || {
        let mut list = Command::new(&command);
        list.args(["list", "--server", &server]).arg("--ca").arg(service.ca_file());
        in_home(list, &tool)
    };
    let other = || {
        let mut get = Command::new(&kubectl);
        get.args(["get", "jobs,cronjobs,rc,pods", "--kubeconfig"]);
        get.arg(tool.home.join(".kube/config"));
        in_home(get, &tool)
    };
    let (mut times, mut resident) = ((Vec::new(), Vec::new()), 0);
    // Both have been read from disk, and kubectl has its cache.
    for round in 0..=ROUNDS {
        let began = Instant::now();
        ended(ours()).await;
        let ours_took = began.elapsed();
        let began = Instant::now();
        ended(other()).await;
        if round > 0 {
            times.0.push(ours_took);
            times.1.push(began.elapsed());
        }
        resident = memory(ours()).await.max(resident);
    }
    let bytes = std::fs::metadata(&command).unwrap().len();
    table.medians(
        &format!("`toolforge-jobs list`, whole process ({bytes} bytes), p50, beside `kubectl get`"),
        times,
        Wanted::AtMost { aim: 0.05, gate: 0.5 },
    );
    table.note(
        "memory of `toolforge-jobs list` (aim 4 MB)",
        &format!("{:.1} MB", resident as f64 * 1024.0 / 1e6),
        &format!("{ROUNDS}"),
    );
}

/// The command as it is shipped.
async fn shipped() -> PathBuf {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    ended({
        let mut build = Command::new(root.join("deploy/build"));
        build.arg("command");
        build
    })
    .await;
    root.join("target/static/toolforge-jobs")
}

fn in_home(mut command: Command, tool: &Tool) -> Command {
    command.env_clear().env("HOME", &tool.home).current_dir(&tool.home);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command
}

async fn ended(mut command: Command) {
    assert!(command.status().await.unwrap().success(), "{command:?}");
}

/// The most memory that it is seen to have, in KiB: looked at as often as can be, until it ends.
async fn memory(mut command: Command) -> u64 {
    let mut child = command.spawn().unwrap();
    let file = format!("/proc/{}/status", child.id().unwrap());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&file).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        most = kib.unwrap_or(0).max(most);
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    most
}

fn found(program: &str) -> Option<PathBuf> {
    let folders: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(Path::new(program)))
        .find(|file| file.is_file())
}
