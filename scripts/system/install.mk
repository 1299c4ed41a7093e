# make install, make uninstall: the program, its manual, the unit of systemd and what shells complete command lines with.
INSTALLED := bin/filo share/man/man1/filo.1 share/man/man1/filo-commands.1 lib/systemd/system/filo.service \
             share/bash-completion/completions/filo share/zsh/site-functions/_filo share/fish/vendor_completions.d/filo.fish
STAGE := $(BUILD)/install

.PHONY: install uninstall

install: $(INSTALLED:%=$(STAGE)/%)
	install -D -m 755 $(STAGE)/bin/filo $(DESTDIR)$(PREFIX)/bin/filo
	for file in $(filter-out bin/filo,$(INSTALLED)); do \
	  install -D -m 644 $(STAGE)/$$file $(DESTDIR)$(PREFIX)/$$file || exit 1; done

uninstall:
	rm -f $(INSTALLED:%=$(DESTDIR)$(PREFIX)/%)

# Each is written beside its place first: what fails half-way must not look made.
$(STAGE)/%: FORCE all
	@mkdir -p $(@D)
	$(Q)$(stage) > $@.part && mv $@.part $@

$(STAGE)/bin/filo: stage = cat $(BUILD)/filo
$(STAGE)/share/man/man1/filo.1: stage = cat scripts/system/filo.1
$(STAGE)/share/man/man1/filo-commands.1: stage = $(FILO) scripts/system/filo-commands.lua
$(STAGE)/lib/systemd/system/filo.service: stage = sed 's,@BINDIR@,$(PREFIX)/bin,' scripts/system/filo.service
$(STAGE)/share/bash-completion/completions/filo: stage = $(FILO) completions bash
$(STAGE)/share/zsh/site-functions/_filo: stage = $(FILO) completions zsh
$(STAGE)/share/fish/vendor_completions.d/filo.fish: stage = $(FILO) completions fish
