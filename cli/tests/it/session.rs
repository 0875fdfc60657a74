//! One command, one home, one server.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::server::{Ca, Identity, Reply, Server};

/// A server, and a home with what it takes to talk to it.
pub(crate) struct Session {
    pub(crate) server: Server,
    pub(crate) home: TempDir,
}

impl Session {
    /// Starts the server and lays out the home as the site would.
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut session = Self::closed(replies);
        session.server.open();
        session
    }

    /// The same, with a server that refuses connections until it is opened.
    pub(crate) fn closed(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::presenting(|ca| ca.sign("127.0.0.1"), replies)
    }

    /// The same, with a server that has a certificate of the test's choice.
    pub(crate) fn presenting(
        identity: impl FnOnce(&Ca) -> Identity,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let ca = Ca::new("the test's CA");
        let server = Server::start(&ca, identity(&ca), replies);
        let session = Self { server, home: TempDir::new().unwrap() };
        let (certificate, key) = ca.sign("tf-test");
        session.write("ca.crt", &ca.certificate.pem());
        session.write("client.crt", &certificate.pem());
        session.write("client.key", &key.serialize_pem());
        session
    }

    /// Writes a file below the home.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The command, which finds everything by variables and nothing of the developer's.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = bare_command(self.home.path(), words);
        command
            .env("TOOLFORGE_JOBS_SERVER", format!("https://{}", self.server.address))
            .env("TOOLFORGE_JOBS_CERT", self.home.path().join("client.crt"))
            .env("TOOLFORGE_JOBS_KEY", self.home.path().join("client.key"))
            .env("TOOLFORGE_JOBS_CA", self.home.path().join("ca.crt"));
        command
    }

    /// Runs the command and tells what a shell sees.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        self.tell(&self.command(words).output().unwrap())
    }

    /// Exit code and both streams; what differs from run to run is named instead.
    pub(crate) fn tell(&self, output: &Output) -> String {
        tell(output)
            .replace(&self.server.address.to_string(), "SERVER")
            .replace(&*self.home.path().to_string_lossy(), "HOME")
    }
}

/// The command in an empty environment.
pub(crate) fn bare_command(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toolforge-jobs"));
    command.args(words).env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

/// Exit code and both streams.
pub(crate) fn tell(output: &Output) -> String {
    let exit = match (output.status.code(), output.status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("signal {signal:?}"),
    };
    let mut text = format!("{exit}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text.push_str(&format!("-- {name}\n{}", String::from_utf8_lossy(bytes)));
        }
    }
    text
}
