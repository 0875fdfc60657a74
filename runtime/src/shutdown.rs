//! Signals: the first that stops drains, the second aborts; SIGHUP has files read anew.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::reload::LookNow;

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

    /// Listens for SIGTERM, SIGINT and SIGHUP from now on. The future never ends by itself; run it
    /// beside the server. SIGHUP ends nothing: it has files looked at.
    ///
    /// # Errors
    /// When the operating system refuses a signal handler.
    pub fn on_signals(
        &self,
        look_now: LookNow,
    ) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let shutdown = self.clone();
        let stop = async move {
            next(&mut terminate, &mut interrupt).await;
            tracing::info!("draining: a second signal ends at once");
            shutdown.drain();
            next(&mut terminate, &mut interrupt).await;
            tracing::warn!("ended before everything was answered");
            shutdown.abort();
            std::future::pending::<()>().await;
        };
        let look = async move {
            while hangup.recv().await.is_some() {
                tracing::info!("SIGHUP: reading certificate and catalogue anew");
                look_now.ask();
            }
        };
        Ok(async move {
            tokio::join!(stop, look);
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
