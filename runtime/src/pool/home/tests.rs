#![expect(clippy::disallowed_methods, reason = "a test may block")]

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::Path,
};

use kube::client::Body;
use prometheus_client::{encoding::text::encode, registry::Registry};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustix::fs::{CWD, mkfifoat};
use tempfile::TempDir;

use super::*;
use crate::pool::{Clients, PoolLimits};

mod fuzz;

const CERTIFICATE: &str = ".toolskube/client.crt";
const KEY: &str = ".toolskube/client.key";

/// The user that owns the homes of a test that runs as root; any but root.
const UID: u32 = 54321;

/// A folder of homes, and a CA in a file beside them.
struct House {
    folder: TempDir,
    directory: HomeDirectory,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.path().join("ca.crt"), ca.pem()).unwrap();
        fs::create_dir(folder.path().join("homes")).unwrap();
        let directory = HomeDirectory::new(
            folder.path().join("homes"),
            KeyFiles { certificate: CERTIFICATE, key: KEY },
            "https://127.0.0.1:1".parse().unwrap(),
            folder.path().join("ca.crt"),
        );
        Self { folder, directory }
    }

    fn home(&self, tool: &str) -> PathBuf {
        self.folder.path().join("homes").join(tool)
    }

    /// A home with a certificate of this name in it.
    fn make(&self, tool: &str, common_name: &str) {
        fs::create_dir_all(self.home(tool).join(".toolskube")).unwrap();
        let (certificate, key) = pair(common_name);
        self.write(tool, CERTIFICATE, certificate.as_bytes());
        self.write(tool, KEY, key.as_bytes());
    }

    fn write(&self, tool: &str, file: &str, bytes: &[u8]) {
        fs::write(self.home(tool).join(file), bytes).unwrap();
        self.give(tool, UID);
    }

    /// Gives a home and everything in it to a user, where we may.
    fn give(&self, tool: &str, uid: u32) {
        if is_root() {
            give(&self.home(tool), uid);
        }
    }

    async fn look(&self, tool: &str) -> Result<Look<HomeClient>, ConnectError> {
        self.directory.look(&CommonName::parse(tool).unwrap(), Known::Nothing).await
    }

    async fn no_credentials(&self, tool: &str) -> String {
        match self.look(tool).await {
            Err(ConnectError::NoCredentials(cause)) => cause.to_string(),
            Err(error) => panic!("{error:?}"),
            Ok(_) => panic!("there is a client"),
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn give(path: &Path, uid: u32) {
    rustix::fs::chownat(
        CWD,
        path,
        Some(rustix::fs::Uid::from_raw(uid)),
        Some(rustix::fs::Gid::from_raw(uid)),
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), uid);
        }
    }
}

fn pair(common_name: &str) -> (String, String) {
    pair_of(common_name, CertificateParams::default())
}

fn pair_of(common_name: &str, mut params: CertificateParams) -> (String, String) {
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, common_name);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn a_good_home_gives_a_client_and_its_owner() {
    let house = House::new();
    house.make("a", "a");
    let Ok(Look::Changed(client, version)) = house.look("a").await else { panic!() };
    let owner = if is_root() { UID } else { rustix::process::geteuid().as_raw() };
    assert_eq!(client.uid, owner);
    let name = CommonName::parse("a").unwrap();
    let again = house.directory.look(&name, Known::Good(version)).await;
    assert!(matches!(again, Ok(Look::Unchanged)));
    house.make("a", "a");
    assert!(matches!(
        house.directory.look(&name, Known::Good(version)).await,
        Ok(Look::Changed(..))
    ));
}

/// A client has two ways to Kubernetes. Both show the same pair and know the same CA, which is also
/// that of all other tools.
#[tokio::test]
async fn the_ca_of_kubernetes_is_kept_once_and_a_tools_tls_once_a_tool() {
    let house = House::new();
    let mut clients = Vec::new();
    for (tool, count) in [("a", 1), ("b", 2)] {
        house.make(tool, tool);
        let Ok(Look::Changed(client, _)) = house.look(tool).await else { panic!() };
        clients.push(client);
        let roots = house.directory.places.kube_roots.get().unwrap();
        assert_eq!(Arc::strong_count(roots), 1 + count);
    }
}

/// Of all homes together, and where the service looks for them.
#[tokio::test]
async fn calls_by_the_clients_of_homes_are_counted() {
    let house = House::new();
    let clients = Clients::new(house.directory.clone(), PoolLimits::PRODUCTION);
    for (tool, count) in [("a", 1), ("b", 2)] {
        house.make(tool, tool);
        let Ok(Look::Changed(client, _)) = house.look(tool).await else { panic!() };
        let request = http::Request::get(format!("/api/v1/namespaces/tool-{tool}/pods"));
        assert!(client.kube.send(request.body(Body::empty()).unwrap()).await.is_err());
        let mut registry = Registry::default();
        clients.calls().register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let line = r#"kube_requests_total{verb="list",resource="pods",status="none"}"#;
        assert!(text.contains(&format!("{line} {count}\n")), "{text}");
    }
}

#[tokio::test]
async fn a_certificate_that_has_ended_or_not_begun_makes_no_client() {
    let house = House::new();
    house.make("a", "a");
    let [past, future] = [1999, 2999].map(|year| rcgen::date_time_ymd(year, 1, 1));
    for (not_before, not_after) in [(past, past), (future, future)] {
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (not_before, not_after);
        let (certificate, key) = pair_of("a", params);
        house.write("a", CERTIFICATE, certificate.as_bytes());
        house.write("a", KEY, key.as_bytes());
        assert!(matches!(house.look("a").await, Err(ConnectError::NotValidNow)));
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_is_not_this_tools() {
    let house = House::new();
    house.make("a", "b");
    assert!(matches!(house.look("a").await, Err(ConnectError::ForeignCertificate)));
}

/// The first certificate in the key's file and the certificate's, in this order, is shown. The
/// second half would fail with another order: the certificate's file then has another key.
#[tokio::test]
async fn a_certificate_beside_the_key_is_checked_too() {
    let house = House::new();
    house.make("a", "a");
    let (foreign, foreign_key) = pair("b");
    house.write("a", KEY, format!("{foreign_key}{foreign}").as_bytes());
    assert!(matches!(house.look("a").await, Err(ConnectError::ForeignCertificate)));
    let (own, own_key) = pair("a");
    house.write("a", KEY, format!("{own_key}{own}").as_bytes());
    assert!(house.look("a").await.is_ok());
}

#[tokio::test]
async fn a_key_need_not_end_its_last_line() {
    let house = House::new();
    house.make("a", "a");
    for file in [CERTIFICATE, KEY] {
        let text = fs::read_to_string(house.home("a").join(file)).unwrap();
        house.write("a", file, text.trim_end().as_bytes());
    }
    assert!(house.look("a").await.is_ok());
}

#[tokio::test]
async fn a_link_out_of_the_home_is_never_followed() {
    let house = House::new();
    house.make("neighbour", "a");
    for target in [house.home("neighbour").join(KEY), PathBuf::from("../../neighbour").join(KEY)] {
        house.make("a", "a");
        fs::remove_file(house.home("a").join(KEY)).unwrap();
        symlink(&target, house.home("a").join(KEY)).unwrap();
        assert!(house.no_credentials("a").await.contains(KEY));
    }
    fs::remove_dir_all(house.home("a")).unwrap();
    fs::create_dir(house.home("a")).unwrap();
    symlink("../neighbour/.toolskube", house.home("a").join(".toolskube")).unwrap();
    house.give("a", UID);
    assert!(house.no_credentials("a").await.contains(CERTIFICATE));
}

/// Only an administrator could lay such a link; it would still not make one tool the other.
#[tokio::test]
async fn a_home_that_is_a_link_to_another_is_not_this_tools() {
    let house = House::new();
    house.make("b", "b");
    symlink("b", house.home("a")).unwrap();
    assert!(matches!(house.look("a").await, Err(ConnectError::ForeignCertificate)));
    fs::remove_file(house.home("a")).unwrap();
    symlink(house.home("b"), house.home("a")).unwrap();
    assert!(house.no_credentials("a").await.contains("home"));
}

#[tokio::test]
async fn a_link_within_the_home_is_the_tools_own_business() {
    let house = House::new();
    house.make("a", "a");
    fs::rename(house.home("a").join(".toolskube"), house.home("a").join("keys")).unwrap();
    symlink("keys", house.home("a").join(".toolskube")).unwrap();
    house.give("a", UID);
    assert!(house.look("a").await.is_ok());
}

#[tokio::test]
async fn what_is_no_regular_file_hangs_nobody() {
    let house = House::new();
    house.make("fifo", "fifo");
    let key = house.home("fifo").join(KEY);
    fs::remove_file(&key).unwrap();
    mkfifoat(CWD, &key, Mode::RUSR | Mode::WUSR).unwrap();
    house.give("fifo", UID);
    assert!(house.no_credentials("fifo").await.contains("not a regular file"));
    house.make("folder", "folder");
    fs::remove_file(house.home("folder").join(KEY)).unwrap();
    fs::create_dir(house.home("folder").join(KEY)).unwrap();
    house.give("folder", UID);
    assert!(house.no_credentials("folder").await.contains("not a regular file"));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_no_certificate() {
    let house = House::new();
    house.make("a", "a");
    house.write("a", CERTIFICATE, &vec![b'-'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]);
    assert!(house.no_credentials("a").await.contains("too large"));
}

/// A hard link to a neighbour's file is beneath the home, and a regular file; only its owner tells.
#[tokio::test]
async fn a_home_or_a_file_that_belongs_to_somebody_else_is_refused() {
    if !is_root() {
        eprintln!("left out: only root can give files away");
        return;
    }
    let house = House::new();
    house.make("neighbour", "a");
    house.give("neighbour", UID + 1);
    house.make("a", "a");
    fs::remove_file(house.home("a").join(KEY)).unwrap();
    fs::hard_link(house.home("neighbour").join(KEY), house.home("a").join(KEY)).unwrap();
    assert!(house.no_credentials("a").await.contains("home's owner"));
    house.make("root", "root");
    chown(house.home("root"), Some(0), Some(0)).unwrap();
    assert!(house.no_credentials("root").await.contains("owned by root"));
}

#[tokio::test]
async fn without_a_home_there_are_no_credentials() {
    assert!(House::new().no_credentials("nobody").await.contains("home"));
}

/// The time is tokio's, and stands still but for the waits between two looks; the looks themselves
/// are real.
#[tokio::test(start_paused = true)]
async fn a_pair_that_does_not_fit_is_looked_at_again_for_three_seconds() {
    let house = House::new();
    house.make("a", "a");
    let (_, other_key) = pair("a");
    house.write("a", KEY, other_key.as_bytes());
    let began = tokio::time::Instant::now();
    house.no_credentials("a").await;
    assert_eq!(began.elapsed(), HALF_WRITTEN_TIME_MAX);

    let (certificate, key) = pair("a");
    house.write("a", CERTIFICATE, certificate.as_bytes());
    let mut look = std::pin::pin!(house.look("a"));
    let a_second = Duration::from_secs(1);
    assert!(tokio::time::timeout(a_second, &mut look).await.is_err(), "it does not give up yet");
    house.write("a", KEY, key.as_bytes());
    assert!(matches!(look.await, Ok(Look::Changed(..))));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_missing_may_come_in_a_moment() {
    let house = House::new();
    house.make("a", "a");
    let (file, aside) = (house.home("a").join(CERTIFICATE), house.home("a").join("aside"));
    fs::rename(&file, &aside).unwrap();
    let mut look = std::pin::pin!(house.look("a"));
    let a_second = Duration::from_secs(1);
    assert!(tokio::time::timeout(a_second, &mut look).await.is_err(), "it does not give up yet");
    fs::rename(&aside, &file).unwrap();
    assert!(matches!(look.await, Ok(Look::Changed(..))));
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_does_not_fit_is_no_reason_to_wait_when_there_is_an_old_one() {
    let house = House::new();
    house.make("a", "a");
    let (_, other_key) = pair("a");
    house.write("a", KEY, other_key.as_bytes());
    let began = tokio::time::Instant::now();
    let name = CommonName::parse("a").unwrap();
    assert!(house.directory.look(&name, Known::Good(Version(0))).await.is_err());
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(house.directory.look(&name, Known::Refused(Version(0))).await.is_err());
    assert_eq!(began.elapsed(), HALF_WRITTEN_TIME_MAX, "nobody has a refused one");
}

#[tokio::test]
async fn a_ca_that_is_not_there_is_our_own_fault_and_can_come_later() {
    let house = House::new();
    house.make("a", "a");
    let ca = house.folder.path().join("ca.crt");
    let pem = fs::read(&ca).unwrap();
    fs::remove_file(&ca).unwrap();
    assert!(matches!(house.look("a").await, Err(ConnectError::Misconfigured(_))));
    for nonsense in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        fs::write(&ca, nonsense).unwrap();
        let outcome = house.look("a").await;
        assert!(matches!(outcome, Err(ConnectError::Misconfigured(_))), "{nonsense}");
    }
    fs::write(&ca, pem).unwrap();
    assert!(house.look("a").await.is_ok());
}

#[test]
fn no_file_left_for_us_is_not_a_fault_of_the_home() {
    for (errno, is_ours) in [(Errno::MFILE, true), (Errno::NFILE, true), (Errno::ACCESS, false)] {
        let Err(HomeError::Final(error)) = opened::<()>(Err(errno), no_home) else { panic!() };
        assert_eq!(matches!(error, ConnectError::NoFileLeft), is_ours, "{errno}");
    }
}
