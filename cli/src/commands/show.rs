//! `show NAME`: everything about one job.

use tjf_api_types::{ClockChangeView, JobView, LastRunView, StatusView};

use super::{Context, style};
use crate::{args::ShowArgs, error::Error, exit::Exit, nearest, output::Fields};

pub(super) async fn show(args: &ShowArgs, context: &Context) -> Result<Exit, Error> {
    let answer = context.client.show(&args.name).await;
    if let Some(json) = context.wanted_json(&answer) {
        context.printer.json(json)?;
        return Ok(Exit::Done);
    }
    match answer {
        Ok(answer) => {
            context.printer.fields(&fields(&answer.value))?;
            Ok(Exit::Done)
        }
        Err(source) => {
            let hint = nearest::hint_for_job(&context.client, &args.name, &source).await;
            Err(Error::Client { source, hint })
        }
    }
}

/// The names are the API's, so that what is learnt here can be asked for with `--json`.
fn fields(job: &JobView) -> Fields {
    let mut fields = Fields::default();
    fields.add("name", &job.name);
    fields.add("uid", &job.uid);
    fields.add("cmd", &job.cmd);
    fields.add("imagename", &job.imagename);
    fields.add("image", &job.image);
    fields.add("image_state", job.image_state.as_str());
    fields.add("job_type", job.job_type.as_str());
    fields.add_some("schedule", job.schedule.as_ref());
    fields.add_some("schedule_actual", job.schedule_actual.as_ref());
    fields.add_some("timezone", job.timezone.as_ref());
    fields.add_some("continuous", job.continuous);
    fields.add_some("filelog", job.filelog);
    fields.add_some("filelog_stdout", job.filelog_stdout.as_ref());
    fields.add_some("filelog_stderr", job.filelog_stderr.as_ref());
    fields.add_some("memory", job.memory.as_ref());
    fields.add_some("cpu", job.cpu.as_ref());
    fields.add_some("retry", job.retry);
    fields.add_some("timeout", job.timeout);
    fields.add_some("replicas", job.replicas);
    fields.add("emails", job.emails.as_str());
    fields.add("mount", job.mount.as_str());
    for (name, value) in &job.env {
        fields.add("env", format!("{name}={value}"));
    }
    fields.add("created_at", &job.created_at);
    fields.add_some("deleting_since", job.deleting_since.as_ref());
    add_status(&mut fields, job);
    fields
}

fn add_status(fields: &mut Fields, job: &JobView) {
    let StatusView {
        phase,
        reason,
        message,
        started_at,
        finished_at,
        exit_code,
        signal,
        oom_killed,
        restarts,
        attempts,
        last_scheduled_at,
        next_scheduled_at,
        next_times,
        clock_change,
        last_run,
    } = &job.status;
    let style = style(phase);
    fields.add_some("started_at", started_at.as_ref());
    fields.add_some("finished_at", finished_at.as_ref());
    fields.add_some("restarts", *restarts);
    fields.add_some("attempts", *attempts);
    fields.add_some("last_scheduled_at", last_scheduled_at.as_ref());
    fields.add_some("next_scheduled_at", next_scheduled_at.as_ref());
    for time in next_times {
        fields.add("next_times", time);
    }
    fields.add_some("clock_change", clock_change.as_ref().map(change));
    fields.add_some("last_run", last_run.as_ref().map(sentence));
    fields.add_styled("phase", phase.as_str(), style);
    fields.add_styled("status_short", &job.status_short, style);
    fields.add("status_long", &job.status_long);
    fields.add_some("exit_code", *exit_code);
    fields.add_some("signal", *signal);
    fields.add_some("oom_killed", *oom_killed);
    fields.add_some("reason", reason.as_ref());
    fields.add_some("message", message.as_ref());
}

/// What a change of the clocks does, on one line.
fn change(change: &ClockChangeView) -> String {
    let ClockChangeView { at, effect, local_time } = change;
    format!("{at}, {} {local_time} local time", effect.as_str())
}

/// A run within a job, on one line.
fn sentence(run: &LastRunView) -> String {
    let LastRunView { phase, started_at, finished_at, exit_code, reason } = run;
    let exit_code = exit_code.map(|code| format!("exit code {code}"));
    let started_at = started_at.as_ref().map(|time| format!("started {time}"));
    let finished_at = finished_at.as_ref().map(|time| format!("finished {time}"));
    [Some(phase.as_str().to_owned()), reason.clone(), exit_code, started_at, finished_at]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}
