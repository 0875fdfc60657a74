//! The service, and what is beside it: over the network, as tools.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response,
    header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH},
};
use tjf_api_types::{RunRequest, path};
use tjf_cli::Pem;
use tokio::time::Instant;

use super::{Failure, Reply, Target};
use crate::{
    address::Address,
    alarm,
    plan::{Connection, Operation, Request},
    tools::{Tool, ToolsError},
    wire::Wire,
};

/// Jobs that `run` has made and nobody has deleted yet, of one tool. Then a `run` deletes one
/// first, so that no quota ends the measurement.
const WRITTEN_MAX: usize = 16;

/// A server, and who signed its certificate.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) address: Address,
    pub(crate) ca: Pem,
}

/// Everybody who can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Sites {
    pub(crate) service: Site,
    pub(crate) kubernetes: Option<Site>,
    pub(crate) beside: Option<Site>,
}

/// What there is for requests to be about.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    /// Jobs that stay: `show` asks for them in turn.
    pub(crate) jobs: Vec<String>,
    /// What the names of all jobs begin with that `run` creates.
    pub(crate) prefix: String,
    /// The container that jobs have.
    pub(crate) container: String,
}

/// The real target.
pub(crate) struct Network {
    callers: Vec<Caller>,
    subjects: Subjects,
    written: AtomicU64,
}

/// One tool.
struct Caller {
    service: Wire,
    kubernetes: Option<Wire>,
    beside: Option<Wire>,
    lists: [String; 4],
    etag: Mutex<Option<HeaderValue>>,
    written: Mutex<VecDeque<String>>,
}

impl Network {
    /// Nothing is connected yet.
    pub(crate) fn new(
        tools: &[Tool],
        sites: &Sites,
        subjects: Subjects,
    ) -> Result<Self, ToolsError> {
        let callers: Result<_, _> = tools.iter().map(|tool| Caller::new(tool, sites)).collect();
        Ok(Self { callers: callers?, subjects, written: AtomicU64::new(0) })
    }

    async fn ask(
        &self,
        request: Request,
        operation: Operation,
        claimed: Option<String>,
    ) -> Result<u64, Failure> {
        let caller = &self.callers[request.tool];
        let Request { connection, .. } = request;
        match operation {
            Operation::List => get(&caller.service, path::LIST, connection).await,
            Operation::Containers => get(&caller.service, path::CONTAINERS, connection).await,
            Operation::Show => {
                let jobs = &self.subjects.jobs;
                let job = jobs.get(request.index as usize / self.callers.len() % jobs.len().max(1));
                let path = path::show(job.map_or("none", String::as_str));
                get(&caller.service, &path, connection).await
            }
            Operation::Unchanged => caller.unchanged(connection).await,
            Operation::Run => self.run(caller, connection).await,
            Operation::Delete => {
                let path = path::delete(claimed.as_deref().unwrap_or("none"));
                let delete = caller.service.request("DELETE", &path);
                send(&caller.service, delete, Bytes::new(), connection).await.map(size)
            }
            Operation::Direct => {
                let Some(kubernetes) = &caller.kubernetes else { return Err(absent()) };
                let mut bytes = 0;
                for path in &caller.lists {
                    bytes += get(kubernetes, path, connection).await?;
                }
                Ok(bytes)
            }
            Operation::Beside => {
                let Some(beside) = &caller.beside else { return Err(absent()) };
                get(beside, path::LIST, connection).await
            }
        }
    }

    async fn run(&self, caller: &Caller, connection: Connection) -> Result<u64, Failure> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-w{number}", self.subjects.prefix);
        let run = job(&name, &self.subjects.container);
        let body =
            serde_json::to_vec(&run).map_err(|error| Failure::Connection(error.to_string()))?;
        let request =
            caller.service.request("POST", path::RUN).header(CONTENT_TYPE, "application/json");
        let bytes = size(send(&caller.service, request, body.into(), connection).await?);
        caller.written.lock().unwrap_or_else(PoisonError::into_inner).push_back(name);
        Ok(bytes)
    }
}

impl Target for Network {
    async fn send(&self, request: Request) -> Reply {
        let (operation, claimed) = self.callers[request.tool].claim(request.operation);
        Reply { operation, result: self.ask(request, operation, claimed).await }
    }

    async fn wait_until(&self, at: Instant) {
        alarm::wait_until(at).await;
    }
}

impl Caller {
    fn new(tool: &Tool, sites: &Sites) -> Result<Self, ToolsError> {
        let wire = |site: &Site| {
            let tls = tool.tls(&site.ca)?;
            Wire::new(&site.address, tls).ok_or_else(|| ToolsError::Tls {
                origin: format!("`{}`", site.address.url),
                source: rustls::Error::General("no certificate has such a name".to_owned()),
            })
        };
        let below = |group: &str, kind: &str| {
            format!(
                "{group}/namespaces/tool-{name}/{kind}?labelSelector=toolforge%3Dtool%2C\
                 app.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2C\
                 app.kubernetes.io%2Fcreated-by%3D{name}",
                name = tool.name
            )
        };
        Ok(Self {
            service: wire(&sites.service)?,
            kubernetes: sites.kubernetes.as_ref().map(wire).transpose()?,
            beside: sites.beside.as_ref().map(wire).transpose()?,
            lists: [
                below("/apis/batch/v1", "jobs"),
                below("/apis/batch/v1", "cronjobs"),
                below("/api/v1", "replicationcontrollers"),
                below("/api/v1", "pods"),
            ],
            etag: Mutex::default(),
            written: Mutex::default(),
        })
    }

    /// What is really done, and which job is deleted. Where nothing is left to delete, one is
    /// created; where too much is there, one is deleted.
    fn claim(&self, operation: Operation) -> (Operation, Option<String>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = written.len() >= WRITTEN_MAX;
        if operation == Operation::Delete || (operation == Operation::Run && is_full) {
            let oldest = written.pop_front();
            let instead = if oldest.is_some() { Operation::Delete } else { Operation::Run };
            return (instead, oldest);
        }
        (operation, None)
    }

    async fn unchanged(&self, connection: Connection) -> Result<u64, Failure> {
        let known = self.etag.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = self.service.request("GET", path::LIST);
        let request = match known {
            Some(etag) => request.header(IF_NONE_MATCH, etag),
            None => request,
        };
        let response = send(&self.service, request, Bytes::new(), connection).await?;
        let etag = response.headers().get(ETAG).cloned();
        *self.etag.lock().unwrap_or_else(PoisonError::into_inner) = etag;
        Ok(size(response))
    }
}

/// A job that is there, and never comes due while anybody looks.
pub(crate) fn job(name: &str, container: &str) -> RunRequest {
    RunRequest {
        name: Some(name.to_owned()),
        cmd: "true".to_owned(),
        imagename: container.to_owned(),
        schedule: Some("0 0 1 1 *".to_owned()),
        ..RunRequest::default()
    }
}

async fn get(wire: &Wire, path: &str, connection: Connection) -> Result<u64, Failure> {
    send(wire, wire.request("GET", path), Bytes::new(), connection).await.map(size)
}

async fn send(
    wire: &Wire,
    request: hyper::http::request::Builder,
    body: Bytes,
    connection: Connection,
) -> Result<Response<Bytes>, Failure> {
    let request = request.body(Full::new(body));
    let request = request.map_err(|error| Failure::Connection(error.to_string()))?;
    wire.exchange(request, connection).await
}

fn size(response: Response<Bytes>) -> u64 {
    response.into_body().len() as u64
}

fn absent() -> Failure {
    Failure::Connection("nobody said where that is".to_owned())
}
