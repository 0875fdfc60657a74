//! stub
pub struct LogFiles<'a> { pub stdout: &'a str, pub stderr: &'a str }
pub fn argv(cmd: &str, _logs: Option<LogFiles<'_>>) -> Vec<String> { vec!["/bin/sh".into(), "-c".into(), escape_dollars(cmd)] }
pub fn escape_dollars(text: &str) -> String { text.replace('$', "$$") }
