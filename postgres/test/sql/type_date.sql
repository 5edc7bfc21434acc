\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p date);
INSERT INTO plain (p) VALUES ('-infinity'), ('infinity'), ('4713-01-01 BC'), ('5874897-12-31'), ('2000-01-01'),
 ('1999-12-31'), ('1970-01-01'), ('2024-02-29'), ('0001-01-01'), ('0001-12-31 BC'), ('2024-02-29'), (NULL), (NULL);
\set type date
\set encrypted enc_date
\i test/include/type.psql
DROP TABLE plain;
