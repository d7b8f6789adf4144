-- The day on which an invoice was voided or written off: a statement of account is of that day.
CREATE TABLE invoice_closings (
  company_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  closed_on  TEXT NOT NULL,
  PRIMARY KEY (company_id, invoice_id),
  CONSTRAINT invoice_closings_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;
INSERT INTO invoice_closings (company_id, invoice_id, closed_on)
  SELECT i.company_id, i.invoice_id, COALESCE((SELECT MIN(SUBSTR(a.at, 1, 10)) FROM audit_log a
      WHERE a.company_id = i.company_id AND a.entity_id = i.invoice_id
      AND a.action IN ('invoice.voided', 'invoice.uncollectible')), i.issued_on)
  FROM invoices i WHERE i.state IN ('void', 'uncollectible');
