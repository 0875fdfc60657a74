//! Exact figures: the clock stands, and moves only to where something is due.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::time::sleep;

use super::*;
use crate::{meter::Meter, plan::stage, report::StageReport, warning::Warning};

/// Answers each request as it is told.
struct Scripted<F> {
    script: F,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// Serves one request after the other.
    is_single: bool,
    turn: tokio::sync::Mutex<()>,
    seen: Mutex<Vec<Request>>,
}

impl<F> Scripted<F> {
    fn new(script: F) -> Arc<Self> {
        Arc::new(Self {
            script,
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            is_single: false,
            turn: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
        })
    }

    fn one_at_a_time(script: F) -> Arc<Self> {
        let mut target = Self::new(script);
        Arc::get_mut(&mut target).unwrap().is_single = true;
        target
    }
}

impl<F> Target for Scripted<F>
where
    F: Fn(Request) -> (u64, Result<u64, Failure>) + Send + Sync + 'static,
{
    async fn send(&self, request: Request) -> Reply {
        self.seen.lock().unwrap().push(request);
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        let (ms, result) = (self.script)(request);
        let _turn = if self.is_single { Some(self.turn.lock().await) } else { None };
        sleep(Duration::from_millis(ms)).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        Reply { operation: request.operation, result }
    }
}

fn never() -> Stop {
    watch::channel(false).1
}

async fn measured<T: Target>(target: &Arc<T>, stage: &Stage, stop: Stop) -> (Course, Meter) {
    let mut meter = Meter::default();
    let course = drive(target, stage, stop, |sample| meter.add(sample)).await;
    (course, meter)
}

fn row(stage: &Stage, course: &Course, meter: &Meter) -> crate::report::Row {
    StageReport::new(stage, 0.0, course, meter).rows.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_felt_by_all_that_were_due_in_it() {
    // Ten a second for two seconds, one at a time; the sixth takes a second.
    let target = Scripted::one_at_a_time(|request: Request| {
        (if request.index == 5 { 1000 } else { 10 }, Ok(1))
    });
    let stage = stage(Pace::Open { rate: 10.0 }, "list=1", 2);
    let (course, meter) = measured(&target, &stage, never()).await;
    assert_eq!(course.time, Duration::from_millis(1910));
    assert_eq!(meter.good(), 20);
    // The sixth takes 1000 ms; the next was due 100 ms later and took 910, and so on: 820, ... 100.
    let latencies = &meter.operations[&Operation::List].good;
    let ms = |part| latencies.at(part) / 1000;
    assert_eq!([1.0, 0.95, 0.9, 0.85, 0.8].map(ms), [1000, 910, 820, 730, 640]);
    // Eleven felt it, and nine took their 10 ms.
    assert_eq!([0.45, 0.5].map(ms), [10, 100]);
    assert_eq!(meter.lateness.at(1.0), 1, "nothing kept the load test from sending");
}

#[tokio::test(start_paused = true)]
async fn latencies_rates_and_bytes_are_exact() {
    // 1, 2, ... 100 ms, in any order; a hundred a second.
    let target =
        Scripted::new(|request: Request| (request.index % 100 + 1, Ok(request.index % 2 * 100)));
    let stage = stage(Pace::Open { rate: 100.0 }, "list=1", 10);
    let (course, meter) = measured(&target, &stage, never()).await;
    let row = row(&stage, &course, &meter);
    let latency = row.latency.unwrap();
    assert_eq!(
        [latency.p50_us, latency.p90_us, latency.p99_us, latency.max_us]
            .map(|us| (us + 500) / 1000),
        [50, 90, 99, 100]
    );
    // The last was sent at 9.99 s, and answered 100 ms later.
    assert_eq!(course.time, Duration::from_millis(10_090));
    assert_eq!((row.good, row.failed, row.bytes), (1000, 0, 50));
    assert!((row.good_per_s - 1000.0 / 10.09).abs() < 1e-9);
    let report = StageReport::new(&stage, 0.0, &course, &meter);
    assert_eq!(report.timeline.iter().map(|second| second.good).sum::<u64>(), 1000);
    assert_eq!(report.timeline.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_by_cause_and_never_make_anything_look_quicker() {
    // Every second one is refused at once.
    let target = Scripted::new(|request: Request| match request.index % 4 {
        0 => (0, Err(Failure::Status(503))),
        2 => (0, Err(Failure::Connection("refused".to_owned()))),
        _ => (100, Ok(5)),
    });
    let stage = stage(Pace::Open { rate: 100.0 }, "list=1", 1);
    let (course, meter) = measured(&target, &stage, never()).await;
    let row = row(&stage, &course, &meter);
    assert_eq!((row.good, row.failed), (50, 50));
    assert_eq!(row.latency.unwrap().p50_us / 1000, 100);
    assert_eq!(row.latency_of_failed.unwrap().max_us, 1);
    assert_eq!(row.failures["status 503"], 25);
    assert_eq!(row.failures["refused"], 25);
    assert_eq!(row.bytes, 5);
    let warnings = Warning::of(&stage, &course, &meter);
    assert!(warnings.contains(&Warning::Errors { stage: "test".to_owned(), failed: 50, of: 100 }));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_a_failure_after_its_time() {
    let target = Scripted::new(|_| (60_000, Ok(1)));
    let stage = Stage { requests_max: 3, ..stage(Pace::Open { rate: 1.0 }, "list=1", 5) };
    let (course, meter) = measured(&target, &stage, never()).await;
    let row = row(&stage, &course, &meter);
    assert_eq!((row.good, row.failed), (0, 3));
    assert_eq!(row.failures["no answer in time"], 3);
    assert_eq!(course.time, Duration::from_secs(2) + ANSWER_TIME_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_has_as_many_under_way_as_callers_and_ends_in_time() {
    let target = Scripted::new(|_| (50, Ok(1)));
    let stage = stage(Pace::Closed { callers: 4 }, "list=1", 1);
    let (course, meter) = measured(&target, &stage, never()).await;
    assert_eq!(target.most_under_way.load(Ordering::SeqCst), 4);
    assert_eq!(meter.good(), 80);
    assert_eq!(course.time, Duration::from_secs(1));
    let report = StageReport::new(&stage, 0.0, &course, &meter);
    assert!((report.good_per_s - 80.0).abs() < 1e-9);
    assert_eq!((report.unsent, report.abandoned), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stage_ends_after_its_requests() {
    for pace in [Pace::Open { rate: 1000.0 }, Pace::Closed { callers: 4 }] {
        let target = Scripted::new(|_| (1, Ok(1)));
        let stage = Stage { requests_max: 25, ..stage(pace, "list=1", 60) };
        let (_, meter) = measured(&target, &stage, never()).await;
        assert_eq!(meter.done(), 25);
        let seen = target.seen.lock().unwrap();
        assert!(seen.iter().map(|request| request.index).eq(0..25));
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_test_that_can_not_keep_its_pace_says_so() {
    // 10,000 a second that take 5 s each: 500 may be under way, so almost nothing goes out.
    let target = Scripted::new(|_| (5000, Ok(1)));
    let stage = stage(Pace::Open { rate: 10_000.0 }, "list=1", 2);
    let (course, meter) = measured(&target, &stage, never()).await;
    assert_eq!(target.most_under_way.load(Ordering::SeqCst), IN_FLIGHT_MAX);
    assert_eq!(course.unsent, 20_000 - 500);
    let warnings = Warning::of(&stage, &course, &meter);
    assert!(matches!(warnings[0], Warning::ClientSaturated { unsent: 19_500, .. }), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn what_goes_out_late_counts_from_when_it_was_due() {
    // A thousand a second that take 5 s each: the 501st has to wait until the first is answered.
    let target = Scripted::new(|_| (5000, Ok(1)));
    let stage = Stage { requests_max: 1000, ..stage(Pace::Open { rate: 1000.0 }, "list=1", 10) };
    let mut samples = Vec::new();
    let course = drive(&target, &stage, never(), |sample| samples.push(sample.clone())).await;
    assert_eq!((course.unsent, samples.len()), (0, 1000));
    let latencies: Vec<_> = samples.iter().map(|sample| sample.latency().as_millis()).collect();
    assert!(latencies[..500].iter().all(|ms| *ms == 5000));
    assert!(latencies[500..].iter().all(|ms| *ms == 9500));
    assert_eq!(samples[500].lateness(), Duration::from_millis(4500));
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_it_soon_and_keeps_what_was_measured() {
    let target = Scripted::new(|request: Request| {
        (if request.index.is_multiple_of(2) { 10 } else { 8000 }, Ok(1))
    });
    let stage = stage(Pace::Open { rate: 10.0 }, "list=1", 60);
    let (stopper, stop) = watch::channel(false);
    let stopping = async {
        sleep(Duration::from_millis(2050)).await;
        stopper.send_replace(true);
    };
    let (measured, ()) = tokio::join!(measured(&target, &stage, stop), stopping);
    let (course, meter) = measured;
    assert!(course.is_stopped);
    assert_eq!(course.time, Duration::from_millis(2050) + LAST_ANSWERS_TIME_MAX);
    assert_eq!((meter.good(), course.abandoned), (11, 10));
    let warnings = Warning::of(&stage, &course, &meter);
    assert!(warnings.contains(&Warning::Stopped { stage: "test".to_owned(), abandoned: 10 }));
}

#[tokio::test(start_paused = true)]
async fn warnings_say_what_spoils_a_figure_and_nothing_else() {
    let target = Scripted::new(|_| (1, Ok(1)));
    let good = stage(Pace::Open { rate: 1000.0 }, "list=1", 1);
    let (course, meter) = measured(&target, &good, never()).await;
    assert_eq!(Warning::of(&good, &course, &meter), []);
    let cold = Stage { is_cold: true, requests_max: 999, ..good };
    let (course, meter) = measured(&target, &cold, never()).await;
    let name = || "test".to_owned();
    assert_eq!(
        Warning::of(&cold, &course, &meter),
        [
            Warning::ColdIncluded { stage: name() },
            Warning::FewSamples { stage: name(), counts: vec![(Operation::List, 999)] },
        ]
    );
}
