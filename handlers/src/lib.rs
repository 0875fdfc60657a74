//! The endpoints of the Toolforge Jobs Framework, and the service that mounts them.
//!
//! Each endpoint is an async function in a file of its own, from a [`Context`] and at most one
//! input to a reply. [`job`] is what a job is, and pure; [`cluster`] is the only I/O; [`error`]
//! alone knows statuses.

pub mod catalogue;
pub mod checked;
pub mod cluster;
pub mod compat;
pub mod config;
pub mod containers;
pub mod delete;
pub mod error;
pub mod flush;
pub mod job;
pub mod list;
pub mod logs;
pub mod openapi;
pub mod quota;
pub mod replace;
pub mod restart;
pub mod routes;
pub mod run;
pub mod show;
pub mod state;
pub mod store;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use tjf_runtime::{
    Service,
    config::Faults,
    pool::{Clients, HomeDirectory, KeyFiles},
    reload::LookNow,
    server::{self, StartError},
    shutdown::Shutdown,
};

pub use self::state::AppState;
use crate::config::Config;

/// What a handler may know and use.
pub type Context = tjf_runtime::Context<AppState>;

/// Where the platform puts a tool's certificate and key.
const KEY_FILES: KeyFiles =
    KeyFiles { certificate: ".toolskube/client.crt", key: ".toolskube/client.key" };

/// Serves until `shutdown` says so. Certificate and catalogue are read anew when they change, and
/// when `look_now` asks for it.
///
/// # Errors
/// When a file can't be used or an address is taken; nothing was served then.
pub async fn serve(
    config: Config,
    shutdown: Shutdown,
    look_now: LookNow,
) -> Result<(), StartError> {
    let state = AppState::new(config.catalogue, config.pod_settings.clone())
        .map_err(|error| Faults::of(config::CATALOGUE, error))?;
    let state = Arc::new(state);
    let runtime = config.runtime;
    let homes = HomeDirectory::new(
        config.pod_settings.homes.into(),
        KEY_FILES,
        runtime.kube_server.clone(),
        runtime.kube_ca.clone(),
    );
    let shares = config.shares;
    let clients = Clients::new(homes.clone(), shares.pool_limits);
    let catalogue = Arc::clone(&state.catalogue);
    let routes = if config.compat { routes::all() } else { routes::routes() };
    let service = Service::new(&runtime, shares.limits, routes, state, clients);
    let bound = server::bind(&runtime, service).await?;
    tracing::info!(
        address = %bound.address()?,
        admin_address = %bound.admin_address()?,
        "listening on https://{}",
        bound.address()?
    );
    tokio::select! {
        () = bound.serve(shutdown, look_now.clone()) => {}
        () = catalogue.watch(look_now.clone()) => {}
        () = homes.watch(look_now) => {}
    }
    Ok(())
}
