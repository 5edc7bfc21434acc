\i test/include/session.psql
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, p text COLLATE "C");
INSERT INTO plain (p) VALUES (''), (' '), ('a'), ('A'), ('aa'), ('ab'), ('b'), ('a '), ('ä'), ('z'), ('€'), (U&'\+01F600'),
 (U&'e\0301'), ('é'), (',"'), (E'line\nbreak'), (E'\t'), ('\'), ('NULL'), ('cl1_'), ('cl1_AAAA'), (repeat('x', 100)),
 (repeat('x', 100) || 'y'), (repeat('long ', 400)), (repeat('long ', 400) || '.'), ('a'), (NULL), (NULL);
\set type text
\set encrypted enc_text
\i test/include/type.psql
DROP TABLE plain;
