--
-- What is no cell, or not the one that is wanted, is refused.
--
\i test/include/session.psql
\set v `echo 42 | cloister encrypt --group main --type int4`
\set w `echo 42 | cloister encrypt --group det --type int4`
\set x `echo 42 | cloister encrypt --group main --type int8`
\set s `echo 42 | cloister encrypt --group main --type text`
CREATE TABLE b (e enc_int4('main'));
-- plaintext
INSERT INTO b VALUES ('42');
INSERT INTO b VALUES (42);
SELECT count(*) FROM b WHERE e = '42';
SELECT count(*) FROM b WHERE e = 42;
-- not even something like a cell
SELECT outcome(format('SELECT %L::enc_int4', x)) FROM (VALUES (''), ('cl1_'), ('cl1_*'), ('cl1_AA'), ('CL1_AAAA'),
 (repeat('A', 100)), ('cl1_' || repeat('A', 40)), ('cl1_' || repeat('A', 59)), ('cl1_' || repeat('A', 100000)), (E'cl1_\x01')) v(x);
-- another type
SELECT outcome(format('SELECT %L::enc_int4', :'x'));
SELECT outcome(format('SELECT %L::enc_int4', :'s'));
SELECT outcome(format('INSERT INTO b VALUES (%L)', :'x'));
-- another group; the context would show the cell
\set SHOW_CONTEXT never
\copy b FROM PROGRAM 'echo 42 | cloister encrypt --group det --type int4'
\copy b FROM PROGRAM 'echo 42 | cloister encrypt --group main --type text'
\copy b FROM PROGRAM 'echo 42'
SELECT count(*) FROM b;
INSERT INTO b VALUES (:'v');

-- one bit changed anywhere: always refused when it is used, if not before
CREATE FUNCTION cell_bytes(t text) RETURNS bytea LANGUAGE sql AS
 $$SELECT decode(rpad(translate(substr(t, 5), '-_', '+/'), (length(t) - 4 + 3) / 4 * 4, '='), 'base64')$$;
CREATE FUNCTION cell_text(b bytea) RETURNS text LANGUAGE sql AS
 $$SELECT 'cl1_' || translate(rtrim(encode(b, 'base64'), E'=\n'), '+/' || E'\n', '-_')$$;
SELECT cell_text(cell_bytes(:'v')) = :'v' AS same;
SELECT count(*) AS mutants, count(*) FILTER (WHERE o = 'no error') AS accepted,
       count(*) FILTER (WHERE left(o, 5) NOT IN ('XX001', '42804', '42704')) AS surprising
  FROM generate_series(0, 8 * octet_length(cell_bytes(:'v')) - 1) i,
       outcome(format('SELECT count(*) FROM b WHERE e = %L::enc_int4', cell_text(set_bit(cell_bytes(:'v'), i, 1 - get_bit(cell_bytes(:'v'), i))))) o;
SELECT count(*) AS mutants, count(*) FILTER (WHERE o = 'no error') AS accepted,
       count(*) FILTER (WHERE left(o, 5) NOT IN ('XX001', '42804', '42704')) AS surprising
  FROM generate_series(0, 8 * octet_length(cell_bytes(:'w')) - 1) i,
       outcome(format('SELECT count(*) FROM b WHERE e = %L::enc_int4', cell_text(set_bit(cell_bytes(:'w'), i, 1 - get_bit(cell_bytes(:'w'), i))))) o;
-- cut at every length, and with a byte too many
SELECT count(*) AS mutants, count(*) FILTER (WHERE o = 'no error') AS accepted
  FROM generate_series(0, octet_length(cell_bytes(:'s')) - 1) i,
       outcome(format('SELECT %L::enc_text = %L::enc_text', cell_text(substr(cell_bytes(:'s'), 1, i)), :'s')) o;
SELECT left(outcome(format('SELECT %L::enc_text = %L::enc_text', cell_text(cell_bytes(:'s') || '\x00'), :'s')), 5);
-- the sort, the hash and the sum refuse them too
CREATE TABLE m (e enc_int4);
INSERT INTO m SELECT :'v' FROM generate_series(1, 20);
INSERT INTO m SELECT cell_text(set_bit(cell_bytes(:'v'), 200, 1 - get_bit(cell_bytes(:'v'), 200)))::enc_int4;
SELECT outcome('SELECT * FROM m ORDER BY e');
SELECT outcome('SELECT DISTINCT e FROM m');
SELECT outcome('SELECT sum(e) FROM m');
SELECT outcome('SELECT max(e) FROM m');
SELECT outcome('CREATE INDEX ON m (e)');
SELECT outcome('CREATE INDEX ON m USING hash (e)');
SELECT outcome(format('SELECT * FROM m WHERE e > %L', :'v'));
-- and the connection is as good as before
SELECT count(*) FROM b WHERE e = :'v';

-- a group that the database does not know
SELECT outcome(format('SELECT %L::enc_int4 = %L', cell_text(overlay(cell_bytes(:'v') PLACING '\x01000000' FROM 5)), :'v'));
CREATE TABLE unknown_group (e enc_int4('nosuchgroup'));
CREATE TABLE unknown_group (e enc_int4(0));
CREATE TABLE unknown_group (e enc_int4('main', 'det'));

-- types do not mix
SELECT outcome(format('SELECT %L::enc_int4 = %L::enc_text', :'v', :'s'));
SELECT outcome(format('SELECT %L::enc_text < 1', :'s'));
DROP TABLE b, m;
DROP FUNCTION cell_bytes, cell_text;
