# SPDX-License-Identifier: GPL-2.0
# The verbs of this repository. Each leaves its work to a script in scripts/,
# which has a --help of its own.

KERNEL ?= 6.12
ARCH ?= x86_64
export KERNEL ARCH LAB_LANG KERNEL_SRC V DEBUG WORKTREE CONFIG LOCALMODCONFIG

ifneq ($(words $(CURDIR)),1)
$(error the kernel cannot be built in a path with spaces: move this clone, $(CURDIR))
endif
ifdef PROG
ifneq ($(words $(PROG)),1)
$(error PROG=$(PROG): a path with spaces cannot be given to make)
endif
ifeq ($(wildcard $(PROG)),)
$(error PROG=$(PROG): there is no such file)
endif
endif

userspace := build/userspace
variant := $(if $(DEBUG),$(if $(filter kcsan,$(DEBUG)),kcsan,debug))
image := build/$(KERNEL)-$(ARCH)$(addprefix -,$(variant))/vmlinuz
boot := scripts/boot --kernel $(image)

help:
	@echo 'make run        patch, build and boot the kernel, run the demo in it'
	@echo '                PROG=x.c or PROG=binary: your own program instead; ARGS="..."'
	@echo 'make check      under a minute: lint, the harness, one boot with the core tests'
	@echo 'make test       the tests of what was built; V=1: all that they print'
	@echo '                T=NAME: one stage or program; T=NAME:PART: some of its tests (uffd:wp)'
	@echo 'make test-all   everything: stock, broken and debug kernels, each patch alone ...'
	@echo 'make kernel     $(image)'
	@echo 'make bench      what first touches cost, next to other memory; ARGS=--docs: docs/ too'
	@echo 'make apps       redis, sqlite3, python3 ... on each kind of memory; ARGS="redis git": these'
	@echo 'make lab        page references of real programs under each replacement policy; T=: one experiment,'
	@echo '                PROG=, ARGS=: another program, STRING="1 2 3": a typed one, POLICY=x.c, LAB_LANG=es'
	@echo 'make soak       the model for OPS= operations (default 1000000) from SEED=, on KIND='
	@echo '                (default: strict, then adaptive)'
	@echo 'make matrix     docs/matrix.md, anew'
	@echo 'make install    libtamalloc, tamrun, tamstat, tamtrace, into PREFIX= (default /usr/local) below DESTDIR='
	@echo 'make deb        Debian packages of such a kernel for your own machine, from its config or CONFIG='
	@echo 'make shell      a shell in a guest that has the demo and the tests'
	@echo 'make gdb        the same, waiting for gdb on 127.0.0.1:1234'
	@echo 'make clean      remove build/'
	@echo
	@echo 'DEBUG=1         the kernel with its detectors: KASAN, lockdep, kmemleak ...'
	@echo 'DEBUG=kcsan     the kernel with the race detector'
	@echo 'KERNEL_SRC=     a kernel tree or tarball instead of the Debian package'
	@echo 'V=1             show what the compilers are told'
	@echo
	@echo 'HACKING.md tells how to work on it.'

setup:
	@scripts/setup

kernel: setup
	@scripts/build $(addprefix --,$(variant))

userspace: setup
	@$(MAKE) -s -C userspace OUT=$(CURDIR)/$(userspace)

ifdef PROG
ifeq ($(suffix $(PROG)),.c)
program := $(userspace)/prog/$(basename $(notdir $(PROG)))
else
program := $(PROG)
endif
else
program := $(userspace)/demo
endif

program: setup
ifeq ($(suffix $(PROG)),.c)
	@$(MAKE) -s -C userspace OUT=$(CURDIR)/$(userspace) PROG=$(abspath $(PROG))
else ifdef PROG
	@! LC_ALL=C readelf -lW '$(PROG)' 2>/dev/null | grep -q INTERP || \
		{ echo 'PROG=$(PROG) is linked dynamically; the guest has no libraries: link it with -static' >&2; exit 1; }
else
	@$(MAKE) -s -C userspace OUT=$(CURDIR)/$(userspace) $(CURDIR)/$(program)
endif

run: program kernel
	@$(boot) --timeout 600 --add $(program) -- /$(notdir $(program)) $(ARGS)

check:
	@scripts/test --check

test:
	@scripts/test $(T)

test-all:
	@scripts/test --all

bench: kernel userspace
	@scripts/setup --bench
	@scripts/bench --kernel $(image) $(ARGS)

apps: kernel
	@scripts/setup --apps
	@scripts/apps --kernel $(image) $(ARGS)

# A shell's quotes around what may have spaces; a ' in it ends the word.
lab:
	@scripts/setup --lab
	@scripts/lab $(if $(PROG),--prog '$(PROG)') $(if $(ARGS),--args '$(ARGS)') $(if $(STRING),--string '$(STRING)') \
		$(if $(POLICY),--policy '$(POLICY)') $(T)

soak: kernel userspace
	@$(boot) --single-thread --smp 2 --mem 512M --timeout 86400 --append numa=fake=2 --add $(userspace)/model -- \
		sh -c 'for kind in $(or $(KIND),strict adaptive); do \
			echo "# $$kind"; \
			/model --kind $$kind --seed $(or $(SEED),$(shell date +%s)) --ops $(or $(OPS),1000000) || failed=1; \
		done; exit $$failed'

matrix: kernel userspace
	@scripts/matrix --kernel $(image)

shell gdb: kernel userspace
	@$(boot) --shell $(if $(filter gdb,$@),--gdb) --add $(userspace)/demo --add $(userspace)/tests \
		--add userspace/test/guest/run.sh

deb:
	@scripts/setup --deb
	@scripts/deb

PREFIX ?= /usr/local
# Absolute, as the other make takes it from its own directory.
install: to = $(if $(DESTDIR),$(shell realpath -m '$(DESTDIR)'))
install:
	@scripts/setup --install
	@$(MAKE) -s -C userspace install OUT=$(CURDIR)/$(userspace) PREFIX='$(PREFIX)' DESTDIR='$(to)'

clean:
	rm -rf build

.PHONY: help setup kernel userspace program run check test test-all bench apps lab soak matrix shell gdb deb install clean
