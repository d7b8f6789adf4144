-- Effects with states, attempts and schedules; what a run needs to be told from a dead one.
ALTER TABLE effects ADD COLUMN content_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN payload TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN recipient TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN next_at TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN sending_at TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN class TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN retried_from INTEGER NOT NULL DEFAULT 0;
DROP INDEX effects_planned;
CREATE INDEX effects_due ON effects (kind, state, next_at, company_id, idempotency_key) WHERE state IN ('planned', 'unknown');
CREATE INDEX effects_sending ON effects (kind, company_id, idempotency_key) WHERE state = 'sending';
CREATE INDEX effects_key ON effects (idempotency_key);
CREATE INDEX effects_attention ON effects (kind, state, company_id, idempotency_key) WHERE state IN ('failed', 'needs_human');

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

CREATE TABLE rate_limits (
  company_id TEXT NOT NULL,
  limit_key  TEXT NOT NULL,
  free_at    TEXT NOT NULL,
  PRIMARY KEY (company_id, limit_key)
) STRICT, WITHOUT ROWID;

ALTER TABLE document_files ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_log ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN process TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN batches INTEGER NOT NULL DEFAULT 0;
