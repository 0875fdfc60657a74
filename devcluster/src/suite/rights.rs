//! What an administrator makes for a tool on a real cluster.

use k8s_openapi::api::{
    core::v1::{LimitRange, Namespace, ResourceQuota},
    rbac::v1::{Role, RoleBinding},
};
use kube::{Api, Client, api::PostParams};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::namespace;

/// Makes the namespace of a tool, and everything in it.
pub(crate) async fn make_namespace(admin: &Client, tool: &str) -> kube::Result<()> {
    let namespace = namespace::name_of(tool);
    let labels = json!({"toolforge": "tool", "devcluster": "e2e"});
    let object = json!({"metadata": {"name": namespace, "labels": labels}});
    post(&Api::<Namespace>::all(admin.clone()), object).await?;
    let named = |spec: Value| json!({"metadata": {"name": "tool"}, "spec": spec});
    let api = || Api::<Role>::namespaced(admin.clone(), &namespace);
    post(&api(), role()).await?;
    post(&Api::<RoleBinding>::namespaced(admin.clone(), &namespace), binding(tool)).await?;
    let ranges = Api::<LimitRange>::namespaced(admin.clone(), &namespace);
    post(&ranges, named(namespace::limits())).await?;
    let quotas = Api::<ResourceQuota>::namespaced(admin.clone(), &namespace);
    post(&quotas, named(namespace::quota())).await
}

async fn post<K>(api: &Api<K>, object: Value) -> kube::Result<()>
where
    K: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let object = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
    api.create(&PostParams::default(), &object).await.map(drop)
}

/// What a tool may do: as on the real platform, where a `ClusterRole` says so.
fn role() -> Value {
    let change =
        ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    let look = &change[..3];
    json!({"metadata": {"name": "tool"}, "rules": [
        {"apiGroups": [""], "verbs": change, "resources": [
            "pods", "pods/log", "services", "configmaps", "secrets", "replicationcontrollers",
            "replicationcontrollers/scale",
        ]},
        {"apiGroups": [""], "verbs": look, "resources": [
            "events", "resourcequotas", "limitranges",
        ]},
        {"apiGroups": ["batch"], "verbs": change, "resources": ["jobs", "cronjobs"]},
        {"apiGroups": ["apps"], "verbs": change, "resources": ["deployments", "replicasets"]},
    ]})
}

fn binding(tool: &str) -> Value {
    let group = "rbac.authorization.k8s.io";
    json!({
        "metadata": {"name": "tool"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "tool"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": tool}],
    })
}
