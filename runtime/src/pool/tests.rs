use futures_util::FutureExt;
use tokio::time::{Instant, advance};

use super::{testing::*, *};

#[tokio::test(start_paused = true)]
async fn callers_of_one_name_share_one_look_and_one_client() {
    let (homes, pool) = pool();
    let a = name("a");
    let all = futures_util::future::join_all((0..20).map(|_| pool.client(&a))).await;
    assert!(all.iter().all(|pooled| pooled.as_ref().unwrap().client == 1));
    assert_eq!((homes.looks(), pool.count().clients), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_kept() {
    let (homes, pool) = pool();
    homes.broken.store(true, Ordering::Relaxed);
    assert!(matches!(pool.client(&name("a")).await, Err(ConnectError::NoCredentials(_))));
    homes.broken.store(false, Ordering::Relaxed);
    assert_eq!(client(&pool, "a").await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_panics_is_our_fault_and_not_for_ever() {
    let (homes, pool) = pool();
    homes.panicking.store(true, Ordering::Relaxed);
    assert!(matches!(pool.client(&name("a")).await, Err(ConnectError::Misconfigured(_))));
    homes.panicking.store(false, Ordering::Relaxed);
    advance(Duration::from_secs(60)).await;
    assert_eq!(client(&pool, "a").await, 2);
}

/// The time line of a renewal: nothing is looked at for ten seconds; then the old client is given
/// at once while a look is under way, and the new one afterwards.
#[tokio::test(start_paused = true)]
async fn a_changed_certificate_replaces_the_client_and_nobody_waits_for_it() {
    let (homes, pool) = pool();
    assert_eq!(client(&pool, "a").await, 1);
    homes.renew();
    advance(Duration::from_secs(9)).await;
    assert_eq!((client(&pool, "a").await, homes.looks()), (1, 1));
    advance(Duration::from_secs(1)).await;
    assert_eq!((client(&pool, "a").await, homes.looks()), (1, 2), "the old one, at once");
    settle().await;
    assert_eq!((client(&pool, "a").await, homes.looks()), (2, 2));
    advance(Duration::from_secs(10)).await;
    client(&pool, "a").await;
    settle().await;
    assert_eq!((client(&pool, "a").await, homes.looks()), (2, 3), "nothing new was found");
}

#[tokio::test(start_paused = true)]
async fn a_half_written_certificate_keeps_the_old_client() {
    let (homes, pool) = pool();
    client(&pool, "a").await;
    homes.broken.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        advance(Duration::from_secs(10)).await;
        assert_eq!(client(&pool, "a").await, 1);
        settle().await;
    }
    assert_eq!(homes.looks(), 4, "and it is looked at again");
}

/// Whoever takes them away wants the tool to be served no more.
#[tokio::test(start_paused = true)]
async fn files_that_are_gone_for_a_minute_end_the_client() {
    let (homes, pool) = pool();
    let pooled = pool.client(&name("a")).await.unwrap();
    homes.broken.store(true, Ordering::Relaxed);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        assert_eq!(client(&pool, "a").await, 1, "after {:?}", began.elapsed());
        advance(LIMITS.certificate_look_age_max).await;
        settle().await;
    }
    let retired = timeout(LIMITS.certificate_look_age_max * 3, async {
        while pool.client(&name("a")).await.is_ok() {
            advance(LIMITS.certificate_look_age_max).await;
            settle().await;
        }
        pooled.retired().await;
    });
    assert!(retired.await.is_ok());
    // They come back, and are away again for a moment only.
    homes.broken.store(false, Ordering::Relaxed);
    assert_eq!(client(&pool, "a").await, homes.looks());
}

#[tokio::test(start_paused = true)]
async fn an_old_client_is_built_anew_whatever_its_files_look_like() {
    let (_, pool) = pool();
    client(&pool, "a").await;
    advance(LIMITS.client_age_max).await;
    assert_eq!(client(&pool, "a").await, 1, "nobody waits for it");
    settle().await;
    assert_eq!(client(&pool, "a").await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_client_goes_when_there_is_no_pair_to_build_it_of() {
    let (homes, pool) = pool();
    let pooled = pool.client(&name("a")).await.unwrap();
    homes.broken.store(true, Ordering::Relaxed);
    advance(LIMITS.client_age_max).await;
    client(&pool, "a").await;
    settle().await;
    assert!(pooled.retired().now_or_never().is_some());
    assert!(matches!(pool.client(&name("a")).await, Err(ConnectError::NoCredentials(_))));
}

/// A home that hangs: its first callers wait five seconds, later ones not at all, others are not
/// delayed, and no second look begins however many ask; when it answers at last, the client is
/// there.
#[tokio::test(start_paused = true)]
async fn a_home_that_hangs_delays_only_its_own_callers_and_is_read_once() {
    let (homes, pool) = pool();
    homes.hang(&name("stuck"));
    let began = Instant::now();
    assert!(matches!(pool.client(&name("stuck")).await, Err(ConnectError::HomeSilent)));
    assert_eq!(began.elapsed(), LIMITS.look_time_max);
    for _ in 0..10 {
        let began = Instant::now();
        assert!(matches!(pool.client(&name("stuck")).await, Err(ConnectError::HomeSilent)));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
    let began = Instant::now();
    for tool in ["a", "b", "c", "d", "e"] {
        client(&pool, tool).await;
    }
    advance(LIMITS.client_idle_max).await;
    client(&pool, "f").await;
    assert_eq!(began.elapsed(), LIMITS.client_idle_max, "nobody else waited");
    assert!(pool.client(&name("stuck")).await.is_err());
    assert_eq!(homes.looks(), 1 + 6, "neither room nor idleness made it look a second time");
    homes.go_on.notify_waiters();
    settle().await;
    assert_eq!(client(&pool, "stuck").await, 1);
}

#[tokio::test(start_paused = true)]
async fn while_a_renewal_hangs_the_old_client_is_given() {
    let (homes, pool) = pool();
    client(&pool, "a").await;
    homes.hang(&name("a"));
    advance(Duration::from_secs(10)).await;
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(client(&pool, "a").await, 1);
        assert_eq!(began.elapsed(), Duration::ZERO);
        advance(Duration::from_secs(20)).await;
    }
    assert_eq!(homes.looks(), 2);
}

/// Nothing has said anything against the client, and there is no better one.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_for_an_hour_keeps_the_client() {
    let (homes, pool) = pool();
    client(&pool, "a").await;
    homes.hang(&name("a"));
    advance(Duration::from_secs(10)).await;
    client(&pool, "a").await;
    advance(LIMITS.client_age_max).await;
    let began = Instant::now();
    assert_eq!(client(&pool, "a").await, 1);
    assert_eq!((began.elapsed(), homes.looks()), (Duration::ZERO, 2));
    homes.hanging.lock().unwrap().clear();
    homes.go_on.notify_waiters();
    settle().await;
    advance(LIMITS.certificate_look_age_max).await;
    client(&pool, "a").await;
    settle().await;
    assert_eq!((client(&pool, "a").await, homes.looks()), (3, 3), "and then it is built anew");
}

/// All threads hang in other homes.
#[tokio::test(start_paused = true)]
async fn without_a_thread_an_old_client_is_kept_and_nobody_else_has_one() {
    let (homes, pool) = pool();
    client(&pool, "a").await;
    homes.silent.store(true, Ordering::Relaxed);
    advance(LIMITS.client_age_max).await;
    for _ in 0..3 {
        assert_eq!(client(&pool, "a").await, 1);
        settle().await;
    }
    assert_eq!(homes.looks(), 2);
    let began = Instant::now();
    assert!(matches!(pool.client(&name("b")).await, Err(ConnectError::HomeSilent)));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_look_goes_on_when_its_caller_has_left() {
    let (homes, pool) = pool();
    homes.hang(&name("a"));
    let second = Duration::from_secs(1);
    assert!(timeout(second, pool.client(&name("a"))).await.is_err());
    homes.go_on.notify_waiters();
    settle().await;
    assert_eq!((client(&pool, "a").await, homes.looks()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_is_forgotten_but_never_a_newer_one() {
    let (homes, pool) = pool();
    let refused = pool.client(&name("a")).await.unwrap();
    homes.renew();
    pool.refuse(&name("a"), refused.generation);
    let newer = pool.client(&name("a")).await.unwrap();
    assert_eq!(newer.client, 2, "it is looked at at once");
    pool.refuse(&name("a"), refused.generation);
    assert_eq!(client(&pool, "a").await, 2, "another request had it renewed already");
}

/// The time line of a refusal: one look at once, then one in ten seconds, and no client of the same
/// pair until a minute has passed.
#[tokio::test(start_paused = true)]
async fn a_refused_pair_makes_no_client_until_it_changes() {
    let (homes, pool) = pool();
    let refused = pool.client(&name("a")).await.unwrap();
    pool.refuse(&name("a"), refused.generation);
    for looks in [2, 3, 4, 5, 6, 7] {
        for _ in 0..5 {
            assert!(matches!(pool.client(&name("a")).await, Err(ConnectError::Rejected)));
            assert_eq!(homes.looks(), looks);
        }
        advance(LIMITS.certificate_look_age_max).await;
    }
    assert_eq!(client(&pool, "a").await, 8, "Kubernetes may have been at fault itself");
    pool.refuse(&name("a"), u64::MAX);
    assert!(matches!(pool.client(&name("a")).await, Err(ConnectError::Rejected)));
    homes.renew();
    assert!(pool.client(&name("a")).await.is_err(), "nobody looks yet");
    advance(LIMITS.certificate_look_age_max).await;
    assert_eq!(client(&pool, "a").await, 10);
}

/// A tool could write a bad pair after another.
#[tokio::test(start_paused = true)]
async fn a_home_of_many_bad_pairs_is_not_looked_at_more_often() {
    let (homes, pool) = pool();
    client(&pool, "a").await;
    for _ in 0..10 {
        homes.renew();
        pool.refuse(&name("a"), u64::MAX);
        let _ = pool.client(&name("a")).await;
    }
    assert_eq!(homes.looks(), 2);
    advance(LIMITS.certificate_look_age_max).await;
    assert_eq!(client(&pool, "a").await, 3);
}

/// What is the same after the refusal was perhaps read before it: there has to be one more look.
#[tokio::test(start_paused = true)]
async fn a_client_refused_during_a_renewal_has_its_home_looked_at_anew() {
    let (homes, pool) = pool();
    let old = pool.client(&name("a")).await.unwrap();
    homes.hang(&name("a"));
    advance(Duration::from_secs(10)).await;
    client(&pool, "a").await;
    settle().await;
    pool.refuse(&name("a"), old.generation);
    homes.hanging.lock().unwrap().clear();
    let tool = name("a");
    let home = async {
        settle().await;
        homes.go_on.notify_waiters();
    };
    let (renewed, ()) = tokio::join!(pool.client(&tool), home);
    assert!(matches!(renewed, Err(ConnectError::Rejected)));
    assert_eq!(homes.looks(), 3);
}

/// A look that is to build an old client anew finds the same pair, which was refused meanwhile.
#[tokio::test(start_paused = true)]
async fn a_pair_refused_while_it_is_built_anew_makes_no_client() {
    let (homes, pool) = pool();
    let old = pool.client(&name("a")).await.unwrap();
    homes.hang(&name("a"));
    advance(LIMITS.client_age_max).await;
    client(&pool, "a").await;
    settle().await;
    pool.refuse(&name("a"), old.generation);
    homes.go_on.notify_waiters();
    assert!(matches!(pool.client(&name("a")).await, Err(ConnectError::Rejected)));
    assert_eq!(homes.looks(), 2);
}

/// A renewal knows of an old client and so does not wait for a pair that is being written. When
/// that client is refused meanwhile, there is nothing to keep: somebody has to wait after all.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_after_its_client_was_refused_is_not_the_last_word() {
    let (homes, pool) = pool();
    let old = pool.client(&name("a")).await.unwrap();
    homes.hang(&name("a"));
    advance(Duration::from_secs(10)).await;
    client(&pool, "a").await;
    settle().await;
    pool.refuse(&name("a"), old.generation);
    homes.hanging.lock().unwrap().clear();
    homes.broken.store(true, Ordering::Relaxed);
    let tool = name("a");
    let caller = pool.client(&tool);
    let home = async {
        settle().await;
        homes.renew();
        homes.mended_after.store(2, Ordering::Relaxed);
        homes.go_on.notify_waiters();
    };
    let (renewed, ()) = tokio::join!(caller, home);
    assert_eq!(renewed.unwrap().client, 3);
}
