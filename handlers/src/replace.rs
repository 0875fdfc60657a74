//! Create or replace: makes one job what a request says.
//!
//! There is no route of ours for it, since our own command compares by itself; the deployed service's
//! command leaves it to the service.

mod turn;

use tjf_api_types::{JobView, ObjectName, RunRequest};

use self::turn::Replacing;
use crate::{
    Context, checked,
    cluster::Cluster,
    error::{Error, Result},
    job::request::Invalid,
};

/// How often somebody else's job may take the name meanwhile: each time it is looked at anew.
const TURNS_MAX: u32 = 4;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing: the job is what was asked for.
    None,
    /// There was no such job.
    Created,
    /// There was another one of this name, which has gone.
    Replaced,
}

/// Makes the job of the request's name what the request says, and touches nothing when it is that
/// already: also when it has ended, so that a file of jobs can be given twice and nothing runs twice.
/// A job that differs is deleted, once Kubernetes would take the new one, and the new one is created
/// when the old one's pods are gone. Of several requests at once each replaces only what it has
/// looked at; the last one stays. `keep` writes into the request what it takes over from the job that
/// is there.
///
/// # Errors
/// What `run` refuses, which has changed nothing; or [`Error::NotReplaced`], when the old job has gone
/// and the new one is not there.
pub async fn replace(
    context: Context,
    request: RunRequest,
    keep: impl Fn(&mut RunRequest, &JobView),
) -> Result<(JobView, Change)> {
    if request.name.is_none() {
        return Err(Invalid::new("name", "say which job: its name is missing").into());
    }
    let name: ObjectName = checked::job(&context, request.clone(), None)?.name.into();
    context.is_about(&name);
    let mut replacing =
        Replacing { cluster: Cluster::of(&context).await?, context, name, is_gone: false };
    let mut turns = 1;
    loop {
        // On the heap: a create is large.
        match Box::pin(replacing.turn(request.clone(), &keep)).await {
            Err(Error::JobExists { by_foreign_object: false, .. }) if turns < TURNS_MAX => {
                turns += 1
            }
            Err(why) if replacing.is_gone => {
                return Err(Error::NotReplaced { name: replacing.name.into(), why: Box::new(why) });
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
