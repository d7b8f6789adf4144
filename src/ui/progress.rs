//! Progress of a long job: a bar on a terminal, nothing elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A bar that is taken away when it is dropped. Threads may share it.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// A total of 0: unknown.
    pub(super) fn shown(bars: &MultiProgress, label: &'static str, total: u64) -> Self {
        // What is due is read in pages, so often nobody knows how much it is.
        let template = if total > 0 {
            "{prefix} {wide_bar} {human_pos}/{human_len} {per_sec}, {eta} left"
        } else {
            "{prefix}: {human_pos} in {elapsed}, {per_sec}"
        };
        let bar = bars.add(ProgressBar::new(total));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(label);
        Self(Some(bar))
    }

    pub(super) const fn hidden() -> Self {
        Self(None)
    }

    /// `n` more are done.
    pub fn inc(&self, n: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(n);
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {}
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
