# The types: name, storage, category, preferred.
type() {
	cat <<SQL
CREATE TYPE enc_$1;
CREATE FUNCTION enc_$1_in(cstring, oid, integer) RETURNS enc_$1
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION enc_$1_recv(internal, oid, integer) RETURNS enc_$1
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION enc_$1_out(enc_$1) RETURNS cstring
	AS 'MODULE_PATHNAME', 'cloister_cell_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION enc_$1_send(enc_$1) RETURNS bytea
	AS 'MODULE_PATHNAME', 'cloister_cell_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE enc_$1 (
	INPUT = enc_$1_in, OUTPUT = enc_$1_out,
	RECEIVE = enc_$1_recv, SEND = enc_$1_send,
	TYPMOD_IN = cloister_typmod_in, TYPMOD_OUT = cloister_typmod_out,
	ANALYZE = cloister_typanalyze, INTERNALLENGTH = VARIABLE,
	STORAGE = $2, CATEGORY = '$3', PREFERRED = $4);

SQL
}

cat <<'SQL'
CREATE FUNCTION cloister_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION cloister_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

SQL

# Ciphertext does not compress. Small cells stay in the row as long as the
# page can hold them.
type bool main U false
type int2 main n false
type int4 main n false
type int8 main n false
type float4 main n false
type float8 main n true
type text external U false
type bytea external U false
type date main d false
type timestamp main d false
type timestamptz main d true
type uuid main U false
