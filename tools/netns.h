/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_NETNS_H
#define XVTI_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl;

int netns_open(const char *word, const char *spec);
bool netns_there(const char *spec);
bool netns_find_id(struct nl *nl, int32_t id, char *spec, size_t size);
void netns_command(const char *spec, const char *command, char *buf,
		   size_t size);
bool netns_find_self(char *spec, size_t size);

#endif
