--
-- Sorts of all shapes put rows where PostgreSQL puts the plain ones.
--
\i test/include/session.psql
CREATE TABLE p (id int, k int, i int4, s text COLLATE "C", f float8);
INSERT INTO p SELECT i, i % 50, CASE WHEN i % 31 > 0 THEN hashint4(i) % 700 END,
  CASE WHEN i % 37 > 0 THEN substr(md5(i::text), 1, 1 + i % 5) || repeat('~', i % 3 * 700) END,
  CASE WHEN i % 41 > 0 THEN hashint4(i * 3) / 3.0 END FROM generate_series(1, 2000) i;
CREATE TABLE e (id int, k int, i enc_int4('main'), s enc_text('main'), f enc_float8('det'));
\! test/load e 3:int4:main,4:text:main,5:float8:det 'SELECT * FROM p'
-- the order of ids, as one value
CREATE FUNCTION ids(query text, OUT r bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT sum(hashint8extended(id, 0)::numeric * n) %% 1000000007 FROM (SELECT id, row_number() OVER () n FROM (%s) q) s', query) INTO r;
END $$;
CREATE VIEW orders AS SELECT * FROM (VALUES
 ('SELECT id FROM %s ORDER BY i, id'), ('SELECT id FROM %s ORDER BY i DESC, id'), ('SELECT id FROM %s ORDER BY i NULLS FIRST, id DESC'),
 ('SELECT id FROM %s ORDER BY s, id'), ('SELECT id FROM %s ORDER BY s DESC NULLS LAST, id'),
 ('SELECT id FROM %s ORDER BY f, id'), ('SELECT id FROM %s ORDER BY i, s, f, id'), ('SELECT id FROM %s ORDER BY k, i, s DESC, id'),
 ('SELECT id FROM %s ORDER BY i, id LIMIT 10'), ('SELECT id FROM %s ORDER BY s DESC, id LIMIT 3 OFFSET 500'),
 ('SELECT id FROM %s WHERE id <= 3 ORDER BY i, id'), ('SELECT id FROM %s WHERE id = 1 ORDER BY i'), ('SELECT id FROM %s WHERE false ORDER BY i'),
 ('SELECT DISTINCT ON (i) id FROM %s ORDER BY i, id'),
 ('(SELECT id, i FROM %1$s WHERE k = 1 UNION ALL SELECT id, i FROM %1$s WHERE k = 2) ORDER BY i, id')) v(q);
SELECT count(*) AS wrong FROM orders WHERE ids(format(q, 'p')) IS DISTINCT FROM ids(format(q, 'e'));
-- in batches that are merged from disk
SET work_mem = '64kB';
SELECT count(*) AS wrong FROM orders WHERE ids(format(q, 'p')) IS DISTINCT FROM ids(format(q, 'e'));
RESET work_mem;
-- by incremental sort, which starts anew for every prefix
CREATE INDEX p_k ON p (k);
CREATE INDEX e_k ON e (k);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT nodes('SELECT id FROM e ORDER BY k, i, id LIMIT 500');
SELECT ids('SELECT id FROM e ORDER BY k, i, id') = ids('SELECT id FROM p ORDER BY k, i, id') AS same,
       ids('SELECT id FROM e ORDER BY k, i, id LIMIT 500') = ids('SELECT id FROM p ORDER BY k, i, id LIMIT 500') AS same_limit,
       ids('SELECT id FROM e ORDER BY k, s DESC, id LIMIT 1500') = ids('SELECT id FROM p ORDER BY k, s DESC, id LIMIT 1500') AS same_text;
RESET enable_seqscan;
RESET enable_bitmapscan;
-- more sorts at once than the agent has places for
SELECT count(DISTINCT i) c1, count(DISTINCT s) c2, count(DISTINCT f) c3,
 array_agg(id ORDER BY i, id) = (SELECT array_agg(id ORDER BY i, id) FROM p WHERE k < 5) o1, array_agg(id ORDER BY i DESC, id) = (SELECT array_agg(id ORDER BY i DESC, id) FROM p WHERE k < 5) o2,
 array_agg(id ORDER BY s, id) = (SELECT array_agg(id ORDER BY s, id) FROM p WHERE k < 5) o3, array_agg(id ORDER BY s DESC, id) = (SELECT array_agg(id ORDER BY s DESC, id) FROM p WHERE k < 5) o4,
 array_agg(id ORDER BY f, id) = (SELECT array_agg(id ORDER BY f, id) FROM p WHERE k < 5) o5, array_agg(id ORDER BY f DESC, id) = (SELECT array_agg(id ORDER BY f DESC, id) FROM p WHERE k < 5) o6,
 array_agg(id ORDER BY i, s, id) = (SELECT array_agg(id ORDER BY i, s, id) FROM p WHERE k < 5) o7, array_agg(id ORDER BY s, i, id) = (SELECT array_agg(id ORDER BY s, i, id) FROM p WHERE k < 5) o8,
 array_agg(id ORDER BY f, i, id) = (SELECT array_agg(id ORDER BY f, i, id) FROM p WHERE k < 5) o9, array_agg(id ORDER BY i DESC, f, id) = (SELECT array_agg(id ORDER BY i DESC, f, id) FROM p WHERE k < 5) o10,
 array_agg(id ORDER BY f DESC, s, id) = (SELECT array_agg(id ORDER BY f DESC, s, id) FROM p WHERE k < 5) o11, array_agg(id ORDER BY s, f, id) = (SELECT array_agg(id ORDER BY s, f, id) FROM p WHERE k < 5) o12
 FROM e WHERE k < 5;
SELECT count(DISTINCT i) c1, count(DISTINCT s) c2, count(DISTINCT f) c3 FROM p WHERE k < 5;
-- sorts that are left half-way, as cursors, by errors and by cancel
BEGIN;
DECLARE c1 CURSOR FOR SELECT id FROM e ORDER BY i, id;
DECLARE c2 CURSOR FOR SELECT id FROM e ORDER BY s, id;
FETCH 2 FROM c1;
FETCH 2 FROM c2;
FETCH 2 FROM c1;
COMMIT;
SELECT id FROM p ORDER BY i, id LIMIT 4;
SELECT id FROM p ORDER BY s, id LIMIT 2;
CREATE FUNCTION fails_at(i int, n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF i = n THEN RAISE 'row %', i; END IF; RETURN i; END $$;
SELECT count(*) AS failed FROM generate_series(1, 40) n WHERE outcome(format('SELECT fails_at(id, %s) FROM (SELECT * FROM e OFFSET 0) s ORDER BY i', n * 50)) LIKE 'P0001%';
SET statement_timeout = '1ms';
SELECT count(*) AS rows FROM (SELECT row_number() OVER (ORDER BY a.s) FROM e a, generate_series(1, 20)) s;
RESET statement_timeout;
SELECT count(*) AS wrong FROM orders WHERE ids(format(q, 'p')) IS DISTINCT FROM ids(format(q, 'e'));
-- values larger than a chunk of the stream
CREATE TABLE large (id int, s enc_text('main'));
\! test/load large 2:text:main "SELECT i, repeat(chr(65 + i * 7 % 11), 300000 + i) FROM generate_series(1, 12) i"
SELECT array_agg(id ORDER BY s) = (SELECT array_agg(i ORDER BY repeat(chr(65 + i * 7 % 11), 300000 + i) COLLATE "C") FROM generate_series(1, 12) i) AS same FROM large;
-- index builds and CLUSTER sort too
CREATE INDEX e_s ON e (s, i);
CREATE UNIQUE INDEX e_u ON e (i, f, id);
REINDEX TABLE e;
CLUSTER e USING e_u;
SELECT ids('SELECT id FROM (TABLE e OFFSET 0) x') = ids('SELECT id FROM p ORDER BY i, f, id') AS clustered;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT nodes('SELECT id FROM e ORDER BY s, i');
SELECT count(*) AS wrong FROM (SELECT p.s AS s, lead(p.s) OVER w AS t, p.i, lead(p.i) OVER w AS j FROM (SELECT id, row_number() OVER () n FROM (SELECT id FROM e ORDER BY s, i) a) b JOIN p USING (id) WINDOW w AS (ORDER BY n)) x
 WHERE s > t OR (s = t AND i > j);
RESET enable_seqscan;
RESET enable_sort;
DROP VIEW orders;
DROP FUNCTION ids, fails_at;
DROP TABLE p, e, large;
