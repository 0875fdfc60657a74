//! A client that nobody wrote: a public generator makes it of the document at `/openapi.json`.

use std::{path::Path, sync::Arc};

use tjf_devcluster::{
    Machine,
    suite::{Needs, World, run_program},
};

use super::scenarios;

scenarios![
    a_generated_client_creates_and_reads_a_job: Needs::Fetched(&[GENERATOR]),
];

/// From the package of the same name on `PyPI`.
const GENERATOR: &str = "openapi-python-client";
/// What a person would write with the generated client. Its language is the generator's.
const PROGRAM: &str = include_str!("generated/program.py");
/// Its interpreter is the generator's own, which has what generated clients import.
const SCRIPT: &str = r#"
set -eu
cd "$FOLDER"
curl --silent --show-error --fail --cacert "$CA" "$SERVER/openapi.json" >openapi.json
openapi-python-client generate --path openapi.json --output-path generated_client --meta none >/dev/null
"$(dirname "$(command -v openapi-python-client)")/python" -c "$PROGRAM"
"#;

async fn a_generated_client_creates_and_reads_a_job(world: Arc<World>) {
    let tool = world.tool("generated").await;
    let server = format!("https://{}", tool.service().address);
    let ca = tool.service().ca_file();
    let path = Machine::read().path;
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("PATH", path.as_os_str()),
        ("HOME", tool.home.as_os_str()),
        ("FOLDER", folder.path().as_os_str()),
        ("PROGRAM", PROGRAM.as_ref()),
        ("SERVER", server.as_ref()),
        ("CA", ca.as_os_str()),
    ];
    let output = run_program(Path::new("/bin/sh"), &["-c", SCRIPT], &variables).await;
    let expected = "\
        201 one-off hello\n\
        200 succeeded 0\n\
        ['hello']\n\
        304\n\
        409 /problems/job-exists\n\
        404 /problems/job-not-found\n\
        201 scheduled by-form\n\
        ['by-form', 'hello']\n\
        []\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, expected), "{output:?}");
}
