//! Standard output and standard error.
//!
//! Every byte that the command writes passes here: data to standard output, talk to standard error.
//! Job names, commands and details come from the server, and a command is any text that a user
//! typed, so what can't be seen in them is spelt out; only `--json`, `completions` and what a job
//! itself writes are written as they are. That holds for pipes too: at the end of many a pipe is a pager, and then a
//! terminal.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, IsTerminal, Write},
    os::fd::AsFd,
};

use crate::{
    args::{Color, Globals},
    environment::Environment,
    error::Error,
    exit::Exit,
};

mod fields;
mod table;
mod text;

pub(crate) use fields::Fields;
pub(crate) use table::{Cell, Table};

use text::visible;

/// Puts the cursor at the top of the screen, and clears it from there on.
const FROM_TOP: &str = "\u{1b}[H\u{1b}[J";

/// The size of a screen that does not tell it.
const SCREEN: (usize, usize) = (80, 24);

/// Whether everything in a text can be seen as it is.
pub(crate) fn is_visible(text: &str) -> bool {
    visible(text) == text
}

/// Colours that mean something; never the only sign of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    #[default]
    Plain,
    Heading,
    Good,
    Bad,
}

/// Writes to both streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    is_quiet: bool,
    is_verbose: bool,
    is_stdout_colored: bool,
    is_stderr_colored: bool,
    /// Columns of the terminal; a pipe has room for everything.
    width: Option<usize>,
}

impl Printer {
    /// A printer as the flags and the environment want it.
    pub(crate) fn new(globals: &Globals, environment: &Environment) -> Self {
        let is_colored = |is_terminal| match globals.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !environment.no_color && !environment.is_dumb_terminal,
        };
        Self {
            is_quiet: globals.quiet,
            is_verbose: globals.verbose,
            is_stdout_colored: is_colored(io::stdout().is_terminal()),
            is_stderr_colored: is_colored(io::stderr().is_terminal()),
            width: terminal_width(),
        }
    }

    /// A printer for the time before the flags are known.
    pub(crate) fn plain() -> Self {
        Self {
            is_quiet: false,
            is_verbose: false,
            is_stdout_colored: false,
            is_stderr_colored: false,
            width: None,
        }
    }

    /// Writes data: one line.
    pub(crate) fn line(self, text: &str) -> Result<(), Error> {
        self.verbatim(format!("{}\n", visible(text)).as_bytes())
    }

    /// Writes data: one line, which stands out.
    pub(crate) fn styled(self, text: &str, style: Style) -> Result<(), Error> {
        let text = visible(text);
        let line = paint(&text, style, self.is_stdout_colored);
        self.verbatim(format!("{line}\n").as_bytes())
    }

    /// Writes the API's own JSON, and ends the line that it is.
    pub(crate) fn json(self, json: &[u8]) -> Result<(), Error> {
        let end: &[u8] = if json.ends_with(b"\n") { b"" } else { b"\n" };
        self.verbatim(&[json, end].concat())
    }

    /// Writes a table, as wide as there is room.
    pub(crate) fn table(self, table: &Table) -> Result<(), Error> {
        self.verbatim(table.render(self.width, self.is_stdout_colored).as_bytes())
    }

    /// Whether standard output is a screen, on which something can be drawn in the place of what was
    /// there.
    pub(crate) fn has_screen(self) -> bool {
        io::stdout().is_terminal()
    }

    /// Draws a table and a line below it: on a screen from its top, with as many rows as there is room
    /// for; into a pipe as it is.
    pub(crate) fn draw(self, table: &Table, line: Option<&str>) -> Result<(), Error> {
        let line = line.map(|line| format!("{}\n", visible(line))).unwrap_or_default();
        if !self.has_screen() {
            let table = table.render(None, self.is_stdout_colored);
            return self.verbatim((table + &line).as_bytes());
        }
        let (width, height) = terminal_size_of(io::stdout()).unwrap_or(SCREEN);
        let text = table.render(Some(width), self.is_stdout_colored);
        // The cursor needs a line, too.
        let (shown, left) = first_lines(&text, height.saturating_sub(2 + line.lines().count()));
        let more = if left > 0 { format!("... and {left} more\n") } else { String::new() };
        self.verbatim(format!("{FROM_TOP}{shown}{more}{line}").as_bytes())
    }

    /// Writes one line a field.
    pub(crate) fn fields(self, fields: &Fields) -> Result<(), Error> {
        self.verbatim(fields.render(self.is_stdout_colored).as_bytes())
    }

    /// Writes data as it is. A reader that has gone has read what it wanted.
    pub(crate) fn verbatim(self, bytes: &[u8]) -> Result<(), Error> {
        match write_to_stdout(bytes) {
            Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::Output { source, done: None })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes what a job has written, and says whether somebody still reads it.
    pub(crate) fn pass_on(self, bytes: &[u8]) -> Result<bool, Error> {
        match write_to_stdout(bytes) {
            Ok(()) => Ok(true),
            Err(source) if source.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(source) => Err(Error::Output { source, done: None }),
        }
    }

    /// Talks as a job does: its errors are nobody's data.
    pub(crate) fn pass_on_as_talk(self, bytes: &[u8]) {
        drop(io::stderr().lock().write_all(bytes));
    }

    /// Tells an error, and with which code the command ends because of it.
    pub(crate) fn error(self, error: &Error) -> Exit {
        self.complain(&error.to_string(), error.hint(), error.request_id());
        error.into()
    }

    /// Tells what went wrong, what to do next, and under which id to ask about it.
    pub(crate) fn complain(self, detail: &str, hint: Option<&str>, request_id: Option<&str>) {
        let label = paint("error:", Style::Bad, self.is_stderr_colored);
        let mut text = format!("{label} {}\n", visible(detail));
        for (label, value) in [("hint", hint), ("request id", request_id)] {
            if let Some(value) = value {
                text.push_str(&format!("{label}: {}\n", visible(value)));
            }
        }
        self.talk(&text);
    }

    /// Repeats some lines of somebody else's.
    pub(crate) fn quote(self, title: &str, lines: &str) {
        let lines = lines.lines().map(|line| format!("  {}\n", visible(line)));
        self.talk(&format!("{}\n{}", visible(title), lines.collect::<String>()));
    }

    /// Tells how things go, unless nobody wants to know.
    pub(crate) fn note(self, text: &str) {
        if !self.is_quiet {
            self.talk(&format!("{}\n", visible(text)));
        }
    }

    /// Tells what only the curious want to know.
    pub(crate) fn trace(self, text: &str) {
        if self.is_verbose {
            self.talk(&format!("{}\n", visible(text)));
        }
    }

    /// Whether somebody is there to answer a question.
    pub(crate) fn can_ask(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether somebody may be looking, who would wonder about silence.
    pub(crate) fn is_watched(self) -> bool {
        io::stderr().is_terminal()
    }

    /// Asks a question; everything but a yes is a no.
    pub(crate) fn ask(self, question: &str) -> bool {
        self.talk(&format!("{} [y/N] ", visible(question)));
        let mut answer = String::new();
        let is_read = io::stdin().lock().read_line(&mut answer).is_ok();
        is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Talks. Whoever has closed standard error does not listen, and that is not a failure.
    pub(crate) fn talk(self, text: &str) {
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }
}

/// As a file, since `io::stdout` takes a descriptor that can't be written for one that is closed, and
/// says that all is well.
fn write_to_stdout(bytes: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(bytes)
}

fn terminal_width() -> Option<usize> {
    terminal_size_of(io::stdout()).map(|(width, _)| width)
}

/// Columns and rows.
fn terminal_size_of(file: impl AsFd) -> Option<(usize, usize)> {
    let (width, height) = terminal_size::terminal_size_of(file)?;
    // Some terminals do not know how wide they are.
    Some((usize::from(width.0), usize::from(height.0))).filter(|(width, _)| *width > 0)
}

/// So many lines of a text, and how many there are beyond.
fn first_lines(text: &str, count_max: usize) -> (&str, usize) {
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let end = ends.take(count_max).last().unwrap_or(0);
    (&text[..end], text[end..].lines().count())
}

fn paint(text: &str, style: Style, is_colored: bool) -> Cow<'_, str> {
    let code = match style {
        Style::Plain => return Cow::Borrowed(text),
        Style::Heading => "1",
        Style::Good => "32",
        Style::Bad => "1;31",
    };
    if is_colored {
        Cow::Owned(format!("\u{1b}[{code}m{text}\u{1b}[0m"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_has_as_many_lines_as_it_has() {
        let text = "a\nb\nc\n";
        for (count, shown, left) in [(0, "", 3), (2, "a\nb\n", 1), (3, text, 0), (9, text, 0)] {
            assert_eq!(first_lines(text, count), (shown, left));
        }
        assert_eq!(first_lines("", 5), ("", 0));
    }
}
