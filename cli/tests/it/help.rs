use std::path::Path;

use expect_test::expect;

use crate::session::{bare_command, tell};

fn run(words: &[&str]) -> String {
    tell(&bare_command(Path::new("/nonexistent"), words).output().unwrap())
}

#[test]
fn the_help_shows_the_commands_and_examples() {
    expect![[r#"
        exit 0
        -- stdout
        Runs your tool's jobs: once, on a schedule, or for ever

        Usage: toolforge-jobs <COMMAND> [OPTIONS]

        Commands:
          run          Start a job
          show         Describe one job
          list         List all jobs
          logs         Show what a job has written
          wait         Wait until jobs have ended
          delete       Delete jobs
          flush        Delete all jobs of the tool
          load         Make the tool's jobs what a file says
          dump         Write the tool's jobs into a file
          restart      Restart a continuous job, or run a scheduled one now
          quota        Tell what the tool may have, and what it uses
          containers   List the containers that jobs can run in [alias: images]
          completions  Write completions for a shell
          help         Print this message or the help of the given subcommand(s)

        Options of every command, explained by `toolforge-jobs COMMAND --help`:
          --json  --quiet  --verbose  --color WHEN  --server URL  --cert FILE  --key FILE  --ca FILE

        Examples:
          toolforge-jobs run './bot.py --all' --type tf-python39 --wait
          toolforge-jobs run my-bot --command ./bot.sh --image tf-bullseye --schedule @daily
    "#]]
    .assert_eq(&run(&["--help"]));
    assert_eq!(run(&["help"]), run(&["--help"]));
}

#[test]
fn the_help_of_run_shows_both_forms() {
    expect![[r#"
        exit 0
        -- stdout
        Start a job

        Usage: toolforge-jobs run COMMAND --type CONTAINER [OPTIONS]
               toolforge-jobs run --type CONTAINER [OPTIONS] -- WORD WORD…
               toolforge-jobs run NAME --command COMMAND --image CONTAINER [OPTIONS]

        Options:
              --command <COMMAND>             Shell text to run; the one word in front is then the job's
                                              name
              --type <CONTAINER>              Container to run in; `toolforge-jobs containers` lists them
                                              [aliases: --image, --container]
              --name <NAME>                   Name of the job; made from the command when not given
              --schedule <SCHEDULE>           Run when a cron expression or `@hourly`, `@daily`, … says so
              --timezone <ZONE>               Time zone of the schedule, such as `Europe/Berlin`
              --continuous                    Keep it running
              --replicas <COUNT>              Copies of a continuous job
              --wait[=<DURATION>]             Wait until it has ended, and exit as it did
              --follow                        Show its output as it comes, and exit as it did
          -p, --port <PORT>                   Port at which others in the cluster reach it, such as `8080`
                                              or `53/udp`
              --health-check-script <SCRIPT>  Shell text that ends with 0 while the job works; else it is
                                              started anew
              --health-check-http <PATH>      Path that its port answers well while the job works
              --mem <SIZE>                    Memory limit, such as `512Mi` [alias: --memory]
              --cpu <CPUS>                    CPU limit, such as `500m` or `1`
              --retry <COUNT>                 How often to try again after a failure
              --timeout <DURATION>            End a run that takes longer, such as `90s`, `5m`, `2h`
              --no-filelog                    Keep no output
          -o, --filelog-stdout <FILE>         File for standard output, below the home
          -e, --filelog-stderr <FILE>         File for standard error, below the home
              --emails <WHEN>                 When to send e-mail [possible values: none, all, onfailure,
                                              onfinish]
              --mount <WHAT>                  Whether the tool's home is there inside the job [possible
                                              values: all, none]
              --env <KEY=VALUE>               Environment variable; may be given more than once
          -h, --help                          Print help

        Options of every command:
              --json          Print the API's own JSON
          -q, --quiet         Leave out progress and notes; errors are still told
          -v, --verbose       Tell every request and its answer
              --color <WHEN>  When to use colour; by itself on a terminal, unless `NO_COLOR` is set
                              [default: auto] [possible values: auto, always, never]
              --server <URL>  Address of the service
              --cert <FILE>   Certificate of the tool
              --key <FILE>    Key of the certificate
              --ca <FILE>     CA that signed the service's certificate

        Examples:
          toolforge-jobs run './bot.py --all' --type tf-python39
          toolforge-jobs run --type tf-python39 --mem 1Gi --wait=10m -- ./bot.py 'two words'
          toolforge-jobs run './serve.py 8080' --type tf-python39 --name web --continuous --port 8080
          toolforge-jobs run nightly --command ./update.sh --image tf-bullseye --schedule @daily
    "#]].assert_eq(&run(&["help", "run"]));
}

#[test]
fn the_version_is_told_in_both_ways() {
    let expected = concat!("exit 0\n-- stdout\ntoolforge-jobs ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(run(&["version"]), expected);
    assert_eq!(run(&["--version"]), expected);
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        assert!(output.starts_with("exit 0\n-- stdout\n"), "{shell}");
        assert!(output.contains("TOOLFORGE_JOBS_COMPLETE"), "{shell}: {output}");
    }
}

#[test]
fn wrong_words_are_a_matter_of_usage() {
    expect![[r#"
        exit 2
        -- stderr
        error: `run` takes one word, not 2
        hint: put the command in quotes, or its words after `--`
    "#]]
    .assert_eq(&run(&["run", "echo", "hello", "--type", "x"]));
    expect![[r#"
        exit 2
        -- stderr
        error: the argument '--wait[=<DURATION>]' cannot be used with '--continuous'

        Usage: toolforge-jobs run COMMAND --type CONTAINER [OPTIONS]
               toolforge-jobs run --type CONTAINER [OPTIONS] -- WORD WORD…
               toolforge-jobs run NAME --command COMMAND --image CONTAINER [OPTIONS]

        For more information, try '--help'.
    "#]]
    .assert_eq(&run(&["run", "echo", "--type", "x", "--wait", "--continuous"]));
    expect![[r#"
        exit 2
        -- stderr
        error: unrecognized subcommand 'lits'

          tip: a similar subcommand exists: 'list'

        Usage: toolforge-jobs [OPTIONS] <COMMAND>

        For more information, try '--help'.
    "#]]
    .assert_eq(&run(&["lits"]));
}
