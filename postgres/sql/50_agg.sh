# Aggregates. The transition functions take cells of any type; an aggregate has
# the type that its final function returns.
numbers="int2 int4 int8 float4 float8"
ordered="$numbers text bytea date timestamp timestamptz uuid"

# function name, arguments, result, symbol, strictness
func() {
	echo "CREATE FUNCTION $1($2) RETURNS $3"
	echo "	AS 'MODULE_PATHNAME', '$4' LANGUAGE C STABLE$5 PARALLEL SAFE;"
}

# name, argument, transition, final function, further options
aggregate() {
	cat <<SQL
CREATE AGGREGATE $1(enc_$2) (
	SFUNC = cloister_$3_add, STYPE = internal, SSPACE = 512,
	FINALFUNC = $4, COMBINEFUNC = cloister_agg_combine,
	SERIALFUNC = cloister_agg_serialize,
	DESERIALFUNC = cloister_agg_deserialize,$5 PARALLEL = SAFE);
SQL
}

echo "-- aggregates"
for f in sum avg min max; do
	func cloister_${f}_add 'internal, "any"' internal cloister_${f}_add
done
func cloister_agg_combine "internal, internal" internal cloister_agg_combine
func cloister_agg_serialize internal bytea cloister_agg_serialize " STRICT"
func cloister_agg_deserialize "bytea, internal" internal \
	cloister_agg_deserialize " STRICT"
func cloister_avg_result internal enc_float8 cloister_avg_result
for t in bool $ordered; do
	func cloister_result_$t internal enc_$t cloister_agg_result
done

# sum and avg have one state, so that both together cross once; but float4 is
# summed as float4 and averaged as float8, as PostgreSQL does.
for t in $numbers; do
	case $t in
	int2 | int4) sum=int8 ;;
	*) sum=$t ;;
	esac
	case $t in
	float4) add=avg ;;
	*) add=sum ;;
	esac
	aggregate sum $t sum cloister_result_$sum
	aggregate avg $t $add cloister_avg_result
done
for t in $ordered; do
	aggregate min $t min cloister_result_$t " SORTOP = <,"
	aggregate max $t max cloister_result_$t " SORTOP = >,"
done

# False sorts before true.
aggregate bool_and bool min cloister_result_bool
aggregate every bool min cloister_result_bool
aggregate bool_or bool max cloister_result_bool
echo
