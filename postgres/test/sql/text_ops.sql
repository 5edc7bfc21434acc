--
-- LIKE, ILIKE, concatenation, substrings. Every count of wrong results is 0.
--
\i test/include/session.psql
CREATE TABLE strings (id int GENERATED ALWAYS AS IDENTITY, s text COLLATE "C");
INSERT INTO strings (s) VALUES (''), ('a'), ('A'), ('ab'), ('abc'), ('ABC'), ('aXc'), ('a%c'), ('a_c'), ('a\c'), ('ä'), ('Ä'), ('aäb'), ('€uro'),
 (U&'\+01F600'), ('abcabcabc'), ('aaaaaaaaaaaaaaaaaaaaaaab'), (E'line\nbreak'), ('50%'), ('naïve'), ('zzz'), (NULL);
CREATE TABLE patterns (id int GENERATED ALWAYS AS IDENTITY, p text COLLATE "C");
INSERT INTO patterns (p) VALUES (''), ('%'), ('%%'), ('_'), ('__'), ('a%'), ('%c'), ('%b%'), ('a_c'), ('a\_c'), ('a\%c'), ('a\\c'), ('\a%'), ('A%'), ('%ab%c'), ('_%_'),
 ('%a%a%a%a%a%a%a%a%b'), ('Ä%'), ('_äb'), ('%€%'), ('50\%'), ('a#_c'), ('\'), ('a\'), ('%\'), (NULL);
CREATE TABLE s (id int, s enc_text('main'));
CREATE TABLE p (id int, p enc_text('main'));
\! test/load s 2:text:main 'SELECT * FROM strings'
\! test/load p 2:text:main 'SELECT * FROM patterns'
\set abc `echo abc | cloister encrypt --group main --type text`
SELECT count(*) AS pairs, count(*) FILTER (WHERE attempt(format('%L::text LIKE %L', strings.s, patterns.p)) IS DISTINCT FROM attempt(format('%L::enc_text LIKE %L::enc_text', s.s, p.p))) AS "like",
       count(*) FILTER (WHERE attempt(format('%L::text NOT LIKE %L', strings.s, patterns.p)) IS DISTINCT FROM attempt(format('%L::enc_text NOT LIKE %L::enc_text', s.s, p.p))) AS "not like"
  FROM strings JOIN s USING (id), patterns JOIN p USING (id);
-- ILIKE folds ASCII letters only, as PostgreSQL does under "C"
SELECT count(*) AS pairs, count(*) FILTER (WHERE attempt(format('%L::text COLLATE "C" ILIKE %L', strings.s, patterns.p)) IS DISTINCT FROM attempt(format('%L::enc_text ILIKE %L::enc_text', s.s, p.p))) AS "ilike",
       count(*) FILTER (WHERE attempt(format('%L::text COLLATE "C" NOT ILIKE %L', strings.s, patterns.p)) IS DISTINCT FROM attempt(format('%L::enc_text NOT ILIKE %L::enc_text', s.s, p.p))) AS "not ilike"
  FROM strings JOIN s USING (id), patterns JOIN p USING (id);
SELECT count(*) AS pairs, count(*) FILTER (WHERE attempt(format('%L::text LIKE %L ESCAPE ''#''', strings.s, patterns.p)) IS DISTINCT FROM attempt(format('%L::enc_text LIKE %L::enc_text ESCAPE ''#''', s.s, p.p))) AS "escape",
       count(*) FILTER (WHERE attempt(format('%L::text LIKE %L ESCAPE ''''', strings.s, patterns.p)) IS DISTINCT FROM attempt(format('%L::enc_text LIKE %L::enc_text ESCAPE ''''', s.s, p.p))) AS "no escape",
       count(*) FILTER (WHERE attempt(format('%L::text LIKE %L ESCAPE ''%%''', strings.s, patterns.p)) IS DISTINCT FROM attempt(format('%L::enc_text LIKE %L::enc_text ESCAPE ''%%''', s.s, p.p))) AS "odd escape"
  FROM strings JOIN s USING (id), patterns JOIN p USING (id);
SELECT outcome('SELECT s LIKE s ESCAPE ''ab'' FROM s');
SELECT s LIKE p FROM s, p WHERE s.id = 4 AND p.id = 24;
-- a plain pattern is refused
SELECT outcome('SELECT s LIKE ''a%'' FROM s');

-- functions: the truth is loaded beside
CREATE TABLE f (id int, l enc_int4('main'), lo enc_text('main'), up enc_text('main'), c enc_text('main'), s1 enc_text('main'), s2 enc_text('main'), s3 enc_text('main'), s4 enc_text('main'));
\! test/load f 2:int4:main,3:text:main,4:text:main,5:text:main,6:text:main,7:text:main,8:text:main,9:text:main "SELECT id, length(s), lower(s), upper(s), s || s, substr(s, 2), substr(s, 2, 2), substr(s, -3, 5), substr(s, 2147483647) FROM strings"
SELECT count(*) FILTER (WHERE (length(s) = l) IS NOT TRUE) AS length, count(*) FILTER (WHERE (char_length(s) = l) IS NOT TRUE) AS char_length,
       count(*) FILTER (WHERE (lower(s) = lo) IS NOT TRUE) AS lower, count(*) FILTER (WHERE (upper(s) = up) IS NOT TRUE) AS upper,
       count(*) FILTER (WHERE (s || s = c) IS NOT TRUE) AS concat, count(*) FILTER (WHERE (substr(s, 2) = s1) IS NOT TRUE) AS "from",
       count(*) FILTER (WHERE (substr(s, 2, 2) = s2) IS NOT TRUE) AS "from for", count(*) FILTER (WHERE (substring(s FROM 2 FOR 2) = s2) IS NOT TRUE) AS syntax,
       count(*) FILTER (WHERE (substr(s, -3, 5) = s3) IS NOT TRUE) AS negative, count(*) FILTER (WHERE (substr(s, 2147483647) = s4) IS NOT TRUE) AS far FROM s JOIN f USING (id) WHERE id <> 22;
SELECT outcome('SELECT substr(s, 1, -1) FROM s'), outcome('SELECT substr(s, -2147483648, 2147483647) FROM s'), outcome('SELECT substr(s, 2147483647, 2147483647) FROM s');
SELECT attempt('substr(''abc'', 1, -1)'), attempt('substr(''abc'', -2147483648, 2147483647)'), attempt('substr(''abc'', 2147483647, 2147483647)');
SELECT s || NULL IS NULL AS n FROM s LIMIT 1;
-- bytes
CREATE TABLE b (id int, b enc_bytea('main'), l enc_int4('main'), c enc_bytea('main'), s enc_bytea('main'));
\! test/load b 2:bytea:main,3:int4:main,4:bytea:main,5:bytea:main "SELECT i, v, length(v), v || v, substr(v, 2, 3) FROM (VALUES (1, ''::bytea), (2, '\\x00'), (3, '\\x00ff00ff00'), (4, decode(repeat('ab', 3000), 'hex'))) x(i, v)"
SELECT count(*), count(*) FILTER (WHERE length(b) <> l OR b || b <> c OR substr(b, 2, 3) <> s) AS wrong FROM b;

-- a function index is refused, for its result would outlive the session
SELECT outcome('CREATE INDEX ON s (lower(s))');
-- one MB
\set large `printf '%01000000d' 7 | cloister encrypt --group main --type text`
SELECT outcome(format('INSERT INTO s VALUES (100, %L)', :'large'));
SELECT id FROM s WHERE s = :'large';
SELECT id FROM s WHERE length(s) = (SELECT length(:'large'::enc_text)) AND s || s > s;
SELECT outcome('SELECT count(*) FROM s WHERE s LIKE ''%'' || ''x''');
DROP TABLE strings, patterns, s, p, f, b;
