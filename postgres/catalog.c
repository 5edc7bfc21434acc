/*
 * cloister.groups, read outside MVCC: a group's key must be found whatever
 * snapshot the query has, in parallel workers and in index builds too. The
 * catalog snapshot is that. The table is small, so it is scanned.
 */
#include "cloister.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define CATALOG_SCHEMA "cloister"
#define CATALOG_GROUPS "groups"

/* Columns of cloister.groups, as sql/35_catalog.sql makes them. */
enum groups_columns
{
	GROUPS_TAG = 1,
	GROUPS_UUID,
	GROUPS_NAME,
	GROUPS_TENANT,
	GROUPS_DEFINITION,
	GROUPS_SIGNATURE,
	GROUPS_WRAPPED
};

/* By name when that is not NULL, else by tag. A copy, or NULL. */
static HeapTuple
find_group(uint32 tag, const char *name, TupleDesc *desc)
{
	Oid			schema = get_namespace_oid(CATALOG_SCHEMA, true);
	Oid			table = OidIsValid(schema) ?
		get_relname_relid(CATALOG_GROUPS, schema) : InvalidOid;
	HeapTuple	found = NULL;
	HeapTuple	t;
	Relation	rel;
	SysScanDesc scan;

	if (!OidIsValid(table))
		return NULL;
	rel = table_open(table, AccessShareLock);
	*desc = CreateTupleDescCopy(RelationGetDescr(rel));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (!found && HeapTupleIsValid(t = systable_getnext(scan)))
	{
		bool		null;
		Datum		d = heap_getattr(t, name ? GROUPS_NAME : GROUPS_TAG, *desc,
									 &null);

		if (!null && (name ? strcmp(TextDatumGetCString(d), name) == 0
					  : DatumGetInt32(d) == (int32) tag))
			found = heap_copytuple(t);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

uint32
catalog_tag_by_name(const char *name, bool missing_ok)
{
	TupleDesc	desc;
	HeapTuple	t = find_group(0, name, &desc);
	bool		null;

	if (t)
		return (uint32) DatumGetInt32(heap_getattr(t, GROUPS_TAG, desc,
												   &null));
	if (!missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("group \"%s\" does not exist", name),
				 errhint("The owner creates groups with \"cloister group "
						 "create\"; cloister.groups lists them.")));
	return 0;
}

char *
catalog_name_by_tag(uint32 tag)
{
	TupleDesc	desc;
	HeapTuple	t = find_group(tag, NULL, &desc);
	bool		null;

	return t ? TextDatumGetCString(heap_getattr(t, GROUPS_NAME, desc, &null))
		: NULL;
}

/* The three columns that the agent wants, as blobs one after the other. */
void
catalog_push_group(uint32 tag)
{
	static const int columns[] = {GROUPS_DEFINITION, GROUPS_SIGNATURE,
	GROUPS_WRAPPED};
	TupleDesc	desc;
	HeapTuple	t = find_group(tag, NULL, &desc);
	StringInfoData body;
	struct rd	reply;
	int			r;

	if (!t)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("group %u is not in cloister.groups", tag),
				 errdetail("Its values cannot be read without its row."),
				 errhint("Restore the row, or have the owner run \"cloister "
						 "group push\".")));
	initStringInfo(&body);
	for (Size i = 0; i < lengthof(columns); i++)
	{
		bool		null;
		Datum		d = heap_getattr(t, columns[i], desc, &null);
		bytea	   *b = null ? NULL : DatumGetByteaPP(d);
		uint8		len[4];

		le32_put(len, b ? VARSIZE_ANY_EXHDR(b) : 0);
		appendBinaryStringInfo(&body, (char *) len, sizeof(len));
		if (b)
			appendBinaryStringInfo(&body, VARDATA_ANY(b),
								   VARSIZE_ANY_EXHDR(b));
	}
	r = conn_call(OP_GROUP, body.data, body.len, &reply);
	if (r != CL_OK)
		conn_error(r);
	pfree(body.data);
}

/* For cloister_group_put: an engine that has an older definition learns of the
 * new one at once, when there is a session to tell it in. */
PG_FUNCTION_INFO_V1(cloister_group_push);
Datum
cloister_group_push(PG_FUNCTION_ARGS)
{
	if (!session_present())
		PG_RETURN_BOOL(false);
	catalog_push_group((uint32) PG_GETARG_INT32(0));
	PG_RETURN_BOOL(true);
}
