# SPDX-License-Identifier: GPL-2.0
#
# xvti: the module, the tool, and guests to try them in. `make help` lists the
# targets; kbuild itself reads Kbuild, never this file.

# `make lab SHELL=1` is to say something else than which shell make should use.
ifeq ($(origin SHELL),command line)
ifneq ($(filter 0 1,$(SHELL)),)
LAB_SHELL := $(filter 1,$(SHELL))
override SHELL := /bin/sh
MAKEOVERRIDES := $(filter-out SHELL=%,$(MAKEOVERRIDES))
endif
endif

KDIR_GIVEN := $(KDIR)
KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
RELEASE ?= bookworm

export PREFIX DESTDIR

# of make soak
MINUTES ?= 0
HOURS ?= $(if $(filter 0,$(MINUTES)),1,0)

RUN := selftests/qemu/run.sh
# KDIR reaches a guest only when it was asked for.
GUEST_ENV := KDIR='$(KDIR_GIVEN)'

all: module tool	## build the module and the tool

module:			## build the module against KDIR, or the running kernel
	@test -e $(KDIR)/Makefile || { \
		echo "xvti: no kernel build tree at $(KDIR)." >&2; \
		echo "xvti: on Debian: apt-get install linux-headers-$$(uname -r)," \
			"or give KDIR=<kernel tree>." >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tool:			## build the xvti command
	$(MAKE) -C tools

demo:			## two gateways with strongSwan in one guest, RELEASE=...
	+@$(GUEST_ENV) $(RUN) demo $(RELEASE)

lab:			## the reference network; SHELL=1 BINDING=... STYLE=... PEER=...
	+@$(GUEST_ENV) LAB_SHELL='$(LAB_SHELL)' BINDING='$(BINDING)' \
		STYLE='$(STYLE)' PEER='$(PEER)' $(RUN) lab $(RELEASE)

check:			## run the tests in guests; T='mtu*' RELEASES=... V=1 KDIR=...
	+@$(GUEST_ENV) RELEASES='$(RELEASES)' T='$(T)' V='$(V)' $(RUN) check

bench:			## instructions per packet; ROWS=... FULL=1 COMPARE=old.json
	+@$(GUEST_ENV) RELEASE='$(RELEASE)' ROWS='$(ROWS)' FULL='$(FULL)' \
		SCALE='$(SCALE)' CORES='$(CORES)' PROFILE='$(PROFILE)' \
		FUNCTIONS='$(FUNCTIONS)' COMPARE='$(COMPARE)' selftests/bench/run.sh

check-debug:		## all tests with KASAN, lockdep and more; T=... RELEASES=
	+@KDIR= RELEASES='$(or $(RELEASES),debug)' T='$(T)' V='$(V)' $(RUN) check

fuzz:			## a million netlink messages, on that kernel; RELEASES=... V=1
	+@$(GUEST_ENV) RELEASES='$(or $(RELEASES),debug)' V='$(V)' T=fuzz-long \
		$(RUN) check

soak:			## storms for long, on that kernel; HOURS=... RELEASES=...
	+@$(GUEST_ENV) RELEASES='$(or $(RELEASES),debug)' T=soak V=1 \
		XVTI_SOAK_SECONDS=$$((3600 * ($(HOURS)) + 60 * ($(MINUTES)))) \
		$(RUN) check

check-kcsan:		## races of two processors, on a kernel that looks for them; T=
	+@KDIR= RELEASES=kcsan T='$(or $(T),concurrency soak)' V='$(V)' \
		$(RUN) check

check-lab:		## the reference network, all variants, and leaks; RELEASES=...
	+@$(GUEST_ENV) RELEASES='$(or $(RELEASES),bookworm)' V='$(V)' \
		T='lab lab-variants leak' $(RUN) check

check-compile:		## with gcc, clang, sparse, for arm64 and s390; RELEASES=...
	+@KDIR= RELEASES='$(RELEASES)' V='$(V)' $(RUN) compile

check-dkms:		## what DKMS does with the module, RELEASES=...
	+@KDIR= RELEASES='$(RELEASES)' V='$(V)' $(RUN) dkms

repro:			## show the kernel bugs that patches/ fixes; T=... KDIR=...
	+@$(GUEST_ENV) T='$(T)' $(RUN) repro

patches-check:		## which fixes the tree KDIR lacks; do the patches fit
	@patches/check.sh '$(KDIR_GIVEN)'

check-harness:		## test the test machinery itself
	+@selftests/qemu/selftest.sh

check-packages:		## from apt install to a tunnel after a reboot, RELEASES=...
	+@KDIR= RELEASES='$(RELEASES)' V='$(V)' $(RUN) packages

deb:			## build Debian packages in deb/, RELEASE=...
	+@KDIR= $(RUN) deb $(RELEASE)

docs:			## build Documentation/out/html
	@selftests/qemu/setup.sh docs
	@for text in Documentation/figures/*.txt; do \
		python3 Documentation/draw.py "$$text" >"$${text%.txt}.svg"; done
	sphinx-build -W --keep-going -q -b html -d Documentation/out/trees \
		Documentation Documentation/out/html
	@echo "xvti: see Documentation/out/html/index.html"

shell:			## a shell in a guest with the module loaded, RELEASE=...
	+@$(GUEST_ENV) $(RUN) shell $(RELEASE)

install: install-module install-tool	## install both; DESTDIR, PREFIX, KDIR

install-module: module	## the module alone; DESTDIR, KDIR
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install \
		INSTALL_MOD_PATH='$(DESTDIR)' INSTALL_MOD_DIR=updates
	$(if $(DESTDIR),,depmod -a $(KERNEL_RELEASE))

install-tool: tool	## the tool alone; DESTDIR, PREFIX
	$(MAKE) -C tools install

uninstall:		## remove what install installed
	rm -f $(DESTDIR)/lib/modules/$(KERNEL_RELEASE)/updates/xvti.ko*
	$(if $(DESTDIR),,depmod -a $(KERNEL_RELEASE))
	$(MAKE) -C tools uninstall

# The release that KDIR builds for, or the running one. Debian has another in
# include/config/kernel.release.
KERNEL_RELEASE = $(or $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null),$(shell uname -r))

clean:			## remove everything that was built in this tree
	$(MAKE) -C tools clean
	$(MAKE) -C selftests clean
	rm -rf selftests/qemu/out selftests/bench/out Documentation/out deb
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name '.*.o.d' -o -name 'Module.symvers' \
		-o -name modules.order \) -exec rm -f {} +

help:			## this list
	@echo 'usage: make [TARGET] [VARIABLE=VALUE...]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/\1\t\2/p' $(MAKEFILE_LIST) | \
		awk -F'\t' '{ printf "  %-14s %s\n", $$1, $$2 }'
	@echo
	@echo 'variables:'
	@echo '  KDIR           kernel build tree, default that of the running kernel; with'
	@echo '                 check, check-lab, fuzz, soak, demo, lab, shell, bench and'
	@echo '                 repro: boot this tree in the guest; patches-check looks at'
	@echo '                 its source'
	@echo '  RELEASE        Debian release of demo, lab, shell, deb and bench,'
	@echo '                 default $(RELEASE)'
	@echo '  RELEASES       Debian releases, of those in selftests/qemu/releases; by'
	@echo '                 default, of'
	@echo '      check            $(call default,check,DEFAULT)'
	@echo '      check-packages   $(call default,system,PACKAGES)'
	@echo '      check-dkms       $(call default,dkms,DKMS)'
	@echo '      check-compile    $(call default,compile,COMPILE)'
	@echo '      check-lab        bookworm'
	@echo '      fuzz, soak       debug'
	@echo '  T              globs of test names of check and check-debug, such as'
	@echo '                 "mtu* life", and of case names of repro'
	@echo '  V=1            the checks and fuzz show all that the tests print'
	@echo '  HOURS, MINUTES, XVTI_SEED   of soak: how long, by default an hour, and the'
	@echo '                 number that its random ones come from'
	@echo '  SHELL=1, BINDING=mark|if_id|reqid, STYLE=swanctl|ipsec,'
	@echo '  PEER=xvti|vti6|xfrmi   of lab: see Documentation/reference-network.rst'
	@echo '  ROWS, FULL, SCALE, CORES, PROFILE, FUNCTIONS, COMPARE   of bench:'
	@echo '                 see Documentation/performance.rst'
	@echo '  PREFIX         where the tool goes, default /usr/local'
	@echo '  DESTDIR        put before every installed path'
	@echo '  XVTI_...       of all that has guests: see selftests/qemu/README'

# The releases that a script of the guests has by default.
default = $(shell sed -n 's/^$(2)_RELEASES="\(.*\)"$$/\1/p' selftests/qemu/$(1).sh)

.PHONY: all module tool demo lab check bench check-debug fuzz soak check-lab \
	check-kcsan check-compile check-dkms repro patches-check check-harness \
	check-packages deb docs shell install install-module install-tool \
	uninstall clean help
