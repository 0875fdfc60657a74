//! The table of routes: everything that the service answers.

use tjf_api_types::path;
use tjf_runtime::{Class, Route, Router};

use crate::{AppState, containers, delete, flush, list, logs, quota, restart, run, show};

/// All routes. Wrong methods and unknown paths are the router's to refuse.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route(Route::post(path::RUN, run::run))
        .route(Route::get(path::SHOW, show::show))
        .route(Route::get(path::LIST, list::list))
        .route(Route::get(path::LOGS, logs::logs).class(Class::Waiting))
        .route(Route::post(path::RESTART, restart::restart))
        .route(Route::delete(path::DELETE, delete::delete))
        .route(Route::delete(path::FLUSH, flush::flush))
        .route(Route::get(path::QUOTA, quota::quota))
        .route(Route::get(path::CONTAINERS, containers::containers).class(Class::Free))
        .route(Route::get(path::IMAGES, containers::containers).class(Class::Free))
}
