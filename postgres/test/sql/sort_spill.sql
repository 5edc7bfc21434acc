--
-- Sorts that spill to disk merge their batches as PostgreSQL does those of
-- plain values, and without asking the agent for every comparison.
--
\i test/include/session.psql
CREATE TABLE p (id int, k int, i int4, s text COLLATE "C", d int8, m int4, t text COLLATE "C");
INSERT INTO p SELECT n, n % 40, CASE WHEN n % 31 > 0 THEN hashint4(n) % 300 END,
  CASE WHEN n % 37 > 0 THEN substr(md5(n::text), 1, 1 + n % 6) || repeat('~', n % 4 * 20) END,
  hashint4(n * 3) % 500::int8, hashint4(n * 7) % 2000, md5((n % 5000)::text) FROM generate_series(1, 20000) n;
CREATE TABLE e (id int, k int, i enc_int4('main'), s enc_text('main'), d enc_int8('det'), m enc_int4, t enc_text('det'));
-- m is of two groups
\! test/load e 3:int4:main,4:text:main,5:int8:det,6:int4:main,7:text:det 'SELECT * FROM p WHERE id % 3 > 0'
\! test/load e 3:int4:main,4:text:main,5:int8:det,6:int4:plainops,7:text:det 'SELECT * FROM p WHERE id % 3 = 0'
-- the order of ids, as one value
CREATE FUNCTION ids(query text, OUT r bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT sum(hashint8extended(id, 0)::numeric * n) %% 1000000007 FROM (SELECT id, row_number() OVER () n FROM (%s) q) s', query) INTO r;
END $$;
CREATE VIEW orders AS SELECT * FROM (VALUES
 ('SELECT id FROM %s ORDER BY i, id'), ('SELECT id FROM %s ORDER BY i DESC NULLS FIRST, id'), ('SELECT id FROM %s ORDER BY i DESC NULLS LAST, id DESC'),
 ('SELECT id FROM %s ORDER BY s, id'), ('SELECT id FROM %s ORDER BY s DESC NULLS LAST, id'),
 ('SELECT id FROM %s ORDER BY d, id'), ('SELECT id FROM %s ORDER BY d DESC, id DESC'), ('SELECT id FROM %s ORDER BY t, id'),
 ('SELECT id FROM %s ORDER BY m, id'), ('SELECT id FROM %s ORDER BY m DESC, id'),
 ('SELECT id FROM %s WHERE id <= 1500 ORDER BY i, d, s DESC, id'), ('SELECT id FROM %s WHERE id <= 1500 ORDER BY k, m, id'),
 ('SELECT id FROM %s ORDER BY t, id LIMIT 5 OFFSET 15000'), ('SELECT DISTINCT ON (m) id FROM %s ORDER BY m, id')) v(q);
CREATE FUNCTION spills(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    IF line ~ 'Sort Method: external merge' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
SET work_mem = '64kB';
SELECT count(*) AS spilled FROM orders WHERE spills(format(q, 'e'));
SELECT count(*) AS wrong FROM orders WHERE ids(format(q, 'p')) IS DISTINCT FROM ids(format(q, 'e'));
SELECT count(DISTINCT i) = (SELECT count(DISTINCT i) FROM p) AS i, count(DISTINCT s) = (SELECT count(DISTINCT s) FROM p) AS s,
 count(DISTINCT d) = (SELECT count(DISTINCT d) FROM p) AS d, count(DISTINCT m) = (SELECT count(DISTINCT m) FROM p) AS m FROM e;
-- a batch of few rows, and of one
SELECT count(*) AS wrong FROM generate_series(2000, 2090, 3) n
 WHERE ids(format('SELECT id FROM p WHERE id <= %s ORDER BY i, id', n)) IS DISTINCT FROM ids(format('SELECT id FROM e WHERE id <= %s ORDER BY i, id', n));
-- rows larger than the memory
SELECT ids('SELECT id FROM (SELECT id, i, repeat(''x'', 100000) FROM e WHERE id <= 100 OFFSET 0) q ORDER BY i, id') = ids('SELECT id FROM p WHERE id <= 100 ORDER BY i, id') AS same;
SET work_mem = '4MB';
SELECT spills('SELECT id FROM (SELECT a.id, a.s FROM e a, generate_series(1, 3) OFFSET 0) q ORDER BY s') AS spilled;
SELECT ids(format(q, 'p')) = ids(format(q, 'e')) AS same FROM (VALUES
 ('SELECT id FROM (SELECT a.id, a.i, n FROM %s a, generate_series(1, 4) n OFFSET 0) q ORDER BY i, id, n'),
 ('SELECT id FROM (SELECT a.id, a.s, n FROM %s a, generate_series(1, 3) n OFFSET 0) q ORDER BY s DESC, id, n')) v(q);
-- scanned twice, and backwards
SET work_mem = '64kB';
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM e ORDER BY i, id;
MOVE LAST IN c;
FETCH 1 FROM c;
FETCH PRIOR FROM c;
FETCH FIRST FROM c;
COMMIT;
(SELECT id FROM p ORDER BY i, id LIMIT 1) UNION ALL (SELECT id FROM p ORDER BY i DESC, id DESC OFFSET 1 LIMIT 1);
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT nodes('SELECT count(*) FROM e a JOIN e b ON a.d = b.d WHERE a.id < 2500 AND b.id < 5000');
SELECT (SELECT count(*) FROM e a JOIN e b ON a.d = b.d WHERE a.id < 2500 AND b.id < 5000) = (SELECT count(*) FROM p a JOIN p b ON a.d = b.d WHERE a.id < 2500 AND b.id < 5000) AS joined;
RESET enable_hashjoin;
RESET enable_nestloop;
-- incremental sort: groups that spill before and after groups that do not
CREATE TABLE gp AS SELECT CASE WHEN n % 10 < 8 THEN n % 3 * 10 ELSE n % 40 END AS g, p.* FROM p, LATERAL (SELECT p.id) x(n);
CREATE TABLE ge AS SELECT CASE WHEN n % 10 < 8 THEN n % 3 * 10 ELSE n % 40 END AS g, e.* FROM e, LATERAL (SELECT e.id) x(n);
CREATE INDEX ON ge (g);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT nodes('SELECT id FROM ge ORDER BY g, i, id');
SELECT ids('SELECT id FROM ge ORDER BY g, i, id') = ids('SELECT id FROM gp ORDER BY g, i, id') AS same,
 ids('SELECT id FROM ge ORDER BY g, s DESC, id LIMIT 15000') = ids('SELECT id FROM gp ORDER BY g, s DESC, id LIMIT 15000') AS same_limit;
RESET enable_seqscan;
RESET enable_bitmapscan;
DROP TABLE gp, ge;
-- index builds and CLUSTER
SET maintenance_work_mem = '1MB';
CREATE INDEX e_i ON e (i);
CREATE INDEX e_s ON e (s DESC, id);
CREATE UNIQUE INDEX e_m ON e (m, id);
SELECT outcome('CREATE UNIQUE INDEX ON e (d)');
SET enable_seqscan = off;
SET enable_sort = off;
SELECT nodes('SELECT id FROM e ORDER BY m, id');
SELECT ids('SELECT id FROM e ORDER BY m, id') = ids('SELECT id FROM p ORDER BY m, id') AS m,
 ids('SELECT id FROM e ORDER BY s DESC, id') = ids('SELECT id FROM p ORDER BY s DESC, id') AS s;
RESET enable_seqscan;
RESET enable_sort;
CLUSTER e USING e_m;
SELECT ids('SELECT id FROM (TABLE e OFFSET 0) x') = ids('SELECT id FROM p ORDER BY m, id') AS clustered;
DROP INDEX e_i, e_s, e_m;
-- built by several processes, each of which merges its own batches first
ALTER TABLE e SET (parallel_workers = 2);
CREATE UNIQUE INDEX e_m ON e (m, id);
SET enable_seqscan = off;
SET enable_sort = off;
SELECT ids('SELECT id FROM e ORDER BY m, id') = ids('SELECT id FROM p ORDER BY m, id') AS m;
RESET enable_seqscan;
RESET enable_sort;
ALTER TABLE e RESET (parallel_workers);
DROP INDEX e_m;
RESET maintenance_work_mem;
-- the session is replaced while a sort takes rows in, in its first batch and in later ones
CREATE FUNCTION reopen(id int, at int, message text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  IF id = at THEN PERFORM cloister_open(message, 'session'); END IF;
  RETURN id;
END $$;
\set early `cloister session`
\set late `cloister session`
SELECT ids(format('SELECT id FROM (SELECT reopen(id, 100, %L) AS id, t FROM e OFFSET 0) q ORDER BY t, id', :'early')) = ids('SELECT id FROM p ORDER BY t, id') AS early;
SELECT ids(format('SELECT id FROM (SELECT reopen(id, 17000, %L) AS id, t FROM e WHERE id <= 18000 OFFSET 0) q ORDER BY t, id', :'late')) = ids('SELECT id FROM p WHERE id <= 18000 ORDER BY t, id') AS late;
-- it is closed
CREATE FUNCTION close_at(id int, at int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  IF id = at THEN PERFORM cloister_close(); END IF;
  RETURN id;
END $$;
SELECT split_part(outcome('SELECT id FROM (SELECT close_at(id, 17000) AS id, t FROM e OFFSET 0) q ORDER BY t'), ' ', 1) AS closed;
-- Once merging has begun, nothing is asked: the session may be closed. But where
-- encrypted values decide between equal ones, each pair is compared.
CREATE FUNCTION drain(c refcursor, INOUT h bigint) LANGUAGE plpgsql AS $$
DECLARE
  id int;
BEGIN
  LOOP
    FETCH c INTO id;
    EXIT WHEN NOT FOUND;
    h := (h * 31 + id) % 1000000007;
  END LOOP;
END $$;
CREATE FUNCTION merge_alone(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  plain refcursor;
  sealed refcursor;
  id int;
BEGIN
  OPEN plain NO SCROLL FOR EXECUTE format(query, 'p');
  OPEN sealed NO SCROLL FOR EXECUTE format(query, 'e');
  FETCH sealed INTO id;
  PERFORM cloister_close();
  RETURN drain(plain, 0) = drain(sealed, id);
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate;
END $$;
\i test/include/session.psql
SELECT merge_alone('SELECT id FROM %s ORDER BY i, id');
\i test/include/session.psql
SELECT merge_alone('SELECT id FROM %s ORDER BY s DESC, id');
\i test/include/session.psql
SELECT merge_alone('SELECT id FROM %s ORDER BY d DESC NULLS LAST, id');
\i test/include/session.psql
SELECT merge_alone('SELECT id FROM %s ORDER BY m, id');
\i test/include/session.psql
SELECT merge_alone('SELECT id FROM %s ORDER BY i, s, id');
RESET work_mem;
DROP VIEW orders;
DROP FUNCTION ids, spills, reopen, close_at, drain, merge_alone;
DROP TABLE p, e;
