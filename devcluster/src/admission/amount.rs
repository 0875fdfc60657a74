//! Amounts of a resource.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use tjf_handlers::job::quantity::{Cpu, Memory};

/// Reads an amount in the smallest unit of its resource. What is not an amount is nothing: the API
/// server lets none in.
pub(super) fn read(resource: &str, quantity: &Quantity) -> u64 {
    match bare(resource) {
        "cpu" => Cpu::parse_stored(&quantity.0).map_or(0, Cpu::millicores),
        _ => Memory::parse_stored(&quantity.0).map_or(0, Memory::bytes),
    }
}

/// Writes an amount as Kubernetes does; what is only counted has no binary thousands.
pub(super) fn write(resource: &str, amount: u64) -> Quantity {
    let text = match bare(resource) {
        "cpu" => Cpu::parse_stored(&format!("{amount}m")).map(|cpu| cpu.to_string()),
        "memory" | "ephemeral-storage" => {
            Memory::parse_stored(&amount.to_string()).map(|memory| memory.to_string())
        }
        _ => (amount != 0 && amount.is_multiple_of(1000)).then(|| format!("{}k", amount / 1000)),
    };
    Quantity(text.unwrap_or_else(|| amount.to_string()))
}

/// The resource itself, whether its request or its limit is meant.
fn bare(resource: &str) -> &str {
    let rest = resource.strip_prefix("requests.").or_else(|| resource.strip_prefix("limits."));
    rest.unwrap_or(resource)
}
