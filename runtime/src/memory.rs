//! Memory that nothing uses any more goes back to the system.
//!
//! glibc gives back only what is free at the end of its heap, and after a flood some small thing
//! that lives on is always there: a service that takes 8 MB would stay at 30 MB for ever.

use std::time::Duration;

/// How often it is given back. A call takes less than a millisecond where there is little to give.
const PAUSE: Duration = Duration::from_secs(20);

/// Gives back what is free, every few seconds and for ever.
pub(crate) async fn give_back_regularly() {
    loop {
        tokio::time::sleep(PAUSE).await;
        give_back();
    }
}

/// Gives back what is free at this moment, wherever in the heap it is. Other allocators than glibc's
/// do so by themselves.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "no library offers this call of glibc as a safe function")]
    // SAFETY: it takes no pointer, may be called by any thread at any time, and changes nothing that
    // is in use (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}
