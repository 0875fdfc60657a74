//! The pod's process 1 and its arguments.
//!
//! A job's command is shell text of its user, and its output goes to files in the tool's home. A
//! few lines of `/bin/sh` see to both. They never hold the user's text or a path: these travel as
//! arguments of their own, so that no quoting can go wrong. The command is not simply `exec`ed in
//! place of process 1, because the kernel keeps from process 1 every signal that it has no handler
//! for: an ordinary program would then hang on delete until it is killed.

/// What process 1 runs; `$1` is the user's text, `$2` and `$3` are the files for its output.
///
/// It works in busybox, dash and bash, which are `/bin/sh` in the containers on offer. Its
/// variables have long names because a variable that a user set in `env` is inherited and stays
/// exported.
///
/// - `true >>FILE` fails alone, where a failed `exec >>FILE` ends dash with 2 (it is a special
///   built-in: POSIX, 2.8.1). The shell's own sentence then goes to the container's log, and from
///   there into the status.
/// - `--`, so that a text that begins with `-` is no option.
/// - `kill -TERM -1` is everybody else in the container. Where this is not process 1 it would be
///   everybody on the machine, so there it is the own process group. The handler ignores the signal
///   from then on, or it would signal itself for ever. Without `$!` nothing has been started yet.
/// - The signal interrupts `wait` with 143, so it has to be asked again. 127 is then "no child of
///   mine": the first answer was the shell's end already.
/// - `wait` itself says `Killed` or `Terminated`, each shell in its own words; but the file is the
///   program's, and how it ended is in the job's status.
/// - A shell between us and a program dies of the signal at once, while the program still has last
///   words: process 1 waits for everybody, for when it ends they are killed.
const WRAPPER: &str = r#"toolforge_stopped=
trap 'trap "" TERM
[ "$!" ] || exit 143
toolforge_stopped=yes
if [ $$ -eq 1 ]; then kill -TERM -1; else kill -TERM 0; fi 2>/dev/null' TERM
true >>"$2" || exit 73
true >>"$3" || exit 73
exec >>"$2" 2>>"$3"
/bin/sh -c -- "$1" &
wait "$!" 2>/dev/null
toolforge_code=$?
if [ "$toolforge_stopped" ] && [ "$toolforge_code" -eq 143 ]; then
  wait "$!" 2>/dev/null
  toolforge_again=$?
  [ "$toolforge_again" -eq 127 ] || toolforge_code=$toolforge_again
fi
if [ "$toolforge_stopped" ] && [ $$ -eq 1 ]; then
  while kill -0 -1 2>/dev/null; do sleep 0.1; done
fi
exit "$toolforge_code"
"#;

/// What process 1 is called in its own messages.
const NAME: &str = "toolforge-job";

/// Where output goes that nobody wants.
const NOWHERE: &str = "/dev/null";

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

/// The `command` of a container that runs a user's text, ready to be sent to Kubernetes. Without
/// files the output is discarded.
pub fn argv(cmd: &str, logs: Option<LogFiles<'_>>) -> Vec<String> {
    let LogFiles { stdout, stderr } = logs.unwrap_or(LogFiles { stdout: NOWHERE, stderr: NOWHERE });
    ["/bin/sh", "-c", WRAPPER, NAME, cmd, stdout, stderr].map(escape_dollars).to_vec()
}

/// Doubles every `$`. In `command`, `args` and the values of `env` Kubernetes replaces `$$` by `$`
/// and `$(NAME)` by a variable, so whatever is sent there goes through here and arrives as it was.
pub fn escape_dollars(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests;
