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
        Settings::find(flags, &self.environment)
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
    assert_eq!(found(&place).unwrap(), "variable-cert home/k");
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

#[test]
fn a_kubeconfig_that_is_not_needed_is_not_read() {
    let place = Place::new();
    place.write("home/.kube/config", Some("no: kubeconfig: at all"));
    let file = place.write("file", None);
    let flags = Source {
        cert: Some(file.clone()),
        key: Some(file.clone()),
        ca: Some(file),
        ..server("https://x")
    };
    assert!(place.find(flags).is_ok());
    assert!(matches!(place.find(server("https://x")), Err(SettingsError::Kubeconfig(_))));
}

#[test]
fn half_an_identity_is_refused() {
    let place = Place::new();
    let flags = Source { cert: Some(place.write("file", None)), ..server("https://x") };
    assert_eq!(place.find(flags).unwrap_err().to_string(), "`cert` is set without `key`");
}

#[test]
fn a_misspelt_key_is_named_with_its_file() {
    let place = Place::new();
    place.write("etc.toml", Some("sever = 'https://x'"));
    let error = place.find(Source::default()).unwrap_err().to_string();
    assert!(error.contains("etc.toml`: unknown field `sever`"), "{error}");
}
