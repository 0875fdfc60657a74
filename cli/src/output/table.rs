//! Tables that fit the terminal.

use super::{
    Style, paint,
    text::{fit, visible, width},
};

/// Blanks between columns.
const GAP: usize = 2;

/// In a pipe no column is padded beyond this, a common screen. One long command would else make
/// every other line as long.
const PADDED_MAX: usize = 80;

/// The narrowest that a column gets: a few letters and the sign that there were more.
const WIDTH_MIN: usize = 6;

/// What stands for nothing: an empty cell looks like a mistake.
const NOTHING: &str = "-";

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
        let text = if text.is_empty() { NOTHING } else { text };
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

    /// The lines, for a terminal of so many columns, or for a pipe.
    pub(super) fn render(&self, width_max: Option<usize>, is_colored: bool) -> String {
        let mut widths = self.widths(width_max.map_or(PADDED_MAX, |_| usize::MAX));
        if let Some(width_max) = width_max {
            self.leave_out_empty_columns(&mut widths, width_max);
            narrow(&mut widths, width_max);
        }
        let mut text = String::new();
        for row in &self.rows {
            push_row(&mut text, row, &widths, width_max, is_colored);
        }
        text
    }

    /// Where there is not room for all, columns that say nothing are the first to go.
    fn leave_out_empty_columns(&self, widths: &mut [usize], width_max: usize) {
        for column in (0..widths.len()).rev() {
            let mut cells = self.rows.iter().skip(1).filter_map(|row| row.get(column));
            if excess(widths, width_max) > 0 && cells.all(|cell| cell.text == NOTHING) {
                widths[column] = 0;
            }
        }
    }

    /// The width of each column: that of its widest cell, of those that are no wider than this.
    fn widths(&self, counted_max: usize) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let column_width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widths = cells.map(|cell| width(&cell.text));
            widths.filter(|width| *width <= counted_max).max().unwrap_or(0)
        };
        (0..columns).map(column_width).collect()
    }
}

/// Adds a line. On a terminal whatever is too wide is cut, at last the line itself; in a pipe it
/// runs over.
fn push_row(
    text: &mut String,
    row: &[Cell],
    widths: &[usize],
    width_max: Option<usize>,
    is_colored: bool,
) {
    let mut left = width_max.unwrap_or(usize::MAX);
    let mut blanks = 0;
    for (cell, column) in row.iter().zip(widths).filter(|(_, column)| **column > 0) {
        let Some(room) = left.checked_sub(blanks).filter(|room| *room > 0) else { break };
        let cell_max = if width_max.is_some() { room.min(*column) } else { room };
        let fitting = fit(&cell.text, cell_max);
        text.extend(std::iter::repeat_n(' ', blanks));
        text.push_str(&paint(&fitting, cell.style, is_colored));
        let used = width(&fitting);
        left = room.saturating_sub(used);
        blanks = column.saturating_sub(used) + GAP;
    }
    text.push('\n');
}

/// How much too wide a line is. A column without a width is not there.
fn excess(widths: &[usize], width_max: usize) -> usize {
    let gaps = GAP * widths.iter().filter(|width| **width > 0).count().saturating_sub(1);
    (widths.iter().sum::<usize>() + gaps).saturating_sub(width_max)
}

/// Takes from the widest column, again and again, until all fit or none can give more.
fn narrow(widths: &mut [usize], width_max: usize) {
    let mut excess = excess(widths, width_max);
    while excess > 0 {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > WIDTH_MIN) else {
            return;
        };
        *widest -= 1;
        excess -= 1;
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::{collection::vec, prelude::*};
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::output::text::tests::odd_text;

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
        expect![[r#"
            NAME    C…
            a       e…
            a-lon…  e…
        "#]]
        .assert_eq(&table().render(Some(10), false));
    }

    #[test]
    fn where_there_is_no_room_columns_that_say_nothing_go_first() {
        let mut table = Table::new(&["NAME", "SCHEDULE", "STATUS", "NEXT"]);
        table.row(["a".into(), "".into(), "Completed".into(), "".into()]);
        table.row(["bot".into(), "".into(), "Running".into(), "".into()]);
        let with_all = table.render(Some(80), false);
        assert!(with_all.starts_with("NAME  SCHEDULE  STATUS     NEXT\n"), "{with_all}");
        let with_some = table.render(Some(30), false);
        assert!(with_some.starts_with("NAME  SCHEDULE  STATUS\n"), "{with_some}");
        expect![[r#"
            NAME  STATUS
            a     Completed
            bot   Running
        "#]]
        .assert_eq(&table.render(Some(20), false));
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

    #[test]
    fn a_cell_that_is_wider_than_a_screen_pads_no_other() {
        let mut table = Table::new(&["NAME", "COMMAND", "LOGS"]);
        let long = "x".repeat(8192);
        table.row(["a".into(), long.as_str().into(), "a.out".into()]);
        table.row(["b".into(), "echo".into(), "b.out".into()]);
        let text = table.render(None, false);
        assert!(text.contains(&format!("a     {long}  a.out\n")), "{text}");
        assert!(text.ends_with("b     echo     b.out\n"), "{text}");
        assert!(text.starts_with("NAME  COMMAND  LOGS\n"), "{text}");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            rows in vec([odd_text(), odd_text(), odd_text()], 1..5),
            width_max in 1_usize..100,
        ) {
            let mut table = Table::new(&["A", "B", "C"]);
            for row in &rows {
                table.row(row.iter().map(|text| Cell::from(text.as_str())));
            }
            let text = table.render(Some(width_max), false);
            prop_assert_eq!(text.lines().count(), rows.len() + 1);
            for line in text.lines() {
                prop_assert!(width(line) <= width_max, "{line:?}");
                prop_assert!(UnicodeWidthStr::width(line) <= width_max, "{line:?}");
            }
        }

        #[test]
        fn columns_are_aligned_whatever_is_in_them(texts in vec(odd_text(), 1..8), is_pipe: bool) {
            let mut table = Table::new(&["A", "B"]);
            for text in &texts {
                table.row([text.as_str().into(), "|".into()]);
            }
            let text = table.render((!is_pipe).then_some(60), false);
            let starts: Vec<_> = text.lines().skip(1)
                .map(|line| width(line.strip_suffix('|').unwrap()))
                .filter(|start| *start <= PADDED_MAX + GAP)
                .collect();
            prop_assert!(starts.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        }
    }
}
