# llhttp: libllhttp where pkg-config knows it, or else its C sources, which Debian 12 has in a package for Node.js. Strict: what RFC 9112
# does not allow is refused.
ifeq ($(shell pkg-config --exists libllhttp 2> /dev/null && echo yes),yes)
PACKAGES += libllhttp
else
LLHTTP := build/llhttp/llhttp.a
LLHTTP_SOURCES := /usr/share/llhttp
LLHTTP_HEADERS := /usr/share/include/llhttp
LLHTTP_CFLAGS := -isystem $(LLHTTP_HEADERS) -DLLHTTP_STRICT_MODE=1

# One for all builds.
build/llhttp/%.o: $(LLHTTP_SOURCES)/%.c core/http/llhttp.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -g -fPIC $(LLHTTP_CFLAGS) -c -o $@ $<

$(LLHTTP): build/llhttp/api.o build/llhttp/http.o build/llhttp/llhttp.o
	$(call say,build   llhttp)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
endif
