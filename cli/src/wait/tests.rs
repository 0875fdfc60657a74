use std::{cell::Cell, future, io};

use tokio::time::sleep;

use super::*;
use crate::{client::Refusal, clock::Clock};

/// What comes of one look.
#[derive(Clone, Copy)]
enum Look {
    Running,
    /// Told after so many seconds.
    RunningFor(u64),
    /// Told when the time that was asked for is up.
    Held,
    Ended,
    /// Under the same name.
    AnotherJob,
    NoConnection,
    /// A status, and its slug when the service itself says it.
    Status(u16, &'static str),
    Hangs,
    SlowlyNoAnswer,
}

use Look::{
    AnotherJob, Ended, Hangs, Held, NoConnection, Running, RunningFor, SlowlyNoAnswer, Status,
};

const PAGE: &str = "";

fn job(uid: &str, phase: &str) -> Answer<JobView> {
    let json = format!(
        r#"{{"name":"bot","uid":"{uid}","cmd":"x","imagename":"x","image":"x",
        "image_state":"stable","job_type":"one-off","schedule":null,"schedule_actual":null,
        "timezone":null,"continuous":false,"filelog":false,"filelog_stdout":null,
        "filelog_stderr":null,"memory":null,"cpu":null,"retry":0,"timeout":null,"replicas":null,
        "emails":"none","mount":"all","env":{{}},"created_at":"2024-05-06T07:08:09Z",
        "deleting_since":null,"status_short":"","status_long":"","status":{{"phase":"{phase}",
        "reason":null,"message":null,"started_at":null,"finished_at":null,"exit_code":null,
        "signal":null,"oom_killed":null,"restarts":null,"attempts":null,"last_scheduled_at":null,
        "next_scheduled_at":null,"last_run":null}}}}"#
    );
    let clock = Clock::of_answer(None);
    Answer { value: serde_json::from_str(&json).unwrap(), json: json.into(), tag: None, clock }
}

impl Look {
    async fn take(self, held: Duration) -> Result<Answer<JobView>, ClientError> {
        match self {
            Running => Ok(job("one", "running")),
            RunningFor(seconds) => {
                sleep(Duration::from_secs(seconds)).await;
                Ok(job("one", "running"))
            }
            Held => {
                sleep(held).await;
                Ok(job("one", "running"))
            }
            Ended => Ok(job("one", "succeeded")),
            AnotherJob => Ok(job("another", "succeeded")),
            NoConnection => Err(ClientError::Unreachable {
                server: "x".to_owned(),
                source: io::ErrorKind::ConnectionRefused.into(),
            }),
            Status(status, slug) => Err(ClientError::Refused(Box::new(Refusal {
                status,
                slug: Some(slug.to_owned()).filter(|slug| slug != PAGE),
                detail: "no".to_owned(),
                field: None,
                request_id: None,
                retry_after_s: None,
            }))),
            Hangs => future::pending().await,
            SlowlyNoAnswer => {
                sleep(Duration::from_secs(60)).await;
                Err(ClientError::TimedOut { server: "x".to_owned(), after_s: 60 })
            }
        }
    }
}

/// How a wait ends, after how many seconds, and what is told of the service meanwhile. The last
/// look is all that come after. Nothing really waits.
async fn wait(looks: &[Look], limit_s: Option<u64>) -> (&'static str, u64, String) {
    let began = Instant::now();
    let mut told = String::new();
    let number = Cell::new(0);
    let look = async |held| {
        let look = looks[number.get().min(looks.len() - 1)];
        number.set(number.get() + 1);
        look.take(held).await
    };
    let tell = |news: News<'_>| match news {
        News::Seen(_) => {}
        News::Silent => told.push_str("silent "),
        News::Back => told.push_str("back "),
    };
    let deadline = limit_s.map(|limit| began + Duration::from_secs(limit));
    let end = match watch(look, tell, |_| HELD_MAX, job("one", "running"), deadline).await {
        Waited::Ended(_) => "ended",
        Waited::TimeUp(_) => "time up",
        Waited::Vanished => "vanished",
        Waited::Lost(Some(_)) => "lost",
        Waited::Lost(None) => "lost without a word",
    };
    (end, began.elapsed().as_secs(), told.trim_end().to_owned())
}

/// Many of them, and then another.
fn then(many: Look, last: Look) -> Vec<Look> {
    let mut looks = vec![many; 40];
    looks.push(last);
    looks
}

#[tokio::test(start_paused = true)]
async fn whatever_is_no_good_answer_is_asked_away() {
    for bad in [
        NoConnection,
        Status(504, PAGE),
        Status(502, PAGE),
        Status(500, "internal"),
        Status(503, "cluster-unavailable"),
        Status(429, PAGE),
        Status(404, PAGE),
        Status(404, "route-not-found"),
        Status(403, PAGE),
        Status(403, "no-credentials"),
        Status(401, "unauthenticated"),
        Status(400, PAGE),
        Status(301, PAGE),
    ] {
        let (end, _, told) = wait(&then(bad, Ended), None).await;
        assert_eq!((end, told.as_str()), ("ended", "silent back"));
    }
    let looks = [Running, NoConnection, Running, Running, NoConnection, SlowlyNoAnswer, Ended];
    let (end, _, told) = wait(&looks, None).await;
    assert_eq!((end, told.as_str()), ("ended", "silent back silent back"));
}

#[tokio::test(start_paused = true)]
async fn after_two_minutes_without_a_good_answer_it_is_given_up() {
    for bad in [NoConnection, Status(504, PAGE), Status(404, PAGE), Status(403, "forbidden")] {
        assert_eq!(wait(&[bad], None).await, ("lost", 120, "silent".to_owned()));
        assert_eq!(wait(&[bad], Some(600)).await, ("lost", 120, "silent".to_owned()));
    }
    // A service that takes questions and says nothing does not make it longer.
    assert_eq!(wait(&[SlowlyNoAnswer], None).await, ("lost", 120, "silent".to_owned()));
    assert_eq!(wait(&[Hangs], None).await, ("lost without a word", 120, String::new()));
}

#[tokio::test(start_paused = true)]
async fn the_two_minutes_begin_anew_with_every_good_answer() {
    let mut looks = then(NoConnection, Running);
    looks.extend(then(NoConnection, Running));
    looks.extend(then(NoConnection, Running));
    looks.push(Ended);
    let (end, seconds, _) = wait(&looks, None).await;
    assert_eq!(end, "ended");
    assert!(seconds > 200, "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn only_the_services_own_word_makes_a_job_vanish() {
    assert_eq!(wait(&[Status(404, "job-not-found")], None).await.0, "vanished");
    assert_eq!(wait(&[NoConnection, AnotherJob], None).await.0, "vanished");
}

#[tokio::test(start_paused = true)]
async fn when_the_time_runs_out_that_is_told_of_a_job_that_runs() {
    assert_eq!(wait(&[Running], Some(0)).await.0, "time up");
    assert_eq!(wait(&[Running], Some(30)).await, ("time up", 30, String::new()));
    assert_eq!(wait(&[NoConnection, Running], Some(30)).await.0, "time up");
    // A service that is slow at the very end is not lost, and gets a moment more.
    assert_eq!(wait(&[RunningFor(28), Hangs], Some(30)).await, ("time up", 32, String::new()));
    assert_eq!(wait(&[Hangs], Some(1)).await, ("time up", 3, String::new()));
}

#[tokio::test(start_paused = true)]
async fn when_the_time_runs_out_without_an_answer_nobody_says_that_the_job_goes_on() {
    assert_eq!(wait(&[Running, NoConnection], Some(30)).await, ("lost", 30, "silent".to_owned()));
    assert_eq!(wait(&[Running, Hangs], Some(30)).await.0, "lost without a word");
    assert_eq!(wait(&[Hangs], Some(30)).await, ("lost without a word", 32, String::new()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_asked_to_be_held_for_as_long_as_is_left() {
    assert_eq!(wait(&[Held], Some(130)).await, ("time up", 130, String::new()));
    // Three questions are enough for these two minutes: 50 s, 50 s and 20 s.
    assert_eq!(wait(&[Held, Held, Held, Ended], Some(120)).await.0, "time up");
    assert_eq!(wait(&[Held, Held, Ended], Some(120)).await, ("ended", 100, String::new()));
    let quarter = Duration::from_millis(250);
    assert_eq!(whole_seconds(quarter), Duration::from_secs(1));
    assert_eq!(whole_seconds(Duration::from_secs(3)), Duration::from_secs(3));
    assert_eq!(whole_seconds(Duration::from_secs(3) + quarter), Duration::from_secs(4));
}

/// As a service does that is about to stop, or one that knows no waits.
#[tokio::test(start_paused = true)]
async fn a_service_that_answers_at_once_is_not_asked_on_and_on() {
    let (end, seconds, _) = wait(&then(Running, Ended), None).await;
    assert_eq!(end, "ended");
    assert!(seconds > 60, "40 questions in {seconds} s");
}
