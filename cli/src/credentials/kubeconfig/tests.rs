use std::fs;

use tempfile::TempDir;

use super::*;

const ENTRIES: &str = "
apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: there, context: {cluster: other, user: other}}
- {name: here, context: {cluster: toolforge, user: tf-test, namespace: tool-tf-test}}
clusters:
- {name: toolforge, cluster: {server: https://k8s, certificate-authority: ca.crt}}
users:
";

fn kubeconfig(user: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ca.crt", "client.crt", "client.key"] {
        fs::write(folder.path().join(name), format!("text of {name}")).unwrap();
    }
    let path = folder.path().join("config");
    fs::write(&path, format!("{ENTRIES}- {user}\n")).unwrap();
    (folder, path)
}

#[test]
fn files_are_next_to_the_kubeconfig() {
    let user = "{name: tf-test, user: {client-certificate: client.crt, client-key: client.key}}";
    let (_folder, path) = kubeconfig(user);
    let found = Kubeconfig::find(&[path]).unwrap();
    let (certificate, key) = found.identity.unwrap();
    assert_eq!(certificate.text, b"text of client.crt");
    assert_eq!(key.text, b"text of client.key");
    assert_eq!(found.ca.unwrap().text, b"text of ca.crt");
}

#[test]
fn data_goes_before_a_file() {
    let user = "{name: tf-test, user: {client-certificate: gone, client-certificate-data: YQ==, \
                client-key-data: Yg==}}";
    let (_folder, path) = kubeconfig(user);
    let (certificate, key) = Kubeconfig::find(&[path]).unwrap().identity.unwrap();
    assert_eq!((certificate.text, key.text), (b"a".to_vec(), b"b".to_vec()));
    assert!(key.origin.starts_with("`client-key-data` in `"), "{}", key.origin);
}

#[test]
fn the_first_file_that_exists_is_taken_and_none_is_no_error() {
    let (folder, path) = kubeconfig("{name: tf-test, user: {}}");
    let gone = folder.path().join("gone");
    assert!(Kubeconfig::find(&[gone.clone(), path]).unwrap().ca.is_some());
    assert!(Kubeconfig::find(&[gone]).unwrap().ca.is_none());
}

#[test]
fn an_empty_kubeconfig_is_as_good_as_none() {
    let (_folder, path) = kubeconfig("{}");
    for text in [
        "",
        "clusters: null\ncontexts: null\nusers: null\ncurrent-context: ''\n",
        "current-context:",
    ] {
        fs::write(&path, text).unwrap();
        let found = Kubeconfig::find(std::slice::from_ref(&path));
        assert!(found.unwrap().identity.is_none(), "{text:?}");
    }
}

#[test]
fn tokens_and_programs_are_no_identity() {
    let user = "{name: tf-test, user: {token: t, exec: {command: /bin/false}}}";
    let (_folder, path) = kubeconfig(user);
    assert!(Kubeconfig::find(&[path]).unwrap().identity.is_none());
}

#[test]
fn what_is_wrong_is_said_without_quoting_the_key() {
    let (_folder, path) = kubeconfig("{name: tf-test, user: {client-key-data: {SECRET: SECRET}}}");
    let error = Kubeconfig::find(&[path]).unwrap_err().to_string();
    assert!(error.ends_with("line 11 can't be understood"), "{error}");
    assert!(!error.contains("SECRET"), "{error}");

    let (_folder, path) = kubeconfig("{name: tf-test, user: {client-key-data: '!SECRET'}}");
    let error = Kubeconfig::find(&[path]).unwrap_err().to_string();
    assert!(error.starts_with("`client-key-data` in `"), "{error}");
    assert!(!error.contains("SECRET"), "{error}");

    let (_folder, path) = kubeconfig("{name: somebody, user: {}}");
    let error = Kubeconfig::find(&[path]).unwrap_err().to_string();
    assert!(error.contains("has no user `tf-test`"), "{error}");
}
