-- The same text runs over plain and over encrypted tables: literals and type
-- names are psql variables. Each statement begins with a line "-- NAME", and
-- orders its result completely.

-- integers
SELECT id, size, installed_size, ndeps FROM pkg
	WHERE size BETWEEN :n_10000 AND :n_20000 AND installed_size > :b_100
	AND ndeps IN (:s_2, :s_3) ORDER BY id;

-- text
SELECT id, package, version FROM pkg
	WHERE package > :t_libq AND package <= :t_libs AND section <> :k_doc
	ORDER BY package, version, id;

-- like
SELECT package, descr FROM pkg
	WHERE package LIKE :t_lib_dev AND descr ILIKE :t_json
	AND descr NOT LIKE :t_escape ESCAPE '!' ORDER BY package, id;

-- floats
SELECT id, score, ratio FROM pkg
	WHERE ratio > :d_50 OR score <= :r_1 OR score = :r_nan ORDER BY id;

-- dates
SELECT id, released, seen, synced FROM pkg
	WHERE released >= :date_2020 AND seen < :ts_2005
	AND synced BETWEEN :tz_2001 AND :tz_2004 ORDER BY synced, id;

-- bool uuid bytea
SELECT id, essential, uid, sha FROM pkg
	WHERE :true(essential) AND uid < :uuid_2 AND sha > :bytea_8 ORDER BY sha, id;

-- null
SELECT id FROM pkg WHERE (ratio IS NULL) <> (installed_size IS NULL)
	OR descr IS NULL OR NOT (installed_size > :b_100 AND :true(essential))
	AND id < :i_500 ORDER BY id;

-- sort all
SELECT id FROM pkg ORDER BY section, size DESC, package, id;

-- sort floats and times
SELECT id, ratio FROM pkg ORDER BY ratio DESC NULLS LAST, score, seen DESC, id
	LIMIT 3000;

-- top n
SELECT package, installed_size FROM pkg
	ORDER BY installed_size DESC NULLS LAST, id LIMIT 25;

-- join on int
SELECT m.name, p.package FROM pkg p JOIN maint m ON p.maint = m.id
	WHERE m.name LIKE :t_team ORDER BY m.name, p.package, p.id LIMIT 2000;

-- join on text
SELECT p.id, s.n FROM pkg p JOIN section s ON p.section = s.section
	WHERE :true(s.area) ORDER BY p.id;

-- self join
SELECT p.package, b.package, b.size FROM pkg p
	JOIN pkg b ON p.source = b.package AND p.version = b.version
	WHERE p.id <> b.id AND p.size < b.size ORDER BY p.id, b.id LIMIT 2000;

-- group by
SELECT section, count(*), count(ratio), sum(size), max(installed_size),
	min(version) FROM pkg GROUP BY section ORDER BY section;

-- having
SELECT maint, count(*) FROM pkg GROUP BY maint
	HAVING count(*) > 100 AND sum(size) > :b_1000000 ORDER BY maint;

-- distinct
SELECT DISTINCT priority, essential FROM pkg ORDER BY priority, essential;

-- window
SELECT id, rank() OVER w, lag(size) OVER w,
	row_number() OVER (PARTITION BY maint ORDER BY id DESC)
	FROM pkg WHERE id <= :i_5000
	WINDOW w AS (PARTITION BY section ORDER BY size DESC) ORDER BY id;

-- aggregates
SELECT count(*), count(descr), sum(installed_size), sum(ndeps),
	avg(size):: :float8, avg(ndeps):: :float8,
	min(package), max(package), min(released), max(seen), min(synced),
	max(score), min(ratio), max(ratio), max(id), min(ndeps)
	FROM pkg;

-- float aggregates
SELECT section, sum(ratio), avg(ratio) FROM (SELECT * FROM pkg
	WHERE ratio < :d_50 AND ratio > :d_0 ORDER BY id) x
	GROUP BY section ORDER BY section;

-- arithmetic
SELECT id, size + ndeps, size - :n_10000, -ndeps, installed_size * :b_100,
	size / (ndeps + :s_2), size % :n_10000, ratio * score, ratio - ratio
	FROM pkg WHERE id < :i_500 ORDER BY id;

-- text functions
SELECT id, upper(package), lower(priority), package || :t_sep || version,
	length(descr), substr(package, 2, 3)
	FROM pkg WHERE id < :i_500 ORDER BY id;

-- time functions
SELECT id, date_part('year', released), date_part('month', seen),
	date_part('dow', released), date_part('epoch', synced), released + :n_31
	FROM pkg WHERE id < :i_500 ORDER BY id;

-- casts
SELECT id, size:: :float8, score:: :float8, ndeps:: :int4, size:: :int8,
	seen:: :date, released:: :timestamp, size:: :text, uid:: :text,
	essential:: :int4 FROM pkg WHERE id < :i_500 ORDER BY id;

-- scalar subquery
SELECT id, size FROM pkg WHERE size:: :float8 >
	(SELECT avg(size):: :float8 FROM pkg) ORDER BY size, id LIMIT 2000;

-- exists
SELECT m.id, m.domain FROM maint m WHERE EXISTS
	(SELECT 1 FROM pkg p WHERE p.maint = m.id AND p.section = :k_games)
	AND m.id NOT IN (SELECT maint FROM pkg WHERE section = :k_libs)
	ORDER BY m.domain, m.id;

-- cte
WITH big AS (SELECT maint, max(size) AS top FROM pkg GROUP BY maint),
	few AS MATERIALIZED (SELECT id, name FROM maint WHERE domain = :t_debian)
SELECT f.name, b.top FROM big b JOIN few f ON f.id = b.maint
	ORDER BY b.top DESC, f.id LIMIT 500;

-- union and case
SELECT package, CASE WHEN size > :n_20000 THEN 'big' WHEN :true(essential) THEN
	'shared' ELSE 'small' END FROM pkg WHERE id < :i_500
UNION SELECT name, 'person' FROM maint WHERE id < :i_500 ORDER BY 1, 2;

-- upsert
INSERT INTO section AS s (section, n, area)
	VALUES (:k_games, :n_31, :bool_f), (:k_new, :n_31, :bool_t)
	ON CONFLICT (section) DO UPDATE SET n = s.n + excluded.n
	RETURNING section, n, area;

-- update
UPDATE pkg SET size = size + :n_31, descr = upper(package)
	WHERE package LIKE :t_lib_dev AND ndeps = :s_3
	RETURNING id, size, descr;

-- delete
DELETE FROM pkg USING maint m WHERE pkg.maint = m.id
	AND m.domain = :t_debian AND pkg.size < :n_10000
	RETURNING pkg.id, m.name;

-- after the changes
SELECT count(*), sum(size), max(descr), count(DISTINCT maint) FROM pkg;
