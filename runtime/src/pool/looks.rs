//! Looks at homes, counted: what became of each, and how many hang now.

use std::{future::Future, time::Duration};

use futures_util::future::BoxFuture;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::time::timeout;

use super::{ConnectError, Known, Look};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Looked {
    outcome: &'static str,
}

/// A client was built.
const BUILT: &str = "built";
/// Nothing has changed since the last look.
const UNCHANGED: &str = "unchanged";
/// The look itself panicked.
const PANICKED: &str = "panicked";

/// The counts of looks. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Looks {
    ended: Family<Looked, Counter>,
    overdue: Gauge,
}

impl Default for Looks {
    /// Each outcome is there from the beginning: of a count that begins with 1 nobody sees the rise.
    fn default() -> Self {
        let ended = Family::<Looked, Counter>::default();
        for outcome in [BUILT, UNCHANGED, PANICKED].into_iter().chain(ConnectError::KINDS) {
            drop(ended.get_or_create(&Looked { outcome }));
        }
        Self { ended, overdue: Gauge::default() }
    }
}

impl Looks {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Looks at callers' homes, by what became of them";
        registry.register("home_looks", help, self.ended.clone());
        let help = "Looks at callers' homes that take too long now";
        registry.register("home_looks_overdue", help, self.overdue.clone());
    }

    /// Waits for a look, however long it takes. It counts once: by what it found, or as silent when
    /// that takes too long.
    pub(super) fn count<C>(
        &self,
        mut look: BoxFuture<'static, Result<Look<C>, ConnectError>>,
        known: Known,
        time_max: Duration,
    ) -> impl Future<Output = Result<Look<C>, ConnectError>> + use<C> {
        let mut underway = Underway { looks: self.clone(), outcome: PANICKED, is_overdue: false };
        async move {
            if let Ok(found) = timeout(time_max, &mut look).await {
                underway.ended(outcome(known, &found));
                return found;
            }
            underway.overdue();
            look.await
        }
    }
}

fn outcome<C>(known: Known, found: &Result<Look<C>, ConnectError>) -> &'static str {
    match (found, known) {
        (Ok(Look::Changed(..)), _) => BUILT,
        (Ok(Look::Unchanged), Known::Refused(_)) => ConnectError::Rejected.kind(),
        (Ok(Look::Unchanged), Known::Good(_) | Known::Nothing) => UNCHANGED,
        (Err(error), _) => error.kind(),
    }
}

/// A look that is under way, until it is dropped.
struct Underway {
    looks: Looks,
    outcome: &'static str,
    is_overdue: bool,
}

impl Underway {
    fn ended(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }

    fn overdue(&mut self) {
        (self.outcome, self.is_overdue) = (ConnectError::HomeSilent.kind(), true);
        self.looks.overdue.inc();
        self.looks.ended.get_or_create(&Looked { outcome: self.outcome }).inc();
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if self.is_overdue {
            self.looks.overdue.dec();
        } else {
            self.looks.ended.get_or_create(&Looked { outcome: self.outcome }).inc();
        }
    }
}

#[cfg(test)]
mod tests;
