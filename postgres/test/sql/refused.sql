--
-- What is refused at once instead of failing later.
--
\setenv PGDATABASE :DBNAME
\set SHOW_CONTEXT never
CREATE ROLE regress_cloister_maker;
GRANT CREATE ON SCHEMA public TO regress_cloister_maker;
SET ROLE regress_cloister_maker;
CREATE TABLE r (e enc_int4('main'), s enc_text('main'), a enc_int4[], i int, p int[]);

-- GIN stores and compares elements, at times without a session
CREATE INDEX r_a ON r USING gin (a);
CREATE INDEX r_pa ON r USING gin (p, a);
CREATE INDEX r_p ON r USING gin (p);
-- extended statistics would copy cells into the catalog
CREATE STATISTICS r_es ON e, s FROM r;
CREATE STATISTICS r_ie ON i, e FROM r;
CREATE STATISTICS r_ip (ndistinct) ON i, p FROM r;
-- results that would outlive the session
CREATE INDEX r_l ON r (lower(s));
CREATE INDEX r_w ON r (i) WHERE e < e;
CREATE TABLE g (e enc_int4, d enc_int4 GENERATED ALWAYS AS (e + e) STORED);
-- and what is fine
CREATE INDEX r_e ON r (e);
CREATE INDEX r_ae ON r (a);
CREATE INDEX r_n ON r (i) WHERE e IS NOT NULL;
ANALYZE r;

DROP TABLE r;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM regress_cloister_maker;
DROP ROLE regress_cloister_maker;
