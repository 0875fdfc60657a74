//! What is shipped: the static binaries, and the image.

use std::{path::Path, process::Stdio, sync::Arc};

use tjf_devcluster::suite::World;
use tokio::process::Command;

use crate::{megabytes, tell};

pub(crate) async fn measure(_: &Arc<World>) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let built = Command::new(root.join("deploy/build")).status().await.unwrap();
    assert!(built.success(), "deploy/build: {built}");
    let folder = root.join("target/static");
    let size = |file: &Path| std::fs::metadata(file).unwrap().len();
    for (name, aim) in [("toolforge-jobs-api", ""), ("toolforge-jobs", "< 3.5 MB")] {
        let bytes = size(&folder.join(name));
        tell(&format!("static `{name}`"), &megabytes(bytes), aim, 1);
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    let mut build = Command::new(root.join("deploy/image"));
    build.arg("toolforge-jobs-api:figures").arg(&archive);
    build.stdout(Stdio::null()).stderr(Stdio::null());
    let image = if build.status().await.unwrap().success() {
        megabytes(size(&archive))
    } else {
        "nothing here builds images".to_owned()
    };
    tell("image, as an archive", &image, "", 1);
}
