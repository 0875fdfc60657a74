use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::advance;

use super::*;
use crate::pool::testing::*;

#[tokio::test(start_paused = true)]
async fn the_least_recently_used_makes_room() {
    let (homes, pool) = pool();
    for tool in ["a", "b", "c", "a"] {
        client(&pool, tool).await;
        advance(Duration::from_secs(1)).await;
    }
    client(&pool, "d").await;
    assert_eq!((pool.count().clients, homes.looks()), (3, 4));
    client(&pool, "a").await;
    assert_eq!(homes.looks(), 4, "`a` was used after `b`");
    client(&pool, "b").await;
    assert_eq!(homes.looks(), 5, "`b` had to go");
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_makes_no_room() {
    let (_, pool) = pool();
    let held = pool.entry(&name("a"));
    for tool in ["b", "c", "d", "e"] {
        advance(Duration::from_secs(1)).await;
        client(&pool, tool).await;
    }
    assert!(Arc::ptr_eq(&held.0, &pool.entry(&name("a")).0));
    assert_eq!(pool.lock().len(), LIMITS.clients_max);
}

/// At the very second, and nobody else need come for it.
#[tokio::test(start_paused = true)]
async fn an_entry_ends_when_nobody_has_used_it_for_long() {
    let (_, pool) = pool();
    let second = Duration::from_secs(1);
    let tending = pool.clone();
    let all = async {
        client(&pool, "a").await;
        advance(2 * second).await;
        client(&pool, "b").await;
        let held = pool.entry(&name("c"));
        advance(LIMITS.client_idle_max - 3 * second).await;
        settle().await;
        assert_eq!(pool.count().clients, 2);
        advance(second).await;
        settle().await;
        assert_eq!(pool.count().clients, 1, "`a` was idle for five minutes");
        advance(2 * second).await;
        settle().await;
        assert_eq!((pool.count().clients, pool.lock().len()), (0, 1), "`c` is in use");
        drop(held);
        advance(LIMITS.client_idle_max - second).await;
        settle().await;
        assert_eq!(pool.lock().len(), 1, "`c` was in use until a moment ago");
        advance(second).await;
        settle().await;
        assert_eq!(pool.lock().len(), 0);
    };
    tokio::select! {
        () = tending.tend() => {}
        () = all => {}
    }
}

#[tokio::test(start_paused = true)]
async fn entries_that_end_are_counted_by_what_ended_them() {
    let (_, pool) = pool();
    let ended = || [&IDLE, &ROOM].map(|reason| pool.evictions().0.get_or_create(reason).get());
    for tool in ["a", "b", "c"] {
        client(&pool, tool).await;
    }
    assert_eq!(ended(), [0, 0]);
    client(&pool, "d").await;
    assert_eq!(ended(), [0, 1]);
    advance(LIMITS.client_idle_max).await;
    pool.end_idle();
    assert_eq!(ended(), [3, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_home_that_hangs_keeps_its_entry() {
    let (homes, pool) = pool();
    client(&pool, "a").await;
    homes.hang(&name("a"));
    advance(LIMITS.certificate_look_age_max).await;
    assert_eq!(client(&pool, "a").await, 1);
    advance(2 * LIMITS.client_idle_max).await;
    pool.end_idle();
    assert_eq!((client(&pool, "a").await, homes.looks()), (1, 2));
    homes.go_on.notify_waiters();
    settle().await;
    advance(LIMITS.client_idle_max).await;
    pool.end_idle();
    assert_eq!(pool.count().clients, 0);
}

/// Whoever follows something with a client hears that it is replaced, refused, or not kept.
#[tokio::test(start_paused = true)]
async fn it_is_heard_that_a_client_is_not_the_callers_any_more() {
    let (homes, pool) = pool();
    let is_retired = |pooled: &Pooled<u32>| pooled.retired().now_or_never().is_some();
    let first = pool.client(&name("a")).await.unwrap();
    homes.renew();
    advance(LIMITS.certificate_look_age_max).await;
    client(&pool, "a").await;
    assert!(!is_retired(&first));
    settle().await;
    assert!(is_retired(&first));
    let second = pool.client(&name("a")).await.unwrap();
    assert!(!is_retired(&second));
    pool.refuse(&name("a"), second.generation);
    assert!(is_retired(&second));
    homes.renew();
    let third = pool.client(&name("a")).await.unwrap();
    advance(LIMITS.client_idle_max).await;
    pool.end_idle();
    assert!(is_retired(&third));
}
