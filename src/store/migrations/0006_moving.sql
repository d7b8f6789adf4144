-- Lists of invoices by date of issue, and of what is owed by due date.
CREATE INDEX invoices_issued ON invoices (issued_on, company_id, invoice_id) WHERE issued_on IS NOT NULL;
CREATE INDEX invoices_open_due ON invoices (due_on, company_id, invoice_id) WHERE state = 'open';

-- Invoices of the system that was used before: still open when they were taken over, under their own
-- numbers. They have no document, and no number of a series.
CREATE TABLE opening_invoices (
  company_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  PRIMARY KEY (company_id, invoice_id),
  CONSTRAINT opening_invoices_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;
