\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p bytea);
INSERT INTO plain (p) VALUES (''), ('\x00'), ('\x0000'), ('\x01'), ('\x7f'), ('\x80'), ('\xff'), ('\xff00'), ('\xff'),
 (decode(repeat('00ff', 1000), 'hex')), (decode(repeat('00ff', 1000) || '00', 'hex')), (NULL), (NULL);
\set type bytea
\set encrypted enc_bytea
\i test/include/type.psql
DROP TABLE plain;
