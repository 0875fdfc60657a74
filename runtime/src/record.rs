//! One request's line in the log, and its place in the metrics.
//!
//! Written when the record is dropped, wherever that is: at the answer's last byte, or where the
//! work for a client that left came to its end. So nothing that was done goes untold.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use http::{Method, StatusCode};
use tjf_api_types::Shown;
use tokio::time::Instant;

use crate::{
    accept::Media, failure::INTERNAL, lock::lock, metrics::Metrics, request_id::RequestId,
};

/// What stands for the route of a request that has none.
const NO_ROUTE: &str = "none";
/// The name of a thing is at most this long: Kubernetes' limit for names of objects.
const NAME_CHARACTERS_MAX: usize = 253;
/// The causes of a failure are cut at this: they may quote a whole object.
const CAUSE_CHARACTERS_MAX: usize = 500;
/// The status of what was never answered, as nginx has it.
const CLIENT_LEFT: u16 = 499;
/// Lines a second about callers who have not proven who they are: enough to see what is going on.
const UNPROVEN_LINES_MAX: u32 = 10;
const UNPROVEN_TIME: Duration = Duration::from_secs(1);

/// What a request is about, for the log; a handler says it once it knows.
pub(crate) type About = Arc<OnceLock<String>>;

/// What is learnt of a request on its way.
pub(crate) struct Record {
    log: Arc<Log>,
    began: Instant,
    id: RequestId,
    method: &'static str,
    /// The pattern, and not the path, which is as many values as there are names.
    pub(crate) route: &'static str,
    /// Who called, once that is proven.
    pub(crate) caller: Option<String>,
    /// How it will be answered.
    pub(crate) media: Media,
    /// Whether it could have been answered as something else.
    pub(crate) has_choice: bool,
    about: About,
    answer: Option<Answer>,
    has_client_left: bool,
}

/// How a request was answered.
struct Answer {
    status: StatusCode,
    slug: Option<&'static str>,
    cause: Option<String>,
}

/// Where records go.
pub(crate) struct Log {
    metrics: Arc<Metrics>,
    unproven: Mutex<Unproven>,
}

/// The lines of the last second about callers who have not proven who they are.
struct Unproven {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Log {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        let unproven = Unproven { since: Instant::now(), lines: 0, left_out: 0 };
        Self { metrics, unproven: Mutex::new(unproven) }
    }

    /// Says how many lines were left out since this was said last.
    pub(crate) fn tell_left_out(&self) {
        let left_out = std::mem::take(&mut self.lock().left_out);
        if left_out > 0 {
            tracing::info!(left_out, "lines about callers who did not say who they are");
        }
    }

    /// Whether there is room for one more line about somebody unproven.
    fn has_room(&self) -> bool {
        let mut unproven = self.lock();
        if unproven.since.elapsed() >= UNPROVEN_TIME {
            (unproven.since, unproven.lines) = (Instant::now(), 0);
        }
        let has_room = unproven.lines < UNPROVEN_LINES_MAX;
        if has_room {
            unproven.lines += 1;
        } else {
            unproven.left_out += 1;
        }
        has_room
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Unproven> {
        lock(&self.unproven)
    }
}

/// A method's name. A client may make up methods, as long as it likes.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

impl Record {
    pub(crate) fn new(log: Arc<Log>, id: RequestId, method: &Method) -> Self {
        Self {
            log,
            began: Instant::now(),
            id,
            method: name_of(method),
            route: NO_ROUTE,
            caller: None,
            media: Media::Json,
            has_choice: true,
            about: About::default(),
            answer: None,
            has_client_left: false,
        }
    }

    pub(crate) fn id(&self) -> &RequestId {
        &self.id
    }

    /// Where a handler says what the request is about.
    pub(crate) fn about(&self) -> About {
        Arc::clone(&self.about)
    }

    /// What the request was answered with; and when it failed, of what kind, and why.
    pub(crate) fn answered(
        &mut self,
        status: StatusCode,
        failure: Option<(&'static str, Option<String>)>,
    ) {
        let (slug, cause) = failure.unzip();
        let cause =
            cause.flatten().map(|cause| Shown::up_to(&cause, CAUSE_CHARACTERS_MAX).to_string());
        self.answer = Some(Answer { status, slug, cause });
    }

    /// Its client did not take all of the answer. Whoever asks for a head alone takes none of it.
    pub(crate) fn client_left(&mut self) {
        self.has_client_left = self.method != "HEAD";
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Self { log, began, id, method, route, caller, about, answer, .. } = self;
        let time = began.elapsed();
        let status = answer.as_ref().map_or(CLIENT_LEFT, |answer| answer.status.as_u16());
        log.metrics.answered(method, route, status, time);
        let is_answered = answer.is_some();
        let (slug, cause) = answer.take().map_or((None, None), |it| (it.slug, it.cause));
        // Our own faults are what somebody has to look at; why a caller was refused is not.
        let (fault, cause) = if slug == Some(INTERNAL) { (cause, None) } else { (None, cause) };
        if let Some(error) = fault {
            tracing::error!(request.id = %id, error, "a request failed inside the service");
        }
        if caller.is_none() && !log.has_room() {
            return;
        }
        let client_left = (!is_answered || self.has_client_left).then_some(true);
        tracing::info!(
            request.id = %id,
            tool.name = caller.as_deref(),
            name = about.get(),
            method,
            route,
            status,
            duration_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            slug,
            cause,
            client_left,
            "{method} {route} {status}",
        );
    }
}

/// Sets what a request is about, cut where no name is longer.
pub(crate) fn set_about(about: &About, name: impl fmt::Display) {
    let _ = about.set(Shown::up_to(&name.to_string(), NAME_CHARACTERS_MAX).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_that_a_route_can_have_is_told_by_its_name() {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE] {
            assert_eq!(name_of(&method), method.as_str());
        }
        assert_eq!(name_of(&Method::from_bytes(b"MADEUP").unwrap()), "other");
    }
}
