-- ---- Sessions, and the tunnel between owner and engine ----

CREATE FUNCTION cloister_open(message text, scope text DEFAULT 'transaction')
	RETURNS void AS 'MODULE_PATHNAME'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_open(text, text) IS
	'opens a session with a message that "cloister session" prints; scope is transaction or session';

CREATE FUNCTION cloister_close() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_close() IS 'ends the session';

CREATE FUNCTION cloister_session_open() RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_session_open() IS
	'whether this backend has a session';

CREATE FUNCTION cloister_evidence(nonce bytea) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_evidence(bytea) IS
	'attestation evidence for a nonce of 32 bytes';

CREATE FUNCTION cloister_evidence(nonce bytea, tee text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_evidence(bytea, text) IS
	'the same, of one kind where the guest has several: snp, tdx, csv, tpm';

CREATE FUNCTION cloister_evidence(nonce bytea, tee text, credential bytea)
	RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_evidence(bytea, text, bytea) IS
	'the same, for a nonce that the TPM has to find in a credential';

CREATE FUNCTION cloister_message(message bytea) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_message(bytea) IS
	'carries an owner''s message to the engine and its reply back';

CREATE FUNCTION cloister_boot() RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cloister_boot() IS
	'identity of the running engine; another one after every start';

CREATE FUNCTION cloister_agent_status() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
CREATE FUNCTION cloister_status() RETURNS jsonb
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog
	AS $$
		SELECT @extschema@.cloister_agent_status()::jsonb
			|| jsonb_build_object('session',
				@extschema@.cloister_session_open())
	$$;
COMMENT ON FUNCTION cloister_status() IS
	'the agent''s state, and whether this backend has a session';

