-- ---- What would fail later is refused at once ----
-- GIN stores and compares array elements at times without a session; extended
-- statistics would copy cells into the catalog and need a session in ANALYZE.

CREATE FUNCTION cloister.is_encrypted(type oid) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog
	AS $$
		SELECT EXISTS (SELECT FROM pg_type t
			WHERE t.oid = type AND t.typmodin =
			'@extschema@.cloister_typmod_in(cstring[])'::regprocedure)
	$$;

CREATE FUNCTION cloister.refuse() RETURNS event_trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog
	AS $$
DECLARE
	name text;
BEGIN
	SELECT c.object_identity INTO name
	FROM pg_event_trigger_ddl_commands() c
	JOIN pg_index i ON c.classid = 'pg_class'::regclass
		AND i.indexrelid = c.objid
	JOIN pg_class k ON k.oid = i.indexrelid
	JOIN pg_am am ON am.oid = k.relam AND am.amname = 'gin'
	JOIN pg_attribute a ON a.attrelid = i.indrelid
		AND a.attnum = ANY (i.indkey::smallint[])
	JOIN pg_type t ON t.oid = a.atttypid
	WHERE cloister.is_encrypted(t.typelem);
	IF FOUND THEN
		RAISE feature_not_supported USING
			MESSAGE = 'GIN indexes on encrypted arrays are not supported',
			DETAIL = format('Index %s.', name);
	END IF;
	SELECT c.object_identity INTO name
	FROM pg_event_trigger_ddl_commands() c
	JOIN pg_statistic_ext s ON c.classid = 'pg_statistic_ext'::regclass
		AND s.oid = c.objid
	JOIN pg_attribute a ON a.attrelid = s.stxrelid
		AND a.attnum = ANY (s.stxkeys::smallint[])
	WHERE cloister.is_encrypted(a.atttypid);
	IF FOUND THEN
		RAISE feature_not_supported USING
			MESSAGE = 'extended statistics on encrypted columns are not supported',
			DETAIL = format('Statistics object %s.', name);
	END IF;
END
$$;

CREATE EVENT TRIGGER cloister_refuse ON ddl_command_end
	WHEN TAG IN ('CREATE INDEX', 'CREATE STATISTICS')
	EXECUTE FUNCTION cloister.refuse();

