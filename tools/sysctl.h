/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_SYSCTL_H
#define XVTI_SYSCTL_H

#include <stddef.h>

struct nl;

/*
 * net/FAMILY/conf/IFNAME/NAME in the namespace of @nl; negative if it cannot
 * be read.
 */
int sysctl_conf(const struct nl *nl, int family, const char *ifname,
		const char *name);

/* The same as sysctl(8) takes it; a name may have dots in it. */
void sysctl_conf_key(int family, const char *ifname, const char *name,
		     char *buf, size_t size);

#endif
