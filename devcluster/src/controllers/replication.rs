//! Keeps as many pods as a ReplicationController asks for.

mod replica;
mod status;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{PodTemplateSpec, ReplicationControllerSpec};

use self::replica::Replica;
use super::{Action, Again, Note, Reaction, View, delete, pod_of, reference, update};
use crate::{
    admission::{Forbidden, admit},
    kind::Kind,
    object::Object,
};

const FAILED_CREATE: &str = "FailedCreate";
/// How long it waits at most before it tries again to make a pod.
const PAUSE_MAX: SignedDuration = SignedDuration::from_secs(1000);

/// Makes one pod at a time, so that each has a name of its own and is counted before the next.
pub(super) fn reconcile(view: View<'_>, controller: &Object) -> Reaction {
    let spec: ReplicationControllerSpec = controller.spec();
    let template = spec.template.unwrap_or_default();
    let wanted = usize::try_from(spec.replicas.unwrap_or_default()).unwrap_or(0);
    let pods = view.store.made_by(controller, Kind::Pod).filter(|pod| !pod.is_going());
    let (over, alive): (Vec<_>, Vec<_>) = pods.partition(|pod| pod.has_ended());
    let mut alive: Vec<_> = alive.into_iter().map(|pod| Replica::read(pod)).collect();

    let mut reaction = Reaction::default();
    let mut refusal = None;
    if !controller.is_going() {
        reaction.actions.extend(over.into_iter().map(|pod| delete(pod)));
        if alive.len() < wanted {
            refusal = create(view, controller, &template, &mut reaction).err();
        }
        alive.sort_by(Replica::cmp_by_worth);
        let surplus = alive.len().saturating_sub(wanted);
        for replica in &alive[..surplus] {
            let message = format!("Deleted pod: {}", replica.pod.name());
            reaction.actions.push(delete(replica.pod));
            reaction.actions.push(tell(controller, "SuccessfulDelete", message));
        }
    }
    let status = status::of(view.now, controller, &template, &alive, refusal.as_ref());
    reaction.actions.extend(update(controller, controller.clone().with_status(&status)));
    reaction
}

fn create(
    view: View<'_>,
    controller: &Object,
    template: &PodTemplateSpec,
    reaction: &mut Reaction,
) -> Result<(), Forbidden> {
    match admit(view.store, pod_of(view.store, controller, template)) {
        Ok(pod) => {
            let message = format!("Created pod: {}", pod.name());
            reaction.actions.push(Action::Create(Box::new(pod)));
            reaction.actions.push(tell(controller, "SuccessfulCreate", message));
            Ok(())
        }
        Err(refusal) => {
            let message = format!("Error creating: {refusal}");
            reaction.actions.push(tell(controller, FAILED_CREATE, message));
            reaction.again = Again::Failed { pause_max: PAUSE_MAX };
            Err(refusal)
        }
    }
}

fn tell(controller: &Object, reason: &'static str, message: String) -> Action {
    let (about, is_warning) = (reference(controller), reason == FAILED_CREATE);
    Action::Tell(Note { about, is_warning, reason, message, source: "replication-controller" })
}

#[cfg(test)]
mod tests;
