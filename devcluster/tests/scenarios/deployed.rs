//! The deployed service's own command, unmodified, as people have it in their scripts: a client that
//! knows nothing of this service.
//!
//! It crashes on answers that it does not expect, with exit code 2 and a stack; none of ours may do
//! that. What it prints is written down for each version, without times.

mod files;
mod logs;
mod moving;
mod options;
mod reading;
mod refusals;
mod told;
mod waiting;

use std::{fmt::Write, path::PathBuf, sync::Arc};

use expect_test::expect_file;
use futures_util::future::join_all;
use serde_json::Value;
use tjf_devcluster::suite::{Call, DEPLOYED, Needs, Output, Tool, World};
use tokio::fs;

use super::{POD_TIME_MAX, scenarios, with};

/// What all of these need.
const BOTH: Needs = Needs::Fetched(&DEPLOYED);

/// How many commands of one person run at once.
const AT_ONCE: usize = 4;

/// The tests of all parts.
pub(crate) fn all() -> Vec<tjf_devcluster::suite::Scenario> {
    [
        waiting::all(),
        reading::all(),
        options::all(),
        files::all(),
        logs::all(),
        refusals::all(),
        moving::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A person who has one version of the command, and what they were told.
struct Person {
    world: Arc<World>,
    tool: Tool,
    version: &'static str,
    record: String,
}

/// Plays the same for a person with each of the two versions, side by side.
async fn both<F: Future<Output = ()>>(world: &Arc<World>, purpose: &str, play: fn(Person) -> F) {
    let person = async |version| {
        let tool = world.tool(purpose).await;
        play(Person { world: Arc::clone(world), tool, version, record: String::new() }).await;
    };
    let [today, before] = DEPLOYED;
    tokio::join!(person(today), person(before));
}

impl Person {
    /// Whether it is today's version.
    fn is_today(&self) -> bool {
        self.version == DEPLOYED[0]
    }

    /// Runs the command, which must end with `code`.
    async fn must(&self, words: &[&str], code: i32) -> Output {
        let output = self.tool.deployed(self.version, words).await;
        must_end(&output, words, code);
        output
    }

    /// The same, and writes down what was told.
    async fn tell(&mut self, words: &[&str], code: i32) -> Output {
        let output = self.must(words, code).await;
        self.note(words, &output);
        output
    }

    /// The same of several, some at a time: most of each is the start of its interpreter.
    async fn tell_all(&mut self, lines: &[&[&str]], code: i32) -> Vec<Output> {
        let mut outputs = Vec::new();
        for some in lines.chunks(AT_ONCE) {
            let told = join_all(some.iter().map(|words| self.must(words, code))).await;
            some.iter().zip(&told).for_each(|(words, output)| self.note(words, output));
            outputs.extend(told);
        }
        outputs
    }

    fn note(&mut self, words: &[&str], output: &Output) {
        writeln!(self.record, "$ toolforge-jobs {}", words.join(" ")).unwrap();
        let mut told = told::without_times(output, self);
        if !self.is_today() {
            // It shortens paths where the homes are in `/data/project`, and nowhere else.
            told = told
                .split_inclusive('\n')
                .filter(|line| !line.starts_with("  filelog-std"))
                .collect();
        }
        writeln!(self.record, "{told}exit {}\n", output.code).unwrap();
    }

    /// Creates a job of this command.
    async fn run(&self, name: &str, cmd: &str, options: &[&str]) {
        let words = ["run", name, "--command", cmd, "--image", "tf-busybox"];
        self.must(&[&words[..], options].concat(), 0).await;
    }

    /// Writes a file of the tool's.
    async fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.tool.home.join(name);
        fs::write(&path, text).await.unwrap();
        path
    }

    /// Loads a file of jobs.
    async fn load(&self, file: &str, options: &[&str], code: i32) -> Output {
        let path = self.write("jobs.yaml", file).await;
        self.must(&[&["load", path.to_str().unwrap()], options].concat(), code).await
    }

    /// What our own API says of a job.
    async fn job(&self, name: &str) -> Value {
        self.tool.send(Call::get(&format!("/show/{name}/"))).await.expect(200)
    }

    /// Holds what was written down to the file of this version and topic.
    fn compare(self, topic: &str) {
        let file = format!(
            "tests/golden/deployed/{topic}-{}.txt",
            &self.version["toolforge-jobs-".len()..]
        );
        expect_file![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)].assert_eq(&self.record);
    }
}

/// A crash is ours to answer for, whatever its exit code.
fn must_end(output: &Output, words: &[&str], code: i32) {
    assert_eq!(output.code, code, "{words:?}: {output:#?}");
    for crash in ["Traceback", "internal error", "Failed to format"] {
        assert!(!output.stderr.contains(crash), "{words:?}: {output:#?}");
    }
}
