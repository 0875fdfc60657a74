//! A habit of the old command line that clap has no word for.

use std::ffi::{OsStr, OsString};

use super::duration;

/// Turns `--wait 630` into `--wait=630`, where the older form of `run` is used.
///
/// The value of `--wait` is optional, so it needs the `=`: in `run --wait 5 --type x` nobody could
/// say whether `5` is the command. With `--command` that word can only be a duration or a mistake.
pub(crate) fn attach_wait(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let is_run = words[..end].iter().any(|word| word == "run");
    if !is_run || !words[..end].iter().any(|word| is_command(word)) {
        return words;
    }
    for at in 1..end {
        if words[at - 1] == "--wait" && is_duration(&words[at]) {
            let value = words.remove(at);
            words[at - 1].push("=");
            words[at - 1].push(value);
            break;
        }
    }
    words
}

fn is_command(word: &OsStr) -> bool {
    word == "--command" || word.to_str().is_some_and(|word| word.starts_with("--command="))
}

fn is_duration(word: &OsStr) -> bool {
    word.to_str().is_some_and(|word| duration::parse(word).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(line: &str) -> String {
        let words = attach_wait(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_duration_after_wait_belongs_to_it_in_the_older_form() {
        for (line, expected) in [
            (
                "t run n --command c --image i --wait 630",
                "t run n --command c --image i --wait=630",
            ),
            ("t run n --wait 5m --command=c", "t run n --wait=5m --command=c"),
            ("t --json run --wait 5 n --command c", "t --json run --wait=5 n --command c"),
        ] {
            assert_eq!(attached(line), expected);
        }
    }

    #[test]
    fn every_other_word_stays_where_it_is() {
        for line in [
            "t run --wait 630 --type x",
            "t run --wait --command c n",
            "t run n --command c --wait soon",
            "t run n --command c --wait=5 7",
            "t run --type x --wait -- sleep --command --wait 5",
            "t show --wait 5 --command",
            "t",
        ] {
            assert_eq!(attached(line), line);
        }
    }
}
