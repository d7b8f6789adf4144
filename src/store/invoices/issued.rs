//! Issued invoices and credit notes read whole, page by page, to be held against their documents.

use super::read::{head_columns, line_columns, put_together, read_head, read_line, read_tax, tax_columns};
use crate::model::FullInvoice;
use crate::store::{StoreError, Tx};

const HEADS: &str = concat!(
    "SELECT ",
    head_columns!(),
    " FROM invoices WHERE state <> 'draft' AND (company_id, invoice_id) > ($1, $2) ORDER BY company_id, invoice_id LIMIT $3"
);
const LINES: &str = concat!(
    "SELECT ",
    line_columns!(),
    " FROM invoices i JOIN invoice_lines l ON l.company_id = i.company_id AND l.invoice_id = i.invoice_id
      WHERE i.state <> 'draft' AND (i.company_id, i.invoice_id) > ($1, $2) AND (i.company_id, i.invoice_id) <= ($3, $4)
      ORDER BY l.company_id, l.invoice_id, l.position"
);
const TAXES: &str = concat!(
    "SELECT ",
    tax_columns!(),
    " FROM invoices i JOIN invoice_taxes t ON t.company_id = i.company_id AND t.invoice_id = i.invoice_id
      WHERE i.state <> 'draft' AND (i.company_id, i.invoice_id) > ($1, $2) AND (i.company_id, i.invoice_id) <= ($3, $4)
      ORDER BY t.company_id, t.invoice_id, t.position"
);
const HEADS_OF: &str = concat!(
    "SELECT ",
    head_columns!(),
    " FROM invoices WHERE company_id = $1 AND state <> 'draft' AND invoice_id > $2 ORDER BY company_id, invoice_id LIMIT $3"
);
const LINES_OF: &str = concat!(
    "SELECT ",
    line_columns!(),
    " FROM invoices i JOIN invoice_lines l ON l.company_id = i.company_id AND l.invoice_id = i.invoice_id
      WHERE i.company_id = $1 AND i.state <> 'draft' AND i.invoice_id > $2 AND i.company_id <= $3 AND i.invoice_id <= $4
      ORDER BY l.company_id, l.invoice_id, l.position"
);
const TAXES_OF: &str = concat!(
    "SELECT ",
    tax_columns!(),
    " FROM invoices i JOIN invoice_taxes t ON t.company_id = i.company_id AND t.invoice_id = i.invoice_id
      WHERE i.company_id = $1 AND i.state <> 'draft' AND i.invoice_id > $2 AND i.company_id <= $3 AND i.invoice_id <= $4
      ORDER BY t.company_id, t.invoice_id, t.position"
);

/// A page of one company or of all, by (company, id), after `after`. Three statements a page.
pub fn issued(tx: &mut Tx, of: Option<&str>, after: (&str, &str), limit: u32) -> Result<Vec<FullInvoice>, StoreError> {
    let [heads, lines, taxes] = if of.is_some() { [HEADS_OF, LINES_OF, TAXES_OF] } else { [HEADS, LINES, TAXES] };
    let from = of.unwrap_or(after.0);
    let heads = tx.query(heads, &[from.into(), after.1.into(), limit.into()], read_head)?;
    let Some(last) = heads.last() else { return Ok(Vec::new()) };
    let (company, id) = (last.company_id.clone(), last.invoice_id.clone());
    let range = [from.into(), after.1.into(), company.as_str().into(), id.as_str().into()];
    let lines = tx.query(lines, &range, read_line)?;
    let taxes = tx.query(taxes, &range, read_tax)?;
    Ok(put_together(heads, lines, taxes))
}
