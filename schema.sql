-- finops: the one schema, for SQLite and Postgres.
--
-- It is written in SQLite's STRICT dialect; src/store/postgres.rs reads INTEGER as BIGINT, TEXT as
-- TEXT COLLATE "C" (so that keyset pages come in the same order on both engines), BLOB as BYTEA,
-- and drops STRICT and WITHOUT ROWID. Sections between `-- @sqlite` / `-- @postgres` and `-- @end`
-- are for one engine. Migrations are append-only steps (src/store/migrations/); a test proves that
-- the steps lead to this file.
--
-- Conventions
--   amounts        INTEGER in the currency's minor unit (`_minor`), currency (ISO 4217) beside them
--   decimals       TEXT: quantities, unit prices and rates, exact (`19`, `0.000125`)
--   dates          TEXT `2026-10-31`, local to the seller
--   instants       TEXT `2026-10-31T23:59:59.123Z`, UTC
--   booleans       INTEGER 0 or 1
--   nothing        '' for texts that may be empty; NULL only where absence has a meaning of its own
--   keys           tables that belong to a company have company_id first in every key (they shard by it)

-- What this database is. Keys: schema_version, created_at, database_id, test.
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which migration steps were applied, and when.
CREATE TABLE migrations (
  version    INTEGER NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  applied_at TEXT NOT NULL
) STRICT;

-- ── Reference: small, shared, written in transactions of their own ─────────────────────────────

-- Legal entities that bill. The id is the user's own.
CREATE TABLE sellers (
  seller_id          TEXT NOT NULL PRIMARY KEY,
  name               TEXT NOT NULL,
  address_line1      TEXT NOT NULL,
  address_line2      TEXT NOT NULL,
  postal_code        TEXT NOT NULL,
  city               TEXT NOT NULL,
  region             TEXT NOT NULL,
  country            TEXT NOT NULL,
  tax_id             TEXT NOT NULL,
  registration       TEXT NOT NULL,
  email              TEXT NOT NULL,
  phone              TEXT NOT NULL,
  website            TEXT NOT NULL,
  bank_name          TEXT NOT NULL,
  iban               TEXT NOT NULL,
  bic                TEXT NOT NULL,
  bank_account       TEXT NOT NULL,
  time_zone          TEXT NOT NULL,
  language           TEXT NOT NULL,
  payment_terms_days INTEGER NOT NULL,
  series_id          TEXT NOT NULL,
  number_format      TEXT NOT NULL,
  tax_code           TEXT NOT NULL,
  logo_sha256        TEXT NOT NULL,
  footer             TEXT NOT NULL,
  credit_series_id     TEXT NOT NULL DEFAULT '',
  credit_number_format TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- How a seller taxes under a code, from a supply date until the next row of the same code.
CREATE TABLE tax_rates (
  seller_id  TEXT NOT NULL,
  tax_code   TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  category   TEXT NOT NULL,
  rate       TEXT NOT NULL,
  name       TEXT NOT NULL,
  note       TEXT NOT NULL,
  PRIMARY KEY (seller_id, tax_code, valid_from)
) STRICT, WITHOUT ROWID;

-- One version of a price list, known by the day from which it is offered. Once service of it is
-- issued, it does not change any more.
CREATE TABLE plans (
  plan_id    TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  name       TEXT NOT NULL,
  currency   TEXT NOT NULL,
  PRIMARY KEY (plan_id, valid_from)
) STRICT, WITHOUT ROWID;

-- Its items, priced as those of contracts are; `version` is the plan's valid_from.
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

-- Files that documents show (logos), by content, so that an old document can be made again as it was.
CREATE TABLE assets (
  sha256  TEXT NOT NULL PRIMARY KEY,
  content BLOB NOT NULL
) STRICT;

-- ── Numbers: they belong to a series, not to a company (distributed.md, rule 7) ────────────────

-- The next number of a series in a year; year 0 where the format has none. Taken in the
-- transaction that issues the documents, so that no number is lost or given twice.
CREATE TABLE series_counters (
  series_id      TEXT NOT NULL,
  year           INTEGER NOT NULL,
  next_seq       INTEGER NOT NULL,
  last_issued_on TEXT NOT NULL,
  PRIMARY KEY (series_id, year)
) STRICT, WITHOUT ROWID;

-- Every number that was given, and to what.
CREATE TABLE document_numbers (
  series_id   TEXT NOT NULL,
  year        INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  company_id  TEXT NOT NULL,
  document_id TEXT NOT NULL,
  PRIMARY KEY (series_id, year, seq)
) STRICT, WITHOUT ROWID;

-- ── Customers and what they agreed to ──────────────────────────────────────────────────────────

-- Who is billed. The id is the user's own and the sharding key of all that follows.
CREATE TABLE companies (
  company_id         TEXT NOT NULL PRIMARY KEY,
  name               TEXT NOT NULL,
  attention          TEXT NOT NULL,
  address_line1      TEXT NOT NULL,
  address_line2      TEXT NOT NULL,
  postal_code        TEXT NOT NULL,
  city               TEXT NOT NULL,
  region             TEXT NOT NULL,
  country            TEXT NOT NULL,
  tax_id             TEXT NOT NULL,
  email              TEXT NOT NULL,
  time_zone          TEXT NOT NULL,
  language           TEXT NOT NULL,
  payment_terms_days INTEGER,
  consolidate        INTEGER NOT NULL,
  billing_day        INTEGER NOT NULL,
  tax_code           TEXT NOT NULL,
  reference          TEXT NOT NULL,
  delivery           TEXT NOT NULL DEFAULT 'email',
  account_manager    TEXT NOT NULL DEFAULT '',
  reminder_policy    TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- People at a company, and what each is there for: `roles` are words with a space between (billing,
-- technical, management). Without a billing contact, the company's own address stands for it.
CREATE TABLE contacts (
  company_id TEXT NOT NULL,
  contact_id TEXT NOT NULL,
  name       TEXT NOT NULL,
  email      TEXT NOT NULL,
  phone      TEXT NOT NULL,
  roles      TEXT NOT NULL,
  language   TEXT NOT NULL,
  time_zone  TEXT NOT NULL,
  PRIMARY KEY (company_id, contact_id),
  CONSTRAINT contacts_company FOREIGN KEY (company_id) REFERENCES companies (company_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE contracts (
  company_id         TEXT NOT NULL,
  contract_id        TEXT NOT NULL,
  seller_id          TEXT NOT NULL,
  currency           TEXT NOT NULL,
  cadence            TEXT NOT NULL,
  every              INTEGER NOT NULL,
  timing             TEXT NOT NULL,
  anchor_day         INTEGER,
  start_on           TEXT NOT NULL,
  end_on             TEXT,
  bill_from          TEXT,
  payment_terms_days INTEGER,
  tax_inclusive      INTEGER NOT NULL,
  description        TEXT NOT NULL,
  reference          TEXT NOT NULL,
  reminder_policy    TEXT NOT NULL DEFAULT '',
  trial_end          TEXT,
  PRIMARY KEY (company_id, contract_id),
  CONSTRAINT contracts_company FOREIGN KEY (company_id) REFERENCES companies (company_id)
) STRICT, WITHOUT ROWID;

-- A person names a contract by its id alone.
CREATE INDEX contracts_id ON contracts (contract_id);

-- Versions of a contract's items: each holds from valid_from until the next or its end. `tiers` is a
-- list of limit:unit price:fee, the last limit '*' (`10:5:0 50:4.5:0 *:4:20`); '' for what a model has not.
CREATE TABLE contract_items (
  company_id   TEXT NOT NULL,
  contract_id  TEXT NOT NULL,
  item_id      TEXT NOT NULL,
  valid_from   TEXT NOT NULL,
  end_on       TEXT,
  description  TEXT NOT NULL,
  price_model  TEXT NOT NULL,
  quantity     TEXT NOT NULL,
  unit         TEXT NOT NULL,
  unit_price   TEXT NOT NULL,
  tax_code     TEXT NOT NULL,
  package_size TEXT NOT NULL DEFAULT '',
  included     TEXT NOT NULL DEFAULT '0',
  meter        TEXT NOT NULL DEFAULT '',
  minimum      TEXT NOT NULL DEFAULT '',
  tiers        TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (company_id, contract_id, item_id, valid_from),
  CONSTRAINT contract_items_contract FOREIGN KEY (company_id, contract_id) REFERENCES contracts (company_id, contract_id)
) STRICT, WITHOUT ROWID;

-- Which version of which plan a contract is on, from valid_from until the next row; '' for none any more.
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

-- Discounts on a contract, or on one item of it (item_id), from the period that has valid_from, for so
-- many periods (NULL: for ever). Either percent or amount is there, the other one is ''.
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

-- What was used, by meters: each count once. The items that name the meter bill the sum of a period
-- when it is over.
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

-- Days on which a contract serves and bills nothing: from from_on until the day before until_on
-- (NULL: until it is resumed). Anchor and phase stay.
CREATE TABLE contract_pauses (
  company_id  TEXT NOT NULL,
  contract_id TEXT NOT NULL,
  from_on     TEXT NOT NULL,
  until_on    TEXT,
  PRIMARY KEY (company_id, contract_id, from_on),
  CONSTRAINT contract_pauses_contract FOREIGN KEY (company_id, contract_id) REFERENCES contracts (company_id, contract_id)
) STRICT, WITHOUT ROWID;

-- Where each contract's billing stands: the first period that is not billed, and when it falls
-- due. Derived from the contract and billed_periods; kept so that finding what is due is one range
-- of one index, whatever the history. NULL: nothing left to bill.
-- `revision` counts the changes of the contract's inputs: a plan made from older ones is refused.
CREATE TABLE billing_schedule (
  company_id  TEXT NOT NULL,
  contract_id TEXT NOT NULL,
  next_start  TEXT,
  next_due_on TEXT,
  revision    INTEGER NOT NULL,
  PRIMARY KEY (company_id, contract_id),
  CONSTRAINT billing_schedule_contract FOREIGN KEY (company_id, contract_id) REFERENCES contracts (company_id, contract_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX billing_schedule_due ON billing_schedule (next_due_on, company_id, contract_id) WHERE next_due_on IS NOT NULL;

-- Anything else to be billed, once: ticket work, overage, one-off items. `stand_alone_on` is the
-- billing day on which it gets an invoice of its own if no contract's invoice took it up before.
-- The columns from contract_id on are of what a change of a contract credits or charges: the days of
-- it, in the billed period that starts on `adjusts`, and the supply date that its tax goes by.
CREATE TABLE billable_items (
  company_id     TEXT NOT NULL,
  source_key     TEXT NOT NULL,
  seller_id      TEXT NOT NULL,
  currency       TEXT NOT NULL,
  dated          TEXT NOT NULL,
  description    TEXT NOT NULL,
  quantity       TEXT NOT NULL,
  unit           TEXT NOT NULL,
  unit_price     TEXT NOT NULL,
  tax_inclusive  INTEGER NOT NULL,
  tax_code       TEXT NOT NULL,
  stand_alone_on TEXT NOT NULL,
  invoice_id     TEXT,
  contract_id    TEXT NOT NULL DEFAULT '',
  item_id        TEXT NOT NULL DEFAULT '',
  adjusts        TEXT NOT NULL DEFAULT '',
  period_start   TEXT NOT NULL DEFAULT '',
  period_end     TEXT NOT NULL DEFAULT '',
  days           INTEGER NOT NULL DEFAULT 0,
  of_days        INTEGER NOT NULL DEFAULT 0,
  amount_minor   INTEGER NOT NULL DEFAULT 0,
  supplied_on    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (company_id, source_key),
  CONSTRAINT billable_items_company FOREIGN KEY (company_id) REFERENCES companies (company_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX billable_items_open ON billable_items (company_id, source_key) WHERE invoice_id IS NULL;
CREATE INDEX billable_items_due ON billable_items (stand_alone_on, company_id) WHERE invoice_id IS NULL;
CREATE INDEX billable_items_taken ON billable_items (company_id, invoice_id) WHERE invoice_id IS NOT NULL;
-- What changes of a contract credit and charge.
CREATE INDEX billable_items_contract ON billable_items (company_id, contract_id) WHERE contract_id <> '';

-- ── Invoices ───────────────────────────────────────────────────────────────────────────────────

-- The head of an invoice. From `open` on only `state` changes (guarded below).
-- contract_id is '' for consolidated invoices and for items that stand alone.
-- kind 'credit_note': what is taken back of the invoice corrects_id, for a reason; it is numbered,
-- frozen and printed as invoices are, and its state is 'issued'. ref_key: given by who made it, so
-- that the same command again makes no second one.
CREATE TABLE invoices (
  company_id         TEXT NOT NULL,
  invoice_id         TEXT NOT NULL,
  state              TEXT NOT NULL,
  seller_id          TEXT NOT NULL,
  currency           TEXT NOT NULL,
  contract_id        TEXT NOT NULL,
  period_start       TEXT NOT NULL,
  period_end         TEXT NOT NULL,
  revision           INTEGER NOT NULL,
  number             TEXT,
  issued_on          TEXT,
  due_on             TEXT,
  payment_terms_days INTEGER NOT NULL,
  tax_inclusive      INTEGER NOT NULL,
  reference          TEXT NOT NULL,
  net_minor          INTEGER NOT NULL,
  tax_minor          INTEGER NOT NULL,
  total_minor        INTEGER NOT NULL,
  stale              INTEGER NOT NULL,
  edited             INTEGER NOT NULL,
  kind               TEXT NOT NULL DEFAULT 'invoice',
  corrects_id        TEXT NOT NULL DEFAULT '',
  reason             TEXT NOT NULL DEFAULT '',
  ref_key            TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (company_id, invoice_id),
  CONSTRAINT invoices_company FOREIGN KEY (company_id) REFERENCES companies (company_id),
  CONSTRAINT invoices_sum CHECK (total_minor = net_minor + tax_minor)
) STRICT, WITHOUT ROWID;

-- What `issue` and the rebuilding of stale drafts look for: as many rows as there are drafts.
CREATE INDEX invoices_draft ON invoices (company_id, contract_id, period_start, invoice_id) WHERE state = 'draft';
CREATE INDEX invoices_stale ON invoices (company_id, invoice_id) WHERE state = 'draft' AND stale = 1;
-- What is owed, by company: what reminders look through.
CREATE INDEX invoices_owed ON invoices (company_id, due_on, invoice_id) WHERE state = 'open';
CREATE INDEX invoices_number ON invoices (number) WHERE number IS NOT NULL;
-- A person names a draft by its id alone.
CREATE INDEX invoices_id ON invoices (invoice_id);
CREATE INDEX invoices_corrects ON invoices (company_id, corrects_id) WHERE corrects_id <> '';
CREATE UNIQUE INDEX invoices_ref ON invoices (company_id, ref_key) WHERE ref_key <> '';
-- Lists by date of issue, and of what is owed by due date.
CREATE INDEX invoices_issued ON invoices (issued_on, company_id, invoice_id) WHERE issued_on IS NOT NULL;
CREATE INDEX invoices_open_due ON invoices (due_on, company_id, invoice_id) WHERE state = 'open';

-- corrects_line: the line of the invoice of which a credit note's line takes something back; else 0.

-- `details` says in JSON how the figures of a line came about, where quantity × price × days does not.
CREATE TABLE invoice_lines (
  company_id   TEXT NOT NULL,
  invoice_id   TEXT NOT NULL,
  position     INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  contract_id  TEXT NOT NULL,
  item_id      TEXT NOT NULL,
  source_key   TEXT NOT NULL,
  description  TEXT NOT NULL,
  quantity     TEXT NOT NULL,
  unit         TEXT NOT NULL,
  unit_price   TEXT NOT NULL,
  period_start TEXT NOT NULL,
  period_end   TEXT NOT NULL,
  days         INTEGER NOT NULL,
  of_days      INTEGER NOT NULL,
  tax_code     TEXT NOT NULL,
  tax_category TEXT NOT NULL,
  tax_rate     TEXT NOT NULL,
  net_minor    INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  corrects_line INTEGER NOT NULL DEFAULT 0,
  details      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (company_id, invoice_id, position),
  CONSTRAINT invoice_lines_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

-- The tax groups: one per (category, rate) of the invoice.
CREATE TABLE invoice_taxes (
  company_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  position   INTEGER NOT NULL,
  category   TEXT NOT NULL,
  rate       TEXT NOT NULL,
  name       TEXT NOT NULL,
  note       TEXT NOT NULL,
  net_minor  INTEGER NOT NULL,
  tax_minor  INTEGER NOT NULL,
  PRIMARY KEY (company_id, invoice_id, position),
  CONSTRAINT invoice_taxes_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

-- What makes a rerun do nothing: a contract's period is billed once per revision. A deleted draft
-- frees its rows; a voided invoice keeps them, and only `regenerate` adds the next revision.
CREATE TABLE billed_periods (
  company_id   TEXT NOT NULL,
  contract_id  TEXT NOT NULL,
  period_start TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  period_end   TEXT NOT NULL,
  invoice_id   TEXT NOT NULL,
  PRIMARY KEY (company_id, contract_id, period_start, revision),
  CONSTRAINT billed_periods_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX billed_periods_invoice ON billed_periods (company_id, invoice_id);

-- The canonical document of each issued invoice, as JSON, with its SHA-256. Insert-only.
CREATE TABLE invoice_documents (
  company_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  content    TEXT NOT NULL,
  PRIMARY KEY (company_id, invoice_id),
  CONSTRAINT invoice_documents_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT;

-- Invoices of the system that was used before: still open when they were taken over, under their own
-- numbers. They have no document, and no number of a series.
CREATE TABLE opening_invoices (
  company_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  PRIMARY KEY (company_id, invoice_id),
  CONSTRAINT opening_invoices_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

-- The day, in the seller's time zone, on which an invoice was first voided or written off.
CREATE TABLE invoice_closings (
  company_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  closed_on  TEXT NOT NULL,
  PRIMARY KEY (company_id, invoice_id),
  CONSTRAINT invoice_closings_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

-- Files made from documents: where they were written (place '' is the folder of documents, 's3' a
-- bucket, whose name is in the path), and what they were.
CREATE TABLE document_files (
  company_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  format     TEXT NOT NULL,
  path       TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  written_at TEXT NOT NULL,
  place      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (company_id, invoice_id, format)
) STRICT, WITHOUT ROWID;

CREATE INDEX document_files_path ON document_files (path);

-- Folders of documents as the last run of each machine left them. One whose time of change is
-- another now has lost or gained files by other hands, and is looked through: what is missing is
-- made again. So a run need not look at every file ever written.
CREATE TABLE document_folders (
  host       TEXT NOT NULL,
  folder     TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  PRIMARY KEY (host, folder)
) STRICT, WITHOUT ROWID;

-- ── Money received ─────────────────────────────────────────────────────────────────────────────

-- Recorded once per provider's reference.
CREATE TABLE payments (
  company_id   TEXT NOT NULL,
  provider     TEXT NOT NULL,
  reference    TEXT NOT NULL,
  currency     TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  received_on  TEXT NOT NULL,
  invoice_id   TEXT NOT NULL,
  PRIMARY KEY (company_id, provider, reference),
  CONSTRAINT payments_company FOREIGN KEY (company_id) REFERENCES companies (company_id),
  CONSTRAINT payments_positive CHECK (amount_minor > 0)
) STRICT, WITHOUT ROWID;

-- What of a payment settles which invoice. balance = total − credited − paid: paid is the sum of its
-- allocations, credited the sum of the credit entries that name it, with their sign turned.
CREATE TABLE payment_allocations (
  company_id   TEXT NOT NULL,
  invoice_id   TEXT NOT NULL,
  provider     TEXT NOT NULL,
  reference    TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (company_id, invoice_id, provider, reference),
  CONSTRAINT payment_allocations_payment FOREIGN KEY (company_id, provider, reference) REFERENCES payments (company_id, provider, reference),
  CONSTRAINT payment_allocations_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

-- Company credit, as entries that add up per seller and currency: over-payments and credit notes add;
-- what settles an invoice (named by invoice_id) or is paid out takes away. Insert-only.
CREATE TABLE credit_entries (
  company_id   TEXT NOT NULL,
  entry_key    TEXT NOT NULL,
  seller_id    TEXT NOT NULL,
  currency     TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  reason       TEXT NOT NULL,
  entered_on   TEXT NOT NULL,
  invoice_id   TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (company_id, entry_key),
  CONSTRAINT credit_entries_company FOREIGN KEY (company_id) REFERENCES companies (company_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX credit_entries_invoice ON credit_entries (company_id, invoice_id) WHERE invoice_id <> '';

-- ── Messages: what is to be told, to whom, and what was ──────────────────────────────────────────

-- What happened and is to be told: raised in the transaction in which it happened, told by
-- `invoices send` (audience `customer`) or `alerts dispatch` (`staff`). state: new, told, dropped.
CREATE TABLE events (
  company_id TEXT NOT NULL,
  event_key  TEXT NOT NULL,
  audience   TEXT NOT NULL,
  kind       TEXT NOT NULL,
  severity   TEXT NOT NULL,
  subject    TEXT NOT NULL,
  facts      TEXT NOT NULL,
  state      TEXT NOT NULL,
  raised_at  TEXT NOT NULL,
  told_at    TEXT,
  PRIMARY KEY (company_id, event_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_new ON events (audience, company_id, event_key) WHERE state = 'new';

-- What is wrong (over_at NULL) and what was: noted from the first failure until it is over, so that it is
-- told once, and its end too. `episode` counts how often it has begun.
CREATE TABLE alerts (
  company_id TEXT NOT NULL,
  alert_key  TEXT NOT NULL,
  kind       TEXT NOT NULL,
  severity   TEXT NOT NULL,
  job        TEXT NOT NULL,
  subject    TEXT NOT NULL,
  period     TEXT NOT NULL,
  since      TEXT NOT NULL,
  last_at    TEXT NOT NULL,
  over_at    TEXT,
  times      INTEGER NOT NULL,
  episode    INTEGER NOT NULL,
  facts      TEXT NOT NULL,
  PRIMARY KEY (company_id, alert_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX alerts_open ON alerts (company_id, alert_key) WHERE over_at IS NULL;

-- What was put aside for a message that tells several things in one.
CREATE TABLE digest_entries (
  company_id TEXT NOT NULL,
  digest_key TEXT NOT NULL,
  entry_key  TEXT NOT NULL,
  facts      TEXT NOT NULL,
  PRIMARY KEY (company_id, digest_key, entry_key)
) STRICT, WITHOUT ROWID;

-- Messages for another application to show (channel in_app).
CREATE TABLE notifications (
  company_id       TEXT NOT NULL,
  notification_key TEXT NOT NULL,
  recipient        TEXT NOT NULL,
  kind             TEXT NOT NULL,
  severity         TEXT NOT NULL,
  title            TEXT NOT NULL,
  body             TEXT NOT NULL,
  created_at       TEXT NOT NULL,
  read_at          TEXT,
  PRIMARY KEY (company_id, notification_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX notifications_unread ON notifications (recipient, created_at, company_id, notification_key) WHERE read_at IS NULL;
CREATE INDEX notifications_key ON notifications (notification_key);

-- One reminder per invoice and level, ever. The level is in days relative to the due date: -7, 1, 14.
-- message_key: that of its messages, the last ones where earlier ones did not arrive. came_at '': none came yet.
CREATE TABLE reminders (
  company_id  TEXT NOT NULL,
  invoice_id  TEXT NOT NULL,
  level       INTEGER NOT NULL,
  message_key TEXT NOT NULL,
  planned_at  TEXT NOT NULL,
  came_at     TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (company_id, invoice_id, level),
  CONSTRAINT reminders_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

-- What holds reminders back: a pause, a dispute, a promise to pay; of an invoice (subject: its id), or of
-- all of the company's (''). until: the first day on which they go on; NULL: until it is released.
CREATE TABLE dunning_holds (
  company_id TEXT NOT NULL,
  subject    TEXT NOT NULL,
  kind       TEXT NOT NULL,
  until      TEXT,
  reason     TEXT NOT NULL,
  held_at    TEXT NOT NULL,
  PRIMARY KEY (company_id, subject, kind),
  CONSTRAINT dunning_holds_company FOREIGN KEY (company_id) REFERENCES companies (company_id)
) STRICT, WITHOUT ROWID;

-- ── Run state (reliability.md) ─────────────────────────────────────────────────────────────────

-- One execution of a job that found work. History: never used to decide what is due.
CREATE TABLE runs (
  run_id       TEXT NOT NULL PRIMARY KEY,
  job          TEXT NOT NULL,
  scope        TEXT NOT NULL,
  as_of        TEXT NOT NULL,
  started_by   TEXT NOT NULL,
  host         TEXT NOT NULL,
  pid          INTEGER NOT NULL,
  started_at   TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL,
  finished_at  TEXT,
  outcome      TEXT NOT NULL,
  summary      TEXT NOT NULL,
  process      TEXT NOT NULL DEFAULT '',
  batches      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_job ON runs (job, started_at);

-- When each job last ran, also when there was nothing to do.
CREATE TABLE heartbeats (
  job     TEXT NOT NULL PRIMARY KEY,
  at      TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who works on a company now (Postgres; on SQLite a file lock a job does this). Taking over a dead
-- claim raises the fence.
CREATE TABLE claims (
  company_id TEXT NOT NULL,
  job        TEXT NOT NULL,
  owner      TEXT NOT NULL,
  fence      INTEGER NOT NULL,
  claimed_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (company_id, job)
) STRICT, WITHOUT ROWID;

-- Only what is not done: why, how often it was tried, whether it waits for a person.
CREATE TABLE run_items (
  company_id TEXT NOT NULL,
  job        TEXT NOT NULL,
  subject    TEXT NOT NULL,
  period     TEXT NOT NULL,
  class      TEXT NOT NULL,
  message    TEXT NOT NULL,
  attempts   INTEGER NOT NULL,
  parked     INTEGER NOT NULL,
  first_at   TEXT NOT NULL,
  last_at    TEXT NOT NULL,
  PRIMARY KEY (company_id, job, subject, period)
) STRICT, WITHOUT ROWID;

-- The outbox: one act on the outside world, planned in the transaction that decided it, and carried
-- out after its commit: planned → sending → succeeded, failed, unknown or needs_human; abandoned when a
-- person gives it up, what it was about is over, or another takes its place. The same key with another
-- content_sha256 is an error. `owner` is the run that sends it; `retried_from` the attempts that were
-- made when a person had it tried again.
CREATE TABLE effects (
  company_id      TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  kind            TEXT NOT NULL,
  subject         TEXT NOT NULL,
  state           TEXT NOT NULL,
  attempts        INTEGER NOT NULL,
  error           TEXT NOT NULL,
  provider_ref    TEXT NOT NULL,
  planned_at      TEXT NOT NULL,
  settled_at      TEXT,
  content_sha256  TEXT NOT NULL DEFAULT '',
  payload         TEXT NOT NULL DEFAULT '',
  recipient       TEXT NOT NULL DEFAULT '',
  next_at         TEXT NOT NULL DEFAULT '',
  sending_at      TEXT NOT NULL DEFAULT '',
  owner           TEXT NOT NULL DEFAULT '',
  class           TEXT NOT NULL DEFAULT '',
  retried_from    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (company_id, idempotency_key)
) STRICT, WITHOUT ROWID;

-- What is due: next_at '' at once, else an instant. 'sending': as few as are in flight. What needs a person.
CREATE INDEX effects_due ON effects (kind, state, next_at, company_id, idempotency_key) WHERE state IN ('planned', 'unknown');
CREATE INDEX effects_sending ON effects (kind, company_id, idempotency_key) WHERE state = 'sending';
CREATE INDEX effects_key ON effects (idempotency_key);
CREATE INDEX effects_attention ON effects (kind, state, company_id, idempotency_key) WHERE state IN ('failed', 'needs_human');

-- Attempts that were not plainly a success: what went wrong, what was looked up, what came late.
CREATE TABLE effect_attempts (
  company_id      TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  attempt         INTEGER NOT NULL,
  outcome         TEXT NOT NULL,
  class           TEXT NOT NULL,
  message         TEXT NOT NULL,
  provider_ref    TEXT NOT NULL,
  started_at      TEXT NOT NULL,
  ended_at        TEXT NOT NULL,
  run_id          TEXT NOT NULL,
  PRIMARY KEY (company_id, idempotency_key, attempt, outcome)
) STRICT, WITHOUT ROWID;

-- Rate limits that hold across processes: the instant from which the next act is free (GCRA's
-- theoretical arrival time), by recipient of a company, or by provider under `_system`.
CREATE TABLE rate_limits (
  company_id TEXT NOT NULL,
  limit_key  TEXT NOT NULL,
  free_at    TEXT NOT NULL,
  PRIMARY KEY (company_id, limit_key)
) STRICT, WITHOUT ROWID;

-- ── Audit ──────────────────────────────────────────────────────────────────────────────────────

-- A hash chain per company: hash = SHA-256 over the previous hash and the length-prefixed seq, at,
-- actor, action, entity, entity_id and payload digest. Insert-only (guarded below).
CREATE TABLE audit_log (
  company_id     TEXT NOT NULL,
  seq            INTEGER NOT NULL,
  at             TEXT NOT NULL,
  actor          TEXT NOT NULL,
  action         TEXT NOT NULL,
  entity         TEXT NOT NULL,
  entity_id      TEXT NOT NULL,
  payload_sha256 BLOB NOT NULL,
  hash           BLOB NOT NULL,
  run_id         TEXT NOT NULL,
  batch          INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (company_id, seq)
) STRICT, WITHOUT ROWID;

-- Before and after, apart from the chain, so that personal data can be erased without breaking it.
CREATE TABLE audit_payloads (
  company_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  payload    TEXT NOT NULL,
  PRIMARY KEY (company_id, seq)
) STRICT;

-- The head of each chain.
CREATE TABLE audit_heads (
  company_id TEXT NOT NULL PRIMARY KEY,
  seq        INTEGER NOT NULL,
  hash       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- ── Guards: what is issued never changes (semantics.md, invoice life) ──────────────────────────
-- `db distribute` leaves them out, since Citus refuses triggers; the document hashes prove the same.

-- @sqlite
CREATE TRIGGER invoices_frozen BEFORE UPDATE ON invoices
WHEN OLD.state <> 'draft' AND (
  NEW.company_id <> OLD.company_id OR NEW.invoice_id <> OLD.invoice_id OR NEW.seller_id <> OLD.seller_id OR
  NEW.currency <> OLD.currency OR NEW.contract_id <> OLD.contract_id OR NEW.period_start <> OLD.period_start OR
  NEW.period_end <> OLD.period_end OR NEW.revision <> OLD.revision OR NEW.number IS NOT OLD.number OR
  NEW.issued_on IS NOT OLD.issued_on OR NEW.due_on IS NOT OLD.due_on OR NEW.payment_terms_days <> OLD.payment_terms_days OR
  NEW.tax_inclusive <> OLD.tax_inclusive OR NEW.reference <> OLD.reference OR NEW.net_minor <> OLD.net_minor OR
  NEW.tax_minor <> OLD.tax_minor OR NEW.total_minor <> OLD.total_minor OR NEW.stale <> OLD.stale OR
  NEW.edited <> OLD.edited OR NEW.kind <> OLD.kind OR NEW.corrects_id <> OLD.corrects_id OR NEW.reason <> OLD.reason OR
  NEW.ref_key <> OLD.ref_key OR NEW.state = 'draft' OR (OLD.kind = 'credit_note' AND NEW.state <> OLD.state))
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot change'); END;

CREATE TRIGGER invoices_kept BEFORE DELETE ON invoices WHEN OLD.state <> 'draft'
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot be deleted'); END;

CREATE TRIGGER invoice_lines_added BEFORE INSERT ON invoice_lines
WHEN (SELECT state FROM invoices WHERE company_id = NEW.company_id AND invoice_id = NEW.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot change'); END;

CREATE TRIGGER invoice_lines_changed BEFORE UPDATE ON invoice_lines
WHEN (SELECT state FROM invoices WHERE company_id = OLD.company_id AND invoice_id = OLD.invoice_id) <> 'draft'
  OR (SELECT state FROM invoices WHERE company_id = NEW.company_id AND invoice_id = NEW.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot change'); END;

CREATE TRIGGER invoice_lines_removed BEFORE DELETE ON invoice_lines
WHEN (SELECT state FROM invoices WHERE company_id = OLD.company_id AND invoice_id = OLD.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot change'); END;

CREATE TRIGGER invoice_taxes_added BEFORE INSERT ON invoice_taxes
WHEN (SELECT state FROM invoices WHERE company_id = NEW.company_id AND invoice_id = NEW.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot change'); END;

CREATE TRIGGER invoice_taxes_changed BEFORE UPDATE ON invoice_taxes
WHEN (SELECT state FROM invoices WHERE company_id = OLD.company_id AND invoice_id = OLD.invoice_id) <> 'draft'
  OR (SELECT state FROM invoices WHERE company_id = NEW.company_id AND invoice_id = NEW.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot change'); END;

CREATE TRIGGER invoice_taxes_removed BEFORE DELETE ON invoice_taxes
WHEN (SELECT state FROM invoices WHERE company_id = OLD.company_id AND invoice_id = OLD.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'finops: an issued invoice cannot change'); END;

CREATE TRIGGER invoice_documents_changed BEFORE UPDATE ON invoice_documents
BEGIN SELECT RAISE(ABORT, 'finops: a document is kept as it was issued'); END;

CREATE TRIGGER invoice_documents_removed BEFORE DELETE ON invoice_documents
BEGIN SELECT RAISE(ABORT, 'finops: a document is kept as it was issued'); END;

CREATE TRIGGER document_numbers_changed BEFORE UPDATE ON document_numbers
BEGIN SELECT RAISE(ABORT, 'finops: a number is given once'); END;

CREATE TRIGGER document_numbers_removed BEFORE DELETE ON document_numbers
BEGIN SELECT RAISE(ABORT, 'finops: a number is given once'); END;

CREATE TRIGGER credit_entries_changed BEFORE UPDATE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'finops: an entry of credit stays as it is'); END;

CREATE TRIGGER credit_entries_removed BEFORE DELETE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'finops: an entry of credit stays as it is'); END;

CREATE TRIGGER audit_log_changed BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'finops: the audit log only grows'); END;

CREATE TRIGGER audit_log_removed BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'finops: the audit log only grows'); END;
-- @end

-- @postgres
CREATE FUNCTION finops_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'finops: % keeps what it holds', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;

CREATE FUNCTION finops_frozen_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR NEW.state = 'draft' OR
     (OLD.kind = 'credit_note' AND NEW.state <> OLD.state) OR
     (to_jsonb(NEW) - 'state') IS DISTINCT FROM (to_jsonb(OLD) - 'state')) THEN
    RAISE EXCEPTION 'finops: an issued invoice cannot change' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION finops_frozen_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A part may neither leave an issued invoice nor come to it.
  IF TG_OP <> 'INSERT' THEN
    IF (SELECT state FROM invoices WHERE company_id = OLD.company_id AND invoice_id = OLD.invoice_id) <> 'draft' THEN
      RAISE EXCEPTION 'finops: an issued invoice cannot change' USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    IF (SELECT state FROM invoices WHERE company_id = NEW.company_id AND invoice_id = NEW.invoice_id) <> 'draft' THEN
      RAISE EXCEPTION 'finops: an issued invoice cannot change' USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER invoices_frozen BEFORE UPDATE OR DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION finops_frozen_invoice();
CREATE TRIGGER invoice_lines_frozen BEFORE INSERT OR UPDATE OR DELETE ON invoice_lines FOR EACH ROW EXECUTE FUNCTION finops_frozen_part();
CREATE TRIGGER invoice_taxes_frozen BEFORE INSERT OR UPDATE OR DELETE ON invoice_taxes FOR EACH ROW EXECUTE FUNCTION finops_frozen_part();
CREATE TRIGGER invoice_documents_frozen BEFORE UPDATE OR DELETE ON invoice_documents FOR EACH ROW EXECUTE FUNCTION finops_refuse();
CREATE TRIGGER document_numbers_frozen BEFORE UPDATE OR DELETE ON document_numbers FOR EACH ROW EXECUTE FUNCTION finops_refuse();
CREATE TRIGGER credit_entries_frozen BEFORE UPDATE OR DELETE ON credit_entries FOR EACH ROW EXECUTE FUNCTION finops_refuse();
CREATE TRIGGER audit_log_frozen BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION finops_refuse();
-- @end
