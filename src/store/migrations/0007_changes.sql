-- Pauses of contracts, and the credits and charges of changes in periods that are billed already.
CREATE TABLE contract_pauses (
  company_id  TEXT NOT NULL,
  contract_id TEXT NOT NULL,
  from_on     TEXT NOT NULL,
  until_on    TEXT,
  PRIMARY KEY (company_id, contract_id, from_on),
  CONSTRAINT contract_pauses_contract FOREIGN KEY (company_id, contract_id) REFERENCES contracts (company_id, contract_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE billable_items ADD COLUMN contract_id TEXT NOT NULL DEFAULT '';
ALTER TABLE billable_items ADD COLUMN item_id TEXT NOT NULL DEFAULT '';
ALTER TABLE billable_items ADD COLUMN adjusts TEXT NOT NULL DEFAULT '';
ALTER TABLE billable_items ADD COLUMN period_start TEXT NOT NULL DEFAULT '';
ALTER TABLE billable_items ADD COLUMN period_end TEXT NOT NULL DEFAULT '';
ALTER TABLE billable_items ADD COLUMN days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE billable_items ADD COLUMN of_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE billable_items ADD COLUMN amount_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE billable_items ADD COLUMN supplied_on TEXT NOT NULL DEFAULT '';

CREATE INDEX contracts_id ON contracts (contract_id);
