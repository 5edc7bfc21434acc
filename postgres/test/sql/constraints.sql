--
-- Keys over encrypted columns.
--
\i test/include/session.psql
\set one `echo 1 | cloister encrypt --group main --type int4`
\set uno `echo 1 | cloister encrypt --group main --type int4`
\set two `echo 2 | cloister encrypt --group main --type int4`
\set big `echo 1 | cloister encrypt --group main --type int8`
CREATE TABLE parent (k enc_int4('main') PRIMARY KEY, v int);
INSERT INTO parent VALUES (:'one', 1), (:'two', 2);
-- another encryption of the same value is the same key
SELECT outcome(format('INSERT INTO parent VALUES (%L, 3)', :'uno'));
SELECT outcome('INSERT INTO parent VALUES (NULL, 3)');
SELECT outcome(format('UPDATE parent SET k = %L WHERE k = %L', :'one', :'two'));
INSERT INTO parent VALUES (:'uno', 10) ON CONFLICT (k) DO UPDATE SET v = excluded.v;
INSERT INTO parent VALUES (:'uno', 20) ON CONFLICT DO NOTHING;
SELECT v FROM parent ORDER BY k;
MERGE INTO parent p USING (SELECT k, v + 1 AS v FROM parent) s ON p.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v;
SELECT v FROM parent ORDER BY k;
-- foreign keys
CREATE TABLE child (id int, k enc_int4('main') REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO child VALUES (1, :'uno'), (2, :'two'), (3, NULL);
SELECT outcome(format('INSERT INTO child VALUES (4, %L)', c)) FROM (VALUES (:'one')) v(c);
\set three `echo 3 | cloister encrypt --group main --type int4`
SELECT outcome(format('INSERT INTO child VALUES (5, %L)', :'three'));
UPDATE parent SET k = :'three' WHERE k = :'two';
SELECT c.id FROM child c JOIN parent p USING (k) ORDER BY id;
DELETE FROM parent WHERE k = :'one';
SELECT id FROM child ORDER BY id;
-- over two types and two groups
CREATE TABLE wide (id int, k enc_int8('det') REFERENCES parent (k));
\set three8 `echo 3 | cloister encrypt --group det --type int8`
\set four8 `echo 4 | cloister encrypt --group det --type int8`
INSERT INTO wide VALUES (1, :'three8');
SELECT outcome(format('INSERT INTO wide VALUES (2, %L)', :'four8'));
SELECT outcome('DELETE FROM parent');
DROP TABLE wide, child, parent;
-- UNIQUE: NULLs are distinct, a build finds duplicates
CREATE TABLE u (k enc_int4('main') UNIQUE, l enc_int4('main'));
INSERT INTO u VALUES (NULL, :'one'), (NULL, :'uno');
SELECT outcome('CREATE UNIQUE INDEX ON u (l)');
SELECT outcome('ALTER TABLE u ADD UNIQUE NULLS NOT DISTINCT (k)');
-- exclusion by hash index
DELETE FROM u;
ALTER TABLE u ADD EXCLUDE USING hash (l WITH =);
INSERT INTO u VALUES (NULL, :'one');
SELECT outcome(format('INSERT INTO u VALUES (NULL, %L)', :'uno'));
DROP TABLE u;
-- CHECK
CREATE TABLE c (low enc_int4('main'), high enc_int4('main'), CHECK (low <= high));
INSERT INTO c VALUES (:'one', :'two'), (:'one', :'uno'), (NULL, :'one');
SELECT outcome(format('INSERT INTO c VALUES (%L, %L)', :'two', :'one'));
DROP TABLE c;

-- hash partitions: equal values meet, pruning finds them
CREATE TABLE h (k enc_int4('main'), v int) PARTITION BY HASH (k);
CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE h2 PARTITION OF h FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE stage (k enc_int4('main'), v int);
\! test/load stage 1:int4:main 'SELECT i % 100, i FROM generate_series(1, 1000) i'
INSERT INTO h SELECT * FROM stage;
SELECT count(*) AS split FROM (SELECT k FROM h GROUP BY k HAVING count(DISTINCT tableoid) > 1) s;
SELECT count(*) = 1000 AS all_rows, count(DISTINCT tableoid) AS partitions FROM h;
SELECT count(*) FROM h WHERE k = :'one';
SELECT v % 100 AS v, count(*) FROM h WHERE k = :'uno' GROUP BY 1;
SELECT outcome('INSERT INTO h1 SELECT k, v FROM h0 LIMIT 1');
DELETE FROM h WHERE k = :'one';
SELECT count(*) FROM h;
SET enable_partitionwise_join = on;
SET enable_partitionwise_aggregate = on;
SELECT count(*) FROM h a JOIN h b USING (k);
SELECT count(*), sum(n) FROM (SELECT k, count(*) n FROM h GROUP BY k) s;
RESET enable_partitionwise_join;
RESET enable_partitionwise_aggregate;
DROP TABLE h, stage;
-- range and list partitions need a constant order: bounds are cells
CREATE TABLE r (k enc_int4('main'), v int) PARTITION BY RANGE (k);
SELECT outcome(format('CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (%L) TO (%L)', :'one', :'three'));
SELECT outcome(format('INSERT INTO r VALUES (%L, 2)', :'two'));
SELECT outcome(format('INSERT INTO r VALUES (%L, 3)', :'three'));
DROP TABLE r;
