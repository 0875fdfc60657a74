//! The supervisor of one pod's processes.
//!
//! The kubelet starts one for each run of a pod's container, and speaks with it as
//! [`protocol`] says. A pod's processes are ordinary processes of this machine, so the supervisor
//! does what a namespace and a control group do in a container: it is the subreaper of everything
//! that the container's command starts, however often that forks or changes its session, and
//! nothing of it outlives the command, the kubelet or the supervisor's own ordered end.
//!
//! Some of a container can't be had this way:
//!
//! - A supervisor that is itself ended by SIGKILL leaves the processes behind. They could be asked
//!   to die with it only between `fork` and `exec`, which takes unsafe code.
//! - A process that leaves the command's process group doesn't hear a signal that the command
//!   passes on to its group. After a stop it is waited for until the time to do so is over.
//! - A process may take more memory than allowed for as long as nobody looks.

mod processes;
pub mod protocol;
mod supervisor;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use rustix::{
    io::Errno,
    process::{Signal, getpid, getppid, set_child_subreaper, set_parent_process_death_signal},
    thread::set_no_new_privs,
};

use self::{
    protocol::{Report, Start},
    supervisor::{Kubelet, Signals, Supervisor},
};

/// Supervises one pod, as the kubelet says on standard input; it fails if nothing was started.
///
/// It is for a process of its own, for it takes as its children whatever lost its parent, and
/// waits for every child. Its end is tied to the *thread* that started it, as Linux does that: it
/// has to be a thread that stays as long as the kubelet.
pub fn run() -> ExitCode {
    match supervise() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tell(&Report::NotStarted { reason });
            ExitCode::FAILURE
        }
    }
}

fn supervise() -> Result<(), String> {
    prepare().map_err(|error| format!("the supervisor can't be set up: {error}"))?;
    // One thread: what `prepare` says is true for the thread that starts the command.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async {
        let mut kubelet = Kubelet::connect().map_err(|error| format!("standard input: {error}"))?;
        // Before the command is started, so that no end of it is missed.
        let signals = Signals::listen().map_err(|error| format!("no signals: {error}"))?;
        let start: Start = kubelet.next().await.ok_or("the kubelet didn't say what to start")?;
        let supervisor = Supervisor::start(&start, kubelet, signals)?;
        tell(&Report::Started);
        tell(&supervisor.run().await);
        Ok(())
    })
}

/// Makes this process the guardian of whatever it will start.
fn prepare() -> io::Result<()> {
    hear_of_parents_end(Signal::TERM)?;
    // Linux wants any number but 0 here.
    set_child_subreaper(Some(getpid()))?;
    match set_no_new_privs(true) {
        // Too old a kernel: then `sudo` works, which harms nobody here.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    processes::check_kernel()
}

/// Asks for this signal when the parent ends.
///
/// # Errors
/// When it can't be had, or the parent has ended already: then no signal would come any more.
pub fn hear_of_parents_end(signal: Signal) -> io::Result<()> {
    let parent = getppid();
    set_parent_process_death_signal(Some(signal))?;
    if getppid() == parent { Ok(()) } else { Err(io::Error::other("the parent is gone")) }
}

fn tell(report: &Report) {
    let written = serde_json::to_vec(report).map_err(io::Error::from).and_then(|mut line| {
        line.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(&line)?;
        stdout.flush()
    });
    // A kubelet that doesn't listen any more is gone, and that is noticed where it gives orders.
    drop(written);
}
