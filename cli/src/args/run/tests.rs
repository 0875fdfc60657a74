use clap::Parser;
use serde_json::json;

use super::*;
use crate::args::{Cli, Command, attach_values};

fn parse(line: &[&str]) -> Result<RunArgs, clap::Error> {
    let words = ["toolforge-jobs", "run"].iter().chain(line).map(Into::into);
    let Command::Run(args) = Cli::try_parse_from(attach_values(words))?.command else {
        panic!("{line:?} is not a `run`");
    };
    Ok(*args)
}

fn request(line: &[&str]) -> Result<RunRequest, FormError> {
    parse(line).unwrap().into_request(Suffix::from_number(0))
}

fn name_and_command(line: &[&str]) -> (String, String) {
    let request = request(line).unwrap();
    (request.name.unwrap(), request.cmd)
}

fn pair(name: &str, command: &str) -> (String, String) {
    (name.to_owned(), command.to_owned())
}

#[test]
fn the_command_is_the_one_word_and_names_the_job() {
    assert_eq!(
        name_and_command(&["./bot.py -v", "--type", "x"]),
        pair("bot-py-bbbbb", "./bot.py -v")
    );
    assert_eq!(
        name_and_command(&["./bot.py", "--type", "x", "--name", "mine"]),
        pair("mine", "./bot.py")
    );
}

#[test]
fn with_an_option_for_the_command_the_one_word_is_the_name() {
    let line = ["mine", "--command", "./bot.py -v", "--image", "x"];
    assert_eq!(name_and_command(&line), pair("mine", "./bot.py -v"));
}

#[test]
fn words_after_two_hyphens_are_quoted_for_the_shell() {
    for (words, command) in [
        (vec!["echo", "two words"], "echo 'two words'"),
        (vec!["echo", "it's", "$HOME"], "echo \"it's\" '$HOME'"),
        (vec!["printf", "", "-n", "a=b"], "printf '' -n 'a=b'"),
        (vec!["echo one && echo two"], "echo one && echo two"),
    ] {
        let line: Vec<&str> = ["--type", "x", "--"].into_iter().chain(words).collect();
        assert_eq!(request(&line).unwrap().cmd, command);
    }
}

#[test]
fn forms_that_make_no_sense_are_refused() {
    for (line, error) in [
        (vec!["--type", "x"], FormError::NoCommand),
        (vec!["--command", "c", "--type", "x"], FormError::NoName),
        (vec!["echo", "hi", "you", "--type", "x"], FormError::ManyWords(3)),
        (vec!["a", "--type", "x", "--", "b"], FormError::TwoCommands),
        (vec!["a", "--command", "c", "--type", "x", "--", "b"], FormError::TwoCommands),
        (vec!["--command", "c", "--type", "x", "--", "b"], FormError::TwoCommands),
        (vec!["--type", "x", "--", "a", "b\0"], FormError::Nul),
    ] {
        assert_eq!(request(&line), Err(error), "{line:?}");
    }
}

#[test]
fn the_container_has_three_spellings_and_is_given_once() {
    for option in ["--type", "--image", "--container"] {
        assert_eq!(request(&["true", option, "x"]).unwrap().imagename, "x");
    }
    assert!(parse(&["true", "--type", "x", "--image", "y"]).is_err());
    assert!(parse(&["true"]).is_err());
}

#[test]
fn waiting_takes_a_duration_its_old_form_too_or_none() {
    for (line, wait) in [
        (vec!["true", "--type", "x"], Wait::No),
        (vec!["true", "--type", "x", "--wait"], Wait::Forever),
        (vec!["--wait", "true", "--type", "x"], Wait::Forever),
        (vec!["true", "--type", "x", "--wait=5m"], Wait::AtMost(Duration::from_secs(300))),
        (
            vec!["n", "--command", "c", "--image", "x", "--wait", "630"],
            Wait::AtMost(Duration::from_secs(630)),
        ),
    ] {
        assert_eq!(parse(&line).unwrap().wait(), wait, "{line:?}");
    }
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    for line in [
        vec!["true", "--type", "x", "--wait", "--schedule", "@daily"],
        vec!["true", "--type", "x", "--wait", "--continuous"],
        vec!["true", "--type", "x", "--schedule", "@daily", "--continuous"],
        vec!["n", "--command", "c", "--name", "m", "--type", "x"],
    ] {
        assert!(parse(&line).is_err(), "{line:?}");
    }
}

#[test]
fn every_option_reaches_the_request() {
    let line = "true --name n --type x --schedule @daily --timezone Europe/Berlin --mem 1Gi \
                --cpu 500m --retry 2 --timeout 5m -o out -e err --emails onfailure --mount all \
                --env A=1 --env B=x=y";
    let line: Vec<&str> = line.split_whitespace().collect();
    let expected = json!({
        "name": "n", "cmd": "true", "imagename": "x", "schedule": "@daily",
        "timezone": "Europe/Berlin", "filelog_stdout": "out", "filelog_stderr": "err",
        "memory": "1Gi", "cpu": "500m", "retry": 2, "timeout": 300, "emails": "onfailure",
        "mount": "all", "env": {"A": "1", "B": "x=y"},
    });
    assert_eq!(serde_json::to_value(request(&line).unwrap()).unwrap(), expected);

    let line = ["n", "--command", "c", "--image", "x", "--continuous", "--replicas", "2"];
    let line: Vec<&str> = line.into_iter().chain(["--no-filelog", "--memory", "1Gi"]).collect();
    let expected = json!({
        "name": "n", "cmd": "c", "imagename": "x", "continuous": true, "filelog": false,
        "memory": "1Gi", "replicas": 2,
    });
    assert_eq!(serde_json::to_value(request(&line).unwrap()).unwrap(), expected);
}

#[test]
fn a_variable_needs_a_name_and_a_sign() {
    for variable in ["A", "=1", ""] {
        assert!(parse(&["true", "--type", "x", "--env", variable]).is_err(), "{variable:?}");
    }
}
