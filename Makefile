# SPDX-License-Identifier: Apache-2.0
# Weir. `make help` lists what can be made.

MODE   ?= release
CC     ?= cc
CORPUS ?= ../shared/data
V      ?= 0
prefix ?= /usr/local
bindir ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec/weir
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system

VERSION := 0.1.0
B       := build/$(MODE)$(if $(filter clang,$(CC)),-clang)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -Wformat=2 -Werror
BASE_FLAGS := -std=c11 -D_XOPEN_SOURCE=700 -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"' -I. -I$(B) \
	$(WARN) -g -MMD -MP -pthread
FLAGS_release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
FLAGS_debug   := -O0
FLAGS_asan    := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan    := -O1 -fno-omit-frame-pointer -fsanitize=thread
FLAGS_fuzz    := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link \
	-fno-sanitize-recover=all
FLAGS_cov     := -O0 --coverage

PKGS_console := ncursesw sqlite3 jansson libzstd zlib liblz4 snappy
PKGS_collect := sqlite3 jansson libzstd zlib liblz4 snappy rdkafka
PKGS_net     := libcurl
PKGS_tests   := cmocka
CFLAGS_ALL   := $(BASE_FLAGS) $(FLAGS_$(MODE)) $(CFLAGS)
LIBS_console  = $(shell pkg-config --libs $(PKGS_console)) -lm
LIBS_collect  = $(shell pkg-config --libs $(PKGS_collect)) -lm
LIBS_net      = $(shell pkg-config --libs $(PKGS_net))
LIBS_tests    = $(shell pkg-config --libs $(PKGS_tests) $(PKGS_net) ncursesw sqlite3 jansson libzstd zlib liblz4 snappy vterm rdkafka) -lutil -lm

ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)'
else
say = @:
endif

# Rooms and what is in them. The programs' mains are the only files outside a library.
MAINS       := tui/main.c collectors/main.c
SRC_base    := $(wildcard base/*.c)
SRC_store   := $(wildcard store/*.c)
SRC_delta   := $(wildcard collectors/delta/*.c collectors/delta/parquet/*.c)
SRC_sweeper := $(wildcard collectors/kafka/sweeper*.c)
# What fetches over HTTP: linked into weir-collect and tests only.
SRC_net     := collectors/http.c collectors/connect/collector.c
SRC_collect := $(filter-out collectors/main.c collectors/kinds_net.c $(SRC_sweeper) $(SRC_net),$(wildcard collectors/*.c \
	collectors/kafka/*.c collectors/eventlog/*.c collectors/checkpoint/*.c collectors/connect/*.c))
SRC_ops     := $(wildcard operations/*.c)
SRC_tui     := $(filter-out tui/main.c,$(wildcard tui/*.c))
SRC_views   := $(wildcard views/*.c)
SRC_estate  := $(wildcard tests/estate/*.c)
lib = $(if $(SRC_$(1)),$(B)/lib$(1).a)
obj = $(patsubst %.c,$(B)/%.o,$(1))

LIB_base := $(call lib,base)
LIB_store := $(call lib,store) $(LIB_base)
LIB_delta := $(call lib,delta)
LIB_collect := $(call lib,collect) $(LIB_delta) $(LIB_store)
# The only part that links librdkafka: never the console.
LIB_sweeper := $(call lib,sweeper)
LIB_net := $(call lib,net)
LIB_tui := $(call lib,tui) $(LIB_base)
LIB_views := $(call lib,views) $(call lib,tui)
LIB_console := $(LIB_views) $(LIB_collect)
LIB_all := $(LIB_views) $(LIB_net) $(LIB_collect) $(LIB_sweeper)

PROGRAMS := $(if $(wildcard tui/main.c),$(B)/weir) $(if $(wildcard collectors/main.c),$(B)/weir-collect) \
	$(if $(SRC_estate),$(B)/weir-estate)

.PHONY: all
all: $(PROGRAMS) $(foreach r,base store delta collect sweeper net ops tui views,$(call lib,$(r))) ## build the programs (default)

# Themes and default texts are compiled in, so that they cannot be missing.
THEMES := $(wildcard themes/*.theme)
$(B)/gen/themes.h: $(THEMES) tests/lint/embed.sh
	@mkdir -p $(@D)
	$(call say,EMBED,$@)
	$(Q)sh tests/lint/embed.sh $(THEMES) > $@.tmp && mv $@.tmp $@
SCHEMA := $(wildcard store/schema/*.sql)
$(B)/gen/schema.h: $(SCHEMA) tests/lint/embed.sh
	@mkdir -p $(@D)
	$(call say,EMBED,$@)
	$(Q)sh tests/lint/embed.sh $(SCHEMA) > $@.tmp && mv $@.tmp $@
GENERATED := $(B)/gen/themes.h $(B)/gen/schema.h

$(B)/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

# The scanner of event logs once more, for processors that have AVX2; which is found out at run time.
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)),)
SCAN := $(B)/collectors/eventlog/scan
$(SCAN).o $(SCAN)_avx2.o $(SCAN)_blocks.o: CFLAGS_ALL += -DSCAN_AVX2
$(SCAN)_avx2.o $(SCAN)_blocks.o: CFLAGS_ALL += -mavx2 -mbmi
endif

# Loops over levels and values are worth the vectors that -O2 does not make.
ifeq ($(MODE),release)
$(B)/collectors/delta/parquet/%.o: CFLAGS_ALL += -O3
endif

define library
$(B)/lib$(1).a: $(call obj,$(SRC_$(1)))
	@mkdir -p $$(@D)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach r,base store delta collect sweeper net ops tui views,$(eval $(call library,$(r))))

$(B)/weir: $(B)/tui/main.o $(LIB_console)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $< -Wl,--start-group $(LIB_console) -Wl,--end-group $(LDFLAGS) \
		-Wl,--as-needed $(LIBS_console) -o $@
$(B)/weir-collect: $(B)/collectors/main.o $(B)/collectors/kinds_net.o $(LIB_net) $(LIB_collect) $(LIB_sweeper)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(B)/collectors/main.o $(B)/collectors/kinds_net.o \
		-Wl,--start-group $(LIB_net) $(LIB_collect) $(LIB_sweeper) -Wl,--end-group $(LDFLAGS) \
		-Wl,--as-needed $(LIBS_collect) $(LIBS_net) -o $@
$(B)/weir-estate: $(call obj,$(SRC_estate)) $(LIB_base)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $^ $(LDFLAGS) -Wl,--as-needed -ljansson -lz -lrdkafka -lm -o $@

# Unit tests: tests/unit/ROOM/NAME_test.c, one program each.
UNIT := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/*/*_test.c tests/decode/*_test.c tests/screens/*_test.c tests/pty/*_test.c tests/store/*_test.c))
# A library, and only what is needed: a test of the store is not to load TLS and Kafka's client.
SRC_tests := $(wildcard tests/screens/lib*.c tests/pty/lib*.c tests/lib/*.c)
$(eval $(call library,tests))
LIB_tests := $(call lib,tests) $(LIB_all)
link_test = $(Q)$(CC) $(CFLAGS_ALL) $(1) -Wl,--start-group $(LIB_tests) -Wl,--end-group $(LDFLAGS) \
	-Wl,--as-needed $(LIBS_tests) -o $@
$(B)/tests/%: $(B)/tests/%.o $(LIB_tests)
	$(call say,LINK,$@)
	$(call link_test,$<)
.SECONDARY:

.PHONY: test-programs
test-programs: all $(UNIT)

-include Makefile.tests
-include $(shell [ -d $(B) ] && find $(B) -name '*.d')

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | sort | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'
