// SPDX-License-Identifier: GPL-2.0
/*
 * xvti load: makes the devices of a namespace what files say, by the least
 * that has to be changed. The files are in the language of -b, with no other
 * command than add: they say what is to be, not what is to be done.
 *
 * Nothing is changed before all lines have been read and found good, and what
 * has been changed is changed back if the kernel refuses the rest.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "batch.h"
#include "commands.h"
#include "exchange.h"
#include "load.h"
#include "report.h"

#define CONFIG_DIR "/etc/xvti"

/* Paths outlive the reading: items are known by file and line. */
struct paths {
	char **path;
	size_t count;
};

static int out_of_memory(void)
{
	usage_error("%s", strerror(ENOMEM));
	return XVTI_REFUSED;
}

static int path_add(struct paths *paths, const char *dir, const char *name)
{
	char **more = array_grow(paths->path, paths->count, sizeof(*more));
	char *path = NULL;

	if (more)
		paths->path = more;
	if (!more || asprintf(&path, "%s%s%s", dir, *dir ? "/" : "", name) < 0)
		return out_of_memory();
	more[paths->count++] = path;
	return 0;
}

static void paths_free(struct paths *paths)
{
	while (paths->count)
		free(paths->path[--paths->count]);
	free(paths->path);
}

/* What an editor or a package manager leaves beside a file has other names. */
static int is_conf(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 &&
	       !strcmp(entry->d_name + len - 5, ".conf");
}

static int paths_add_dir(struct paths *paths, const char *dir)
{
	struct dirent **entry;
	int i, n, ret = 0;

	n = scandir(dir, &entry, is_conf, alphasort);
	if (n < 0)
		return value_error("load", dir, "%s", strerror(errno));
	for (i = 0; i < n; i++) {
		if (!ret)
			ret = path_add(paths, dir, entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	return ret;
}

static int paths_add(struct paths *paths, const char *path)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return path_add(paths, "", path);
	if (stat(path, &st))
		return value_error("load", path, "%s", strerror(errno));
	return S_ISDIR(st.st_mode) ? paths_add_dir(paths, path) :
				     path_add(paths, "", path);
}

static int paths_read(struct args *args, struct paths *paths)
{
	char *path;
	int ret;

	ret = args_word(args, &path);
	/* Who has no configuration has none to be wrong. */
	if (!ret && !path)
		return access(CONFIG_DIR, F_OK) ? 0 :
						  paths_add(paths, CONFIG_DIR);
	while (!ret && path) {
		ret = paths_add(paths, path);
		if (!ret)
			ret = args_word(args, &path);
	}
	return ret;
}

/* The words of a line are gone when the next one is read. */
static int words_keep(struct item *item, struct args *args)
{
	int i;

	item->words = calloc((size_t)args->argc + 1, sizeof(char *));
	if (!item->words)
		return out_of_memory();
	for (i = 0; i < args->argc; i++) {
		item->words[i] = strdup(args->argv[i]);
		if (!item->words[i])
			return out_of_memory();
		item->count++;
	}
	args->argv = item->words;
	return 0;
}

static void item_free(struct item *item)
{
	while (item->count)
		free(item->words[--item->count]);
	free(item->words);
}

static int verb_check(const char *verb)
{
	if (*verb && !strncmp("add", verb, strlen(verb)))
		return 0;
	return usage_error("\"%s\": a configuration has no other command than add",
			   verb);
}

static int item_parse(struct item *item, struct args *args)
{
	const char *self = args->opt->netns;
	char *verb;
	int ret;

	ret = args_options(args);
	if (ret)
		return ret;
	if (args->opt->batch || args->opt->force || args->opt->version ||
	    args->opt->help)
		return usage_error("options -batch, -force, -Version and -help: not in a configuration");
	ret = args_word(args, &verb);
	/* There were options only. */
	if (!ret && !verb)
		return usage_error("missing command");
	if (!ret)
		ret = verb_check(verb);
	if (ret)
		return ret;
	args->in_command = true;
	ret = conf_parse_add(args, &item->conf);
	if (args->opt->netns != self)
		item->netns = args->opt->netns;
	return ret;
}

/* The namespaces of a line, which have to be there. */
static int item_spaces(struct load *load, struct item *item)
{
	const char *netns = item->conf.given[W_NETNS];
	int ret = 0;

	item->under = load->spaces.space[0];
	if (item->netns)
		ret = spaces_get(&load->spaces, "-n", item->netns, &item->under);
	item->over = item->under;
	if (!ret && netns)
		ret = spaces_get(&load->spaces, "netns", netns, &item->over);
	return ret;
}

/* One line of the configuration. */
static int load_line(struct args *args)
{
	struct load *load = args->data;
	struct item *item = array_grow(load->item, load->items, sizeof(*item));
	int ret;

	if (!item)
		return out_of_memory();
	load->item = item;
	item += load->items++;
	memset(item, 0, sizeof(*item));
	item->file = args->file;
	item->line = args->line;
	ret = words_keep(item, args);
	if (!ret)
		ret = item_parse(item, args);
	if (!ret)
		ret = item_spaces(load, item);
	if (ret)
		item->todo = ITEM_BAD;
	return ret;
}

/* Reads on after a bad line: all of them are named at once. */
static int files_read(struct load *load, const struct paths *paths)
{
	struct options line = *load->opt;
	int worst = 0, ret;
	size_t i;

	line.force = true;
	for (i = 0; i < paths->count; i++) {
		ret = batch_file("load", paths->path[i], &line, load_line, load);
		if (ret > worst)
			worst = ret;
	}
	return worst;
}

static int not_changed(int ret)
{
	fputs("Nothing was changed.\n", stderr);
	return ret;
}

/* With the record locked. */
static int load_apply(struct load *load)
{
	int worst = plan_make(load), ret;

	if (worst && !load->opt->force)
		return not_changed(worst);
	load->bad |= worst;
	ret = plan_apply(load);
	if (ret > worst)
		worst = ret;
	ret = record_write(load);
	return ret > worst ? ret : worst;
}

/* The worst exit code; with -force bad lines are left out. */
static int load_files(struct load *load, const struct paths *paths)
{
	int lock, ret, worst = files_read(load, paths);

	if (worst && !load->opt->force)
		return not_changed(worst);
	load->bad = worst;
	ret = record_open(load, &lock);
	if (!ret)
		ret = load_apply(load);
	if (lock >= 0)
		close(lock);
	return ret > worst ? ret : worst;
}

static void load_free(struct load *load)
{
	while (load->items)
		item_free(&load->item[--load->items]);
	free(load->item);
	free(load->loaded);
	spaces_close(&load->spaces);
}

int cmd_load(struct args *args)
{
	struct load load = { .opt = args->opt };
	struct paths paths = { 0 };
	int ret;

	ret = paths_read(args, &paths);
	if (!ret)
		ret = spaces_open(&load.spaces, args->opt->netns);
	if (!ret)
		ret = load_files(&load, &paths);
	load_free(&load);
	paths_free(&paths);
	return ret;
}
