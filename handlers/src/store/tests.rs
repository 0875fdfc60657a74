use serde_json::json;

use super::*;
use crate::{
    job::objects::{BatchJob, Meta, Pod},
    testing::object,
};

const KINDS: [Kind; 4] = [Kind::JOBS, Kind::CRON_JOBS, Kind::REPLICATION_CONTROLLERS, Kind::PODS];

/// After this warnings are out of date.
const EVENTS_AGE: Duration = Duration::from_secs(6);

fn version(number: u64) -> Version {
    Version::parse(&number.to_string())
}

fn job(name: &str, uid: &str, at: u64) -> BatchJob {
    let meta = json!({"metadata": {"resourceVersion": at.to_string()}});
    serde_json::from_value(object(name, uid, &meta)).unwrap()
}

fn going(name: &str, uid: &str, at: u64) -> BatchJob {
    let meta = json!({"metadata": {
        "resourceVersion": at.to_string(), "deletionTimestamp": "2026-01-01T00:02:00Z",
    }});
    serde_json::from_value(object(name, uid, &meta)).unwrap()
}

fn gone(meta: Meta) -> Change<BatchJob> {
    Change::Gone(Box::new(meta))
}

/// Two jobs, each kind at version 10.
fn filling() -> Filling {
    let jobs = vec![job("b", "ub", 7), job("a", "ua", 5)];
    let objects = Objects { jobs, ..Objects::default() };
    Filling { objects, versions: KINDS.map(|kind| (kind, version(10))).into(), bytes: 200 }
}

/// A store whose watches are under way.
fn followed(store: &Store, room: &Arc<StoreRoom>) -> Feed {
    let feed = store.fill(room, store.writes(), filling()).unwrap();
    for kind in KINDS {
        feed.begun(kind).unwrap();
    }
    feed
}

/// The names of the jobs that are shown, if anything is.
async fn shown(store: &Store, creates: &Creates) -> Option<Vec<String>> {
    let names = |contents: &mut Contents| {
        contents.objects().jobs.iter().map(|job| job.metadata.name.clone()).collect()
    };
    store.with(creates, names).await
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shown_before_every_watch_is_under_way() {
    let (store, room) = (Store::default(), Arc::default());
    assert_eq!(shown(&store, &Creates::default()).await, None);
    let feed = store.fill(&room, 0, filling()).unwrap();
    assert!(!store.is_wanted());
    for kind in KINDS {
        assert_eq!(shown(&store, &Creates::default()).await, None, "before {kind:?}");
        feed.begun(kind).unwrap();
    }
    assert_eq!(shown(&store, &Creates::default()).await.unwrap(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn changes_are_shown_in_the_order_in_which_they_are_told() {
    let (store, room) = (Store::default(), Arc::default());
    let feed = followed(&store, &room);
    let creates = Creates::default();
    feed.apply(Change::Is(job("aa", "uaa", 11)), 50).unwrap();
    assert_eq!(shown(&store, &creates).await.unwrap(), ["a", "aa", "b"]);
    // The name has another object now.
    feed.apply(Change::Is(job("a", "new", 12)), 50).unwrap();
    let uid = |contents: &mut Contents| contents.objects().jobs[0].metadata.uid.clone();
    assert_eq!(store.with(&creates, uid).await.unwrap(), "new");
    feed.apply(gone(job("a", "new", 13).metadata), 50).unwrap();
    feed.apply(gone(job("unknown", "u", 14).metadata), 50).unwrap();
    assert_eq!(shown(&store, &creates).await.unwrap(), ["aa", "b"]);
    assert_eq!(feed.version(Kind::JOBS).unwrap(), version(14));
    assert_eq!(room.bytes.load(Ordering::Relaxed), 150, "of two objects");
}

/// Contract, section 1: a read that begins after a change was answered shows that change.
#[tokio::test(start_paused = true)]
async fn what_this_server_created_is_waited_for() {
    let (known, room) = (crate::state::KnownTool::default(), Arc::default());
    let feed = followed(&known.store, &room);
    known.note(Kind::JOBS, version(12));
    let creates = known.creates();
    let told = async {
        feed.apply(Change::Is(job("c", "uc", 11)), 50).unwrap();
        tokio::task::yield_now().await;
        feed.apply(Change::Is(job("d", "ud", 12)), 50).unwrap();
    };
    let (names, ()) = tokio::join!(shown(&known.store, &creates), told);
    assert_eq!(names.unwrap(), ["a", "b", "c", "d"]);
    // What is not told is not waited for longer than it takes to ask.
    known.note(Kind::PODS, version(13));
    assert_eq!(shown(&known.store, &known.creates()).await, None);
    feed.bookmark(Kind::PODS, version(13)).unwrap();
    assert!(shown(&known.store, &known.creates()).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_this_server_deleted_is_waited_for_until_it_goes() {
    let (store, room) = (Store::default(), Arc::default());
    let feed = followed(&store, &room);
    let creates = Creates::default();
    store.note_deleted(Kind::JOBS, "ua", version(5));
    assert_eq!(shown(&store, &creates).await, None);
    feed.apply(gone(job("a", "ua", 11).metadata), 50).unwrap();
    assert_eq!(shown(&store, &creates).await.unwrap(), ["b"]);
    // A finalizer keeps it: that it goes is all that there is to tell.
    store.note_deleted(Kind::JOBS, "ub", version(7));
    feed.apply(Change::Is(going("b", "ub", 12)), 50).unwrap();
    assert_eq!(shown(&store, &creates).await.unwrap(), ["b"]);
    store.note_deleted(Kind::JOBS, "ub", version(12));
    assert!(shown(&store, &creates).await.is_some(), "it goes already");
    // It went before it was deleted here, and will never be told again.
    store.note_deleted(Kind::JOBS, "ua", version(5));
    assert!(shown(&store, &creates).await.is_some());
    // Another server created it a moment ago, and no watch has told that yet.
    store.note_deleted(Kind::JOBS, "uc", version(13));
    assert_eq!(shown(&store, &creates).await, None);
    feed.apply(Change::Is(job("c", "uc", 13)), 50).unwrap();
    assert_eq!(shown(&store, &creates).await, None);
    feed.apply(gone(job("c", "uc", 14).metadata), 50).unwrap();
    assert_eq!(shown(&store, &creates).await.unwrap(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn lists_that_began_before_a_change_fill_nothing() {
    let (store, room) = (Store::default(), Arc::default());
    let writes = store.writes();
    store.note_deleted(Kind::JOBS, "ua", version(5));
    assert!(store.fill(&room, writes, filling()).is_none());
    let writes = store.writes();
    store.note_created();
    assert!(store.fill(&room, writes, filling()).is_none());
    assert!(store.fill(&room, store.writes(), filling()).is_some());
    assert!(store.fill(&room, store.writes(), filling()).is_none(), "another was quicker");
}

#[tokio::test(start_paused = true)]
async fn watches_of_an_earlier_filling_change_and_end_nothing() {
    let (store, room) = (Store::default(), Arc::default());
    let first = followed(&store, &room);
    first.end(false);
    assert_eq!(shown(&store, &Creates::default()).await, None);
    assert_eq!(room.bytes.load(Ordering::Relaxed), 0);
    let _second = followed(&store, &room);
    assert_eq!(first.apply(Change::Is(job("c", "uc", 11)), 50), Err(Ended));
    first.end(false);
    assert_eq!(shown(&store, &Creates::default()).await.unwrap(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_fault_that_lasts_nothing_is_followed_for_a_while() {
    let (store, room) = (Store::default(), Arc::default());
    followed(&store, &room).end(true);
    assert!(!store.is_wanted());
    tokio::time::advance(PAUSE).await;
    assert!(store.is_wanted());
}

#[tokio::test(start_paused = true)]
async fn a_tool_with_too_much_is_not_remembered_and_takes_nobody_elses_room() {
    let room = Arc::default();
    let (large, small) = (Store::default(), Store::default());
    let other = followed(&small, &room);
    let too_large = Filling { bytes: BYTES_PER_TOOL_MAX + 1, ..filling() };
    assert!(large.fill(&room, 0, too_large).is_none());
    assert!(!large.is_wanted());
    tokio::time::advance(PAUSE).await;
    let feed = followed(&large, &room);
    feed.apply(Change::Is(job("c", "uc", 11)), BYTES_PER_TOOL_MAX).unwrap();
    assert_eq!(feed.apply(Change::Is(job("d", "ud", 12)), 1), Err(Ended));
    assert_eq!(shown(&large, &Creates::default()).await, None);
    assert_eq!(room.bytes.load(Ordering::Relaxed), 200);
    other.apply(Change::Is(job("c", "uc", 11)), 50).unwrap();
    drop(small);
    drop(other);
    assert_eq!(room.bytes.load(Ordering::Relaxed), 0);
    drop((large, feed));
    assert_eq!(room.stores.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn all_stores_together_are_bounded_in_number_and_bytes() {
    let room = Arc::new(StoreRoom::default());
    room.bytes.store(BYTES_MAX - 100, Ordering::Relaxed);
    assert!(Store::default().fill(&room, 0, filling()).is_none());
    assert_eq!(room.bytes.load(Ordering::Relaxed), BYTES_MAX - 100);
    room.bytes.store(0, Ordering::Relaxed);
    room.stores.store(STORES_MAX, Ordering::Relaxed);
    assert!(Store::default().fill(&room, 0, filling()).is_none());
    assert_eq!(room.stores.load(Ordering::Relaxed), STORES_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_right_until_something_changes_or_the_second_is_over() {
    let (store, room) = (Store::default(), Arc::default());
    let feed = followed(&store, &room);
    let creates = Creates::default();
    let catalogue = crate::testing::state().catalogue.get();
    let page = Arc::new(Page::of(&[]).unwrap());
    let keep = |contents: &mut Contents| contents.keep(1, Arc::clone(&catalogue), page.clone());
    let is_right = async |second, catalogue: &Arc<_>| {
        store.with(&creates, |contents| contents.page(second, catalogue).is_some()).await.unwrap()
    };
    assert!(!is_right(1, &catalogue).await);
    store.with(&creates, keep).await.unwrap();
    assert!(is_right(1, &catalogue).await);
    assert!(!is_right(2, &catalogue).await);
    assert!(!is_right(1, &crate::testing::state().catalogue.get()).await);
    let pod: Pod = serde_json::from_value(object("p", "up", &json!({}))).unwrap();
    feed.apply(Change::Is(pod), 10).unwrap();
    assert!(!is_right(1, &catalogue).await);
    store.with(&creates, keep).await.unwrap();
    store.set_events(&[]);
    assert!(!is_right(1, &catalogue).await, "a warning may say more");
}

#[tokio::test(start_paused = true)]
async fn what_was_put_together_for_readers_goes_when_none_come() {
    let (store, room) = (Store::default(), Arc::default());
    let feed = followed(&store, &room);
    let creates = Creates::default();
    let catalogue = crate::testing::state().catalogue.get();
    let page = Arc::new(Page::of(&[]).unwrap());
    store.set_events(&[Event::default()]);
    let keep = |contents: &mut Contents| contents.keep(1, Arc::clone(&catalogue), page.clone());
    store.with(&creates, keep).await.unwrap();
    let kept = async || {
        let events = |contents: &mut Contents| contents.objects().events.len();
        (Arc::strong_count(&page), store.with(&creates, events).await.unwrap())
    };
    assert_eq!(kept().await, (2, 1));
    feed.bookmark(Kind::JOBS, version(11)).unwrap();
    assert_eq!(kept().await, (1, 1), "warnings of a moment ago are still told");
    tokio::time::advance(EVENTS_AGE).await;
    feed.bookmark(Kind::JOBS, version(12)).unwrap();
    assert_eq!(kept().await, (1, 0));
}

#[tokio::test(start_paused = true)]
async fn warnings_are_asked_for_again_after_a_while() {
    let (store, room) = (Store::default(), Arc::default());
    let _feed = followed(&store, &room);
    let creates = Creates::default();
    let has = async || {
        let has = |contents: &mut Contents| contents.has_events(Instant::now());
        store.with(&creates, has).await.unwrap()
    };
    assert!(!has().await);
    store.set_events(&[]);
    assert!(has().await);
    tokio::time::advance(EVENTS_AGE).await;
    assert!(!has().await);
}

#[test]
fn what_cannot_be_read_is_left_out() {
    let meta: Meta = job("a", "ua", 11).metadata;
    let mut contents = Contents::new(filling());
    contents.apply(gone(meta), 10);
    assert_eq!(contents.objects().jobs.len(), 1);
}

#[test]
fn each_job_of_a_page_is_a_piece_of_it() {
    let view = |name: &str| tjf_api_types::JobView {
        cmd: format!("echo '{name}, [{{'"),
        ..serde_json::from_value(json!({"name": name})).unwrap()
    };
    let views = ["a", "b", "c"].map(view);
    let page = Page::of(&views).unwrap();
    assert_eq!(page.all().json(), &serde_json::to_vec(&views).unwrap());
    for view in &views {
        let job = page.job(&view.name).unwrap();
        assert_eq!(job.json(), &serde_json::to_vec(view).unwrap());
    }
    assert!(page.job("d").is_none());
    assert_eq!(Page::of(&[]).unwrap().all().json(), "[]");
}
