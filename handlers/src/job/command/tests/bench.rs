//! A place to run the wrapper in, and what came of it.

#![expect(
    clippy::disallowed_methods,
    reason = "files of the test's own, and a switch that is only for the tests"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::super::{LogFiles, argv};

/// How long a test waits for what must come; a machine under load may need seconds.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often it looks meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// A program that says when it is ready and, when it is stopped, takes its time for its last words.
const PROGRAM: &str = "PATH=/usr/bin:/bin
trap 'sleep 0.3; echo last words; exit 3' TERM
echo ready
while :; do sleep 0.05; done
";

/// Where programs are in most images.
const IMAGE_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A shell, and whether it is process 1.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) shell: &'static str,
    pub(super) is_process_1: bool,
}

impl Place {
    /// All that this machine has. What is missing is an error where `TJF_REQUIRE_SHELLS` is set.
    pub(super) fn all() -> Vec<Self> {
        let mut places = Vec::new();
        for shell in ["busybox", "dash", "bash"] {
            if path_of(shell).is_none() {
                skip(&format!("{shell} is not installed"));
                continue;
            }
            places.push(Self { shell, is_process_1: false });
            if succeeds(unshare().args(["sh", "-c", "[ $$ -eq 1 ]"])) {
                places.push(Self { shell, is_process_1: true });
            } else {
                skip(&format!("no process 1 for {shell}: unshare is missing or not permitted"));
            }
        }
        places
    }

    pub(super) fn describe(self) -> String {
        format!("{} {} process 1", self.shell, if self.is_process_1 { "as" } else { "not as" })
    }
}

pub(super) fn path_of(program: &str) -> Option<String> {
    let output = Command::new("sh").args(["-c", r#"command -v "$0""#, program]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    output.status.success().then_some(path)
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn unshare() -> Command {
    let mut command = Command::new(path_of("unshare").unwrap_or_default());
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
    command
}

fn skip(why: &str) {
    assert!(std::env::var_os("TJF_REQUIRE_SHELLS").is_none(), "{why}");
    // Not `eprintln!`, which the test runner swallows when the test succeeds.
    writeln!(std::io::stderr(), "skipped: {why}").unwrap();
}

/// Looks again and again until there is a value, and not for ever.
pub(super) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..DEADLINE.as_millis() / LOOK_INTERVAL.as_millis() {
        if let Some(value) = look() {
            return value;
        }
        thread::park_timeout(LOOK_INTERVAL);
    }
    panic!("waited in vain for {what}");
}

/// A directory with everything that a job in a place needs.
pub(super) struct Bench {
    place: Place,
    dir: TempDir,
    /// What the user put into `env`.
    pub(super) env: BTreeMap<String, String>,
    /// The image's own `PATH`.
    pub(super) image_path: &'static str,
    /// Where process 1 looks for its programs first, in the place of [`IMAGE_PATH`].
    pub(super) own_path: String,
}

impl Bench {
    pub(super) fn new(place: Place) -> Self {
        let dir = TempDir::new().unwrap();
        // Called `sh`, busybox and bash behave as they do as `/bin/sh`.
        std::os::unix::fs::symlink(path_of(place.shell).unwrap(), dir.path().join("sh")).unwrap();
        fs::write(dir.path().join("program"), PROGRAM).unwrap();
        let env = BTreeMap::new();
        Self { place, dir, env, image_path: IMAGE_PATH, own_path: IMAGE_PATH.to_owned() }
    }

    pub(super) fn set_env<'a>(&mut self, env: impl IntoIterator<Item = &'a (&'a str, &'a str)>) {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        self.env = env.into_iter().map(owned).collect();
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub(super) fn write_program(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    pub(super) fn run(&self, cmd: &str) -> i32 {
        self.start(cmd).end()
    }

    pub(super) fn start(&self, cmd: &str) -> Running {
        self.start_with(cmd, Some(("out", "err")))
    }

    /// Starts what Kubernetes would, with this place's shell as `/bin/sh`.
    pub(super) fn start_with(&self, cmd: &str, logs: Option<(&str, &str)>) -> Running {
        let paths = logs.map(|(stdout, stderr)| (self.path(stdout), self.path(stderr)));
        let logs = paths.as_ref().map(|(stdout, stderr)| LogFiles { stdout, stderr });
        let argv = self.argv(cmd, logs);
        let launcher = Command::new(path_of("env").unwrap());
        let mut command = if self.place.is_process_1 { unshare() } else { launcher };
        command.args(argv).env_clear().env("PATH", self.image_path);
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command.stdout(File::create(self.path("container.out")).unwrap());
        command.stderr(File::create(self.path("container.err")).unwrap());
        Running::new(command.process_group(0), self.place)
    }

    fn argv(&self, cmd: &str, logs: Option<LogFiles<'_>>) -> Vec<String> {
        let mut argv: Vec<_> =
            argv(cmd, &self.env, logs).iter().map(|text| expanded(text)).collect();
        let shell = self.path("sh");
        argv[0].clone_from(&shell);
        argv[2] = argv[2].replace("/bin/sh", &shell);
        assert!(argv[2].contains(IMAGE_PATH), "{}", argv[2]);
        argv[2] = argv[2].replace(IMAGE_PATH, &self.own_path);
        argv
    }

    /// The user's shell without the wrapper, with the same variables and into the same files.
    pub(super) fn run_alone(&self, cmd: &str) -> i32 {
        let mut command = Command::new(path_of("env").unwrap());
        command.arg("--").args(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        command.args([&self.path("sh"), "-c", "--", cmd]).env_clear().env("PATH", self.image_path);
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command.stdout(File::create(self.path("out")).unwrap());
        command.stderr(File::create(self.path("err")).unwrap());
        Running::new(command.process_group(0), Place { is_process_1: false, ..self.place }).end()
    }

    pub(super) fn assert_container_is_silent(&self, case: &str) {
        let said = (self.read("container.out"), self.read("container.err"));
        assert_eq!(said, (String::new(), String::new()), "{case}");
    }
}

/// A job's process 1 and all that it started, in a process group of its own, which ends with the
/// test.
pub(super) struct Running {
    /// The process that was spawned, and so the process group.
    group: u32,
    place: Place,
    end: Receiver<i32>,
}

impl Running {
    pub(super) fn new(command: &mut Command, place: Place) -> Self {
        let mut child = command.spawn().unwrap();
        let (group, (sender, end)) = (child.id(), mpsc::channel());
        thread::spawn(move || {
            let status = child.wait().unwrap();
            sender.send(status.code().or(status.signal().map(|signal| 128 + signal)).unwrap())
        });
        Self { group, place, end }
    }

    /// Waits for the exit code, as a container has it.
    pub(super) fn end(&self) -> i32 {
        self.end.recv_timeout(DEADLINE).expect("the job ends")
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.try_recv().is_ok()
    }

    /// Signals the shell of the wrapper, as the kubelet does, and nobody else.
    pub(super) fn signal(&self, name: &str) {
        kill(name, &self.process());
    }

    /// Waits until the shell of the wrapper has a handler for SIGTERM. Before that process 1 would
    /// hear nothing.
    pub(super) fn has_handler(&self) {
        const TERM: u64 = 1 << 14;
        wait_for("the handler", || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.process())).ok()?;
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
            let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
            (caught & TERM != 0).then_some(())
        });
    }

    /// The process id of the wrapper's shell.
    fn process(&self) -> String {
        if !self.place.is_process_1 {
            return self.group.to_string();
        }
        let children = format!("/proc/{0}/task/{0}/children", self.group);
        wait_for("process 1", || {
            fs::read_to_string(&children).ok()?.split_whitespace().next().map(str::to_owned)
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill("KILL", &format!("-{}", self.group));
    }
}

fn kill(signal: &str, target: &str) {
    succeeds(Command::new("sh").args(["-c", r#"kill -s "$0" -- "$1""#, signal, target]));
}

/// What Kubernetes makes of an argument for a container without variables (the package `expansion`
/// of apimachinery): `$$` is `$`, and a `$(NAME)` that is not known stays.
pub(super) fn expanded(text: &str) -> String {
    text.replace("$$", "$")
}
