//! Rows that are read in pages, in order, beside others in the same order.

use super::PAGE;
use crate::store::{StoreError, Tx};
use std::collections::VecDeque;

/// A page of rows after a key, of one company or of all.
type Fetch<T> = fn(&mut Tx, Option<&str>, (&str, &str), u32) -> Result<Vec<T>, StoreError>;

/// Where a row stands: its company, then what orders the company's rows.
type Key<T> = fn(&T) -> (&str, &str);

pub(super) struct Pages<'a, T> {
    of: Option<&'a str>,
    fetch: Fetch<T>,
    key: Key<T>,
    after: (String, String),
    page: VecDeque<T>,
    ended: bool,
}

impl<'a, T> Pages<'a, T> {
    pub(super) fn new(of: Option<&'a str>, fetch: Fetch<T>, key: Key<T>) -> Self {
        Self { of, fetch, key, after: Default::default(), page: VecDeque::new(), ended: false }
    }

    /// The next row.
    pub(super) fn next(&mut self, tx: &mut Tx) -> Result<Option<T>, StoreError> {
        self.next_if(tx, |_| true)
    }

    /// The next row if it is of a company before this one.
    pub(super) fn next_before(&mut self, tx: &mut Tx, company: &str) -> Result<Option<T>, StoreError> {
        self.next_if(tx, |of| of < company)
    }

    /// The next row if it is of this company.
    pub(super) fn next_of(&mut self, tx: &mut Tx, company: &str) -> Result<Option<T>, StoreError> {
        self.next_if(tx, |of| of == company)
    }

    fn next_if(&mut self, tx: &mut Tx, wanted: impl Fn(&str) -> bool) -> Result<Option<T>, StoreError> {
        if self.page.is_empty() && !self.ended {
            self.page = (self.fetch)(tx, self.of, (&self.after.0, &self.after.1), PAGE)?.into();
            match self.page.back().map(self.key) {
                Some((company, rest)) => self.after = (company.to_owned(), rest.to_owned()),
                None => self.ended = true,
            }
        }
        let key = self.key;
        Ok(self.page.pop_front_if(|row| wanted(key(row).0)))
    }
}
