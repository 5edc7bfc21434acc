\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p bool);
INSERT INTO plain (p) VALUES (true), (false), (true), (NULL), (false), (true), (NULL);
\set type bool
\set encrypted enc_bool
\i test/include/type.psql
DROP TABLE plain;
