//! Habits of the old command line that clap has no word for.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command, CommandFactory};

use super::{Cli, duration, refused};

/// Puts an option and its value into one word, where clap would not see that they belong together.
pub(crate) fn attach_values(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    attach_wait(&mut words);
    attach_hyphens(&mut words);
    words
}

/// Turns `--wait 630` into `--wait=630`, where the older form of `run` is used.
///
/// The value of `--wait` is optional, so it needs the `=`: in `run --wait 5 --type x` nobody could
/// say whether `5` is the command. With `--command` that word can only be a duration or a mistake.
fn attach_wait(words: &mut Vec<OsString>) {
    let end = end_of_options(words);
    let is_run = words[..end].iter().any(|word| word == "run");
    if !is_run || !words[..end].iter().any(|word| is_command(word)) {
        return;
    }
    let is_wait = |at: &usize| words[at - 1] == "--wait" && is_duration(&words[*at]);
    if let Some(at) = (1..end).find(is_wait) {
        attach(words, at);
    }
}

/// Turns `--command '-v x'` into `--command=-v x`. Clap takes every word that begins with a hyphen
/// for an option. One that is no option of ours, behind an option that needs a value, is that value.
fn attach_hyphens(words: &mut Vec<OsString>) {
    // Who writes no such thing does not pay for the definitions.
    let may_be_value = |pair: &[OsString]| pair.iter().all(|word| is_hyphenated(word));
    if !words[..end_of_options(words)].windows(2).any(may_be_value) {
        return;
    }
    let mut cli = Cli::command();
    cli.build();
    let mut at = 1;
    while at < end_of_options(words) {
        let is_value = is_hyphenated(&words[at]) && !is_option(&cli, &words[at]);
        if is_value && needs_value(&cli, &words[at - 1]) {
            attach(words, at);
        } else {
            at += 1;
        }
    }
}

fn attach(words: &mut Vec<OsString>, at: usize) {
    let value = words.remove(at);
    words[at - 1].push("=");
    words[at - 1].push(value);
}

fn end_of_options(words: &[OsString]) -> usize {
    words.iter().position(|word| word == "--").unwrap_or(words.len())
}

fn is_command(word: &OsStr) -> bool {
    word == "--command" || word.to_str().is_some_and(|word| word.starts_with("--command="))
}

fn is_duration(word: &OsStr) -> bool {
    word.to_str().is_some_and(|word| duration::parse(word).is_ok())
}

/// A single hyphen is a value to everybody.
fn is_hyphenated(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-") && word.len() > 1
}

/// Whether the word is an option, alone or with its value: one that there is, or one that is refused
/// with a sentence. No option has a blank in its name.
fn is_option(cli: &Command, word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    let name = word.split_once('=').map_or(&*word, |(name, _)| name);
    if name.contains(char::is_whitespace) {
        return false;
    }
    let short = name.chars().nth(1).filter(|character| *character != '-');
    let is_short = |arg: &Arg| short.is_some() && arg.get_short() == short;
    arguments(cli).any(|arg| is_called(arg, name) || is_short(arg)) || refused::is_refused(name)
}

fn needs_value(cli: &Command, word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    let needs = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    arguments(cli).any(|arg| needs(arg) && is_called(arg, &word))
}

fn arguments(cli: &Command) -> impl Iterator<Item = &Arg> {
    cli.get_subcommands().flat_map(Command::get_arguments)
}

fn is_called(arg: &Arg, word: &str) -> bool {
    let Some(name) = word.strip_prefix("--") else {
        let short = word.strip_prefix('-').and_then(|name| name.parse().ok());
        return short.is_some() && arg.get_short() == short;
    };
    let aliases = arg.get_all_aliases().unwrap_or_default();
    arg.get_long() == Some(name) || aliases.contains(&name)
}

#[cfg(test)]
mod tests;
