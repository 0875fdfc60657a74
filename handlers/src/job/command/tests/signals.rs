//! What becomes of a job that is stopped.

#![expect(clippy::disallowed_methods, reason = "files of the test's own")]

use std::{
    fs::{self, File},
    io::Write,
    process::Command,
};

use super::bench::{Bench, Place, wait_for};

#[test]
fn a_program_behind_a_shell_gets_to_say_its_last_words() {
    for place in Place::all() {
        let bench = Bench::new(place);
        let running = bench.start("cd . && ./sh ./program; echo y");
        wait_for("the program", || bench.read("out").contains("ready").then_some(()));
        running.signal("TERM");
        assert_eq!(running.end(), 143, "{}", place.describe());
        if place.is_process_1 {
            // The end of process 1 is that of all the others, so they have to be through.
            assert_eq!(bench.read("out"), "ready\nlast words\n", "{}", place.describe());
        }
        wait_for("last words", || (bench.read("out") == "ready\nlast words\n").then_some(()));
        bench.assert_container_is_silent(&place.describe());
    }
}

#[test]
fn a_second_signal_changes_nothing() {
    for place in Place::all() {
        let bench = Bench::new(place);
        let running = bench.start("exec ./sh ./program");
        wait_for("the program", || bench.read("out").contains("ready").then_some(()));
        running.signal("TERM");
        running.signal("TERM");
        assert_eq!(running.end(), 3, "{}", place.describe());
        assert_eq!(bench.read("out"), "ready\nlast words\n", "{}", place.describe());
    }
}

#[test]
fn the_code_after_a_signal_is_that_of_the_users_shell() {
    for place in Place::all() {
        // 143 is also what an interrupted `wait` says, and 127 what it says of a stranger.
        for code in [0, 1, 5, 127, 143, 255] {
            let bench = Bench::new(place);
            let running = bench.start(&format!(
                "trap 'exit {code}' TERM; echo ready; while :; do sleep 0.05; done"
            ));
            wait_for("the shell", || bench.read("out").contains("ready").then_some(()));
            running.signal("TERM");
            assert_eq!(running.end(), code, "{}", place.describe());
        }
    }
}

#[test]
fn a_pipeline_ends_as_a_whole() {
    for place in Place::all() {
        let bench = Bench::new(place);
        let running = bench.start("./sh ./program | cat");
        wait_for("the program", || bench.read("out").contains("ready").then_some(()));
        running.signal("TERM");
        assert_eq!(running.end(), 143, "{}", place.describe());
        bench.assert_container_is_silent(&place.describe());
    }
}

#[test]
fn a_program_that_ignores_the_signal_is_waited_for_until_it_is_killed() {
    for place in Place::all() {
        let bench = Bench::new(place);
        let running =
            bench.start("trap '' TERM; echo ready; while :; do echo on; sleep 0.05; done");
        let lines = || bench.read("out").lines().count();
        wait_for("the shell", || (lines() > 1).then_some(()));
        running.signal("TERM");
        let seen = lines();
        wait_for("it to go on", || (lines() > seen + 5).then_some(()));
        assert!(!running.has_ended(), "{}", place.describe());
        running.signal("KILL");
        // 137 to the kubelet; unshare makes another code of it.
        assert_ne!(running.end(), 0, "{}", place.describe());
    }
}

/// A file that nobody reads yet holds process 1 up before anything is started.
#[test]
fn a_signal_before_the_start_ends_the_job_without_running_it() {
    for place in Place::all() {
        let bench = Bench::new(place);
        let made = Command::new("mkfifo").arg(bench.path("out")).status().unwrap();
        assert!(made.success());
        let running = bench.start("echo ran >ran");
        running.has_handler();
        running.signal("TERM");
        assert_eq!(running.end(), 143, "{}", place.describe());
        assert_eq!(bench.read("ran"), "");
    }
}

/// A child between its birth and its first command must not be forgotten.
#[test]
fn a_signal_in_the_first_moments_is_not_lost() {
    // Bash leaves a gap of microseconds, which is not ours to close.
    for place in Place::all().into_iter().filter(|place| place.shell != "bash") {
        for moment in 0..60 {
            let bench = Bench::new(place);
            let running = bench.start("exec sleep 1000");
            running.has_handler();
            // Each look takes some microseconds.
            for _ in 0..moment {
                fs::read_to_string("/proc/self/status").unwrap();
            }
            running.signal("TERM");
            assert_eq!(running.end(), 143, "{moment} with {}", place.describe());
            bench.assert_container_is_silent(&place.describe());
        }
    }
}

/// The signals that a process in this place ignores, and that this very test does not.
fn ignored_there(bench: &Bench) -> u64 {
    const INT_AND_QUIT: u64 = 1 << 1 | 1 << 2;
    let ignored = |status: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    };
    let own = fs::read_to_string("/proc/self/status").unwrap();
    ignored(&bench.read("out")) & !ignored(&own) & INT_AND_QUIT
}

/// Busybox can't undo what a background process inherits, and its own `env` can't either.
#[test]
fn what_interrupts_a_program_anywhere_else_interrupts_it_in_a_job() {
    for place in Place::all().into_iter().filter(|place| place.shell != "busybox") {
        for env in [&[][..], &[("A", "b")]] {
            let mut bench = Bench::new(place);
            bench.set_env(env);
            assert_eq!(bench.run("cat /proc/self/status"), 0, "{}", place.describe());
            assert_eq!(ignored_there(&bench), 0, "{env:?} with {}", place.describe());
            assert_eq!(bench.run("timeout -s INT 0.1 sleep 1000"), 124, "{}", place.describe());
            bench.assert_container_is_silent(&place.describe());
        }
    }
}

/// As that of busybox, and older ones of GNU.
const OLDER_ENV: &str = "#!/bin/sh
case $1 in --) exec /usr/bin/env \"$@\" ;; esac
echo \"no such option: $1\" >&2
exit 125
";

#[test]
fn without_a_program_that_undoes_it_a_job_runs_all_the_same() {
    for place in Place::all() {
        for env in [&[][..], &[("A", "b")]] {
            let mut bench = Bench::new(place);
            bench.set_env(env);
            bench.own_path = format!("{}:{}", bench.path("older"), bench.own_path);
            fs::create_dir(bench.path("older")).unwrap();
            bench.write_program("older/env", OLDER_ENV);
            assert_eq!(bench.run("echo ${A-none} $PATH"), 0, "{}", place.describe());
            let a = env.first().map_or("none", |(_, value)| value);
            assert_eq!(bench.read("out"), format!("{a} {}\n", bench.image_path));
            assert_eq!(bench.read("err"), "", "{}", place.describe());
            bench.assert_container_is_silent(&place.describe());
        }
    }
}

/// Without `sleep` process 1 can't wait for the others, but neither does it spin or complain.
#[test]
fn in_an_image_without_programs_a_job_ends_with_its_shell_and_in_silence() {
    for place in Place::all() {
        let mut bench = Bench::new(place);
        (bench.image_path, bench.own_path) = ("/nowhere", "/nowhere".to_owned());
        assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
        let mut pipe = File::options().read(true).write(true).open(bench.path("pipe")).unwrap();
        let running = bench.start(
            "(trap '' TERM; echo ready; read x <pipe) &
            trap 'echo stopped; exit 4' TERM; echo ready; wait",
        );
        wait_for("both", || (bench.read("out") == "ready\nready\n").then_some(()));
        running.signal("TERM");
        wait_for("the signal", || bench.read("out").contains("stopped").then_some(()));
        if place.shell == "busybox" {
            // It has a `sleep` in itself, and so it waits for the other.
            pipe.write_all(b"\n").unwrap();
        }
        assert_eq!(running.end(), 4, "{}", place.describe());
        assert_eq!(bench.read("err"), "", "{}", place.describe());
        bench.assert_container_is_silent(&place.describe());
    }
}
