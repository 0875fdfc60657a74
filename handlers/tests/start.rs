//! How the program starts, or says why it does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::TcpListener,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::{Duration, SystemTime},
};

use rcgen::{CertificateParams, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

const TIME_MAX: Duration = Duration::from_secs(20);
const PROGRAM: &str = env!("CARGO_BIN_EXE_toolforge-jobs-api");
const CATALOGUE: &str = r#"[{"shortname": "a", "image": "r/a:1", "state": "stable"}]"#;

/// Settings that are good, and a folder with the files that they name.
struct Site {
    folder: TempDir,
    settings: BTreeMap<&'static str, OsString>,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_pair(folder.path());
        fs::copy(folder.path().join("tls.crt"), folder.path().join("ca.crt")).unwrap();
        fs::write(folder.path().join("catalogue.json"), CATALOGUE).unwrap();
        let file = |name: &str| folder.path().join(name).into_os_string();
        let settings = [
            ("TJF_LISTEN", "127.0.0.1:0".into()),
            ("TJF_ADMIN_LISTEN", "127.0.0.1:0".into()),
            ("TJF_IDENTITY", "peer-certificate".into()),
            ("TJF_TLS_CERT", file("tls.crt")),
            ("TJF_TLS_KEY", file("tls.key")),
            ("TJF_CLIENT_CA", file("ca.crt")),
            ("TJF_KUBE_SERVER", "https://127.0.0.1:1".into()),
            ("TJF_KUBE_CA", file("ca.crt")),
            ("TJF_HOMES", folder.path().into()),
            ("TJF_CATALOGUE", file("catalogue.json")),
        ];
        Self { settings: settings.into(), folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set(&mut self, key: &'static str, value: impl Into<OsString>) {
        self.settings.insert(key, value.into());
    }

    fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.env_clear().envs(&self.settings).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The code with which it ends, and all that it says.
    async fn refused(&self) -> (Option<i32>, String) {
        let output = timeout(TIME_MAX, self.command().output()).await.expect("it ends");
        let Output { status, stderr, .. } = output.unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    }

    /// Starts it, and waits until it listens.
    async fn start(&self) -> Started {
        let mut child = self.command().spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut started = Started { child, log };
        started.says("listening on https://").await;
        started
    }
}

/// A program that listens.
struct Started {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Started {
    /// Waits for a line of the log.
    async fn says(&mut self, text: &str) {
        let mut said = Vec::new();
        let lines = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                if line.contains(text) {
                    return;
                }
                said.push(line);
            }
            panic!("it ended without {text:?}:\n{}", said.join("\n"));
        };
        timeout(TIME_MAX, lines).await.unwrap_or_else(|_| panic!("it does not say {text:?}"));
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    async fn ended(&mut self) -> Option<i32> {
        timeout(TIME_MAX, self.child.wait()).await.expect("it ends").unwrap().code()
    }
}

/// A new certificate and its key.
fn write_pair(folder: &Path) {
    write_pair_with(folder, &CertificateParams::default());
}

fn write_pair_with(folder: &Path, params: &CertificateParams) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
    fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
}

#[tokio::test]
async fn every_file_that_cannot_be_used_is_told_at_once_with_its_setting() {
    let mut site = Site::new();
    site.set("TJF_JOB_TTL", "1d");
    fs::write(site.file("catalogue.json"), "{").unwrap();
    fs::write(site.file("empty.crt"), "").unwrap();
    site.set("TJF_CLIENT_CA", site.file("empty.crt"));
    let folder = site.folder.path().to_owned();
    site.set("TJF_TLS_KEY", &folder);
    site.set("TJF_TLS_CERT", site.file("tls.key"));
    site.set("TJF_KUBE_CA", site.file("missing\n.crt"));
    let (code, said) = site.refused().await;
    assert_eq!(code, Some(64), "{said}");
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    let folder = folder.display();
    let expected = [
        format!("TJF_CATALOGUE: {folder}/catalogue.json: "),
        format!("TJF_CLIENT_CA: {folder}/empty.crt: holds no certificate"),
        "TJF_JOB_TTL: `1d` is not".to_owned(),
        format!("TJF_KUBE_CA: {folder}/missing\u{fffd}.crt: no such file or directory"),
        format!("TJF_TLS_CERT: {folder}/tls.key: holds no certificate"),
        format!("TJF_TLS_KEY: {folder}: is a directory"),
    ];
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected), "{line}\nis not\n{expected}");
    }
}

#[tokio::test]
async fn a_key_of_another_certificate_is_a_fault_of_the_key() {
    let mut site = Site::new();
    let key = KeyPair::generate().unwrap();
    fs::write(site.file("other.key"), key.serialize_pem()).unwrap();
    site.set("TJF_TLS_KEY", site.file("other.key"));
    let fault = "TJF_TLS_KEY: the key is not that of the certificate in TJF_TLS_CERT\n";
    assert_eq!(site.refused().await, (Some(64), fault.to_owned()));
}

#[tokio::test]
async fn a_setting_that_is_not_text_is_a_fault_whether_or_not_it_has_a_default() {
    let mut site = Site::new();
    let keys = ["TJF_ORGANIZATION", "TJF_CATALOGUE", "RUST_LOG", "TJF_TLS_CERT", "TJF_HOMES"];
    for key in keys {
        site.set(key, OsString::from_vec(vec![b'a', 0xff]));
    }
    let (code, said) = site.refused().await;
    assert_eq!((code, said.lines().count()), (Some(64), keys.len()), "{said}");
    for key in keys {
        assert!(said.contains(&format!("{key}: is not UTF-8\n")), "{key}:\n{said}");
    }
}

/// The soft limit is raised; the hard one is what counts.
#[tokio::test]
async fn few_open_files_make_less_of_everything_and_too_few_are_a_fault() {
    let limited = |limit: &str| {
        let site = Site::new();
        let shell = format!("ulimit {limit} && exec {PROGRAM}");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &shell]).env_clear().envs(&site.settings).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        (site, command)
    };
    let (mut site, _) = limited("-n 200");
    site.set("TJF_JOB_TTL", "1d");
    let mut command = limited("-n 200").1;
    let output = timeout(TIME_MAX, command.envs(&site.settings).output()).await.expect("it ends");
    let Output { status, stderr, .. } = output.unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), said.lines().count()), (Some(64), 2), "{said}");
    assert!(said.contains("RLIMIT_NOFILE: 200 open files are too few"), "{said}");
    for (limit, sentence) in [
        ("-n 512", "512 files may be open, fewer than the"),
        ("-Sn 200 && ulimit -Hn 2000", "2000 files may be open, fewer than the"),
    ] {
        let (_site, mut command) = limited(limit);
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut started = Started { child, log };
        started.says(sentence).await;
        started.says("listening on https://").await;
    }
}

/// The settings are right, and would be so a moment later: this has another code.
#[tokio::test]
async fn an_address_that_is_taken_is_told_with_the_systems_reason() {
    let mut site = Site::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    site.set("TJF_LISTEN", &address);
    site.set("TJF_ADMIN_LISTEN", &address);
    let (code, said) = site.refused().await;
    assert_eq!(code, Some(1), "{said}");
    for key in ["TJF_LISTEN", "TJF_ADMIN_LISTEN"] {
        let fault = format!("{key}: can't listen on {address}: address already in use");
        assert!(said.contains(&fault), "{said}");
    }
}

/// Too late is told too, and is not a fault: the next certificate mends it without a restart.
#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_in_the_log() {
    let hour = Duration::from_secs(60 * 60);
    let now = SystemTime::now();
    for (end, sentence) in [
        (now + hour, "certificate ends at 20"),
        (now - hour, "is not valid any more: it ended at 20"),
    ] {
        let site = Site::new();
        let mut params = CertificateParams::default();
        params.not_after = end.into();
        write_pair_with(site.folder.path(), &params);
        site.start().await.says(sentence).await;
    }
}

#[tokio::test]
async fn a_hangup_has_certificate_and_catalogue_read_at_once_and_ends_nothing() {
    let site = Site::new();
    let mut started = site.start().await;
    write_pair(site.folder.path());
    started.signal(Signal::HUP);
    started.says("SIGHUP: reading certificate and catalogue anew").await;
    let (mut seen, expected) = (
        Vec::new(),
        [
            "read the catalogue anew, which has not changed",
            "read the server certificate anew, which has changed",
        ],
    );
    while seen.len() < 2 {
        let line = timeout(TIME_MAX / 4, started.log.next_line()).await.expect("at once");
        seen.push(line.unwrap().unwrap());
    }
    seen.sort_unstable_by_key(|line| line.contains("certificate"));
    for (line, expected) in seen.iter().zip(expected) {
        assert!(line.contains(expected), "{line}");
    }
    fs::write(site.file("catalogue.json"), "half").unwrap();
    started.signal(Signal::HUP);
    started.says("keeping the catalogue as it was").await;
    started.signal(Signal::TERM);
    assert_eq!(started.ended().await, Some(0));
}

#[tokio::test]
async fn homes_that_cannot_be_read_are_told_once_at_start_and_when_that_changes() {
    let mut site = Site::new();
    let homes = site.file("homes");
    site.set("TJF_HOMES", &homes);
    let mut started = site.start().await;
    let line = |end: &str| format!("homes can't be read, so no tool can be served{end}");
    started.says(&line(&format!(" reason=\"{}: no such file", homes.display()))).await;
    fs::create_dir(&homes).unwrap();
    started.signal(Signal::HUP);
    started.says("homes can be read again").await;
    fs::remove_dir(&homes).unwrap();
    started.signal(Signal::HUP);
    started.says(&line("")).await;
}
