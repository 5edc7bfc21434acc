\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p int4);
INSERT INTO plain (p) VALUES (-2147483648), (-65536), (-1), (0), (1), (255), (256), (256), (2147483647), (NULL), (NULL);
\set type int4
\set encrypted enc_int4
\i test/include/type.psql
DROP TABLE plain;
