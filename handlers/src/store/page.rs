//! All jobs of a tool, as they are told.

use std::ops::Range;

use bytes::Bytes;
use tjf_api_types::JobView;
use tjf_runtime::Written;

use crate::job::observe::RESTART_INTERRUPTED;

/// All jobs of a tool, written, and where in that each of them is.
#[derive(Debug)]
pub struct Page {
    all: Written,
    jobs: Box<[(String, Range<usize>)]>,
    /// Those whose restart nobody brings to its end, by name and uid.
    interrupted: Box<[(String, String)]>,
}

impl Page {
    /// Writes these jobs.
    ///
    /// # Errors
    /// When one can't be written.
    pub fn of(views: &[JobView]) -> serde_json::Result<Self> {
        let (mut json, mut jobs) = (vec![b'['], Vec::with_capacity(views.len()));
        for view in views {
            if json.len() > 1 {
                json.push(b',');
            }
            let from = json.len();
            serde_json::to_writer(&mut json, view)?;
            jobs.push((view.name.clone(), from..json.len()));
        }
        json.push(b']');
        json.shrink_to_fit();
        let interrupted = views.iter().filter(|view| is_interrupted(view));
        let interrupted = interrupted.map(|view| (view.name.clone(), view.uid.clone())).collect();
        let all = Written::from_json::<Vec<JobView>>(json.into());
        Ok(Self { all, jobs: jobs.into(), interrupted })
    }

    /// All jobs.
    pub fn all(&self) -> &Written {
        &self.all
    }

    /// Names and uids of the jobs whose restart nobody brings to its end.
    pub fn interrupted(&self) -> &[(String, String)] {
        &self.interrupted
    }

    /// The first job of this name.
    pub fn job(&self, name: &str) -> Option<Written> {
        let (_, place) = self.jobs.iter().find(|(of, _)| of == name)?;
        let json: Bytes = self.all.json().slice(place.clone());
        Some(Written::from_json::<JobView>(json))
    }
}

fn is_interrupted(view: &JobView) -> bool {
    view.status.reason.as_deref() == Some(RESTART_INTERRUPTED)
}
