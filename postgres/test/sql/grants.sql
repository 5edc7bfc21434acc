--
-- A group's operations are what its owner switched on, and values leave a
-- group only where its definition lets them.
--
\i test/include/session.psql
CREATE TABLE g (id int, q enc_int4('eqonly'), p enc_int4('plainops'), m enc_int4('main'));
\! test/load g 2:int4:eqonly,3:int4:plainops,4:int4:main 'SELECT i, i % 5, i % 5, i % 5 FROM generate_series(1, 20) i'
CREATE TABLE gs (p enc_text('plainops'), d enc_date('plainops'), f enc_float8('plainops'));
\! test/load gs 1:text:plainops,2:date:plainops,3:float8:plainops "SELECT 'abc', '2024-02-29', 1.5"
-- what they allow; equality alone joins by hash, merging would take an order
SET enable_mergejoin = off;
SELECT count(*) FROM g a JOIN g b ON a.q = b.q;
SELECT count(*), count(DISTINCT p) FROM g;
SELECT count(*) FROM (SELECT q FROM g GROUP BY q) s;
SELECT count(*) FROM g a JOIN g b ON a.q = b.m;
RESET enable_mergejoin;
SELECT array_agg(id ORDER BY p, id) FROM g;
SELECT min(p) = (SELECT p FROM g WHERE id = 5) FROM g;
-- what they do not
SELECT q, outcome(q) FROM (VALUES
 ('SELECT * FROM g ORDER BY q'),
 ('SELECT q < q FROM g'),
 ('SELECT q < m FROM g'),
 ('SELECT max(q) FROM g'),
 ('SELECT count(DISTINCT q) FROM g'),
 ('CREATE INDEX ON g (q)'),
 ('SELECT p + p FROM g'),
 ('SELECT m + p FROM g'),
 ('SELECT -p FROM g'),
 ('SELECT sum(p) FROM g'),
 ('SELECT avg(p) FROM g'),
 ('SELECT p::enc_int8 FROM g'),
 ('SELECT p LIKE p FROM gs'),
 ('SELECT p || p FROM gs'),
 ('SELECT length(p) FROM gs'),
 ('SELECT lower(p) FROM gs'),
 ('SELECT sum(f) FROM gs')) v(q);
SELECT sum(p) FROM g;
-- after each refusal the allowed still works
SELECT count(*) FROM g WHERE p < (SELECT p FROM g WHERE id = 3);

-- flows: into a group that allows no more, or that the definition names
CREATE TABLE f (id int, p enc_int4('plainops'), m enc_int4('main'), y enc_int4('pay'), t enc_int4('total'));
INSERT INTO f (id, p) SELECT id, m FROM g;
INSERT INTO f (id, m) SELECT id, m FROM g;
INSERT INTO f (id, y) SELECT id, p FROM g;
\! test/load 'f (id, y)' 2:int4:pay 'SELECT i, i % 5 FROM generate_series(1, 20) i'
INSERT INTO f (id, t) SELECT id, y FROM f WHERE y IS NOT NULL;
INSERT INTO f (id, t) SELECT id, m FROM g;
SELECT count(p), count(m), count(y), count(t) FROM f;
SELECT q, outcome(q) FROM (VALUES
 ('INSERT INTO f (m) SELECT p FROM g'),
 ('INSERT INTO f (m) SELECT q FROM g'),
 ('INSERT INTO f (p) SELECT q FROM g'),
 ('INSERT INTO f (m) SELECT y FROM f WHERE y IS NOT NULL'),
 ('UPDATE f SET m = y WHERE y IS NOT NULL'),
 ('SELECT p::enc_int4(''main'') FROM g')) v(q);
SELECT count(*) FROM f JOIN g USING (id) WHERE f.t = g.m OR f.t = g.p OR f.y = g.m;
-- a column moves to another group, or stays as it was
ALTER TABLE g ALTER m TYPE enc_int4('det');
SELECT count(*) FROM g WHERE m = p;
SELECT outcome('ALTER TABLE g ALTER p TYPE enc_int4(''main'')');
SELECT count(*) FROM g WHERE m = p;
DROP TABLE g, gs, f;
