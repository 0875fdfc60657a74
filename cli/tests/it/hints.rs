//! Every hint is followed, and helps; or it is not given.

use std::net::TcpListener;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};

use crate::{
    server::{Ca, Reply},
    session::{Session, bare_command, tell},
    views::{completed, failed, job, problem},
};

fn no_jobs() -> Session {
    Session::new([Reply::text(200, "[]")])
}

/// The hint of what was told.
fn hint(told: &str) -> Option<&str> {
    told.lines().find_map(|line| line.strip_prefix("hint: "))
}

fn error(told: &str) -> &str {
    told.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or_default()
}

/// What `list` tells of a server whose certificate has something odd about it.
fn told_of_server(odd: impl Fn(&mut CertificateParams)) -> String {
    let odd = |ca: &Ca| ca.sign_odd("127.0.0.1", odd);
    let mut session = Session::presenting(odd, [Reply::text(200, "[]")]);
    session.server.open();
    let told = session.run(&["list"]);
    assert!(told.starts_with("exit 3\n") && session.server.lines().is_empty(), "{told}");
    told
}

/// The CA was given, and is the right one.
#[test]
fn who_gave_the_ca_is_not_told_to_give_it() {
    for (told, matter, helps) in [
        (
            told_of_server(|params| params.not_after = date_time_ymd(2020, 1, 1)),
            "the server's certificate has expired",
            "see that the clock here is right",
        ),
        (
            told_of_server(|params| params.not_before = date_time_ymd(3000, 1, 1)),
            "the server's certificate is not valid yet",
            "see that the clock here is right",
        ),
        (
            told_of_server(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            "the server's certificate is that of a CA",
            "ask an administrator",
        ),
        (
            told_of_server(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }),
            "the server's certificate is not one of a server",
            "ask an administrator",
        ),
    ] {
        assert!(error(&told).contains(matter), "{told}");
        let hint = hint(&told).unwrap();
        assert!(hint.contains(helps) && !hint.contains("--ca"), "{told}");
    }
}

#[test]
fn a_server_of_another_name_is_called_by_the_name_it_has() {
    let mut session = Session::presenting(|ca| ca.sign("localhost"), [Reply::text(200, "[]")]);
    session.server.open();
    let told = session.run(&["list"]);
    assert!(error(&told).contains("the server's certificate is for another name"), "{told}");
    assert!(hint(&told).unwrap().contains("with `--server URL`"), "{told}");
    let named = format!("https://localhost:{}", session.server.address.port());
    assert!(session.run(&["list", "--server", &named]).starts_with("exit 0\n"));
}

#[test]
fn the_ca_that_is_missing_helps() {
    for name in ["another CA", "the test's CA"] {
        let session = no_jobs();
        session.write("other.crt", &Ca::new(name).certificate.pem());
        let other = session.home.path().join("other.crt");
        let mut command = session.command(&["list"]);
        let told = session.tell(&command.env("TOOLFORGE_JOBS_CA", other).output().unwrap());
        assert!(hint(&told).unwrap().starts_with("give the CA that signed"), "{name}: {told}");
        let ca = session.home.path().join("ca.crt");
        let told = session.run(&["list", "--ca", ca.to_str().unwrap()]);
        assert!(told.starts_with("exit 0\n"), "{told}");
    }
}

#[test]
fn the_tools_own_certificate_helps_who_showed_another() {
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    for name in ["another CA", "the test's CA"] {
        let session = no_jobs();
        let (certificate, key) = Ca::new(name).sign_odd("tf-test", expired);
        session.write("other.crt", &certificate.pem());
        session.write("other.key", &key.serialize_pem());
        let path = |name: &str| session.home.path().join(name).to_str().unwrap().to_owned();
        let list = |cert: &str, key: &str| {
            session.run(&["list", "--cert", &path(cert), "--key", &path(key)])
        };
        let told = list("other.crt", "other.key");
        let end = "the tool's certificate ended on 2020-01-01";
        assert!(error(&told).ends_with(end), "{told}");
        assert!(hint(&told).unwrap().contains("with `--cert FILE --key FILE`"), "{told}");
        assert!(list("client.crt", "client.key").starts_with("exit 0\n"));
    }
}

#[test]
fn another_port_helps_where_nothing_speaks_tls() {
    let session = no_jobs();
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", plain.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        use std::io::Write;
        // A read that fails is tried again, so that there is more than one connection.
        for connection in plain.incoming() {
            let answer = connection.and_then(|mut tcp| {
                tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").map(|()| tcp)
            });
            if let Ok(tcp) = answer {
                drop(std::io::copy(&mut &tcp, &mut std::io::sink()));
                break;
            }
        }
    });
    let told = session.run(&["list", "--server", &address]);
    answering.join().unwrap();
    assert!(error(&told).contains("does not speak TLS"), "{told}");
    assert!(hint(&told).unwrap().contains("give the port of the service"), "{told}");
    assert!(session.run(&["list"]).starts_with("exit 0\n"));
}

#[test]
fn each_way_to_name_the_server_helps() {
    let session = no_jobs();
    let server = format!("https://{}", session.server.address);
    let list = |words: &[&str], variable: &str| {
        let mut command = session.command(&[&["list"], words].concat());
        tell(&command.env("TOOLFORGE_JOBS_SERVER", variable).output().unwrap())
    };
    let told = list(&[], "");
    let hint = hint(&told).unwrap().to_owned();
    assert!(hint.starts_with("give `--server URL`, set `TOOLFORGE_JOBS_SERVER`, or"), "{told}");
    assert!(list(&["--server", &server], "").starts_with("exit 0\n"));
    assert!(list(&[], &server).starts_with("exit 0\n"));
    let (before, file) = hint.rsplit_once(" to ").unwrap();
    let (_, line) = before.rsplit_once("write ").unwrap();
    let name = file.trim_matches('`').strip_prefix("~/").unwrap();
    session.write(name, &line.trim_matches('`').replace("https://…", &server));
    assert!(list(&[], "").starts_with("exit 0\n"));
}

/// A home with nothing in it, next to the one that has everything.
#[test]
fn each_way_to_give_a_certificate_helps() {
    let session = no_jobs();
    let path = |name: &str| session.home.path().join(name).to_str().unwrap().to_owned();
    let (server, ca) = (format!("https://{}", session.server.address), path("ca.crt"));
    let list = |words: &[&str]| {
        let line = [&["list", "--server", &server, "--ca", &ca], words].concat();
        tell(&bare_command(session.home.path(), &line).output().unwrap())
    };
    let told = list(&[]);
    let hint = hint(&told).unwrap();
    for way in [
        "`--cert FILE --key FILE`",
        "`KUBECONFIG`, else `~/.kube/config`",
        "`~/.toolskube/client.crt`",
    ] {
        assert!(hint.contains(way), "{told}");
    }
    let (certificate, key) = (path("client.crt"), path("client.key"));
    assert!(list(&["--cert", &certificate, "--key", &key]).starts_with("exit 0\n"));
    let kubeconfig = format!(
        "current-context: c\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{}}}}]\n\
         users: [{{name: u, user: {{client-certificate: {certificate}, client-key: {key}}}}}]\n"
    );
    session.write("elsewhere", &kubeconfig);
    let mut command =
        bare_command(session.home.path(), &["list", "--server", &server, "--ca", &ca]);
    command.env("KUBECONFIG", path("elsewhere"));
    assert!(tell(&command.output().unwrap()).starts_with("exit 0\n"));
    session.write(".kube/config", &kubeconfig);
    assert!(list(&[]).starts_with("exit 0\n"));
    std::fs::remove_file(path(".kube/config")).unwrap();
    std::fs::create_dir(path(".toolskube")).unwrap();
    for name in ["client.crt", "client.key"] {
        std::fs::copy(path(name), path(&format!(".toolskube/{name}"))).unwrap();
    }
    assert!(list(&[]).starts_with("exit 0\n"));
}

#[test]
fn the_words_that_a_hint_shows_are_taken() {
    let session = Session::new([Reply::json(201, &completed("bot"))]);
    let see = |wrong: &[&str], right: &[&str], says: &str| {
        let told = session.run(&[&["run"], wrong].concat());
        assert!(told.starts_with("exit 2\n"), "{told}");
        assert!(hint(&told).unwrap().contains(says), "{wrong:?}: {told}");
        let told = session.run(&[&["run"], right].concat());
        assert!(told.starts_with("exit 0\n"), "{right:?}: {told}");
    };
    see(
        &["--type", "x"],
        &["./bot.py --all", "--type", "x"],
        "run './bot.py --all' --type CONTAINER",
    );
    see(
        &["--command", "c", "--image", "x"],
        &["bot", "--command", "c", "--image", "x"],
        "run NAME --command COMMAND --image CONTAINER",
    );
    see(&["echo", "hi", "--type", "x"], &["echo hi", "--type", "x"], "put the command in quotes");
    see(
        &["echo", "hi", "--type", "x"],
        &["--type", "x", "--", "echo", "hi"],
        "or its words after `--`",
    );
    see(
        &["./bot.py", "--wait", "5m", "--type", "x"],
        &["./bot.py", "--wait=5m", "--type", "x"],
        "a time to wait is written `--wait=5m`",
    );
    see(
        &["bot", "all", "--command", "./bot.py", "--type", "x"],
        &["bot", "--command", "./bot.py all", "--type", "x"],
        "put the whole command in quotes, behind `--command`",
    );
    see(
        &["./bot.py", "--type", "x", "--", "echo", "hi"],
        &["--type", "x", "--", "echo", "hi"],
        "the words after `--` are the whole command",
    );
}

#[test]
fn a_word_that_is_no_option_is_not_said_to_be_a_value() {
    let session = no_jobs();
    for words in [
        &["show", "--nmae"][..],
        &["delete", "--nmae"],
        &["run", "bot", "--command", "c", "--image", "x", "--wiat"],
    ] {
        let told = session.run(words);
        assert!(told.starts_with("exit 2\n") && !told.contains("as a value"), "{told}");
    }
}

const TAKEN: [&str; 7] = ["run", "true", "--type", "x", "--name", "bot", "--quiet"];

fn taken() -> Reply {
    problem("job-exists", 409, "the name `bot` is taken")
}

#[test]
fn a_job_in_the_way_can_be_deleted_and_its_name_taken() {
    let session = Session::new([
        taken(),
        Reply::json(200, &job("bot")),
        Reply::text(200, r#"{"deleted":["bot"]}"#),
        Reply::json(201, &job("bot")),
    ]);
    let told = session.run(&TAKEN);
    assert_eq!(hint(&told), Some("take another name, or `toolforge-jobs delete bot` first"));
    assert!(session.run(&["delete", "bot"]).starts_with("exit 0\n"));
    assert!(session.run(&TAKEN).starts_with("exit 0\n"));
}

/// An object that is no job is not shown, and can't be deleted; what is being deleted is on its way.
#[test]
fn nobody_is_told_to_delete_what_can_not_be_deleted() {
    let mut going = job("bot");
    going.deleting_since = Some("2024-05-06T07:09:00Z".to_owned());
    let away = problem("forbidden", 403, "no");
    for shown in [problem("job-not-found", 404, "no"), Reply::json(200, &going), away] {
        let session = Session::new([taken(), shown]);
        assert_eq!(hint(&session.run(&TAKEN)), Some("take another name"));
    }
}

#[test]
fn a_job_that_goes_on_can_be_stopped() {
    let session =
        Session::new([Reply::json(201, &job("bot")), Reply::text(200, r#"{"deleted":["bot"]}"#)]);
    let told = session.run(&["run", "true", "--type", "x", "--wait=0"]);
    assert_eq!(hint(&told), Some("`toolforge-jobs delete bot` stops it"));
    assert!(session.run(&["delete", "bot"]).starts_with("exit 0\n"));
}

#[test]
fn what_is_not_understood_can_be_printed() {
    let odd = r#"{"items":[]}"#;
    let session = Session::new([Reply::text(201, odd), Reply::text(200, odd)]);
    let told = session.run(&["run", "bot", "--command", "true", "--image", "x"]);
    assert_eq!(hint(&told), Some("`toolforge-jobs show bot --json` prints what the service has"));
    let told = session.run(&["show", "bot", "--json"]);
    assert_eq!(told, format!("exit 0\n-- stdout\n{odd}\n"));
}

#[test]
fn a_match_is_one_that_there_is_and_nothing_is_listed_where_there_is_nothing() {
    let missing = || problem("job-not-found", 404, "there is no job `bto`");
    let session =
        Session::new([missing(), Reply::json(200, &[job("bot")]), Reply::json(200, &job("bot"))]);
    assert_eq!(hint(&session.run(&["show", "bto"])), Some("did you mean `bot`?"));
    assert!(session.run(&["show", "bot"]).starts_with("exit 0\n"));
    let session = Session::new([missing(), Reply::json(200, &[job("other")])]);
    assert_eq!(hint(&session.run(&["show", "bto"])), Some("`toolforge-jobs list` lists your jobs"));
    assert!(session.run(&["list"]).contains("other"));
    for nothing in [Reply::text(200, "[]"), problem("forbidden", 403, "no")] {
        let session = Session::new([missing(), nothing]);
        assert_eq!(hint(&session.run(&["show", "bto"])), None);
    }
    // A proxy's page says nothing about jobs.
    let session = Session::new([Reply::text(404, "<html>"), Reply::json(200, &[job("bot")])]);
    assert_eq!(hint(&session.run(&["show", "bto"])), None);
    assert_eq!(session.server.lines().len(), 1);
}

/// The output is where it is said to be only when the job ran and could write.
#[test]
fn output_is_looked_for_only_where_there_is_some() {
    let hint_of = |change: &dyn Fn(&mut tjf_api_types::JobView)| {
        let mut ended = failed("bot", Some(3), "ExitCode");
        change(&mut ended);
        let session = Session::new([Reply::json(201, &ended)]);
        let told = session.run(&["run", "./bot.py", "--type", "x", "--wait"]);
        hint(&told).map(str::to_owned)
    };
    let file = |name: &str| Some(format!("/data/project/tf-test/{name}"));
    let (out, err) = ("`/data/project/tf-test/bot.out`", "`/data/project/tf-test/bot.err`");
    assert_eq!(hint_of(&|_| ()), Some(format!("what it wrote is in {out} and {err}")));
    assert_eq!(hint_of(&|job| job.status.started_at = None), None);
    for reason in ["LogNotWritable", "StartError", "ContainerCannotRun"] {
        assert_eq!(hint_of(&|job| job.status.reason = Some(reason.to_owned())), None);
    }
    // Its pod has gone, and with it whether it ever began.
    assert_eq!(
        hint_of(&|job| job.status.exit_code = None),
        Some(format!("what it wrote, if it began, is in {out} and {err}"))
    );
    assert_eq!(hint_of(&|job| (job.filelog_stdout, job.filelog_stderr) = (None, None)), None);
    let null = || Some("/dev/null".to_owned());
    assert_eq!(
        hint_of(&|job| job.filelog_stderr = null()),
        Some(format!("what it wrote is in {out}"))
    );
    assert_eq!(hint_of(&|job| (job.filelog_stdout, job.filelog_stderr) = (null(), null())), None);
    assert_eq!(
        hint_of(&|job| job.filelog_stderr = file("bot.out")),
        Some(format!("what it wrote is in {out}"))
    );
}

#[test]
fn a_failure_is_said_once() {
    let mut ended = failed("bot", Some(3), "ExitCode");
    ended.status_long =
        "Failed at 2024-05-06T07:08:17Z: its program ended with exit code 3.".to_owned();
    let session = Session::new([Reply::json(201, &ended)]);
    let told = session.run(&["run", "./bot.py", "--type", "x", "--wait"]);
    assert_eq!(
        error(&told),
        "`bot`: Failed at 2024-05-06T07:08:17Z: its program ended with exit code 3."
    );
}
