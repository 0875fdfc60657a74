//! `dump`, and what `load` makes of it.

use expect_test::expect;
use tjf_api_types::{HealthCheck, HealthCheckView, JobType, PortProtocol};

use crate::{
    load::{there, web, would_be},
    session::Session,
    views::{completed, job},
};

#[test]
fn a_dump_is_what_load_reads() {
    let mut odd = job("odd");
    odd.cmd = "echo 'a: b' | cat\nexit".to_owned();
    odd.schedule = Some("*/5 * * * *".to_owned());
    odd.job_type = JobType::Scheduled.into();
    odd.filelog_stdout = Some("/data/project/tf-test/logs/odd".to_owned());
    odd.env.insert("NO".to_owned(), "yes".to_owned());
    let mut served = web("1Gi");
    (served.port, served.port_protocol) = (Some(53), Some(PortProtocol::Udp.into()));
    let check = HealthCheck::Script { script: "test -e ok".to_owned() };
    served.health_check = Some(HealthCheckView::from(&check));
    let jobs = [completed("bot"), odd, served];
    let session = Session::new([there(&jobs)]);
    let mut command = session.command(&["dump"]);
    let told = session.tell(&command.env("HOME", "/data/project/tf-test").output().unwrap());
    expect![[r#"
        exit 0
        -- stdout
        - name: bot
          command: ./bot.py --all
          image: tf-python39
          mem: 512Mi
        - name: odd
          command: "echo 'a: b' | cat\nexit"
          image: tf-python39
          schedule: '*/5 * * * *'
          filelog-stdout: logs/odd
          mem: 512Mi
          env:
            'NO': 'yes'
        - name: web
          command: ./bot.py --all
          image: tf-python39
          continuous: true
          port: 53/udp
          health-check-script: test -e ok
          mem: 1Gi
    "#]]
    .assert_eq(&told);

    for words in
        [&["dump", "out.yaml"][..], &["dump", "-f", "out.yaml"], &["dump", "--to-file=out.yaml"]]
    {
        let session = Session::new([there(&jobs)]);
        let mut command = session.command(words);
        let output = command.current_dir(session.home.path()).output().unwrap();
        assert_eq!(session.tell(&output), "exit 0\n", "{words:?}");
        let mut checks = vec![there(&jobs)];
        checks.extend(jobs.clone().map(would_be));
        let again = Session::new(checks);
        let dumped = session.home.path().join("out.yaml");
        let told = again.run(&["load", dumped.to_str().unwrap(), "--prune"]);
        assert_eq!(told, "exit 0\n-- stdout\nbot unchanged\nodd unchanged\nweb unchanged\n");
    }
}

#[test]
fn a_dump_of_nothing_is_a_list_of_nothing() {
    let session = Session::new([there(&[])]);
    assert_eq!(session.run(&["dump"]), "exit 0\n-- stdout\n[]\n");
    assert_eq!(session.run(&["dump", "-", "--json"]), "exit 0\n-- stdout\n[]\n");
    let told = session.run(&["dump", "/nonexistent/x"]);
    assert_eq!(
        told,
        "exit 3\n-- stderr\nerror: `/nonexistent/x` can't be written: No such file or directory (os error 2)\n"
    );
    assert!(session.run(&["dump", "a", "-f", "b"]).starts_with("exit 2\n"));
}
