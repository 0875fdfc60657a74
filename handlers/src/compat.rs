//! The routes of the deployed service's own command, as a second face of the same handlers.
//!
//! `toolforge-jobs` 16 asks under `/jobs/v1/tool/{tool}/` and `/logs/v1/tool/{tool}/`, and reads
//! every answer as one object. Each file here turns a request of its into one of ours, calls what the
//! endpoint beside it calls, and writes the answer with that command's keys. Nothing here decides
//! what a job is, and nothing asks Kubernetes by itself. `TJF_COMPAT=off` leaves all of it out.

mod images;
mod job;
mod jobs;
mod lenient;
mod logs;
mod messages;
mod own_tool;
mod quotas;
mod request;
mod view;

use tjf_runtime::{Class, Media, Route, Router};

pub use self::{
    images::Images,
    jobs::{ChangedJob, Jobs, OneJob, Wanted},
    logs::{Followed, LogPage, OfPage, Streamed},
    messages::{Done, Messages},
    own_tool::OwnTool,
    quotas::Quotas,
    request::JobRequest,
};
use crate::AppState;

/// A path of the deployed service, as its command sends it, and as its gateway passes it on, which
/// takes `/jobs` away.
macro_rules! below_tool {
    ($path:literal) => {
        [concat!("/jobs/v1/tool/{tool}", $path), concat!("/v1/tool/{tool}", $path)]
    };
}

/// Containers on offer.
pub const IMAGES: [&str; 2] = below_tool!("/images/");
/// All jobs of the tool.
pub const JOBS: [&str; 2] = below_tool!("/jobs/");
/// One job.
pub const JOB: [&str; 2] = below_tool!("/jobs/{name}");
/// One job, to be started anew.
pub const RESTART: [&str; 2] = below_tool!("/jobs/{name}/restart");
/// Limits and use.
pub const QUOTAS: [&str; 2] = below_tool!("/quotas/");
/// What a job has written, in pages.
pub const LOG_PAGES: &str = "/logs/v1/tool/{tool}/job/{name}/logs";
/// What a job writes.
pub const LOG_STREAM: &str = "/logs/v1/tool/{tool}/job/{name}/logs_stream";
/// Both, as the command of 2025 asks.
pub const JOB_LOGS: [&str; 2] = below_tool!("/jobs/{name}/logs");

/// Adds the routes of the deployed service's command.
pub fn add_to(router: Router<AppState>) -> Router<AppState> {
    router
        .route(at(IMAGES, Route::get(IMAGES[0], images::images).class(Class::Free)))
        .route(at(JOBS, Route::get(JOBS[0], jobs::list)))
        .route(at(JOBS, Route::post(JOBS[0], jobs::create)))
        .route(at(JOBS, Route::patch(JOBS[0], jobs::replace)))
        .route(at(JOBS, Route::delete(JOBS[0], jobs::flush)))
        .route(at(JOB, Route::get(JOB[0], job::show)))
        .route(at(JOB, Route::delete(JOB[0], job::delete)))
        .route(at(RESTART, Route::post(RESTART[0], job::restart)))
        .route(at(QUOTAS, Route::get(QUOTAS[0], quotas::quotas)))
        .route(log(Route::get(LOG_PAGES, logs::newest_first)))
        .route(log(Route::get(LOG_STREAM, logs::followed)))
        .route(at(JOB_LOGS, log(Route::get(JOB_LOGS[0], logs::oldest_first))))
}

/// Homes may hang: what reads them holds up nothing else of the tool.
fn log(route: Route<AppState>) -> Route<AppState> {
    route.class(Class::Waiting).answers(&[Media::Wrapped])
}

/// A route under both of its paths. Its readers know JSON alone.
fn at([_, behind_gateway]: [&'static str; 2], route: Route<AppState>) -> Route<AppState> {
    route.also_at(behind_gateway).answers(&[Media::Wrapped])
}
