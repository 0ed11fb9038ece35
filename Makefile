# A thin front over meson. `make demo` and `make check` set everything up themselves, missing packages included.
#
#   make            build into build/
#   make demo       record a sample and an installed program, print their reports
#   make check      build and run all short tests          make check-long   the long suites
#   make bench      speed, as ratios in one run            make lint         clang-format, clang-tidy, cppcheck, clang -Werror
#   make asan|ubsan|tsan                                   make fuzz         each fuzzer for FUZZ_SECONDS
#   make docs-pictures  draws what docs show (graphviz)
#   make install    PREFIX=/usr/local DESTDIR=             make setup        install missing Debian packages (asks before sudo)
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 30
MESON_FLAGS ?=
NINJA = ninja -C $(BUILD)

all: $(BUILD)/build.ninja
	@$(NINJA)

setup:
	@tests/setup.sh build test

$(BUILD)/build.ninja: | setup
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_FLAGS) >$(BUILD).setup.log 2>&1 || { cat $(BUILD).setup.log; rm -f $(BUILD).setup.log; exit 1; }
	@rm -f $(BUILD).setup.log

demo: all
	@tests/demo.sh $(BUILD)

check: setup all
	@meson test -C $(BUILD) --no-suite long --print-errorlogs --timeout-multiplier 3

check-long: all
	@tests/setup.sh build test long
	@meson test -C $(BUILD) --suite long --print-errorlogs --timeout-multiplier 4

bench: all
	@tests/setup.sh build bench
	@tests/bench/run.sh $(BUILD)

lint:
	@tests/setup.sh build lint
	@tests/lint.sh

asan: ; @$(MAKE) --no-print-directory sanitize-address
ubsan: ; @$(MAKE) --no-print-directory sanitize-undefined
tsan: ; @$(MAKE) --no-print-directory sanitize-thread
sanitize-%: setup
	@test -f build-$*/build.ninja || meson setup build-$* -Db_sanitize=$* -Db_lundef=false --buildtype=debug >/dev/null
	@ninja -C build-$* >build-$*/build.log || { cat build-$*/build.log; exit 1; }
	@UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C build-$* --no-rebuild --no-suite long --no-suite nosan --print-errorlogs --timeout-multiplier 4

# What the pages show, drawn anew (needs graphviz).
docs-pictures: all
	@docs/pictures/draw.sh $(BUILD)/profiler/cli/reftrack $(BUILD)/samples docs/pictures --svg

fuzz:
	@tests/setup.sh build lint
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

# A build folder that was configured for another prefix is configured anew.
install: $(BUILD)/build.ninja
	@meson introspect $(BUILD) --buildoptions | tr -d '\n' | grep -qF '"name": "prefix", "value": "$(PREFIX)"' || \
		meson configure $(BUILD) --prefix=$(PREFIX)
	@$(NINJA)
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR))) >/dev/null
	@echo "installed under $(DESTDIR)$(PREFIX)"

clean:
	@rm -rf build build-*

.PHONY: all setup demo check check-long bench lint asan ubsan tsan fuzz docs-pictures install clean
