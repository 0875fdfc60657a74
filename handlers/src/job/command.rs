//! The pod's process 1 and its arguments.
//!
//! A job's command is shell text of its user, and its output goes to files in the tool's home. A
//! few lines of `/bin/sh` see to both. They never hold the user's text, a variable or a path: these
//! travel as arguments of their own, so that no quoting can go wrong. The command is not simply
//! `exec`ed in place of process 1, because the kernel keeps from process 1 every signal that it has
//! no handler for: an ordinary program would then hang on delete until it is killed.

use std::collections::BTreeMap;

/// What process 1 runs. Its arguments are the user's variables as `NAME=value`, the user's text, and
/// the files for its output.
///
/// It works in busybox, dash and bash, which are `/bin/sh` in the containers on offer.
///
/// - The user's variables are arguments and not the container's environment, because a shell obeys
///   its environment: `SHELLOPTS=noexec` stops bash from running anything, and `BASH_FUNC_wait%%`
///   replaces its `wait`. `env` hands them to the user's shell. It takes every name that Kubernetes
///   takes, where `export` would fail. `PATH` comes first, so that the user's own wins. A job
///   without variables runs in an image without `env` too.
/// - What a shell starts in the background ignores SIGINT and SIGQUIT, and so does all that it starts in
///   turn. Bash undoes this when it executes something. The others can't, but GNU's `env` can, since
///   its version 8.31: it is asked first whether it knows how. Without it they stay ignored.
/// - Process 1 looks for `env` and `sleep` in directories of its own, and then where the image says.
/// - `true >>FILE` fails alone, where a failed `exec >>FILE` ends dash with 2 (it is a special
///   built-in: POSIX, 2.8.1). The shell's own sentence then goes to the container's log, and from
///   there into the status.
/// - `--`, so that a name or a text that begins with `-` is not an option.
/// - `kill -TERM -1` is everybody else in the container. Where this is not process 1 it would be
///   everybody on the machine, so there it is the own process group. The handler ignores the signal
///   from then on, or it would signal itself for ever. Without `$!` nothing has been started yet.
/// - A new child of dash or busybox still has the handlers of its parent, and forgets a signal that
///   it gets then: its program would never hear of it. Hence nobody is signalled before the child
///   has said, with SIGUSR1, that it is a shell of its own. Bash sees to this itself, but for some
///   microseconds. There SIGUSR1 would do harm: of two signals that arrive together during `wait`
///   bash forgets one.
/// - From the fork on process 1 writes nowhere: the files are the program's, and what the shells say
///   of its end (`Killed`, `Terminated`) is in the job's status already.
/// - Each of the two signals interrupts `wait` once, so the third answer is that of the child. To be
///   asked once too often does not matter: the answer stays the same. Bash as `sh` would say 127 the
///   second time (POSIX mode), hence `set +o posix`.
/// - A shell between us and a program dies of the signal at once, while the program still has last
///   words: process 1 waits for everybody, for when it ends they are killed. Without `sleep` it does
///   not, because it would keep a processor busy. Some know no fractions of seconds.
const WRAPPER: &str = r#"toolforge_started=$BASH_VERSION
toolforge_stopped=
toolforge_stop() {
  [ "$toolforge_started" ] && [ "$toolforge_stopped" ] || return 0
  if [ $$ -eq 1 ]; then kill -TERM -1; else kill -TERM 0; fi 2>/dev/null
}
trap 'trap "" TERM; [ "$!" ] || exit 143; toolforge_stopped=yes; toolforge_stop' TERM
trap 'trap "" USR1; toolforge_started=yes; toolforge_stop' USR1
toolforge_image_path=$PATH
toolforge_path=/usr/local/bin:/usr/bin:/bin:$PATH
PATH=$toolforge_path
toolforge_signals=--default-signal=INT,QUIT
[ -z "$BASH_VERSION" ] && env $toolforge_signals >/dev/null 2>&1 || toolforge_signals=
if [ "$toolforge_signals" ] || [ $# -gt 3 ]; then
  set -- env $toolforge_signals -- "PATH=$toolforge_image_path" "$@"
else
  PATH=$toolforge_image_path
fi
toolforge_left=$#
for toolforge_word do
  shift
  case $toolforge_left in
    3) set -- "$@" /bin/sh -c -- "$toolforge_word" ;;
    2) toolforge_stdout=$toolforge_word ;;
    1) toolforge_stderr=$toolforge_word ;;
    *) set -- "$@" "$toolforge_word" ;;
  esac
  toolforge_left=$((toolforge_left - 1))
done
true >>"$toolforge_stdout" || exit 73
true >>"$toolforge_stderr" || exit 73
exec >>"$toolforge_stdout" 2>>"$toolforge_stderr"
{ [ "$toolforge_started" ] || kill -USR1 $$; exec "$@"; } &
exec >/dev/null 2>&1
PATH=$toolforge_path
[ -z "$BASH_VERSION" ] || set +o posix
wait "$!"
wait "$!"
wait "$!"
toolforge_code=$?
if [ "$toolforge_stopped" ] && [ $$ -eq 1 ]; then
  while kill -0 -1 && { sleep 0.1 || sleep 1; }; do :; done
fi
exit "$toolforge_code"
"#;

/// Where the script stands among the words of a container of ours.
pub const SCRIPT_AT: usize = 2;

/// What process 1 is called in its own messages.
pub const NAME: &str = "toolforge-job";

/// Where output goes that nobody wants.
pub const NOWHERE: &str = "/dev/null";

/// With this process 1 ends when it can't open a file for output; `EX_CANTCREAT` of sysexits(3).
pub const LOG_NOT_WRITABLE: i32 = 73;

/// The files for a job's output, as absolute paths in the container. They may be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFiles<'a> {
    /// For standard output.
    pub stdout: &'a str,
    /// For standard error.
    pub stderr: &'a str,
}

/// The `command` of a container that runs a user's text with the user's variables, ready to be sent
/// to Kubernetes. Without files the output is discarded.
pub fn argv(cmd: &str, env: &BTreeMap<String, String>, logs: Option<LogFiles<'_>>) -> Vec<String> {
    let LogFiles { stdout, stderr } = logs.unwrap_or(LogFiles { stdout: NOWHERE, stderr: NOWHERE });
    let fixed = ["/bin/sh", "-c", WRAPPER, NAME].map(str::to_owned);
    let variables = env.iter().map(|(name, value)| format!("{name}={value}"));
    let last = [cmd, stdout, stderr].map(str::to_owned);
    fixed.into_iter().chain(variables).chain(last).map(|text| escape_dollars(&text)).collect()
}

/// What [`argv`] has after our name: the variables, and then the user's text and the two files.
/// `None` when these are not the words of a container of ours.
pub fn after_name<S: AsRef<str>>(argv: &[S]) -> Option<(&[S], [&S; 3])> {
    let [_, _, _, name, variables @ .., cmd, stdout, stderr] = argv else { return None };
    let are_variables = variables.iter().all(|text| text.as_ref().contains('='));
    let is_ours = name.as_ref() == NAME && are_variables;
    is_ours.then_some((variables, [cmd, stdout, stderr]))
}

/// What runs the user's text of a health check.
const CHECK: [&str; 3] = ["/bin/sh", "-c", "--"];

/// How many words that is, with the text.
pub const CHECK_WORDS: usize = CHECK.len() + 1;

/// The words of a health check that runs a user's text with the user's variables, which the container
/// itself does not have. Ready to be sent to Kubernetes.
pub fn check_argv(script: &str, env: &BTreeMap<String, String>) -> Vec<String> {
    let with_variables = if env.is_empty() { &[][..] } else { &["env", "--"] };
    let fixed = with_variables.iter().map(|&word| word.to_owned());
    let variables = env.iter().map(|(name, value)| format!("{name}={value}"));
    let last = CHECK.into_iter().chain([script]).map(str::to_owned);
    fixed.chain(variables).chain(last).map(|text| escape_dollars(&text)).collect()
}

/// What [`check_argv`] has last: the user's text. `None` when these are not the words of ours.
pub fn checked_script<S: AsRef<str>>(argv: &[S]) -> Option<&S> {
    let (before, last) = argv.split_at_checked(argv.len().checked_sub(CHECK_WORDS)?)?;
    let (script, fixed) = last.split_last()?;
    let are_variables = match before {
        [] => true,
        [env, end, variables @ ..] => {
            (env.as_ref(), end.as_ref()) == ("env", "--")
                && variables.iter().all(|text| text.as_ref().contains('='))
        }
        [_] => false,
    };
    let is_ours = are_variables && fixed.iter().map(AsRef::as_ref).eq(CHECK);
    is_ours.then_some(script)
}

/// Doubles every `$`. In `command`, `args`, the values of `env` and the command of a probe Kubernetes
/// replaces `$$` by `$` and `$(NAME)` by a variable, so whatever is sent there goes through here and
/// arrives as it was.
pub fn escape_dollars(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests;
