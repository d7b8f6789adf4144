-- Contacts, what is to be told and to whom, reminders and what holds them back.
ALTER TABLE companies ADD COLUMN delivery TEXT NOT NULL DEFAULT 'email';
ALTER TABLE companies ADD COLUMN account_manager TEXT NOT NULL DEFAULT '';
ALTER TABLE companies ADD COLUMN reminder_policy TEXT NOT NULL DEFAULT '';
ALTER TABLE contracts ADD COLUMN reminder_policy TEXT NOT NULL DEFAULT '';
CREATE INDEX invoices_owed ON invoices (company_id, due_on, invoice_id) WHERE state = 'open';

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

CREATE TABLE digest_entries (
  company_id TEXT NOT NULL,
  digest_key TEXT NOT NULL,
  entry_key  TEXT NOT NULL,
  facts      TEXT NOT NULL,
  PRIMARY KEY (company_id, digest_key, entry_key)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE reminders (
  company_id  TEXT NOT NULL,
  invoice_id  TEXT NOT NULL,
  level       INTEGER NOT NULL,
  message_key TEXT NOT NULL,
  planned_at  TEXT NOT NULL,
  PRIMARY KEY (company_id, invoice_id, level),
  CONSTRAINT reminders_invoice FOREIGN KEY (company_id, invoice_id) REFERENCES invoices (company_id, invoice_id)
) STRICT, WITHOUT ROWID;

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
