use std::{convert::Infallible, pin::Pin, time::Duration};

use futures_util::FutureExt;
use http_body_util::{
    Full,
    channel::{Channel, Sender},
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::{job::objects::List, state::KnownTool};

mod fuzz;

/// An object of which only the name is used.
#[derive(Debug, Deserialize, PartialEq)]
struct Item {
    name: String,
}

/// What a reader makes of an answer that comes in pieces of this size.
fn fed<R: Reader>(mut reader: R, answer: &[u8], size: usize) -> Result<R::Output, ClusterError> {
    for piece in answer.chunks(size) {
        reader.feed(piece)?;
    }
    reader.finish()
}

fn listed(answer: &[u8], size: usize) -> Result<List<Item>, ClusterError> {
    fed(ListReader::default(), answer, size)
}

fn names(list: &List<Item>) -> Vec<&str> {
    list.items.iter().map(|item| item.name.as_str()).collect()
}

/// More than what is read at once.
fn filling() -> String {
    "x".repeat(70 * 1024)
}

/// A list with an object that makes it a large one.
fn large(items: Value) -> Vec<u8> {
    let mut items = items;
    items.as_array_mut().unwrap().push(json!({"name": "last", "filling": filling()}));
    let metadata = json!({"resourceVersion": "7", "continue": "more"});
    json!({"kind": "List", "metadata": metadata, "items": items}).to_string().into_bytes()
}

#[test]
fn a_large_list_is_read_wherever_its_pieces_end() {
    let odd = "\\ \" } ] , {\"items\":[";
    let answer = large(json!([{"name": odd, "items": [{"name": "inner"}]}, {"name": "b"}]));
    for size in [1, 2, 3, 7, 1024, answer.len()] {
        let list = listed(&answer, size).unwrap();
        assert_eq!(names(&list), [odd, "b", "last"], "in pieces of {size}");
        assert_eq!(list.metadata.resource_version, "7");
        assert_eq!(list.metadata.continue_token.as_deref(), Some("more"));
    }
}

#[test]
fn the_keys_of_a_list_may_come_in_any_order_and_with_blanks() {
    let filling = filling();
    let answer = format!(
        "{{ \"other\" : [{{\"name\": \"no\"}}], \"items\" :\n[ {{\"name\": \"a\"}} ,\t{{\"name\": \
         \"b\"}} ] , \"filling\": \"{filling}\", \"metadata\": {{\"resourceVersion\": \"9\"}} }}"
    );
    for size in [1, 4096, answer.len()] {
        let list = listed(answer.as_bytes(), size).unwrap();
        assert_eq!(names(&list), ["a", "b"]);
        assert_eq!(list.metadata.resource_version, "9");
    }
}

#[test]
fn an_object_that_cannot_be_read_is_left_out_of_large_lists_and_small_ones() {
    let items = json!([{"name": "a"}, {"name": 7}, {}, {"name": "b"}]);
    let small = json!({"items": items}).to_string();
    assert_eq!(names(&listed(small.as_bytes(), 10).unwrap()), ["a", "b"]);
    assert_eq!(names(&listed(&large(items), 10).unwrap()), ["a", "b", "last"]);
}

#[test]
fn what_broke_off_or_is_not_a_list_is_not_an_empty_one() {
    let whole = large(json!([{"name": "a"}]));
    for length in [0, 1, 60, 90, whole.len() - 2, whole.len() - 1] {
        let Err(ClusterError::Unreadable(error)) = listed(&whole[..length], 1024) else {
            panic!("the first {length} bytes are not a list");
        };
        assert!(error.is_eof(), "{error}");
    }
    let filling = json!(filling());
    for not_a_list in [json!({"filling": filling}), json!({"filling": filling, "items": [7]})] {
        let outcome = listed(not_a_list.to_string().as_bytes(), 1024);
        assert!(matches!(outcome, Err(ClusterError::Unreadable(_))), "{outcome:?}");
    }
    let nothing = json!({"filling": filling, "items": null}).to_string();
    assert_eq!(listed(nothing.as_bytes(), 1024).unwrap().items, []);
}

/// A list has no end that matters; an object has.
#[test]
fn only_a_single_object_can_be_too_large() {
    let half = "x".repeat(OBJECT_BYTES_MAX / 2);
    let object = |name: &str| json!({"name": name, "filling": half});
    let answer = json!({"items": [object("a"), object("b"), object("c")]}).to_string();
    assert_eq!(names(&listed(answer.as_bytes(), 1 << 20).unwrap()), ["a", "b", "c"]);

    let object = json!({"name": "a", "filling": [half, half]}).to_string();
    let read = |bytes: &[u8]| serde_json::from_slice::<Item>(bytes);
    let whole = fed(Whole::new(read), object.as_bytes(), 1 << 20);
    assert!(matches!(whole, Err(ClusterError::TooLarge)), "{whole:?}");
    let listed = listed(format!("{{\"items\":[{object}]}}").as_bytes(), 1 << 20);
    assert!(matches!(listed, Err(ClusterError::TooLarge)), "{listed:?}");
}

proptest! {
    /// The objects are those that a reader of all JSON finds.
    #[test]
    fn a_list_is_cut_where_its_objects_end(
        texts in prop::collection::vec(".{0,12}", 0..6),
        is_pretty: bool,
        size in 1_usize..40,
    ) {
        let item = |text: &String| json!({"name": text, text.as_str(): [text, {"items": [text]}]});
        let list = json!({"metadata": {"continue": texts}, "items": texts.iter().map(item).collect::<Vec<_>>()});
        let text = if is_pretty { format!("{list:#}") } else { list.to_string() };
        let (mut cutter, mut found) = (cutter::Cutter::default(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            cutter
                .feed(piece, |object| {
                    found.push(serde_json::from_slice::<Value>(object).unwrap());
                    Ok(())
                })
                .unwrap();
        }
        prop_assert_eq!(&json!(found), &list["items"]);
        let envelope: Value = serde_json::from_slice(&cutter.into_envelope()).unwrap();
        prop_assert_eq!(envelope, json!({"metadata": list["metadata"], "items": []}));
    }
}

/// As many bytes as need a turn, and one that does not.
fn many() -> Bytes {
    vec![b' '; FREE_BYTES_MAX + 1].into()
}

/// Longer than anything takes that is not waiting.
const MOMENT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(25);

/// An answer that is being read.
type Reading<'a> = Pin<Box<dyn Future<Output = Result<(), ClusterError>> + 'a>>;

/// Reads an answer of many bytes for a tool, which goes on until the sender is dropped.
fn reading<'a>(
    all: &'a Semaphore,
    tool: &'a KnownTool,
) -> (Sender<Bytes, Infallible>, Reading<'a>) {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    assert!(sender.send_data(many()).now_or_never().is_some());
    let now = Instant::now();
    let times = (now + CALL_TIME_MAX, now + LONG);
    (sender, Box::pin(read(body, Unread, bounds(all, tool), times)))
}

fn bounds<'a>(all: &'a Semaphore, tool: &'a KnownTool) -> Bounds<'a> {
    Bounds { calls: &tool.calls.all, large_of_tool: &tool.reading, large_of_all: all }
}

/// Whether an answer has come to its end a moment later.
async fn has_ended(reading: &mut Reading<'_>) -> bool {
    timeout(MOMENT, reading).await.is_ok_and(|outcome| outcome.is_ok())
}

#[tokio::test(start_paused = true)]
async fn one_large_answer_of_a_tool_is_read_at_once() {
    let all = Semaphore::new(LARGE_ANSWERS_MAX);
    let [tool, other] = [KnownTool::default(), KnownTool::default()];
    let (sender, mut first) = reading(&all, &tool);
    assert!(!has_ended(&mut first).await);
    let (_, mut second) = reading(&all, &tool);
    assert!(!has_ended(&mut second).await, "it had to wait");
    let (_, mut others) = reading(&all, &other);
    assert!(has_ended(&mut others).await, "another tool had to wait");
    let small = Full::new(Bytes::from_static(b"{}"));
    let times = (Instant::now(), Instant::now());
    read(small, Unread, bounds(&all, &tool), times).await.unwrap();
    drop(sender);
    assert!(has_ended(&mut first).await && has_ended(&mut second).await);
}

#[tokio::test(start_paused = true)]
async fn few_large_answers_are_read_at_once() {
    let all = Semaphore::new(LARGE_ANSWERS_MAX);
    let tools: Vec<_> = (0..=LARGE_ANSWERS_MAX).map(|_| KnownTool::default()).collect();
    let (last, tools) = tools.split_last().unwrap();
    let mut begun: Vec<_> = tools.iter().map(|tool| reading(&all, tool)).collect();
    for (_, reading) in &mut begun {
        assert!(!has_ended(reading).await);
    }
    let (_, mut one_more) = reading(&all, last);
    assert!(!has_ended(&mut one_more).await, "it had to wait");
    // Its client has left.
    begun.pop();
    assert!(has_ended(&mut one_more).await);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_takes_nothing_of_the_time_that_an_answer_has() {
    let (all, tool) = (Semaphore::new(LARGE_ANSWERS_MAX), KnownTool::default());
    let (_sender, mut stalled) = reading(&all, &tool);
    assert!(!has_ended(&mut stalled).await);
    let (sender, mut next) = reading(&all, &tool);
    let (ended, next_ended) =
        tokio::join!(&mut stalled, timeout(CALL_TIME_MAX + MOMENT, &mut next));
    assert!(matches!(ended, Err(ClusterError::Lost(_))), "{ended:?}");
    assert!(next_ended.is_err(), "it has its turn only now");
    drop(sender);
    assert!(has_ended(&mut next).await);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_does_not_come_is_waited_for_until_the_deadline() {
    let (all, tool) = (Semaphore::new(LARGE_ANSWERS_MAX), KnownTool::default());
    let _turn = all.acquire_many(4).await.unwrap();
    let (_, late) = reading(&all, &tool);
    let began = Instant::now();
    let outcome = late.await;
    assert!(matches!(outcome, Err(ClusterError::Lost(_))), "{outcome:?}");
    assert_eq!(began.elapsed().as_secs(), LONG.as_secs());
}
