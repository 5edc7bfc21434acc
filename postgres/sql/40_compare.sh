# Comparison, B-tree and hash support. Everything is STABLE, because a folded
# result would outlive the session that it needed.

# operator NAME FUNCTION LEFT RIGHT COMMUTATOR NEGATOR SELECTIVITY JOIN [MORE]
operator() {
	cat <<SQL
CREATE FUNCTION enc_$2(enc_$3, enc_$4) RETURNS boolean
	AS 'MODULE_PATHNAME', 'cloister_$2'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE OPERATOR $1 (
	FUNCTION = enc_$2, LEFTARG = enc_$3, RIGHTARG = enc_$4,
	COMMUTATOR = $5, NEGATOR = $6, RESTRICT = cloister_$7, JOIN = $8${9});
SQL
}

# comparisons LEFT RIGHT [MORE for =]
comparisons() {
	operator '='  eq $1 $2 '='  '<>' eqsel eqjoinsel "$3"
	operator '<>' ne $1 $2 '<>' '='  neqsel neqjoinsel
	operator '<'  lt $1 $2 '>'  '>=' ineqsel scalarltjoinsel
	operator '<=' le $1 $2 '>=' '>'  ineqsel scalarlejoinsel
	operator '>'  gt $1 $2 '<'  '<=' ineqsel scalargtjoinsel
	operator '>=' ge $1 $2 '<=' '<'  ineqsel scalargejoinsel
}

# support LEFT RIGHT
support() {
	cat <<SQL
CREATE FUNCTION enc_cmp(enc_$1, enc_$2) RETURNS integer
	AS 'MODULE_PATHNAME', 'cloister_cmp'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
SQL
}

# members FAMILY TYPE: the default operator classes of a type
members() {
	cat <<SQL
CREATE FUNCTION enc_hash(enc_$2) RETURNS integer
	AS 'MODULE_PATHNAME', 'cloister_hash'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION enc_hash_extended(enc_$2, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'cloister_hash_extended'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE OPERATOR CLASS enc_$2_ops DEFAULT FOR TYPE enc_$2 USING btree
	FAMILY $1 AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 enc_cmp(enc_$2, enc_$2),
	FUNCTION 2 cloister_sortsupport(internal);
CREATE OPERATOR CLASS enc_$2_ops DEFAULT FOR TYPE enc_$2 USING hash
	FAMILY $3 AS
	OPERATOR 1 =,
	FUNCTION 1 enc_hash(enc_$2),
	FUNCTION 2 enc_hash_extended(enc_$2, bigint);
SQL
}

# crossing FAMILY LEFT RIGHT
crossing() {
	cat <<SQL
ALTER OPERATOR FAMILY $1 USING btree ADD
	OPERATOR 1 < (enc_$2, enc_$3), OPERATOR 2 <= (enc_$2, enc_$3),
	OPERATOR 3 = (enc_$2, enc_$3), OPERATOR 4 >= (enc_$2, enc_$3),
	OPERATOR 5 > (enc_$2, enc_$3),
	FUNCTION 1 (enc_$2, enc_$3) enc_cmp(enc_$2, enc_$3);
SQL
}

# family FAMILY HASHES TYPES: all pairs compare, and can merge; they hash to
# the same values when HASHES is yes, and have a family each otherwise.
family() {
	f=$1 hashes=$2
	shift 2
	echo "CREATE OPERATOR FAMILY $f USING btree;"
	for l; do
		for r; do
			more=', MERGES'
			[ $hashes = no ] && [ $l != $r ] || more="$more, HASHES"
			comparisons $l $r "$more"
			support $l $r
		done
	done
	[ $hashes = no ] || echo "CREATE OPERATOR FAMILY $f USING hash;"
	for l; do
		[ $hashes = no ] &&
			echo "CREATE OPERATOR FAMILY enc_${l}_ops USING hash;"
		[ $hashes = no ] && members $f $l enc_${l}_ops || members $f $l $f
	done
	for l; do
		for r; do
			[ $l != $r ] || continue
			crossing $f $l $r
			[ $hashes = no ] || echo "ALTER OPERATOR FAMILY $f" \
				"USING hash ADD OPERATOR 1 = (enc_$l, enc_$r);"
		done
	done
}

echo '-- ---- Comparison ----'
family enc_integer_ops yes int2 int4 int8
family enc_float_ops yes float4 float8
family enc_datetime_ops no date timestamp timestamptz
for t in bool text bytea uuid; do
	family enc_${t}_family yes $t
done

# Integers with floats compare as float8; no index serves that.
for i in int2 int4 int8; do
	for f in float4 float8; do
		comparisons $i $f
		comparisons $f $i
	done
done

cat <<'SQL'
CREATE FUNCTION cloister_is_true(enc_bool) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cloister_is_true(enc_bool) IS
	'an encrypted boolean as a condition';

SQL
