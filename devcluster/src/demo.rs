//! `demo`: one job of each kind, from the command to the log file.

use std::{io::IsTerminal, time::Duration};

use tokio::{
    fs,
    time::{Instant, interval, timeout},
};

use crate::platform::{Platform, PlatformError, TOOLS, say};

/// A whole minute, and what a pod takes.
const TICK_TIME_MAX: Duration = Duration::from_secs(75);

/// What lines may take that wait for no minute.
const STEP_TIME_MAX: Duration = Duration::from_secs(30);

/// What a person would type, one after the other, and why.
const BEFORE_THE_TICK: [(&str, &str, &str); 5] = [
    (
        TOOLS[0],
        "A scheduled job. It will run at the next full minute.",
        "toolforge-jobs run 'echo tick at $(date +%T)' --type tf-busybox --name tick --schedule '* * * * *'",
    ),
    (
        TOOLS[0],
        "A one-off, waited for. Its output is a file in the tool's home.",
        "toolforge-jobs run 'echo hello from $HOSTNAME' --type tf-busybox --name hello --wait
cat hello.out",
    ),
    (
        TOOLS[0],
        "One that fails. Its exit code is the command's own.",
        "toolforge-jobs run 'echo no such wiki >&2; exit 3' --type tf-busybox --name broken --wait
echo \"its exit code was $?\"
cat broken.err
toolforge-jobs show broken",
    ),
    (
        TOOLS[0],
        "A continuous job: a bot that is kept running.",
        "toolforge-jobs run 'echo editing; exec sleep 600' --type tf-busybox --name bot --continuous
until toolforge-jobs list | grep -q 'Running'; do sleep 0.2; done
toolforge-jobs list",
    ),
    (
        TOOLS[1],
        "Another tool sees none of this.",
        "toolforge-jobs list
toolforge-jobs show bot",
    ),
];

const AFTER_THE_TICK: [(&str, &str, &str); 2] = [
    (
        TOOLS[0],
        "The minute is over, and the scheduled job has run.",
        "cat tick.out
toolforge-jobs list",
    ),
    (TOOLS[0], "And everything ends.", "toolforge-jobs flush --yes"),
];

/// Shows the platform at work, and takes it away again.
///
/// # Errors
/// When it does not work.
pub async fn run() -> Result<(), PlatformError> {
    say("Building the service and the command ...")?;
    let platform = Platform::start().await?;
    let began = Instant::now();
    let milliseconds = platform.start_time.as_millis();
    say(&format!(
        "A Kubernetes in this process: {}, started in {milliseconds} ms",
        platform.cluster.site().server
    ))?;
    say(&format!("toolforge-jobs-api: https://{}", platform.service.address))?;
    say(&format!("Tools, each with a certificate, a namespace and a home: {}", TOOLS.join(", ")))?;
    for step in &BEFORE_THE_TICK {
        play(&platform, step).await?;
    }
    until_it_ticked(&platform).await?;
    for step in &AFTER_THE_TICK {
        play(&platform, step).await?;
    }
    platform.stop().await;
    let seconds = began.elapsed().as_secs();
    say(&format!(
        "\nDone in {seconds} s, and nothing is left. `cargo dev` keeps the same platform up for you."
    ))?;
    Ok(())
}

/// Shows lines as in a terminal: each, and then what it prints, for programs and for people.
async fn play(
    platform: &Platform,
    (tool, why, lines): &(&str, &str, &str),
) -> Result<(), PlatformError> {
    say(&format!("\n{why}"))?;
    let shown = |line: &str| format!("{tool}$ {line}").replace('\'', r"'\''");
    // All in one shell, so that one line can ask for the exit code of another.
    let typed = |line: &str| format!("code=$?\necho '{}'\n(exit $code)\n{line}\n", shown(line));
    let script: String = lines.lines().map(typed).collect();
    let output = platform.shell(tool, &format!("exec 2>&1\n{script}")).output();
    let output = timeout(STEP_TIME_MAX, output).await;
    let output = output.map_err(|_| std::io::Error::other("these lines do not end"))??;
    say(String::from_utf8_lossy(&output.stdout).trim_end())?;
    Ok(())
}

async fn until_it_ticked(platform: &Platform) -> Result<(), PlatformError> {
    let file = platform.home_of(TOOLS[0]).join("tick.out");
    let is_terminal = std::io::stdout().is_terminal();
    let end = Instant::now() + TICK_TIME_MAX;
    let mut looks = interval(Duration::from_millis(200));
    let mut told = None;
    while fs::read(&file).await.unwrap_or_default().is_empty() {
        if Instant::now() >= end {
            return Err(std::io::Error::other("the scheduled job did not run").into());
        }
        looks.tick().await;
        let left = 60 - jiff::Timestamp::now().as_second().rem_euclid(60);
        // On a terminal it counts down in place; a file gets one line.
        if told != Some(left) && (is_terminal || told.is_none()) {
            tell_left(left, is_terminal)?;
            told = Some(left);
        }
    }
    Ok(())
}

fn tell_left(seconds: i64, is_terminal: bool) -> std::io::Result<()> {
    if is_terminal {
        use std::io::Write;
        let mut stdout = std::io::stdout().lock();
        write!(stdout, "\rThe next full minute is {seconds} s away. ")?;
        return stdout.flush();
    }
    say(&format!("\nThe next full minute is {seconds} s away."))
}
