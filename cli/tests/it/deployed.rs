//! The words of the deployed service's own command, one by one: understood, or refused with a
//! sentence that says what to do instead.

use expect_test::expect;
use serde_json::{Value, json};

use crate::{
    server::{Log, Reply},
    session::Session,
    views::{completed, job},
};

/// What a `run` of `bot` with these further words sends, or what it says.
fn run(session: &Session, words: &[&str]) -> Result<Value, String> {
    let line = ["run", "bot", "--command", "./bot.py", "--image", "x"];
    send(session, &[&line[..], words].concat())
}

fn send(session: &Session, line: &[&str]) -> Result<Value, String> {
    let before = session.server.seen().len();
    let told = session.run(line);
    match session.server.seen().get(before) {
        Some(seen) if told.starts_with("exit 0\n") => Ok(serde_json::from_str(&seen.body).unwrap()),
        Some(_) | None => Err(told),
    }
}

fn created() -> Session {
    Session::new([Reply::json(201, &completed("bot"))])
}

#[test]
fn every_option_of_run_that_is_understood_does_the_same() {
    let session = created();
    for (words, expected) in [
        (&[][..], json!({})),
        (&["--debug"], json!({})),
        (&["--schedule", "5 4 * * *"], json!({"schedule": "5 4 * * *"})),
        (&["--continuous"], json!({"continuous": true})),
        (&["--wait"], json!({})),
        (&["--wait", "630"], json!({})),
        (&["--wait=630"], json!({})),
        (&["--no-filelog"], json!({"filelog": false})),
        (&["--filelog"], json!({"filelog": true})),
        (&["-o", "a.log"], json!({"filelog_stdout": "a.log"})),
        (&["-o", "-"], json!({"filelog_stdout": "-"})),
        (&["--filelog-stdout", "a.log"], json!({"filelog_stdout": "a.log"})),
        (&["-e", "a.log"], json!({"filelog_stderr": "a.log"})),
        (&["--filelog-stderr=a.log"], json!({"filelog_stderr": "a.log"})),
        (&["--mem", "200Mi", "--cpu", "0.5"], json!({"memory": "200Mi", "cpu": "0.5"})),
        (&["--emails", "none"], json!({"emails": "none"})),
        (&["--emails", "all"], json!({"emails": "all"})),
        (&["--emails", "onfinish"], json!({"emails": "onfinish"})),
        (&["--emails=onfailure"], json!({"emails": "onfailure"})),
        (&["--retry", "5"], json!({"retry": 5})),
        (&["--mount=all"], json!({"mount": "all"})),
        (&["--mount", "none"], json!({"mount": "none"})),
        (&["--timeout", "90"], json!({"timeout": 90})),
        (&["-p", "8080"][..], json!({"port": 8080})),
        (&["-p8080/tcp"], json!({"port": 8080, "port_protocol": "tcp"})),
        (&["--port", "53/udp"], json!({"port": 53, "port_protocol": "udp"})),
        (&["--port=8080"], json!({"port": 8080})),
        (
            &["--health-check-script", "./check.sh -v"],
            json!({"health_check": {"type": "script", "script": "./check.sh -v"}}),
        ),
        (
            &["--health-check-script", "-v x"],
            json!({"health_check": {"type": "script", "script": "-v x"}}),
        ),
        (
            &["--health-check-http", "/healthz"],
            json!({"health_check": {"type": "http", "path": "/healthz"}}),
        ),
        (&["--continuous", "--replicas", "3"], json!({"continuous": true, "replicas": 3})),
        // Values that begin with a hyphen: the service judges them, as it does all others.
        (&["--retry", "-1"], json!({"retry": -1})),
        (&["--mem", "-1"], json!({"memory": "-1"})),
        (&["--schedule", "-1 * * * *"], json!({"schedule": "-1 * * * *"})),
    ] {
        let mut body = json!({"name": "bot", "cmd": "./bot.py", "imagename": "x"});
        body.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(run(&session, words), Ok(body), "{words:?}");
    }
}

#[test]
fn options_stand_before_the_name_and_behind_it() {
    let session = created();
    let body = json!({
        "name": "bot", "cmd": "C -v", "imagename": "I", "memory": "200Mi", "mount": "all",
        "filelog": true, "filelog_stdout": "F", "filelog_stderr": "F",
    });
    let options = ["--mem", "200Mi", "--mount=all", "--image", "I", "--command", "C -v"];
    let options = [&options[..], &["--filelog", "-o", "F", "-e", "F"]].concat();
    for at in [0, 2, 3, 5, 7, 8, 10, 12] {
        let (before, behind) = options.split_at(at);
        let line = [&["run"][..], before, &["bot"], behind].concat();
        assert_eq!(send(&session, &line).as_ref(), Ok(&body), "{line:?}");
    }
    for option in ["--image", "--type", "--container"] {
        let line = ["run", option, "I", "--wait", "bot", "--command", "-v x"];
        let body = json!({"name": "bot", "cmd": "-v x", "imagename": "I"});
        assert_eq!(send(&session, &line), Ok(body));
    }
}

#[test]
fn options_that_excluded_each_other_still_do() {
    let session = created();
    for words in [
        &["--schedule", "@daily", "--continuous"][..],
        &["--schedule", "@daily", "--wait", "5"],
        &["--wait", "--continuous"],
        &["--filelog", "--no-filelog"],
        &["--emails", "sometimes"],
        &["--mount", "some"],
        &["--retry", "many"],
        &["--port", "http"],
        &["--port", "80/sctp"],
        &["--health-check-script", "true", "--health-check-http", "/"],
    ] {
        let told = run(&session, words).unwrap_err();
        assert!(told.starts_with("exit 2\n"), "{words:?}: {told}");
    }
    assert!(session.server.lines().is_empty());
}

#[test]
fn what_jobs_do_not_have_is_refused_with_what_to_do_instead() {
    let session = created();
    let instead = "a job with `--port` is reached inside the cluster alone: start what is for \
                   everybody by `toolforge webservice`";
    for (words, option) in [
        (&["--publish"][..], "--publish"),
        (&["--publish", "/"], "--publish"),
        (&["--publish=/"], "--publish"),
        (&["--port", "8080", "--publish", "/"], "--publish"),
        (&["--webservice"], "--webservice"),
    ] {
        let expected = format!("exit 2\n-- stderr\nerror: `{option}` is not taken: {instead}\n");
        assert_eq!(run(&session, words), Err(expected), "{words:?}");
        let behind = [&["run"][..], words, &["bot", "--command", "c", "--image", "x"]].concat();
        assert!(send(&session, &behind).unwrap_err().contains(instead), "{behind:?}");
    }
}

#[test]
fn the_oldest_settings_are_refused_with_the_new_ones() {
    let session = created();
    for (words, instead) in [
        (["--cfg", "x.yaml"], "give `--server`, `--cert`, `--key` and `--ca`"),
        (["--kubeconfig", "~/config"], "set the variable `KUBECONFIG`"),
        (["--url", "https://x"], "give `--server URL`"),
        (["--hdr", "{}"], "give `--cert FILE --key FILE`"),
    ] {
        for line in [[&words[..], &["list"]].concat(), [&["list"], &words[..]].concat()] {
            let told = session.run(&line);
            let begin = format!("exit 2\n-- stderr\nerror: `{}` is not taken: ", words[0]);
            assert!(told.starts_with(&begin) && told.contains(instead), "{told}");
            assert_eq!(told.lines().count(), 3, "{told}");
        }
    }
}

/// A key of a file is understood, or refused as the option of the same name is.
#[test]
fn every_key_of_a_file_is_that_of_the_option_or_refused_like_it() {
    let refused = ["publish: /", "webservice: true", "filelogs: true", "memory: 1Gi"];
    for (key, expected) in [
        ("schedule: 5 4 * * *", Ok(json!({"schedule": "5 4 * * *"}))),
        ("continuous: true", Ok(json!({"continuous": true}))),
        ("continuous: 'true'", Ok(json!({"continuous": true}))),
        ("wait: true", Ok(json!({}))),
        ("wait: 600", Ok(json!({}))),
        ("filelog: true", Ok(json!({"filelog": true}))),
        ("no-filelog: true", Ok(json!({"filelog": false}))),
        ("no-filelog: \"true\"", Ok(json!({"filelog": false}))),
        ("filelog-stdout: a.log", Ok(json!({"filelog_stdout": "a.log"}))),
        ("filelog-stderr: a.log", Ok(json!({"filelog_stderr": "a.log"}))),
        ("mem: 200Mi", Ok(json!({"memory": "200Mi"}))),
        ("cpu: 0.5", Ok(json!({"cpu": "0.5"}))),
        ("retry: 5", Ok(json!({"retry": 5}))),
        ("emails: onfinish", Ok(json!({"emails": "onfinish"}))),
        ("mount: all", Ok(json!({"mount": "all"}))),
        ("timeout: 90", Ok(json!({"timeout": 90}))),
        ("replicas: 3", Ok(json!({"replicas": 3}))),
        ("port: 8080", Ok(json!({"port": 8080}))),
        ("port: 8080/tcp", Ok(json!({"port": 8080, "port_protocol": "tcp"}))),
        ("port: '53/udp'", Ok(json!({"port": 53, "port_protocol": "udp"}))),
        (
            "health-check-script: ./x -v",
            Ok(json!({"health_check": {"type": "script", "script": "./x -v"}})),
        ),
        ("health-check-http: /", Ok(json!({"health_check": {"type": "http", "path": "/"}}))),
    ]
    .into_iter()
    .chain(refused.into_iter().map(|key| (key, Err(()))))
    {
        let would_be = Reply::json(200, &completed("bot"));
        let session = Session::new([Reply::text(200, "[]"), would_be.clone(), would_be]);
        let file = format!("- name: bot\n  command: ./bot.py\n  image: x\n  {key}\n");
        session.write("jobs.yaml", &file);
        let file = session.home.path().join("jobs.yaml");
        let told = session.run(&["load", file.to_str().unwrap()]);
        let seen = session.server.seen();
        match expected {
            Ok(more) => {
                let mut body = json!({"name": "bot", "cmd": "./bot.py", "imagename": "x"});
                body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                let sent: Value = serde_json::from_str(&seen[2].body).unwrap();
                assert_eq!((seen[2].line.as_str(), sent), ("POST /api/v1/run/", body), "{key}");
            }
            Err(()) => {
                let key = key.split(':').next().unwrap();
                assert!(told.starts_with("exit 1\n-- stderr\nerror: "), "{told}");
                assert!(
                    told.contains(&format!(", line 4: `{key}` is not taken: "))
                        || told.contains(&format!(
                            ", line 4: there is no key `{key}`\nhint: did you mean"
                        )),
                    "{told}"
                );
                assert!(seen.is_empty(), "{key}");
            }
        }
    }
}

#[test]
fn a_log_is_asked_for_as_it_was() {
    for (words, query) in [
        (&["logs", "bot"][..], "stream=stdout"),
        (&["logs", "bot", "-f"], "stream=stdout&follow=true"),
        (&["logs", "--follow", "bot", "-l", "5"], "stream=stdout&lines=5&follow=true"),
        (&["logs", "-l5", "bot"], "stream=stdout&lines=5"),
        (&["logs", "bot", "--last", "5"], "stream=stdout&lines=5"),
        (&["--debug", "logs", "bot"], "stream=stdout"),
    ] {
        let shown = Reply::json(200, &completed("bot"));
        let session = Session::new([shown, Log::at("1-0", 0, "").ends()]);
        assert!(session.run(words).starts_with("exit 0\n"), "{words:?}");
        assert!(session.server.lines().contains(&format!("GET /api/v1/logs/bot/?{query}")));
    }
    let times =
        "log files have no times, unless the job writes some: `--last COUNT` shows their end";
    for (words, option) in [
        (&["logs", "bot", "--since", "1h32m22s"][..], "--since"),
        (&["logs", "--until=2026-01-01T00:00:00", "bot", "-f"], "--until"),
    ] {
        let expected = format!("exit 2\n-- stderr\nerror: `{option}` is not taken: {times}\n");
        assert_eq!(created().run(words), expected, "{words:?}");
    }
}

#[test]
fn a_list_has_the_layouts_that_it_had() {
    let session = Session::new([Reply::json(200, &[completed("bot"), job("web")])]);
    let (short, long) = (session.run(&["list"]), session.run(&["list", "--long"]));
    assert_ne!(short, long);
    for words in [&["-o", "normal"][..], &["--output", "normal"], &["--output=normal"]] {
        assert_eq!(session.run(&[&["list"], words].concat()), short);
    }
    for words in [&["-l"][..], &["-o", "long"], &["--output=long"], &["-o", "wide"], &["-olong"]] {
        assert_eq!(session.run(&[&["list"], words].concat()), long);
    }
    for words in [&["-o", "name"][..], &["--output", "name"]] {
        assert_eq!(session.run(&[&["list"], words].concat()), "exit 0\n-- stdout\nbot\nweb\n");
    }
    assert_eq!(session.run(&["list", "-o", "json"]), session.run(&["list", "--json"]));
    for words in [&["-o", "yaml"][..], &["-l", "-o", "name"], &["-o"]] {
        assert!(session.run(&[&["list"], words].concat()).starts_with("exit 2\n"), "{words:?}");
    }
}

#[test]
fn names_of_no_jobs_are_nothing_at_all() {
    let session = Session::new([Reply::text(200, "[]")]);
    assert_eq!(session.run(&["list", "--output", "name"]), "exit 0\n");
    assert_eq!(session.run(&["list", "-o", "json"]), "exit 0\n-- stdout\n[]\n");
}

#[test]
fn debug_says_more_before_the_verb_and_behind_it() {
    let session = Session::new([Reply::text(200, "[]")]);
    for words in [["--debug", "list"], ["list", "--debug"], ["list", "--verbose"]] {
        assert!(session.run(&words).contains("GET /api/v1/list/: 200 after "), "{words:?}");
    }
}

#[test]
fn the_other_verbs_are_called_as_they_were() {
    let deleted = || Reply::text(200, r#"{"deleted":["bot"]}"#);
    for (words, reply) in [
        (&["show", "bot"][..], Reply::json(200, &job("bot"))),
        (&["delete", "bot"], deleted()),
        (&["flush"], deleted()),
        (&["restart", "bot"], Reply::json(200, &job("bot"))),
        (&["quota"], Reply::text(200, r#"{"categories":[]}"#)),
        (&["dump"], Reply::text(200, "[]")),
        (&["dump", "-f", "/dev/null"], Reply::text(200, "[]")),
        (&["dump", "--to-file", "/dev/null"], Reply::text(200, "[]")),
        (&["images"], Reply::text(200, "[]")),
        (&["containers"], Reply::text(200, "[]")),
    ] {
        assert!(Session::new([reply]).run(words).starts_with("exit 0\n"), "{words:?}");
    }
}

#[test]
fn a_slip_is_still_a_slip() {
    expect![[r#"
        exit 2
        -- stderr
        error: unexpected argument '--ports' found

        Usage: toolforge-jobs list [OPTIONS]

        For more information, try '--help'.
    "#]]
    .assert_eq(&created().run(&["list", "--ports"]));
}
