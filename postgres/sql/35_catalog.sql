-- ---- Groups: signed definitions and wrapped keys ----
-- Public to read: they are signed and wrapped, and of no use without the
-- owner. A wrong row is refused by the engine, so writing is no secret's risk,
-- but it could lock the owner out.

CREATE SCHEMA cloister;

CREATE TABLE cloister.groups (
	tag integer PRIMARY KEY CHECK (tag > 0),
	group_id uuid NOT NULL UNIQUE,
	name text NOT NULL UNIQUE,
	tenant uuid NOT NULL,
	definition text NOT NULL,
	signature bytea NOT NULL,
	wrapped bytea NOT NULL,
	created timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE cloister.groups IS
	'DEK groups: the owner''s signed definitions and wrapped keys';
SELECT pg_catalog.pg_extension_config_dump('cloister.groups', '');

-- First 31 bits of SHA-256 over a domain and the UUID, never 0.
CREATE FUNCTION cloister.group_tag(group_id uuid) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog
	AS $$
		SELECT greatest(1, ((get_byte(h, 0)::bigint << 23)
			| (get_byte(h, 1) << 15) | (get_byte(h, 2) << 7)
			| (get_byte(h, 3) >> 1))::integer)
		FROM sha256(convert_to('cloister group tag v1', 'UTF8') || '\x00'
			|| uuid_send(group_id)) AS h
	$$;

CREATE FUNCTION cloister.group_push(tag integer) RETURNS boolean
	AS 'MODULE_PATHNAME', 'cloister_group_push'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister.group_push(integer) IS
	'gives a stored definition to the engine; false when no session is open';

CREATE FUNCTION cloister_group_put(definition text, signature bytea,
		wrapped bytea) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog
	AS $$
DECLARE
	def CONSTANT jsonb := definition::jsonb;
	new_tag CONSTANT integer := cloister.group_tag((def->>'group')::uuid);
	old cloister.groups;
BEGIN
	SELECT * INTO old FROM cloister.groups g WHERE g.tag = new_tag FOR UPDATE;
	IF old.group_id <> (def->>'group')::uuid THEN
		RAISE unique_violation USING
			MESSAGE = format('tag %s is taken by group "%s"', new_tag, old.name),
			HINT = 'Create the group with another UUID.';
	ELSIF (old.definition::jsonb->>'version')::bigint
			> (def->>'version')::bigint THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('group "%s" has a newer definition', old.name),
			DETAIL = format('Version %s is stored, version %s came.',
				old.definition::jsonb->>'version', def->>'version');
	END IF;
	INSERT INTO cloister.groups AS g
		(tag, group_id, name, tenant, definition, signature, wrapped)
	VALUES (new_tag, (def->>'group')::uuid, def->>'name',
		(def->>'tenant')::uuid, $1, $2, $3)
	ON CONFLICT (tag) DO UPDATE SET
		(name, tenant, definition, signature, wrapped) =
		(excluded.name, excluded.tenant, excluded.definition,
			excluded.signature, excluded.wrapped);
	PERFORM cloister.group_push(new_tag);
	RETURN new_tag;
END
$$;
COMMENT ON FUNCTION cloister_group_put(text, bytea, bytea) IS
	'stores a group that the owner made; a newer definition replaces, and is in force at once when a session is open';

CREATE VIEW cloister.columns AS
	SELECT n.nspname AS table_schema, c.relname AS table_name,
		a.attname AS column_name,
		pg_catalog.format_type(a.atttypid, a.atttypmod) AS column_type,
		g.name AS group_name, nullif(a.atttypmod, -1) AS tag
	FROM pg_catalog.pg_attribute a
	JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
	LEFT JOIN cloister.groups g ON g.tag = a.atttypmod
	WHERE t.typmodin = '@extschema@.cloister_typmod_in(cstring[])'::pg_catalog.regprocedure
		AND a.attnum > 0 AND NOT a.attisdropped
		AND c.relkind IN ('r', 'p', 'f', 'v', 'm');
COMMENT ON VIEW cloister.columns IS 'encrypted columns and their groups';

GRANT USAGE ON SCHEMA cloister TO PUBLIC;
GRANT SELECT ON cloister.groups, cloister.columns TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON cloister.groups TO pg_database_owner;

