//! Stopping: the first signal drains, the second aborts.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells the parts of a server when to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    abort: CancellationToken,
}

impl Shutdown {
    /// A shutdown that is asked for by hand.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens for SIGTERM and SIGINT from now on. The future never ends by itself; run it beside
    /// the server.
    ///
    /// # Errors
    /// When the operating system refuses a signal handler.
    pub fn on_signals(&self) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        Ok(async move {
            next(&mut terminate, &mut interrupt).await;
            tracing::info!("draining: a second signal ends at once");
            shutdown.drain();
            next(&mut terminate, &mut interrupt).await;
            tracing::warn!("ended before everything was answered");
            shutdown.abort();
            std::future::pending().await
        })
    }

    /// Take no more work, finish the rest.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Finish nothing.
    pub fn abort(&self) {
        self.drain.cancel();
        self.abort.cancel();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    pub(crate) async fn draining(&self) {
        self.drain.cancelled().await;
    }

    pub(crate) async fn aborted(&self) {
        self.abort.cancelled().await;
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
