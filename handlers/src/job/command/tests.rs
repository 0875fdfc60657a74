//! The wrapper is run for real, under each shell that it has to work in, as process 1 and not.

mod bench;

use self::bench::{Bench, Place, expanded, wait_for};
use super::*;

#[test]
fn text_arrives_as_it_was_typed() {
    for text in ["", "a", "$", "$$", "$(HOME)", "$((1+2))", "'$$'", "a$", "$$$", "${A}$B"] {
        let sent = escape_dollars(text);
        assert_eq!(expanded(&sent), text);
        assert!(!sent.replace("$$", "").contains('$'), "{sent}");
    }
    let logs = LogFiles { stdout: "/home/$a.out", stderr: "/home/a.err" };
    let argv = argv("echo $HOME", Some(logs));
    assert_eq!(argv[..2], ["/bin/sh", "-c"]);
    assert_eq!(argv[3..], [NAME, "echo $$HOME", "/home/$$a.out", "/home/a.err"]);
    assert_eq!(expanded(&argv[2]), WRAPPER);
}

#[test]
fn everything_lands_in_the_files_once_and_in_order() {
    let long = "x".repeat(8 * 1024 - "echo ".len());
    let cases = [
        ("echo a; echo b", 0, "a\nb\n", ""),
        ("echo a | tr a b && echo c", 0, "b\nc\n", ""),
        ("echo a # ; echo b", 0, "a\n", ""),
        (r#"echo "a 'b' \" c" 'd "e" \'"#, 0, "a 'b' \" c d \"e\" \\\n", ""),
        ("echo a\necho b >&2\n\necho c", 0, "a\nc\n", "b\n"),
        ("echo $(echo a) $((1+2)) '$$' ${none-b} $", 0, "a 3 $$ b $\n", ""),
        (
            "i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo $i; echo $i >&2; done",
            0,
            "1\n2\n3\n4\n5\n",
            "1\n2\n3\n4\n5\n",
        ),
        ("echo a >&2; exit 3", 3, "", "a\n"),
        ("exit 0", 0, "", ""),
        ("false", 1, "", ""),
        ("cat", 0, "", ""),
        ("(exit 143)", 143, "", ""),
        ("echo \"$0 $# $1\" | sed 's,.*/,,'", 0, "sh 0 \n", ""),
    ];
    for place in Place::all() {
        for (cmd, code, out, err) in cases {
            let bench = Bench::new(place);
            let case = format!("{cmd} with {}", place.describe());
            assert_eq!(bench.run(cmd), code, "{case}");
            assert_eq!((bench.read("out"), bench.read("err")), (out.into(), err.into()), "{case}");
            bench.assert_container_is_silent(&case);
        }
        let bench = Bench::new(place);
        assert_eq!(bench.run(&format!("echo {long}")), 0, "{}", place.describe());
        assert_eq!(bench.read("out"), format!("{long}\n"), "{}", place.describe());
    }
}

#[test]
fn what_the_shell_itself_says_lands_in_the_file_too() {
    for place in Place::all() {
        for (cmd, code) in [
            ("-x", 127),
            ("--", 127),
            ("-c 'echo a'", 127),
            ("no-such-program; no-such-program", 127),
            ("echo 'a", 2),
        ] {
            let bench = Bench::new(place);
            let case = format!("{cmd} with {}", place.describe());
            assert_eq!(bench.run(cmd), code, "{case}");
            assert_ne!(bench.read("err"), "", "{case}");
            bench.assert_container_is_silent(&case);
        }
    }
}

#[test]
fn a_command_that_is_killed_gives_128_and_the_signal() {
    for place in Place::all() {
        let bench = Bench::new(place);
        // No HUP: under nohup it would be ignored, and stay so in every shell.
        for (cmd, code) in [("kill -KILL $$", 137), ("kill -TERM $$", 143), ("kill -ALRM $$", 142)]
        {
            assert_eq!(bench.run(cmd), code, "{cmd} with {}", place.describe());
        }
        assert_eq!(bench.read("err"), "", "how it ended is not written into its file");
        bench.assert_container_is_silent(&place.describe());
    }
}

#[test]
fn files_are_appended_to_and_may_have_any_name() {
    for place in Place::all() {
        for name in ["a b", "a;b", "a'b\"c", "-x", "$HOME$$", "`a`", "a\nb", "ünï"] {
            let bench = Bench::new(place);
            for _ in 0..2 {
                let running = bench.start_with("echo a; echo b >&2; echo c", Some((name, name)));
                assert_eq!(running.end(), 0);
            }
            assert_eq!(bench.read(name), "a\nb\nc\n".repeat(2), "{name} with {}", place.describe());
            bench.assert_container_is_silent(&place.describe());
        }
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_told_in_the_containers_log() {
    for place in Place::all() {
        for logs in [("none/out", "err"), ("out", "none/err"), (".", "err"), ("out", "program/err")]
        {
            let bench = Bench::new(place);
            let running = bench.start_with("echo ran >ran", Some(logs));
            assert_eq!(running.end(), LOG_NOT_WRITABLE, "{logs:?} with {}", place.describe());
            let sentence = bench.read("container.err");
            assert!(sentence.starts_with(NAME), "{sentence}");
            assert_eq!(sentence.lines().count(), 1, "{sentence}");
            assert_eq!(bench.read("container.out") + &bench.read("ran"), "");
        }
    }
}

#[test]
fn without_files_the_output_is_discarded() {
    for place in Place::all() {
        let bench = Bench::new(place);
        assert_eq!(bench.start_with("echo a; echo b >&2; exit 4", None).end(), 4);
        bench.assert_container_is_silent(&place.describe());
    }
}

#[test]
fn the_wrapper_leaves_the_environment_as_it_was() {
    for place in Place::all() {
        let bench = Bench::new(place);
        assert_eq!(bench.run("env | grep ^toolforge_"), 1, "{}", bench.read("out"));
    }
}

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
        for code in [0, 1, 5, 143] {
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
