//! Where a job's output goes: files of the tool, and nowhere else.

use std::{os::unix::fs::MetadataExt, sync::Arc};

use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::LogParams};
use serde_json::json;
use tjf_api_types::Phase;
use tjf_devcluster::suite::{Tool, World, eventually};

use super::{POD_TIME_MAX, continuous, one_off, scenarios, with};

scenarios![
    a_one_off_writes_its_output_to_files_of_the_tool,
    a_continuous_job_writes_on_after_its_pod_was_deleted,
    shell_text_does_what_a_shell_would_do_once,
    both_streams_may_share_a_file_in_a_folder_with_an_odd_name,
    without_a_file_log_nothing_is_written,
    environment_variables_arrive_as_they_were_typed,
];

/// The files are the tool's own, and the pod's own log says nothing.
pub(super) async fn assert_only_files_tell(tool: &Tool, job: &str) {
    for file in [format!("{job}.out"), format!("{job}.err")] {
        let metadata = tokio::fs::metadata(tool.home.join(&file)).await.unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (tool.uid, tool.gid), "{file}");
    }
    let pods = tool.pods_of(job).await;
    assert!(!pods.is_empty(), "{job} has no pod");
    for pod in pods {
        let log = tool.api::<Pod>().logs(&pod.name_any(), &LogParams::default()).await.unwrap();
        assert_eq!(log, "", "the log of pod {}", pod.name_any());
    }
}

async fn a_one_off_writes_its_output_to_files_of_the_tool(world: Arc<World>) {
    let tool = world.tool("out").await;
    tool.run(one_off("hello", "echo to out; echo to err >&2; pwd; id -u")).await;
    let job = tool.ended("hello").await;
    assert_eq!(
        (job.status_short.as_str(), job.status.phase.known(), job.status.exit_code),
        ("Completed", Some(Phase::Succeeded), Some(0)),
        "{job:#?}"
    );
    let home = tool.home.display();
    assert_eq!(tool.read("hello.out").await, format!("to out\n{home}\n{}\n", tool.uid));
    assert_eq!(tool.read("hello.err").await, "to err\n");
    assert_only_files_tell(&tool, "hello").await;
}

async fn a_continuous_job_writes_on_after_its_pod_was_deleted(world: Arc<World>) {
    let tool = world.tool("cont").await;
    let cmd = "echo began on $HOSTNAME; echo err >&2; exec sleep 3600";
    tool.run(continuous("bot", cmd)).await;
    let first = tool.read_until("bot.out", "began on", POD_TIME_MAX).await;
    let job = tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    assert_only_files_tell(&tool, "bot").await;
    assert!(job.status_short.starts_with("Running"), "{job:#?}");

    let pod = tool.pods_of("bot").await.pop().unwrap().name_any();
    tool.api::<Pod>().delete(&pod, &kube::api::DeleteParams::default()).await.unwrap();
    let both = eventually("a second beginning", POD_TIME_MAX, async || {
        let text = tool.read("bot.out").await;
        if text.lines().count() == 2 { Ok(text) } else { Err(text) }
    })
    .await;
    assert!(both.starts_with(&first), "{both}");
    assert!(first.contains(&pod) && !both[first.len()..].contains(&pod), "{both}");
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    // The shell around the first program may have told of its end too.
    let errors = tool.read("bot.err").await;
    assert_eq!(errors.matches("err\n").count(), 2, "{errors}");
}

/// Everything that has ever been quoted wrongly on the way into a container: by an HTTP client, by
/// a script that wraps the text, by Kubernetes, which rewrites dollars. The shell of this test says
/// what would be right.
async fn shell_text_does_what_a_shell_would_do_once(world: Arc<World>) {
    const CMD: &str = r#"echo "double 'single' quotes" 'single "double" quotes'; echo a\ b\\
echo one | tr o 0 && echo two || echo never # a comment; echo never
echo first; echo second >&2; (echo sub; exit 3); echo "code $?"
echo $(echo substituted) `echo ticked` $((1+2)) ${UNSET:-default} "$HOME"
echo '$$' '$(HOME)' '$((1+2))' "\$HOME" \$\$ $
[ "$$" -gt 0 ] && echo "a number: $$" | sed 's/[0-9][0-9]*/N/'
for n in 1 2; do echo "loop $n"; done
cat <<'END' | wc -l
here $HOME
document
END
echo "unicode: zażółć 🚲"; printf 'no newline at the end'"#;
    let tool = world.tool("cmd").await;
    tool.run(with(one_off("odd", CMD), &json!({"filelog_stderr": "odd.out"}))).await;
    let job = tool.ended("odd").await;
    assert_eq!(job.cmd, CMD);
    assert_eq!(job.status_short, "Completed", "{job:#?}");
    let home = tool.home.to_str().unwrap();
    let expected = format!(
        r#"double 'single' quotes single "double" quotes
a b\
0ne
two
first
second
sub
code 3
substituted ticked 3 default {home}
$$ $(HOME) $((1+2)) $HOME $$ $
a number: N
loop 1
loop 2
2
unicode: zażółć 🚲
no newline at the end"#
    );
    assert_eq!(tool.read("odd.out").await, expected);
}

async fn both_streams_may_share_a_file_in_a_folder_with_an_odd_name(world: Arc<World>) {
    let tool = world.tool("path").await;
    let folder = tool.home.join("a b;$(c)'\"");
    tokio::fs::create_dir(&folder).await.unwrap();
    std::os::unix::fs::chown(&folder, Some(tool.uid), Some(tool.gid)).unwrap();
    let file = "a b;$(c)'\"/$$ log";
    let both = json!({"filelog_stdout": file, "filelog_stderr": file});
    let job = tool.run(with(one_off("odd", "echo out; echo err >&2"), &both)).await;
    let absolute = tool.home.join(file).to_str().unwrap().to_owned();
    assert_eq!(job.filelog_stdout, Some(absolute));
    let job = tool.ended("odd").await;
    assert_eq!(job.status_short, "Completed", "{job:#?}");
    assert_eq!(tool.read(file).await, "out\nerr\n");
}

async fn without_a_file_log_nothing_is_written(world: Arc<World>) {
    let tool = world.tool("none").await;
    let quiet = with(one_off("quiet", "echo out; echo err >&2"), &json!({"filelog": false}));
    let job = tool.run(quiet).await;
    assert_eq!((job.filelog, job.filelog_stdout, job.filelog_stderr), (Some(false), None, None));
    assert_eq!(tool.ended("quiet").await.status_short, "Completed");
    assert_eq!((tool.read("quiet.out").await, tool.read("quiet.err").await), Default::default());
    for pod in tool.pods_of("quiet").await {
        let log = tool.api::<Pod>().logs(&pod.name_any(), &LogParams::default()).await.unwrap();
        assert_eq!(log, "");
    }
}

async fn environment_variables_arrive_as_they_were_typed(world: Arc<World>) {
    let tool = world.tool("env").await;
    let env = json!({"env": {"PLAIN": "a b", "DOLLARS": "$$ $(PLAIN) $((1+2)) $", "EMPTY": ""}});
    let cmd = r#"printf '%s\n' "$PLAIN" "$DOLLARS" "[$EMPTY]""#;
    tool.run(with(one_off("env", cmd), &env)).await;
    tool.ended("env").await;
    assert_eq!(tool.read("env.out").await, "a b\n$$ $(PLAIN) $((1+2)) $\n[]\n");
}
