//! Tables for people: aligned, with numbers to the right, cut to the terminal's width and never in a pipe.

use super::clean::clean_line;

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// What a terminal does with a column besides aligning it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    /// Words that stand for a state: coloured by what they mean for whoever looks.
    State,
    /// Free text, which gives way first where the terminal is too narrow.
    Text,
}

/// A column's heading and side.
#[derive(Debug, Clone)]
pub struct Column {
    heading: &'static str,
    align: Align,
    look: Look,
}

/// What a column of free text is cut to at most, in characters, so that the figures after it are seen.
const TEXT_WIDTH: usize = 16;

impl Column {
    /// For words.
    pub const fn left(heading: &'static str) -> Self {
        Self { heading, align: Align::Left, look: Look::Plain }
    }

    /// For states: `open`, `failed`.
    pub const fn state(heading: &'static str) -> Self {
        Self { heading, align: Align::Left, look: Look::State }
    }

    /// For free text before other columns.
    pub const fn text(heading: &'static str) -> Self {
        Self { heading, align: Align::Left, look: Look::Text }
    }

    /// For numbers and amounts.
    pub const fn right(heading: &'static str) -> Self {
        Self { heading, align: Align::Right, look: Look::Plain }
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
        let widths = self.widths(width);
        let heading: Vec<&str> = self.columns.iter().map(|column| column.heading).collect();
        let mut lines = vec![self.line(&heading, &widths, width, false)];
        if color {
            lines[0] = format!("\x1b[1m{}\x1b[0m", lines[0]);
        }
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths, width, color)));
        lines.join("\n")
    }

    /// Of the columns; free text gives way as far as the limit asks.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(|(i, column)| self.width_of(i, column)).collect();
        let whole = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        let mut surplus = limit.map_or(0, |limit| whole.saturating_sub(limit));
        for (width, _) in widths.iter_mut().zip(&self.columns).filter(|(_, column)| column.look == Look::Text) {
            let given = surplus.min(width.saturating_sub(TEXT_WIDTH));
            *width -= given;
            surplus -= given;
        }
        widths
    }

    fn width_of(&self, index: usize, column: &Column) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(column.heading.chars().count())
    }

    /// What is seen is counted before it is coloured, since a colour has no width.
    fn line(&self, cells: &[impl AsRef<str>], widths: &[usize], limit: Option<usize>, color: bool) -> String {
        let aligned = self.columns.iter().zip(cells).zip(widths).map(|((column, cell), width)| {
            let cell = shortened(cell.as_ref(), *width);
            match column.align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            }
        });
        let mut aligned: Vec<String> = aligned.collect();
        while aligned.last().is_some_and(|cell| cell.trim().is_empty()) {
            aligned.pop();
        }
        if let Some(last) = aligned.last_mut() {
            last.truncate(last.trim_end().len());
        }
        let whole = aligned.iter().map(|cell| cell.chars().count()).sum::<usize>() + GAP.len() * aligned.len().saturating_sub(1);
        let cut_at = limit.filter(|limit| whole > *limit);
        let mut line = String::new();
        let mut seen = 0;
        for (index, cell) in aligned.iter().enumerate() {
            let gap = if index > 0 { GAP } else { "" };
            // One place is kept for the mark of what is cut off.
            let room = cut_at.map_or(usize::MAX, |limit| limit.saturating_sub(1).saturating_sub(seen));
            let piece: String = gap.chars().chain(cell.chars()).take(room).collect();
            seen += piece.chars().count();
            let is_state = color && self.columns.get(index).is_some_and(|column| column.look == Look::State);
            match color_of(cell).filter(|_| is_state) {
                Some(code) => line.push_str(&format!("\x1b[{code}m{piece}\x1b[0m")),
                None => line.push_str(&piece),
            }
        }
        if cut_at.is_some() {
            line.push('…');
        }
        line
    }
}

/// The text in so many characters, with a mark where something is missing.
fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// By the first word: green is well, yellow is to be done, red needs somebody, cyan is not out yet,
/// faint is over.
fn color_of(state: &str) -> Option<&'static str> {
    match state.split([',', ' ']).find(|word| !word.is_empty())? {
        "paid" | "succeeded" | "done" | "exists" | "new" => Some("32"),
        "open" | "sending" | "planned" | "partly" | "changed" | "running" => Some("33"),
        "failed" | "unknown" | "needs_human" | "uncollectible" | "gone" | "broken" => Some("31"),
        "draft" => Some("36"),
        "void" | "abandoned" => Some("2"),
        _ => None,
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

    #[test]
    fn states_are_coloured_and_free_text_gives_way() {
        let mut table = Table::new(&[Column::text("Description"), Column::state("State"), Column::right("Total")]);
        table.row(vec!["A very long description of a thing".into(), "open".into(), "9.00".into()]);
        table.row(vec!["Short".into(), "failed, parked".into(), "10.00".into()]);
        assert!(table.render(None, false).contains("A very long description of a thing"), "in a pipe nothing is cut");
        let plain = table.render(Some(42), false);
        for line in plain.lines() {
            assert!(line.chars().count() <= 42 && !line.ends_with('…'), "{line:?}");
        }
        assert!(plain.lines().nth(1).is_some_and(|line| line.contains("… ") && line.ends_with("9.00")), "{plain}");
        let colored = table.render(Some(42), true);
        assert!(colored.contains("\u{1b}[33m  open") && colored.contains("\u{1b}[31m  failed"), "{colored:?}");
        let bare = ["[33m", "[31m", "[1m", "[0m"].iter().fold(colored, |text, code| text.replace(&format!("\u{1b}{code}"), ""));
        assert_eq!(bare, plain, "a colour takes no room");
        for line in table.render(Some(20), true).lines().skip(1) {
            assert!(line.ends_with('…'), "{line:?}");
        }
    }
}
