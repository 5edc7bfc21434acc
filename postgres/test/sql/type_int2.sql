\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p int2);
INSERT INTO plain (p) VALUES (-32768), (-1), (0), (1), (2), (7), (7), (32767), (NULL), (NULL);
\set type int2
\set encrypted enc_int2
\i test/include/type.psql
DROP TABLE plain;
