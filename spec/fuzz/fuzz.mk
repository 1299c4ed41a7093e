# make fuzz: the core, but for main, once more by clang with what libFuzzer needs; a program for each spec/fuzz/NAME.c.
SECONDS ?= 60
FUZZ := build/fuzz
FUZZERS := $(sort $(wildcard spec/fuzz/*.c))
FUZZ_CFLAGS = $(ALL_CFLAGS) -O1 -Werror -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CORE := $(filter-out $(FUZZ)/core/main.o,$(SOURCES:%.c=$(FUZZ)/%.o))

.PHONY: fuzz fuzz-all $(FUZZERS:spec/fuzz/%.c=fuzz-%)

fuzz:
	@scripts/dependencies.sh fuzz
	@$(MAKE) --no-print-directory --jobs=$(JOBS) $(FUZZERS:spec/fuzz/%.c=$(FUZZ)/%) all
	@$(FILO) spec/fuzz/seeds.lua $(FUZZ)/corpus
	@$(MAKE) --no-print-directory --keep-going fuzz-all

fuzz-all: $(FUZZERS:spec/fuzz/%.c=fuzz-%)

$(FUZZERS:spec/fuzz/%.c=fuzz-%): fuzz-%: $(FUZZ)/%
	@spec/fuzz/run.sh $< $(FUZZ)/corpus/$* $(SECONDS)

$(FUZZ)/core/%.o: core/%.c Makefile spec/fuzz/fuzz.mk
	@mkdir -p $(@D)
	$(call say,compile $<)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZ)/core.a: $(FUZZ_CORE)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(FUZZ)/%: spec/fuzz/%.c spec/fuzz/fuzz.h $(FUZZ)/core.a $(BLAKE3) $(LLHTTP)
	$(call say,link    $@)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer -Ispec/fuzz -o $@ $< $(FUZZ)/core.a $(ALL_LDLIBS)

-include $(FUZZ_CORE:.o=.d)
