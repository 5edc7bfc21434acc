# Fuzz targets: the same sources and rules, built by clang with libFuzzer. The
# build of its own is in build/fuzz.
FUZZERS	= $(patsubst tests/fuzz/%.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MODE = -O1 -fsanitize=fuzzer-no-link,address,undefined \
	  -fno-sanitize-recover=all -fno-omit-frame-pointer

fuzz:	## fuzz targets, in build/fuzz (clang)
	@$(MAKE) --no-print-directory B=build/fuzz CC=clang LDMODE= \
	    MODE='$(FUZZ_MODE)' fuzzers

fuzz-smoke: fuzz	## each fuzz target for FUZZ_SECONDS (5)
	@scripts/fuzz-smoke

fuzzers: $(FUZZERS) $(B)/seeds.bin

$(B)/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/libclient.a $(B)/libsealing.a \
    $(B)/libcore.a
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) \
	    $(filter %.a,$^) $(CLIENT_LIBS) $(LIBS)

# The one parser of others' bytes that is the agent's own.
$(B)/fuzz_runtime_log: $(B)/agent/runtime_log.o

$(B)/seeds.bin: $(B)/tests/fuzz/seeds.o $(B)/libsealing.a $(B)/libcore.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

.PHONY: fuzz fuzz-smoke fuzzers
