use expect_test::expect;
use tempfile::TempDir;

use crate::{
    server::{Ca, Reply},
    session::{Session, bare_command, tell},
};

fn no_jobs() -> Session {
    Session::new([Reply::text(200, "[]")])
}

#[test]
fn without_a_server_nothing_is_sent() {
    let home = TempDir::new().unwrap();
    let output = bare_command(home.path(), &["list"]).output().unwrap();
    expect![[r#"
        exit 2
        -- stderr
        error: no server is configured
        hint: give `--server URL`, set `TOOLFORGE_JOBS_SERVER`, or write `server = "https://…"` to `~/.config/toolforge-jobs.toml`
    "#]].assert_eq(&tell(&output));
}

#[test]
fn without_a_certificate_nothing_is_sent() {
    let home = TempDir::new().unwrap();
    let output = bare_command(home.path(), &["list", "--server", "https://x"]).output().unwrap();
    expect![[r#"
        exit 2
        -- stderr
        error: no client certificate was found
        hint: give `--cert FILE --key FILE`, or see that the kubeconfig (`KUBECONFIG`, else `~/.kube/config`) has them, or `~/.toolskube/client.crt` and `client.key`
    "#]].assert_eq(&tell(&output));
}

#[test]
fn a_key_that_is_not_there_or_is_none_is_named() {
    let session = no_jobs();
    expect![[r#"
        exit 2
        -- stderr
        error: `gone` can't be read: No such file or directory (os error 2)
    "#]]
    .assert_eq(&session.run(&["list", "--cert", "gone", "--key", "gone"]));
    let certificate = session.home.path().join("client.crt");
    let certificate = certificate.to_str().unwrap();
    expect![[r#"
        exit 2
        -- stderr
        error: no private key can be read from `HOME/client.crt`: no items found
    "#]]
    .assert_eq(&session.run(&["list", "--cert", certificate, "--key", certificate]));
    let (_, other) = Ca::new("another CA").sign("tf-test");
    session.write("client.key", &other.serialize_pem());
    expect![[r#"
        exit 2
        -- stderr
        error: the certificate from `HOME/client.crt` can't be used with the key from `HOME/client.key`: keys may not be consistent: KeyMismatch
    "#]].assert_eq(&session.run(&["list"]));
    assert!(session.server.lines().is_empty());
}

#[test]
fn an_address_without_tls_is_refused() {
    expect![[r#"
        exit 2
        -- stderr
        error: the server's address `http://x` is not a URL such as `https://jobs.example.org:30001`
    "#]]
    .assert_eq(&no_jobs().run(&["list", "--server", "http://x"]));
}

#[test]
fn everything_is_found_in_the_home() {
    let session = no_jobs();
    session.write(
        ".kube/config",
        "current-context: toolforge\n\
         contexts: [{name: toolforge, context: {cluster: toolforge, user: tf-test}}]\n\
         clusters: [{name: toolforge, cluster: {certificate-authority: ../ca.crt}}]\n\
         users: [{name: tf-test, user: {client-certificate: ../client.crt, \
         client-key: ../client.key}}]\n",
    );
    let server = format!("server = 'https://{}'", session.server.address);
    session.write(".config/toolforge-jobs.toml", &server);
    let output = bare_command(session.home.path(), &["list", "--json"]).output().unwrap();
    expect![[r#"
        exit 0
        -- stdout
        []
    "#]]
    .assert_eq(&tell(&output));
}

#[test]
fn a_flag_without_its_pair_is_not_paired_with_a_variable() {
    let session = no_jobs();
    expect![[r#"
        exit 2
        -- stderr
        error: `--cert` is set without `--key`
        hint: certificate and key go together: set both in the same place, or none
    "#]]
    .assert_eq(&session.run(&["list", "--cert", "client.crt"]));
    assert!(session.server.lines().is_empty());
}

#[test]
fn a_file_that_is_not_needed_is_not_read() {
    let session = no_jobs();
    session.write(".config/toolforge-jobs.toml", "broken");
    session.write(".kube/config", "a: [b");
    assert_eq!(session.run(&["list", "--json"]), "exit 0\n-- stdout\n[]\n");
    let output = session.command(&["list", "--json"]).env("HOME", "/dev/null").output().unwrap();
    assert_eq!(session.tell(&output), "exit 0\n-- stdout\n[]\n");
}

#[test]
fn an_unknown_key_is_told_only_to_the_curious() {
    let session = no_jobs();
    session.write(".config/toolforge-jobs.toml", "proxy = 'x'");
    let ca_from_file = |words: &[&str]| {
        let output = session.command(words).env_remove("TOOLFORGE_JOBS_CA").output().unwrap();
        session.tell(&output)
    };
    let expected =
        "`HOME/.config/toolforge-jobs.toml`: the key `proxy` is unknown, and passed over";
    assert!(ca_from_file(&["list", "-v"]).contains(expected));
    assert!(!ca_from_file(&["list"]).contains("proxy"));
}

#[test]
fn an_address_may_end_in_the_base_path() {
    let session = no_jobs();
    for end in ["", "/", "/api/v1", "/api/v1/"] {
        let server = format!("https://{}{end}", session.server.address);
        assert_eq!(
            session.run(&["list", "--json", "--server", &server]),
            "exit 0\n-- stdout\n[]\n"
        );
    }
    assert_eq!(session.server.lines(), ["GET /api/v1/list/"; 4]);
}

#[test]
fn a_server_that_is_away_is_told_so() {
    // Nobody can listen on port 0.
    let output = no_jobs().run(&["list", "--server", "https://127.0.0.1:0"]);
    expect![[r#"
        exit 3
        -- stderr
        error: cannot connect to `https://127.0.0.1:0`: Connection refused (os error 111)
    "#]]
    .assert_eq(&output);
}

#[test]
fn a_server_of_another_ca_is_not_trusted() {
    let session = no_jobs();
    session.write("ca.crt", &Ca::new("another CA").certificate.pem());
    expect![[r#"
        exit 3
        -- stderr
        error: no trusted connection to `https://SERVER`: no CA that is trusted here signed the server's certificate: invalid peer certificate: UnknownIssuer
        hint: give the CA that signed the server's certificate with `--ca FILE` or `TOOLFORGE_JOBS_CA`
    "#]].assert_eq(&session.run(&["list"]));
    assert!(session.server.lines().is_empty());
}

#[test]
fn a_certificate_of_another_ca_is_not_taken() {
    let session = no_jobs();
    let (certificate, key) = Ca::new("another CA").sign("tf-test");
    session.write("client.crt", &certificate.pem());
    session.write("client.key", &key.serialize_pem());
    expect![[r#"
        exit 3
        -- stderr
        error: no trusted connection to `https://SERVER`: the server does not know the CA of the tool's certificate: received fatal alert: UnknownCA
        hint: give the tool's own certificate and key, which the site renews, with `--cert FILE --key FILE`, or ask an administrator
    "#]].assert_eq(&session.run(&["list"]));
    assert!(session.server.lines().is_empty());
}
