//! Whether a container works: its startup probe, and then its liveness probe.

use std::{
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_openapi::{
    api::core::v1::{Container, Probe},
    apimachinery::pkg::util::intstr::IntOrString,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{Instant, Interval, MissedTickBehavior, interval_at, timeout},
};

use super::{
    container::{ConfigError, expand},
    process::Process,
};
use crate::pod::protocol::{Report, Start};

/// A line of an answer is no longer than this.
const STATUS_LINE_BYTES_MAX: u64 = 1024;
/// What a script says is nobody's business here.
const NOWHERE: &str = "/dev/null";

/// What is asked.
#[derive(Debug, Clone)]
enum Question {
    Exec(Box<Start>),
    Http { port: u16, path: String },
    Tcp { port: u16 },
}

#[derive(Debug, Clone)]
struct Check {
    /// `Startup` or `Liveness`.
    name: &'static str,
    question: Question,
    delay: Duration,
    period: Duration,
    timeout: Duration,
    failures_max: i32,
}

/// The probes of a container that was started, while it runs.
pub(super) struct Probing {
    /// The one that is asked now, and those after it.
    checks: Vec<Check>,
    /// What runs an exec probe.
    program: PathBuf,
    ticks: Option<Interval>,
    failures: i32,
}

/// What a probe found out.
pub(super) enum Finding {
    /// The container has started: from now on it works, until it is said that it does not.
    Started,
    /// It does not work.
    Unhealthy {
        /// In Kubernetes' words.
        message: String,
        /// Whether that was once too often: then it is started anew.
        is_too_much: bool,
    },
}

impl Probing {
    /// The probes of this container, which runs as this.
    ///
    /// # Errors
    /// When it has one that this cluster does not know.
    pub(super) fn new(
        container: &Container,
        start: &Start,
        program: PathBuf,
    ) -> Result<Self, ConfigError> {
        if container.readiness_probe.is_some() {
            return Err(unknown("readinessProbe"));
        }
        let probes =
            [("Startup", &container.startup_probe), ("Liveness", &container.liveness_probe)];
        let checks = probes.into_iter().filter_map(|(name, probe)| Some((name, probe.as_ref()?)));
        let checks = checks.map(|(name, probe)| Check::new(name, probe, start));
        Ok(Self { checks: checks.collect::<Result<_, _>>()?, program, ticks: None, failures: 0 })
    }

    /// Whether it has to be found out yet that the container has started.
    pub(super) fn is_starting(&self) -> bool {
        self.checks.first().is_some_and(|check| check.name == "Startup")
    }

    /// Asks no more: the container is to end.
    pub(super) fn end(&mut self) {
        self.checks.clear();
    }

    /// What is found out next; nothing, ever, when there is nothing to ask. A probe that is given up
    /// in the middle is made again.
    pub(super) async fn next(&mut self) -> Finding {
        loop {
            let Some(check) = self.checks.first().cloned() else {
                return std::future::pending().await;
            };
            self.ticks.get_or_insert_with(|| check.ticks()).tick().await;
            let Err(why) = check.ask(&self.program).await else {
                self.failures = 0;
                if self.is_starting() {
                    self.checks.remove(0);
                    self.ticks = None;
                    return Finding::Started;
                }
                continue;
            };
            self.failures += 1;
            let is_too_much = self.failures >= check.failures_max;
            let message = format!("{} probe failed: {why}", check.name);
            return Finding::Unhealthy { message, is_too_much };
        }
    }
}

impl Check {
    fn new(name: &'static str, probe: &Probe, start: &Start) -> Result<Self, ConfigError> {
        let seconds = |number: Option<i32>, default| {
            Duration::from_secs(number.and_then(|it| u64::try_from(it).ok()).unwrap_or(default))
        };
        let question = if let Some(exec) = &probe.exec {
            let words = exec.command.iter().flatten();
            let argv = words.map(|word| expand(word, &start.env)).collect();
            Question::Exec(Box::new(Start {
                argv,
                memory_bytes_max: None,
                log: NOWHERE.into(),
                ..start.clone()
            }))
        } else if let Some(get) = &probe.http_get {
            if get.host.is_some() || get.scheme.as_deref().is_some_and(|it| it != "HTTP") {
                return Err(unknown("httpGet with a host or by HTTPS"));
            }
            let path = get.path.clone().unwrap_or_else(|| "/".to_owned());
            Question::Http { port: number(&get.port)?, path }
        } else if let Some(socket) = &probe.tcp_socket {
            Question::Tcp { port: number(&socket.port)? }
        } else {
            return Err(unknown("grpc"));
        };
        Ok(Self {
            name,
            question,
            delay: seconds(probe.initial_delay_seconds, 0),
            period: seconds(probe.period_seconds, 10),
            timeout: seconds(probe.timeout_seconds, 1),
            failures_max: probe.failure_threshold.unwrap_or(3),
        })
    }

    fn ticks(&self) -> Interval {
        let mut ticks = interval_at(Instant::now() + self.delay, self.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    async fn ask(&self, program: &Path) -> Result<(), String> {
        match &self.question {
            Question::Exec(start) => match timeout(self.timeout, exit_code(program, start)).await {
                Ok(Ok(0)) => Ok(()),
                Ok(Ok(_)) => Err(String::new()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("command timed out after {:?}", self.timeout)),
            },
            Question::Http { port, path } => {
                let got = timeout(self.timeout, status_of(*port, path)).await;
                match got.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                    Ok(200..400) => Ok(()),
                    Ok(code) => Err(format!("HTTP probe failed with statuscode: {code}")),
                    Err(error) => {
                        let why = in_words(&error, *port);
                        Err(format!("Get \"http://127.0.0.1:{port}{path}\": {why}"))
                    }
                }
            }
            Question::Tcp { port } => {
                let connected = timeout(self.timeout, connect(*port)).await;
                match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(in_words(&error, *port)),
                }
            }
        }
    }
}

/// In the words of Go's library.
fn in_words(error: &io::Error, port: u16) -> String {
    let is = |kind| error.kind() == kind;
    if is(io::ErrorKind::TimedOut) {
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned()
    } else if is(io::ErrorKind::ConnectionRefused) {
        format!("dial tcp 127.0.0.1:{port}: connect: connection refused")
    } else if is(io::ErrorKind::UnexpectedEof) {
        "EOF".to_owned()
    } else {
        error.to_string()
    }
}

/// Runs it under a supervisor of its own, so that nothing of it is left when it is given up.
async fn exit_code(program: &Path, start: &Start) -> io::Result<i32> {
    let mut process = Process::start(program, start).await?;
    let code = loop {
        match process.report().await {
            Some(Report::Started) => {}
            Some(Report::Ended { exit_code, .. }) => break exit_code,
            Some(Report::NotStarted { reason }) => return Err(io::Error::other(reason)),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    };
    process.gone().await;
    Ok(code)
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await
}

async fn status_of(port: u16, path: &str) -> io::Result<u16> {
    let mut stream = connect(port).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: kube-probe/devcluster\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(STATUS_LINE_BYTES_MAX)).read_line(&mut line).await?;
    let code =
        line.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)?.trim().parse().ok());
    code.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn number(port: &IntOrString) -> Result<u16, ConfigError> {
    match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(_) => None,
    }
    .ok_or_else(|| unknown("a probe of a port that has a name"))
}

fn unknown(what: &str) -> ConfigError {
    ConfigError(format!("a development cluster knows no {what}"))
}
