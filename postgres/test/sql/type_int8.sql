\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p int8);
INSERT INTO plain (p) VALUES (-9223372036854775808), (-4294967296), (-1), (0), (1), (4294967296), (4294967296), (9223372036854775807), (NULL), (NULL);
\set type int8
\set encrypted enc_int8
\i test/include/type.psql
DROP TABLE plain;
