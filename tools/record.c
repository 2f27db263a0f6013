// SPDX-License-Identifier: GPL-2.0
/*
 * What load has made, by the namespace that it worked in. A device is deleted
 * for not being in the configuration any more only if it is in here, under the
 * name and index that it had: what others have made is theirs.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange.h"
#include "load.h"
#include "report.h"

#define RECORD_DIR "/run/xvti"

static int record_error(const char *path)
{
	value_error("load", path, "%s", strerror(errno));
	return XVTI_REFUSED;
}

static void record_path(const struct load *load, const char *suffix,
			char *path, size_t size)
{
	snprintf(path, size, RECORD_DIR "/loaded-%ju%s",
		 (uintmax_t)load->spaces.space[0]->ino, suffix);
}

/* "IFINDEX DEV INODE NAME SPEC", as a line; the last may be empty. */
static bool line_parse(char *line, struct loaded *loaded)
{
	uintmax_t dev, ino;
	int at = 0;

	memset(loaded, 0, sizeof(*loaded));
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNu32 " %ju %ju %15s %n", &loaded->ifindex, &dev,
		   &ino, loaded->name, &at) != 4 || !at)
		return false;
	loaded->dev = (dev_t)dev;
	loaded->ino = (ino_t)ino;
	snprintf(loaded->spec, sizeof(loaded->spec), "%s", line + at);
	return true;
}

static int record_read(struct load *load, FILE *file)
{
	struct loaded *more;
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	while (!ret && getline(&line, &size, file) >= 0) {
		more = array_grow(load->loaded, load->loadeds, sizeof(*more));
		if (!more) {
			ret = usage_error("%s", strerror(ENOMEM));
			break;
		}
		load->loaded = more;
		if (line_parse(line, &more[load->loadeds]))
			load->loadeds++;
	}
	free(line);
	return ret;
}

/* Two that load at once would each undo what the other does. */
static int record_lock(int *lock)
{
	if (mkdir(RECORD_DIR, 0755) && errno != EEXIST)
		return record_error(RECORD_DIR);
	*lock = open(RECORD_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*lock < 0 || flock(*lock, LOCK_EX))
		return record_error(RECORD_DIR "/lock");
	return 0;
}

/* Holds the lock until *@lock is closed. */
int record_open(struct load *load, int *lock)
{
	char path[64];
	FILE *file;
	int ret;

	*lock = -1;
	ret = record_lock(lock);
	if (ret)
		return ret;
	record_path(load, "", path, sizeof(path));
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : record_error(path);
	ret = record_read(load, file);
	fclose(file);
	return ret;
}

static void line_write(FILE *file, const char *name, uint32_t ifindex,
		       dev_t dev, ino_t ino, const char *spec)
{
	fprintf(file, "%" PRIu32 " %ju %ju %s %s\n", ifindex, (uintmax_t)dev,
		(uintmax_t)ino, name, spec);
}

static void items_write(FILE *file, const struct load *load)
{
	size_t i;

	for (i = 0; i < load->items; i++) {
		const struct item *item = &load->item[i];
		const char *spec;

		if (!item->ours || !item->ifindex)
			continue;
		spec = item->over->spec;
		line_write(file, item->conf.name, item->ifindex,
			   item->over->dev, item->over->ino, spec ? spec : "");
	}
	for (i = 0; i < load->loadeds; i++) {
		const struct loaded *old = &load->loaded[i];

		if (loaded_is_left(old))
			line_write(file, old->name, old->ifindex, old->dev,
				   old->ino, old->spec);
	}
}

/* The old record or the new one, whatever happens meanwhile. */
int record_write(struct load *load)
{
	char path[64], new[64];
	bool failed;
	FILE *file;

	record_path(load, "", path, sizeof(path));
	record_path(load, ".new", new, sizeof(new));
	file = fopen(new, "we");
	if (!file)
		return record_error(new);
	items_write(file, load);
	failed = ferror(file);
	if (fclose(file) || failed || rename(new, path))
		return record_error(new);
	return 0;
}
