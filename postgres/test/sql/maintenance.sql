--
-- VACUUM and ANALYZE need no session; builds of indexes do, and say so.
--
\i test/include/session.psql
CREATE EXTENSION amcheck;
CREATE TABLE m (id int, i enc_int4('main'), d enc_int4('det'), s enc_text('main'), b enc_bool('main'));
\! test/load m 2:int4:main,3:int4:det,4:text:main,5:bool:main "SELECT i, hashint4(i) % 1000, i % 10, repeat(md5(i::text), 20), i % 2 = 0 FROM generate_series(1, 3000) i"
CREATE INDEX m_i ON m (i);
CREATE INDEX m_s ON m (s);
CREATE INDEX m_d ON m USING hash (d);
SELECT bt_index_parent_check(c, true, true) FROM (VALUES ('m_i'::regclass), ('m_s')) v(c);
SELECT cloister_close() \g /dev/null
DELETE FROM m WHERE id % 20 <> 0;
VACUUM m;
DELETE FROM m WHERE id < 2500;
VACUUM (INDEX_CLEANUP ON, ANALYZE) m;
VACUUM m;
ANALYZE m;
SELECT attname, n_distinct, null_frac, avg_width > 40 AS wide, most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'm' AND attname <> 'id' ORDER BY 1;
-- equal cells of a deterministic group are counted as PostgreSQL counts values
CREATE TABLE stats_plain AS SELECT i % 10 AS few, i AS own, CASE WHEN i % 4 > 0 THEN i / 3 END AS gaps, CASE WHEN i > 40 THEN i ELSE i % 5 END AS mixed, NULL::int AS none FROM generate_series(1, 3000) i;
CREATE TABLE stats_det (few enc_int4('det'), own enc_int4('det'), gaps enc_int4('det'), mixed enc_int4('det'), none enc_int4('det'));
\! test/load stats_det 1:int4:det,2:int4:det,3:int4:det,4:int4:det,5:int4:det 'SELECT * FROM stats_plain'
ANALYZE stats_plain, stats_det;
SELECT attname, d.n_distinct = p.n_distinct AS n_distinct, d.null_frac = p.null_frac AS null_frac
  FROM pg_stats d JOIN pg_stats p USING (attname) WHERE d.tablename = 'stats_det' AND p.tablename = 'stats_plain' ORDER BY 1;
DROP TABLE stats_plain, stats_det;
-- planning uses that and asks nobody
SELECT nodes('SELECT * FROM m a JOIN m b ON a.i = b.d WHERE a.i < b.i AND a.s <> b.s AND a.d IN (SELECT d FROM m)') <> '' AS planned;
SELECT nodes('SELECT * FROM m a, m b, m c WHERE a.i = b.i AND b.d = c.d AND a.s LIKE c.s AND a.i BETWEEN b.d AND c.d') <> '' AS planned;
SELECT outcome('CREATE INDEX ON m (i)');
SELECT outcome('REINDEX TABLE m');
SELECT outcome('SELECT bt_index_check(''m_i'')');
SELECT outcome('INSERT INTO m SELECT * FROM m');
SELECT outcome('ALTER TABLE m ALTER i TYPE enc_int4(''det'')');
-- a row without the indexed values needs no session
INSERT INTO m (id) VALUES (0);
\set message `cloister session`
SELECT cloister_open(:'message', 'session') \g /dev/null
SELECT bt_index_parent_check(c, true, true) FROM (VALUES ('m_i'::regclass), ('m_s')) v(c);
SELECT count(*) FROM m WHERE i <= i;
VACUUM FULL m;
REINDEX TABLE CONCURRENTLY m;
SELECT bt_index_parent_check(c, true, true) FROM (VALUES ('m_i'::regclass), ('m_s')) v(c);
-- statistics that would need to compare or would keep cells are refused
SELECT outcome('CREATE STATISTICS m_stats ON i, d FROM m');
SELECT outcome('CREATE INDEX ON m USING gin (i)');
CREATE TABLE arrays (a enc_int4[]);
INSERT INTO arrays SELECT array_agg(i) FROM m GROUP BY id % 5;
SELECT outcome('CREATE INDEX ON arrays USING gin (a)');
-- nor do arrays leave any
ANALYZE arrays;
SELECT cloister_close() \g /dev/null
ANALYZE arrays;
SELECT null_frac, avg_width > 100 AS wide, most_common_vals, histogram_bounds, most_common_elems FROM pg_stats WHERE tablename = 'arrays';
VACUUM ANALYZE m;
DROP TABLE m, arrays;
DROP EXTENSION amcheck;
