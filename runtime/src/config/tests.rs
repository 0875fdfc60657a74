use std::collections::HashMap;

use super::*;

fn complete() -> HashMap<&'static str, String> {
    [
        (IDENTITY, "peer-certificate"),
        (TLS_CERT, "/tls/tls.crt"),
        (TLS_KEY, "/tls/tls.key"),
        (CLIENT_CA, "/ca.crt"),
        (KUBE_SERVER, "https://kubernetes:6443"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .into()
}

fn read(source: &HashMap<&str, String>) -> Result<Config, Faults> {
    let mut reader = Reader::new(source);
    let config = Config::read(&mut reader);
    reader.finish(config)
}

#[test]
fn what_is_not_set_has_the_documented_default() {
    let config = read(&complete()).unwrap();
    assert_eq!(config.listen.to_string(), "0.0.0.0:8443");
    assert_eq!(config.admin_listen.to_string(), "0.0.0.0:9090");
    assert_eq!(config.organization, "toolforge");
    assert_eq!(config.kube_ca, PathBuf::from(IN_CLUSTER_CA));
}

#[test]
fn all_faults_are_reported_at_once() {
    let mut source = complete();
    source.insert(LISTEN, "everywhere".to_owned());
    source.insert(IDENTITY, "trust-me".to_owned());
    source.insert(KUBE_SERVER, "http://kubernetes".to_owned());
    source.insert(LOG_FILTER, "info=loud".to_owned());
    source.remove(TLS_KEY);
    let faults = read(&source).unwrap_err().to_string();
    for key in [LISTEN, IDENTITY, KUBE_SERVER, LOG_FILTER, TLS_KEY] {
        assert!(faults.contains(key), "{key} is missing in:\n{faults}");
    }
    assert_eq!(faults.lines().count(), 5);
}

#[test]
fn there_is_no_default_door() {
    let mut source = complete();
    source.remove(IDENTITY);
    assert_eq!(read(&source).unwrap_err().to_string(), "TJF_IDENTITY: must be set");
}

/// The proxies' name goes with their door, and with no other.
#[test]
fn a_proxys_name_is_set_with_its_door_and_only_then() {
    for (door, name, outcome) in [
        ("trusted-header", Some("ingress.example"), Ok(Some("ingress.example"))),
        ("trusted-header", None, Err("TJF_PROXY_NAME: must be set with `trusted-header`")),
        ("trusted-header", Some(""), Err("TJF_PROXY_NAME: must be set with `trusted-header`")),
        ("peer-certificate", None, Ok(None)),
        (
            "peer-certificate",
            Some("ingress.example"),
            Err("TJF_PROXY_NAME: is only for `trusted-header`: leave it out"),
        ),
    ] {
        let mut source = complete();
        source.insert(IDENTITY, door.to_owned());
        source.extend(name.map(|name| (PROXY_NAME, name.to_owned())));
        let found = read(&source).map(|config| config.proxy_name).map_err(|it| it.to_string());
        assert_eq!(found.as_ref().map(Option::as_deref).map_err(String::as_str), outcome, "{door}");
    }
}

#[test]
fn in_a_pod_kubernetes_is_where_every_pod_finds_it() {
    let mut source = complete();
    source.remove(KUBE_SERVER);
    source.insert("KUBERNETES_SERVICE_HOST", "fd00::1".to_owned());
    source.insert("KUBERNETES_SERVICE_PORT", "443".to_owned());
    assert_eq!(read(&source).unwrap().kube_server, "https://[fd00::1]:443");
}
