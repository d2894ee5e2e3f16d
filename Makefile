# Aliases; the build itself is meson.build.
PREFIX ?= /usr/local
BUILD = build
ASAN = build-asan
ONLY ?=
ONCE ?=

.PHONY: all build deps test demo bench lint format fuzz install clean asan

all: build

deps:
	@tools/deps.sh

$(BUILD)/build.ninja:
	meson setup $(BUILD) >/dev/null

$(ASAN)/build.ninja:
	meson setup $(ASAN) -Db_sanitize=address,undefined -Db_lundef=false >/dev/null

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

asan: deps $(ASAN)/build.ninja
	@ninja -C $(ASAN) --quiet

test: build asan
	@python3 tools/test.py $(BUILD) $(ASAN)

demo: build
	@python3 demo/demo.py $(if $(ONCE),--once)

bench: build
	@tools/deps.sh nginx-light wrk
	@python3 bench/run.py $(if $(ONLY),--only $(ONLY))

lint: build
	@tools/deps.sh clang-tidy-14
	@tools/lint.sh $(BUILD)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

fuzz: deps
	@tools/fuzz.sh 30

install: build
	@meson configure $(BUILD) --prefix $(PREFIX) >/dev/null
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) $(ASAN) build-fuzz
