\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p float8);
INSERT INTO plain (p) VALUES ('NaN'), ('NaN'), ('Infinity'), ('-Infinity'), (0), ('-0'), (5e-324), (-5e-324),
 (2.2250738585072014e-308), (1.7976931348623157e308), (-1.7976931348623157e308), (0.1), (0.30000000000000004),
 (9007199254740992), (NULL), (NULL);
\set type float8
\set encrypted enc_float8
\i test/include/type.psql
DROP TABLE plain;
