//! `logs NAME`: what a job has written, and what it writes.

use std::cell::RefCell;

use tjf_api_types::{Interleaver, JobView, LogQuery, LogStream};

use super::{Context, outcome::how_to_stop};
use crate::{
    args::LogsArgs,
    client::Client,
    error::Error,
    exit::Exit,
    logs::{Read, Reader},
    nearest, wait,
};

pub(super) async fn logs(
    args: &LogsArgs,
    connect: impl Fn() -> Result<Context, Error>,
) -> Result<Exit, Error> {
    let context = connect()?;
    if context.is_json {
        return Err(Error::NoJson { what: "`logs`" });
    }
    let job = match context.client.show(&args.name).await {
        Ok(job) => job.value,
        Err(source) => {
            let hint = nearest::hint_for_job(&context.client, &args.name, &source).await;
            return Err(Error::Client { source, hint });
        }
    };
    let renew = || connect().ok().map(|context| context.client);
    let shown = show(args, &context, renew, &job);
    match wait::unless_interrupted(shown).await {
        Some(Ok(Read::All | Read::Unwanted)) => Ok(Exit::Done),
        Some(Ok(Read::Failed(source))) => Err(Error::Client { source, hint: None }),
        Some(Err(error)) => Err(error),
        None => {
            if args.follow && !job.status.phase.is_final() {
                let name = &args.name;
                context
                    .printer
                    .talk(&format!("`{name}` goes on; {}\n", how_to_stop(name.as_str())));
            }
            Ok(Exit::Interrupted)
        }
    }
}

/// Each stream is asked for by itself, since only a single file can be gone on with.
async fn show(
    args: &LogsArgs,
    context: &Context,
    renew: impl Fn() -> Option<Client>,
    job: &JobView,
) -> Result<Read, Error> {
    let printer = context.printer;
    let reader = Reader::new(&context.client, renew, printer, &args.name);
    let query = |stream| LogQuery { stream, lines: args.lines, follow: args.follow, from: None };
    let is_one_file = job.filelog_stdout == job.filelog_stderr;
    let alone = match args.stream {
        LogStream::Both if is_one_file => Some(LogStream::Stdout),
        LogStream::Both => None,
        LogStream::Stdout | LogStream::Stderr => Some(args.stream),
    };
    if let Some(stream) = alone {
        return reader.read(query(stream), |bytes| printer.pass_on(bytes)).await;
    }
    let interleaver = RefCell::new(Interleaver::default());
    let read = async |stream| {
        let lines = |bytes: &[u8]| {
            let mut text = Vec::new();
            interleaver.borrow_mut().push(stream, bytes, &mut text);
            printer.pass_on(&text)
        };
        reader.read(query(stream), lines).await
    };
    // What one of them ends with early is the end of both.
    let whole = async |stream| match read(stream).await {
        Ok(Read::All) => Ok(()),
        early => Err(early),
    };
    let both = if args.follow {
        tokio::try_join!(whole(LogStream::Stdout), whole(LogStream::Stderr)).map(drop)
    } else {
        let out = whole(LogStream::Stdout).await;
        print_rest(context, &interleaver)?;
        match out {
            Ok(()) => whole(LogStream::Stderr).await,
            early => early,
        }
    };
    print_rest(context, &interleaver)?;
    both.map_or_else(|early| early, |()| Ok(Read::All))
}

/// A line whose end will not come.
fn print_rest(context: &Context, interleaver: &RefCell<Interleaver>) -> Result<(), Error> {
    let mut text = Vec::new();
    interleaver.borrow_mut().finish(&mut text);
    context.printer.pass_on(&text).map(drop)
}
