--
-- Arithmetic. Every count of wrong results is 0.
--
\i test/include/session.psql
CREATE TABLE nasty (t text, v text[]);
INSERT INTO nasty VALUES
 ('int2', '{-32768,-32767,-7,-1,0,1,2,3,181,182,32767}'),
 ('int4', '{-2147483648,-2147483647,-46341,-7,-1,0,1,3,46340,46341,2147483647}'),
 ('int8', '{-9223372036854775808,-9223372036854775807,-3037000500,-7,-1,0,1,3,3037000499,3037000500,9223372036854775807}'),
 ('float4', '{-Infinity,-3.4028235e38,-1.5,-1e-45,-0,0,1e-45,1.1754944e-38,0.1,3,16777216,3.4028235e38,Infinity,NaN}'),
 ('float8', '{-Infinity,-1.7976931348623157e308,-1.5,-5e-324,-0,0,5e-324,2.2250738585072014e-308,0.1,3,9007199254740993,1.7976931348623157e308,Infinity,NaN}');
\set l int2
\set r int2
\set w int2
\i test/include/arithmetic.psql
\set r int4
\set w int4
\i test/include/arithmetic.psql
\set l int4
\i test/include/arithmetic.psql
\set r int8
\set w int8
\i test/include/arithmetic.psql
\set l int8
\i test/include/arithmetic.psql
\set l float4
\set r float4
\set w float4
\i test/include/arithmetic.psql
\set r float8
\set w float8
\i test/include/arithmetic.psql
\set l int8
\i test/include/arithmetic.psql
\set l float8
\i test/include/arithmetic.psql
\set r int2
\i test/include/arithmetic.psql
\set l float4
\set r int4
\i test/include/arithmetic.psql

-- % and unary minus
CREATE TABLE pairs AS SELECT row_number() OVER () AS id, a, b, attempt(format('%L::int8 %% %L::int4', a, b)) r, attempt(format('- %L::int8', a)) n
  FROM nasty x, nasty y, unnest(x.v) a, unnest(y.v) b WHERE x.t = 'int8' AND y.t = 'int4';
CREATE TABLE t (id int, a enc_int8('main'), b enc_int4('main'), r enc_int8('main'), n enc_int8('main'));
\! test/load t 2:int8:main,3:int4:main,4:int8:main,5:int8:main "SELECT id, a, b, CASE WHEN r NOT LIKE '!%' THEN r END, CASE WHEN n NOT LIKE '!%' THEN n END FROM pairs"
SELECT count(r), count(*) FILTER (WHERE NOT CASE WHEN r IS NOT NULL THEN a % b = r END) AS "%", count(n), count(*) FILTER (WHERE NOT CASE WHEN n IS NOT NULL THEN -a = n END) AS "-" FROM t;
SELECT truth, op, count(*), count(*) FILTER (WHERE truth <> '!' || left(outcome(format(op, t.a, t.b)), 5)) AS wrong
  FROM t JOIN pairs p USING (id), LATERAL (VALUES ('SELECT %L::enc_int8 %% %L::enc_int4', p.r), ('SELECT - %L::enc_int8', p.n)) v(op, truth) WHERE truth LIKE '!%' GROUP BY 1, 2 ORDER BY 1, 2;
-- the errors in full
SELECT a + a FROM t ORDER BY a DESC LIMIT 1;
SELECT a / (b - b) FROM t LIMIT 1;
SELECT a % (b - b) FROM t LIMIT 1;
-- NULL in, NULL out
SELECT a + NULL IS NULL AS n, NULL::enc_int4 * b IS NULL AS m, - NULL::enc_int8 IS NULL AS o FROM t LIMIT 1;
-- results belong to the left operand's group and may be stored there
CREATE TABLE sums (s enc_int8('main'));
INSERT INTO sums SELECT a + b FROM t WHERE id = (SELECT min(id) FROM pairs WHERE a = '0');
INSERT INTO sums SELECT b - b FROM t LIMIT 3;
SELECT count(*) FROM sums;
-- dates
CREATE TABLE days AS SELECT row_number() OVER () AS id, d, n, attempt(format('%L::date + %s', d, n)) p, attempt(format('%L::date - %s', d, n)) m, attempt(format('%L::date - date ''2024-03-01''', d)) x
  FROM unnest('{4713-01-01 BC,0001-12-31 BC,1999-12-31,2024-02-28,5874897-12-31,infinity,-infinity}'::text[]) d, unnest('{-2147483648,-366,-1,0,1,366,2147483647}'::text[]) n;
CREATE TABLE edays (id int, d enc_date('main'), n enc_int4('main'), p enc_date('main'), m enc_date('main'), x enc_int4('main'));
\! test/load edays 2:date:main,3:int4:main,4:date:main,5:date:main,6:int4:main "SELECT id, d, n, CASE WHEN p NOT LIKE '!%' THEN p::date END, CASE WHEN m NOT LIKE '!%' THEN m::date END, CASE WHEN x NOT LIKE '!%' THEN x END FROM days"
\set march `echo 2024-03-01 | cloister encrypt --group main --type date`
SELECT count(p), count(*) FILTER (WHERE NOT CASE WHEN p IS NOT NULL THEN d + n = p AND n + d = p END) AS "+", count(*) FILTER (WHERE NOT CASE WHEN m IS NOT NULL THEN d - n = m END) AS "-",
       count(*) FILTER (WHERE NOT CASE WHEN x IS NOT NULL THEN d - :'march'::enc_date = x END) AS "date - date" FROM edays;
SELECT truth, op, count(*), count(*) FILTER (WHERE truth <> '!' || left(outcome(format(op, e.d, CASE WHEN op LIKE '%enc_int4' THEN e.n::text ELSE :'march' END)), 5)) AS wrong
  FROM edays e JOIN days p USING (id), LATERAL (VALUES ('SELECT %L::enc_date + %L::enc_int4', p.p), ('SELECT %L::enc_date - %L::enc_int4', p.m), ('SELECT %L::enc_date - %L::enc_date', p.x)) v(op, truth) WHERE truth LIKE '!%' GROUP BY 1, 2 ORDER BY 1, 2;
DROP TABLE nasty, pairs, t, sums, days, edays;
