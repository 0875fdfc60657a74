//! Who was first under one name.
//!
//! Kubernetes keeps names apart only within a kind, so two kinds can have one name for a moment.
//! Versions of all kinds are one sequence, which is that of etcd, and the earlier creation wins. An
//! object is withdrawn only on proof that it was second.

use super::{Cluster, ClusterError, call::Filter, survey::Found};
use crate::job::{kind::Kind, objects::Meta};

/// Looks back and then halves: enough for any sequence of versions, and an end for a strange one.
const LOOKS_MAX: usize = 128;

/// What is known of the moment at which an object was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creation {
    /// It has been at its version ever since.
    AtItsVersion,
    /// It may have been changed since.
    Earlier,
}

impl Cluster {
    /// Whether another kind had the name of this object when it was created. What was created
    /// before it is there now, unless it has gone since and is in nobody's way.
    pub(super) async fn was_second(
        &self,
        mine: Found<'_>,
        creation: Creation,
    ) -> Result<bool, ClusterError> {
        let others: Vec<_> =
            Kind::OF_JOBS.into_iter().filter(|other| *other != mine.kind).collect();
        let looks = others.into_iter().map(async |kind| {
            match self.get_meta(kind, &mine.meta.name).await? {
                Some(meta) => self.came_before(Found { kind, meta: &meta }, mine, creation).await,
                None => Ok(false),
            }
        });
        Ok(futures_util::future::try_join_all(looks).await?.contains(&true))
    }

    /// Whether the other object of this name was created before mine.
    pub(super) async fn came_before(
        &self,
        other: Found<'_>,
        mine: Found<'_>,
        creation: Creation,
    ) -> Result<bool, ClusterError> {
        let by_version = match creation {
            Creation::AtItsVersion => self.was_there_first(other, mine.meta).await?,
            Creation::Earlier => self.first_of(other, mine).await?,
        };
        // Without those versions, the time of creation: whole seconds, which may be equal, and then
        // prove nothing.
        let is_older = || other.meta.creation_timestamp < mine.meta.creation_timestamp;
        Ok(by_version.unwrap_or_else(is_older))
    }

    /// The same of an object that was created at its version. What is there now and has changed
    /// since may have come later: then it is asked for as it was at that very version.
    async fn was_there_first(
        &self,
        other: Found<'_>,
        mine: &Meta,
    ) -> Result<Option<bool>, ClusterError> {
        match (other.meta.version.number(), mine.version.number()) {
            (Some(other), Some(mine)) if other < mine => Ok(Some(true)),
            (_, Some(version)) => self.was_there(other, version).await,
            (_, None) => Ok(None),
        }
    }

    /// The same when both may have changed since: looks for a version that shows one without the
    /// other, back in growing steps and then by halving.
    async fn first_of(
        &self,
        other: Found<'_>,
        mine: Found<'_>,
    ) -> Result<Option<bool>, ClusterError> {
        let (Some(others), Some(mines)) = (other.meta.version.number(), mine.meta.version.number())
        else {
            return Ok(None);
        };
        let mut both = others.min(mines) + 1;
        let mut none = None;
        let mut step = 1;
        for _ in 0..LOOKS_MAX {
            let version = match none {
                Some(none) if both - none <= 1 => return Ok(None),
                Some(none) => none + (both - none) / 2,
                None => both.saturating_sub(step),
            };
            if version == 0 {
                return Ok(None);
            }
            let (other, mine) = futures_util::try_join!(
                self.was_there(other, version),
                self.was_there(mine, version)
            )?;
            match (other, mine) {
                (Some(true), Some(false)) => return Ok(Some(true)),
                (Some(false), Some(true)) => return Ok(Some(false)),
                (Some(true), Some(true)) => both = version,
                // Kubernetes forgets the oldest versions first, so what it can't show any more is
                // as good a lower end.
                (Some(false), Some(false)) | (None, _) | (_, None) => none = Some(version),
            }
            step = step.saturating_mul(2);
        }
        Ok(None)
    }

    /// Whether this very object was there at a version. `None` when Kubernetes can't show it.
    async fn was_there(
        &self,
        object: Found<'_>,
        version: u64,
    ) -> Result<Option<bool>, ClusterError> {
        let look = Filter::name(&object.meta.name).exactly_at(version);
        match self.list_meta(object.kind, look).await {
            Ok(metas) => Ok(Some(metas.iter().any(|meta| meta.uid == object.meta.uid))),
            Err(ClusterError::NoSuchVersion { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
