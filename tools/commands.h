/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_COMMANDS_H
#define XVTI_COMMANDS_H

struct args;

/* Each reads the rest of its command line and returns the exit code. */
int cmd_add(struct args *args);
int cmd_delete(struct args *args);
int cmd_explain(struct args *args);
int cmd_export(struct args *args);
int cmd_help(struct args *args);
int cmd_load(struct args *args);
int cmd_monitor(struct args *args);
int cmd_set(struct args *args);
int cmd_show(struct args *args);
int cmd_version(struct args *args);

#endif
