// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration that xvti load reads; behind four octets of 0, what there is
 * already, as records of kernel.c.
 */

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t end[4];
	const uint8_t *records = memmem(data, size, end, sizeof(end));
	size_t lines = records ? (size_t)(records - data) : size;

	if (records)
		records += sizeof(end);
	kernel_start(records, records ? (size_t)(data + size - records) : 0);
	world_start(data, lines);
	run_tool(2, "load", "-");
	world_end();
	return 0;
}
