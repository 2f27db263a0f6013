/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_NAMES_H
#define XVTI_NAMES_H

#include <stdint.h>

/* The words of a configuration, in the order that show and export use. */
enum word {
	W_LOCAL,
	W_REMOTE,
	W_REQID,
	W_MARK,
	W_IF_ID,
	W_DEV,
	W_MODE,
	W_CARRIER,
	W_MTU,
	W_QUEUE,
	W_NETNS,
	W_UP,
	W_COUNT,
	W_NONE = W_COUNT
};

const char *word_name(enum word word);
enum word word_of_attr(unsigned int attr);

const char *mode_name(uint32_t mode);
const char *carrier_name(uint32_t carrier);
const char *mtu_source_name(uint32_t source);
const char *mtu_source_text(uint32_t source);
const char *stat_name(unsigned int stat);

#endif
