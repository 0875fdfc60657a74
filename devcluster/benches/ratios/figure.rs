//! A figure, and how it is told.

use std::{fmt::Display, time::Duration};

/// Times or rates of one thing.
pub(crate) type Times = Vec<Duration>;

/// What is wanted of a ratio, and where a change must have broken something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// Small is good.
    AtMost {
        /// What is wanted.
        aim: f64,
        /// What is never exceeded, whatever else the machine does.
        gate: f64,
    },
    /// Nobody has an opinion.
    Nothing,
    /// Large is good.
    AtLeast {
        /// What is wanted.
        aim: f64,
        /// What is always reached.
        gate: f64,
    },
}

/// The figures so far. Each is told when it is there.
#[derive(Debug, Default)]
pub(crate) struct Table {
    beyond: Vec<String>,
}

impl Table {
    /// Figures that are beyond their gates.
    pub(crate) fn beyond(&self) -> &[String] {
        &self.beyond
    }

    /// The medians of two things, and their ratio.
    pub(crate) fn medians(&mut self, what: &str, (ours, other): (Times, Times), wanted: Wanted) {
        self.quantiles(what, 0.5, (ours, other), wanted);
    }

    /// The same of what that part of all samples does not exceed.
    pub(crate) fn quantiles(
        &mut self,
        what: &str,
        part: f64,
        (ours, other): (Times, Times),
        wanted: Wanted,
    ) {
        let samples = format!("{} and {}", ours.len(), other.len());
        let (ours, other) = (quantile(ours, part), quantile(other, part));
        let ratio = ours.as_secs_f64() / other.as_secs_f64();
        self.tell(what, [shown(ours), shown(other)], ratio, wanted, &samples);
    }

    /// How many a second of two things, and their ratio.
    pub(crate) fn rates(&mut self, what: &str, [ours, other]: [Rate; 2], wanted: Wanted) {
        let samples = format!("{} and {}", ours.count, other.count);
        let ratio = ours.per_s() / other.per_s();
        let shown = [ours, other].map(|rate| format!("{:.0}/s", rate.per_s()));
        self.tell(what, shown, ratio, wanted, &samples);
    }

    /// Any two numbers, and their ratio.
    pub(crate) fn tell(
        &mut self,
        what: &str,
        [ours, other]: [impl Display; 2],
        ratio: f64,
        wanted: Wanted,
        samples: &str,
    ) {
        let (aim, is_reached, is_beyond) = match wanted {
            Wanted::AtMost { aim, gate } => {
                (format!("≤ {}", plain(aim)), ratio <= aim, ratio > gate)
            }
            Wanted::Nothing => (String::new(), true, false),
            Wanted::AtLeast { aim, gate } => {
                (format!("≥ {}", plain(aim)), ratio >= aim, ratio < gate)
            }
        };
        let missed = if is_reached { "" } else { ", **missed**" };
        let ratio = plain(ratio);
        println!("| {what} | {ours} | {other} | {ratio} | {aim}{missed} | {samples} |");
        if is_beyond {
            self.beyond.push(format!("{what} is {ratio}, wanted is {wanted:?}"));
        }
    }

    /// What has no ratio.
    #[expect(clippy::unused_self, reason = "it is a line of the table")]
    pub(crate) fn note(&mut self, what: &str, value: &str, samples: &str) {
        println!("| {what} | {value} | | | | {samples} |");
    }
}

/// How often something was done, and how long that took altogether.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rate {
    pub(crate) count: usize,
    pub(crate) time: Duration,
}

impl Rate {
    fn per_s(self) -> f64 {
        self.count as f64 / self.time.as_secs_f64()
    }
}

/// Ratios below a fifth as one part of so many.
fn plain(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.2 { format!("1/{:.1}", 1.0 / ratio) } else { format!("{ratio:.2}") }
}

pub(crate) fn shown(time: Duration) -> String {
    format!("{time:.1?}")
}

/// The time that this part of all samples does not exceed.
///
/// # Panics
/// When there are no samples.
pub(crate) fn quantile(mut times: Times, part: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part) as usize]
}
