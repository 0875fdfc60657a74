use std::{
    future,
    sync::{Arc, Mutex},
};

use tokio::time::sleep;

use super::*;

/// What comes of the attempt at one address.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Silent,
    Refused,
    AnswersAfter(u64),
    RefusesAfter(u64),
}

use Fate::{AnswersAfter, Refused, RefusesAfter, Silent};

/// Outcome and time in milliseconds, and when each attempt began. Nothing really waits.
async fn race(fates: &[Fate]) -> (Result<usize, Vec<io::ErrorKind>>, u64, Vec<u64>) {
    let began = Instant::now();
    let millis = move || u64::try_from(began.elapsed().as_millis()).unwrap();
    let begun = Arc::new(Mutex::new(vec![None; fates.len()]));
    let addresses = (0..fates.len()).map(|number| SocketAddr::from(([192, 0, 2, 1], port(number))));
    let outcome = first(addresses, began + Duration::from_secs(10), |address| {
        let number = usize::from(address.port());
        let fate = fates[number];
        begun.lock().unwrap()[number] = Some(millis());
        async move {
            match fate {
                Silent => future::pending().await,
                Refused => Err(io::ErrorKind::ConnectionRefused.into()),
                AnswersAfter(millis) => {
                    sleep(Duration::from_millis(millis)).await;
                    Ok(number)
                }
                RefusesAfter(millis) => {
                    sleep(Duration::from_millis(millis)).await;
                    Err(io::ErrorKind::HostUnreachable.into())
                }
            }
        }
    })
    .await
    .map_err(|failures| failures.iter().map(io::Error::kind).collect());
    let begun = begun.lock().unwrap().iter().copied().flatten().collect();
    (outcome, millis(), begun)
}

fn port(number: usize) -> u16 {
    u16::try_from(number).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_silent_address_costs_a_moment_whatever_its_family() {
    assert_eq!(race(&[Silent, AnswersAfter(20)]).await, (Ok(1), 270, vec![0, 250]));
    let silent = [Silent, Silent, Silent, AnswersAfter(20)];
    assert_eq!(race(&silent).await, (Ok(3), 770, vec![0, 250, 500, 750]));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_answers_at_once_is_the_only_one_tried() {
    assert_eq!(race(&[AnswersAfter(249), Silent]).await, (Ok(0), 249, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn a_slow_address_is_not_given_up_for_the_next() {
    assert_eq!(race(&[AnswersAfter(400), Silent]).await, (Ok(0), 400, vec![0, 250]));
    assert_eq!(race(&[AnswersAfter(9_999), Refused]).await, (Ok(0), 9_999, vec![0, 250]));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_next_is_tried_at_once() {
    assert_eq!(race(&[Refused, Refused, AnswersAfter(5)]).await, (Ok(2), 5, vec![0, 0, 0]));
    let slowly = [RefusesAfter(100), RefusesAfter(300), AnswersAfter(5)];
    assert_eq!(race(&slowly).await, (Ok(2), 355, vec![0, 100, 350]));
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_it_is_over_and_each_is_told() {
    let (outcome, millis, _) = race(&[RefusesAfter(300), Refused]).await;
    let kinds = vec![io::ErrorKind::ConnectionRefused, io::ErrorKind::HostUnreachable];
    assert_eq!((outcome, millis), (Err(kinds), 300));
    assert_eq!(race(&[]).await, (Err(vec![]), 0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn all_of_them_have_the_time_of_one() {
    for count in [1, 2, 39, 41, 100] {
        let (outcome, millis, _) = race(&vec![Silent; count]).await;
        assert_eq!((outcome, millis), (Err(vec![io::ErrorKind::TimedOut]), 10_000), "{count}");
    }
    let (outcome, ..) = race(&[Refused, Silent]).await;
    let kinds = vec![io::ErrorKind::TimedOut, io::ErrorKind::ConnectionRefused];
    assert_eq!(outcome, Err(kinds));
}

#[test]
fn families_take_turns_and_the_systems_first_stays_first() {
    for (given, expected) in [
        (vec![], vec![]),
        (vec!["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"], vec![0, 3, 1, 2]),
        (vec!["1.1.1.1:1", "1.1.1.2:1", "[::1]:1"], vec![0, 2, 1]),
        (vec!["1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"], vec![0, 1, 2, 3]),
    ] {
        let given: Vec<SocketAddr> = given.iter().map(|address| address.parse().unwrap()).collect();
        let expected: Vec<_> = expected.iter().map(|&number: &usize| given[number]).collect();
        assert_eq!(interleaved(given.into_iter()), expected);
    }
}
