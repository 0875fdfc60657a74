use expect_test::expect_file;

use super::*;
use crate::routes;

#[test]
fn the_document_is_what_the_routes_and_the_types_say() {
    let document = serde_json::to_string_pretty(&document::of(&routes::all())).unwrap();
    expect_file!["../openapi.json"].assert_eq(&format!("{document}\n"));
}
