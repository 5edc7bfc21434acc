/*
 * A file system that behaves as the kernel's configfs-tsm does. What comes out
 * of it is well formed but not signed. Serves until it is unmounted.
 *
 *	tsmfs [options] FOLDER		options: tests/fake/tsm.h
 */
#include "tests/fake/tsm.h"

int
main(int argc, char **argv)
{
	static const struct option longs[] = {TSM_OPTIONS, {NULL, 0, NULL, 0}};
	char *fuse_argv[] = {argv[0], (char *)"-f", (char *)"-s",
	    (char *)"-odefault_permissions,attr_timeout=0,entry_timeout=0",
	    NULL, NULL};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!tsm_take(c, optarg))
			return 2;
	if (optind != argc - 1)
		return 2;
	fuse_argv[4] = argv[optind];
	return fuse_main(5, fuse_argv, tsm_operations(), NULL);
}
