# The few commands of daily work. `make demo` and `make test` do everything that they need, from a fresh clone on.

.DEFAULT_GOAL := help
SHELL := /bin/bash

BUILD := build
# One compiler process needs up to 1.3 GB: as many jobs as cores, but no more than the free memory allows.
MEMORY_JOBS := $(shell awk '/MemAvailable/ {n = int($$2 / 1363148); print n < 1 ? 1 : n}' /proc/meminfo 2>/dev/null || echo 2)
CORES := $(shell nproc 2>/dev/null || echo 2)
JOBS ?= $(shell echo $$(( $(MEMORY_JOBS) < $(CORES) ? $(MEMORY_JOBS) : $(CORES) )))
# Instruction sets for test-isa (all that there are) and the share of sources for check-alone.
ISA ?=
SHARE ?= 1/16
# More for CMake: make build CMAKE_ARGS=-DTORCH_ROOT=/opt/libtorch
CMAKE_ARGS ?=
DEMO_OUT ?= demo-output
DEMO_MINUTES ?= 2
BENCH_OUT ?= out/benchmark
PEERS_OUT ?= out/peers
# More for benchmarks/peers/run.py: make bench-peers PEERS_ARGS="--full"
PEERS_ARGS ?=
QUALITY_OUT ?= out/quality
# More for benchmarks/quality/run.py: make bench-quality QUALITY_ARGS="--weights ours=best.safetensors --limit 3"
QUALITY_ARGS ?=

# Objects are shared between clones that lie in different folders.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

WITHOUT_LIBTORCH := $(if $(findstring SSCVAE_TRAINING=OFF,$(CMAKE_ARGS)),--without-libtorch)
ifneq ($(TORCH_ROOT),)
override CMAKE_ARGS += -DTORCH_ROOT=$(TORCH_ROOT)
export TORCH_ROOT
endif

.PHONY: help setup configure build build-all first-pictures demo test test-isa test-arm test-gpu check-alone asan bench bench-peers bench-quality format format-check lint clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: ## install what the build needs (compiler, libraries, LibTorch); quick when it is there
	@tools/setup.sh $(WITHOUT_LIBTORCH)
	@mkdir -p $(BUILD) && touch $(BUILD)/.setup-done

$(BUILD)/.setup-done: tools/setup.sh
	@tools/setup.sh $(WITHOUT_LIBTORCH)
	@mkdir -p $(BUILD) && touch $@

CONFIGURE = cmake --preset release -B $(BUILD) -DSSCVAE_TRAINING=$(1) $(CMAKE_ARGS) >$(BUILD)/configure.log 2>&1 || \
  { cat $(BUILD)/configure.log; exit 1; }
configure: $(BUILD)/.setup-done
	@$(call CONFIGURE,$(if $(WITHOUT_LIBTORCH),OFF,ON))

build: configure ## both programs: build/sscvae runs models, build/sscvae-train beside it trains them
	cmake --build $(BUILD) -j $(JOBS) --target programs

build-all: configure ## the programs and the tests
	cmake --build $(BUILD) -j $(JOBS)

# What runs models is built first, and shows what it can before LibTorch is looked for.
first-pictures:
	@tools/setup.sh --without-libtorch
	@mkdir -p $(BUILD)
	@$(call CONFIGURE,OFF)
	cmake --build $(BUILD) -j $(JOBS) --target programs
	$(BUILD)/sscvae demo --out $(DEMO_OUT) --overwrite

demo: ## the shipped weights on generated images, then two minutes of training; an HTML report
	@[[ -x $(BUILD)/sscvae-train ]] || $(MAKE) --no-print-directory first-pictures
ifeq ($(WITHOUT_LIBTORCH),)
	@$(MAKE) --no-print-directory build
	$(BUILD)/sscvae demo --out $(DEMO_OUT) --minutes $(DEMO_MINUTES) --overwrite
endif

test: build-all ## what a contributor must pass (everything but the tests that need a GPU)
	cd $(BUILD) && ctest -LE gpu -j 2 --output-on-failure

# Said before the build, which takes minutes.
ifneq ($(and $(filter test-isa,$(MAKECMDGOALS)),$(filter-out portable neon avx2 avx512 avx512_bf16 amx,$(ISA))),)
$(error ISA: expected portable, neon, avx2, avx512, avx512_bf16 or amx, got '$(ISA)')
endif
test-isa: build-all ## the same for each instruction set that this processor has, or for those in ISA="portable avx2"
	tools/test_isa.sh $(BUILD) $(ISA)

test-arm: ## the tests of what runs without LibTorch, cross-compiled for 64-bit ARM and emulated (installs what that takes)
	@JOBS=$(JOBS) CMAKE_ARGS="$(CMAKE_ARGS)" tools/test_arm.sh

check-alone: $(BUILD)/.setup-done ## compile a share of the sources one by one (SHARE=1/16: which ones changes with every commit)
	@tools/check_alone.sh $(SHARE)

test-gpu: build-all ## the tests that need a GPU (they skip without one)
	cd $(BUILD) && ctest -L gpu --output-on-failure

asan: $(BUILD)/.setup-done ## all fast tests under the address and undefined-behaviour sanitizers (a second build)
	cmake --preset asan $(CMAKE_ARGS)
	cmake --build build-asan -j $(JOBS)
	cd build-asan && ctest -L unit -j 2 --output-on-failure

bench: build ## this machine's speed by stage, as JSON
	tools/bench.sh $(BUILD)/sscvae $(BENCH_OUT)

bench-peers: build ## our program against PyTorch, ONNX Runtime and OpenVINO: a table in out/peers (about half an hour)
	tools/bench_peers.sh --program $(BUILD)/sscvae --out $(PEERS_OUT) $(PEERS_ARGS)

bench-quality: build ## our images against BM3D, other denoisers and image files: tables and plots in out/quality (hours)
	tools/bench_quality.sh --program $(BUILD)/sscvae --out $(QUALITY_OUT) $(QUALITY_ARGS)

CLANG_FORMAT = $(firstword $(shell command -v clang-format-14) $(wildcard .venv/bin/clang-format) clang-format)
SOURCES = $(shell find src apps tests benchmarks -name '*.h' -o -name '*.cpp')

format: $(BUILD)/.setup-done ## rewrite all sources in the project's layout (clang-format 14)
	@$(CLANG_FORMAT) -i $(SOURCES)

format-check: $(BUILD)/.setup-done ## fail if a source is not in the project's layout
	@$(CLANG_FORMAT) --dry-run --Werror $(SOURCES)

# clang-tidy takes about 20 s for each file that sees LibTorch: only what differs from the main branch is checked.
lint: $(BUILD)/.setup-done ## clang-tidy on the sources changed since LINT_BASE (default: origin/main)
	@mkdir -p build-alone
	@cmake --preset alone $(CMAKE_ARGS) >build-alone/configure.log 2>&1 || { cat build-alone/configure.log; exit 1; }
	@tools/lint.sh build-alone $(LINT_BASE)

clean: ## remove what was built (not the .venv)
	rm -rf $(BUILD) build-alone build-arm build-asan build-debug build-gpu $(DEMO_OUT)
