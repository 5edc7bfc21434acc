#include "agent/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SECONDS 30 /* that the host may be silent */

static int
kernel_open(void *arg, const char *path)
{
	(void)arg;
	return open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static int
kernel_ioctl(void *arg, int fd, unsigned long request, void *data)
{
	(void)arg;
	return ioctl(fd, request, data);
}

static int
dial(int family, const void *address, socklen_t n)
{
	const struct timeval limit = {SECONDS, 0};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ==
		0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ==
		0 &&
	    connect(fd, address, n) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
kernel_dial(void *arg, const char *where, unsigned port)
{
	const struct sockaddr_vm host = {.svm_family = AF_VSOCK,
	    .svm_cid = VMADDR_CID_HOST,
	    .svm_port = port};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	size_t n = strlen(where);

	(void)arg;
	if (strcmp(where, "vsock") == 0)
		return dial(AF_VSOCK, &host, sizeof(host));
	if (n >= sizeof(local.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(local.sun_path, where, n);
	return dial(AF_UNIX, &local, sizeof(local));
}

const struct device *
device_kernel(void)
{
	static const struct device kernel = {
	    NULL, kernel_open, kernel_ioctl, kernel_dial};

	return &kernel;
}
