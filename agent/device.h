/*
 * The way to guest devices: every open, ioctl and connection of an evidence
 * provider goes through one of these, so that tests can stand in for them.
 */
#ifndef CLOISTER_AGENT_DEVICE_H
#define CLOISTER_AGENT_DEVICE_H

struct device {
	void *arg; /* the first argument of each */
	/* A descriptor, or -1 and errno. */
	int (*open)(void *arg, const char *path);
	/* As ioctl(2): anything but 0 is a failure, -1 has errno. */
	int (*ioctl)(void *arg, int fd, unsigned long request, void *data);
	/* A stream to a vsock port of the host, or, when where is not "vsock",
	 * to the UNIX socket of that path; or -1 and errno. */
	int (*dial)(void *arg, const char *where, unsigned port);
};

/* The kernel's own. */
const struct device *device_kernel(void);

#endif
