//! In a process of its own, since other tests use memory too.

use tjf_runtime::memory;

/// In pages.
#[expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may block, and fail")]
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn what_is_free_goes_back_although_something_behind_it_is_in_use() {
    let before = resident();
    let mut used: Vec<_> = (0..30_000).map(|_| vec![1_u8; 1_000].into_boxed_slice()).collect();
    used.drain(..used.len() - 1);
    let kept = resident() - before;
    memory::give_back();
    let rest = resident() - before;
    assert!(rest < kept / 4, "{rest} of {kept} pages are still there");
    assert_eq!(used[0][0], 1);
}
