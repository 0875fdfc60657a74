use std::fs;

use tempfile::TempDir;

use super::*;

/// A home and a site with nothing in them.
struct Place {
    folder: TempDir,
    environment: Environment,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            home: Some(folder.path().join("home")),
            site_settings: folder.path().join("etc.toml"),
            ..Environment::default()
        };
        Self { folder, environment }
    }

    /// Writes a file whose text is its own path, unless told otherwise.
    fn write(&self, path: &str, text: Option<&str>) -> PathBuf {
        let whole = self.folder.path().join(path);
        fs::create_dir_all(whole.parent().unwrap()).unwrap();
        fs::write(&whole, text.unwrap_or(path)).unwrap();
        whole
    }

    fn find(&self, flags: Source) -> Result<Settings, SettingsError> {
        Settings::find(flags, &self.environment, |_| {})
    }

    /// What has to be said of these settings.
    fn refusal(&self, flags: Source) -> String {
        let folder = self.folder.path().to_string_lossy().into_owned();
        self.find(flags).unwrap_err().to_string().replace(&folder, "")
    }
}

fn kubeconfig(certificate: &str, ca: &str) -> String {
    format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n\
         clusters: [{{name: x, cluster: {{{ca}}}}}]\nusers: [{{name: x, user: {{{certificate}}}}}]"
    )
}

fn server(url: &str) -> Source {
    Source { server: Some(url.to_owned()), ..Source::default() }
}

fn texts(settings: &Settings) -> (&str, &str, Option<&str>) {
    fn text(pem: &Pem) -> &str {
        std::str::from_utf8(&pem.text).unwrap()
    }
    let credentials = &settings.credentials;
    (text(&credentials.certificate), text(&credentials.key), credentials.ca.as_ref().map(text))
}

#[test]
fn the_first_that_is_set_wins() {
    let mut place = Place::new();
    place.write("home/.toolskube/client.crt", None);
    place.write("home/.toolskube/client.key", None);
    assert!(matches!(place.find(Source::default()), Err(SettingsError::NoServer)));

    place.write("etc.toml", Some("server = 'https://site'"));
    assert_eq!(place.find(Source::default()).unwrap().server, "https://site");
    place.write("home/.config/toolforge-jobs.toml", Some("server = 'https://tool'"));
    assert_eq!(place.find(Source::default()).unwrap().server, "https://tool");
    place.environment.server = Some("https://variable".to_owned());
    assert_eq!(place.find(Source::default()).unwrap().server, "https://variable");
    assert_eq!(place.find(server("https://flag")).unwrap().server, "https://flag");
}

#[test]
fn the_certificate_is_found_in_the_same_order_and_then_in_the_home() {
    let mut place = Place::new();
    let found = |place: &Place| {
        let settings = place.find(server("https://x"))?;
        let (certificate, key, _) = texts(&settings);
        Ok::<_, SettingsError>(format!("{certificate} {key}"))
    };
    assert!(matches!(found(&place), Err(SettingsError::NoCertificate)));

    place.write("home/.toolskube/client.crt", None);
    assert!(matches!(found(&place), Err(SettingsError::File(_))), "a certificate without key");
    place.write("home/.toolskube/client.key", None);
    assert_eq!(found(&place).unwrap(), "home/.toolskube/client.crt home/.toolskube/client.key");

    let user = "client-certificate-data: a3VjZXJ0, client-key-data: a3VrZXk=";
    place.write("home/.kube/config", Some(&kubeconfig(user, "")));
    assert_eq!(found(&place).unwrap(), "kucert kukey");

    place.write("etc-cert", None);
    place.write("home/k", None);
    place.write("etc.toml", Some("cert = 'etc-cert'\nkey = '~/k'"));
    assert_eq!(found(&place).unwrap(), "etc-cert home/k");

    place.environment.cert = Some(place.write("variable-cert", None));
    place.environment.key = Some(place.write("variable-key", None));
    assert_eq!(found(&place).unwrap(), "variable-cert variable-key");
}

#[test]
fn the_ca_is_the_given_one_else_the_kubeconfigs_else_the_systems() {
    let mut place = Place::new();
    place.write("home/.toolskube/client.crt", None);
    place.write("home/.toolskube/client.key", None);
    let ca = |place: &Place| {
        let settings = place.find(server("https://x")).unwrap();
        texts(&settings).2.map(str::to_owned)
    };
    assert_eq!(ca(&place), None);
    place.write("home/.kube/config", Some(&kubeconfig("", "certificate-authority-data: a3VjYQ==")));
    assert_eq!(ca(&place).as_deref(), Some("kuca"));
    place.environment.ca = Some(place.write("variable-ca", None));
    assert_eq!(ca(&place).as_deref(), Some("variable-ca"));
}

#[test]
fn a_kubeconfig_elsewhere_replaces_the_one_in_the_home() {
    let mut place = Place::new();
    place.write("home/.kube/config", Some("no: kubeconfig: at all"));
    let user = "client-certificate-data: YQ==, client-key-data: Yg==";
    let elsewhere = place.write("elsewhere", Some(&kubeconfig(user, "")));
    place.environment.kubeconfig = Some(vec![place.folder.path().join("gone"), elsewhere]);
    let settings = place.find(server("https://x")).unwrap();
    assert_eq!(texts(&settings), ("a", "b", None));
}

/// Everything, from flags.
fn everything(place: &Place) -> Source {
    let file = |name| Some(place.write(name, None));
    Source { cert: file("cert"), key: file("key"), ca: file("ca"), ..server("https://x") }
}

#[test]
fn a_kubeconfig_that_is_not_needed_is_not_read() {
    let place = Place::new();
    place.write("home/.kube/config", Some("no: kubeconfig: at all"));
    assert!(place.find(everything(&place)).is_ok());
    assert!(matches!(place.find(server("https://x")), Err(SettingsError::Kubeconfig(_))));
}

#[test]
fn of_a_kubeconfig_only_what_is_needed_is_read() {
    let place = Place::new();
    let user = "client-certificate-data: YQ==, client-key-data: Yg==";
    let config = kubeconfig(user, "certificate-authority: /nowhere/ca.crt");
    place.write("home/.kube/config", Some(&config));
    let flags = Source { cert: None, key: None, ..everything(&place) };
    assert_eq!(texts(&place.find(flags).unwrap()), ("a", "b", Some("ca")));

    let user = "client-certificate: /nowhere/client.crt, client-key: 5";
    let config = kubeconfig(user, "certificate-authority-data: Yw==");
    place.write("home/.kube/config", Some(&config));
    let flags = Source { ca: None, ..everything(&place) };
    assert_eq!(texts(&place.find(flags).unwrap()), ("cert", "key", Some("c")));
}

#[test]
fn files_that_are_not_needed_may_be_anything() {
    let mut place = Place::new();
    place.environment.site_settings = place.folder.path().join("folder");
    fs::create_dir(&place.environment.site_settings).unwrap();
    let settings = "home/.config/toolforge-jobs.toml";
    for text in ["server = ", "server = 5\nca = []", "cert = 'half'", "\u{0}"] {
        place.write(settings, Some(text));
        assert!(place.find(everything(&place)).is_ok(), "{text}");
        let flags = everything(&place);
        place.environment.server = flags.server;
        place.environment.cert = flags.cert;
        place.environment.key = flags.key;
        place.environment.ca = flags.ca;
        assert!(place.find(Source::default()).is_ok(), "{text}");
        place.environment.ca = None;
        assert!(place.find(Source::default()).is_err(), "{text}");
    }
}

#[test]
fn of_a_file_only_what_is_needed_is_judged() {
    let mut place = Place::new();
    place.write("etc.toml", Some("server = 5\ncert = 'half'\nca = 'etc-ca'"));
    place.write("etc-ca", None);
    let flags = Source { ca: None, ..everything(&place) };
    assert_eq!(texts(&place.find(flags).unwrap()).2, Some("etc-ca"));
    let flags = Source { server: None, ca: None, ..everything(&place) };
    assert_eq!(place.refusal(flags), "`/etc.toml`: `server` is not text");
    place.environment.site_settings = place.folder.path().join("etc.toml/below");
    assert!(matches!(place.find(Source::default()), Err(SettingsError::NoServer)));
}

#[test]
fn a_home_that_is_no_folder_has_no_files() {
    let mut place = Place::new();
    place.environment.home = Some("/dev/null".into());
    assert!(place.find(everything(&place)).is_ok());
    let flags = Source { ca: None, ..everything(&place) };
    assert_eq!(texts(&place.find(flags).unwrap()).2, None);
    assert!(matches!(place.find(server("https://x")), Err(SettingsError::NoCertificate)));
}

#[test]
fn half_an_identity_is_refused_by_name_wherever_it_is() {
    let mut place = Place::new();
    place.write("etc.toml", Some("cert = 'a'\nkey = 'b'"));
    place.write("home/.config/toolforge-jobs.toml", Some("key = 'k'"));
    let tools = "`key` in `/home/.config/toolforge-jobs.toml` is set without `cert` in \
                 `/home/.config/toolforge-jobs.toml`";
    assert_eq!(place.refusal(server("https://x")), tools);

    place.environment.cert = Some("c".into());
    let variables = "`TOOLFORGE_JOBS_CERT` is set without `TOOLFORGE_JOBS_KEY`";
    assert_eq!(place.refusal(server("https://x")), variables);

    place.environment.key = Some("k".into());
    let flags = Source { key: Some("k".into()), ..server("https://x") };
    assert_eq!(place.refusal(flags), "`--key` is set without `--cert`");
    let flags = Source { cert: Some("c".into()), ..server("https://x") };
    assert_eq!(place.refusal(flags), "`--cert` is set without `--key`");

    // Where nobody looks any more it does not matter.
    place.environment.key = None;
    assert!(place.find(everything(&place)).is_ok());
}

#[test]
fn a_key_of_the_future_is_passed_over_and_told() {
    let place = Place::new();
    place.write("etc.toml", Some("server = 'https://site'\nsever = 5\n[proxy]\nca = 'x'"));
    let told = std::cell::RefCell::new(String::new());
    let flags = Source { server: None, ca: None, ..everything(&place) };
    let settings =
        Settings::find(flags, &place.environment, |text| told.borrow_mut().push_str(text));
    let told = told.into_inner();
    assert_eq!(settings.unwrap().server, "https://site");
    for key in ["sever", "proxy"] {
        assert!(told.contains(&format!("etc.toml`: the key `{key}` is unknown")), "{told}");
    }
    assert!(!told.contains("server"), "{told}");
}

#[test]
fn the_packages_settings_say_nothing_until_a_key_is_uncommented_and_then_every_key_counts() {
    let shipped = include_str!("../../package/toolforge-jobs.toml");
    let tells_nothing = |text: &str| panic!("{text}");
    let place = Place::new();
    let find = || Settings::find(Source::default(), &place.environment, tells_nothing);
    place.write("etc.toml", Some(shipped));
    assert!(matches!(find(), Err(SettingsError::NoServer)));

    let uncommented = KEYS.iter().fold(shipped.to_owned(), |text, key| {
        assert_eq!(text.matches(&format!("\n#{key} = ")).count(), 1, "{key}");
        text.replace(&format!("\n#{key} = "), &format!("\n{key} = "))
    });
    place.write("etc.toml", Some(&uncommented));
    place.write("home/.toolskube/client.crt", None);
    place.write("home/.toolskube/client.key", None);
    place.write("toolforge-jobs-ca.crt", None);
    let settings = find().unwrap();
    assert_eq!(settings.server, "https://jobs.example.org:30001");
    let [certificate, key] = ["home/.toolskube/client.crt", "home/.toolskube/client.key"];
    assert_eq!(texts(&settings), (certificate, key, Some("toolforge-jobs-ca.crt")));
}
