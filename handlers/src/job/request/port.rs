//! Where a continuous job is reached, and how it is found out whether it works.

use tjf_api_types::{HealthCheck, JobName, PortProtocol, RunRequest, Shown};

use super::{Invalid, in_range, refuse};
use crate::job::Port;

/// The longest script, as long as a command may be.
const SCRIPT_BYTES_MAX: usize = 8 * 1024;
const PATH_BYTES_MAX: usize = 1024;

/// The port and the health check of a job, both of which only a continuous one has.
pub(super) fn check(
    request: &RunRequest,
    name: &JobName,
    is_continuous: bool,
) -> Result<(Option<Port>, Option<HealthCheck>), Invalid> {
    let port = port(request)?;
    let health_check = request.health_check.clone();
    if !is_continuous {
        if port.is_some() {
            return refuse("port", "only a continuous job has a port: leave out `port`");
        }
        if health_check.is_some() {
            return refuse(
                "health_check",
                "only a continuous job has a health check: leave out `health_check`",
            );
        }
    }
    if port.is_some() {
        check_name(name)?;
    }
    if let Some(health_check) = &health_check {
        check_health_check(health_check, port)?;
    }
    Ok((port, health_check))
}

fn port(request: &RunRequest) -> Result<Option<Port>, Invalid> {
    let number = in_range("port", request.port, 1..=i64::from(u16::MAX))?;
    let protocol = request.port_protocol.unwrap_or_default();
    match number.and_then(|number| u16::try_from(number).ok()) {
        Some(number) => Ok(Some(Port { number, protocol })),
        None if protocol != PortProtocol::default() => {
            refuse("port_protocol", "a protocol is that of a port: leave it out, or give `port`")
        }
        None => Ok(None),
    }
}

/// A Service has the job's name, and Kubernetes wants a label of RFC 1035 there.
fn check_name(name: &JobName) -> Result<(), Invalid> {
    if name.as_str().starts_with(|first: char| first.is_ascii_lowercase()) {
        return Ok(());
    }
    let detail = format!(
        "a job with a port is reached under its name, which then begins with a letter: give a \
         `name` other than `{}`",
        Shown::new(name.as_str())
    );
    Err(Invalid::new("name", detail))
}

fn check_health_check(check: &HealthCheck, port: Option<Port>) -> Result<(), Invalid> {
    let refuse = |detail: &str| refuse("health_check", detail);
    match check {
        HealthCheck::Script { script } if script.is_empty() => {
            refuse("the script of the health check is empty: write what is to run")
        }
        HealthCheck::Script { script } if script.len() > SCRIPT_BYTES_MAX => {
            let length = script.len();
            refuse(&format!(
                "the script of a health check has at most {SCRIPT_BYTES_MAX} bytes, not {length}: \
                 put a longer one into a file"
            ))
        }
        HealthCheck::Script { script } if script.contains('\0') => {
            refuse("the script of a health check can't contain a NUL character")
        }
        HealthCheck::Script { .. } => Ok(()),
        HealthCheck::Http { path } => {
            if port.is_none_or(|port| port.protocol != PortProtocol::Tcp) {
                return refuse("a check by HTTP asks the job's TCP port: give `port`");
            }
            if path.len() > PATH_BYTES_MAX {
                let length = path.len();
                return refuse(&format!(
                    "the path of a health check has at most {PATH_BYTES_MAX} bytes, not {length}"
                ));
            }
            if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Ok(());
            }
            refuse(
                "the path of a health check begins with `/` and has visible ASCII characters only",
            )
        }
    }
}
