//! A scripted cluster, and contexts for testing handlers without HTTP.
//!
//! The seam is the HTTP service under [`kube::Client`], so a test sees real paths and real bodies,
//! and there is no trait over Kubernetes that only tests would need.

mod clients;

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_test::mock;

pub use self::clients::{TEST_UID, clients_of, following_clients_of};
use crate::{
    callers::Callers,
    config::Limits,
    context::{Application, Context},
    identity::{Caller, CommonName},
    lock::lock,
    pool::{Clients, HomeClient},
    request_id::RequestId,
};

/// How long a test waits for a call that does not come.
const PATIENCE: Duration = Duration::from_secs(5);

impl<S: Application> Context<S> {
    /// The context of a call by `tool` that talks to `kube`, due in half a minute.
    ///
    /// # Panics
    /// When `tool` is not a tool's name.
    pub fn for_test(tool: &str, state: S, kube: kube::Client) -> Self {
        Self::for_test_of(tool, state, clients_of(kube))
    }

    /// The same with these clients.
    ///
    /// # Panics
    /// When `tool` is not a tool's name.
    pub fn for_test_of(tool: &str, state: S, clients: Clients<HomeClient>) -> Self {
        let name = CommonName::parse(tool).expect("a tool's name");
        let callers = Callers::new(clients, Limits::PRODUCTION);
        Self {
            request_id: RequestId::from_text("test"),
            entry: callers.entry(&name),
            callers,
            caller: Caller { name },
            deadline: Instant::now() + Duration::from_secs(30),
            state: Arc::new(state),
            turn: None,
            about: Arc::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }
}

/// One call that is expected, and what it is answered.
#[derive(Debug, Clone)]
pub struct Exchange {
    method: Method,
    path: String,
    query: Vec<String>,
    absent: Vec<String>,
    body: Option<Value>,
    status: StatusCode,
    header: Option<(&'static str, &'static str)>,
    answer: Value,
}

/// A GET of this path. A query that is not asked about is not looked at.
pub fn get(path: impl Into<String>) -> Exchange {
    expect(Method::GET, path)
}

/// A POST to this path.
pub fn post(path: impl Into<String>) -> Exchange {
    expect(Method::POST, path)
}

/// A PATCH of this path.
pub fn patch(path: impl Into<String>) -> Exchange {
    expect(Method::PATCH, path)
}

/// A DELETE of this path.
pub fn delete(path: impl Into<String>) -> Exchange {
    expect(Method::DELETE, path)
}

fn expect(method: Method, path: impl Into<String>) -> Exchange {
    Exchange {
        method,
        path: path.into(),
        query: Vec::new(),
        absent: Vec::new(),
        body: None,
        status: StatusCode::OK,
        header: None,
        answer: json!({}),
    }
}

impl Exchange {
    /// The query must contain this text, as it is sent.
    #[must_use]
    pub fn query(mut self, text: &str) -> Self {
        self.query.push(text.to_owned());
        self
    }

    /// The query must not contain this text.
    #[must_use]
    pub fn without(mut self, text: &str) -> Self {
        self.absent.push(text.to_owned());
        self
    }

    /// The body must contain at least this.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The answer carries this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Answers 200 with this.
    #[must_use]
    pub fn answer(mut self, answer: Value) -> Self {
        self.answer = answer;
        self
    }

    /// Answers 200 with a list of these.
    #[must_use]
    pub fn items(self, items: impl IntoIterator<Item = Value>) -> Self {
        let items: Vec<_> = items.into_iter().collect();
        self.answer(json!({"metadata": {"resourceVersion": "1"}, "items": items}))
    }

    /// Answers 201 with this.
    #[must_use]
    pub fn created(mut self, answer: Value) -> Self {
        self.status = StatusCode::CREATED;
        self.answer(answer)
    }

    /// Answers 404, as Kubernetes does for what is not there.
    #[must_use]
    pub fn not_found(self) -> Self {
        self.refused(404, "NotFound", "not found")
    }

    /// Answers with an error, as Kubernetes words it.
    ///
    /// # Panics
    /// When `code` is not an HTTP status.
    #[must_use]
    pub fn refused(mut self, code: u16, reason: &str, message: &str) -> Self {
        self.status = StatusCode::from_u16(code).expect("a status");
        self.answer(json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": code, "reason": reason, "message": message,
        }))
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.answer.to_string()));
        *response.status_mut() = self.status;
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// Why this is not the call that came, if it is not.
    fn mismatch(&self, call: &Call) -> Option<String> {
        let missing = self.query.iter().find(|text| !call.query.contains(*text));
        if self.method != call.method || self.path != call.path {
            Some(format!("expected {} {}", self.method, self.path))
        } else if let Some(text) = missing {
            Some(format!("the query has no `{text}`"))
        } else if let Some(text) = self.absent.iter().find(|text| call.query.contains(*text)) {
            Some(format!("the query has `{text}`"))
        } else {
            let wanted = self.body.as_ref()?;
            (!includes(&call.body, wanted)).then(|| format!("the body does not include {wanted:#}"))
        }
    }
}

/// Whether everything in `part` is also in `whole`; lists must be equal in length.
fn includes(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|found| includes(found, value))),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(a, b)| includes(a, b))
        }
        _ => whole == part,
    }
}

/// A call that came.
struct Call {
    method: Method,
    path: String,
    query: String,
    body: Value,
}

impl Call {
    async fn read(request: Request<Body>) -> Self {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }
}

type Handle = mock::Handle<Request<Body>, Response<Full<Bytes>>>;
type Respond = mock::SendResponse<Response<Full<Bytes>>>;

/// A cluster that answers what a test tells it to.
pub struct FakeCluster(Handle);

/// What becomes of calls that nobody expected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strangers {
    Refused,
    Answered,
}

/// Groups of calls that must have come by the end; all of one group come before any of the next.
pub struct Script {
    task: JoinHandle<Result<(), String>>,
    seen: Arc<Mutex<String>>,
}

impl FakeCluster {
    /// A cluster, and a client of it.
    pub fn pair() -> (Self, kube::Client) {
        let (service, handle) = mock::pair::<Request<Body>, Response<Full<Bytes>>>();
        (Self(handle), kube::Client::new(service, "default"))
    }

    /// Expects these calls, in any order.
    pub fn expect_all(self, calls: impl IntoIterator<Item = Exchange>) -> Script {
        self.expect_groups([calls.into_iter().collect()])
    }

    /// Expects these calls, in any order; others that come are answered with an empty list.
    pub fn expect_at_least(self, calls: impl IntoIterator<Item = Exchange>) -> Script {
        self.run(vec![calls.into_iter().collect()], Strangers::Answered)
    }

    /// Answers whatever comes with the same error, for as long as there is a client.
    ///
    /// # Panics
    /// When `code` is not an HTTP status.
    pub fn answer_all(mut self, code: u16, message: &str) {
        let answer = get("").refused(code, "Unknown", message);
        #[expect(clippy::disallowed_methods, reason = "a test's cluster runs beside the test")]
        tokio::spawn(async move {
            while let Some((_, respond)) = self.0.next_request().await {
                respond.send_response(answer.response());
            }
        });
    }

    /// Expects no call at all.
    pub fn silence(self) -> Script {
        self.expect_groups([])
    }

    /// Expects groups of calls: those of one group in any order, and all of them before the next
    /// group.
    pub fn expect_groups(self, groups: impl IntoIterator<Item = Vec<Exchange>>) -> Script {
        self.run(groups.into_iter().collect(), Strangers::Refused)
    }

    fn run(self, groups: Vec<Vec<Exchange>>, strangers: Strangers) -> Script {
        let seen = Arc::new(Mutex::new(String::new()));
        #[expect(clippy::disallowed_methods, reason = "a test's cluster runs beside the test")]
        let task = tokio::spawn(play(self.0, groups, strangers, Arc::clone(&seen)));
        Script { task, seen }
    }
}

impl Script {
    /// Fails when a call did not come, came uninvited, or was not the one expected.
    ///
    /// # Panics
    /// With the whole conversation, when the script was not followed.
    pub async fn finish(self) {
        let outcome = self.task.await.unwrap_or_else(|panic| Err(panic.to_string()));
        if let Err(error) = outcome {
            let seen = lock(&self.seen);
            panic!("{error}\nthe conversation:\n{seen}");
        }
    }
}

async fn play(
    mut handle: Handle,
    groups: Vec<Vec<Exchange>>,
    strangers: Strangers,
    seen: Arc<Mutex<String>>,
) -> Result<(), String> {
    for mut group in groups {
        while !group.is_empty() {
            let Some((call, respond)) = next(&mut handle, &seen).await? else {
                return Err(format!("these calls did not come: {group:#?}"));
            };
            match group.iter().position(|exchange| exchange.mismatch(&call).is_none()) {
                Some(index) => respond.send_response(group.remove(index).response()),
                None if strangers == Strangers::Answered => {
                    respond.send_response(get("").items([]).response());
                }
                None => {
                    let why = group.iter().filter_map(|exchange| exchange.mismatch(&call));
                    let why = why.collect::<Vec<_>>().join("; or ");
                    return Err(format!("an unexpected call, with {:#}: {why}", call.body));
                }
            }
        }
    }
    // The client goes with the handler, so there is an end to wait for.
    while let Some((_, respond)) = next(&mut handle, &seen).await? {
        if strangers == Strangers::Refused {
            return Err("the last call was uninvited".to_owned());
        }
        respond.send_response(get("").items([]).response());
    }
    Ok(())
}

/// The next call, noted in the conversation; none when the client is gone.
async fn next(
    handle: &mut Handle,
    seen: &Mutex<String>,
) -> Result<Option<(Call, Respond)>, String> {
    let Ok(next) = tokio::time::timeout(PATIENCE, handle.next_request()).await else {
        return Err("nothing more came, and the client is still there".to_owned());
    };
    let Some((request, respond)) = next else { return Ok(None) };
    let call = Call::read(request).await;
    note(seen, &call);
    Ok(Some((call, respond)))
}

fn note(seen: &Mutex<String>, call: &Call) {
    let mut seen = lock(seen);
    let _ = writeln!(seen, "  {} {}?{}", call.method, call.path, call.query);
}
