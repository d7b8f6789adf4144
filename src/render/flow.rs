//! Pages out of rows: rows of cells run down the page, break onto the next, and lose nothing.

use super::text::{Length, Run};

/// A4 and its margins.
pub const PAGE_WIDTH: Length = 595_276;
pub const PAGE_HEIGHT: Length = 841_890;
pub const LEFT: Length = 56_693;
pub const RIGHT: Length = PAGE_WIDTH - 56_693;
pub const TOP: Length = 48_000;
/// Where the foot ends.
pub const FOOT: Length = PAGE_HEIGHT - 36_000;

/// The inks, of which one is an accent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Text,
    Muted,
    Accent,
    Hairline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A line of text in its size and ink, and the height it takes up.
#[derive(Debug, Clone)]
pub struct Line {
    pub run: Run,
    pub size: Length,
    pub ink: Ink,
    /// From the line above it (or the top of the cell) to the next.
    pub height: Length,
    /// White space above it, unless it starts a page.
    pub above: Length,
}

/// A column of lines in a row. `x` is the edge that they are aligned to.
#[derive(Debug, Clone)]
pub struct Cell {
    pub x: Length,
    pub align: Align,
    pub lines: Vec<Line>,
}

impl Cell {
    pub const fn left(x: Length, lines: Vec<Line>) -> Self {
        Self { x, align: Align::Left, lines }
    }

    pub const fn right(x: Length, lines: Vec<Line>) -> Self {
        Self { x, align: Align::Right, lines }
    }

    pub fn height(&self) -> Length {
        self.lines.iter().enumerate().map(|(i, line)| line.height + if i > 0 { line.above } else { 0 }).sum()
    }
}

/// The height of the tallest cell.
pub fn height(cells: &[Cell]) -> Length {
    cells.iter().map(Cell::height).max().unwrap_or(0)
}

/// Something to paint. `y` grows downwards; text stands on it.
#[derive(Debug, Clone)]
pub enum Item {
    Text { x: Length, y: Length, run: Run, size: Length, ink: Ink },
    Rule { x: Length, y: Length, width: Length, thickness: Length, ink: Ink },
    Logo { x: Length, y: Length, width: Length, height: Length },
}

pub type Page = Vec<Item>;

/// Fills pages from the top. `head` is repeated on each page but the first, and `table` on each
/// page that a table runs on to.
pub struct Flow {
    pages: Vec<Page>,
    pub y: Length,
    bottom: Length,
    head: Vec<Cell>,
    table: Vec<Cell>,
}

/// White space between the head of a following page and its content.
const BELOW_HEAD: Length = 18_000;
/// A row that is taller than this may be broken across pages.
pub const KEPT: Length = 160_000;
/// White space around the words of a table's header, and below its rule.
const TABLE_PAD: Length = 5_000;

impl Flow {
    /// `bottom`: where content ends and the foot begins.
    pub fn new(bottom: Length, head: Vec<Cell>) -> Self {
        Self { pages: vec![Page::new()], y: TOP, bottom, head, table: Vec::new() }
    }

    pub fn paint(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }

    pub fn rule(&mut self, x: Length, width: Length, thickness: Length, ink: Ink) {
        let y = self.y;
        self.paint(Item::Rule { x, y, width, thickness, ink });
    }

    pub fn space(&mut self, height: Length) {
        self.y += height;
    }

    /// Goes to the next page unless so much fits on this one.
    pub fn need(&mut self, height: Length) {
        if self.y + height > self.bottom && self.y > self.fresh() {
            self.next_page();
        }
    }

    /// Begins a table, whose header is repeated until `end_table`.
    pub fn begin_table(&mut self, header: Vec<Cell>) {
        self.table = header;
        self.draw_table_header();
    }

    pub fn end_table(&mut self) {
        self.table.clear();
    }

    /// Places a row. It is kept on one page unless it is tall: then it runs over as many as it takes.
    pub fn row(&mut self, cells: &[Cell]) {
        self.need(height(cells).min(KEPT));
        let mut next: Vec<usize> = vec![0; cells.len()];
        loop {
            let top = self.y;
            let mut end = top;
            for (cell, next) in cells.iter().zip(&mut next) {
                end = end.max(self.place(cell, next, top));
            }
            self.y = end;
            if cells.iter().zip(&next).all(|(cell, next)| *next == cell.lines.len()) {
                return;
            }
            self.next_page();
        }
    }

    /// How many pages there are so far.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether nothing stands on this page but what is repeated.
    pub fn is_fresh(&self) -> bool {
        self.y <= self.fresh()
    }

    /// The pages; `foot` gives what stands at the foot of each, by its index.
    pub fn finish(mut self, foot: impl Fn(usize) -> Vec<Item>) -> Vec<Page> {
        for (index, page) in self.pages.iter_mut().enumerate() {
            page.extend(foot(index));
        }
        self.pages
    }

    /// Places lines of a cell from `next` on until the page is full; returns where they end.
    fn place(&mut self, cell: &Cell, next: &mut usize, top: Length) -> Length {
        let mut y = top;
        let first = *next;
        while let Some(line) = cell.lines.get(*next) {
            let above = if *next > first { line.above } else { 0 };
            // A page takes at least one line, however little room a foot leaves.
            if y + above + line.height > self.bottom && (*next > first || top > self.fresh()) {
                break;
            }
            y += above + line.height;
            let x = match cell.align {
                Align::Left => cell.x,
                Align::Right => cell.x - line.run.width(line.size),
            };
            // The baseline stands so that the letters look centred in the line's height.
            let baseline = y - line.height / 2 + line.size * 36 / 100;
            if !line.run.glyphs.is_empty() {
                self.paint(Item::Text { x, y: baseline, run: line.run.clone(), size: line.size, ink: line.ink });
            }
            *next += 1;
        }
        y
    }

    fn next_page(&mut self) {
        self.pages.push(Page::new());
        self.y = TOP;
        for cell in self.head.clone() {
            self.place(&cell, &mut 0, TOP);
        }
        self.y = TOP + height(&self.head) + BELOW_HEAD;
        if !self.table.is_empty() {
            self.draw_table_header();
        }
    }

    fn draw_table_header(&mut self) {
        let top = self.y;
        for cell in self.table.clone() {
            self.place(&cell, &mut 0, top);
        }
        self.y = top + height(&self.table) + TABLE_PAD;
        self.rule(LEFT, RIGHT - LEFT, 750, Ink::Accent);
        self.y += TABLE_PAD;
    }

    /// Where content starts on this page, below what is repeated there.
    fn fresh(&self) -> Length {
        let head = if self.pages.len() > 1 { height(&self.head) + BELOW_HEAD } else { 0 };
        let table = if self.table.is_empty() { 0 } else { height(&self.table) + 2 * TABLE_PAD };
        TOP + head + table
    }
}
