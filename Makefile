# Cloister. `make help` lists the targets.
PREFIX	?= /usr
SAN	?= 0
CC	?= gcc
PKGS	= libcrypto libgcrypt jansson
AGENT_PKGS = tss2-esys tss2-tctildr tss2-mu libseccomp libcap libsystemd
CLIENT_PKGS = libpq
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
CFLAGS	= -std=c11 -D_GNU_SOURCE -g -fPIE -pthread $(WARN) $(MODE) -I. \
	  -DOPENSSL_API_COMPAT=30000 \
	  $(shell pkg-config --cflags $(PKGS) $(AGENT_PKGS) $(CLIENT_PKGS))
LDFLAGS	= $(MODE) $(LDMODE) -pthread
LIBS	= $(shell pkg-config --libs $(PKGS)) -lIPSec_MB -lm
AGENT_LIBS = $(shell pkg-config --libs $(AGENT_PKGS)) -linih
CLIENT_LIBS = $(shell pkg-config --libs $(CLIENT_PKGS))

objs	= $(patsubst %.c,$(B)/%.o,$(wildcard $(1)))
CORE	= $(call objs,lib/*.c tde/*.c policy/*.c)
SEALING	= $(call objs,sealing/*.c)
AGENT	= $(call objs,agent/*.c)
CLIENT	= $(call objs,client/*.c)
UNIT	= $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

all: $(B)/cloisterd $(B)/cloister

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
	$(CC) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS) $(LIBS)
$(B)/cloister: $(B)/client/main.o $(B)/libclient.a $(B)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(LIBS)
$(B)/tests/%: $(B)/tests/unit/%.o $(B)/libagent.a $(B)/libclient.a \
    $(B)/libsealing.a $(B)/libcore.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(CLIENT_LIBS) $(AGENT_LIBS) $(LIBS)

units: $(UNIT)

clean:
	rm -rf build

.PHONY: all units clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
