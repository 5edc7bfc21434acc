\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p uuid);
INSERT INTO plain (p) VALUES ('00000000-0000-0000-0000-000000000000'), ('ffffffff-ffff-ffff-ffff-ffffffffffff'),
 ('00000000-0000-0000-0000-000000000001'), ('01000000-0000-0000-0000-000000000000'),
 ('7fffffff-ffff-ffff-ffff-ffffffffffff'), ('80000000-0000-0000-0000-000000000000'),
 ('80000000-0000-0000-0000-000000000000'), (NULL), (NULL);
\set type uuid
\set encrypted enc_uuid
\i test/include/type.psql
DROP TABLE plain;
