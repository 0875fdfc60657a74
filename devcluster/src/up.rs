//! `up`: the platform stays, for people to play with.

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    namespace,
    platform::{Platform, PlatformError, TOOLS, say},
};

/// Starts the platform, says where everything is, and takes it away at Ctrl-C.
///
/// # Errors
/// When it can't be started.
pub async fn run() -> Result<(), PlatformError> {
    say("building the service and the command ...")?;
    let platform = Platform::start().await?;
    let kubeconfig = platform.cluster.write_kubeconfig().await?;
    let site = platform.cluster.site();
    let tool = TOOLS[0];
    let home = platform.home_of(tool);
    let [_, (server, server_value), (ca, ca_value)] = platform.variables();
    let rows = [
        ("kubernetes api", site.server),
        ("jobs api", format!("https://{}", platform.service.address)),
        ("homes", format!("{}  ({})", site.homes.display(), TOOLS.join(", "))),
        (
            "try",
            format!(
                "HOME={} {server}={} {ca}={} {} run 'echo hi' --type tf-busybox --wait",
                home.display(),
                server_value.display(),
                ca_value.display(),
                platform.programs.command.display()
            ),
        ),
        (
            "as the tool",
            format!(
                "KUBECONFIG={} kubectl get --raw /apis/batch/v1/namespaces/{}/jobs",
                home.join(".kube/config").display(),
                namespace::name_of(tool)
            ),
        ),
        ("as admin", format!("KUBECONFIG={} kubectl get --raw /api/v1/pods", kubeconfig.display())),
    ];
    for (what, value) in rows {
        say(&format!("devcluster: {what:<15} {value}"))?;
    }
    say("devcluster: Ctrl-C takes all of it away, homes too")?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome?,
        _ = terminated.recv() => {}
    }
    platform.stop().await;
    Ok(())
}
