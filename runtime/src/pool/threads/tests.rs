use std::sync::mpsc;

use futures_util::future::join_all;
use tokio::time::advance;

use super::*;

/// Work that hangs for as long as the sender is there, on as many threads as there are.
async fn all_hang(threads: &Arc<Threads>) -> (mpsc::Sender<()>, Vec<tokio::task::JoinHandle<()>>) {
    let (go_on, hangs) = mpsc::channel::<()>();
    let hangs = Arc::new(Mutex::new(hangs));
    let mut looks = Vec::new();
    for _ in 0..HOMES_READ_MAX {
        let (threads, hangs) = (Arc::clone(threads), Arc::clone(&hangs));
        let (begin, began) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "a test's work runs beside the test")]
        looks.push(tokio::spawn(async move {
            let work = move || {
                let _ = begin.send(());
                let _ = hangs.lock().map(|hangs| hangs.recv());
            };
            threads.run(work).await.unwrap();
        }));
        began.await.unwrap();
    }
    (go_on, looks)
}

#[tokio::test(start_paused = true)]
async fn when_all_threads_hang_that_is_said_at_once_and_only_then() {
    let threads = Arc::new(Threads::default());
    let (go_on, looks) = all_hang(&threads).await;
    advance(QUICK_TIME_MAX).await;
    let began = Instant::now();
    assert!(matches!(threads.run(|| ()).await, Err(ConnectError::HomeSilent)));
    assert_eq!(began.elapsed(), Duration::ZERO);
    drop(go_on);
    for look in looks {
        look.await.unwrap();
    }
    assert!(threads.run(|| ()).await.is_ok());
    assert_eq!(threads.busy.lock().1.len(), 0);
}

/// Many callers come in one moment, as after a start: nobody is sent away while others only work.
#[tokio::test]
async fn more_work_than_there_are_threads_has_to_wait_for_its_turn() {
    let threads = Threads::default();
    let all = join_all((0..10 * HOMES_READ_MAX).map(|number| threads.run(move || number))).await;
    for (number, done) in all.into_iter().enumerate() {
        assert_eq!(done.unwrap(), number);
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_thread_in_vain_does_not_wait_for_long() {
    let threads = Arc::new(Threads::default());
    let (_go_on, _looks) = all_hang(&threads).await;
    let began = Instant::now();
    assert!(matches!(threads.run(|| ()).await, Err(ConnectError::HomeSilent)));
    assert_eq!(began.elapsed(), QUICK_TIME_MAX);
}

#[tokio::test]
async fn a_panic_ends_its_thread_alone() {
    let threads = Threads::default();
    let outcome = threads.run(|| panic!("a look panics")).await;
    assert!(matches!(outcome, Err(ConnectError::Misconfigured(_))));
    assert_eq!(threads.free.available_permits(), HOMES_READ_MAX);
}

/// A process ends when its runtime has: after a drain, and after a second signal.
#[test]
fn a_runtime_ends_although_a_thread_hangs() {
    let (go_on, hangs) = mpsc::channel::<()>();
    let (end, ended) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        let runtime = runtime.unwrap();
        runtime.block_on(async {
            let (begin, began) = oneshot::channel();
            let threads = Threads::default();
            let look = threads.run(move || {
                let _ = begin.send(());
                hangs.recv()
            });
            tokio::select! {
                _ = look => panic!("it does not hang"),
                began = began => began.unwrap(),
            }
        });
        drop(runtime);
        end.send(()).unwrap();
    });
    assert_eq!(ended.recv_timeout(Duration::from_secs(10)), Ok(()));
    drop(go_on);
}
