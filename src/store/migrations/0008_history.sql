-- Indexes for what was read through whole, however long the history.
CREATE INDEX billable_items_contract ON billable_items (company_id, contract_id) WHERE contract_id <> '';
CREATE INDEX invoices_id ON invoices (invoice_id);
