//! Locks that nobody poisons.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. For such as guard what is whole at every step: then it does not matter whether
/// somebody panicked while holding one.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_panic_of_one_holder_does_not_keep_out_the_next() {
        let mutex = Arc::new(Mutex::new(1));
        let holder = Arc::clone(&mutex);
        let panicked = std::thread::spawn(move || {
            let _held = lock(&holder);
            panic!("while it holds the lock");
        });
        assert!(panicked.join().is_err() && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 1);
    }
}
