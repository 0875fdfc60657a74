use std::sync::atomic::Ordering;

use prometheus_client::encoding::text::encode;
use tokio::time::advance;

use crate::pool::testing::*;

fn text(pool: &Pool) -> String {
    let mut registry = super::Registry::default();
    pool.looks().register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

#[track_caller]
fn assert_counts(pool: &Pool, expected: &[(&str, u32)]) {
    let text = text(pool);
    let ended: Vec<_> = text.lines().filter(|line| line.starts_with("home_looks_total")).collect();
    for line in &ended {
        let expected = expected.iter().find(|(outcome, _)| line.contains(&format!("{outcome:?}")));
        let count = expected.map_or(0, |(_, count)| *count);
        assert!(line.ends_with(&format!("}} {count}")), "{line}, and not {count}:\n{text}");
    }
    assert_eq!(ended.len(), 10, "each is there before it happens");
}

#[tokio::test(start_paused = true)]
async fn each_look_counts_once_by_what_became_of_it() {
    let (homes, pool) = pool();
    assert_counts(&pool, &[]);
    client(&pool, "a").await;
    client(&pool, "a").await;
    assert_counts(&pool, &[("built", 1)]);
    advance(LIMITS.certificate_look_age_max).await;
    client(&pool, "a").await;
    settle().await;
    assert_counts(&pool, &[("built", 1), ("unchanged", 1)]);
    let pooled = pool.client(&name("a")).await.unwrap();
    pool.refuse(&name("a"), pooled.generation);
    assert!(pool.client(&name("a")).await.is_err());
    assert_counts(&pool, &[("built", 1), ("unchanged", 1), ("rejected", 1)]);
    homes.broken.store(true, Ordering::Relaxed);
    assert!(pool.client(&name("b")).await.is_err());
    homes.panicking.store(true, Ordering::Relaxed);
    assert!(pool.client(&name("b")).await.is_err());
    assert_counts(
        &pool,
        &[("built", 1), ("unchanged", 1), ("rejected", 1), ("no-credentials", 1), ("panicked", 1)],
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_counts_as_silent_and_is_overdue_until_it_ends() {
    let (homes, pool) = pool();
    homes.hang(&name("stuck"));
    for _ in 0..3 {
        assert!(pool.client(&name("stuck")).await.is_err());
    }
    settle().await;
    assert_counts(&pool, &[("home-silent", 1)]);
    assert!(text(&pool).contains("home_looks_overdue 1\n"));
    homes.go_on.notify_waiters();
    settle().await;
    assert_eq!(client(&pool, "stuck").await, 1);
    assert_counts(&pool, &[("home-silent", 1)]);
    assert!(text(&pool).contains("home_looks_overdue 0\n"));
}
