//! What a person says on the command line.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use tjf_cli::{FileError, Pem};

use crate::{
    address::Address,
    plan::{Connection, Mix, Operation, Pace, Stage},
    process::Pids,
    target::service::{Site, Sites},
};

const MIX: &str = "list=50,unchanged=20,show=20,containers=4,run=3,delete=3";
const READS: &str = "list=50,unchanged=25,show=25";

/// Without `--rate` or `--callers`, what the tour asks a second.
const TOUR_RATE: f64 = 400.0;
const TOUR_CALLERS: usize = 8;

/// Asks a jobs service many questions at a pace, and reports how it answers.
///
/// Without --rate and --callers it makes a tour: the first list of each tool, a mix at a steady
/// rate, callers that ask as fast as they are answered, and a connection for each request. It ends
/// by itself, and at Ctrl-C with a report of what was measured so far. Only jobs that it has made
/// are ever deleted; their names begin with `loadtest-`.
#[derive(Debug, Parser)]
#[command(name = "tjf-loadtest", version)]
pub(crate) struct Args {
    /// The service, such as `https://127.0.0.1:8443`
    #[arg(long, value_name = "URL")]
    pub(crate) server: Address,
    /// File of the CA that signed the service's certificate
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// Folder of homes: each with `.toolskube/client.crt` and `client.key` is a tool
    #[arg(long, value_name = "FOLDER")]
    pub(crate) homes: PathBuf,
    /// Only this tool; may be given several times
    #[arg(long = "tool", value_name = "NAME")]
    pub(crate) tools: Vec<String>,
    /// Requests a second, in an open loop: latency counts from when each was due
    #[arg(long, value_name = "NUMBER", conflicts_with = "callers", value_parser = rate)]
    rate: Option<f64>,
    /// Callers, in a closed loop: each asks again once it is answered
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=500))]
    callers: Option<u16>,
    /// What is asked, by weight: list, unchanged (a list with its `ETag`), show, containers, run, delete
    #[arg(long, value_name = "MIX", default_value = MIX)]
    mix: Mix,
    /// Seconds that each stage lasts at most
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = clap::value_parser!(u32).range(1..=3600))]
    time: u32,
    /// Requests that each stage has at most
    #[arg(long, value_name = "NUMBER", default_value = "1000000", value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
    /// A connection for each request, with a whole TLS handshake
    #[arg(long)]
    connection_each: bool,
    /// Neither jobs nor a warm-up first: the first request of each tool is in the figures
    #[arg(long)]
    pub(crate) cold: bool,
    /// Scheduled jobs that each tool gets first
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    jobs: u16,
    /// The container of these jobs
    #[arg(long, value_name = "NAME", default_value = "tf-busybox")]
    pub(crate) container: String,
    /// The API server, to ask it the same four lists directly
    #[arg(long, value_name = "URL", requires = "kubernetes_ca")]
    kubernetes: Option<Address>,
    /// File of the CA that signed the API server's certificate
    #[arg(long, value_name = "FILE")]
    kubernetes_ca: Option<PathBuf>,
    /// Another service with the same routes, http or https, to ask it for the same list
    #[arg(long, value_name = "URL")]
    beside: Option<Address>,
    /// File of the CA that signed its certificate; without it, that of --ca
    #[arg(long, value_name = "FILE")]
    beside_ca: Option<PathBuf>,
    /// Seconds that each thing is measured when things are compared; 0: nothing is
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = clap::value_parser!(u32).range(0..=600))]
    pub(crate) comparison: u32,
    /// Process of the service, on this machine: for its memory and processor time
    #[arg(long, value_name = "PID")]
    service_pid: Option<u32>,
    /// Process of the API server, on this machine: for its processor time
    #[arg(long, value_name = "PID")]
    kubernetes_pid: Option<u32>,
    /// Write the report as one HTML page, too
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the report as JSON, too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Allow addresses of other machines; only together with --its-owner-agrees
    #[arg(long)]
    not_on_this_machine: bool,
    /// Say once more that whoever runs those machines wants this load
    #[arg(long)]
    its_owner_agrees: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "that is not a number".to_owned())?;
    if (0.1..=100_000.0).contains(&rate) { Ok(rate) } else { Err("0.1 to 100000".to_owned()) }
}

/// An address that may not be asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not an address of this machine, such as https://127.0.0.1:8443. A load test can take a service \
     away from everybody: give both --not-on-this-machine and --its-owner-agrees if that is meant"
)]
pub(crate) struct Elsewhere(String);

impl Args {
    /// Refuses whatever is not on this machine, until it has been told twice.
    pub(crate) fn check(&self) -> Result<(), Elsewhere> {
        let mut asked = [Some(&self.server), self.kubernetes.as_ref(), self.beside.as_ref()]
            .into_iter()
            .flatten();
        match asked.find(|address| !address.is_loopback()) {
            Some(address) if !(self.not_on_this_machine && self.its_owner_agrees) => {
                Err(Elsewhere(address.url.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Who is asked. Reads the files of CAs.
    pub(crate) fn sites(&self) -> Result<Sites, FileError> {
        let site = |address: &Address, ca: &PathBuf| -> Result<Site, FileError> {
            Ok(Site { address: address.clone(), ca: Pem::read(ca)? })
        };
        let kubernetes = self.kubernetes.as_ref().zip(self.kubernetes_ca.as_ref());
        let beside_ca = self.beside_ca.as_ref().unwrap_or(&self.ca);
        Ok(Sites {
            service: site(&self.server, &self.ca)?,
            kubernetes: kubernetes.map(|(address, ca)| site(address, ca)).transpose()?,
            beside: self.beside.as_ref().map(|address| site(address, beside_ca)).transpose()?,
        })
    }

    /// Whose memory and processor time is watched.
    pub(crate) fn pids(&self) -> Pids {
        Pids { service: self.service_pid, kubernetes: self.kubernetes_pid }
    }

    /// How many jobs each tool gets.
    pub(crate) fn jobs(&self) -> u16 {
        if self.cold { 0 } else { self.jobs }
    }

    /// The stages of the run.
    pub(crate) fn stages(&self, tools: usize) -> Vec<Stage> {
        let time = Duration::from_secs(self.time.into());
        let stage = |name: &str, pace: Pace, mix: Mix, connection: Connection| Stage {
            name: name.to_owned(),
            pace,
            mix,
            connection,
            tools,
            time,
            requests_max: self.requests,
            is_cold: false,
        };
        let connection = if self.connection_each { Connection::Each } else { Connection::Kept };
        let mut stages = match (self.rate, self.callers) {
            (Some(rate), _) => {
                vec![stage("steady rate", Pace::Open { rate }, self.mix.clone(), connection)]
            }
            (None, Some(callers)) => {
                let pace = Pace::Closed { callers: callers.into() };
                vec![stage("as fast as answered", pace, self.mix.clone(), connection)]
            }
            (None, None) => {
                let callers = Pace::Closed { callers: TOUR_CALLERS };
                let steady = Pace::Open { rate: TOUR_RATE };
                let reads = READS.parse().unwrap_or(Mix::only(Operation::List));
                let list = Mix::only(Operation::List);
                vec![
                    stage("steady rate", steady, self.mix.clone(), connection),
                    stage("as fast as answered", callers, reads, connection),
                    stage("new connections", callers, list, Connection::Each),
                ]
            }
        };
        if self.cold {
            stages[0].is_cold = true;
        }
        stages
    }
}

/// Asks for each tool's list once, before anything else: what a tool meets that comes anew.
pub(crate) fn first_lists(tools: usize) -> Stage {
    Stage {
        name: "first list of each tool".to_owned(),
        pace: Pace::Closed { callers: 1 },
        mix: Mix::only(Operation::List),
        connection: Connection::Kept,
        tools,
        time: Duration::from_secs(60),
        requests_max: tools as u64,
        is_cold: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(more: &str) -> Args {
        let words = format!("tjf-loadtest --ca ca --homes homes {more}");
        Args::try_parse_from(words.split_whitespace()).unwrap()
    }

    #[test]
    fn an_address_elsewhere_has_to_be_meant_twice() {
        let here = "--server https://127.0.0.1:1";
        for elsewhere in [
            "--server https://10.0.0.1".to_owned(),
            "--server https://localhost:1".to_owned(),
            format!("{here} --beside http://example.org"),
            format!("{here} --kubernetes https://example.org --kubernetes-ca ca"),
        ] {
            for flags in ["", "--not-on-this-machine", "--its-owner-agrees"] {
                let error = args(&format!("{elsewhere} {flags}")).check().unwrap_err().to_string();
                assert!(error.contains("--not-on-this-machine and --its-owner-agrees"), "{error}");
            }
            let both = format!("{elsewhere} --not-on-this-machine --its-owner-agrees");
            assert_eq!(args(&both).check(), Ok(()));
        }
        assert_eq!(args(here).check(), Ok(()));
    }

    #[test]
    fn without_a_pace_there_is_a_tour() {
        let stages = args("--server https://127.0.0.1:1").stages(2);
        let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(names, ["steady rate", "as fast as answered", "new connections"]);
        assert_eq!(stages[1].mix.to_string(), READS);
    }

    #[test]
    fn a_pace_makes_one_stage_with_what_was_said() {
        let more =
            "--server https://127.0.0.1:1 --rate 12.5 --mix show=1 --time 3 --requests 9 --cold";
        let stages = args(&format!("{more} --connection-each")).stages(2);
        assert_eq!(stages.len(), 1);
        assert_eq!(
            stages[0].description(),
            "open loop, 12.5 requests a second, a connection for each request, show=1"
        );
        assert_eq!((stages[0].time.as_secs(), stages[0].requests_max), (3, 9));
        assert!(stages[0].is_cold);
    }
}
