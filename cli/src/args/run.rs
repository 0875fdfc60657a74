//! The options of `run`, in both of its forms.

use std::collections::BTreeMap;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use tjf_api_types::{Emails, HealthCheck, JobName, Mount, RunRequest, Suffix, Words};
use tokio::time::Duration;

use super::{duration, port::Port};
use crate::live;

const USAGE: &str = "toolforge-jobs run COMMAND --type CONTAINER [OPTIONS]
       toolforge-jobs run --type CONTAINER [OPTIONS] -- WORD WORD…
       toolforge-jobs run NAME --command COMMAND --image CONTAINER [OPTIONS]";

const EXAMPLES: &str = "Examples:
  toolforge-jobs run './bot.py --all' --type tf-python39
  toolforge-jobs run --type tf-python39 --mem 1Gi --wait=10m -- ./bot.py 'two words'
  toolforge-jobs run './serve.py 8080' --type tf-python39 --name web --continuous --port 8080
  toolforge-jobs run nightly --command ./update.sh --image tf-bullseye --schedule @daily";

/// What `run` was asked.
#[derive(Debug, Args)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// Shell text to run; with `--command`, the job's name
    #[arg(value_name = "COMMAND|NAME", hide = true)]
    words: Vec<String>,
    /// Words of the command, each taken as it is
    #[arg(value_name = "WORD", last = true, hide = true)]
    quoted_words: Vec<String>,
    /// Shell text to run; the one word in front is then the job's name
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// Container to run in; `toolforge-jobs containers` lists them
    #[arg(long = "type", visible_aliases = ["image", "container"], value_name = "CONTAINER")]
    #[arg(add = live::containers())]
    container: String,
    /// Name of the job; made from the command when not given
    #[arg(long, conflicts_with = "command")]
    name: Option<String>,
    /// Run when a cron expression or `@hourly`, `@daily`, … says so
    #[arg(long, conflicts_with = "continuous")]
    schedule: Option<String>,
    /// Time zone of the schedule, such as `Europe/Berlin`
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Keep it running
    #[arg(long)]
    continuous: bool,
    /// Copies of a continuous job
    #[arg(long, value_name = "COUNT")]
    replicas: Option<i64>,
    /// Wait until it has ended, and exit as it did
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    #[arg(num_args = 0..=1, require_equals = true, conflicts_with_all = ["schedule", "continuous"])]
    wait: Option<Option<Duration>>,
    /// Show its output as it comes, and exit as it did
    #[arg(long, conflicts_with_all = ["schedule", "continuous", "no_filelog"])]
    pub(crate) follow: bool,
    /// Port at which others in the cluster reach it, such as `8080` or `53/udp`
    #[arg(short, long, value_name = "PORT", value_parser = str::parse::<Port>)]
    port: Option<Port>,
    /// Shell text that ends with 0 while the job works; else it is started anew
    #[arg(long, value_name = "SCRIPT", conflicts_with = "health_check_http")]
    health_check_script: Option<String>,
    /// Path that its port answers well while the job works
    #[arg(long, value_name = "PATH")]
    health_check_http: Option<String>,
    /// Memory limit, such as `512Mi`
    #[arg(long = "mem", visible_alias = "memory", value_name = "SIZE")]
    memory: Option<String>,
    /// CPU limit, such as `500m` or `1`
    #[arg(long, value_name = "CPUS")]
    cpu: Option<String>,
    /// How often to try again after a failure
    #[arg(long, value_name = "COUNT")]
    retry: Option<i64>,
    /// End a run that takes longer, such as `90s`, `5m`, `2h`
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Keep output in files, as by default
    #[arg(long, hide = true, conflicts_with = "no_filelog")]
    filelog: bool,
    /// Keep no output
    #[arg(long)]
    no_filelog: bool,
    /// File for standard output, below the home
    #[arg(short = 'o', long, value_name = "FILE")]
    filelog_stdout: Option<String>,
    /// File for standard error, below the home
    #[arg(short = 'e', long, value_name = "FILE")]
    filelog_stderr: Option<String>,
    /// When to send e-mail
    #[arg(long, value_name = "WHEN", value_parser = one_of::<Emails>())]
    emails: Option<Emails>,
    /// Whether the tool's home is there inside the job
    #[arg(long, value_name = "WHAT", value_parser = one_of::<Mount>())]
    mount: Option<Mount>,
    /// Environment variable; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
}

/// How long to wait for the end of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    No,
    /// As long as this.
    AtMost(Duration),
    /// As long as it takes.
    Forever,
}

/// Why the words of a `run` make no sense together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// No positional word.
    #[error("`run` needs a command")]
    NoCommand,
    /// `--command` without a positional word.
    #[error("`--command` needs the job's name in front")]
    NoName,
    /// More than one positional word, and none of them the name.
    #[error("`run` takes one word, not {0}")]
    ManyWords(usize),
    /// The same, where the option after the words is `--wait`, which takes its value otherwise.
    #[error("`run` takes one word, not {0}")]
    ManyWordsAndWait(usize),
    /// More than one positional word with `--command`.
    #[error("with `--command` the job's name is one word, not {0}")]
    ManyNames(usize),
    /// Words both in front of and after `--`, or after `--` with `--command`.
    #[error("the command is given twice")]
    TwoCommands,
    /// A word that no shell can be given.
    #[error("a NUL byte can't be part of a command")]
    Nul,
}

impl FormError {
    /// What would be right.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoCommand => Some("`toolforge-jobs run './bot.py --all' --type CONTAINER`"),
            Self::NoName => Some("`toolforge-jobs run NAME --command COMMAND --image CONTAINER`"),
            Self::ManyWords(_) => Some("put the command in quotes, or its words after `--`"),
            Self::ManyWordsAndWait(_) => Some(
                "put the command in quotes, or its words after `--`; a time to wait is written \
                 `--wait=5m`",
            ),
            Self::ManyNames(_) => Some("put the whole command in quotes, behind `--command`"),
            Self::TwoCommands => Some("the words after `--` are the whole command"),
            Self::Nul => None,
        }
    }
}

impl RunArgs {
    /// How long to wait for its end.
    pub(crate) fn wait(&self) -> Wait {
        match self.wait {
            None if self.follow => Wait::Forever,
            None => Wait::No,
            Some(None) => Wait::Forever,
            Some(Some(limit)) => Wait::AtMost(limit),
        }
    }

    fn many_words(&self, count: usize) -> FormError {
        match (&self.command, self.wait) {
            (Some(_), _) => FormError::ManyNames(count),
            (None, Some(None)) => FormError::ManyWordsAndWait(count),
            (None, Some(Some(_)) | None) => FormError::ManyWords(count),
        }
    }

    /// Makes the request. A job without a name gets one here and not at the server, so that it is
    /// known also when the answer is lost.
    pub(crate) fn into_request(self, suffix: Suffix) -> Result<RunRequest, FormError> {
        if let count @ 2.. = self.words.len() {
            return Err(self.many_words(count));
        }
        let (given_name, cmd) = form(self.name, self.command, self.words, &self.quoted_words)?;
        let name =
            given_name.unwrap_or_else(|| JobName::from_command(&cmd, suffix).as_str().to_owned());
        let env: BTreeMap<_, _> = self.env.into_iter().collect();
        let by_script = self.health_check_script.map(|script| HealthCheck::Script { script });
        let by_http = self.health_check_http.map(|path| HealthCheck::Http { path });
        Ok(RunRequest {
            name: Some(name),
            cmd,
            imagename: self.container,
            schedule: self.schedule,
            timezone: self.timezone,
            continuous: self.continuous.then_some(true),
            filelog: (self.filelog || self.no_filelog).then_some(self.filelog),
            filelog_stdout: self.filelog_stdout,
            filelog_stderr: self.filelog_stderr,
            memory: self.memory,
            cpu: self.cpu,
            retry: self.retry,
            // What is too long for the API's number is too long for the API, which says so.
            timeout: self.timeout.map(|limit| i64::try_from(limit.as_secs()).unwrap_or(i64::MAX)),
            replicas: self.replicas,
            port: self.port.map(|port| port.number),
            port_protocol: self.port.and_then(|port| port.protocol),
            health_check: by_script.or(by_http),
            emails: self.emails,
            mount: self.mount,
            env: (!env.is_empty()).then_some(env),
        })
    }
}

/// Name and command, of one word at most, whichever form was used.
fn form(
    name: Option<String>,
    command: Option<String>,
    mut words: Vec<String>,
    quoted_words: &[String],
) -> Result<(Option<String>, String), FormError> {
    match (words.pop(), command, quoted_words) {
        (Some(name), Some(command), []) => Ok((Some(name), command)),
        (Some(command), None, []) => Ok((name, command)),
        // A single word is shell text, before and after `--`; quoted, it would be a program's name.
        (None, None, [command]) => Ok((name, command.clone())),
        (None, None, [_, ..]) => {
            let words = quoted_words.iter().map(String::as_str);
            Ok((name, shlex::try_join(words).map_err(|_| FormError::Nul)?))
        }
        (None, None, []) => Err(FormError::NoCommand),
        (None, Some(_), []) => Err(FormError::NoName),
        (_, _, [_, ..]) => Err(FormError::TwoCommands),
    }
}

/// A closed set of words, which help and completions then know.
pub(super) fn one_of<T: Words + Send + Sync>() -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(T::ALL.iter().map(|word| word.as_str()))
        .try_map(|text| T::find(&text).ok_or("not one of the values"))
}

fn variable(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a variable is given as `KEY=VALUE`"),
    }
}

#[cfg(test)]
mod tests;
