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

RUN := selftests/qemu/run.sh
# KDIR reaches a guest only when it was asked for.
GUEST_ENV := KDIR='$(KDIR_GIVEN)'

all: module tool	## build the module and the tool

module: headers		## build the module against KDIR, or the running kernel
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tool:			## build the xvti command
	$(MAKE) -C tools

headers:
	@test -e $(KDIR)/Makefile || { \
		echo "xvti: no kernel build tree at $(KDIR)." >&2; \
		echo "xvti: on Debian: apt-get install linux-headers-$$(uname -r)," \
			"or give KDIR=<kernel tree>." >&2; \
		exit 1; }

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

check-debug:		## all tests on a kernel with KASAN, lockdep and more; T=... V=1
	+@KDIR= RELEASES=debug T='$(T)' V='$(V)' $(RUN) check

check-lab:		## the reference network in all variants, and its leaks
	+@$(GUEST_ENV) RELEASES='$(or $(RELEASES),bookworm)' V='$(V)' \
		T='lab lab-variants leak' $(RUN) check

check-dkms:		## test what DKMS does with the module, RELEASES=...
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

install: install-module install-tool	## install both; DESTDIR, PREFIX

install-module: module
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install \
		INSTALL_MOD_PATH='$(DESTDIR)' INSTALL_MOD_DIR=updates
	$(if $(DESTDIR),,depmod -a $(KERNEL_RELEASE))

install-tool: tool
	$(MAKE) -C tools install

uninstall:		## remove what install installed
	rm -f $(DESTDIR)/lib/modules/$(KERNEL_RELEASE)/updates/xvti.ko*
	$(if $(DESTDIR),,depmod -a $(KERNEL_RELEASE))
	$(MAKE) -C tools uninstall

# The release that KDIR builds for, or the running one.
KERNEL_RELEASE = $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null \
	|| uname -r)

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
	@echo '  KDIR           kernel build tree, default that of the running kernel;'
	@echo '                 with check, demo, shell, bench and repro: boot this'
	@echo '                 tree in the guest; patches-check looks at its source'
	@echo '  RELEASE        Debian release of demo, lab, shell, deb and bench,'
	@echo '                 default $(RELEASE)'
	@echo '  RELEASES       Debian releases of check, default bookworm, trixie'
	@echo '                 and trixie-backports, and of check-dkms, default'
	@echo '                 bullseye, bookworm and trixie;'
	@echo '                 and of check-packages, default as check;'
	@echo '                 the others are in selftests/qemu/releases'
	@echo '  T              globs of test names of check and check-debug, such as'
	@echo '                 "mtu* life", and of case names of repro'
	@echo '  V=1            check, check-debug and check-dkms show all that the'
	@echo '                 tests print'
	@echo '  SHELL=1, BINDING=mark|if_id|reqid, STYLE=swanctl|ipsec,'
	@echo '  PEER=xvti|vti6|xfrmi   of lab: see Documentation/reference-network.rst'
	@echo '  ROWS, FULL, SCALE, CORES, PROFILE, FUNCTIONS, COMPARE   of bench:'
	@echo '                 see Documentation/performance.rst'
	@echo '  PREFIX         where the tool goes, default /usr/local'
	@echo '  DESTDIR        put before every installed path'

.PHONY: all module tool headers demo lab check bench check-debug check-lab \
	check-dkms check-packages deb docs check-harness patches-check repro \
	shell install install-module install-tool uninstall clean help
