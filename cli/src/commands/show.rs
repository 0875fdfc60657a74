//! `show NAME`: one job, as a person wants to know it.

use tjf_api_types::{
    ClockChangeView, ClockEffect, ContainerState, Emails, HealthCheckView, JobType, JobView,
    LastRunView, Mount, PortProtocol, StatusView,
};

use super::{Context, style_of};
use crate::{
    args::ShowArgs,
    clock::{self, Clock},
    error::Error,
    exit::Exit,
    health::{Health, reason_of, status_words},
    home::below,
    nearest,
    output::Fields,
};

pub(super) async fn show(args: &ShowArgs, context: &Context) -> Result<Exit, Error> {
    let answer = context.client.show(&args.name).await;
    if let Some(json) = context.wanted_json(&answer) {
        context.printer.json(json)?;
        return Ok(Exit::Done);
    }
    match answer {
        Ok(answer) => {
            let teller = Teller { job: &answer.value, clock: answer.clock, home: context.home() };
            context.printer.fields(&teller.fields())?;
            Ok(Exit::Done)
        }
        Err(source) => {
            let hint = nearest::hint_for_job(&context.client, &args.name, &source).await;
            Err(Error::Client { source, hint })
        }
    }
}

/// Tells of a job; every field is in `--json`.
struct Teller<'a> {
    job: &'a JobView,
    clock: Clock,
    /// The tool's home, when that is where this command runs too.
    home: Option<&'a str>,
}

impl Teller<'_> {
    /// What people ask first comes first.
    fn fields(&self) -> Fields {
        let job = self.job;
        let mut fields = Fields::default();
        fields.add("Name", &job.name);
        self.add_status(&mut fields);
        self.add_runs(&mut fields);
        fields.add("Type", self.kind());
        fields.add("Command", &job.cmd);
        fields.add("Container", self.container());
        fields.add_some("Schedule", self.schedule());
        fields.add_some("Port", self.port());
        fields.add_some("Health check", self.health_check());
        fields.add("Resources", self.resources());
        fields.add("Output", self.output());
        fields.add_some("Retries", job.retry.filter(|retry| *retry > 0));
        fields.add_some("Ends after", job.timeout.map(|seconds| format!("{seconds} s")));
        fields.add_some("E-mail", self.emails());
        if job.mount == Mount::None {
            fields.add("Home", "not mounted");
        }
        for (name, value) in &job.env {
            fields.add("Environment", format!("{name}={value}"));
        }
        fields.add("Created", self.clock.when(&job.created_at));
        let deleting = job.deleting_since.as_ref();
        fields.add_some("Being deleted", deleting.map(|since| self.clock.when(since)));
        fields
    }

    fn add_status(&self, fields: &mut Fields) {
        let (job, status) = (self.job, &self.job.status);
        let health = Health::of(job);
        fields.add_styled("Status", &status_words(job, &health), style_of(job, &health));
        fields.add_some("Why", status.message.as_ref());
    }

    fn add_runs(&self, fields: &mut Fields) {
        let StatusView { started_at, finished_at, restarts, attempts, .. } = &self.job.status;
        let StatusView { next_scheduled_at, next_times, last_run, .. } = &self.job.status;
        let when = |time: &String| self.clock.when(time);
        fields.add_some("Next run", next_scheduled_at.as_ref().map(when));
        let later: Vec<_> = next_times.iter().skip(1).map(when).collect();
        fields.add_some("And then", Some(later.join(", ")).filter(|later| !later.is_empty()));
        fields.add_some("Clocks", self.clock_change());
        fields.add_some("Last run", last_run.as_ref().map(|run| self.run(run)));
        fields.add_some("Started", started_at.as_ref().map(when));
        let took = started_at.as_ref().zip(finished_at.as_ref());
        let took = took.and_then(|(from, to)| clock::between(from, to));
        let took = took.map(|took| format!(", after {took}")).unwrap_or_default();
        fields.add_some("Ended", finished_at.as_ref().map(|at| format!("{}{took}", when(at))));
        fields.add_some("Restarts", restarts.filter(|count| *count > 0));
        fields.add_some("Tries", attempts.filter(|count| *count > 1));
    }

    /// What the next change of the clocks does that touches a run.
    fn clock_change(&self) -> Option<String> {
        let ClockChangeView { at, effect, local_time } = self.job.status.clock_change.as_ref()?;
        let local_time = local_time.replace('T', " ");
        let effect = match effect.known() {
            Some(ClockEffect::Skipped) => "does not come",
            Some(ClockEffect::Doubled) => "comes once more",
            None => effect.as_str(),
        };
        Some(format!("they change on {}: the run of {local_time} {effect}", self.clock.when(at)))
    }

    /// A run within a job, on one line.
    fn run(&self, run: &LastRunView) -> String {
        let LastRunView { phase, started_at, finished_at, exit_code, reason } = run;
        let reason = reason_of(reason.as_deref(), *exit_code, None);
        let outcome = match reason {
            Some(reason) => format!("{phase}: {reason}", phase = phase.as_str()),
            None => phase.as_str().to_owned(),
        };
        let took = started_at.as_ref().zip(finished_at.as_ref());
        let took = took.and_then(|(from, to)| clock::between(from, to));
        let took = took.map(|took| format!("after {took}"));
        let at = finished_at.as_ref().or(started_at.as_ref()).map(|at| self.clock.when(at));
        let parts = [Some(outcome), took, at];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn kind(&self) -> String {
        let job = self.job;
        match (job.job_type.known(), job.replicas) {
            (Some(JobType::Continuous), Some(copies)) if copies != 1 => {
                format!("{}, {copies} copies", job.job_type.as_str())
            }
            _ => job.job_type.as_str().to_owned(),
        }
    }

    fn container(&self) -> String {
        let job = self.job;
        let is_deprecated = job.image_state == ContainerState::Deprecated;
        let more = if is_deprecated { ", no longer on offer" } else { "" };
        // One that is not in the catalogue has no other name.
        if job.imagename == job.image {
            return format!("{}{more}", job.image);
        }
        format!("{} ({}){more}", job.imagename, job.image)
    }

    /// As it was typed, and as Kubernetes has it where that differs.
    fn schedule(&self) -> Option<String> {
        let JobView { schedule, schedule_actual, timezone, .. } = self.job;
        let typed = schedule.as_ref()?;
        let actual = schedule_actual.as_ref().filter(|actual| *actual != typed);
        let actual = actual.map(|actual| format!(" ({actual})")).unwrap_or_default();
        let zone = timezone.as_ref().map(|zone| format!(", {zone}")).unwrap_or_default();
        Some(format!("{typed}{actual}{zone}"))
    }

    /// Where it is reached, by whom.
    fn port(&self) -> Option<String> {
        let job = self.job;
        let (name, port) = (&job.name, job.port?);
        let protocol = job.port_protocol.as_ref()?;
        // The tool is known by its home, if its output is there. Without it the job's name alone leads
        // there from the tool's other jobs.
        let files = [&job.filelog_stdout, &job.filelog_stderr].into_iter().flatten();
        let is_ours = files.into_iter().any(|file| below(self.home, file).starts_with("~/"));
        let home = self.home.filter(|_| is_ours).map(|home| home.trim_end_matches('/'));
        let tool = home.and_then(|home| home.rsplit('/').next());
        let host = tool.map_or_else(|| name.clone(), |tool| format!("{name}.tool-{tool}.svc"));
        Some(if *protocol == PortProtocol::Tcp {
            format!("{port}, inside the cluster http://{host}:{port}")
        } else {
            format!("{port}/{}, inside the cluster {host}:{port}", protocol.as_str())
        })
    }

    /// How Kubernetes finds out whether it works. At a port it does so unasked.
    fn health_check(&self) -> Option<String> {
        let job = self.job;
        match (&job.health_check, &job.port_protocol) {
            (Some(HealthCheckView { script: Some(script), .. }), _) => {
                Some(format!("by a script: {script}"))
            }
            (Some(HealthCheckView { path: Some(path), .. }), _) => {
                Some(format!("by HTTP: GET {path} at its port"))
            }
            (Some(check), _) => Some(format!("by {}", check.r#type.as_str())),
            (None, Some(protocol)) if *protocol == PortProtocol::Tcp => {
                Some("connects to its port".to_owned())
            }
            (None, _) => None,
        }
    }

    fn resources(&self) -> String {
        let parts = [("memory", &self.job.memory), ("CPU", &self.job.cpu)];
        let parts =
            parts.iter().filter_map(|(what, size)| Some(format!("{} {what}", size.as_ref()?)));
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() { "the tool's defaults".to_owned() } else { parts.join(", ") }
    }

    fn output(&self) -> String {
        let JobView { filelog_stdout, filelog_stderr, .. } = self.job;
        match (filelog_stdout, filelog_stderr) {
            (None, None) => "not kept".to_owned(),
            (Some(file), None) => format!("{}, errors not kept", below(self.home, file)),
            (None, Some(file)) => format!("errors in {}", below(self.home, file)),
            (Some(file), Some(errors)) if file == errors => below(self.home, file),
            (Some(file), Some(errors)) => {
                format!("{}, errors in {}", below(self.home, file), below(self.home, errors))
            }
        }
    }

    fn emails(&self) -> Option<&'static str> {
        match self.job.emails.known()? {
            Emails::None => None,
            Emails::All => Some("when it starts and ends"),
            Emails::OnFailure => Some("when it fails"),
            Emails::OnFinish => Some("when it ends"),
        }
    }
}
