//! Requests at a steady pace, whatever becomes of those before.

use std::{
    collections::{BTreeSet, VecDeque},
    io::ErrorKind,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tjf_devcluster::suite::{Answer, Call, Client, Connection, Tool, Unanswered};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval},
};

use super::super::{keys::keyed, one_off};
use super::STANDING;

/// Between two requests: 50 a second.
const PAUSE: Duration = Duration::from_millis(20);
/// A one-off is deleted when it is this old, and so has mostly ended.
const DELETE_AGE: Duration = Duration::from_secs(5);
/// More than this is no pace any more.
const LATE_MAX: Duration = Duration::from_secs(2);

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    List,
    Show,
    Containers,
    Run,
    Delete,
}

/// The order of kinds; a write is a tenth of all.
const ORDER: [Kind; 20] = {
    use Kind::{Containers, Delete, List, Run, Show};
    [
        List, Show, Containers, Show, List, Run, Show, Containers, List, Show, //
        List, Show, Containers, Show, List, Delete, Show, Containers, List, Show,
    ]
};

/// One request, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The request's id, and the key of a `run`.
    pub(super) id: String,
    pub(super) kind: Kind,
    /// The number of the tool that asked.
    pub(super) tool: usize,
    /// The address that asked.
    pub(super) source: IpAddr,
    pub(super) is_over_kept: bool,
    /// The job that it was about.
    pub(super) job: Option<String>,
    /// When it had to be sent.
    pub(super) due: Instant,
    /// When it was.
    pub(super) sent: Instant,
    pub(super) ended: Instant,
    pub(super) outcome: Result<Answer, Failure>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// There was no connection, since nobody listens: nothing was sent.
    Refused,
    /// Nobody knows what became of the request.
    Lost(String),
}

/// Who asks: one tool from one address.
struct Caller {
    tool: usize,
    source: IpAddr,
    client: Client,
    kept: Mutex<Vec<Connection>>,
}

/// The one-offs of a tool that may be deleted, and since when they are there.
type Jobs = Mutex<VecDeque<(Instant, String)>>;

/// Requests at a steady pace.
pub(super) struct Load {
    name: String,
    callers: Vec<Arc<Caller>>,
    jobs: Vec<Arc<Jobs>>,
    sent: watch::Sender<usize>,
}

/// The one-off that a `run` asks for.
pub(super) fn job(name: &str) -> Value {
    one_off(name, "echo ran")
}

impl Load {
    pub(super) fn of(tools: &[Tool], sources: &[IpAddr]) -> Self {
        let callers = tools.iter().enumerate().flat_map(|(number, tool)| {
            sources.iter().map(move |&source| {
                let client = tool.client.sending_from(source);
                Arc::new(Caller { tool: number, source, client, kept: Mutex::default() })
            })
        });
        Self {
            name: tools[0].name.clone(),
            callers: callers.collect(),
            jobs: tools.iter().map(|_| Arc::default()).collect(),
            sent: watch::Sender::new(0),
        }
    }

    /// Sends requests for this time at least, and until `meanwhile` is done.
    pub(super) async fn run<T>(
        &self,
        time: Duration,
        meanwhile: impl Future<Output = T>,
    ) -> (T, Vec<Record>) {
        let end = Instant::now() + time;
        let mut meanwhile = std::pin::pin!(meanwhile);
        let mut done = None;
        // What is late is sent at once: nothing is left out.
        let mut pace = interval(PAUSE);
        let mut asked = JoinSet::new();
        loop {
            tokio::select! {
                value = &mut meanwhile, if done.is_none() => done = Some(value),
                due = pace.tick() => {
                    if due >= end && let Some(value) = done {
                        return (value, asked.join_all().await);
                    }
                    let number = *self.sent.borrow();
                    asked.spawn(self.request(number, due));
                    self.sent.send_replace(number + 1);
                }
            }
        }
    }

    /// Until so many more requests have been sent.
    pub(super) async fn sent(&self, count: usize) {
        let mut sent = self.sent.subscribe();
        let aim = *sent.borrow() + count;
        sent.wait_for(|sent| *sent >= aim).await.expect("the load goes on");
    }

    /// Beside the pace, so many runs at once from each of these addresses by each tool.
    pub(super) fn runs_at_once(&self, sources: &[IpAddr], count: usize) -> JoinSet<Record> {
        let mut asked = JoinSet::new();
        let callers = self.callers.iter().filter(|caller| sources.contains(&caller.source));
        for (place, caller) in callers.enumerate() {
            for number in 0..count {
                let (caller, job) = (Arc::clone(caller), format!("burst-{place}-{number}"));
                let id = format!("{}-{job}", self.name);
                let due = Instant::now();
                asked.spawn(async move {
                    caller.record(id, Kind::Run, Some(job), number % 2 == 0, due).await
                });
            }
        }
        asked
    }

    /// That there were as many requests as the pace has, and none was sent late.
    pub(super) fn assert_on_schedule(&self, records: &[Record], time: Duration) {
        let numbers: BTreeSet<_> = records.iter().map(|it| &it.id).collect();
        assert_eq!((records.len(), numbers.len()), (*self.sent.borrow(), *self.sent.borrow()));
        let first = records.iter().map(|it| it.due).min().unwrap();
        let last = records.iter().map(|it| it.due).max().unwrap();
        let scheduled = (last - first).as_millis() / PAUSE.as_millis() + 1;
        assert_eq!(records.len() as u128, scheduled, "requests in {:?}", last - first);
        assert!(last - first + PAUSE >= time, "{:?}", last - first);
        let late = records.iter().map(|it| it.sent - it.due).max().unwrap();
        assert!(late <= LATE_MAX, "this machine is too busy to keep the pace: {late:?} late");
    }

    /// The request of this number, about to be sent.
    fn request(&self, number: usize, due: Instant) -> impl Future<Output = Record> + use<> {
        let (turn, place) = (number / ORDER.len(), number % ORDER.len());
        // Each kind goes over both kinds of connections, and comes from every caller.
        let mix = turn + place;
        let is_over_kept = mix % 2 == 0;
        let caller = Arc::clone(&self.callers[mix / 2 % self.callers.len()]);
        let jobs = Arc::clone(&self.jobs[caller.tool]);
        let id = format!("{}-{number}", self.name);
        let oldest = || {
            let mut jobs = jobs.lock().unwrap();
            jobs.pop_front_if(|(since, _)| since.elapsed() >= DELETE_AGE).map(|(_, name)| name)
        };
        let (kind, job) = match ORDER[place] {
            Kind::Run => (Kind::Run, Some(format!("load-{number}"))),
            Kind::Delete => oldest().map_or((Kind::List, None), |job| (Kind::Delete, Some(job))),
            kind @ (Kind::List | Kind::Show | Kind::Containers) => (kind, None),
        };
        async move {
            let record = caller.record(id, kind, job, is_over_kept, due).await;
            let is_made = record.outcome.as_ref().is_ok_and(|answer| answer.status == 201);
            if kind == Kind::Run && is_made {
                jobs.lock().unwrap().push_back((record.ended, record.job.clone().unwrap()));
            }
            record
        }
    }
}

fn call(kind: Kind, job: Option<&str>, key: &str) -> Call {
    // Another replica may have answered the last change, so Kubernetes itself is asked.
    let read = |path: &str| Call::get(path).header("cache-control", "no-cache");
    let name = job.unwrap_or_default();
    match kind {
        Kind::List => read("/list/"),
        Kind::Show => read(&format!("/show/{STANDING}/")),
        Kind::Containers => Call::get("/containers/"),
        Kind::Run => keyed(&self::job(name), key),
        Kind::Delete => Call::delete(name),
    }
}

impl Caller {
    /// Sends a request now, and tells what came of it.
    async fn record(
        &self,
        id: String,
        kind: Kind,
        job: Option<String>,
        is_over_kept: bool,
        due: Instant,
    ) -> Record {
        let sent = Instant::now();
        let call = call(kind, job.as_deref(), &id).header("x-request-id", &id);
        let outcome = self.ask(call, is_over_kept).await;
        let (tool, source, ended) = (self.tool, self.source, Instant::now());
        Record { id, kind, tool, source, is_over_kept, job, due, sent, ended, outcome }
    }

    /// As any good client does: a request of which nothing was sent goes to another connection, and
    /// none is sent twice.
    async fn ask(&self, call: Call, is_over_kept: bool) -> Result<Answer, Failure> {
        while is_over_kept && let Some(connection) = self.take() {
            match self.exchange(connection, call.clone(), is_over_kept).await {
                Err(Unanswered::NotSent) => {}
                Err(Unanswered::Lost(why)) => return Err(Failure::Lost(why)),
                Ok(answer) => return Ok(answer),
            }
        }
        let connection = self.client.open().await.map_err(|error| {
            if error.kind() == ErrorKind::ConnectionRefused {
                Failure::Refused
            } else {
                Failure::Lost(format!("while connecting: {error}"))
            }
        })?;
        self.exchange(connection, call, is_over_kept).await.map_err(|error| match error {
            Unanswered::NotSent => Failure::Lost("it ended before anything was sent".to_owned()),
            Unanswered::Lost(why) => Failure::Lost(why),
        })
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        call: Call,
        is_to_keep: bool,
    ) -> Result<Answer, Unanswered> {
        let answer = connection.send(call).await?;
        if is_to_keep {
            self.kept.lock().unwrap().push(connection);
        }
        Ok(answer)
    }

    fn take(&self) -> Option<Connection> {
        self.kept.lock().unwrap().pop()
    }
}
