//! What the user's variables do, and to whom.

use std::collections::BTreeSet;

use super::{
    LOG_NOT_WRITABLE, NAME,
    bench::{Bench, Place, path_of, wait_for},
};

type Variable = (&'static str, &'static str);

/// Each would make some shell do something else than its script says.
const HOSTILE: [Variable; 32] = [
    ("BASHOPTS", "extdebug:failglob"),
    ("BASH_ENV", "./hostile"),
    ("BASH_FUNC_[%%", "() { return 1; }"),
    ("BASH_FUNC_case%%", "() { exit 9; }"),
    ("BASH_FUNC_command%%", "() { exit 9; }"),
    ("BASH_FUNC_env%%", "() { exit 9; }"),
    ("BASH_FUNC_kill%%", "() { :; }"),
    ("BASH_FUNC_own%%", "() { echo own; }"),
    ("BASH_FUNC_sleep%%", "() { exit 9; }"),
    ("BASH_FUNC_true%%", "() { echo hostile; }"),
    ("BASH_FUNC_wait%%", "() { :; }"),
    ("BASH_XTRACEFD", "1"),
    ("CDPATH", "/"),
    ("ENV", "./hostile"),
    ("FUNCNEST", "1"),
    ("GLOBIGNORE", "*"),
    ("HISTFILE", "hostile"),
    ("IFS", "/e1"),
    ("LC_ALL", "tlh_QO.UTF-8"),
    ("LD_PRELOAD", "./hostile"),
    ("PATH", "."),
    ("POSIXLY_CORRECT", "y"),
    ("PROMPT_COMMAND", "exit 9"),
    ("PS4", "$(echo hostile >&2)"),
    ("PWD", "/nowhere"),
    ("SHELLOPTS", "errexit:nounset:verbose:xtrace"),
    ("TMOUT", "1"),
    ("toolforge_code", "9"),
    ("toolforge_left", "9"),
    ("toolforge_path", "/nowhere"),
    ("toolforge_started", "yes"),
    ("toolforge_stopped", "yes"),
];

/// With these a shell runs nothing at all: bash because it is told so or because a special built-in
/// can't be a function, dash because it needs a number.
const FATAL: [Variable; 8] = [
    ("BASH_FUNC_:%%", "() { exit 9; }"),
    ("BASH_FUNC_exec%%", "() { exit 9; }"),
    ("BASH_FUNC_exit%%", "() { :; }"),
    ("BASH_FUNC_set%%", "() { :; }"),
    ("BASH_FUNC_shift%%", "() { :; }"),
    ("BASH_FUNC_trap%%", "() { :; }"),
    ("OPTIND", "x"),
    ("SHELLOPTS", "noexec"),
];

/// Kubernetes takes any printable name without `=`.
const ODD: [Variable; 7] = [
    ("-", "dash"),
    ("-u", "option"),
    ("1x", "digit"),
    ("a b", "blank"),
    ("a.b", "dot"),
    ("empty", ""),
    ("many", "a\nb 'c' \"d\" $e $(f) `g` \\ *"),
];

/// What is fatal alone, and the rest in groups.
fn environments() -> Vec<Vec<Variable>> {
    let (functions, others) = HOSTILE.into_iter().partition(|(name, _)| name.contains("_FUNC_"));
    let all = [HOSTILE.as_slice(), &ODD].concat();
    let alone = FATAL.into_iter().map(|one| vec![one]);
    alone.chain([functions, others, ODD.to_vec(), all]).collect()
}

/// A bench with programs that must not be run.
fn bench(place: Place, env: &[Variable]) -> Bench {
    let mut bench = Bench::new(place);
    bench.set_env(env);
    for name in ["hostile", "env", "sleep"] {
        bench.write_program(name, "#!/bin/sh\necho hostile\nexit 9\n");
    }
    bench
}

/// What the user's shell hands on, but for what every shell sets for itself.
fn variables(bench: &Bench) -> BTreeSet<String> {
    let is_of_a_shell = |variable: &str| {
        let name = variable.split('=').next().unwrap();
        ["_", "OLDPWD", "PWD", "SHLVL"].contains(&name)
    };
    let all = bench.read("variables");
    all.split_terminator('\0').filter(|one| !is_of_a_shell(one)).map(str::to_owned).collect()
}

#[test]
fn the_users_shell_gets_all_of_it_as_if_nothing_were_between() {
    let env = path_of("env").unwrap();
    let cmd = format!("echo out; echo err >&2; {env} -0 >variables; (exit 5)");
    for place in Place::all() {
        for env in environments() {
            let case = format!("{env:?} with {}", place.describe());
            let (through, alone) = (bench(place, &env), bench(place, &env));
            assert_eq!(through.run(&cmd), alone.run_alone(&cmd), "{case}");
            for file in ["out", "err"] {
                let without_folder =
                    |bench: &Bench| bench.read(file).replace(&bench.path(""), "(folder)/");
                assert_eq!(without_folder(&through), without_folder(&alone), "{file}: {case}");
            }
            assert_eq!(variables(&through), variables(&alone), "{case}");
            through.assert_container_is_silent(&case);
        }
    }
}

#[test]
fn every_name_reaches_the_program() {
    for place in Place::all() {
        let bench = bench(place, &ODD);
        let cmd = format!("exec {} -0 >variables", path_of("env").unwrap());
        assert_eq!(bench.run(&cmd), 0, "{}", place.describe());
        let seen = variables(&bench);
        // dash and busybox hand on no more than what they can have as variables of their own.
        let is_handed_on = |name: &str| place.shell == "bash" || matches!(name, "empty" | "many");
        for (name, value) in ODD.into_iter().filter(|(name, _)| is_handed_on(name)) {
            assert!(seen.contains(&format!("{name}={value}")), "{name} with {}", place.describe());
        }
    }
}

#[test]
fn nothing_of_it_hides_a_file_that_cannot_be_opened() {
    for place in Place::all() {
        for env in environments() {
            let case = format!("{env:?} with {}", place.describe());
            let bench = bench(place, &env);
            let running = bench.start_with("echo ran >ran", Some(("out", "none/err")));
            assert_eq!(running.end(), LOG_NOT_WRITABLE, "{case}");
            let sentence = bench.read("container.err");
            assert!(sentence.starts_with(NAME), "{case}: {sentence}");
            assert_eq!(sentence.lines().count(), 1, "{case}: {sentence}");
            assert_eq!(bench.read("container.out") + &bench.read("ran"), "", "{case}");
        }
    }
}

#[test]
fn nothing_of_it_takes_a_program_its_last_words() {
    for place in Place::all() {
        let bench = bench(place, &[HOSTILE.as_slice(), &ODD].concat());
        let cmd = format!("exec {} -i ./sh ./program", path_of("env").unwrap());
        let running = bench.start(&cmd);
        wait_for("the program", || bench.read("out").contains("ready").then_some(()));
        running.signal("TERM");
        assert_eq!(running.end(), 3, "{}", place.describe());
        assert!(bench.read("out").ends_with("ready\nlast words\n"), "{}", place.describe());
        bench.assert_container_is_silent(&place.describe());
    }
}

#[test]
fn the_programs_of_process_1_are_found_whatever_the_image_says() {
    for place in Place::all() {
        let mut bench = Bench::new(place);
        bench.image_path = "/nowhere";
        bench.set_env(&[("A", "b")]);
        assert_eq!(bench.run("echo $A $PATH"), 0);
        assert_eq!(bench.read("out"), "b /nowhere\n", "{}", place.describe());
        bench.set_env(&[("PATH", "/bin:/usr/bin")]);
        assert_eq!(bench.run("env >/dev/null; echo $PATH"), 0);
        assert_eq!(bench.read("out"), "b /nowhere\n/bin:/usr/bin\n", "{}", place.describe());
    }
}
