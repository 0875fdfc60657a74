//! An endpoint is one short file, and who may call it.

use std::collections::BTreeSet;

use super::{assert_none, sources};

/// Lines of a file of one endpoint.
const ENDPOINT_LINES_MAX: usize = 80;
const ENDPOINTS: [&str; 11] = [
    "containers",
    "delete",
    "flush",
    "list",
    "logs",
    "openapi",
    "quota",
    "replace",
    "restart",
    "run",
    "show",
];
/// Who may call an endpoint: who mounts them, and who translates for the deployed service's command.
const CALLERS_OF_ENDPOINTS: [&str; 3] = ["routes.rs", "compat.rs", "compat/"];

/// The modules of its crate that a file names, at whatever place.
fn modules_named(code: &str) -> BTreeSet<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if !rest.starts_with('{') {
            named.insert(rest.split(|c| !is_of_name(c)).next().unwrap_or_default());
            continue;
        }
        let (mut depth, mut begins) = (0, true);
        for (place, character) in rest.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && begins && is_of_name(character) {
                begins = false;
                let word = rest[place..].split(|c| !is_of_name(c)).next();
                named.insert(word.unwrap_or_default());
            }
        }
    }
    named
}

#[test]
fn an_endpoint_is_one_short_file_that_only_routes_and_translations_call() {
    let sources = sources();
    for endpoint in ENDPOINTS {
        let path = format!("handlers/src/{endpoint}.rs");
        let source = sources.iter().find(|source| source.path == path).expect(&path);
        let lines = source.code().lines().count();
        assert!(lines <= ENDPOINT_LINES_MAX, "{path} has {lines} lines");
    }
    let mut called = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Some(within) = source.path.strip_prefix("handlers/src/") else { continue };
        if CALLERS_OF_ENDPOINTS.iter().any(|caller| within.starts_with(caller)) {
            continue;
        }
        let own = within.split(['/', '.']).next().unwrap_or_default();
        // Everybody may have the document, which the state keeps and a test writes.
        let is_foreign = |name: &&&str| **name != own && **name != "openapi" && own != "openapi";
        let named = modules_named(source.code());
        let others = ENDPOINTS.iter().filter(is_foreign).filter(|name| named.contains(**name));
        called.extend(others.map(|other| format!("{}: {other}", source.path)));
    }
    assert_none("only `routes` and `compat` call endpoints", &called);
}

#[test]
fn modules_are_found_in_either_form_of_an_import() {
    let code = "use crate::{\n    Context,\n    job::{list, show},\n    run::{self, Options},\n};\n\
                crate::flush::flush()";
    let named: Vec<_> = modules_named(code).into_iter().collect();
    assert_eq!(named, ["Context", "flush", "job", "run"]);
}
