//! Tables that fit the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Style, paint, visible};

/// Blanks between columns.
const GAP: &str = "  ";

/// The narrowest that a column gets: a few letters and the sign that there were more.
const WIDTH_MIN: usize = 6;

/// Rows under a heading.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// One value.
#[derive(Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A value that stands out.
    pub(crate) fn styled(text: &str, style: Style) -> Self {
        // An empty cell looks like a mistake.
        let text = if text.is_empty() { "-" } else { text };
        Self { text: visible(text).into_owned(), style }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::styled(text, Style::Plain)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl Table {
    /// An empty table.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|text| Cell::styled(text, Style::Heading));
        Self { rows: vec![headings.collect()] }
    }

    /// Adds a row, as long as the heading.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn render(&self, width_max: Option<usize>, is_colored: bool) -> String {
        let mut widths = self.widths();
        if let Some(width_max) = width_max {
            narrow(&mut widths, width_max);
        }
        let mut text = String::new();
        for row in &self.rows {
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let fitting = fit(&cell.text, *width);
                text.push_str(&paint(&fitting, cell.style, is_colored));
                if at + 1 < row.len() {
                    text.extend(std::iter::repeat_n(' ', width - fitting.width()));
                    text.push_str(GAP);
                }
            }
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.width()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

/// Takes from the widest column, again and again, until all fit or none can give more.
fn narrow(widths: &mut [usize], width_max: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width_max);
    while excess > 0 {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > WIDTH_MIN) else {
            return;
        };
        *widest -= 1;
        excess -= 1;
    }
}

/// Cuts a text that is too wide, and shows that it did.
fn fit(text: &str, width_max: usize) -> String {
    if text.width() <= width_max {
        return text.to_owned();
    }
    let mut fitting = String::new();
    let mut width = '…'.width().unwrap_or(1);
    for character in text.chars() {
        width += character.width().unwrap_or(0);
        if width > width_max {
            break;
        }
        fitting.push(character);
    }
    fitting.push('…');
    fitting
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", "COMMAND", "STATUS"]);
        table.row(["a".into(), "echo one && echo two".into(), Cell::styled("Failed", Style::Bad)]);
        table.row(["a-longer-name".into(), "echo 日本語\n".into(), "Running for 1h2m".into()]);
        table
    }

    #[test]
    fn a_pipe_gets_full_width() {
        expect![[r#"
            NAME           COMMAND               STATUS
            a              echo one && echo two  Failed
            a-longer-name  echo 日本語\n         Running for 1h2m
        "#]]
        .assert_eq(&table().render(None, false));
    }

    #[test]
    fn a_terminal_gets_what_fits() {
        expect![[r#"
            NAME          COMMAND       STATUS
            a             echo one &&…  Failed
            a-longer-na…  echo 日本語…  Running for…
        "#]]
        .assert_eq(&table().render(Some(40), false));
        let narrow = table().render(Some(10), false);
        assert!(narrow.lines().all(|line| line.width() <= 3 * WIDTH_MIN + 4), "{narrow}");
    }

    #[test]
    fn colour_does_not_move_the_columns() {
        expect![[r#"
            [1mNAME[0m           [1mCOMMAND[0m               [1mSTATUS[0m
            a              echo one && echo two  [1;31mFailed[0m
            a-longer-name  echo 日本語\n         Running for 1h2m
        "#]]
        .assert_eq(&table().render(None, true).replace('\u{1b}', ""));
    }
}
