//! One run, from the tools to the report.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use thiserror::Error;
use tjf_cli::FileError;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    args::{Args, first_lists},
    driver::{Stop, drive},
    meter::Meter,
    plan::{Connection, Mix, Operation, Pace, Stage},
    preparation::{PREFIX, Preparation, PreparationError},
    process::Looks,
    report::{Comparison, Report, StageReport},
    target::{
        Target,
        service::{Network, Sites, Subjects},
    },
    tools::{self, ToolsError},
    warning::Warning,
};

/// How long one thing is measured until it is the next one's turn: what changes on the machine
/// meanwhile meets all of them.
const TURN: Duration = Duration::from_millis(250);

/// With how many callers things are compared.
const COMPARED_CALLERS: [usize; 2] = [1, 8];

/// How long our jobs may take to go.
const CLEARING_TIME_MAX: Duration = Duration::from_secs(60);

/// Why nothing could be measured.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// There are no tools.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nothing to ask about.
    #[error(transparent)]
    Preparation(#[from] PreparationError),
}

/// A run, and whether it left something behind.
pub(crate) struct Done {
    /// What was measured.
    pub(crate) report: Report,
    /// Why our jobs are still there.
    pub(crate) left_behind: Option<String>,
}

/// Measures everything that was asked for, until the end or until somebody stops it.
pub(crate) async fn run(args: &Args, stop: Stop) -> Result<Done, RunError> {
    let tools = tools::find(&args.homes, &args.tools)?;
    let sites = args.sites()?;
    let prefix = format!("{PREFIX}{:x}", std::process::id());
    let subjects = Subjects {
        jobs: (0..args.jobs()).map(|number| format!("{prefix}-{number}")).collect(),
        prefix,
        container: args.container.clone(),
    };
    let preparation = Preparation::new(&tools, &sites.service.address, &sites.service.ca)?;
    let target = Arc::new(Network::new(&tools, &sites, subjects.clone())?);
    let mut run = Run::new(target, stop);
    run.report.server = args.server.url.clone();
    run.report.tools = tools.len();
    run.report.jobs = args.jobs().into();
    let mut watching = JoinSet::new();
    watching.spawn(run.looks.clone().keep_looking(args.pids(), run.began));
    let measured = measure(args, &sites, &subjects, &preparation, tools.len(), &mut run).await;
    run.bar.set_message("taking our jobs away");
    let cleared = tokio::time::timeout(CLEARING_TIME_MAX, preparation.clear()).await;
    let left_behind = match cleared {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("they do not go in time".to_owned()),
    };
    run.bar.finish_and_clear();
    measured?;
    Ok(Done { report: run.finish(), left_behind })
}

async fn measure(
    args: &Args,
    sites: &Sites,
    subjects: &Subjects,
    preparation: &Preparation,
    tools: usize,
    run: &mut Run<Network>,
) -> Result<(), PreparationError> {
    if !args.cold {
        run.stage(&first_lists(tools)).await;
        run.bar.set_message("making jobs");
        let mut stop = run.stop.clone();
        tokio::select! {
            made = preparation.make(subjects) => made?,
            _ = stop.wait_for(|is_stopped| *is_stopped) => {}
        }
    }
    for stage in args.stages(tools) {
        run.stage(&stage).await;
    }
    let mut things = vec![Operation::List, Operation::Unchanged, Operation::Containers];
    things.extend(sites.kubernetes.is_some().then_some(Operation::Direct));
    things.extend(sites.beside.is_some().then_some(Operation::Beside));
    if args.comparison > 0 {
        let time = Duration::from_secs(args.comparison.into());
        for callers in COMPARED_CALLERS {
            run.compare(&things, callers, tools, time).await;
        }
    }
    Ok(())
}

/// A run that goes on.
struct Run<T> {
    target: Arc<T>,
    stop: Stop,
    began: Instant,
    looks: Looks,
    bar: ProgressBar,
    report: Report,
}

impl<T: Target> Run<T> {
    fn new(target: Arc<T>, stop: Stop) -> Self {
        // It draws nothing where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self {
            target,
            stop,
            began: Instant::now(),
            looks: Looks::default(),
            bar,
            report: Report::default(),
        }
    }

    /// Plays a stage, unless somebody wants an end.
    async fn stage(&mut self, stage: &Stage) {
        if *self.stop.borrow() {
            return;
        }
        let began_s = self.began.elapsed().as_secs_f64();
        self.show(&stage.name, stage.time, stage.requests_max);
        let began = Instant::now();
        let bar = self.bar.clone();
        let mut meter = Meter::default();
        let course = drive(&self.target, stage, self.stop.clone(), |sample| {
            meter.add(sample);
            let by_count = bar.length().map(|length| {
                (meter.done() as f64 / stage.requests_max as f64 * length as f64) as u64
            });
            let by_time = began.elapsed().as_millis() as u64;
            bar.set_position(by_time.max(by_count.unwrap_or_default()));
        })
        .await;
        self.report.warnings.extend(Warning::of(stage, &course, &meter));
        self.report.stages.push(StageReport::new(stage, began_s, &course, &meter));
    }

    /// Measures things in turn, each for so long altogether.
    async fn compare(
        &mut self,
        things: &[Operation],
        callers: usize,
        tools: usize,
        time: Duration,
    ) {
        if *self.stop.borrow() {
            return;
        }
        let began_s = self.began.elapsed().as_secs_f64();
        let mut meter = Meter::default();
        let mut seconds = BTreeMap::new();
        let turns = time.as_millis().div_ceil(TURN.as_millis()).max(1);
        self.show("side by side", time * things.len() as u32, u64::MAX);
        let began = Instant::now();
        for _ in 0..turns {
            for thing in things {
                if *self.stop.borrow() {
                    break;
                }
                let stage = Stage {
                    name: "side by side".to_owned(),
                    pace: Pace::Closed { callers },
                    mix: Mix::only(*thing),
                    connection: Connection::Kept,
                    tools,
                    time: TURN,
                    requests_max: u64::MAX,
                    is_cold: false,
                };
                let course =
                    drive(&self.target, &stage, self.stop.clone(), |sample| meter.add(sample))
                        .await;
                *seconds.entry(*thing).or_default() += course.time.as_secs_f64();
                self.bar.set_position(began.elapsed().as_millis() as u64);
            }
        }
        self.report.comparisons.push(Comparison::new(callers, began_s, &meter, &seconds));
        let failed = meter.failed();
        if failed > 0 {
            let (stage, of) = ("side by side".to_owned(), meter.done());
            self.report.warnings.push(Warning::Errors { stage, failed, of });
        }
    }

    fn show(&self, name: &str, time: Duration, requests_max: u64) {
        let style = ProgressStyle::with_template("{msg:24} {bar:40} {percent:>3} %");
        self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_length(u64::try_from(time.as_millis()).unwrap_or(requests_max));
        self.bar.set_position(0);
        self.bar.set_message(name.to_owned());
    }

    fn finish(self) -> Report {
        Report {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            seconds: self.began.elapsed().as_secs_f64(),
            looks: self.looks.all(),
            ..self.report
        }
    }
}
