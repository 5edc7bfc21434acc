--
-- Parallel workers take part in the leader's session.
--
\i test/include/session.psql
CREATE TABLE p (id int, g int, i int4, f float8, s text COLLATE "C");
INSERT INTO p SELECT i, i % 5, hashint4(i) % 10000, hashint4(i * 3) / 8.0, md5(i::text) FROM generate_series(1, 6000) i;
CREATE TABLE e (id int, g int, i enc_int4('main'), f enc_float8('main'), s enc_text('main'));
\! test/load e 3:int4:main,4:float8:main,5:text:main 'SELECT * FROM p'
CREATE TABLE truth (g int, s enc_int8('main'), a enc_float8('main'), lo enc_text('main'), hi enc_text('main'), n int);
\! test/load truth 2:int8:main,3:float8:main,4:text:main,5:text:main 'SELECT g, sum(i), sum(i)::float8 / count(i), min(s), max(s), count(*) FROM p GROUP BY ROLLUP (g)'
ANALYZE e;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SELECT nodes('SELECT sum(i), avg(i), min(s) FROM e');
SELECT sum(i) = (SELECT s FROM truth WHERE g IS NULL) AS sum, avg(i) = (SELECT a FROM truth WHERE g IS NULL) AS avg,
       min(s) = (SELECT lo FROM truth WHERE g IS NULL) AS min, max(s) = (SELECT hi FROM truth WHERE g IS NULL) AS max FROM e;
SELECT nodes('SELECT g, sum(i), avg(i), min(s), max(s), count(*) FROM e GROUP BY g');
SELECT g, x.s = t.s AS sum, x.a = t.a AS avg, x.lo = t.lo AS lo, x.hi = t.hi AS hi, x.n = t.n AS n
  FROM (SELECT g, sum(i) s, avg(i) a, min(s) lo, max(s) hi, count(*) n FROM e GROUP BY g) x JOIN truth t USING (g) ORDER BY g;
SET cloister.batch_rows = 3;
SELECT count(*) AS wrong
  FROM (SELECT g, sum(i) s, avg(i) a, min(s) lo, max(s) hi, count(*) n FROM e GROUP BY g) x JOIN truth t USING (g)
 WHERE (x.s = t.s, x.a = t.a, x.lo = t.lo, x.hi = t.hi, x.n = t.n) <> (true, true, true, true, true);
RESET cloister.batch_rows;
-- filters, sorts and joins in workers
SELECT nodes('SELECT count(*) FROM e WHERE i < (SELECT i FROM truth LIMIT 1)');
SELECT count(*) = (SELECT count(*) FROM p WHERE i < (SELECT i FROM p WHERE id = 17)) AS same FROM e WHERE i < (SELECT i FROM e WHERE id = 17);
SELECT nodes('SELECT id FROM e ORDER BY i, id');
SELECT (SELECT array_agg(id) FROM (SELECT id FROM e ORDER BY i, id OFFSET 0) s) = (SELECT array_agg(id) FROM (SELECT id FROM p ORDER BY i, id OFFSET 0) s) AS same;
SELECT (SELECT count(*) FROM e a JOIN e b ON a.i = b.i) = (SELECT count(*) FROM p a JOIN p b ON a.i = b.i) AS same;
-- parallel index build
ALTER TABLE e SET (parallel_workers = 2);
SET max_parallel_maintenance_workers = 2;
CREATE INDEX e_i ON e (i);
SET enable_seqscan = off;
SELECT (SELECT array_agg(id) FROM (SELECT id FROM e WHERE i > (SELECT i FROM e WHERE id = 17) ORDER BY id) s) = (SELECT array_agg(id) FROM (SELECT id FROM p WHERE i > (SELECT i FROM p WHERE id = 17) ORDER BY id) s) AS same;
RESET enable_seqscan;
-- no session, no workers' results either
SELECT cloister_close() \g /dev/null
SELECT outcome('SELECT sum(i) FROM e');
SELECT outcome('SELECT count(*) FROM e WHERE i <= i');
-- a session of the transaction reaches them as well
\set message `cloister session`
BEGIN;
SELECT cloister_open(:'message') \g /dev/null
SELECT count(*) = 6000 AS same FROM e WHERE i <= i;
COMMIT;
SELECT outcome('SELECT count(*) FROM e WHERE i <= i');
DROP TABLE p, e, truth;
