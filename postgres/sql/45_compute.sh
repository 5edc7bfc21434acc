# Arithmetic, casts, text, dates.

# function NAME ARGUMENTS RESULT SYMBOL
function() {
	cat <<SQL
CREATE FUNCTION $1($2) RETURNS enc_$3
	AS 'MODULE_PATHNAME', 'cloister_$4'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
SQL
}

# binary OPERATOR SYMBOL LEFT RIGHT RESULT [MORE]
binary() {
	function enc_$2 "enc_$3, enc_$4" $5 $2
	cat <<SQL
CREATE OPERATOR $1 (FUNCTION = enc_$2,
	LEFTARG = enc_$3, RIGHTARG = enc_$4$6);
SQL
}

# cast FROM TO [CONTEXT]
cast() {
	function enc_$2 "enc_$1, integer, boolean" $2 to_$2
	cat <<SQL
CREATE CAST (enc_$1 AS enc_$2)
	WITH FUNCTION enc_$2(enc_$1, integer, boolean) $3;
SQL
}

# like OPERATOR SYMBOL NEGATOR JOIN RIGHT SUFFIX
like() {
	cat <<SQL
CREATE FUNCTION enc_$2(enc_text, enc_$5) RETURNS boolean
	AS 'MODULE_PATHNAME', 'cloister_$2$6'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE OPERATOR $1 (FUNCTION = enc_$2,
	LEFTARG = enc_text, RIGHTARG = enc_$5, NEGATOR = $3,
	RESTRICT = cloister_likesel, JOIN = $4);
SQL
}

# The wider of two numeric types, as PostgreSQL's operators give it.
wider() {
	case $1$2 in
	float4float4) echo float4;;
	*float*) echo float8;;
	*int8*) echo int8;;
	*int4*) echo int4;;
	*) echo int2;;
	esac
}

# May PostgreSQL widen $1 to $2 silently?
widens() {
	case $1:$2 in
	*:float8 | int*:float4 | int[24]:int8 | int2:int4) ;;
	*) return 1;;
	esac
}

echo '-- ---- Arithmetic ----'
ints='int2 int4 int8'
numbers="$ints float4 float8"
for l in $numbers; do
	for r in $numbers; do
		w=$(wider $l $r)
		binary + add $l $r $w ', COMMUTATOR = +'
		binary - sub $l $r $w
		binary '*' mul $l $r $w ', COMMUTATOR = *'
		binary / div $l $r $w
		case $w in int*) binary % mod $l $r $w;; esac
	done
	function enc_neg enc_$l $l neg
	echo "CREATE OPERATOR - (FUNCTION = enc_neg, RIGHTARG = enc_$l);"
done
binary + add date int4 date ', COMMUTATOR = +'
binary + add int4 date date ', COMMUTATOR = +'
binary - sub date int4 date
binary - sub date date int4

echo '-- ---- Casts ----'
types="bool $numbers text bytea date timestamp timestamptz uuid"
for t in $types; do
	# Same type, another group: how INSERT and ALTER TABLE move values.
	function enc_$t "enc_$t, integer, boolean" $t coerce
	cat <<SQL
CREATE CAST (enc_$t AS enc_$t)
	WITH FUNCTION enc_$t(enc_$t, integer, boolean) AS IMPLICIT;
SQL
	function cloister_rekey enc_$t $t rekey
	[ $t = text ] || cast $t text
	[ $t = text ] || cast text $t
done
for l in $numbers; do
	for r in $numbers; do
		[ $l != $r ] || continue
		widens $l $r && cast $l $r 'AS IMPLICIT' ||
			cast $l $r 'AS ASSIGNMENT'
	done
done
cast bool int4
cast int4 bool
cast date timestamp 'AS IMPLICIT'
cast date timestamptz 'AS IMPLICIT'
cast timestamp timestamptz 'AS IMPLICIT'
cast timestamp date 'AS ASSIGNMENT'
cast timestamptz date 'AS ASSIGNMENT'
cast timestamptz timestamp 'AS ASSIGNMENT'

echo '-- ---- Text ----'
cat <<'SQL'
CREATE TYPE enc_pattern;
CREATE FUNCTION enc_pattern_in(cstring) RETURNS enc_pattern
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION enc_pattern_out(enc_pattern) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE enc_pattern (INPUT = enc_pattern_in, OUTPUT = enc_pattern_out,
	INTERNALLENGTH = VARIABLE, STORAGE = external);
COMMENT ON TYPE enc_pattern IS 'an encrypted LIKE pattern with its ESCAPE';
SQL
for right in text pattern; do
	[ $right = text ] && suffix= || suffix=_pattern
	like '~~' like '!~~' likejoinsel $right $suffix
	like '!~~' notlike '~~' nlikejoinsel $right $suffix
	like '~~*' ilike '!~~*' iclikejoinsel $right $suffix
	like '!~~*' notilike '~~*' icnlikejoinsel $right $suffix
done
for t in text bytea; do
	binary '||' concat $t $t $t
	function length enc_$t int4 length
	function substr "enc_$t, integer" $t substring
	function substr "enc_$t, integer, integer" $t substring
	# Where the grammar looks for SUBSTRING(x FROM n FOR m).
	function pg_catalog.substring "enc_$t, integer" $t substring
	function pg_catalog.substring "enc_$t, integer, integer" $t substring
done
function char_length enc_text int4 length
function lower enc_text text lower
function upper enc_text text upper
# Where the grammar looks for ESCAPE.
function pg_catalog.like_escape 'enc_text, text' pattern like_escape

echo '-- ---- Fields of dates and times ----'
for t in date timestamp timestamptz; do
	function date_part "text, enc_$t" float8 extract
	# Where the grammar looks for EXTRACT(field FROM x).
	function pg_catalog.extract "text, enc_$t" float8 extract
done
