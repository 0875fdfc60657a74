//! What is done with the command while something goes wrong, and what must be true of it.

use std::{net::SocketAddr, path::Path, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use tjf_api_types::{JobView, Phase};
use tjf_devcluster::suite::{Call, Output, Tool, eventually};
use tokio::{
    fs,
    time::{Instant, sleep},
};

use super::{
    super::{continuous, one_off},
    Numbers,
};

/// After an outage each of Kubernetes' own controllers pauses for up to a minute.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(150);
/// Between two looks at the cluster.
const LOOK_TIME: Duration = Duration::from_millis(250);
const LINES: usize = 300;

/// One thing to do, with a name of its own.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// A job is run, waited for, and ends with this code.
    Run(String, u8),
    /// The same, and its output is shown.
    Follow(String, u8),
    /// A job that runs already is waited for.
    Wait(String, u8),
    /// The log of a job that runs already is followed.
    Logs(String),
    /// A continuous job is restarted.
    Restart(String),
    /// A file of jobs is loaded.
    Load(String),
}

impl Deed {
    pub(super) fn by(numbers: &mut Numbers, round: usize) -> Self {
        let name = format!("job-{round}");
        let code = u8::try_from(numbers.below(50)).unwrap_or(0);
        match numbers.below(6) {
            0 => Self::Run(name, code),
            1 => Self::Follow(name, code),
            2 => Self::Wait(name, code),
            3 => Self::Logs(name),
            4 => Self::Restart(name),
            _ => Self::Load(name),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Run(name, _) | Self::Follow(name, _) | Self::Wait(name, _) => name,
            Self::Logs(name) | Self::Restart(name) | Self::Load(name) => name,
        }
    }

    /// Makes what there has to be before, over a road on which nothing goes wrong. Gives the pods of a
    /// job that is to be restarted.
    pub(super) async fn prepare(&self, tool: &Tool) -> Vec<String> {
        let name = self.name();
        match self {
            Self::Run(..) | Self::Follow(..) => {}
            Self::Wait(_, code) => {
                let cmd = format!("sleep 1; {}exit {code}", ran(name));
                settled_run(tool, one_off(name, &cmd)).await;
            }
            Self::Logs(_) => {
                settled_run(tool, one_off(name, &writing(name, 0))).await;
            }
            Self::Restart(_) => {
                settled_run(tool, continuous(name, "exec sleep 3600")).await;
                return one_pod(tool, name, &[]).await.expect("the job runs");
            }
            Self::Load(_) => {
                let file = format!(
                    "- name: {name}\n  command: '{}'\n  image: tf-busybox\n\
                     - name: {name}-daily\n  command: 'true'\n  image: tf-busybox\n  schedule: '@daily'\n",
                    ran(name)
                );
                fs::write(tool.home.join(format!("{name}.yaml")), file).await.unwrap();
            }
        }
        Vec::new()
    }

    pub(super) async fn act(&self, tool: &Tool, address: SocketAddr, ca: &Path) -> Output {
        let name = self.name();
        let words: Vec<String> = match self {
            Self::Run(_, code) => run(name, &format!("{}exit {code}", ran(name)), "--wait"),
            Self::Follow(_, code) => run(name, &writing(name, *code), "--follow"),
            Self::Wait(..) => vec!["wait".into(), name.into()],
            Self::Logs(_) => ["logs", name, "-f", "--stream", "stdout"].map(str::to_owned).to_vec(),
            Self::Restart(_) => vec!["restart".into(), name.into()],
            Self::Load(_) => load(tool, name),
        };
        command(tool, address, ca, &words).await
    }

    /// What is not as it must be.
    pub(super) async fn judge(
        &self,
        tool: &Tool,
        done: &Output,
        before: &[String],
        address: SocketAddr,
        ca: &Path,
    ) -> Vec<String> {
        let name = self.name();
        let mut wrong = Vec::new();
        // A first look is made three times within a second, and has then told that it saw nothing.
        let is_look = matches!(self, Self::Wait(..) | Self::Logs(_));
        if is_look && (done.code, done.stdout.as_str()) == (3, "") {
            return wrong;
        }
        match self {
            Self::Run(_, code) | Self::Wait(_, code) => {
                check(&mut wrong, "code", &done.code, &i32::from(*code));
                let ran = tool.read(&format!("{name}.ran")).await;
                check(&mut wrong, "runs", &ran.as_str(), &"ran\n");
            }
            Self::Follow(_, code) => {
                check(&mut wrong, "code", &done.code, &i32::from(*code));
                let written = tool.read(&format!("{name}.out")).await;
                check(&mut wrong, "lines written", &written.lines().count(), &LINES);
                check(&mut wrong, "bytes shown", &(done.stdout == written), &true);
                let ran = tool.read(&format!("{name}.ran")).await;
                check(&mut wrong, "runs", &ran.as_str(), &"ran\n");
            }
            Self::Logs(_) => {
                check(&mut wrong, "code", &done.code, &0);
                let written = tool.read(&format!("{name}.out")).await;
                check(&mut wrong, "lines written", &written.lines().count(), &LINES);
                check(&mut wrong, "bytes shown", &(done.stdout == written), &true);
            }
            Self::Restart(_) => {
                // It is sent once, so that nobody may know what came of it.
                let codes = [0, 3];
                check(&mut wrong, "a code", &codes.contains(&done.code), &true);
                let old = if done.code == 0 { before } else { &[] };
                wrong.extend(one_pod(tool, name, old).await.err());
            }
            Self::Load(_) => {
                let codes = [0, 3];
                check(&mut wrong, "a code", &codes.contains(&done.code), &true);
                let again = command(tool, address, ca, &load(tool, name)).await;
                check(&mut wrong, "code of the next load", &again.code, &0);
                let dry = [load(tool, name), vec!["--dry-run".into()]].concat();
                let dry = command(tool, address, ca, &dry).await;
                check(&mut wrong, "code when nothing is to do", &dry.code, &0);
                ended(tool, name).await;
                let ran = tool.read(&format!("{name}.ran")).await;
                check(&mut wrong, "runs", &ran.as_str(), &"ran\n");
            }
        }
        wrong
    }

    /// Takes all of it away.
    pub(super) async fn clear(&self, tool: &Tool) {
        eventually("a flush", SETTLE_TIME_MAX, async || {
            let answer = tool.send(Call::flush()).await;
            if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
        })
        .await;
    }
}

/// The API server may be away for another lane.
async fn settled_run(tool: &Tool, job: serde_json::Value) {
    eventually("a job", SETTLE_TIME_MAX, async || {
        let answer = tool.send(Call::run(&job)).await;
        if [201, 409].contains(&answer.status) { Ok(()) } else { Err(answer.text()) }
    })
    .await;
}

/// As for [`settled_run`].
async fn ended(tool: &Tool, name: &str) {
    eventually("the end of a job", SETTLE_TIME_MAX, async || {
        let answer = tool.send(Call::get(&format!("/show/{name}/"))).await;
        let has_ended =
            answer.status == 200 && answer.expect::<JobView>(200).status.phase.is_final();
        if has_ended { Ok(()) } else { Err(answer.text()) }
    })
    .await;
}

/// The pods of a continuous job, once there is one that runs and none of the old ones.
async fn one_pod(tool: &Tool, name: &str, old: &[String]) -> Result<Vec<String>, String> {
    let mut seen = String::new();
    let end = Instant::now() + SETTLE_TIME_MAX;
    while Instant::now() < end {
        let answer = tool.send(Call::get(&format!("/show/{name}/"))).await;
        let is_running =
            answer.status == 200 && answer.expect::<JobView>(200).status.phase == Phase::Running;
        // The API server may be away for another lane, for this look too.
        let params = ListParams::default().labels(&format!("app.kubernetes.io/name={name}"));
        seen = match tool.api::<Pod>().list(&params).await {
            Ok(pods) if is_running => {
                let pods = pods.items.into_iter();
                let uids: Vec<_> = pods.filter_map(|pod| pod.metadata.uid).collect();
                if uids.len() == 1 && !old.contains(&uids[0]) {
                    return Ok(uids);
                }
                format!("pods {uids:?}")
            }
            Ok(_) => answer.text(),
            Err(error) => error.to_string(),
        };
        sleep(LOOK_TIME).await;
    }
    Err(format!("not one pod that is not {old:?}: {seen}"))
}

/// Notes that it has run.
fn ran(name: &str) -> String {
    format!("echo ran >> {name}.ran; ")
}

/// Writes for a second or two.
fn writing(name: &str, code: u8) -> String {
    format!(
        "{}i=0; while [ $i -lt {LINES} ]; do echo line $i of {name}; i=$((i+1)); \
         [ $((i % 20)) -ne 0 ] || sleep 0.1; done; exit {code}",
        ran(name)
    )
}

fn run(name: &str, cmd: &str, how: &str) -> Vec<String> {
    ["run", name, "--command", cmd, "--image", "tf-busybox", how].map(str::to_owned).to_vec()
}

fn load(tool: &Tool, name: &str) -> Vec<String> {
    vec!["load".to_owned(), tool.home.join(format!("{name}.yaml")).display().to_string()]
}

async fn command(tool: &Tool, address: SocketAddr, ca: &Path, words: &[String]) -> Output {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    tool.command_at(address, ca, &words).await
}

fn check<T: PartialEq + std::fmt::Debug>(wrong: &mut Vec<String>, what: &str, is: &T, must: &T) {
    if is != must {
        wrong.push(format!("{what}: {is:?} instead of {must:?}"));
    }
}
