//! The product's two programs, built as they are now.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `toolforge-jobs-api`.
    pub api: PathBuf,
    /// `toolforge-jobs`.
    pub command: PathBuf,
    /// This crate's own program, through which a service is started so that it ends with us, even
    /// if we are killed.
    pub launcher: Option<PathBuf>,
}

const COMMAND: &str = "toolforge-jobs";
const LOAD_TEST: &str = "tjf-loadtest";

/// What cargo sets for whatever it runs, and build scripts ask for.
const OF_A_PACKAGE: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

impl Programs {
    /// Builds both, in the profile that this program was built in. Cargo lets one build wait for
    /// another, and has nothing to do when it was done before.
    ///
    /// # Errors
    /// When they can't be built; cargo has told why.
    pub async fn build(cargo: &Path, launcher: Option<PathBuf>) -> Result<Self, String> {
        let mut build = build(cargo);
        build.args(["-p", "tjf-handlers", "-p", "tjf-cli"]);
        if profile() == "dev" {
            // For the features that this crate asks for: so no library is built anew. What is
            // measured is built as it is shipped.
            build.args(["-p", env!("CARGO_PKG_NAME")]);
        }
        let built = executables(build).await?;
        let (api, command) = (find(&built, "toolforge-jobs-api")?, find(&built, COMMAND)?);
        Ok(Self { api, command, launcher })
    }

    /// Builds the load test, in the profile that this program was built in.
    ///
    /// # Errors
    /// When it can't be built; cargo has told why.
    pub async fn build_load_test(cargo: &Path) -> Result<PathBuf, String> {
        let mut build = build(cargo);
        build.args(["-p", LOAD_TEST]);
        find(&executables(build).await?, LOAD_TEST)
    }

    /// Builds the command as it is shipped: static, so that it runs in every image. It is in a
    /// folder of its own, and the first time takes as long as everything.
    ///
    /// # Errors
    /// When it can't be built; cargo has told why.
    pub async fn build_static_command(cargo: &Path) -> Result<PathBuf, String> {
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let mut build = build(cargo);
        build.args(["-p", "tjf-cli", "--target", &target]);
        build.env("RUSTFLAGS", "-C target-feature=+crt-static");
        find(&executables(build).await?, COMMAND)
    }

    /// What starts a service.
    pub(crate) fn service(&self) -> Command {
        let Some(launcher) = &self.launcher else { return Command::new(&self.api) };
        let mut command = Command::new(launcher);
        command.arg("attached").arg(&self.api);
        command
    }
}

fn build(cargo: &Path) -> Command {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let mut build = Command::new(cargo);
    // Cargo tells a test which package it is of. Build scripts would take that for a change,
    // and everything above them would be built anew, here and the next time elsewhere.
    for variable in OF_A_PACKAGE {
        build.env_remove(variable);
    }
    build
        .args(["build", "--locked", "--bins", "--message-format", "json-render-diagnostics"])
        .args(["--manifest-path", manifest, "--profile", profile()])
        .stderr(std::process::Stdio::inherit());
    build
}

async fn executables(mut build: Command) -> Result<Vec<PathBuf>, String> {
    let output = build.output().await.map_err(|error| format!("cargo can't be run: {error}"))?;
    if !output.status.success() {
        return Err("the programs can't be built".to_owned());
    }
    let messages = output.stdout.split(|byte| *byte == b'\n');
    Ok(messages
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect())
}

fn find(built: &[PathBuf], name: &str) -> Result<PathBuf, String> {
    let program = built.iter().find(|program| program.ends_with(name)).cloned();
    program.ok_or_else(|| format!("cargo built no {name}"))
}

/// Cargo names the folder after the profile, but for the first of all.
fn profile() -> &'static str {
    let program = std::env::current_exe().unwrap_or_default();
    let is_in = |folder: &str| program.ancestors().any(|path| path.ends_with(Path::new(folder)));
    if is_in("release/deps") || is_in("release") { "release" } else { "dev" }
}
