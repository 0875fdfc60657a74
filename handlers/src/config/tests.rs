#![expect(clippy::disallowed_methods, reason = "the README is read, and nobody waits for it")]

use std::collections::HashMap;

use super::*;

fn complete() -> HashMap<&'static str, String> {
    [
        (config::IDENTITY, "peer-certificate"),
        (config::TLS_CERT, "/tls/tls.crt"),
        (config::TLS_KEY, "/tls/tls.key"),
        (config::CLIENT_CA, "/ca.crt"),
        (config::KUBE_SERVER, "https://kubernetes:6443"),
        (CATALOGUE, "/etc/catalogue.json"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .into()
}

fn with(key: &'static str, value: &str) -> Result<Config, String> {
    let mut source = complete();
    source.insert(key, value.to_owned());
    read(&source).map_err(|faults| faults.to_string())
}

/// The settings alone: their files are not there.
fn read(source: &HashMap<&str, String>) -> Result<Config, config::Faults> {
    let mut reader = Reader::new(source);
    let config = Config::read(&mut reader, 1_048_576);
    reader.finish(config)
}

#[test]
fn what_is_not_set_has_the_documented_default() {
    let config = read(&complete()).unwrap();
    assert_eq!(
        config.pod_settings,
        PodSettings {
            homes: "/data/project".to_owned(),
            home_volume: HomeVolume::HostPath,
            job_ttl_seconds: 86_400,
        }
    );
    assert_eq!(config.catalogue, PathBuf::from("/etc/catalogue.json"));
    assert_eq!(config.runtime.organization, "toolforge");
    assert!(config.compat);
    assert!(!with(COMPAT, "off").unwrap().compat);
}

#[test]
fn all_faults_are_reported_at_once_ours_and_the_runtimes() {
    let mut source = complete();
    source.remove(CATALOGUE);
    source.remove(config::TLS_KEY);
    for (key, value) in [
        (config::LISTEN, "everywhere"),
        (config::IDENTITY, "trust-me"),
        (HOMES, "data/project"),
        (HOME_VOLUME, "nfs"),
        (JOB_TTL, "1d"),
        (COMPAT, "yes"),
    ] {
        source.insert(key, value.to_owned());
    }
    let faults = read(&source).unwrap_err().to_string();
    let mut named: Vec<_> =
        faults.lines().map(|line| line.split_once(':').unwrap().0.to_owned()).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "TJF_CATALOGUE",
            "TJF_COMPAT",
            "TJF_HOMES",
            "TJF_HOME_VOLUME",
            "TJF_IDENTITY",
            "TJF_JOB_TTL",
            "TJF_LISTEN",
            "TJF_TLS_KEY",
        ]
    );
}

#[test]
fn the_homes_are_an_absolute_path_without_a_slash_at_its_end() {
    for (text, homes) in [("/homes", "/homes"), ("/homes/", "/homes"), ("/a/b//", "/a/b")] {
        assert_eq!(with(HOMES, text).unwrap().pod_settings.homes, homes);
    }
    for text in ["homes", "./homes", "/", "//", "/homes/../x", "~/homes"] {
        let fault = with(HOMES, text).unwrap_err();
        assert_eq!(fault, format!("TJF_HOMES: `{text}` is not an absolute path"));
    }
}

#[test]
fn a_home_comes_from_the_node_from_a_server_or_from_somebody_else() {
    let nfs = |server: &str, export: &str| HomeVolume::Nfs {
        server: server.to_owned(),
        export: export.to_owned(),
    };
    for (text, volume) in [
        ("host-path", HomeVolume::HostPath),
        ("none", HomeVolume::None),
        ("nfs:nfs.example:/srv/project", nfs("nfs.example", "/srv/project")),
        ("nfs:nfs.example:/", nfs("nfs.example", "/")),
        ("nfs:192.0.2.1:/srv", nfs("192.0.2.1", "/srv")),
        ("nfs:fd00::1:/srv", nfs("fd00::1", "/srv")),
        ("nfs:[fd00::1]:/srv", nfs("[fd00::1]", "/srv")),
        ("nfs:a:/srv:/x", nfs("a", "/srv:/x")),
    ] {
        assert_eq!(with(HOME_VOLUME, text).unwrap().pod_settings.home_volume, volume, "{text}");
    }
    for text in ["hostPath", "NONE", "nfs", "nfs:", "nfs:a", "nfs:a:", "nfs:a:srv", "nfs::/srv"] {
        let fault = with(HOME_VOLUME, text).unwrap_err();
        assert!(fault.contains("`nfs:SERVER:/EXPORT`"), "{fault}");
    }
}

#[test]
fn a_time_to_live_is_a_number_of_seconds() {
    for (text, seconds) in [("0", 0), ("60", 60), ("2147483647", i32::MAX)] {
        assert_eq!(with(JOB_TTL, text).unwrap().pod_settings.job_ttl_seconds, seconds);
    }
    for text in ["-1", "1d", "1.5", "2147483648", " 1"] {
        assert!(with(JOB_TTL, text).is_err(), "{text}");
    }
}

#[test]
fn an_empty_setting_is_not_set() {
    assert_eq!(with(HOMES, "").unwrap().pod_settings.homes, "/data/project");
    assert_eq!(with(CATALOGUE, "").unwrap_err(), "TJF_CATALOGUE: must be set");
}

/// The names are found in the sources, so that no new one can be forgotten here.
#[test]
fn every_setting_is_in_the_readmes_table() {
    let source = |path: &str| {
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(manifest.join(path)).unwrap()
    };
    let readme = source("../README.md");
    let rows: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let sources = source("src/config.rs") + &source("../runtime/src/config.rs");
    let settings: Vec<_> = sources
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": &str = \""))
        .filter_map(|(_, rest)| rest.strip_suffix("\";"))
        .collect();
    assert_eq!(settings.len(), 17, "{settings:?}");
    for setting in settings {
        let is_told = |row: &str| {
            row.split('|').next().is_some_and(|keys| keys.split('`').any(|key| key == setting))
        };
        assert!(rows.iter().any(|row| is_told(row)), "{setting} is in no row of the README");
    }
}
