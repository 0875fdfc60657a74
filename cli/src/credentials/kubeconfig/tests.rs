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

/// A certificate that tells where it is from.
fn certificate(paths: &[PathBuf]) -> Result<Option<String>, KubeconfigError> {
    let identity = Kubeconfig::find(paths)?.identity()?;
    Ok(identity.map(|(certificate, _)| String::from_utf8(certificate.text).unwrap()))
}

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
    let (certificate, key) = found.identity().unwrap().unwrap();
    assert_eq!(certificate.text, b"text of client.crt");
    assert_eq!(key.text, b"text of client.key");
    assert_eq!(found.ca().unwrap().unwrap().text, b"text of ca.crt");
}

#[test]
fn data_goes_before_a_file() {
    let user = "{name: tf-test, user: {client-certificate: gone, client-certificate-data: YQ==, \
                client-key-data: Yg==}}";
    let (_folder, path) = kubeconfig(user);
    let (certificate, key) = Kubeconfig::find(&[path]).unwrap().identity().unwrap().unwrap();
    assert_eq!((certificate.text, key.text), (b"a".to_vec(), b"b".to_vec()));
    assert!(key.origin.starts_with("`client-key-data` in `"), "{}", key.origin);
}

#[test]
fn files_that_are_missing_or_hold_nothing_are_passed_over() {
    let user = "{name: tf-test, user: {client-certificate: client.crt, client-key: client.key}}";
    let (folder, path) = kubeconfig(user);
    let gone = folder.path().join("gone");
    let below = folder.path().join("ca.crt/below");
    for text in ["", "\n", "# nothing", "---", "null", "{}", "current-context: ''", "users:"] {
        let empty = folder.path().join("empty");
        fs::write(&empty, text).unwrap();
        let paths = [PathBuf::new(), gone.clone(), below.clone(), empty, path.clone()];
        let found = certificate(&paths).unwrap();
        assert_eq!(found.as_deref(), Some("text of client.crt"), "{text:?}");
        assert_eq!(certificate(&paths[..4]).unwrap(), None, "{text:?}");
    }
    assert_eq!(certificate(&[]).unwrap(), None);
}

#[test]
fn of_several_files_the_first_to_have_something_is_taken() {
    fn data(text: &str) -> String {
        format!("client-certificate-data: {}, client-key-data: Yg==", BASE64_STANDARD.encode(text))
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let whole = |name: &str, current: &str, user: &str| {
        let text = format!(
            "current-context: {current}\ncontexts:\n- {{name: {current}, context: {{cluster: c, \
             user: u}}}}\nclusters:\n- {{name: c, cluster: {{certificate-authority: ca}}}}\nusers:\n\
             - {{name: u, user: {{{user}}}}}\n"
        );
        write(name, text)
    };
    let first = whole("first/config", "one", &data("first"));
    let second = whole("second/config", "two", &data("second"));
    let current = write("current", "current-context: two".to_owned());
    let context = "contexts: [{name: two, context: {user: other, cluster: c}}]".to_owned();
    let context = write("context", context);
    let users = format!("users: [{{name: u, user: {{{}}}}}]", data("users"));
    let users = write("users", users);
    let nobody = write("nobody", "users: [{name: u, user: }]".to_owned());
    let broken = write("broken", "a: [b".to_owned());
    let other = write("other", format!("users: [{{name: other, user: {{{}}}}}]", data("other")));
    for (paths, expected) in [
        (vec![&first, &second], Some("first")),
        (vec![&second, &first], Some("second")),
        (vec![&current, &first, &second], Some("first")),
        (vec![&users, &first], Some("users")),
        (vec![&context, &first, &second], Some("first")),
        (vec![&current, &context, &first, &other], Some("other")),
        // An entry is taken whole: what it lacks is not looked for in the next file.
        (vec![&nobody, &first], None),
        // What comes after everything was found is not read.
        (vec![&first, &broken], Some("first")),
    ] {
        let paths: Vec<_> = paths.into_iter().cloned().collect();
        assert_eq!(certificate(&paths).unwrap().as_deref(), expected, "{paths:?}");
    }
    assert!(certificate(&[broken, first.clone()]).is_err());

    // A path is relative to the file that holds it.
    write("second/ca", "second's".to_owned());
    let ca = Kubeconfig::find(&[users, second, first]).unwrap().ca().unwrap().unwrap();
    assert_eq!(ca.text, b"second's");
}

/// A kubeconfig in which only `here`, `c` and `u` matter.
fn with(odd: &str) -> String {
    format!(
        "current-context: here\ncontexts:\n{odd}\n- {{name: here, context: {{cluster: c, user: u}}}}\n\
         clusters:\n{odd}\n- {{name: c, cluster: {{certificate-authority-data: Yw==}}}}\n\
         users:\n{odd}\n- {{name: u, user: {{client-certificate-data: YQ==, client-key-data: Yg==}}}}\n"
    )
}

#[test]
fn what_the_current_context_does_not_name_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let good = with("");
    let mut texts: Vec<String> = [
        "- {name: other, context: {cluster: c}}",
        "- {name: other, user: , context: , cluster: }",
        "- {name: other}",
        "- {user: {}, context: {}, cluster: {}}",
        "-",
        "- text",
        "- 5",
        "- []",
        "- {name: other, user: 5, context: 5, cluster: 5}",
        "- {name: 5, user: {}}",
        "- {name: [here], user: {}}",
        "- {name: other, user: {client-key-data: {a: b}, client-certificate: 5}}",
        "- {name: other, name: another}",
        "- {name: other}\n- {name: other}",
        "- {name: other, user: {username: !binary AA==, password: !odd x, token: !!binary AA==}}",
        "- {name: other, user: {exec: {command: x, args: [1, null, {a: b}]}}}",
        "- {name: other, 5: 6, ? [a, b] : c, ? {d: e} : f, : g, true: h, 1.5: i}",
        "- {name: other, user: {token: 123456789012345678901234567890123456789012345678901234567890}}",
        "- {name: other, user: {a: .inf, b: -.nan, c: 2024-01-01, d: 0o7, e: 0x1f, f: ~}}",
    ]
    .map(with)
    .into();
    texts.extend([
        // A key twice: the last is taken, as `kubectl` does.
        format!("current-context: nowhere\n{good}"),
        format!("contexts: 5\nusers: []\n{good}"),
        good.replace("{client-cert", "{client-certificate-data: '!', client-cert"),
        // A second document, whatever it is.
        format!("{good}---\ncurrent-context: nowhere\n"),
        format!("{good}---\njust text\n"),
        format!("{good}---\na: [b\n c: }}\n"),
        format!("{good}...\n"),
        format!("---\n{good}"),
        format!("%YAML 1.1\n---\n{good}"),
        format!("\u{feff}{good}"),
        good.replace('\n', "\r\n"),
        format!("{good}preferences: {{colors: true}}\nextensions:\nzzz: 1\n"),
        format!("base: &b {{cluster: c, user: u}}\n{}", good.replace("{cluster: c, user: u}", "*b")),
        format!(
            "base: &b {{cluster: c, user: u}}\n{}",
            good.replace("{cluster: c, user: u}", "{<<: *b, namespace: x}")
        ),
        r#"{"current-context":"here","contexts":[{"name":"here","context":{"cluster":"c","user":"u"}}],
	"clusters":[{"name":"c","cluster":{"certificate-authority-data":"Yw=="}}],
	"users":[{"name":"u","user":{"client-certificate-data":"YQ==","client-key-data":"Yg=="}}]}"#
            .to_owned(),
    ]);
    for text in texts {
        fs::write(&path, &text).unwrap();
        let found = Kubeconfig::find(std::slice::from_ref(&path));
        let found = found.unwrap_or_else(|error| panic!("{error}:\n{text}"));
        let identity = found.identity().unwrap_or_else(|error| panic!("{error}:\n{text}"));
        let (certificate, key) = identity.unwrap_or_else(|| panic!("nobody:\n{text}"));
        let ca = found.ca().unwrap().unwrap();
        assert_eq!((&*certificate.text, &*key.text, &*ca.text), (&b"a"[..], &b"b"[..], &b"c"[..]));
    }
}

#[test]
fn a_context_that_names_no_user_has_none_and_may_have_a_ca() {
    let (_folder, path) = kubeconfig("{name: tf-test, user: {}}");
    fs::write(&path, ENTRIES.replace("user: tf-test, ", "")).unwrap();
    let found = Kubeconfig::find(&[path]).unwrap();
    assert!(found.identity().unwrap().is_none());
    assert!(found.ca().unwrap().is_some());
}

#[test]
fn tokens_programs_and_a_key_alone_are_no_identity() {
    for user in ["{token: t, exec: {command: /bin/false}}", "{client-key: gone}", "", "{}"] {
        let (_folder, path) = kubeconfig(&format!("{{name: tf-test, user: {user}}}"));
        assert_eq!(certificate(&[path]).unwrap(), None, "{user}");
    }
}

#[test]
fn what_is_wrong_is_said_without_quoting_the_key() {
    for (user, expected) in [
        ("{name: tf-test, user: {client-key-data: {SECRET: ", "is not a kubeconfig: line "),
        (
            "{name: tf-test, user: {client-certificate: ca.crt, client-key-data: {SECRET: SECRET}}}",
            "is not a kubeconfig: `client-key-data` can't be understood",
        ),
        (
            "{name: tf-test, user: {client-certificate: ca.crt, client-key-data: '!SECRET'}}",
            "`client-key-data` in `",
        ),
        ("{name: tf-test, user: [SECRET]}", "is not a kubeconfig: `user` can't be understood"),
        ("{name: somebody, user: {token: SECRET}}", "has no user `tf-test`, which its current"),
        (
            "{name: tf-test, user: {client-certificate: ca.crt, token: SECRET}}",
            "is set without `client-key`",
        ),
        (
            "{name: tf-test, user: {client-certificate: gone, client-key-data: SECRET}}",
            "gone` can't",
        ),
    ] {
        let (_folder, path) = kubeconfig(user);
        let error = certificate(&[path]).unwrap_err().to_string();
        assert!(error.contains(expected), "{user}: {error}");
        assert!(!error.contains("SECRET"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    for text in [&b"just text"[..], b"[a]", b"5", b"\xff\xfe\x00", b"current-context: 5"] {
        fs::write(&path, text).unwrap();
        let error = certificate(std::slice::from_ref(&path)).unwrap_err().to_string();
        assert!(error.contains("is not a kubeconfig"), "{error}");
    }
    assert!(certificate(&[folder.path().to_owned()]).is_err(), "a folder");
}
