# Cloister. `make help` lists the targets.
PREFIX	?= /usr
SAN	?= 0
CC	?= gcc
PG_CONFIG ?= $(or $(wildcard /usr/lib/postgresql/15/bin/pg_config),pg_config)
PKGS	= libcrypto libgcrypt jansson
AGENT_PKGS = tss2-esys tss2-tctildr tss2-mu libseccomp libcap libsystemd
CLIENT_PKGS = libpq libcurl
WARN	= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wpointer-arith -Wvla -Wwrite-strings
ifeq ($(SAN),1)
B	= build/asan
MODE	= -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fno-omit-frame-pointer
else
B	= build/release
MODE	= -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	  -fstack-clash-protection -fcf-protection
LDMODE	= -Wl,-z,relro,-z,now -pie
endif
# Asked once, and only when something is compiled or linked.
once	= $(eval $(1) := $(2))$($(1))
PKG_CFLAGS = $(call once,PKG_CFLAGS,$(shell pkg-config --cflags \
	  $(PKGS) $(AGENT_PKGS) $(CLIENT_PKGS)))
LIBS	= $(call once,LIBS,$(shell pkg-config --libs $(PKGS)) -lIPSec_MB -lm)
AGENT_LIBS = $(call once,AGENT_LIBS,$(shell pkg-config --libs \
	  $(AGENT_PKGS)) -linih)
CLIENT_LIBS = $(call once,CLIENT_LIBS,$(shell pkg-config --libs \
	  $(CLIENT_PKGS)))
CFLAGS	= -std=c11 -D_GNU_SOURCE -g -fPIE -pthread $(WARN) $(MODE) -I. \
	  -DOPENSSL_API_COMPAT=30000 $(PKG_CFLAGS)
LDFLAGS	= $(MODE) $(LDMODE) -pthread

link	= @mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^
objs	= $(patsubst %.c,$(B)/%.o,$(wildcard $(1)))
CORE	= $(call objs,lib/*.c tde/*.c policy/*.c)
SEALING	= $(call objs,sealing/*.c)
AGENT	= $(call objs,agent/*.c)
CLIENT	= $(call objs,client/*.c)
UNIT	= $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
ATTACK	= $(patsubst tests/attack/%.c,$(B)/attack/%,$(wildcard tests/attack/*.c))

all: programs extension	## the programs (build/release) and the extension

help:	## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { \
		printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "make SAN=1 ...    the same with ASan and UBSan, in build/asan"

programs: $(B)/cloisterd $(B)/cloister	## cloisterd and cloister only

extension:	## the PostgreSQL extension only
	@$(MAKE) --no-print-directory -C postgres PG_CONFIG=$(PG_CONFIG)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libcore.a: $(CORE)
	@rm -f $@; $(AR) rcs $@ $^
$(B)/libsealing.a: $(SEALING)
	@rm -f $@; $(AR) rcs $@ $^
# Everything of agent and client but their main, for the unit tests.
$(B)/libagent.a: $(filter-out $(B)/agent/main.o,$(AGENT))
	@rm -f $@; $(AR) rcs $@ $^
$(B)/libclient.a: $(filter-out $(B)/client/main.o,$(CLIENT))
	@rm -f $@; $(AR) rcs $@ $^

$(B)/cloisterd: $(B)/agent/main.o $(B)/libagent.a $(B)/libsealing.a $(B)/libcore.a
	$(link) $(AGENT_LIBS) $(LIBS)
$(B)/cloister: $(B)/client/main.o $(B)/libclient.a $(B)/libcore.a
	$(link) $(CLIENT_LIBS) $(LIBS)
$(B)/tests/%: $(B)/tests/unit/%.o $(B)/libagent.a $(B)/libclient.a \
    $(B)/libsealing.a $(B)/libcore.a
	$(link) -lcmocka -lssl $(CLIENT_LIBS) $(AGENT_LIBS) $(LIBS)
$(B)/attack/%: $(B)/tests/attack/%.o $(B)/libcore.a
	$(link) $(LIBS)
# What PostgreSQL's answers are compared with, by tests/flow/truth.sh.
$(B)/flow/truth_tool: $(call objs,tests/flow/truth_*.c) $(B)/libcore.a
	$(link) $(LIBS)

units: $(UNIT) $(B)/fake/tsmfs
attacks: $(ATTACK) $(B)/flow/truth_tool $(B)/fake/guest

install: all	## install to DESTDIR, under PREFIX (/usr)
	install -D -m 755 $(B)/cloisterd $(DESTDIR)$(PREFIX)/sbin/cloisterd
	install -D -m 755 $(B)/cloister $(DESTDIR)$(PREFIX)/bin/cloister
	install -D -m 644 agent/cloister.conf.example \
	    $(DESTDIR)$(PREFIX)/share/doc/cloister/cloister.conf.example
	install -D -m 644 -t $(DESTDIR)/lib/systemd/system agent/units/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 client/cloister.1
	$(MAKE) -C postgres install PG_CONFIG=$(PG_CONFIG) DESTDIR=$(DESTDIR)

setup:	## install the Debian packages that all this needs
	@scripts/setup

demo: setup	## the story on screen, in two minutes
	@$(MAKE) --no-print-directory -s all
	@scripts/demo

check: setup	## lint, unit, extension, whole system; what CI runs
	@scripts/check

check-unit: units	## unit tests; with SAN=1 under ASan and UBSan
	@scripts/check-unit $(UNIT)

check-pg: all	## the extension's own regression tests
	@scripts/check-pg

check-flow: all attacks	## whole-system scenarios (scripts/check-flow NAME)
	@scripts/check-flow

lint:	## house rules: layering, taboos, sizes
	@scripts/lint

format:	## clang-format everything but postgres/
	@scripts/format

clean:	## remove what was built
	rm -rf build
	@$(MAKE) --no-print-directory -C postgres clean \
	    PG_CONFIG=$(PG_CONFIG) >/dev/null 2>&1 || true

include tests/tests.mk tests/fuzz/fuzz.mk scripts/vm.mk

.PHONY: all help programs extension units attacks install setup demo check \
	check-unit check-pg check-flow lint format clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
