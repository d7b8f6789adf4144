-- What Citus demands of the tables that it spreads, for a Postgres without it: the rules that were
-- met on Citus 13, and the catalog that tells what was done. Rows that are moved are kept in
-- `stub.rows` as JSON; what reads the tables finds them gone once the local ones are removed.

CREATE SCHEMA stub;
CREATE TABLE stub.spread (relation regclass PRIMARY KEY, kind text NOT NULL, by_column text NOT NULL, colocation int NOT NULL);
CREATE TABLE stub.rows (relation regclass NOT NULL, content jsonb NOT NULL);
-- The call with this number is the last: its connection is cut.
CREATE TABLE stub.fuse (calls int NOT NULL);
CREATE SEQUENCE stub.call;

CREATE VIEW stub.citus_tables AS SELECT relation AS table_name, kind AS citus_table_type, by_column AS distribution_column,
  colocation AS colocation_id FROM stub.spread;
CREATE VIEW stub.pg_dist_partition AS SELECT relation AS logicalrelid FROM stub.spread;

CREATE FUNCTION stub.burn() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('stub.call') = (SELECT calls FROM stub.fuse) THEN
    PERFORM pg_terminate_backend(pg_backend_pid());
  END IF;
END $$;

CREATE FUNCTION stub.move(t regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM stub.spread WHERE relation = t) THEN
    RAISE EXCEPTION 'table "%" is already distributed', t;
  END IF;
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t AND NOT tgisinternal) THEN
    RAISE EXCEPTION 'cannot distribute relation "%" because it has triggers', t;
  END IF;
  EXECUTE format('INSERT INTO stub.rows SELECT %L::regclass, to_jsonb(x) FROM %s x', t, t);
END $$;

CREATE FUNCTION stub.create_distributed_table(t regclass, by_column text, colocate_with text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  beside int := (SELECT colocation FROM stub.spread WHERE relation = to_regclass(colocate_with));
  number int2 := (SELECT attnum FROM pg_attribute WHERE attrelid = t AND attname = by_column);
  key record;
BEGIN
  IF number IS NULL OR (SELECT y.typtype = 'd' FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = t AND a.attnum = number) THEN
    RAISE EXCEPTION 'column "%" of "%" cannot be distributed by', by_column, t;
  END IF;
  IF beside IS NULL THEN
    IF colocate_with <> 'none' THEN
      RAISE EXCEPTION 'relation "%" is not distributed', colocate_with;
    END IF;
    beside := (SELECT COALESCE(MAX(colocation), 0) + 1 FROM stub.spread);
  END IF;
  FOR key IN SELECT indexrelid FROM pg_index WHERE indrelid = t AND indisunique AND number <> ALL (indkey) LOOP
    RAISE EXCEPTION 'cannot create constraint on "%": "%" does not include the distribution column', t, key.indexrelid::regclass;
  END LOOP;
  FOR key IN SELECT c.conname, c.conkey, c.confkey, r.kind, r.colocation,
      (SELECT attnum FROM pg_attribute WHERE attrelid = c.confrelid AND attname = r.by_column) AS other
      FROM pg_constraint c LEFT JOIN stub.spread r ON r.relation = c.confrelid WHERE c.contype = 'f' AND c.conrelid = t LOOP
    IF key.kind IS NULL THEN
      RAISE EXCEPTION 'cannot create foreign key constraint "%": the referenced table is not distributed', key.conname;
    END IF;
    IF key.kind = 'distributed' AND (key.colocation <> beside OR
        COALESCE(array_position(key.conkey, number), -1) <> COALESCE(array_position(key.confkey, key.other), -2)) THEN
      RAISE EXCEPTION 'cannot create foreign key constraint "%": not colocated, or without the distribution column', key.conname;
    END IF;
  END LOOP;
  PERFORM stub.move(t);
  INSERT INTO stub.spread VALUES (t, 'distributed', by_column, beside);
  PERFORM stub.burn();
END $$;

CREATE FUNCTION stub.create_reference_table(t regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_constraint c LEFT JOIN stub.spread r ON r.relation = c.confrelid AND r.kind = 'reference'
      WHERE c.contype = 'f' AND c.conrelid = t AND r.relation IS NULL) THEN
    RAISE EXCEPTION 'reference table "%" refers to one that is none', t;
  END IF;
  PERFORM stub.move(t);
  INSERT INTO stub.spread VALUES (t, 'reference', '<none>', (SELECT COALESCE(MAX(colocation), 0) + 1 FROM stub.spread));
  PERFORM stub.burn();
END $$;

CREATE FUNCTION stub.truncate_local_data_after_distributing_table(t regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM stub.spread WHERE relation = t) THEN
    RAISE EXCEPTION 'supplied parameter is not a distributed relation';
  END IF;
  IF EXISTS (SELECT FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid = t AND c.conrelid NOT IN (SELECT relation FROM stub.spread)) THEN
    RAISE EXCEPTION 'cannot truncate a table referenced in a foreign key constraint by a local table';
  END IF;
  EXECUTE format('TRUNCATE %s CASCADE', t);
  PERFORM stub.burn();
END $$;

CREATE FUNCTION stub.get_shard_id_for_distribution_column(t regclass, value text) RETURNS bigint LANGUAGE sql AS $$
  SELECT CAST(102008 + abs(hashtext(value)) % 4 AS bigint)
$$;
