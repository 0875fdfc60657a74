//! What a kind demands of its objects, as far as anybody here comes up against it.

use k8s_openapi::{
    api::{
        batch::v1::{CronJobSpec, JobSpec},
        core::v1::{ReplicationControllerSpec, ServiceSpec},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use tjf_handlers::job::schedule::{Schedule, time_zone};

use super::status::{Cause, Refused, cause};
use crate::{defaults::CLUSTER_IP, kind::Kind, object::Object};

const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
const LABEL_LENGTH_MAX: usize = 63;
/// Eleven characters are appended for each run.
const CRONJOB_NAME_LENGTH_MAX: usize = 52;

/// Looks for what is wrong with an object that is complete.
///
/// # Errors
/// Everything that is wrong, in one refusal.
pub(crate) fn check(object: &Object) -> Result<(), Refused> {
    let mut causes = Vec::new();
    metadata(object, &mut causes);
    match object.kind {
        Kind::Job => job(&object.spec(), "spec", &mut causes),
        Kind::CronJob => cron_job(&object.spec(), &mut causes),
        Kind::ReplicationController => controller(&object.spec(), &mut causes),
        Kind::Service => service(object.name(), &object.spec(), &mut causes),
        Kind::Namespace
        | Kind::Pod
        | Kind::ConfigMap
        | Kind::LimitRange
        | Kind::ResourceQuota
        | Kind::Event => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    let kind = object.kind;
    Err(Refused::invalid(kind.name(), kind.group(), object.name(), &causes))
}

fn invalid(field: impl Into<String>, value: &str, why: &str) -> Cause {
    cause(field, "FieldValueInvalid", format!("Invalid value: {value}: {why}"))
}

fn negative(path: &str, name: &str, number: Option<i64>) -> Option<Cause> {
    let number = number.filter(|number| *number < 0)?.to_string();
    Some(invalid(format!("{path}.{name}"), &number, "must be greater than or equal to 0"))
}

fn metadata(object: &Object, causes: &mut Vec<Cause>) {
    let name = object.name();
    let length_max = if object.kind == Kind::CronJob { CRONJOB_NAME_LENGTH_MAX } else { 253 };
    if !is_subdomain(name) {
        let why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
            characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
            'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?\
            (\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        causes.push(invalid("metadata.name", &format!("{name:?}"), why));
    } else if name.len() > length_max {
        let why = format!("must be no more than {length_max} characters");
        causes.push(invalid("metadata.name", &format!("{name:?}"), &why));
    }
    // A Job's name becomes a label of its pods.
    let name = Some(name).filter(|_| object.kind == Kind::Job);
    let labels = object.metadata.labels.iter().flatten().map(|(_, value)| value.as_str());
    for value in labels.chain(name).filter(|value| value.len() > LABEL_LENGTH_MAX) {
        let why = format!("must be no more than {LABEL_LENGTH_MAX} characters");
        causes.push(invalid("metadata.labels", &format!("{value:?}"), &why));
    }
    let annotations = object.metadata.annotations.iter().flatten();
    if annotations.map(|(key, value)| key.len() + value.len()).sum::<usize>()
        > ANNOTATIONS_BYTES_MAX
    {
        let why = format!("Too long: may not be more than {ANNOTATIONS_BYTES_MAX} bytes");
        causes.push(cause("metadata.annotations", "FieldValueTooLong", why));
    }
}

fn is_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.split('.').all(is_label)
}

fn job(spec: &JobSpec, path: &str, causes: &mut Vec<Cause>) {
    let numbers = [
        ("parallelism", spec.parallelism.map(i64::from)),
        ("completions", spec.completions.map(i64::from)),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit.map(i64::from)),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished.map(i64::from)),
    ];
    for (name, number) in numbers {
        causes.extend(negative(path, name, number));
    }
    let pod = spec.template.spec.clone().unwrap_or_default();
    if pod.containers.is_empty() {
        let field = format!("{path}.template.spec.containers");
        causes.push(cause(field, "FieldValueRequired", "Required value"));
    }
    if !matches!(pod.restart_policy.as_deref(), Some("Never" | "OnFailure")) {
        let why = "Required value: valid values: \"OnFailure\", \"Never\"";
        let field = format!("{path}.template.spec.restartPolicy");
        causes.push(cause(field, "FieldValueRequired", why));
    }
}

/// The product's own reader of schedules stands for Kubernetes' here; it refuses some that
/// Kubernetes takes, in words of its own.
fn cron_job(spec: &CronJobSpec, causes: &mut Vec<Cause>) {
    if spec.schedule.is_empty() {
        causes.push(cause("spec.schedule", "FieldValueRequired", "Required value"));
    } else if let Err(error) = Schedule::parse_stored(&spec.schedule) {
        let value = format!("{:?}", spec.schedule);
        causes.push(invalid("spec.schedule", &value, &error.to_string()));
    }
    if let Some(zone) = &spec.time_zone
        && time_zone(zone).is_err()
    {
        let why = format!("unknown time zone {zone}");
        causes.push(invalid("spec.timeZone", &format!("{zone:?}"), &why));
    }
    let template = spec.job_template.spec.clone().unwrap_or_default();
    job(&template, "spec.jobTemplate.spec", causes);
}

fn controller(spec: &ReplicationControllerSpec, causes: &mut Vec<Cause>) {
    let labels =
        spec.template.as_ref().and_then(|template| template.metadata.as_ref()?.labels.clone());
    let (labels, selector) =
        (labels.unwrap_or_default(), spec.selector.clone().unwrap_or_default());
    if selector.is_empty() {
        causes.push(cause("spec.selector", "FieldValueRequired", "Required value"));
    } else if selector.iter().any(|(key, value)| labels.get(key) != Some(value)) {
        let why = "`selector` does not match template `labels`";
        let value = serde_json::to_string(&labels).unwrap_or_default();
        causes.push(invalid("spec.template.metadata.labels", &value, why));
    }
    causes.extend(negative("spec", "replicas", spec.replicas.map(i64::from)));
}

/// A Service is a name here, for there is no network in which it could lead anywhere.
fn service(name: &str, spec: &ServiceSpec, causes: &mut Vec<Cause>) {
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || name.contains('.') {
        let why = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
            with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or \
            'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
        causes.push(invalid("metadata.name", &format!("{name:?}"), why));
    }
    if let Some(other) = spec.type_.as_deref().filter(|kind| *kind != CLUSTER_IP) {
        let why = "this development cluster knows ClusterIP only";
        causes.push(invalid("spec.type", &format!("{other:?}"), why));
    }
    let ports = spec.ports.as_deref().unwrap_or_default();
    if ports.is_empty() {
        causes.push(cause("spec.ports", "FieldValueRequired", "Required value".to_owned()));
    }
    for (index, port) in ports.iter().enumerate() {
        let field = |name: &str| format!("spec.ports[{index}].{name}");
        let target = match port.target_port {
            Some(IntOrString::Int(number)) => number,
            Some(IntOrString::String(_)) | None => port.port,
        };
        for (name, number) in [("port", port.port), ("targetPort", target)] {
            if !(1..=65_535).contains(&number) {
                let why = "must be between 1 and 65535, inclusive";
                causes.push(invalid(field(name), &number.to_string(), why));
            }
        }
        let protocol = port.protocol.as_deref().unwrap_or_default();
        if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
            let why = "Unsupported value: supported values: \"SCTP\", \"TCP\", \"UDP\"";
            causes.push(cause(field("protocol"), "FieldValueNotSupported", why.to_owned()));
        }
    }
}
