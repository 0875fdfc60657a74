//! What is to be asked, and when. Pure: the same plan is the same requests in every run.

use std::{fmt, str::FromStr, time::Duration};

use serde::Serialize;

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// All jobs of a tool.
    List,
    /// All jobs, with the `ETag` of the last answer: 304 when nothing has changed.
    Unchanged,
    /// One job.
    Show,
    /// The containers, which need no look at the cluster.
    Containers,
    /// Creates a scheduled job: a one-off would measure the machine that runs it.
    Run,
    /// Deletes a job that `run` has created.
    Delete,
    /// The four lists that `list` is made from, asked of the API server, one after the other.
    Direct,
    /// `list`, asked of another service with the same routes.
    Beside,
}

impl Operation {
    /// Those that a mix can have. The others have a comparison of their own.
    const IN_MIX: [Self; 6] =
        [Self::List, Self::Unchanged, Self::Show, Self::Containers, Self::Run, Self::Delete];

    /// As a person writes it, and as reports have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Unchanged => "unchanged",
            Self::Show => "show",
            Self::Containers => "containers",
            Self::Run => "run",
            Self::Delete => "delete",
            Self::Direct => "four LISTs, direct",
            Self::Beside => "list, beside",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often each operation comes, by weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mix(Vec<(Operation, u64)>);

/// Why a text is not a mix.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a mix such as `list=60,show=30,run=5,delete=5`")]
pub(crate) struct MixError(String);

impl Mix {
    /// Nothing but one operation.
    pub(crate) fn only(operation: Operation) -> Self {
        Self(vec![(operation, 1)])
    }

    /// What this number stands for, when each number is as likely as any other.
    fn pick(&self, number: u64) -> Operation {
        let total: u64 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut left = number % total;
        for (operation, weight) in &self.0 {
            if left < *weight {
                return *operation;
            }
            left -= weight;
        }
        self.0[0].0
    }
}

impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let error = || MixError(text.to_owned());
        let mut parts: Vec<(Operation, u64)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').ok_or_else(error)?;
            let known = Operation::IN_MIX.into_iter().find(|known| known.as_str() == name.trim());
            let (operation, weight): (_, u32) =
                (known.ok_or_else(error)?, weight.trim().parse().map_err(|_| error())?);
            if parts.iter().any(|(other, _)| *other == operation) {
                return Err(error());
            }
            parts.push((operation, weight.into()));
        }
        parts.retain(|(_, weight)| *weight > 0);
        if parts.is_empty() { Err(error()) } else { Ok(Self(parts)) }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (operation, weight)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{operation}={weight}")?;
        }
        Ok(())
    }
}

/// What decides when the next request goes out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// The clock: so many a second, whether the last ones are answered or not. Latency counts from
    /// when a request was due, so a stall is felt by all that were due in it.
    Open {
        /// Requests a second.
        rate: f64,
    },
    /// The answers: each caller asks again once it is answered.
    Closed {
        /// How many ask at once.
        callers: usize,
    },
}

/// What a request goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// One that is kept.
    Kept,
    /// One of its own, with a whole TLS handshake.
    Each,
}

/// A stretch of the run in which everything stays alike. It ends by itself.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    /// For people.
    pub(crate) name: String,
    /// When to send.
    pub(crate) pace: Pace,
    /// What to send.
    pub(crate) mix: Mix,
    /// Over what.
    pub(crate) connection: Connection,
    /// How many tools ask, in turn.
    pub(crate) tools: usize,
    /// How long it lasts at most.
    pub(crate) time: Duration,
    /// How many requests it has at most.
    pub(crate) requests_max: u64,
    /// Whether the service has not seen these tools before.
    pub(crate) is_cold: bool,
}

/// One request of a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Request {
    /// Its number in the stage.
    pub(crate) index: u64,
    /// When it is due, from the stage's start. At any time in a closed loop.
    pub(crate) at: Option<Duration>,
    /// Which tool asks.
    pub(crate) tool: usize,
    /// What it asks.
    pub(crate) operation: Operation,
    /// Over what.
    pub(crate) connection: Connection,
}

impl Stage {
    /// The stage's requests, in order.
    pub(crate) fn schedule(&self) -> impl Iterator<Item = Request> + '_ {
        (0..self.requests_max).map_while(|index| {
            let at = match self.pace {
                Pace::Open { rate } => Some(Duration::from_secs_f64(index as f64 / rate)),
                Pace::Closed { .. } => None,
            };
            at.is_none_or(|at| at < self.time).then(|| Request {
                index,
                at,
                tool: (index % self.tools as u64) as usize,
                operation: self.mix.pick(scatter(index)),
                connection: self.connection,
            })
        })
    }

    /// The pace and the connections, in words.
    pub(crate) fn description(&self) -> String {
        let pace = match self.pace {
            Pace::Open { rate } => format!("open loop, {rate} requests a second"),
            Pace::Closed { callers: 1 } => "closed loop, one caller".to_owned(),
            Pace::Closed { callers } => format!("closed loop, {callers} callers"),
        };
        let connection = match self.connection {
            Connection::Kept => "kept connections",
            Connection::Each => "a connection for each request",
        };
        format!("{pace}, {connection}, {}", self.mix)
    }
}

/// Neighbouring numbers become numbers that have nothing to do with each other (splitmix64), so
/// that a mix has no rhythm, and is the same in every run all the same.
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
pub(crate) fn stage(pace: Pace, mix: &str, seconds: u64) -> Stage {
    Stage {
        name: "test".to_owned(),
        pace,
        mix: mix.parse().unwrap(),
        connection: Connection::Kept,
        tools: 3,
        time: Duration::from_secs(seconds),
        requests_max: 1_000_000,
        is_cold: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_loop_is_due_evenly_and_ends_with_its_time() {
        let stage = stage(Pace::Open { rate: 4.0 }, "list=1", 2);
        let due: Vec<_> = stage.schedule().map(|request| request.at.unwrap().as_millis()).collect();
        assert_eq!(due, [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
        let tools: Vec<_> = stage.schedule().map(|request| request.tool).collect();
        assert_eq!(tools, [0, 1, 2, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn requests_are_bounded_in_number_too() {
        for pace in [Pace::Open { rate: 100.0 }, Pace::Closed { callers: 2 }] {
            let stage = Stage { requests_max: 7, ..stage(pace, "list=1", 60) };
            assert_eq!(stage.schedule().count(), 7);
        }
    }

    #[test]
    fn a_mix_has_its_weights_and_is_the_same_again() {
        let stage = stage(Pace::Closed { callers: 1 }, "list=70,run=20,delete=10,show=0", 1);
        let plan = || stage.schedule().take(10_000).map(|request| request.operation);
        let count = |operation| plan().filter(|it| *it == operation).count();
        for (operation, expected) in
            [(Operation::List, 7000), (Operation::Run, 2000), (Operation::Delete, 1000)]
        {
            assert!(count(operation).abs_diff(expected) < 150, "{operation}: {}", count(operation));
        }
        assert_eq!(count(Operation::Show), 0);
        assert!(plan().eq(plan()));
    }

    #[test]
    fn what_is_not_a_mix_is_refused() {
        for text in ["", "list", "list=", "list=-1", "list=0", "flush=1", "list=1,list=2"] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
        assert_eq!("list=1, run=2".parse::<Mix>().unwrap().to_string(), "list=1,run=2");
    }
}
