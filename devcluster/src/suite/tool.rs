//! One tool, and everything that its owner can do and see.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::{NamespaceResourceScope, api::core::v1::Pod};
use kube::{Api, Resource, api::ListParams};
use serde_json::Value;
use tjf_api_types::JobView;
use tokio::fs;

use super::{Answer, Call, Client, Cluster, Output, cluster::Made, eventually, run_program};
use crate::{Identity, Programs, Service, home::Home, namespace, secrets};

/// A pod has to be scheduled, started and counted, on a machine that does much else.
const END_TIME_MAX: Duration = Duration::from_secs(90);

/// A tool of a test's own.
#[derive(Clone)]
pub struct Tool {
    /// Talks to the service as this tool.
    pub client: Client,
    service: Arc<Service>,
    shared: Arc<Shared>,
}

/// What does not change when another service is asked.
pub struct Shared {
    /// The tool's name.
    pub name: String,
    /// Its user id.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
    /// Its home.
    pub home: PathBuf,
    /// Its certificate, as it shows it to the service.
    pub identity: Identity,
    cluster: Arc<Cluster>,
    programs: Programs,
}

impl Deref for Tool {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Tool {
    pub(crate) fn new(
        made: Made,
        cluster: Arc<Cluster>,
        programs: Programs,
        service: Arc<Service>,
    ) -> Self {
        let Made { name, home: Home { path: home, uid, gid }, identity } = made;
        let client = service.client(Some(&identity));
        let shared = Arc::new(Shared { name, uid, gid, home, identity, cluster, programs });
        Self { client, service, shared }
    }

    /// The same tool, asking another service.
    #[must_use]
    pub fn through(&self, service: &Arc<Service>) -> Self {
        Self {
            client: service.client(Some(&self.identity)),
            service: Arc::clone(service),
            shared: Arc::clone(&self.shared),
        }
    }

    /// Sends a request.
    pub async fn send(&self, call: Call) -> Answer {
        self.client.send(call).await
    }

    /// Creates a job.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn run(&self, body: Value) -> JobView {
        self.send(Call::run(&body)).await.expect(201)
    }

    /// Describes a job.
    ///
    /// # Panics
    /// When there is none of this name.
    pub async fn show(&self, name: &str) -> JobView {
        self.send(Call::get(&format!("/show/{name}/"))).await.expect(200)
    }

    /// Describes all jobs.
    ///
    /// # Panics
    /// When the service does not.
    pub async fn list(&self) -> Vec<JobView> {
        self.send(Call::get("/list/")).await.expect(200)
    }

    /// Deletes a job.
    ///
    /// # Panics
    /// When there is none of this name.
    pub async fn delete(&self, name: &str) {
        let deleted: Value = self.send(Call::delete(name)).await.expect(200);
        assert_eq!(deleted, serde_json::json!({"deleted": [name]}));
    }

    /// Looks at a job until it is as expected.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn until(
        &self,
        name: &str,
        time_max: Duration,
        is_so: impl Fn(&JobView) -> bool,
    ) -> JobView {
        eventually(&format!("the state of {name}"), time_max, async || {
            let job = self.show(name).await;
            if is_so(&job) { Ok(job) } else { Err(job) }
        })
        .await
    }

    /// A one-off, when it has ended.
    ///
    /// # Panics
    /// When it does not.
    pub async fn ended(&self, name: &str) -> JobView {
        self.until(name, END_TIME_MAX, |job| job.status.phase.is_final()).await
    }

    /// What a file in the home holds; nothing, when it is not there.
    pub async fn read(&self, file: &str) -> String {
        let bytes = fs::read(self.home.join(file)).await.unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What a file in the home holds, once it has this text.
    ///
    /// # Panics
    /// When it never has.
    pub async fn read_until(&self, file: &str, text: &str, time_max: Duration) -> String {
        eventually(&format!("{text:?} in {file}"), time_max, async || {
            let content = self.read(file).await;
            if content.contains(text) { Ok(content) } else { Err(content) }
        })
        .await
    }

    /// Objects in the tool's namespace, as the administrator sees them.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.admin.clone(), &namespace::name_of(&self.name))
    }

    /// The pods of one job, as the administrator sees them.
    ///
    /// # Panics
    /// When the cluster does not answer.
    pub async fn pods_of(&self, job: &str) -> Vec<Pod> {
        let params = ListParams::default().labels(&format!("app.kubernetes.io/name={job}"));
        self.api::<Pod>().list(&params).await.expect("pods").items
    }

    /// Runs the command `toolforge-jobs`, in an environment that has only what a bastion gives it.
    pub async fn command(&self, words: &[&str]) -> Output {
        self.command_at(self.service.address, &self.service.ca_file(), words).await
    }

    /// The same, with the service at this address. The file has the CA of whoever answers there.
    pub async fn command_at(&self, address: SocketAddr, ca: &Path, words: &[&str]) -> Output {
        secrets::know_words(words);
        let server = format!("https://{address}");
        let variables: [(&str, &OsStr); 3] = [
            ("HOME", self.home.as_os_str()),
            ("TOOLFORGE_JOBS_SERVER", OsStr::new(&server)),
            ("TOOLFORGE_JOBS_CA", ca.as_os_str()),
        ];
        run_program(&self.programs.command, words, &variables).await
    }

    /// The service that this tool asks.
    pub fn service(&self) -> &Service {
        &self.service
    }
}
