# Aliases; the build itself is meson.build.
PREFIX ?= /usr/local
BUILD = build
ASAN = build-asan
TSAN = build-tsan
ONLY ?=
ONCE ?=

.PHONY: all build deps test demo bench lint format fuzz install clean asan tsan

all: build

deps:
	@tools/deps.sh

$(BUILD)/build.ninja:
	meson setup $(BUILD) >/dev/null

$(ASAN)/build.ninja:
	meson setup $(ASAN) -Db_sanitize=address,undefined -Db_lundef=false >/dev/null

$(TSAN)/build.ninja:
	meson setup $(TSAN) -Db_sanitize=thread -Db_lundef=false >/dev/null

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

asan: deps $(ASAN)/build.ninja
	@ninja -C $(ASAN) --quiet

tsan: deps $(TSAN)/build.ninja
	@ninja -C $(TSAN) --quiet

test: build asan tsan
	@python3 tools/test.py $(BUILD) $(ASAN) $(TSAN)

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
	rm -rf $(BUILD) $(ASAN) $(TSAN) build-fuzz
