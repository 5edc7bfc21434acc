--
-- The extension and the groups that all other tests use.
--
\setenv PGDATABASE :DBNAME
CREATE EXTENSION cloister;
-- every operation, randomised and deterministic
\! cloister group create det --ops all --suite aes-256-siv >/dev/null
\! cloister group create main --ops all --flows-to det >/dev/null
-- the default list: equality and order
\! cloister group create plainops >/dev/null
-- equality alone
\! cloister group create eqonly --ops eq >/dev/null
-- values may leave pay for total only
\! cloister group create total --ops all >/dev/null
\! cloister group create pay --flows-to total >/dev/null
SELECT count(*) FROM cloister.groups;

-- How a statement ends, without the details, which may hold ciphertext.
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate || ' ' || sqlerrm;
END $$;

-- The nodes of a query's plan, from top to bottom.
CREATE FUNCTION nodes(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  line text;
  result text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    CONTINUE WHEN line ~ '^ *(InitPlan|SubPlan)|: ';
    result := result || ', ' || regexp_replace(line, '^[ >-]*|( using| on) .*$', '', 'g');
  END LOOP;
  RETURN substr(result, 3);
END $$;

-- The value of an expression as text, or ! and the SQLSTATE.
CREATE FUNCTION attempt(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SELECT (%s)::text', expression) INTO result;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN '!' || sqlstate;
END $$;
