-- ---- ANALYZE of arrays: no cell in pg_statistic, no session ----

CREATE FUNCTION cloister_array_typanalyze(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- ALTER TYPE does not take array types.
UPDATE pg_catalog.pg_type a
	SET typanalyze = '@extschema@.cloister_array_typanalyze'::pg_catalog.regproc
	FROM pg_catalog.pg_type t
	WHERE a.oid OPERATOR(pg_catalog.=) t.typarray
		AND t.typanalyze OPERATOR(pg_catalog.=)
			'@extschema@.cloister_typanalyze'::pg_catalog.regproc;
