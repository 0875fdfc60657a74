use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::Path,
    sync::mpsc,
};

use futures_util::future::join_all;
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

use super::*;

/// The user that owns the homes of a test that runs as root; any but root.
const UID: u32 = 54321;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn give(path: &Path) {
    if is_root() {
        chown(path, Some(UID), Some(UID)).unwrap();
    }
}

/// A folder of homes with the homes of `a` and `b`.
fn homes() -> (TempDir, HomeFiles) {
    let folder = tempfile::tempdir().unwrap();
    for tool in ["a", "b"] {
        fs::create_dir(folder.path().join(tool)).unwrap();
        give(&folder.path().join(tool));
    }
    let files = HomeFiles::new(folder.path().to_owned());
    (folder, files)
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    give(path);
}

fn of(files: &HomeFiles, tool: &str) -> FilesOf {
    files.of(&CommonName::parse(tool).unwrap())
}

#[tokio::test]
async fn a_file_is_read_from_any_place_to_its_end_and_outlives_its_path() {
    let (folder, files) = homes();
    let path = folder.path().join("a/log");
    write(&path, "0123456789");
    let files = of(&files, "a");
    let file = files.open("log").await.unwrap().unwrap();
    assert_eq!(file.length(), 10);
    assert!(file.modified().elapsed().unwrap() < Duration::from_secs(60));
    fs::rename(&path, folder.path().join("a/log.1")).unwrap();
    write(&path, "new");
    for (offset, bytes_max, expected) in
        [(0, 4, "0123"), (8, 4, "89"), (10, 4, ""), (1_000, 4, ""), (0, 100, "0123456789")]
    {
        assert_eq!(files.read(&file, offset, bytes_max).await.unwrap(), expected);
    }
    let other = files.open("log").await.unwrap().unwrap();
    assert_ne!(other.inode(), file.inode());
    assert!(files.open("nope").await.unwrap().is_none());
    assert!(files.open("log/below").await.unwrap().is_none());
}

#[tokio::test]
async fn nothing_but_a_file_of_the_tool_beneath_its_home_is_opened() {
    let (folder, files) = homes();
    let path = |name: &str| folder.path().join(name);
    write(&path("b/secret"), "theirs");
    write(&path("outside"), "nobody's");
    write(&path("a/inside"), "ours");
    symlink("inside", path("a/good")).unwrap();
    symlink("../b/secret", path("a/neighbour")).unwrap();
    symlink("/etc/passwd", path("a/absolute")).unwrap();
    symlink("loop", path("a/loop")).unwrap();
    symlink("/proc/self/fd/0", path("a/magic")).unwrap();
    symlink("..", path("a/up")).unwrap();
    fs::create_dir(path("a/folder")).unwrap();
    give(&path("a/folder"));
    mkfifoat(CWD, path("a/pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    give(&path("a/pipe"));
    let a = of(&files, "a");
    let good = a.open("good").await.unwrap().unwrap();
    assert_eq!(a.read(&good, 0, 9).await.unwrap(), "ours");
    for name in [
        "neighbour",
        "absolute",
        "loop",
        "magic",
        "up/outside",
        "../outside",
        "/etc/passwd",
        "folder",
        "pipe",
    ] {
        let refused = a.open(name).await;
        assert!(matches!(refused, Err(FileError::Refused(_))), "{name}: {refused:?}");
    }
    assert!(of(&files, "nobody").open("x").await.is_err());
    if is_root() {
        fs::hard_link(path("b/secret"), path("a/hard")).unwrap();
        chown(path("b/secret"), Some(UID + 1), None).unwrap();
        let refused = a.open("hard").await;
        assert!(matches!(refused, Err(FileError::Refused(_))), "{refused:?}");
        // A home that is root's gives nothing, and what is in it least of all.
        chown(path("b"), Some(0), Some(0)).unwrap();
        fs::write(path("b/roots"), "").unwrap();
        let refused = of(&files, "b").open("roots").await;
        assert!(matches!(refused, Err(FileError::Refused(_))), "{refused:?}");
    }
}

/// Two reads hang, and a third stands in line behind them; another tool does not notice.
#[tokio::test(start_paused = true)]
async fn a_home_that_hangs_takes_two_threads_and_five_seconds_of_its_own_tool() {
    let (folder, files) = homes();
    write(&folder.path().join("b/log"), "b");
    let a = of(&files, "a");
    let (go_on, hang) = mpsc::channel::<()>();
    let hang = Arc::new(Mutex::new(hang));
    let began = Instant::now();
    let reads = (0..5).map(|_| {
        let (files, hang) = (of(&files, "a"), Arc::clone(&hang));
        async move {
            files
                .run(move || {
                    let _ = lock(&hang).recv();
                    Ok(())
                })
                .await
        }
    });
    for outcome in join_all(reads).await {
        assert!(matches!(outcome, Err(FileError::Silent)), "{outcome:?}");
    }
    assert_eq!(began.elapsed(), ANSWER_TIME_MAX);
    assert_eq!(files.0.threads.busy(), THREADS_PER_TOOL);
    // Whoever asks later, when all requests have gone, finds the same two.
    drop(a);
    assert!(matches!(of(&files, "a").open("log").await, Err(FileError::Silent)));
    assert_eq!(files.0.threads.busy(), THREADS_PER_TOOL);
    // The others' threads take real time.
    tokio::time::resume();
    assert!(of(&files, "b").open("log").await.unwrap().is_some());
    drop(go_on);
    let mut found = of(&files, "a").open("log").await;
    while found.is_err() {
        found = of(&files, "a").open("log").await;
    }
    assert!(found.unwrap().is_none());
}

#[tokio::test]
async fn nothing_is_kept_of_a_tool_that_reads_nothing() {
    let (_folder, files) = homes();
    drop(of(&files, "a"));
    let b = of(&files, "b");
    assert_eq!(lock(&files.0.tools).len(), 1);
    let again = of(&files, "b");
    assert!(Arc::ptr_eq(&b.places, &again.places));
}
