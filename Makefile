# make            build bin/filo
# make demo       install what is missing, build, run scripts/demo.lua
# make test       install what is missing, build, run the specs
# make help       the other targets

SANITIZER ?=
PREFIX ?= /usr/local
VARIANT := $(or $(SANITIZER),release)
BUILD := build/$(VARIANT)
FILO := $(if $(SANITIZER),$(BUILD)/filo,bin/filo)

JOBS := $(shell nproc 2> /dev/null || echo 2)

PACKAGES := lua5.4 libevent_core libssl libcrypto libcbor libedit expat sqlite3
CFLAGS ?= -O2 -g
# Asked for once, and not before the packages are there.
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS = $(eval PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES)))$(PACKAGE_LIBS)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -pthread -fno-omit-frame-pointer -Icore \
             $(BLAKE3_CFLAGS) $(LLHTTP_CFLAGS) $(PACKAGE_CFLAGS) $(CFLAGS)
ALL_LDLIBS = $(BLAKE3) $(LLHTTP) $(PACKAGE_LIBS) -lm $(LDLIBS)

ifeq ($(SANITIZER),address)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined
else ifeq ($(SANITIZER),thread)
ALL_CFLAGS += -fsanitize=thread
else ifneq ($(SANITIZER),)
$(error SANITIZER is 'address' or 'thread', not '$(SANITIZER)')
endif

# One line for each step; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)')

SOURCES := $(sort $(wildcard core/*.c core/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/modules.o
# Lua, and the parts of the page of a node.
MODULES := $(sort $(shell find lua/filo lua/stubs -name '*.lua' -o -path '*/page/*' -type f))
# Libraries of one Lua file each, which are embedded too.
LIBRARIES := $(addprefix $(shell pkg-config --variable=INSTALL_LMOD lua5.4 2> /dev/null)/,argparse.lua dkjson.lua)

.PHONY: all demo test bench clean help

all: $(FILO)

help:
	@sed -n '1,5p' Makefile
	@echo 'make bench      measure, beside the limits of this machine and other programs'
	@echo 'make lint       format, static analysis, who uses whom, what documents say of the sources'
	@echo 'make fuzz       fuzz the parsers for SECONDS (60) each, with clang'
	@echo 'make install    to PREFIX ($(PREFIX)), below DESTDIR: the program, man pages, a systemd unit, completions'
	@echo 'make uninstall  remove these'
	@echo 'make clean      remove what was built'
	@echo 'SANITIZER=address or thread: build and test with it; V=1: show the commands'

include core/crypto/blake3.mk core/http/llhttp.mk

bin/filo: $(BUILD)/filo
	@mkdir -p bin
	$(Q)ln -sf ../$< $@

$(BUILD)/filo: $(OBJECTS) $(BLAKE3) $(LLHTTP)
	$(call say,link    $@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS) $(ALL_LDLIBS)

$(BUILD)/%.o: %.c Makefile | $(BLAKE3)
	@mkdir -p $(@D)
	$(call say,compile $<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The list of modules is a file of its own, so that an added or removed module is noticed.
$(BUILD)/modules.list: FORCE
	@mkdir -p $(@D)
	@echo '$(MODULES) $(LIBRARIES)' | cmp -s - $@ || echo '$(MODULES) $(LIBRARIES)' > $@
FORCE:

$(BUILD)/modules.o: $(MODULES) $(LIBRARIES) $(BUILD)/modules.list core/lua/embed.sh
	$(call say,embed   lua)
	$(Q)core/lua/embed.sh lua $(MODULES) $(LIBRARIES) > $(BUILD)/modules.S
	$(Q)$(CC) -c -o $@ $(BUILD)/modules.S

-include $(SOURCES:%.c=$(BUILD)/%.d)

demo:
	@scripts/dependencies.sh
	@$(MAKE) --no-print-directory --jobs=$(JOBS) all
	$(FILO) scripts/demo.lua

test:
	@scripts/dependencies.sh test
	@$(MAKE) --no-print-directory --jobs=$(JOBS) all
	$(FILO) spec/run.lua

bench: all
	$(FILO) scripts/bench.lua

clean:
	rm -rf build bin

include scripts/system/install.mk spec/fuzz/fuzz.mk .lint/lint.mk
