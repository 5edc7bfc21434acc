--
-- sum, avg, min, max against PostgreSQL's own. Every count of wrong rows is 0.
--
\i test/include/session.psql
CREATE TABLE p (id int, g int, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, s text COLLATE "C", d date);
INSERT INTO p SELECT i, i % 7,
  CASE WHEN i % 11 > 0 THEN hashint4(i) % 100 END,
  CASE WHEN i % 13 > 0 THEN hashint4(i * 3) % 1000000 END,
  CASE WHEN i % 17 > 0 THEN hashint4(i * 5)::int8 * 1000003 END,
  CASE WHEN i % 19 > 0 THEN hashint4(i * 7) / 1000003.0::float4 END,
  CASE WHEN i % 23 > 0 THEN hashint4(i * 9) / 7.0::float8 END,
  CASE WHEN i % 29 > 0 THEN md5(i::text) END,
  date '2000-01-01' + hashint4(i * 11) % 10000
  FROM generate_series(1, 2000) i;
-- group 7: one row; group 8: NULLs only; group 9: NaN and infinity
INSERT INTO p VALUES (2001, 7, 1, 2, 3, 0.1, 0.1, 'x', '-infinity'), (2002, 8, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (2003, 8, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (2004, 9, -32768, -2147483648, -9223372036854775808, 'NaN', 'Infinity', '', 'infinity'),
 (2005, 9, 32767, 2147483647, 9223372036854775807, '-Infinity', '-Infinity', '', NULL);
CREATE TABLE e (id int, g int, i2 enc_int2('main'), i4 enc_int4('main'), i8 enc_int8('main'),
  f4 enc_float4('main'), f8 enc_float8('main'), s enc_text('main'), d enc_date('det'));
\! test/load e 3:int2:main,4:int4:main,5:int8:main,6:float4:main,7:float8:main,8:text:main,9:date:det 'SELECT * FROM p'

-- the truth, encrypted
CREATE TABLE truth (g int, s2 enc_int8('main'), s4 enc_int8('main'), s8 enc_int8('main'), sf4 enc_float4('main'), sf8 enc_float8('main'),
  a2 enc_float8('main'), a4 enc_float8('main'), af4 enc_float8('main'), af8 enc_float8('main'),
  m2 enc_int2('main'), x4 enc_int4('main'), m8 enc_int8('main'), x8 enc_int8('main'), mf4 enc_float4('main'), xf8 enc_float8('main'),
  ms enc_text('main'), xs enc_text('main'), md enc_date('det'), xd enc_date('det'));
CREATE VIEW truth_plain AS SELECT g, sum(i2) s2, sum(i4) s4, sum(i8)::int8 s8, sum(f4) sf4, sum(f8) sf8,
  sum(i2)::float8 / count(i2) a2, sum(i4)::float8 / count(i4) a4, avg(f4) af4, avg(f8) af8,
  min(i2) m2, max(i4) x4, min(i8) m8, max(i8) x8, min(f4) mf4, max(f8) xf8, min(s) ms, max(s) xs, min(d) md, max(d) xd
  FROM (SELECT * FROM p ORDER BY g, id) o WHERE g <> 8 GROUP BY g;
\! test/load truth 2:int8:main,3:int8:main,4:int8:main,5:float4:main,6:float8:main,7:float8:main,8:float8:main,9:float8:main,10:float8:main,11:int2:main,12:int4:main,13:int8:main,14:int8:main,15:float4:main,16:float8:main,17:text:main,18:text:main,19:date:det,20:date:det 'SELECT * FROM truth_plain'
CREATE VIEW got AS SELECT g, sum(i2) s2, sum(i4) s4, sum(i8) s8, sum(f4) sf4, sum(f8) sf8,
  avg(i2) a2, avg(i4) a4, avg(f4) af4, avg(f8) af8,
  min(i2) m2, max(i4) x4, min(i8) m8, max(i8) x8, min(f4) mf4, max(f8) xf8, min(s) ms, max(s) xs, min(d) md, max(d) xd
  FROM (SELECT * FROM e ORDER BY g, id) o GROUP BY g;
CREATE VIEW compared AS SELECT g.g,
  ARRAY[g.s2 = t.s2, g.s4 = t.s4, g.s8 = t.s8, g.sf4 = t.sf4, g.sf8 = t.sf8] AS sums,
  ARRAY[g.a2 = t.a2, g.a4 = t.a4, g.af4 = t.af4, g.af8 = t.af8] AS avgs,
  ARRAY[g.m2 = t.m2, g.x4 = t.x4, g.m8 = t.m8, g.x8 = t.x8, g.mf4 = t.mf4, g.xf8 = t.xf8, g.ms = t.ms, g.xs = t.xs, g.md = t.md, g.xd = t.xd] AS ends
  FROM got g JOIN truth t USING (g);
SELECT * FROM compared ORDER BY g;
-- the batch's size changes nothing
SET cloister.batch_rows = 1;
SELECT count(*) AS groups, count(*) FILTER (WHERE (true = ALL (sums || avgs || ends)) IS NOT TRUE) AS wrong FROM compared;
SET cloister.batch_rows = 7;
SELECT count(*) AS groups, count(*) FILTER (WHERE (true = ALL (sums || avgs || ends)) IS NOT TRUE) AS wrong FROM compared;
SET cloister.batch_rows = 65536;
SELECT count(*) AS groups, count(*) FILTER (WHERE (true = ALL (sums || avgs || ends)) IS NOT TRUE) AS wrong FROM compared;
RESET cloister.batch_rows;
-- nor does the way of grouping
SET enable_hashagg = off;
SELECT count(*) AS groups, count(*) FILTER (WHERE (true = ALL (sums || avgs || ends)) IS NOT TRUE) AS wrong FROM compared;
RESET enable_hashagg;

-- results have the column's group and the type that is said
SELECT pg_typeof(sum(i2)), pg_typeof(sum(i4)), pg_typeof(sum(i8)), pg_typeof(sum(f4)), pg_typeof(sum(f8)),
  pg_typeof(avg(i2)), pg_typeof(avg(f4)), pg_typeof(min(s)), pg_typeof(max(d)) FROM e WHERE g = 7;
-- no rows and NULLs only
SELECT sum(i4) IS NULL AS a, avg(i4) IS NULL AS b, min(s) IS NULL AS c, max(d) IS NULL AS d, count(i4) FROM e WHERE g = 8;
SELECT sum(i4) IS NULL AS a, avg(i4) IS NULL AS b, min(s) IS NULL AS c, count(*) FROM e WHERE false;
-- FILTER, DISTINCT, ORDER BY, HAVING
SELECT sum(i4) FILTER (WHERE id > 1000) = (SELECT sum(i4) FROM e WHERE id > 1000 AND g < 7) AS same FROM e WHERE g < 7;
SELECT count(*) AS wrong FROM (SELECT g, count(DISTINCT i2) n FROM e GROUP BY g) a FULL JOIN (SELECT g, count(DISTINCT i2) n FROM p GROUP BY g) b USING (g, n) WHERE a IS NULL OR b IS NULL;
SELECT count(*) AS groups FROM (SELECT g FROM e GROUP BY g HAVING max(i4) > (SELECT x4 FROM truth WHERE g = 3)) s;
SELECT count(*) AS groups FROM (SELECT g FROM p GROUP BY g HAVING max(i4) > (SELECT x4 FROM truth_plain WHERE g = 3)) s;
-- many small groups
SELECT count(*) AS wrong FROM (SELECT id / 3 AS k, sum(i4) s, max(i4) x FROM e GROUP BY 1) a JOIN e b ON b.id / 3 = a.k WHERE b.i4 > a.x;
SELECT count(*) AS groups, count(s) AS sums FROM (SELECT id / 3 AS k, sum(i4) s FROM e GROUP BY 1) a;
-- and with little memory for them
SET work_mem = '64kB';
SELECT count(*) AS groups, count(*) FILTER (WHERE (true = ALL (sums || avgs || ends)) IS NOT TRUE) AS wrong FROM compared;
RESET work_mem;

-- window frames: the state goes on after a result was taken
SELECT count(*) AS wrong FROM
 (SELECT id, sum(i4) OVER w s, avg(i4) OVER w a, min(i4) OVER w m, count(i4) OVER w n FROM e WHERE id <= 100 WINDOW w AS (ORDER BY id)) x
 WHERE s IS DISTINCT FROM (SELECT sum(i4) FROM e WHERE e.id <= x.id) AND s <> (SELECT sum(i4) FROM e WHERE e.id <= x.id)
    OR a <> (SELECT avg(i4) FROM e WHERE e.id <= x.id) OR m <> (SELECT min(i4) FROM e WHERE e.id <= x.id);
SELECT count(*) AS wrong FROM
 (SELECT id, sum(i4) OVER w s FROM e WHERE id <= 60 WINDOW w AS (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING)) x
 WHERE s <> (SELECT sum(i4) FROM e WHERE e.id BETWEEN x.id - 3 AND x.id + 1 AND e.id <= 60);
SELECT count(*) AS wrong FROM (SELECT id, rank() OVER (PARTITION BY g ORDER BY i2) r FROM e) a
 JOIN (SELECT id, rank() OVER (PARTITION BY g ORDER BY i2) r FROM p) b USING (id) WHERE a.r <> b.r;
-- a window over an encrypted partition and range of peers
SELECT count(*) AS wrong FROM (SELECT id, count(*) OVER (PARTITION BY i2 ORDER BY i4) r FROM e) a
 JOIN (SELECT id, count(*) OVER (PARTITION BY i2 ORDER BY i4) r FROM p) b USING (id) WHERE a.r <> b.r;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY i4) = (SELECT i4 FROM e WHERE id = (SELECT min(id) FROM p WHERE i4 = (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY i4) FROM p))) AS median FROM e;

-- overflow is an error; PostgreSQL has numeric for sums of bigint
SELECT outcome('SELECT sum(i8) FROM (SELECT i8 FROM e WHERE id = 2005 UNION ALL SELECT i8 FROM e WHERE id = 2005) s');
SELECT outcome('SELECT sum(i8) FROM (SELECT i8 FROM p WHERE id = 2005 UNION ALL SELECT i8 FROM p WHERE id = 2005) s');
-- rows of several groups in one aggregate
CREATE TABLE mixed (id int, e enc_int4);
INSERT INTO mixed SELECT id, e.i4 FROM e WHERE id <= 20;
INSERT INTO mixed SELECT 100 + id, e.i4::enc_int4('det') FROM e WHERE id <= 20;
INSERT INTO mixed SELECT 200 + id, e.i4 FROM e WHERE id <= 20;
SELECT sum(e) = (SELECT sum(x.i4) FROM (SELECT i4 FROM e WHERE id <= 20) x, generate_series(1, 3)) AS summed,
       max(e) = (SELECT max(i4) FROM e WHERE id <= 20) AS largest,
       avg(e) = (SELECT avg(i4) FROM e WHERE id <= 20) AS average FROM mixed;
SELECT count(*) FROM (SELECT e FROM mixed GROUP BY e) s;

-- booleans
CREATE TABLE bools (g int, b enc_bool('main'));
\! test/load bools 2:bool:main "VALUES (1, true), (1, true), (2, true), (2, false), (3, NULL), (4, false), (4, NULL)"
SELECT g, cloister_is_true(bool_and(b)) AS "and", cloister_is_true(every(b)) AS every, cloister_is_true(bool_or(b)) AS "or" FROM bools GROUP BY g ORDER BY g;

-- an index answers min and max
CREATE INDEX e_i4 ON e (i4);
SET enable_seqscan = off;
SELECT nodes('SELECT min(i4), max(i4) FROM e');
SELECT min(i4) = (SELECT i4 FROM e WHERE i4 <= ALL (SELECT i4 FROM e WHERE i4 IS NOT NULL) LIMIT 1) AS low FROM e;
SELECT max(i4) = (SELECT x4 FROM truth WHERE g = 9) AS high FROM e;
RESET enable_seqscan;
DROP VIEW compared, got, truth_plain;
DROP TABLE p, e, truth, mixed, bools;
