\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p float4);
INSERT INTO plain (p) VALUES ('NaN'), ('NaN'), ('Infinity'), ('-Infinity'), (0), ('-0'), (1e-45), (-1e-45),
 (1.1754944e-38), (3.4028235e38), (-3.4028235e38), (0.1), (-0.1), (16777216), (NULL), (NULL);
\set type float4
\set encrypted enc_float4
\i test/include/type.psql
DROP TABLE plain;
