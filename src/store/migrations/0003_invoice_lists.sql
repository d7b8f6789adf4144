-- Lists of invoices by date of issue, and of what is owed by due date.
CREATE INDEX invoices_issued ON invoices (issued_on, company_id, invoice_id) WHERE issued_on IS NOT NULL;
CREATE INDEX invoices_open_due ON invoices (due_on, company_id, invoice_id) WHERE state = 'open';
