//! Tables for people: aligned, with numbers to the right, cut to the terminal's width and never in a pipe.

use super::clean::clean_line;

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A column's heading and side.
#[derive(Debug, Clone)]
pub struct Column {
    heading: &'static str,
    align: Align,
}

impl Column {
    /// For words.
    pub const fn left(heading: &'static str) -> Self {
        Self { heading, align: Align::Left }
    }

    /// For numbers and amounts.
    pub const fn right(heading: &'static str) -> Self {
        Self { heading, align: Align::Right }
    }
}

/// Rows under headings.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: &str = "  ";

impl Table {
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row. A control character (a newline in a name) would break the table, and an escape
    /// sequence in imported data could drive the terminal: both are shown as a space.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(clean_line).collect());
    }

    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text without a newline at its end; lines are cut to `width` characters, if any.
    pub(super) fn render(&self, width: Option<usize>, color: bool) -> String {
        let widths: Vec<usize> = self.columns.iter().enumerate().map(|(i, column)| self.width_of(i, column)).collect();
        let heading: Vec<&str> = self.columns.iter().map(|column| column.heading).collect();
        let mut lines = vec![self.line(&heading, &widths, width)];
        if color {
            lines[0] = format!("\x1b[1m{}\x1b[0m", lines[0]);
        }
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths, width)));
        lines.join("\n")
    }

    fn width_of(&self, index: usize, column: &Column) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(column.heading.chars().count())
    }

    fn line(&self, cells: &[impl AsRef<str>], widths: &[usize], limit: Option<usize>) -> String {
        let aligned = self.columns.iter().zip(cells).zip(widths).map(|((column, cell), width)| match column.align {
            Align::Left => format!("{:<width$}", cell.as_ref()),
            Align::Right => format!("{:>width$}", cell.as_ref()),
        });
        let line = aligned.collect::<Vec<_>>().join(GAP);
        let line = line.trim_end();
        match limit {
            Some(limit) if line.chars().count() > limit => line.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
            _ => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&[Column::left("Company"), Column::right("Total")]);
        table.row(vec!["Łódź Sp. z o.o.".into(), "9.00 EUR".into()]);
        table.row(vec!["A\u{1b}[2J\nB".into(), "12,345.00 EUR".into()]);
        table
    }

    #[test]
    fn numbers_stand_to_the_right_and_control_characters_are_gone() {
        let expected = "Company                  Total\n\
                        Łódź Sp. z o.o.       9.00 EUR\n\
                        A [2J B          12,345.00 EUR";
        assert_eq!(sample().render(None, false), expected);
    }

    #[test]
    fn lines_are_cut_to_the_terminal_only() {
        for line in sample().render(Some(12), false).lines() {
            assert!(line.chars().count() <= 12 && line.ends_with('…'), "{line:?}");
        }
        assert!(sample().render(Some(12), true).starts_with("\u{1b}[1mCompany"), "the heading is bold in colour");
    }
}
