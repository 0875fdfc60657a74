//! What a container is, for the process that stands for it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec};
use tjf_handlers::job::quantity::Memory;

use crate::pod::protocol::{Start, User};

/// Where a container finds its programs: the host's, for an image is only a label here.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a container can't be made, as Kubernetes would call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfigError(pub(super) String);

/// The process of a pod's only container, which belongs to this user whatever it asks for.
///
/// # Errors
/// When the container asks for what no process can stand for.
pub(super) fn process(
    spec: &PodSpec,
    pod: &str,
    log: PathBuf,
    user: Option<User>,
) -> Result<Start, ConfigError> {
    let container =
        spec.containers.first().ok_or_else(|| ConfigError("no container".to_owned()))?;
    let variables = container.env.as_deref().unwrap_or_default();
    if let Some(EnvVar { name, .. }) = variables.iter().find(|one| one.value_from.is_some()) {
        return Err(ConfigError(format!("{name}: a development cluster knows no valueFrom")));
    }
    let mut env = BTreeMap::from([
        ("PATH".to_owned(), PATH.to_owned()),
        ("HOSTNAME".to_owned(), pod.to_owned()),
    ]);
    for EnvVar { name, value, .. } in variables {
        let value = expand(value.as_deref().unwrap_or_default(), &env);
        env.insert(name.clone(), value);
    }
    let words = [&container.command, &container.args].into_iter().flatten().flatten();
    let argv: Vec<_> = words.map(|word| expand(word, &env)).collect();
    if container.command.is_none() {
        let image = container.image.as_deref().unwrap_or_default();
        return Err(ConfigError(format!(
            "image {image} is only a label here, without a program of its own: name a command"
        )));
    }
    Ok(Start {
        argv,
        env,
        working_dir: container.working_dir.as_deref().unwrap_or("/").into(),
        user,
        memory_bytes_max: memory(container),
        log,
    })
}

fn memory(container: &Container) -> Option<u64> {
    let limits = container.resources.as_ref()?.limits.as_ref()?;
    Some(Memory::parse_stored(&limits.get("memory")?.0)?.bytes())
}

/// A folder of the host that the pod needs, and that is not there.
pub(super) fn missing_folder(spec: &PodSpec) -> Option<(&str, &Path)> {
    let volumes = spec.volumes.as_deref().unwrap_or_default();
    volumes.iter().find_map(|volume| {
        let source = volume.host_path.as_ref()?;
        let path = Path::new(&source.path);
        let is_needed = source.type_.as_deref() == Some("Directory");
        (is_needed && !path.is_dir()).then_some((volume.name.as_str(), path))
    })
}

/// Replaces `$(NAME)` by a variable that is known and `$$` by `$`, as Kubernetes does in commands
/// and in the values of variables.
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let name = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else if let Some((name, after)) = name {
            match variables.get(name) {
                Some(value) => expanded.push_str(value),
                None => expanded.extend(["$(", name, ")"]),
            }
            after
        } else {
            expanded.push('$');
            after
        };
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OWNER: User = User { uid: 7, gid: 8 };

    fn start(container: &serde_json::Value) -> Result<Start, ConfigError> {
        let spec = serde_json::from_value(json!({"containers": [container]})).unwrap();
        process(&spec, "p", "/log".into(), Some(OWNER))
    }

    /// The cases of a real kubelet: `$$ $(V) '$$'` with a variable gave `$ vau $`.
    #[test]
    fn dollars_are_rewritten_as_kubernetes_does() {
        let variables = BTreeMap::from([("V".to_owned(), "vau".to_owned())]);
        for (text, expanded) in [
            ("$$ $(V) '$$'", "$ vau '$'"),
            ("$$(V) $$$(V)", "$(V) $vau"),
            ("$(W) $((1+2)) $V $", "$(W) $((1+2)) $V $"),
            ("$(V", "$(V"),
            ("", ""),
        ] {
            assert_eq!(expand(text, &variables), expanded, "{text}");
        }
    }

    #[test]
    fn a_variable_may_name_those_before_it() {
        let container = json!({"name": "c", "command": ["echo", "$(B)"], "env": [
            {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C"},
        ]});
        let start = start(&container).unwrap();
        assert_eq!(start.argv, ["echo", "1$(C)"]);
        assert_eq!(start.env["HOSTNAME"], "p");
        assert_eq!(start.env["C"], "");
    }

    #[test]
    fn memory_and_folder_are_the_containers_but_the_user_is_the_homes() {
        let container = json!({"name": "c", "command": ["x"], "args": ["y"], "workingDir": "/w",
            "securityContext": {"runAsUser": 0, "runAsGroup": 0},
            "resources": {"limits": {"memory": "1Ki"}}});
        let start = start(&container).unwrap();
        assert_eq!(start.argv, ["x", "y"]);
        assert_eq!(start.working_dir, Path::new("/w"));
        assert_eq!(start.user, Some(OWNER));
        assert_eq!(start.memory_bytes_max, Some(1024));
    }

    #[test]
    fn what_no_process_can_stand_for_is_refused() {
        let refused = start(&json!({"name": "c", "image": "busybox"})).unwrap_err().0;
        assert!(refused.contains("busybox"), "{refused}");
        let from = json!({"fieldRef": {"fieldPath": "metadata.name"}});
        let env = json!([{"name": "A", "valueFrom": from}]);
        let container = json!({"name": "c", "command": ["x"], "env": env});
        assert!(start(&container).unwrap_err().0.contains("valueFrom"));
    }
}
