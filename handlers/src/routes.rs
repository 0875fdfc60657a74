//! The table of routes: everything that the service answers.

use tjf_api_types::path;
use tjf_runtime::Router;

use crate::{AppState, containers, delete, flush, list, run, show};

/// All routes. Wrong methods and unknown paths are the router's to refuse.
pub fn routes() -> Router<AppState> {
    Router::new()
        .post(path::RUN, run::run)
        .get(path::SHOW, show::show)
        .get(path::LIST, list::list)
        .delete(path::DELETE, delete::delete)
        .delete(path::FLUSH, flush::flush)
        .get(path::CONTAINERS, containers::containers)
        .get(path::IMAGES, containers::containers)
}
