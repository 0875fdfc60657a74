use super::*;

fn attached(line: &str) -> String {
    let words = attach_values(line.split(' ').map(OsString::from));
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_duration_after_wait_belongs_to_it_in_the_older_form() {
    for (line, expected) in [
        ("t run n --command c --image i --wait 630", "t run n --command c --image i --wait=630"),
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

/// Attaches and shows each word on its own.
fn words(line: &[&str]) -> Vec<String> {
    let line = ["t", "run"].iter().chain(line).map(OsString::from);
    let words = attach_values(line).into_iter().skip(2);
    words.map(|word| word.into_string().unwrap()).collect()
}

#[test]
fn a_value_may_begin_with_a_hyphen_when_it_is_no_option() {
    for (option, value) in [
        ("--command", "-v x"),
        ("--command", "-x"),
        ("--command", "--all"),
        ("--command", "-5"),
        ("--schedule", "-1 * * * *"),
        ("--mem", "-1"),
        ("--memory", "-1Gi"),
        ("--retry", "-1"),
        ("--image", "-x"),
        ("--name", "-bot"),
        ("--env", "-A=1"),
        ("-o", "-x.log"),
        ("-e", "-my log"),
        ("--filelog-stdout", "-x.log"),
        ("--server", "-x"),
    ] {
        assert_eq!(words(&["n", option, value]), ["n".to_owned(), format!("{option}={value}")]);
    }
}

#[test]
fn a_forgotten_value_does_not_swallow_the_next_option() {
    for line in [
        ["--command", "--image"],
        ["--command", "--image=x"],
        ["--command", "-v"],
        ["--command", "-ofile"],
        ["--command", "--debug"],
        ["--command", "--help"],
        ["--command", "-h"],
        ["--command", "--port"],
        ["--command", "--port=80"],
        ["-o", "-e"],
        ["-o", "--no-filelog"],
        // These take no value from the next word.
        ["--wait", "-x"],
        ["--continuous", "-x"],
        ["--json", "-v x"],
    ] {
        assert_eq!(words(&line), line);
    }
    assert_eq!(words(&["-o", "-"]), ["-o", "-"]);
    assert_eq!(words(&["--", "--command", "-v x"]), ["--", "--command", "-v x"]);
}
