//! The words of the command line.
//!
//! Help, completions and the usage errors all come from these definitions. What needs more than one
//! option to be judged is in [`run`].

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tjf_api_types::{LogStream, ObjectName};
use tokio::time::Duration;

use crate::{live, settings::Source};

pub(crate) mod duration;
mod port;
pub(crate) mod refused;
pub(crate) mod run;
mod words;

pub(crate) use port::Port;
pub(crate) use run::{RunArgs, Wait};
pub(crate) use words::attach_values;

const TEMPLATE: &str = "\
{about}

Usage: toolforge-jobs <COMMAND> [OPTIONS]

Commands:
{subcommands}

Options of every command, explained by `toolforge-jobs COMMAND --help`:
  --json  --quiet  --verbose  --color WHEN  --server URL  --cert FILE  --key FILE  --ca FILE\
{after-help}";

const EXAMPLES: &str = "Examples:
  toolforge-jobs run './bot.py --all' --type tf-python39 --wait
  toolforge-jobs run my-bot --command ./bot.sh --image tf-bullseye --schedule @daily";

/// Runs your tool's jobs: once, on a schedule, or for ever.
#[derive(Debug, Parser)]
#[command(name = "toolforge-jobs", version, help_template = TEMPLATE, after_help = EXAMPLES)]
#[command(max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) globals: Globals,
}

/// Options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Globals {
    /// Print the API's own JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Leave out progress and notes; errors are still told
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell every request and its answer
    #[arg(short, long, alias = "debug", global = true)]
    pub(crate) verbose: bool,
    /// When to use colour; by itself on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Address of the service
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Certificate of the tool
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// Key of the certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// CA that signed the service's certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

impl Globals {
    /// What the flags say about server and credentials.
    pub(crate) fn source(&self) -> Source {
        Source {
            server: self.server.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            ca: self.ca.clone(),
        }
    }
}

/// When to use colour. The variants have no documentation of their own: clap would make a page of
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a job
    Run(Box<RunArgs>),
    /// Describe one job
    Show(ShowArgs),
    /// List all jobs
    List(ListArgs),
    /// Show what a job has written
    Logs(LogsArgs),
    /// Wait until jobs have ended
    Wait(WaitArgs),
    /// Delete jobs
    Delete(DeleteArgs),
    /// Delete all jobs of the tool
    Flush(FlushArgs),
    /// Make the tool's jobs what a file says
    Load(LoadArgs),
    /// Write the tool's jobs into a file
    Dump(DumpArgs),
    /// Restart a continuous job, or run a scheduled one now
    Restart(RestartArgs),
    /// Tell what the tool may have, and what it uses
    Quota,
    /// List the containers that jobs can run in
    #[command(visible_alias = "images")]
    Containers,
    /// Write completions for a shell
    Completions(CompletionsArgs),
    /// Tell the version of this command
    #[command(hide = true)]
    Version,
}

impl Command {
    /// Whether the verb's own options ask for JSON.
    pub(crate) fn wants_json(&self) -> bool {
        matches!(self, Self::List(args) if args.layout() == Layout::Json)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Name of the job
    #[arg(value_name = "NAME", add = live::jobs())]
    pub(crate) name: ObjectName,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Add command, container, resources and log files
    #[arg(short, long)]
    pub(crate) long: bool,
    /// Only what has failed, is failing, or can't start
    #[arg(long)]
    pub(crate) failed: bool,
    /// Draw it again whenever something changes, until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// What to print: a table, a longer one, names alone, or JSON
    #[arg(short, long, value_name = "LAYOUT", default_value = "normal")]
    #[arg(conflicts_with = "long", hide_default_value = true)]
    pub(crate) output: Layout,
}

impl ListArgs {
    /// What to print, in whichever way it was said.
    pub(crate) fn layout(&self) -> Layout {
        if self.long { Layout::Long } else { self.output }
    }
}

/// What `list` prints. As of [`Color`], the variants have no documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layout {
    Normal,
    #[value(alias = "wide")]
    Long,
    Name,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Names of the jobs
    #[arg(value_name = "NAME", required = true, add = live::jobs())]
    pub(crate) names: Vec<ObjectName>,
    /// Wait for one of them only, whichever ends first
    #[arg(long)]
    pub(crate) any: bool,
    /// Wait no longer than this, such as `90s`, `5m`, `2h`
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

impl WaitArgs {
    /// How long to wait.
    pub(crate) fn limit(&self) -> Wait {
        self.timeout.map_or(Wait::Forever, Wait::AtMost)
    }
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Name of the job
    #[arg(value_name = "NAME", add = live::jobs())]
    pub(crate) name: ObjectName,
    /// Go on with what comes, until the job has ended
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Begin so many lines before the end, of each stream
    #[arg(short, long, visible_alias = "last", value_name = "COUNT")]
    pub(crate) lines: Option<u64>,
    /// Which output; with both, each line is behind `out: ` or `err: `
    #[arg(long, value_name = "STREAM", value_parser = run::one_of::<LogStream>())]
    #[arg(default_value = "both", hide_default_value = true)]
    pub(crate) stream: LogStream,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Names of the jobs
    #[arg(value_name = "NAME", required = true, add = live::jobs())]
    pub(crate) names: Vec<ObjectName>,
}

#[derive(Debug, Args)]
pub(crate) struct FlushArgs {
    /// Do not ask first
    #[arg(short, long)]
    pub(crate) yes: bool,
}

const LOAD_EXAMPLES: &str = "Examples:
  toolforge-jobs load jobs.yaml
  toolforge-jobs load jobs.yaml --dry-run
  toolforge-jobs load jobs.yaml --job my-bot

An entry of the file:
  - name: my-bot
    command: ./bot.py --all
    image: tf-python39
    schedule: '@daily'
    mem: 1Gi
`toolforge-jobs dump` writes such a file.";

#[derive(Debug, Args)]
#[command(after_help = LOAD_EXAMPLES)]
pub(crate) struct LoadArgs {
    /// File of jobs, in YAML; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Take this job of the file alone
    #[arg(long, value_name = "NAME", conflicts_with = "prune")]
    pub(crate) job: Option<String>,
    /// Tell what would change, and change nothing; the exit code is 2 when something would
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete the jobs that the file does not name
    #[arg(long)]
    pub(crate) prune: bool,
    /// Wait until what was started has ended
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    /// File to write; by default, and for `-`, standard output
    #[arg(value_name = "FILE", conflicts_with = "to_file")]
    file: Option<PathBuf>,
    /// The same
    #[arg(short = 'f', long, value_name = "FILE", hide = true)]
    to_file: Option<PathBuf>,
}

impl DumpArgs {
    /// Where to write, in whichever way it was said.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref().or(self.to_file.as_deref())
    }
}

#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// Name of the job
    #[arg(value_name = "NAME", add = live::jobs())]
    pub(crate) name: ObjectName,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_option_and_fits_a_screen() {
        let mut command = Cli::command();
        let help = command.render_help().to_string();
        assert!(help.lines().count() <= 26, "{help}");
        let options = command.get_arguments().filter_map(clap::Arg::get_long);
        for option in options.filter(|option| !["help", "version"].contains(option)) {
            assert!(help.contains(&format!("--{option}")), "--{option}");
        }
    }
}
