//! The table of routes: everything that the service answers.

use tjf_api_types::path;
use tjf_runtime::{Class, Media, Route, Router};

use crate::{
    AppState, compat, containers, delete, flush, list, logs, openapi, quota, restart, run, show,
};

/// Our own routes and, behind them, those of the deployed service's command.
pub fn all() -> Router<AppState> {
    compat::add_to(routes())
}

/// Our own routes. Wrong methods and unknown paths are the router's to refuse.
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
        .route(document(path::OPENAPI))
        .route(document(path::OPENAPI_OF_SERVER))
}

/// Its readers are programs, and it has no lines.
fn document(pattern: &'static str) -> Route<AppState> {
    Route::get(pattern, openapi::openapi).class(Class::Free).answers(&[Media::Json])
}
