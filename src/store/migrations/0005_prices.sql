-- Price models, plans, discounts, usage.
ALTER TABLE contracts ADD COLUMN trial_end TEXT;
ALTER TABLE contract_items ADD COLUMN package_size TEXT NOT NULL DEFAULT '';
ALTER TABLE contract_items ADD COLUMN included TEXT NOT NULL DEFAULT '0';
ALTER TABLE contract_items ADD COLUMN meter TEXT NOT NULL DEFAULT '';
ALTER TABLE contract_items ADD COLUMN minimum TEXT NOT NULL DEFAULT '';
ALTER TABLE contract_items ADD COLUMN tiers TEXT NOT NULL DEFAULT '';
ALTER TABLE invoice_lines ADD COLUMN details TEXT NOT NULL DEFAULT '';

CREATE TABLE plans (
  plan_id    TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  name       TEXT NOT NULL,
  currency   TEXT NOT NULL,
  PRIMARY KEY (plan_id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_items (
  plan_id      TEXT NOT NULL,
  version      TEXT NOT NULL,
  item_id      TEXT NOT NULL,
  description  TEXT NOT NULL,
  price_model  TEXT NOT NULL,
  quantity     TEXT NOT NULL,
  unit         TEXT NOT NULL,
  unit_price   TEXT NOT NULL,
  tax_code     TEXT NOT NULL,
  package_size TEXT NOT NULL,
  included     TEXT NOT NULL,
  meter        TEXT NOT NULL,
  minimum      TEXT NOT NULL,
  tiers        TEXT NOT NULL,
  PRIMARY KEY (plan_id, version, item_id),
  CONSTRAINT plan_items_plan FOREIGN KEY (plan_id, version) REFERENCES plans (plan_id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE contract_plans (
  company_id   TEXT NOT NULL,
  contract_id  TEXT NOT NULL,
  valid_from   TEXT NOT NULL,
  plan_id      TEXT NOT NULL,
  plan_version TEXT NOT NULL,
  PRIMARY KEY (company_id, contract_id, valid_from),
  CONSTRAINT contract_plans_contract FOREIGN KEY (company_id, contract_id) REFERENCES contracts (company_id, contract_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX contract_plans_plan ON contract_plans (plan_id, plan_version, company_id, contract_id);

CREATE TABLE discounts (
  company_id  TEXT NOT NULL,
  contract_id TEXT NOT NULL,
  discount_id TEXT NOT NULL,
  item_id     TEXT NOT NULL,
  valid_from  TEXT NOT NULL,
  periods     INTEGER,
  percent     TEXT NOT NULL,
  amount      TEXT NOT NULL,
  description TEXT NOT NULL,
  PRIMARY KEY (company_id, contract_id, discount_id),
  CONSTRAINT discounts_contract FOREIGN KEY (company_id, contract_id) REFERENCES contracts (company_id, contract_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
  company_id  TEXT NOT NULL,
  usage_key   TEXT NOT NULL,
  contract_id TEXT NOT NULL,
  meter       TEXT NOT NULL,
  used_on     TEXT NOT NULL,
  quantity    TEXT NOT NULL,
  PRIMARY KEY (company_id, usage_key),
  CONSTRAINT usage_contract FOREIGN KEY (company_id, contract_id) REFERENCES contracts (company_id, contract_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_used ON usage (company_id, contract_id, used_on);
