//! GET `/logs/{name}/`: what one job has written, and what it writes.

mod backwards;
pub(crate) mod lines;
pub(crate) mod moment;
pub(crate) mod newest;
pub(crate) mod output;
pub(crate) mod place;
pub(crate) mod source;
pub(crate) mod stream;
pub(crate) mod tail;
#[cfg(test)]
mod testing;

use futures_util::{StreamExt, stream::BoxStream};
use tjf_api_types::{LogQuery, LogStream, ObjectName};
use tjf_runtime::{BoxError, Path, Query, Recall, TextStream, Written};

use self::output::Output;
use crate::{
    Context,
    cluster::Cluster,
    error::{Error, Result},
    job::{request::Invalid, requested_name::RequestedName},
};

type Text = BoxStream<'static, std::result::Result<bytes::Bytes, BoxError>>;

/// Gives the job's log files as one text: what is there, and with `follow` what comes until nothing
/// more can come. That is when a one-off has ended, or another job has been deleted.
///
/// # Errors
/// When the caller has no such job; when it keeps no output; when a file is not the tool's, or its
/// file server is silent; or Kubernetes.
pub async fn logs(
    context: Context,
    Path(asked): Path<RequestedName>,
    Query(query): Query<LogQuery>,
) -> Result<TextStream<Text>> {
    check(&query)?;
    let (name, job) = job(&context, asked).await?;
    let output = Output::of(&context, &job)?;
    if !query.follow {
        let begun = output.begin(&query).await?;
        return Ok(TextStream { headers: begun.headers(), text: stream::now(begun.files).boxed() });
    }
    let mut ended = output::ended(context.clone(), name, &job)?;
    // What stands for the job is as large as the page of all.
    drop(job);
    let begun = output.begin_soon(&query, &context, &mut ended).await?;
    let headers = begun.headers();
    Ok(TextStream { headers, text: stream::followed(begun.files, ended).boxed() })
}

/// The job that is asked about, and its name.
pub(crate) async fn job(context: &Context, asked: RequestedName) -> Result<(ObjectName, Written)> {
    let Some(name) = asked.object_name() else { return Err(Error::JobNotFound(asked)) };
    context.is_about(&name);
    let found = Cluster::of(context).await?.find(&name, Recall::Allowed).await?;
    found.map(|job| (name, job)).ok_or(Error::JobNotFound(asked))
}

fn check(query: &LogQuery) -> Result<()> {
    if query.from.is_some() && query.stream == LogStream::Both {
        let detail = "a position is one in a single file: send `stream=stdout` or `stream=stderr`";
        return Err(Invalid::new("from", detail).into());
    }
    if query.from.is_some() && query.lines.is_some() {
        let detail = "a log begins at a position or some lines before its end, not both";
        return Err(Invalid::new("from", detail).into());
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
