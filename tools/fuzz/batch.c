// SPDX-License-Identifier: GPL-2.0
/* The lines of xvti -b, through all commands, where the kernel says yes. */

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	kernel_start(NULL, 0);
	world_start(data, size);
	run_tool(3, "-force", "-b", "-");
	world_end();
	return 0;
}
