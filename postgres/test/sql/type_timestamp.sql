\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p timestamp);
INSERT INTO plain (p) VALUES ('-infinity'), ('infinity'), ('4713-01-01 00:00:00 BC'), ('294276-12-31 23:59:59.999999'),
 ('2000-01-01'), ('1999-12-31 23:59:59.999999'), ('1970-01-01'), ('2024-02-29 12:34:56.000001'),
 ('2024-02-29 12:34:56'), ('2024-02-29 12:34:56'), (NULL), (NULL);
\set type timestamp
\set encrypted enc_timestamp
\i test/include/type.psql
DROP TABLE plain;
