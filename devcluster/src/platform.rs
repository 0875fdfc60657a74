//! The whole platform on this machine: a cluster, the service, two tools.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::geteuid;
use thiserror::Error;
use tokio::{process::Command, time::Instant};

use crate::{
    ABSENT_IMAGE, Cluster, Options, Programs, Service, ServiceError, StartError, Subject,
    ToolError, home::Home, machine::Machine,
};

/// The tools that there are, where nobody wants others.
pub const TOOLS: [&str; 2] = ["tf-test", "tf-other"];

/// Why there is no platform.
#[derive(Debug, Error)]
pub enum PlatformError {
    /// The product's programs can't be built.
    #[error("{0}")]
    Programs(String),
    /// There is no cluster.
    #[error(transparent)]
    Cluster(#[from] StartError),
    /// There is no service.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// There are no tools.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A program can't be run, or nobody listens to us.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A load test did not measure everything; it has told why.
    #[error("the load test ended with {0}")]
    LoadTest(std::process::ExitStatus),
}

/// Everything that runs.
pub struct Platform {
    /// The cluster.
    pub cluster: Cluster,
    /// The service.
    pub service: Service,
    /// The product's programs.
    pub programs: Programs,
    /// How long the cluster took to start.
    pub start_time: Duration,
    tools: Vec<String>,
    machine: Machine,
}

impl Platform {
    /// Builds the product's programs and starts everything. The cluster's pods are supervised by
    /// the program that calls this.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn start() -> Result<Self, PlatformError> {
        Self::start_for(TOOLS.map(str::to_owned).into()).await
    }

    /// The same with these tools.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn start_for(tools: Vec<String>) -> Result<Self, PlatformError> {
        let machine = Machine::read();
        let own = std::env::current_exe()?;
        let programs = Programs::build(&machine.cargo, Some(own.clone())).await;
        let programs = programs.map_err(PlatformError::Programs)?;
        let began = Instant::now();
        let cluster = Cluster::start(Options {
            program: Some(own),
            absent_images: vec![ABSENT_IMAGE.to_owned()],
            ..Options::default()
        })
        .await?;
        let start_time = began.elapsed();
        for name in &tools {
            let identity = cluster.authority().issue(Subject::tool(name));
            cluster.make_tool(name, &home_of(&cluster, &tools, name), &identity).await?;
        }
        let service = Service::start(&programs, &cluster.site()).await?;
        Ok(Self { cluster, service, programs, start_time, tools, machine })
    }

    /// The home of a tool.
    pub fn home_of(&self, tool: &str) -> PathBuf {
        home_of(&self.cluster, &self.tools, tool).path
    }

    /// What makes the command find everything, as a person would set it, beside the home.
    pub fn variables(&self) -> [(&'static str, OsString); 3] {
        let folder = self.programs.command.parent().unwrap_or(Path::new("/"));
        let path = [folder.as_os_str(), ":".as_ref(), &self.machine.path];
        [
            ("PATH", path.into_iter().collect()),
            ("TOOLFORGE_JOBS_SERVER", format!("https://{}", self.service.address).into()),
            ("TOOLFORGE_JOBS_CA", self.service.ca_file().into()),
        ]
    }

    /// A shell that runs this text in the home of a tool, as its user.
    pub fn shell(&self, tool: &str, text: &str) -> Command {
        let Home { path: home, uid, gid } = home_of(&self.cluster, &self.tools, tool);
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(text).env_clear().envs(self.variables()).env("HOME", &home);
        shell.current_dir(home).stdin(std::process::Stdio::null()).kill_on_drop(true);
        if geteuid().is_root() {
            shell.uid(uid).gid(gid);
        }
        shell
    }

    /// Ends everything, and waits until nothing is left.
    pub async fn stop(self) {
        self.cluster.stop().await;
    }
}

fn home_of(cluster: &Cluster, tools: &[String], tool: &str) -> Home {
    let number = (0..).zip(tools).find(|(_, name)| *name == tool);
    Home::of(cluster.site().homes.join(tool), number.map_or(0, |(number, _)| number))
}

/// Tells a person, who may have left.
///
/// # Errors
/// When nobody listens.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}
