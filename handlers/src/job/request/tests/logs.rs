use proptest::prelude::*;

use super::*;

fn with_path(path: &str) -> Result<Option<Logs>, Invalid> {
    check(RunRequest { filelog_stdout: text(path), ..request() }).map(|job| job.spec.logs)
}

#[test]
fn a_log_path_is_a_file_beneath_the_home_written_plainly() {
    let longest = "a".repeat(1024);
    for (path, beneath) in [
        ("x.log", "x.log"),
        ("logs/today/x.log", "logs/today/x.log"),
        ("my logs/a b.log", "my logs/a b.log"),
        ("a;b", "a;b"),
        ("it's \"mine\" `x` $(x) *?", "it's \"mine\" `x` $(x) *?"),
        ("./x", "x"),
        ("a//b", "a/b"),
        ("a/./b", "a/b"),
        ("...", "..."),
        ("a..b", "a..b"),
        ("-x", "-x"),
        ("~", "~"),
        ("ünï", "ünï"),
        ("dev/null", "dev/null"),
        ("/data/project/tf-test/x.log", "x.log"),
        ("/data/project/tf-test//a/./x.log", "a/x.log"),
        (&longest, &longest),
    ] {
        let logs = with_path(path).unwrap().unwrap();
        assert_eq!(logs.stdout, format!("{HOME}/{beneath}"), "{path:?}");
        assert_eq!(logs.stderr, format!("{HOME}/a.err"), "{path:?}");
    }
}

#[test]
fn a_log_path_that_leaves_the_home_or_is_no_file_is_refused() {
    for path in [
        "",
        "..",
        "../x",
        "a/../x",
        "a/..",
        "./../x",
        "/data/project/tf-test/../x",
        "/",
        "/x",
        "/etc/passwd",
        "/data/project/tf-testing/x",
        "/data/project/tf-tes",
        "/data/project",
        "//data/project/tf-test/x",
        "/dev/nul",
        "/dev/null/x",
        "/dev/./null",
        "/dev//null",
        ".",
        "./",
        "/data/project/tf-test",
        "/data/project/tf-test/",
        "/data/project/tf-test/.",
        "a/",
        "a/.",
        "a//",
        "a\nb",
        "a\0b",
        "\t",
        "a\u{7f}",
        "\u{85}",
        &"a".repeat(1025),
    ] {
        let invalid = with_path(path).unwrap_err();
        assert_eq!((invalid.field, invalid.rule), ("filelog_stdout", Rule::Request), "{path:?}");
    }
    let stderr = RunRequest { filelog_stderr: text("../x"), ..request() };
    assert_eq!(refused(stderr), Some(("filelog_stderr", Rule::Request)));
}

#[test]
fn one_file_or_none_may_take_both() {
    for (path, kept) in [("x", "/data/project/tf-test/x"), ("/dev/null", "/dev/null")] {
        let both =
            RunRequest { filelog_stdout: text(path), filelog_stderr: text(path), ..request() };
        let expected = Logs { stdout: kept.to_owned(), stderr: kept.to_owned() };
        assert_eq!(check(both).unwrap().spec.logs, Some(expected));
    }
}

#[test]
fn output_is_kept_when_the_home_is_there_unless_told_otherwise() {
    let (all, none) = (Some(Mount::All), Some(Mount::None));
    let (path, no_path) = (Some("x"), None);
    for (filelog, mount, stdout, outcome) in [
        (None, None, no_path, Ok(true)),
        (None, all, no_path, Ok(true)),
        (Some(true), all, path, Ok(true)),
        (Some(false), all, no_path, Ok(false)),
        (None, none, no_path, Ok(false)),
        (Some(false), none, no_path, Ok(false)),
        (Some(true), none, no_path, Err("filelog")),
        (Some(true), none, path, Err("filelog")),
        (None, none, path, Err("filelog_stdout")),
        (Some(false), all, path, Err("filelog_stdout")),
        (Some(false), all, Some("/dev/null"), Err("filelog_stdout")),
    ] {
        let request =
            RunRequest { filelog, mount, filelog_stdout: stdout.map(str::to_owned), ..request() };
        let told = check(request).map(|job| job.spec.logs.is_some()).map_err(|error| error.field);
        assert_eq!(told, outcome, "{filelog:?} {mount:?} {stdout:?}");
    }
    let stderr = RunRequest { filelog: Some(false), filelog_stderr: text("x"), ..request() };
    assert_eq!(refused(stderr), Some(("filelog_stderr", Rule::Request)));
}

/// Where the kernel would end up, if no link is in the way.
fn resolved(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

proptest! {
    #[test]
    fn no_request_ever_yields_a_log_path_outside_the_home(
        path in "((/data/project/tf-test|ing|/data|\\.\\.|\\.|/|//|x| |\\PC|\n){1,8})|.{0,40}",
    ) {
        if let Ok(Some(logs)) = with_path(&path) {
            let home = resolved(HOME);
            let parts = resolved(&logs.stdout);
            let is_beneath = parts.len() > home.len() && parts.starts_with(&home);
            prop_assert!(is_beneath || logs.stdout == "/dev/null", "{path:?} is {}", logs.stdout);
            prop_assert_eq!(format!("/{}", resolved(&logs.stdout).join("/")), logs.stdout);
        }
    }
}
