# make lint: the checks are targets of their own; all run, side by side, and what failed is shown at the end.
LINT := build/lint
LINT_CHECKS := format includes rooms lua stubs lists gcc clang tidy

.PHONY: lint lint-checks $(LINT_CHECKS:%=lint-%)

lint:
	@scripts/dependencies.sh lint
	@$(MAKE) --no-print-directory --keep-going --output-sync --jobs=$(JOBS) lint-checks
	@echo 'lint: $(LINT_CHECKS): all is well'

lint-checks: $(LINT_CHECKS:%=lint-%)

lint-format:
	@clang-format --dry-run -Werror $(SOURCES) $(FUZZERS) $(wildcard core/*.h core/*/*.h .lint/*.h spec/fuzz/*.h)

lint-includes:
	@.lint/includes.sh

# Prints the rooms, and who uses whom.
lint-rooms: $(FILO)
	@$(FILO) .lint/rooms.lua

lint-lua:
	@luacheck --quiet --no-color lua scripts spec .lint

lint-stubs:
	@.lint/stubs.sh

lint-lists: $(FILO)
	@FILO_PATH=lua $(FILO) .lint/lists.lua

lint-gcc: $(SOURCES:%.c=$(LINT)/gcc/%.o)
lint-clang: $(SOURCES:%.c=$(LINT)/clang/%.o) $(FUZZERS:%.c=$(LINT)/clang/%.o)
lint-tidy: $(SOURCES:%.c=$(LINT)/tidy/%) $(FUZZERS:%.c=$(LINT)/tidy/%)

$(LINT)/gcc/%.o: %.c Makefile .lint/lint.mk
	@mkdir -p $(@D)
	@gcc $(ALL_CFLAGS) -Werror -MMD -MP -c -o $@ $<

$(LINT)/clang/%.o: %.c Makefile .lint/lint.mk
	@mkdir -p $(@D)
	@clang $(ALL_CFLAGS) -Werror -MMD -MP -c -o $@ $<

# Made anew with the object file, which knows the headers.
$(LINT)/tidy/%: %.c $(LINT)/clang/%.o .clang-tidy .lint/analyzer.h .lint/tidy.sh
	@mkdir -p $(@D)
	@.lint/tidy.sh $< $(ALL_CFLAGS) && touch $@

-include $(SOURCES:%.c=$(LINT)/gcc/%.d) $(SOURCES:%.c=$(LINT)/clang/%.d)
