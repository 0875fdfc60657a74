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
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let mut build = Command::new(cargo);
        // Cargo tells a test which package it is of. Build scripts would take that for a change,
        // and everything above them would be built anew, here and the next time elsewhere.
        for variable in OF_A_PACKAGE {
            build.env_remove(variable);
        }
        let output = build
            .args(["build", "--locked", "--bins", "-p", "tjf-handlers", "-p", "tjf-cli"])
            .args(["--message-format", "json-render-diagnostics", "--manifest-path", manifest])
            .args(["--profile", profile()])
            .stderr(std::process::Stdio::inherit())
            .output()
            .await
            .map_err(|error| format!("{}: {error}", cargo.display()))?;
        if !output.status.success() {
            return Err("the programs can't be built".to_owned());
        }
        let built: Vec<_> = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
            .collect();
        let find = |name: &str| {
            let program = built.iter().find(|program| program.ends_with(name)).cloned();
            program.ok_or_else(|| format!("cargo built no {name}"))
        };
        let (api, command) = (find("toolforge-jobs-api")?, find("toolforge-jobs")?);
        Ok(Self { api, command, launcher })
    }

    /// What starts a service.
    pub(crate) fn service(&self) -> Command {
        let Some(launcher) = &self.launcher else { return Command::new(&self.api) };
        let mut command = Command::new(launcher);
        command.arg("attached").arg(&self.api);
        command
    }
}

/// Cargo names the folder after the profile, but for the first of all.
fn profile() -> &'static str {
    let program = std::env::current_exe().unwrap_or_default();
    let is_in = |folder: &str| program.ancestors().any(|path| path.ends_with(Path::new(folder)));
    if is_in("release/deps") || is_in("release") { "release" } else { "dev" }
}
