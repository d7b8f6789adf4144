-- Credit notes as invoices of another kind, credit that settles invoices, series of credit notes.
ALTER TABLE sellers ADD COLUMN credit_series_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sellers ADD COLUMN credit_number_format TEXT NOT NULL DEFAULT '';
UPDATE sellers SET credit_series_id = series_id || '-credit', credit_number_format = 'CN-{year}-{seq:06}';

ALTER TABLE invoices ADD COLUMN kind TEXT NOT NULL DEFAULT 'invoice';
ALTER TABLE invoices ADD COLUMN corrects_id TEXT NOT NULL DEFAULT '';
ALTER TABLE invoices ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE invoices ADD COLUMN ref_key TEXT NOT NULL DEFAULT '';
CREATE INDEX invoices_corrects ON invoices (company_id, corrects_id) WHERE corrects_id <> '';
CREATE UNIQUE INDEX invoices_ref ON invoices (company_id, ref_key) WHERE ref_key <> '';
ALTER TABLE invoice_lines ADD COLUMN corrects_line INTEGER NOT NULL DEFAULT 0;
ALTER TABLE credit_entries ADD COLUMN invoice_id TEXT NOT NULL DEFAULT '';
CREATE INDEX credit_entries_invoice ON credit_entries (company_id, invoice_id) WHERE invoice_id <> '';

-- @sqlite
DROP TRIGGER invoices_frozen;
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

CREATE TRIGGER credit_entries_changed BEFORE UPDATE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'finops: an entry of credit stays as it is'); END;

CREATE TRIGGER credit_entries_removed BEFORE DELETE ON credit_entries
BEGIN SELECT RAISE(ABORT, 'finops: an entry of credit stays as it is'); END;
-- @end

-- @postgres
CREATE OR REPLACE FUNCTION finops_frozen_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR NEW.state = 'draft' OR
     (OLD.kind = 'credit_note' AND NEW.state <> OLD.state) OR
     (to_jsonb(NEW) - 'state') IS DISTINCT FROM (to_jsonb(OLD) - 'state')) THEN
    RAISE EXCEPTION 'finops: an issued invoice cannot change' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;

-- Where the guards were left out for Citus, so is this one.
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_trigger WHERE tgname = 'audit_log_frozen' AND tgrelid = 'audit_log'::regclass) THEN
    CREATE TRIGGER credit_entries_frozen BEFORE UPDATE OR DELETE ON credit_entries FOR EACH ROW EXECUTE FUNCTION finops_refuse();
  END IF;
END $$;
-- @end
