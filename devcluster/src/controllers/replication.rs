//! Keeps as many pods as a ReplicationController asks for.

mod replica;
mod status;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{PodTemplateSpec, ReplicationControllerSpec};

use self::replica::Replica;
use super::{Action, Again, Note, Reaction, View, pod_of, reference};
use crate::{
    admission::{Forbidden, admit},
    kind::Kind,
    object::Object,
    store::Deletion,
};

const FAILED_CREATE: &str = "FailedCreate";
/// How long it waits at most before it tries again to make a pod.
const PAUSE_MAX: SignedDuration = SignedDuration::from_secs(1000);

/// Makes one pod at a time, so that each has a name of its own and is counted before the next.
pub(super) fn reconcile(view: View<'_>, controller: &Object) -> Reaction {
    let spec: ReplicationControllerSpec = controller.spec();
    let template = spec.template.unwrap_or_default();
    let wanted = usize::try_from(spec.replicas.unwrap_or(1)).unwrap_or(0);
    let is_own = |object: &Object| {
        let made_by = object.controller().map(|owner| owner.uid.as_str());
        object.kind == Kind::Pod && made_by == Some(controller.uid()) && !object.is_going()
    };
    let dependents = view.store.dependents_of(controller.uid()).filter(|object| is_own(object));
    let (over, mut alive): (Vec<_>, Vec<_>) =
        dependents.map(|pod| Replica::read(pod)).partition(Replica::is_over);

    let mut reaction = Reaction::default();
    let mut refusal = None;
    if !controller.is_going() {
        reaction.actions.extend(over.iter().map(|replica| delete(replica.pod)));
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
    let told = controller.clone().with_status(&status);
    if told != *controller {
        reaction.actions.push(Action::Update(Box::new(told)));
    }
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

fn delete(pod: &Object) -> Action {
    Action::Delete(pod.key(), Deletion::default())
}

fn tell(controller: &Object, reason: &'static str, message: String) -> Action {
    Action::Tell(Note {
        about: reference(controller),
        is_warning: reason == FAILED_CREATE,
        reason,
        message,
        source: "replication-controller",
    })
}

#[cfg(test)]
mod tests;
