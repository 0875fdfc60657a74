//! What the deployed service's command taught its users and this one does not do.
//!
//! Such a word gets a sentence that says what to do instead, and not clap's guess at a slip.

use clap::{
    Error,
    error::{ContextKind, ContextValue},
};

/// Options that are not taken, and what to do instead.
const OPTIONS: [(&str, &str); 8] = [
    ("--cfg", "give `--server`, `--cert`, `--key` and `--ca`, or set them in a settings file"),
    ("--kubeconfig", "set the variable `KUBECONFIG`"),
    ("--url", "give `--server URL`"),
    ("--hdr", "a certificate says who you are: give `--cert FILE --key FILE`"),
    ("--publish", NOT_OUTSIDE),
    ("--webservice", NOT_OUTSIDE),
    ("--since", NO_TIMES),
    ("--until", NO_TIMES),
];

const NOT_OUTSIDE: &str = "a job with `--port` is reached inside the cluster alone: start what is for \
    everybody by `toolforge webservice`";

const NO_TIMES: &str =
    "log files have no times, unless the job writes some: `--last COUNT` shows their end";

/// What to say instead of what clap says, when it met one of these words.
pub(crate) fn sentence(error: &Error) -> Option<String> {
    let met = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    // Clap hands an option over without its value.
    let (word, instead) = met(ContextKind::InvalidArg).and_then(|option| find(&OPTIONS, option))?;
    Some(format!("`{word}` is not taken: {instead}"))
}

/// What to do instead of a key of a file of jobs: those that are not taken are named as the options.
pub(crate) fn instead_of_key(key: &str) -> Option<&'static str> {
    const KEYS: [&str; 2] = ["publish", "webservice"];
    let is_key = KEYS.contains(&key);
    let (_, instead) = find(&OPTIONS, &format!("--{key}")).filter(|_| is_key)?;
    Some(instead)
}

/// Whether this is one of the options.
pub(super) fn is_refused(option: &str) -> bool {
    find(&OPTIONS, option).is_some()
}

fn find(table: &'static [(&str, &str)], word: &str) -> Option<(&'static str, &'static str)> {
    table.iter().copied().find(|(known, _)| *known == word)
}
