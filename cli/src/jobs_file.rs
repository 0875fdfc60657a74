//! A file of jobs, as `load` reads it.
//!
//! The keys are those that tools have in their repositories. Everything is judged here that can be
//! without the service: an unknown key, or a name that is there twice, must not look like an answer.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    rc::Rc,
};

use tjf_api_types::{Emails, HealthCheck, Mount, RunRequest, Shown, Words};

use crate::{
    args::{Port, Wait, duration, refused},
    definition::KEYS,
    nearest::nearest,
    yaml::{self, Kind, Tree, Unreadable},
};

/// What options and the API's fields are called, where a file has another word.
const SYNONYMS: [(&str, &str); 5] = [
    ("cmd", "command"),
    ("container", "image"),
    ("imagename", "image"),
    ("memory", "mem"),
    ("type", "image"),
];

/// One job of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it begins, counted from one.
    pub(crate) line: usize,
    /// What it asks for. It has a name.
    pub(crate) request: RunRequest,
    /// Whether the end of the job is waited for before the next one is begun.
    pub(crate) wait: Wait,
}

impl Entry {
    /// The job's name.
    pub(crate) fn name(&self) -> &str {
        self.request.name.as_deref().unwrap_or_default()
    }
}

/// What is wrong in a file, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {detail}")]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) detail: String,
    /// What would be right.
    pub(crate) hint: Option<String>,
}

impl Fault {
    fn new(line: usize, detail: impl Into<String>) -> Self {
        Self { line, detail: detail.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<Unreadable> for Fault {
    fn from(Unreadable { line }: Unreadable) -> Self {
        Self::new(line, "this is not YAML")
            .hint("a text that begins with `*`, `@`, `{`, `[`, `%`, `&` or `!`, or has `: ` or ` #` in it, needs quotes")
    }
}

/// Reads a file. One that has no list is refused: with `--prune` it would delete everything.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Entry>, Fault> {
    let documents = yaml::documents(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), 2)?;
    let a_list =
        "a file of jobs is a list: each job begins with `- name: NAME`, and no job is `[]`";
    if let [_, second, ..] = documents.as_slice() {
        return Err(Fault::new(
            second.line,
            "a file of jobs is one document, and here another begins",
        ));
    }
    let Some(document) = documents.first() else { return Err(Fault::new(1, a_list)) };
    let Kind::List(items) = &document.kind else { return Err(Fault::new(document.line, a_list)) };
    let mut entries = Vec::with_capacity(items.len());
    let mut lines = HashMap::new();
    for item in items {
        let entry = entry(item)?;
        if let Some(line) = lines.insert(entry.name().to_owned(), entry.line) {
            let name = Shown::new(entry.name());
            let detail = format!("there is a job `{name}` in line {line} already");
            return Err(Fault::new(entry.line, detail));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// What an entry says of output, until all of it is known.
#[derive(Default)]
struct Output {
    filelog: Option<bool>,
    no_filelog: Option<bool>,
}

fn entry(item: &Rc<Tree>) -> Result<Entry, Fault> {
    let line = item.line;
    let mut entry = Entry { line, request: RunRequest::default(), wait: Wait::No };
    let mut output = Output::default();
    for (key, key_line, value) in fields(item, "a job is keys and values, such as `name: bot`")? {
        set(&mut entry, &mut output, &key, &value).map_err(|fault| match fault {
            Wrong::Value(detail) => {
                Fault::new(value.line, format!("`{}` {detail}", Shown::new(&key)))
            }
            Wrong::Key { detail, hint } => Fault { line: key_line, detail, hint },
        })?;
    }
    let request = &mut entry.request;
    request.filelog = match (output.filelog, output.no_filelog) {
        (Some(filelog), Some(no_filelog)) if filelog == no_filelog => {
            return Err(Fault::new(line, "`filelog` and `no-filelog` say two things"));
        }
        (_, Some(true)) => Some(false),
        // It says what holds anyway.
        (None, Some(false)) => None,
        (filelog, _) => filelog,
    };
    let missing = [
        ("name", request.name.is_none()),
        ("command", request.cmd.is_empty()),
        ("image", request.imagename.is_empty()),
    ];
    if let Some((key, _)) = missing.iter().find(|(_, is_missing)| *is_missing) {
        return Err(Fault::new(line, format!("this job has no `{key}`")));
    }
    if entry.wait != Wait::No && (request.schedule.is_some() || request.continuous == Some(true)) {
        let detail = "only a job that runs once can be waited for: leave out `wait`";
        return Err(Fault::new(line, detail));
    }
    Ok(entry)
}

/// What is wrong with a key or with its value.
enum Wrong {
    Value(String),
    Key { detail: String, hint: Option<String> },
}

fn set(entry: &mut Entry, output: &mut Output, key: &str, value: &Tree) -> Result<(), Wrong> {
    let request = &mut entry.request;
    match key {
        "name" => request.name = text(value)?,
        "command" => request.cmd = text(value)?.unwrap_or_default(),
        "image" => request.imagename = text(value)?.unwrap_or_default(),
        "schedule" => request.schedule = text(value)?,
        "timezone" => request.timezone = text(value)?,
        "continuous" => request.continuous = truth(value)?,
        "replicas" => request.replicas = number(value)?,
        "port" => set_port(request, value)?,
        "health-check-script" => {
            let script = text(value)?.map(|script| HealthCheck::Script { script });
            set_health_check(request, script)?;
        }
        "health-check-http" => {
            let path = text(value)?.map(|path| HealthCheck::Http { path });
            set_health_check(request, path)?;
        }
        "filelog" => output.filelog = truth(value)?,
        "no-filelog" => output.no_filelog = truth(value)?,
        "filelog-stdout" => request.filelog_stdout = text(value)?,
        "filelog-stderr" => request.filelog_stderr = text(value)?,
        "mem" => request.memory = text(value)?,
        "cpu" => request.cpu = text(value)?,
        "retry" => request.retry = number(value)?,
        "timeout" => request.timeout = seconds(value)?,
        "emails" => request.emails = word::<Emails>(value)?,
        "mount" => request.mount = word::<Mount>(value)?,
        "wait" => entry.wait = wait(value)?,
        "env" => request.env = variables(value)?,
        unknown => return Err(unknown_key(unknown)),
    }
    Ok(())
}

fn set_port(request: &mut RunRequest, value: &Tree) -> Result<(), Wrong> {
    let wrong = |text: &str| {
        format!("has to be a number, or a number with `/tcp` or `/udp`, not `{}`", Shown::new(text))
    };
    let port = read_as(value, |text| text.parse::<Port>().map_err(|_| wrong(text)))?;
    request.port = port.map(|port| port.number);
    request.port_protocol = port.and_then(|port| port.protocol);
    Ok(())
}

/// A job has one health check, by a script or by HTTP.
fn set_health_check(request: &mut RunRequest, check: Option<HealthCheck>) -> Result<(), Wrong> {
    let Some(check) = check else { return Ok(()) };
    match request.health_check.replace(check) {
        None => Ok(()),
        Some(_) => Err(Wrong::Value(
            "is one check too many: give `health-check-script` or `health-check-http`".to_owned(),
        )),
    }
}

fn unknown_key(key: &str) -> Wrong {
    if let Some(instead) = refused::instead_of_key(key) {
        return Wrong::Key { detail: format!("`{key}` is not taken: {instead}"), hint: None };
    }
    let synonym = SYNONYMS.iter().find(|(other, _)| *other == key).map(|(_, known)| *known);
    let hint = match synonym.or_else(|| nearest(key, KEYS.into_iter())) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("the keys of a job are `{}`", KEYS.join("`, `")),
    };
    Wrong::Key { detail: format!("there is no key `{}`", Shown::new(key)), hint: Some(hint) }
}

type Fields = Vec<(String, usize, Rc<Tree>)>;

/// The keys and values of a map, with what it merges into itself. No key may be there twice.
fn fields(map: &Rc<Tree>, otherwise: &str) -> Result<Fields, Fault> {
    let Kind::Map(entries) = &map.kind else { return Err(Fault::new(map.line, otherwise)) };
    let (mut fields, mut merged) = (Fields::new(), Vec::new());
    for (key, value) in entries {
        let name = match &key.kind {
            Kind::Text(name) | Kind::Other(name) => name,
            Kind::Merge => {
                let maps = value.merged();
                merged.extend(
                    maps.ok_or_else(|| Fault::new(value.line, "`<<` takes keys and values"))?,
                );
                continue;
            }
            Kind::Nothing | Kind::List(_) | Kind::Map(_) => {
                return Err(Fault::new(key.line, "a key is a word"));
            }
        };
        if fields.iter().any(|(known, ..)| known == name) {
            let detail = format!("`{}` is there twice", Shown::new(name));
            return Err(Fault::new(key.line, detail));
        }
        fields.push((name.clone(), key.line, Rc::clone(value)));
    }
    for other in merged {
        for field in self::fields(&other, otherwise)? {
            if fields.iter().all(|(known, ..)| *known != field.0) {
                fields.push(field);
            }
        }
    }
    Ok(fields)
}

/// What is written, whatever it looks like: a command may be `true`, and a name a number.
fn text(value: &Tree) -> Result<Option<String>, Wrong> {
    match &value.kind {
        Kind::Nothing => Ok(None),
        Kind::Text(text) | Kind::Other(text) => Ok(Some(text.clone())),
        Kind::Merge | Kind::List(_) | Kind::Map(_) => {
            Err(Wrong::Value("has to be a text".to_owned()))
        }
    }
}

/// Reads a text into something else.
fn read_as<T, E: fmt::Display>(
    value: &Tree,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Wrong> {
    let read = |text: String| read(&text).map_err(|error| Wrong::Value(error.to_string()));
    text(value)?.map(read).transpose()
}

/// The words of YAML 1.1, in quotes too, since the deployed command's own `dump` writes them so.
fn truth(value: &Tree) -> Result<Option<bool>, Wrong> {
    read_as(value, |text| match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Ok(true),
        "false" | "no" | "off" | "n" => Ok(false),
        _ => Err(format!("has to be `true` or `false`, not `{}`", Shown::new(text))),
    })
}

fn number(value: &Tree) -> Result<Option<i64>, Wrong> {
    let wrong = |text: &str| format!("has to be a whole number, not `{}`", Shown::new(text));
    read_as(value, |text| text.parse().map_err(|_| wrong(text)))
}

fn seconds(value: &Tree) -> Result<Option<i64>, Wrong> {
    let seconds = |text: &str| Some(duration::parse(text).ok()?.as_secs());
    read_as(value, |text| match seconds(text) {
        // What is too long for the API's number is too long for the API, which says so.
        Some(seconds) => Ok(i64::try_from(seconds).unwrap_or(i64::MAX)),
        None => Err(format!(
            "has to be a number of seconds, or a number with `s`, `m` or `h`, not `{}`",
            Shown::new(text)
        )),
    })
}

fn wait(value: &Tree) -> Result<Wait, Wrong> {
    if let Ok(truth) = truth(value) {
        return Ok(if truth == Some(true) { Wait::Forever } else { Wait::No });
    }
    let limit = read_as(value, |text| {
        let wrong = || {
            format!("has to be `true`, `false` or a time such as `5m`, not `{}`", Shown::new(text))
        };
        duration::parse(text).map_err(|_| wrong())
    })?;
    Ok(limit.map_or(Wait::No, Wait::AtMost))
}

fn word<T: Words>(value: &Tree) -> Result<Option<T>, Wrong> {
    read_as(value, |text| {
        let words: Vec<_> = T::ALL.iter().map(|word| word.as_str()).collect();
        let wrong =
            || format!("has to be one of `{}`, not `{}`", words.join("`, `"), Shown::new(text));
        T::find(text).ok_or_else(wrong)
    })
}

fn variables(value: &Tree) -> Result<Option<BTreeMap<String, String>>, Wrong> {
    if matches!(value.kind, Kind::Nothing) {
        return Ok(None);
    }
    let Kind::Map(entries) = &value.kind else {
        return Err(Wrong::Value("has to be names and values".to_owned()));
    };
    let mut variables = BTreeMap::new();
    for (key, value) in entries {
        let name = match &key.kind {
            Kind::Text(name) | Kind::Other(name) => name,
            Kind::Nothing | Kind::Merge | Kind::List(_) | Kind::Map(_) => {
                return Err(Wrong::Value("has to be names and values".to_owned()));
            }
        };
        let (shown, line) = (Shown::new(name), key.line);
        let wrong = |what: &str| Wrong::Value(format!("{what} (`{shown}` in line {line})"));
        let value = text(value).map_err(|_| wrong("has a value that is not a text"))?;
        if variables.insert(name.clone(), value.unwrap_or_default()).is_some() {
            return Err(wrong("has a name that is there twice"));
        }
    }
    Ok(Some(variables))
}

#[cfg(test)]
mod tests;
