--
-- Nothing works on encrypted data without a session.
--
\setenv PGDATABASE :DBNAME
\set one `echo 1 | cloister encrypt --group main --type int4`
\set two `echo 2 | cloister encrypt --group main --type int4`
\set txt `echo one | cloister encrypt --group main --type text`
\set day `echo 2024-02-29 | cloister encrypt --group main --type date`
-- ciphertext is stored and read without any key
CREATE TABLE a (id int, e enc_int4('main'), s enc_text('main'), d enc_date('main'));
INSERT INTO a VALUES (1, :'one', :'txt', :'day'), (2, :'two', :'txt', :'day'), (3, NULL, NULL, NULL);
SELECT count(*), count(e), count(s) FROM a;
SELECT id FROM a WHERE e::text LIKE 'cl1\_%' AND length(e::text) > 50 ORDER BY id;

CREATE TABLE statements (id int GENERATED ALWAYS AS IDENTITY, q text);
INSERT INTO statements (q) VALUES
 ('SELECT e = e FROM a'),
 ('SELECT e < e FROM a'),
 ('SELECT id FROM a ORDER BY e'),
 ('SELECT id FROM a ORDER BY e LIMIT 1'),
 ('SELECT DISTINCT e FROM a'),
 ('SELECT count(*) FROM a GROUP BY e'),
 ('SELECT count(DISTINCT e) FROM a'),
 ('SELECT sum(e) FROM a'),
 ('SELECT avg(e) FROM a'),
 ('SELECT min(e) FROM a'),
 ('SELECT max(s) FROM a'),
 ('SELECT sum(e) OVER (ORDER BY id) FROM a'),
 ('SELECT rank() OVER (ORDER BY e) FROM a'),
 ('SELECT e + e FROM a'),
 ('SELECT -e FROM a'),
 ('SELECT s LIKE s FROM a'),
 ('SELECT s || s FROM a'),
 ('SELECT length(s) FROM a'),
 ('SELECT e::enc_int8 FROM a'),
 ('SELECT e::enc_int4(''det'') FROM a'),
 ('SELECT * FROM a x JOIN a y USING (e)'),
 ('SELECT * FROM a WHERE e IN (SELECT e FROM a)'),
 ('SELECT * FROM a x WHERE EXISTS (SELECT FROM a y WHERE y.e > x.e)'),
 ('CREATE INDEX a_e ON a (e)'),
 ('CREATE INDEX a_e ON a USING hash (e)'),
 ('ALTER TABLE a ADD PRIMARY KEY (e)'),
 ('CREATE TABLE b AS SELECT e FROM a ORDER BY e'),
 ('INSERT INTO a SELECT id, e + e, s, d FROM a');
SELECT q, outcome(q) FROM statements ORDER BY id;
-- with the hint
SELECT e = e FROM a WHERE id = 1;
-- NULL stays NULL, no rows need no session, and neither does planning
SELECT e = e, e < e, e + e IS NULL FROM a WHERE e IS NULL;
SELECT sum(e), min(e) FROM a WHERE e IS NULL;
SELECT nodes('SELECT sum(x.e) FROM a x JOIN a y ON x.e = y.e WHERE x.e < y.e AND x.s LIKE y.s ORDER BY min(x.e)');

-- a role may have every privilege on the table and still has no session
CREATE ROLE regress_cloister_reader;
GRANT ALL ON a, statements TO regress_cloister_reader;
SET ROLE regress_cloister_reader;
SELECT count(*) FROM statements WHERE outcome(q) = 'no error';
-- nor may it choose another agent
SET cloister.socket = '/nonexistent/socket';
RESET ROLE;

-- what is no session message is refused, and nothing opens
SELECT outcome($$SELECT cloister_open('', 'session')$$);
SELECT outcome($$SELECT cloister_open('*', 'session')$$);
SELECT outcome($$SELECT cloister_open('QUJDRA==', 'session')$$);
SELECT outcome(format('SELECT cloister_open(%L, ''session'')', replace(encode(decode(repeat('00', 100000), 'hex'), 'base64'), E'\n', '')));
\set message `cloister session`
SELECT outcome(format('SELECT cloister_open(%L, ''forever'')', :'message'));
SELECT outcome('SELECT e = e FROM a');

-- a session of the transaction ends with it, either way
BEGIN;
SELECT cloister_open(:'message') \g /dev/null
SELECT id FROM a ORDER BY e DESC;
COMMIT;
SELECT outcome('SELECT e = e FROM a');
-- the message worked once and never again
SELECT outcome(format('SELECT cloister_open(%L)', :'message'));
\set message `cloister session`
BEGIN;
SELECT cloister_open(:'message') \g /dev/null
SELECT count(*) FROM a WHERE e = :'one';
ROLLBACK;
SELECT outcome('SELECT e = e FROM a');

-- a message is for one boot of one engine and not for a changed text
\set message `cloister session`
SELECT outcome(format('SELECT cloister_open(%L)', overlay(:'message' PLACING (CASE substr(:'message', 40, 1) WHEN 'A' THEN 'B' ELSE 'A' END) FROM 40)));

-- a session of the session stays over transactions and errors, until closed
\set message `cloister session`
SELECT cloister_open(:'message', 'session') \g /dev/null
SELECT q, o FROM statements, outcome(q) o WHERE o <> 'no error' ORDER BY id;
SELECT 1/0;
SELECT id FROM a ORDER BY e DESC;
SELECT cloister_close() \g /dev/null
SELECT outcome('SELECT e = e FROM a');
-- another connection has none
\set message `cloister session`
SELECT cloister_open(:'message', 'session') \g /dev/null
SELECT id FROM a WHERE e = :'two' ORDER BY id;
\c -
SELECT outcome('SELECT e = e FROM a');

DROP TABLE a, statements;
DROP TABLE IF EXISTS b;
DROP ROLE regress_cloister_reader;
