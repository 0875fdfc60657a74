//! The wrapper is run for real, under each shell that it has to work in, as process 1 and not.

mod bench;
mod environment;
mod signals;

use self::bench::{Bench, Place, expanded};
use super::*;

#[test]
fn text_arrives_as_it_was_typed() {
    for text in ["", "a", "$", "$$", "$(HOME)", "$((1+2))", "'$$'", "a$", "$$$", "${A}$B"] {
        let sent = escape_dollars(text);
        assert_eq!(expanded(&sent), text);
        assert!(!sent.replace("$$", "").contains('$'), "{sent}");
    }
    let logs = LogFiles { stdout: "/home/$a.out", stderr: "/home/a.err" };
    for (env, variables) in
        [(vec![], vec![]), (vec![("A", "$B"), ("a b", "")], vec!["A=$$B", "a b="])]
    {
        let env =
            env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let argv = argv("echo $HOME", &env, Some(logs));
        assert_eq!(argv[..2], ["/bin/sh", "-c"]);
        assert_eq!(expanded(&argv[2]), WRAPPER);
        assert_eq!(argv[3], NAME);
        let (first, last) = argv[4..].split_at(variables.len());
        assert_eq!(first, variables);
        assert_eq!(last, ["echo $$HOME", "/home/$$a.out", "/home/a.err"]);
    }
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
