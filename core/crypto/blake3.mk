# BLAKE3: libblake3 where pkg-config knows it, or else its official C sources, which Debian 12 has in a package for Rust. They choose
# at run time what the processor can do: AVX-512, AVX2, SSE4.1, SSE2, NEON, or plain C.
ifeq ($(shell pkg-config --exists libblake3 2> /dev/null && echo yes),yes)
PACKAGES += libblake3
else
BLAKE3_SOURCES := $(lastword $(sort $(wildcard /usr/share/cargo/registry/blake3-*/c)))
BLAKE3 := build/blake3/blake3.a
BLAKE3_CFLAGS := $(addprefix -isystem ,$(BLAKE3_SOURCES))
BLAKE3_OBJECTS := $(addprefix build/blake3/,blake3.o blake3_dispatch.o blake3_portable.o)

BLAKE3_TARGET := $(shell $(CC) -dumpmachine 2> /dev/null)
ifneq ($(filter x86_64-%,$(BLAKE3_TARGET)),)
BLAKE3_OBJECTS += $(patsubst %,build/blake3/blake3_%_x86-64_unix.o,sse2 sse41 avx2 avx512)
else ifneq ($(filter aarch64-%,$(BLAKE3_TARGET)),)
BLAKE3_OBJECTS += build/blake3/blake3_neon.o
BLAKE3_DEFINES := -DBLAKE3_USE_NEON=1
else
BLAKE3_DEFINES := $(addprefix -DBLAKE3_NO_,SSE2 SSE41 AVX2 AVX512)
endif

# Without sanitizers, which know nothing of assembly: one for all builds.
build/blake3/%.o: $(BLAKE3_SOURCES)/%.c core/crypto/blake3.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -O3 -g -fPIC $(BLAKE3_DEFINES) -c -o $@ $<

build/blake3/%.o: $(BLAKE3_SOURCES)/%.S core/crypto/blake3.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<

$(BLAKE3): $(if $(BLAKE3_SOURCES),$(BLAKE3_OBJECTS))
ifeq ($(BLAKE3_SOURCES),)
	@echo 'BLAKE3 is missing: scripts/dependencies.sh installs it' >&2; false
else
	$(call say,build   blake3)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
endif
endif
