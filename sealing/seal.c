#include <stdio.h>
#include <string.h>

#include "lib/secmem.h"
#include "sealing/seal_provider.h"
#include "sealing/state.h"

static const struct {
	const char *name;
	int (*get)(const struct seal_config *c, uint8_t key[SEAL_KEY],
	    char reason[SEAL_REASON]);
} providers[] = {
    {"tpm", seal_tpm},
    {"file", seal_file},
};

static int
count(void *arg, const char *name)
{
	(void)name;
	++*(unsigned *)arg;
	return 0;
}

int
seal_first_use(
    const struct seal_config *c, const char *file, char reason[SEAL_REASON])
{
	unsigned records = 0;
	int r;

	if ((r = state_each(c->state_dirfd, count, &records)) != 0)
		return r;
	if (!records)
		return CL_OK;
	(void)snprintf(reason, SEAL_REASON,
	    "%s is missing, but %u records are sealed by it or by another "
	    "provider: restore it, or remove the records (*.blob) and have the "
	    "owners provision again",
	    file, records);
	return CL_ERR_SEALED;
}

int
seal_root_key(const struct seal_config *c, uint8_t key[SEAL_KEY],
    char reason[SEAL_REASON])
{
	size_t i;
	int r;

	reason[0] = '\0';
	memset(key, 0, SEAL_KEY);
	for (i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
		if (strcmp(providers[i].name, c->provider) != 0)
			continue;
		r = providers[i].get(c, key, reason);
		if (r != 0) {
			secmem_wipe(key, SEAL_KEY);
			if (!reason[0])
				(void)snprintf(
				    reason, SEAL_REASON, "%s", err_text(r));
		}
		return r;
	}
	(void)snprintf(reason, SEAL_REASON,
	    "sealing provider: expected tpm or file, came %s", c->provider);
	return CL_ERR_CONFIG;
}
