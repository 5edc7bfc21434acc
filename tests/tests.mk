# What only tests and benches need. Included by the Makefile.

# ---- programs that stand in for parts of a guest ----
FUSE_LIBS = $(call once,FUSE_LIBS,$(shell pkg-config --libs fuse3))
FUSE_CFLAGS = $(call once,FUSE_CFLAGS,$(shell pkg-config --cflags fuse3))

$(B)/tests/fake/%.o: CFLAGS += $(FUSE_CFLAGS)

$(B)/fake/tsmfs: $(patsubst %,$(B)/tests/fake/%.o,tsmfs tsm)
	$(link) $(FUSE_LIBS) -lcrypto
$(B)/fake/guest: $(filter-out %/tsmfs.o,$(call objs,tests/fake/*.c)) \
    $(B)/libcore.a
	$(link) -lcmocka $(FUSE_LIBS) $(LIBS)

$(B)/tests/test_tsm $(B)/tests/test_agent_evidence \
    $(B)/tests/test_tpm_svsm: | $(B)/fake/tsmfs

# ---- benches ----
$(B)/bench/verify: $(B)/tests/bench/verify.o $(B)/libcore.a
	$(link) -lcmocka $(LIBS)
$(B)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<

bench: setup	## 200,000 rows: plaintext, Cloister, pgcrypto
	@$(MAKE) --no-print-directory -s all $(B)/bench/pingpong
	@scripts/bench

bench-verify: $(B)/bench/verify	## CPU time of verifying one report or quote
	@$<

.PHONY: bench bench-verify
