//! Each call that an operation makes to Kubernetes goes wrong once, in each way: a cell of a matrix.
//!
//! In a cell the answer must be true, the same request again must come to what the first should
//! have, no command runs twice, and nothing is left over. The cells are played in an order that
//! follows from a seed, many at once; of those of restarts, which take long, the seed chooses a third.
//! `TJF_MATRIX_SEED` repeats it, and `TJF_MATRIX_PART` plays the operations whose names contain it, whole.

mod judge;

use std::{
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tjf_devcluster::{
    Effect, Fault, Machine, RecordedCall,
    kind::Kind,
    suite::{Answer, Call, Needs, Tool, World, say},
};
use tokio::{sync::Semaphore, task::JoinSet};

use self::judge::Seen;
use super::{
    POD_TIME_MAX, continuous, one_off, room::set_quota, scenarios, schedules::create_child, with,
};

const KNOB: Needs = Needs::Embedded("only the embedded cluster can let single calls go wrong");

scenarios![
    each_call_of_each_operation_goes_wrong_in_each_way: KNOB,
];

/// What goes wrong with a call.
const EFFECTS: [Effect; 9] = [
    Effect::ResetBefore,
    Effect::ResetAfter,
    Effect::Refuse(429),
    Effect::Refuse(500),
    Effect::Refuse(503),
    Effect::Refuse(409),
    Effect::FailAfter(500),
    Effect::HalfAnswer,
    Effect::DelayBefore(Duration::from_secs(5)),
];
/// Cells at once, of all operations. Most of a cell's time is waiting; each has three pods at most,
/// and the node has room for 110.
static ROOM: Semaphore = Semaphore::const_new(36);
/// What comes more often is a loop, whose later rounds are as the earlier ones.
const TIMES_MAX: usize = 3;
const KEY: &str = "the-key-of-the-cell";
/// The job that the operation is about.
const JOB: &str = "a";
/// The job notes each of its runs here, in the tool's home.
const RUNS: &str = "runs";
const SCHEDULE: &str = "0 0 1 1 *";

/// What the tool has before.
enum Before {
    /// A job at work, whose command has begun.
    Running(Value),
    /// A scheduled job with a child at work.
    Scheduled(Value),
    /// A scheduled job that waits for its time.
    Idle(Value),
    /// A one-off that has ended.
    Finished(Value),
    /// The job that the operation runs again, with its key.
    Same,
    /// No more than so many Jobs.
    JobsMax(u32),
}

/// What is asked of the service.
enum Asked {
    Run(Value),
    Show,
    List,
    Delete,
    Flush,
    Restart,
}

impl Asked {
    fn call(&self) -> Call {
        match self {
            Self::Run(job) => Call::run(job).header("idempotency-key", KEY),
            Self::Show => Call::get(&format!("/show/{JOB}/")).header("cache-control", "no-cache"),
            Self::List => Call::get("/list/").header("cache-control", "no-cache"),
            Self::Delete => Call::delete(JOB),
            Self::Flush => Call::flush(),
            Self::Restart => Call::restart(JOB),
        }
    }
}

struct Operation {
    name: &'static str,
    before: Vec<Before>,
    asked: Asked,
    /// The only kind whose calls go wrong: those of the others do so in another operation.
    only: Option<Kind>,
}

/// A command that notes that it ran, and then goes on as this says.
fn noting(file: &str, rest: &str) -> String {
    format!("echo ran >>{file}; {rest}")
}

fn new_one_off() -> Value {
    one_off(JOB, &noting(RUNS, "true"))
}

/// A job that is at work until it is deleted.
fn at_work(name: &str) -> Value {
    one_off(name, &noting(&format!("{name}.began"), "exec sleep 3600"))
}

/// The same, and notes when it is not alone, which it never should be.
fn alone(name: &str) -> Value {
    let cmd = format!(
        "trap 'rmdir alone; exit' TERM; mkdir alone || echo twice >>{RUNS}
        echo ran >>{name}.began; while true; do sleep 0.1; done"
    );
    one_off(name, &cmd)
}

fn yearly(job: Value) -> Value {
    with(job, &json!({"schedule": SCHEDULE}))
}

fn forever(job: Value) -> Value {
    with(job, &json!({"continuous": true}))
}

/// A continuous job that is reached at a port.
fn reached(job: Value) -> Value {
    with(forever(job), &json!({"port": 53, "port_protocol": "udp"}))
}

fn finished(name: &str) -> Before {
    Before::Finished(one_off(name, "true"))
}

fn all_kinds() -> Vec<Before> {
    vec![
        Before::Running(at_work("a")),
        Before::Scheduled(yearly(at_work("b"))),
        Before::Running(forever(at_work("c"))),
    ]
}

#[rustfmt::skip]
fn operations() -> Vec<Operation> {
    let other = |name, before, asked| Operation { name, before, asked, only: None };
    let run = |name, before, job| other(name, before, Asked::Run(job));
    let of_services = |operation| Operation { only: Some(Kind::Service), ..operation };
    let bot = continuous(JOB, &noting(RUNS, "exec sleep 3600"));
    let served = reached(one_off(JOB, &noting(RUNS, "exec sleep 3600")));
    let with_port = vec![Before::Running(reached(at_work(JOB)))];
    let full = vec![Before::JobsMax(2), finished("old"), finished("older")];
    let one = vec![Before::Running(at_work(JOB))];
    let child = vec![Before::Scheduled(yearly(at_work(JOB)))];
    let continuous = vec![Before::Running(forever(at_work(JOB)))];
    let bot_alone = vec![Before::Running(forever(alone(JOB)))];
    let child_alone = vec![Before::Scheduled(yearly(alone(JOB)))];
    let waiting = vec![Before::Idle(yearly(alone(JOB)))];
    vec![
        run("run one-off", vec![], new_one_off()),
        run("run scheduled", vec![], yearly(new_one_off())),
        run("run continuous", vec![], bot),
        of_services(run("run with a port", vec![], served)),
        of_services(other("delete with a port", with_port, Asked::Delete)),
        run("run replacing", vec![finished(JOB)], new_one_off()),
        run("run making room", full, new_one_off()),
        run("run again", vec![Before::Same], new_one_off()),
        other("show", vec![Before::Running(at_work(JOB))], Asked::Show),
        other("list", all_kinds(), Asked::List),
        other("delete one-off", one, Asked::Delete),
        other("delete scheduled", child, Asked::Delete),
        other("delete continuous", continuous, Asked::Delete),
        other("flush", all_kinds(), Asked::Flush),
        other("restart continuous", bot_alone, Asked::Restart),
        other("restart scheduled", child_alone, Asked::Restart),
        other("restart waiting", waiting, Asked::Restart),
    ]
}

/// One call of an operation, and what goes wrong with it.
struct Cell {
    operation: Arc<Operation>,
    call: usize,
    effect: Effect,
}

/// Counts the calls of the good cases, plays all cells, and tells what was wrong in them.
async fn each_call_of_each_operation_goes_wrong_in_each_way(world: Arc<World>) {
    let machine = Machine::read();
    let wanted = machine.matrix_part.unwrap_or_default();
    let operations = operations().into_iter().filter(|one| one.name.contains(&wanted));
    let operations: Vec<_> = operations.map(Arc::new).collect();
    let good = operations.iter().map(|operation| play_cell(&world, operation, None));
    let mut cells = Vec::new();
    for (operation, (calls, wrong)) in operations.iter().zip(join_all(good).await) {
        assert!(wrong.is_empty(), "{}, the good case: {wrong:#?}", operation.name);
        let own = cells_of(&calls, operation.only).into_iter().map(|(call, effect)| {
            let operation = Arc::clone(operation);
            Cell { operation, call, effect }
        });
        cells.extend(own);
    }
    let seed = machine.matrix_seed.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let chance = |Cell { operation, call, effect }: &Cell| {
        let mut hasher = DefaultHasher::new();
        (seed, operation.name, call, format!("{effect:?}")).hash(&mut hasher);
        hasher.finish()
    };
    let all = cells.len();
    // A restart waits for pods to end and to begin.
    let takes_long =
        |cell: &Cell| wanted.is_empty() && matches!(cell.operation.asked, Asked::Restart);
    cells.retain(|cell| !takes_long(cell) || chance(cell).is_multiple_of(3));
    // Those that take longest must not come last.
    cells.sort_by_cached_key(|cell| (!matches!(cell.effect, Effect::DelayBefore(_)), chance(cell)));
    let title = format!(
        "matrix: {} operations, {} of {all} cells, seed {seed}",
        operations.len(),
        cells.len()
    );

    let mut playing = JoinSet::new();
    for cell in cells {
        let world = Arc::clone(&world);
        playing.spawn(async move {
            let _room = ROOM.acquire().await;
            cell.play(&world).await
        });
    }
    let mut wrong = Vec::new();
    while let Some(cell) = playing.join_next().await {
        wrong.extend(cell.unwrap_or_else(|error| vec![format!("a cell: {error}")]));
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{title}, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    say(&title);
}

impl Cell {
    /// Gives a line for each thing that was wrong.
    async fn play(self, world: &World) -> Vec<String> {
        let Self { operation, call, effect } = self;
        let fault = Fault { skip: call, ..Fault::next(effect) };
        let (calls, wrong) = play_cell(world, &operation, Some(fault)).await;
        let met = calls.into_iter().find(|call| call.effect.is_some());
        let met = met.map_or_else(|| "not met".to_owned(), |call| call.to_string());
        let (name, effect) = (operation.name, format!("{effect:?}"));
        let line = |wrong| format!("{name:<17} {call:>3} {met:<32} {effect:<16} {wrong}");
        wrong.into_iter().map(line).collect()
    }
}

/// Each call with each effect, where it makes a difference.
fn cells_of(calls: &[RecordedCall], only: Option<Kind>) -> Vec<(usize, Effect)> {
    let is_same = |one: &RecordedCall, other: &RecordedCall| {
        // Each pod has a name of its own.
        (one.verb, one.kind) == (other.verb, other.kind)
            && (one.name == other.name || one.kind == Kind::Pod)
    };
    let is_taken = |(at, call): &(usize, &RecordedCall)| {
        calls[..*at].iter().filter(|earlier| is_same(earlier, call)).count() < TIMES_MAX
    };
    let is_asked_for =
        |(_, call): &(usize, &RecordedCall)| only.is_none_or(|kind| call.kind == kind);
    let taken = calls.iter().enumerate().filter(is_taken).filter(is_asked_for);
    let cells = taken.flat_map(|(at, call)| EFFECTS.map(|effect| (at, call, effect)));
    let differs = |(_, call, effect): &(usize, &RecordedCall, Effect)| {
        // What only looks comes to the same whether it is done or not.
        !(matches!(call.verb, "get" | "list") && matches!(effect, Effect::FailAfter(_)))
    };
    cells.filter(differs).map(|(at, _, effect)| (at, effect)).collect()
}

/// Plays one cell with a tool of its own. Gives the calls of the first request, and what was wrong.
async fn play_cell(
    world: &World,
    operation: &Operation,
    fault: Option<Fault>,
) -> (Vec<RecordedCall>, Vec<String>) {
    let tool = world.tool("cell").await;
    for before in &operation.before {
        prepare(&tool, before).await;
    }
    let cluster = world.cluster.embedded().expect("the embedded cluster");
    let before = Seen::of(&tool).await;
    cluster.take_calls(&tool.name);
    if let Some(fault) = fault {
        cluster.inject(&tool.name, fault);
    }
    let first = tool.send(operation.asked.call()).await;
    let calls = cluster.take_calls(&tool.name);
    cluster.clear_faults(&tool.name);
    let after = Seen::of(&tool).await;
    let mut wrong = judge::first(&operation.asked, &first, &before, &after);
    if fault.is_none() && !matches!(first.status, 200 | 201) {
        wrong.push(format!("nothing went wrong, but the answer is {}", first.status));
    }
    let again = tool.send(operation.asked.call()).await;
    let told = |what: String| format!("again: {what}");
    wrong.extend(judge_again(&tool, operation, [&first, &again]).await.into_iter().map(told));
    let told = |what: String| format!("at the end: {what}");
    wrong.extend(judge_end(&tool, &operation.asked).await.into_iter().map(told));
    world.remove(&tool).await;
    (calls, wrong)
}

async fn prepare(tool: &Tool, before: &Before) {
    let began = |name: &str| format!("{name}.began");
    match before {
        Before::Running(job) => {
            let name = tool.run(job.clone()).await.name;
            tool.read_until(&began(&name), "ran", POD_TIME_MAX).await;
        }
        Before::Scheduled(job) => {
            let name = tool.run(job.clone()).await.name;
            create_child(tool, &name, &format!("{name}-child")).await.unwrap();
            tool.read_until(&began(&name), "ran", POD_TIME_MAX).await;
        }
        Before::Idle(job) => {
            tool.run(job.clone()).await;
        }
        Before::Finished(job) => {
            let name = tool.run(job.clone()).await.name;
            tool.ended(&name).await;
        }
        Before::Same => {
            let _: Value = tool.send(Asked::Run(new_one_off()).call()).await.expect(201);
            tool.ended(JOB).await;
        }
        Before::JobsMax(most) => {
            set_quota(tool, json!({"count/jobs.batch": most.to_string()})).await;
        }
    }
}

/// What the second request comes to, with which nothing went wrong.
async fn judge_again(tool: &Tool, operation: &Operation, answers: [&Answer; 2]) -> Vec<String> {
    let after = Seen::of(tool).await;
    let mut wrong = judge::again(&operation.asked, answers, &after);
    if let (Asked::Run(job), true) = (&operation.asked, wrong.is_empty()) {
        if job.get("continuous").is_some() {
            tool.read_until(RUNS, "ran", POD_TIME_MAX).await;
        } else if job.get("schedule").is_none() {
            let ended = tool.ended(JOB).await;
            if ended.status_short != "Completed" {
                wrong.push(format!("{JOB} is {}", ended.status_short));
            }
        }
    }
    wrong
}

/// What is left when all jobs have been deleted, and how often the command ran.
async fn judge_end(tool: &Tool, asked: &Asked) -> Vec<String> {
    let mut wrong = Vec::new();
    if !matches!(asked, Asked::Delete | Asked::Flush) {
        let flushed = tool.send(Call::flush()).await;
        if flushed.status != 200 {
            wrong.push(format!("flush: {} {}", flushed.status, flushed.text()));
        }
    }
    let end = Seen::of(tool).await;
    if !end.is_empty() {
        wrong.push(format!("left over: {end:?}"));
    }
    let runs = match asked {
        Asked::Run(job) => usize::from(job.get("schedule").is_none()),
        Asked::Show | Asked::List | Asked::Delete | Asked::Flush | Asked::Restart => 0,
    };
    if end.runs != runs {
        wrong.push(format!("the command ran {} times", end.runs));
    }
    wrong
}
