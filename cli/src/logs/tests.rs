use std::{cell::RefCell, collections::VecDeque};

use super::*;
use crate::client::Refusal;

/// What comes of a log after so much time.
type Bit = (Duration, Result<Option<&'static str>, ()>);

#[derive(Default)]
struct FakeLog {
    position: Option<LogPosition>,
    length: Option<u64>,
    bits: VecDeque<Bit>,
}

impl Log for FakeLog {
    fn position(&self) -> Option<LogPosition> {
        self.position
    }

    fn length(&self) -> Option<u64> {
        self.length
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        let Some((time, bit)) = self.bits.pop_front() else { std::future::pending().await };
        sleep(time).await;
        match bit {
            Ok(text) => Ok(text.map(|text| Bytes::from_static(text.as_bytes()))),
            Err(()) => Err(failure()),
        }
    }
}

fn failure() -> ClientError {
    ClientError::TimedOut { server: "x".to_owned(), after_s: 60 }
}

fn refused(status: u16, slug: Option<&str>) -> ClientError {
    ClientError::Refused(Box::new(Refusal {
        status,
        slug: slug.map(str::to_owned),
        detail: String::new(),
        field: None,
        request_id: None,
        retry_after_s: None,
    }))
}

const AT_ONCE: Duration = Duration::ZERO;
const BREAKS_OFF: Bit = (AT_ONCE, Err(()));
const ENDS: Bit = (AT_ONCE, Ok(None));

fn comes(text: &'static str) -> Bit {
    (AT_ONCE, Ok(Some(text)))
}

fn at(inode: u64, offset: u64, bits: impl Into<VecDeque<Bit>>) -> Result<FakeLog, ClientError> {
    let position = Some(LogPosition { inode, offset });
    Ok(FakeLog { position, length: None, bits: bits.into() })
}

/// How a reading went.
struct Went {
    text: String,
    end: Read,
    /// Where each answer was asked to begin.
    asked: Vec<String>,
    told: Vec<News>,
}

async fn went(answers: impl IntoIterator<Item = Result<FakeLog, ClientError>>) -> Went {
    let mut answers = answers.into_iter();
    let text = RefCell::<String>::default();
    let asked = RefCell::<Vec<String>>::default();
    let told = RefCell::<Vec<News>>::default();
    let ask = async |query: LogQuery| {
        let from = query.from.map(|from| from.to_string());
        asked.borrow_mut().push(from.unwrap_or_default());
        answers.next().unwrap_or_else(|| Err(failure()))
    };
    let pass_on = |bytes: &[u8]| {
        text.borrow_mut().push_str(std::str::from_utf8(bytes).unwrap());
        Ok(true)
    };
    let tell = |news| told.borrow_mut().push(news);
    let end = read(ask, tell, LogQuery::default(), pass_on).await.unwrap();
    let (text, asked) = (text.into_inner(), asked.into_inner());
    Went { text, end, asked, told: told.into_inner() }
}

#[tokio::test(start_paused = true)]
async fn each_byte_comes_once_wherever_the_answers_break() {
    let text: String = (0..200).map(|number| format!("line {number}\n")).collect();
    let text: &'static str = text.leak();
    let bit = |from: usize, to: usize| comes(&text[from..to]);
    let length = text.len();
    for (first, second) in [(1, 2), (10, 100), (64, 65), (100, 1_000), (1_000, length)] {
        let known = |offset: usize| offset - offset.min(KNOWN_BYTES);
        let (again, last) = (known(first), known(second));
        let went = went([
            at(7, 0, [bit(0, first), BREAKS_OFF]),
            // What is known already comes in bits, too.
            at(7, again as u64, [bit(again, again + 1), bit(again + 1, second), BREAKS_OFF]),
            at(7, last as u64, [bit(last, length), ENDS]),
        ])
        .await;
        assert!(went.text == text, "{first} {second}: {}", went.text);
        assert!(matches!(went.end, Read::All));
        assert_eq!(went.asked, ["", &format!("7-{again}"), &format!("7-{last}")]);
        assert_eq!(went.told, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_not_there_at_first_is_read_from_its_beginning() {
    let went = went([
        at(0, 0, [BREAKS_OFF]),
        at(7, 0, [comes("one\n"), BREAKS_OFF]),
        at(8, 0, [comes("two\n"), ENDS]),
    ])
    .await;
    assert_eq!(
        (went.text.as_str(), went.asked.as_slice()),
        ("one\ntwo\n", &["", "0-0", "7-0"].map(str::to_owned)[..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_with_other_bytes_or_fewer_is_read_anew() {
    let before = || at(7, 0, [comes("one\n"), BREAKS_OFF]);
    let after = || at(7, 0, [comes("other\n"), ENDS]);
    let cut = FakeLog { length: Some(3), ..at(7, 0, [comes("one")]).unwrap() };
    for between in [at(7, 0, [comes("oth")]), Ok(cut)] {
        let went = went([before(), between, after()]).await;
        assert_eq!((went.text.as_str(), went.asked[2].as_str()), ("one\nother\n", "0-0"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_quiet_for_long_is_asked_for_again() {
    let began = Instant::now();
    let went =
        went([at(7, 5, []), at(7, 5, [comes("one\n")]), at(7, 5, [comes("one\n"), ENDS])]).await;
    assert_eq!((went.text.as_str(), went.asked[2].as_str()), ("one\n", "7-5"));
    // Before a proxy that cuts at a minute would.
    assert!(began.elapsed() < 2 * Duration::from_secs(60), "{:?}", began.elapsed());
    assert_eq!(went.told, []);
}

#[tokio::test(start_paused = true)]
async fn a_silence_is_outlasted_for_two_minutes_and_told() {
    let away = || Err(refused(503, Some("cluster-unavailable")));
    let page = || Err(refused(404, None));
    let held = Duration::from_secs(40);
    let first = || at(7, 4, [(held, Ok(Some("one\n"))), BREAKS_OFF]);
    // Nothing is known of what is in front of a first answer's beginning.
    let went_on =
        went([first(), away(), page(), at(7, 4, [comes("one\n"), comes("2"), ENDS])]).await;
    assert_eq!(went_on.text, "one\n2");
    assert_eq!(went_on.told, [News::Silent, News::Back]);
    let began = Instant::now();
    let gave_up = went([first()]).await;
    assert!(matches!(gave_up.end, Read::Failed(ClientError::TimedOut { .. })), "{:?}", gave_up.end);
    let silent = began.elapsed() - held;
    assert!(silent >= SILENCE_MAX && silent < SILENCE_MAX + 2 * PAUSE_MAX, "{silent:?}");
    assert_eq!((gave_up.text.as_str(), gave_up.told), ("one\n", vec![News::Silent]));
}

#[tokio::test(start_paused = true)]
async fn the_services_own_refusal_ends_it_and_one_of_a_certificate_only_at_first() {
    for (status, slug) in [(404, "job-not-found"), (400, "invalid-request")] {
        let went = went([at(7, 0, [BREAKS_OFF]), Err(refused(status, Some(slug)))]).await;
        assert!(matches!(went.end, Read::Failed(ClientError::Refused(_))));
        assert_eq!(went.asked.len(), 2);
    }
    let forbidden = || Err(refused(403, Some("forbidden")));
    assert_eq!(went([forbidden()]).await.asked.len(), 1);
    let later = went([at(7, 0, [BREAKS_OFF]), forbidden(), at(7, 0, [comes("x"), ENDS])]).await;
    assert_eq!(later.text, "x");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_position_cannot_be_gone_on_with() {
    let log = FakeLog { bits: [comes("one\n"), BREAKS_OFF].into(), ..FakeLog::default() };
    let went = went([Ok(log)]).await;
    assert_eq!((went.text.as_str(), went.asked.len()), ("one\n", 1));
    assert!(matches!(went.end, Read::Failed(_)));
}
