\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p timestamptz);
INSERT INTO plain (p) VALUES ('-infinity'), ('infinity'), ('4713-01-02 00:00:00+00 BC'), ('294276-12-31 00:00:00+00'),
 ('2000-01-01 00:00:00+00'), ('2000-01-01 01:00:00+01'), ('1999-12-31 23:59:59.999999+00'), ('2024-03-31 02:30:00+05:30'),
 ('2024-10-27 02:30:00+01'), ('2024-10-27 02:30:00+02'), (NULL), (NULL);
\set type timestamptz
\set encrypted enc_timestamptz
\i test/include/type.psql
DROP TABLE plain;
