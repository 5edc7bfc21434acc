#include <stdio.h>
#include <string.h>

#include "client/groups_file.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"

#define FILE_NAME_MAX (sizeof("groups/.json") + GROUP_NAME_MAX)

static int
keep_text(struct group *g, const char *text)
{
	g->text_n = strlen(text);
	g->text = secmem_alloc(g->text_n + 1);
	if (!g->text)
		return CL_ERR_MEMORY;
	memcpy(g->text, text, g->text_n + 1);
	return CL_OK;
}

static int
read_members(const json_t *o, struct group *g)
{
	const char *text;
	int64_t v;
	int r;

	if ((r = json_get_int(o, "v", 1, 1, &v)) != 0 ||
	    (r = json_get_str(o, "definition", &text)) != 0 ||
	    (r = json_get_blob(
		 o, "signature", g->sig, sizeof(g->sig), &g->sig_n)) != 0 ||
	    (r = json_get_bytes(
		 o, "wrapped", g->wrapped, sizeof(g->wrapped))) != 0)
		return r;
	return keep_text(g, text);
}

static int
open_group(const struct owner *o, struct group *g, uint8_t root[CRYPTO_KEY])
{
	int r;

	if ((r = group_def_open(o->public, o->keys->tenant, g->text, g->text_n,
		 g->sig, g->sig_n, g->wrapped, sizeof(g->wrapped), &g->def,
		 root)) != 0 ||
	    (r = group_def_tag(g->def.uuid, &g->tag)) != 0)
		return r;
	if (memcmp(g->def.tenant, o->tenant, 16) != 0)
		return CL_ERR_SIGNATURE;
	return groupkey_new(&g->key, g->def.uuid, g->tag, g->def.suite,
	    g->def.epoch, g->def.pad, root);
}

static int
parse(const struct owner *o, const char *text, size_t n, struct group *g,
    uint8_t root[CRYPTO_KEY])
{
	json_t *file;
	int r;

	file = json_parse(text, n, &r);
	if (!file)
		return r;
	if ((r = read_members(file, g)) == 0)
		r = open_group(o, g, root);
	json_decref(file);
	return r;
}

static int
read_error(const struct owner *o, const char *name, int r)
{
	if (r == CL_ERR_SIGNATURE || r == CL_ERR_KEY_UNWRAP)
		return why_set(r,
		    "%s/groups/%s.json was changed or is another owner's: %s; "
		    "restore it from your backup",
		    o->home.path, name, err_text(r));
	return why_set(r,
	    "%s/groups/%s.json is damaged: %s; restore it from "
	    "your backup",
	    o->home.path, name, err_text(r));
}

int
groups_file_read(const struct owner *o, const char *name, struct group *g,
    uint8_t root[CRYPTO_KEY])
{
	char file[FILE_NAME_MAX];
	uint8_t *text = NULL, *own = NULL;
	size_t n;
	int r;

	snprintf(file, sizeof(file), "groups/%s.json", name);
	if ((r = home_read(&o->home, file, &text, &n)) != 0)
		return r;
	own = secmem_alloc(CRYPTO_KEY);
	if (!own)
		r = why_memory();
	else if ((r = parse(o, (char *)text, n, g, own)) != 0)
		r = read_error(o, name, r);
	else if (strcmp(g->def.name, name) != 0)
		r = why_set(CL_ERR_FORMAT,
		    "%s/%s holds the group \"%s\": files must not be renamed",
		    o->home.path, file, g->def.name);
	else if (root)
		memcpy(root, own, CRYPTO_KEY);
	secmem_free(own);
	secmem_free(text);
	return r;
}

static int
seal_group(
    const struct owner *o, struct group *g, const uint8_t root[CRYPTO_KEY])
{
	int r;

	g->sig_n = sizeof(g->sig);
	if ((r = group_def_print(&g->def, &g->text, &g->text_n)) != 0 ||
	    (r = group_def_sign(
		 o->private, g->text, g->text_n, g->sig, &g->sig_n)) != 0 ||
	    (r = group_def_wrap(
		 o->keys->tenant, g->text, g->text_n, root, g->wrapped)) != 0 ||
	    (r = group_def_tag(g->def.uuid, &g->tag)) != 0)
		return why_set(r,
		    "cannot sign the definition of group \"%s\": "
		    "%s",
		    g->def.name, err_text(r));
	r = groupkey_new(&g->key, g->def.uuid, g->tag, g->def.suite,
	    g->def.epoch, g->def.pad, root);
	return r ? why_set(r, "cannot make keys of group \"%s\": %s",
		       g->def.name, err_text(r))
		 : CL_OK;
}

static char *
print(const struct group *g, size_t *n)
{
	json_t *o = json_pack("{s:i, s:s}", "v", 1, "definition", g->text);
	char *text = NULL;

	if (o && json_set_blob(o, "signature", g->sig, g->sig_n) == 0 &&
	    json_set_blob(o, "wrapped", g->wrapped, sizeof(g->wrapped)) == 0)
		text = json_text(o, n);
	json_decref(o);
	return text;
}

int
groups_file_write(const struct owner *o, struct group *g,
    const uint8_t root[CRYPTO_KEY], int fresh)
{
	char file[FILE_NAME_MAX], *text = NULL;
	size_t n;
	int r;

	if ((r = seal_group(o, g, root)) != 0)
		return r;
	snprintf(file, sizeof(file), "groups/%s.json", g->def.name);
	if (!(text = print(g, &n)))
		r = why_memory();
	else if (fresh)
		r = home_write_new(&o->home, file, text, n);
	else
		r = home_write(&o->home, file, text, n);
	secmem_free(text);
	return r;
}
