//! What the command printed, with what is different every time taken out.

use std::fmt::Write;

use tjf_devcluster::suite::Output;

use super::Person;

/// It looks for a file of the site's, and goes on without it.
const NO_PROJECT: &str = "Unable to find project file";

/// Tables without their frames, since the width of a column is that of a time in it.
pub(super) fn without_times(output: &Output, person: &Person) -> String {
    let mut text = String::new();
    for row in rows(&output.stdout) {
        writeln!(text, "{}", row.join(" | ")).unwrap();
    }
    for line in warnings(output) {
        writeln!(text, "stderr: {line}").unwrap();
    }
    let home = person.tool.home.to_str().unwrap();
    let image = &person.world.cluster.site.image;
    let text = text.replace(home, "HOME").replace(&person.tool.name, "TOOL");
    text.replace(image, "IMAGE").lines().map(|line| timeless(line) + "\n").collect()
}

/// What it wrote for people, without colours.
pub(super) fn warnings(output: &Output) -> Vec<String> {
    let plain = |line: &str| {
        let mut parts = line.split('\u{1b}');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
    };
    let lines = output.stderr.lines().filter(|line| !line.contains(NO_PROJECT));
    lines.map(plain).collect()
}

/// The cells of its tables. Where a cell is broken into lines, they are one again. Other lines are
/// one cell each.
pub(super) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('+')) {
        let Some(inner) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            rows.push(vec![line.to_owned()]);
            continue;
        };
        let cells: Vec<_> = inner.split('|').map(|cell| cell.trim().to_owned()).collect();
        match rows.last_mut().filter(|_| cells[0].is_empty()) {
            Some(row) => {
                for (cell, more) in row.iter_mut().zip(cells).filter(|(_, more)| !more.is_empty()) {
                    write!(cell, " {more}").unwrap();
                }
            }
            None => rows.push(cells),
        }
    }
    rows
}

/// The value beside a word in the table of `show`.
pub(super) fn value(output: &Output, key: &str) -> String {
    let rows = rows(&output.stdout);
    let row = rows.iter().find(|row| row[0] == key);
    row.map(|row| row[1].clone()).unwrap_or_else(|| panic!("no {key} in {}", output.stdout))
}

/// The value of a job in a column of the long list.
pub(super) fn cell(output: &Output, job: &str, column: &str) -> String {
    let rows = rows(&output.stdout);
    let at = |name: &str| rows[0].iter().position(|header| header == name);
    let row = rows.iter().find(|row| at("Job name:").is_some_and(|at| row[at] == job));
    let cell = row.zip(at(column)).map(|(row, at)| row[at].clone());
    cell.unwrap_or_else(|| panic!("no {column} of {job} in {}", output.stdout))
}

/// The line without points in time, and without how long something lasted.
fn timeless(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split(' ') {
        let bare = word.trim_end_matches([':', '.', ',', ')']);
        let is_date = bare.len() > 10 && bare.starts_with("20") && bare[4..].starts_with('-');
        let lasted = words.last() == Some(&"for".to_owned())
            && bare.starts_with(|letter: char| letter.is_ascii_digit());
        let word = if is_date || lasted { word.replace(bare, "TIME") } else { word.to_owned() };
        words.push(word);
    }
    words.join(" ")
}
