--
-- Fields of dates and times: PostgreSQL's, in UTC.
--
\i test/include/session.psql
CREATE TABLE times (id int GENERATED ALWAYS AS IDENTITY, t timestamptz);
INSERT INTO times (t) VALUES ('4713-01-02 00:00Z BC'), ('0001-01-01 00:00Z'), ('0001-12-31 23:59:59.999999Z BC'), ('1582-10-15 12:00Z'), ('1969-12-31 23:59:59.5Z'), ('1970-01-01 00:00Z'),
 ('2000-02-29 01:02:03.456789Z'), ('2004-01-01 00:00Z'), ('2005-01-01 00:00Z'), ('2006-01-01 00:00Z'), ('2008-12-29 00:00Z'), ('2010-01-03 00:00Z'), ('2024-12-30 23:59:59.999999Z'), ('9999-12-31 00:00Z'), ('294276-12-31 00:00Z'), ('infinity'), ('-infinity');
CREATE TABLE truth (id int, field text, ts enc_timestamp('main'), tz enc_timestamptz('main'), d enc_date('main'), vts enc_float8('main'), vd enc_float8('main'));
\! test/load truth 3:timestamp:main,4:timestamptz:main,5:date:main,6:float8:main,7:float8:main "SELECT id, f, t AT TIME ZONE 'UTC', t, (t AT TIME ZONE 'UTC')::date, date_part(f, t AT TIME ZONE 'UTC'), date_part(f, (t AT TIME ZONE 'UTC')::date) FROM times, unnest('{year,month,day,hour,minute,second,dow,doy,epoch,quarter,week,isoyear,isodow}'::text[]) f"
SELECT count(*), count(vts) FROM truth;
SELECT field, count(*) FILTER (WHERE date_part(field, ts) IS DISTINCT FROM vts) AS "timestamp", count(*) FILTER (WHERE date_part(field, tz) IS DISTINCT FROM vts) AS "timestamptz",
       count(*) FILTER (WHERE date_part(field, d) IS DISTINCT FROM vd) AS "date" FROM truth GROUP BY field ORDER BY field;
SELECT count(*) AS wrong FROM truth WHERE field = 'year' AND extract(year FROM ts) IS DISTINCT FROM vts;
SELECT outcome('SELECT date_part(''fortnight'', ts) FROM truth');
SELECT outcome('SELECT extract(century FROM ts) FROM truth');
DROP TABLE times, truth;
