#include "lib/err.h"

struct err_row {
	int code;
	const char *name;
	const char *state;
	const char *text;
};

static const struct err_row rows[] = {
#define CL_ERR_ROW(name, number, state, text)                                  \
	{CL_ERR_##name, #name, state, text},
    CL_ERR_LIST(CL_ERR_ROW)
#undef CL_ERR_ROW
};

static const struct err_row *
row_of(int code)
{
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return &rows[i];
	return 0;
}

const char *
err_text(int code)
{
	const struct err_row *row = row_of(code);

	if (code == CL_OK)
		return "no error";
	return row ? row->text : "unknown error";
}

const char *
err_name(int code)
{
	const struct err_row *row = row_of(code);

	if (code == CL_OK)
		return "OK";
	return row ? row->name : "UNKNOWN";
}

const char *
err_sqlstate(int code)
{
	const struct err_row *row = row_of(code);

	return row ? row->state : "XX000";
}

unsigned
err_to_wire(int code)
{
	return row_of(code)    ? (unsigned)-code
	       : code == CL_OK ? 0
			       : (unsigned)-CL_ERR_INTERNAL;
}

int
err_from_wire(unsigned wire)
{
	if (wire == 0)
		return CL_OK;
	if (wire > 0xffff || !row_of(-(int)wire))
		return CL_ERR_INTERNAL;
	return -(int)wire;
}
