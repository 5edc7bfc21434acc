--
-- Casts between types. Every count of wrong results is 0.
--
\i test/include/session.psql
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE TABLE nasty (t text, v text[]);
INSERT INTO nasty VALUES
 ('bool', '{t,f}'),
 ('int2', '{-32768,-1,0,1,32767}'),
 ('int4', '{-2147483648,-32769,-32768,-1,0,1,2,32767,32768,16777217,2147483647}'),
 ('int8', '{-9223372036854775808,-2147483649,-2147483648,-32769,0,1,32768,2147483647,2147483648,9007199254740993,9223372036854775807}'),
 ('float4', '{-Infinity,-3.4028235e38,-32768.5,-2.5,-1.5,-0.5,-0,0,1e-45,0.1,0.5,1.5,2.5,32767.49,32767.5,2147483520,2147483648,9.223372e18,NaN,Infinity}'),
 ('float8', '{-Infinity,-1e300,-9223372036854775808,-2147483648.5,-2147483648.49,-32768.5,-2.5,-0.5,-0,0,1e-50,1e-320,0.1,0.5,1.5,2.5,32767.5,2147483647.4,2147483647.5,9223372036854774784,9223372036854775808,3.5e38,NaN,Infinity}'),
 ('date', '{4713-01-01 BC,1999-12-31,2000-01-01,2024-02-29,294276-12-31,294277-01-01,5874897-12-31,infinity,-infinity}'),
 ('timestamp', '{4713-01-01 00:00:00 BC,1999-12-31 23:59:59.999999,2000-01-01 00:00:00,2024-02-29 12:00:00.5,294276-12-31 23:59:59.999999,infinity,-infinity}'),
 ('timestamptz', '{4713-01-01 00:00:00+00 BC,1999-12-31 23:59:59.999999+00,2024-02-29 23:30:00+01,294276-12-31 23:59:59.999999+00,infinity,-infinity}'),
 ('text', '{0,1,-1," 42 ",042,32767,32768,-32769,2147483648,9223372036854775807,9223372036854775808,1e3,1.5,.5,5.,NaN,nan,inf,-Infinity,infinity,1e400,1e-400,0x10,1_000,--1,+7,"",abc,t,true,yes,on,off,of,2024-02-29,2023-02-29,2024-02-29 12:34:56.789,2024-02-29T12:34:56Z,99999-01-01,01:02:03,00000000-0000-0000-0000-000000000001,"{00000000-0000-0000-0000-000000000001}",\\x00ff,\\x0,\\\\000}');
\set f int2
\set t int4
\i test/include/cast.psql
\set f int2
\set t int8
\i test/include/cast.psql
\set f int2
\set t float4
\i test/include/cast.psql
\set f int2
\set t float8
\i test/include/cast.psql
\set f int4
\set t int2
\i test/include/cast.psql
\set f int4
\set t int8
\i test/include/cast.psql
\set f int4
\set t float4
\i test/include/cast.psql
\set f int4
\set t float8
\i test/include/cast.psql
\set f int8
\set t int2
\i test/include/cast.psql
\set f int8
\set t int4
\i test/include/cast.psql
\set f int8
\set t float4
\i test/include/cast.psql
\set f int8
\set t float8
\i test/include/cast.psql
\set f float4
\set t int2
\i test/include/cast.psql
\set f float4
\set t int4
\i test/include/cast.psql
\set f float4
\set t int8
\i test/include/cast.psql
\set f float4
\set t float8
\i test/include/cast.psql
\set f float8
\set t int2
\i test/include/cast.psql
\set f float8
\set t int4
\i test/include/cast.psql
\set f float8
\set t int8
\i test/include/cast.psql
\set f float8
\set t float4
\i test/include/cast.psql
\set f bool
\set t int4
\i test/include/cast.psql
\set f int4
\set t bool
\i test/include/cast.psql
\set f date
\set t timestamp
\i test/include/cast.psql
\set f date
\set t timestamptz
\i test/include/cast.psql
\set f timestamp
\set t timestamptz
\i test/include/cast.psql
\set f timestamp
\set t date
\i test/include/cast.psql
\set f timestamptz
\set t date
\i test/include/cast.psql
\set f timestamptz
\set t timestamp
\i test/include/cast.psql
\set f text
\set t bool
\i test/include/cast.psql
\set f text
\set t int2
\i test/include/cast.psql
\set f text
\set t int4
\i test/include/cast.psql
\set f text
\set t int8
\i test/include/cast.psql
\set f text
\set t float4
\i test/include/cast.psql
\set f text
\set t float8
\i test/include/cast.psql
\set f text
\set t date
\i test/include/cast.psql
\set f text
\set t timestamp
\i test/include/cast.psql
\set f text
\set t timestamptz
\i test/include/cast.psql
\set f text
\set t uuid
\i test/include/cast.psql
\set f text
\set t bytea
\i test/include/cast.psql
-- implicit where PostgreSQL's are: function arguments, CASE, UNION, INSERT
CREATE TABLE c (i2 enc_int2('main'), i4 enc_int4('main'), i8 enc_int8('main'), f4 enc_float4('main'), f8 enc_float8('main'));
\! test/load c 1:int2:main,2:int4:main,3:int8:main,4:float4:main,5:float8:main "VALUES (7, 70000, 7000000000, 7.5, 7.25)"
SELECT pg_typeof(CASE WHEN true THEN i2 ELSE i8 END), pg_typeof(coalesce(i4, f4)), pg_typeof(coalesce(f4, f8)) FROM c;
INSERT INTO c (i8) SELECT i2 FROM c;
INSERT INTO c (f8) SELECT i8 FROM c;
INSERT INTO c (i2) SELECT f8 FROM c WHERE i2 IS NOT NULL;
SELECT outcome('INSERT INTO c (i2) SELECT i4 FROM c');
SELECT count(i2), count(i8), count(f8) FROM c;
-- no cast from plaintext, nor to it
SELECT outcome('SELECT 42::enc_int4');
SELECT outcome('SELECT i4::int4 FROM c');
SELECT outcome('SELECT i4::numeric FROM c');
SELECT outcome('INSERT INTO c (i4) SELECT 42');
DROP TABLE nasty, c;
