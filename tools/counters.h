/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_COUNTERS_H
#define XVTI_COUNTERS_H

/* Of a counter of drops; NULL for the others. */
const char *stat_meaning(unsigned int stat);
const char *stat_advice(unsigned int stat);

#endif
