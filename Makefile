# SPDX-License-Identifier: GPL-2.0
# The verbs of this repository. Each leaves its work to a script in scripts/,
# which has a --help of its own.

KERNEL ?= 6.12
ARCH ?= x86_64
# What kernel developers call it.
ifeq ($(ARCH),x86)
override ARCH := x86_64
endif
# What looks at programs of this machine, or at x86-64's instructions and page tables.
native := apps bench lab trace gdb deb test-all
ifneq ($(ARCH),x86_64)
ifneq ($(filter $(native),$(MAKECMDGOALS)),)
$(error make $(firstword $(filter $(native),$(MAKECMDGOALS))) is for x86_64 only: docs/ports.md)
endif
endif
export KERNEL ARCH PAGE_SIZE CPU LAB_LANG KERNEL_SRC V DEBUG WORKTREE CONFIG LOCALMODCONFIG
unexport CDPATH

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
ifneq ($(shell test -f '$(PROG)' || echo n),)
$(error PROG=$(PROG) is not a file; name a program, or its source in one file)
endif
source := $(filter .c .cc .cpp .cxx,$(suffix $(PROG)))
# A program begins with ELF's magic number or with #!.
ifeq ($(source)$(filter 7f454c46 2321%,$(shell od -An -tx1 -N4 '$(PROG)' | tr -d ' ')),)
$(error PROG=$(PROG) is no program, no script that begins with #!, and no source: .c .cc .cpp .cxx)
endif
ifeq ($(source)$(shell test -x '$(PROG)' && echo y),)
$(error PROG=$(PROG) cannot be executed: chmod +x $(PROG))
endif
endif
# CFLAGS=... and the like are for PROG=; the other makes have their own.
MAKEOVERRIDES =

# One word for a shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'

target := $(ARCH)$(addprefix -,$(filter-out 4K 4k,$(PAGE_SIZE)))
userspace := build/userspace$(addprefix -,$(filter-out x86_64,$(ARCH)))
# As scripts/test has it.
variant := $(patsubst 1,debug,$(patsubst yes,debug,$(filter-out 0 no,$(DEBUG))))
ifneq ($(filter-out debug kcsan,$(variant))$(word 2,$(variant)),)
$(error DEBUG=$(DEBUG) must be 1, kcsan or 0)
endif
ifeq ($(filter gdb,$(MAKECMDGOALS)) $(variant),gdb kcsan)
$(error DEBUG=kcsan has no debug information: make gdb, or make gdb DEBUG=1)
endif
ifeq ($(filter gdb,$(MAKECMDGOALS))$(variant),gdb)
variant := gdb
endif
image := build/$(KERNEL)-$(target)$(addprefix -,$(variant))/vmlinuz
boot := scripts/boot --kernel $(image)

help:
	@echo 'make run        patch, build and boot the kernel, run the demo in it'
	@echo '                PROG=x.c, x.cpp or a program: your own instead, with the input of make'
	@echo '                ARGS="a *.c '"'b c'"'": its arguments, which no shell expands'
	@echo '                CFLAGS= CXXFLAGS= LDFLAGS= LDLIBS=-lm: how it is compiled'
	@echo '                TIMEOUT=: seconds that it may run (default 600)'
	@echo 'make check      under a minute: lint, the harness, one boot with the core tests'
	@echo 'make test       the tests on the patched kernel; V=1: all of their output'
	@echo '                T=NAME: one stage or program; T=NAME:PART: some of its tests (uffd:wp)'
	@echo 'make test-all   everything: Debian's, broken and debug kernels, each patch alone ...'
	@echo 'make kernel     $(image)'
	@echo 'make bench      what first touches cost, next to other memory; ARGS=--docs: docs/ too'
	@echo 'make apps       redis, sqlite3, python3 ... on each kind of memory; ARGS="redis git": these'
	@echo 'make trace      a program under tamtrace: what it takes with and without tamalloc, its'
	@echo '                touches as CSV and as a page for a browser; PROG=/usr/bin/redis-server'
	@echo '                ARGS="...": yours instead of the demo; FOR=: seconds for it (default 10)'
	@echo 'make lab        page references of real programs under each replacement policy; T=: one experiment,'
	@echo '                PROG=, ARGS=: another program, STRING="1 2 3": a typed one, POLICY=x.c, LAB_LANG=es'
	@echo 'make soak       the model for OPS= operations (default 1000000) from SEED=, on KIND='
	@echo '                (default: strict, then adaptive)'
	@echo 'make matrix     docs/matrix.md, anew'
	@echo 'make install    libtamalloc, tamrun, tamstat, tamtrace, into PREFIX= (default /usr/local) below DESTDIR=;'
	@echo '                make uninstall takes them away'
	@echo 'make deb        Debian packages of such a kernel for your own machine, from its config or CONFIG='
	@echo 'make shell      a shell in a guest that has the tools, the demo, the tests and PROG='
	@echo 'make gdb        the same on a kernel with debug information, waiting for gdb: docs/gdb.md'
	@echo 'make clean      remove build/'
	@echo
	@echo 'DEBUG=1         the kernel with its detectors: KASAN, lockdep, kmemleak ...'
	@echo 'DEBUG=kcsan     the kernel with the race detector'
	@echo 'WORKTREE=DIR    make test: on the kernel of an edited tree, as scripts/checkout lays out'
	@echo 'KERNEL=7.3      that kernel instead of 6.12'
	@echo 'ARCH=arm64      run, test, soak and shell on that architecture, also with PAGE_SIZE=16K or 64K;'
	@echo '                ARCH=riscv64; CPU=cortex-a72: docs/ports.md'
	@echo 'KERNEL_SRC=     a kernel tree or tarball instead of the Debian package'
	@echo 'V=1             show the commands of the build'
	@echo
	@echo 'To work on it: HACKING.md'

setup:
	@scripts/setup

kernel: setup
	@scripts/build $(addprefix --,$(variant))

# Without the PROG= of the command line, which would be all that is built.
userspace: setup
	@$(MAKE) -s -C userspace PROG= OUT=$(CURDIR)/$(userspace)

program := $(if $(PROG),$(if $(source),$(userspace)/prog/$(basename $(notdir $(PROG))),$(PROG)),$(userspace)/demo)
of_program = $(foreach name,$(if $(filter .c,$(source)),CFLAGS,CXXFLAGS) LDFLAGS LDLIBS,\
	PROG_$(name)=$(call quoted,$(value $(name))))

program: setup
ifdef source
	@env -u CFLAGS -u CXXFLAGS -u LDFLAGS -u LDLIBS \
		$(MAKE) -s -C userspace OUT=$(CURDIR)/$(userspace) PROG=$(abspath $(PROG)) $(of_program)
else ifndef PROG
	@$(MAKE) -s -C userspace OUT=$(CURDIR)/$(userspace) $(CURDIR)/$(program)
endif

# The demo speaks Spanish to who does, by locale(7) or by make run LANG=es.
language := $(firstword $(if $(filter command%,$(origin LANG)),$(LANG)) $(LC_ALL) $(LC_MESSAGES) $(LANG))

run: program kernel
	@$(boot) --timeout $(or $(TIMEOUT),600) --add $(program) --args $(call quoted,$(value ARGS)) -- \
		$(if $(PROG),,$(if $(filter es%,$(language)),env LANG=es)) /$(notdir $(program))

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

trace: program kernel
	@scripts/setup --install
	@scripts/trace --kernel $(image) $(addprefix --for ,$(FOR)) --args $(call quoted,$(value ARGS)) $(abspath $(program))

# What was not given is not passed on: an empty string is an error of the user's.
option = $(if $(value $(2)),$(1) $(call quoted,$(value $(2))))
# A replay needs no guest.
replayed := strings faults opt lru clock fifo anomaly ws pff phases sizes fit segments
lab: $(if $(STRING)$(and $(T),$(if $(filter-out $(replayed),$(T)),,y)),,kernel)
	@scripts/setup --lab
	@scripts/lab --kernel $(image) $(call option,--prog,PROG) $(call option,--args,ARGS) \
		$(call option,--string,STRING) $(call option,--policy,POLICY) $(T)

soak: kernel userspace
	@$(boot) --smp 2 --mem 512M --timeout 86400 --append numa=fake=2 --add $(userspace)/model -- \
		sh -c 'for kind in $(or $(KIND),strict adaptive); do \
			echo "# $$kind"; \
			/model --kind $$kind --seed $(or $(SEED),$(shell date +%s)) --ops $(or $(OPS),1000000) || failed=1; \
		done; exit $$failed'

ifneq ($(KERNEL)-$(target),6.12-x86_64)
ifneq ($(filter matrix,$(MAKECMDGOALS)),)
$(error make matrix writes docs/matrix.md, which is of Linux 6.12 on x86-64; here: make test T=matrix)
endif
endif
matrix: kernel userspace
	@scripts/matrix --kernel $(image)

in_shell = $(userspace)/demo $(program) $(userspace)/tests userspace/test/guest/run.sh initramfs/motd \
	$(addprefix $(userspace)/tools/,tamrun tamstat $(if $(filter x86_64,$(ARCH)),tamtrace))
shell gdb: program kernel userspace
	@$(if $(filter x86_64,$(ARCH)),scripts/setup --install)
	@$(if $(filter gdb,$@),scripts/setup --gdb)
	@$(MAKE) -s -C userspace PROG= tools OUT=$(CURDIR)/$(userspace)
	@$(boot) --shell $(if $(filter gdb,$@),--gdb) $(addprefix --add ,$(sort $(in_shell)))

deb:
	@scripts/setup --deb
	@scripts/deb

PREFIX ?= /usr/local
# Absolute, as the other make takes it from its own directory.
install uninstall: to = $(if $(DESTDIR),$(shell realpath -m '$(DESTDIR)'))
ifeq ($(filter x86_64,$(ARCH))$(DESTDIR),)
ifneq ($(filter install uninstall,$(MAKECMDGOALS)),)
$(error make $(filter install uninstall,$(MAKECMDGOALS)) ARCH=$(ARCH) needs DESTDIR=: these programs are not for this machine)
endif
endif
install:
	@scripts/setup --install
	@$(MAKE) -s -C userspace install OUT=$(CURDIR)/$(userspace) PREFIX='$(PREFIX)' DESTDIR='$(to)'
uninstall:
	@$(MAKE) -s -C userspace uninstall PREFIX='$(PREFIX)' DESTDIR='$(to)'

clean:
	rm -rf build

.PHONY: help setup kernel userspace program run check test test-all bench apps lab trace soak matrix shell gdb deb install uninstall clean
