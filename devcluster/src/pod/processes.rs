//! All processes below this one.
//!
//! Only our own children are ever signalled. Nobody else can reap them, so their numbers can't
//! have passed on to others meanwhile; and when they are dead, we are the parent of whoever was
//! below them. Children are read from `/proc/PID/task/TID/children`, because to look for them among
//! all processes of the machine would cost each supervisor more with every other pod.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, wait},
};

use super::protocol::Start;

/// Between two looks at who is still there after SIGKILL.
const KILL_LOOK_TIME: Duration = Duration::from_millis(1);

/// The command and everything that came of it; killed when this is dropped.
pub(super) struct Processes {
    main: Pid,
    exit_code: Option<i32>,
}

impl Processes {
    /// Starts the command. From now on every child of this process is taken to belong to it.
    pub(super) fn start(start: &Start) -> Result<Self, String> {
        let log = OpenOptions::new().create(true).append(true).open(&start.log);
        let log = log.and_then(|log| Ok((log.try_clone()?, log)));
        let (stdout, stderr) = log.map_err(|error| format!("{}: {error}", start.log.display()))?;
        let (program, arguments) = start.argv.split_first().ok_or("there is no command")?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&start.env).current_dir(&start.working_dir);
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0);
        if let Some(user) = start.user {
            command.uid(user.uid).gid(user.gid);
        }
        let failed = |error| format!("{program} in {}: {error}", start.working_dir.display());
        let child = command.spawn().map_err(failed)?;
        Ok(Self { main: Pid::from_child(&child), exit_code: None })
    }

    /// The main process's exit code, once it has been reaped.
    pub(super) fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    /// Asks the main process to end, as a container runtime asks process 1.
    pub(super) fn terminate_main(&self) {
        if self.exit_code.is_none() {
            // It is at worst a zombie, and doesn't mind.
            let _ = kill_process(self.main, Signal::TERM);
        }
    }

    /// Reaps whoever has ended; says whether anybody is left.
    pub(super) fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => self.note(ended),
                Ok(None) => return true,
                Err(Errno::INTR) => {}
                Err(_no_child) => return false,
            }
        }
    }

    /// Kills everybody and waits until nobody is left. An end is what brings new children, so
    /// each is followed by another look. Nor is it waited for without another look: the list of
    /// children may leave one out, which would never end then.
    pub(super) fn kill_all(&mut self) {
        loop {
            for child in children(getpid()) {
                let _ = kill_process(child, Signal::KILL);
            }
            match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => self.note(ended),
                #[expect(clippy::disallowed_methods, reason = "it is what there is to wait for")]
                Ok(None) => std::thread::sleep(KILL_LOOK_TIME),
                Err(Errno::INTR) => {}
                Err(_no_child) => return,
            }
        }
    }

    /// Whether all together have more than this in memory.
    pub(super) fn take_more_than(&self, bytes_max: u64) -> bool {
        let all = descendants(getpid());
        let resident = |pid: Pid| kibibytes(pid, "status", "VmRSS:");
        // Of pages that several share each counts its part only. To know that takes Linux longer,
        // but without it a large process that forks would seem to be two.
        let share = |pid: Pid| kibibytes(pid, "smaps_rollup", "Pss:").or_else(|| resident(pid));
        let is_more = |kibibytes: u64| kibibytes.saturating_mul(1024) > bytes_max;
        is_more(all.iter().filter_map(|&pid| resident(pid)).sum())
            && is_more(all.iter().filter_map(|&pid| share(pid)).sum())
    }

    fn note(&mut self, (pid, status): (Pid, WaitStatus)) {
        // The number may come back, as that of a child's child.
        if pid == self.main && self.exit_code.is_none() {
            let signal = status.terminating_signal().map(|signal| 128 + signal);
            self.exit_code = status.exit_status().or(signal);
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Fails on a kernel that doesn't list children.
pub(super) fn check_kernel() -> io::Result<()> {
    let file = "/proc/thread-self/children";
    #[expect(clippy::disallowed_methods, reason = "/proc answers from memory")]
    let read = fs::read(file);
    read.map(drop).map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))
}

fn descendants(ancestor: Pid) -> Vec<Pid> {
    let mut found = children(ancestor);
    let mut seen = 0;
    while let Some(&pid) = found.get(seen) {
        found.extend(children(pid));
        seen += 1;
    }
    found
}

/// None, too, if the process is gone. A child may be left out when another one ends meanwhile.
fn children(parent: Pid) -> Vec<Pid> {
    let tasks = Path::new("/proc").join(parent.to_string()).join("task");
    #[expect(clippy::disallowed_methods, reason = "/proc answers from memory")]
    let tasks = fs::read_dir(tasks).into_iter().flatten().flatten();
    #[expect(clippy::disallowed_methods, reason = "/proc answers from memory")]
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let pids = |list: String| -> Vec<Pid> {
        list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    };
    lists.flat_map(pids).collect()
}

/// A field of a file in `/proc/PID`. A zombie has none.
fn kibibytes(pid: Pid, file: &str, field: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "/proc answers from memory")]
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}
