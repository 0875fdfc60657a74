//! `loadtest`: the platform, with a load test that asks it.

use std::{ffi::OsString, path::Path};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use crate::{
    Machine, Programs,
    platform::{Platform, PlatformError, say},
};

/// With these words the load test needs no platform of ours.
const ALONE: [&str; 4] = ["--server", "--help", "-h", "--version"];

/// Starts the platform with so many tools, plays a load test on it, and takes all away.
///
/// # Errors
/// When it can't be started, or the load test fails.
pub async fn run(tools: u16, words: Vec<OsString>) -> Result<(), PlatformError> {
    let says = |known: &str| {
        let is_it = |word: &str| word == known || word.starts_with(&format!("{known}="));
        words.iter().any(|word| word.to_str().is_some_and(is_it))
    };
    let program = Programs::build_load_test(&Machine::read().cargo).await;
    let mut load_test = Command::new(program.map_err(PlatformError::Programs)?);
    if ALONE.into_iter().any(says) {
        return play(load_test.args(words)).await;
    }
    say("building the service ...")?;
    let names = (1..=tools).map(|number| format!("load-{number}")).collect();
    let platform = Platform::start_for(names).await?;
    let site = platform.cluster.site();
    load_test.args(["--server", &format!("https://{}", platform.service.address)]);
    load_test.arg("--ca").arg(platform.service.ca_file());
    load_test.arg("--homes").arg(&site.homes);
    load_test.args(["--kubernetes", &site.server]).arg("--kubernetes-ca").arg(&site.ca);
    load_test.args(["--service-pid", &platform.service.pid().to_string()]);
    load_test.args(["--kubernetes-pid", &std::process::id().to_string()]);
    // Beside the folder of the profile, where cargo keeps what can be made again.
    let built = platform.programs.api.parent().and_then(Path::parent);
    let html = built.map(|folder| folder.join("loadtest.html")).filter(|_| !says("--html"));
    if let Some(html) = &html {
        load_test.arg("--html").arg(html);
    }
    let played = play(load_test.args(words)).await;
    platform.stop().await;
    if let (Ok(()), Some(html)) = (&played, &html) {
        say(&format!("The same with plots: {}", html.display()))?;
    }
    played
}

/// Ctrl-C reaches the load test too, which then tells what it has; so the platform stays until it
/// has ended.
async fn play(load_test: &mut Command) -> Result<(), PlatformError> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut child = load_test.kill_on_drop(true).spawn()?;
    let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {
                if let Some(pid) = pid {
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
        }
    };
    if status.success() { Ok(()) } else { Err(PlatformError::LoadTest(status)) }
}
