# make demo | test | serve: each sets up what it needs in .venv; the second time this costs nothing.
PYTHON ?= python3
VENV ?= .venv
SERVE_ARGS ?=
PYTEST_ARGS ?= -n 2
BENCH_ARGS ?=

BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
VERSION_FILE := smppd/__init__.py
SPEEDUPS := $(wildcard speedups/src/* speedups/smppwire_speedups/*.py*) speedups/pyproject.toml speedups/setup.py
PURE_TESTS := $(addprefix tests/,protocol engine transport oracle stateful)
MICRO := $(sort $(notdir $(basename $(wildcard bench/micro/[a-z]*.py))))

.DELETE_ON_ERROR:
.PHONY: help demo serve test test-pure test-long lint format bench bench-long clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed $(VENV)/.speedups  ## start a server, send messages through it, show what happened
	$(BIN)/smppd demo

serve: $(VENV)/.installed $(VENV)/.speedups  ## run the server with the built-in configuration
	$(BIN)/smppd serve $(SERVE_ARGS)

test: $(VENV)/.installed-dev $(VENV)/.speedups  ## the linter's quick pass and the whole test suite, test-pure included
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	@$(MAKE) --no-print-directory test-pure
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

test-pure: $(VENV)/.installed-dev $(VENV)/.speedups  ## what uses the C code, without it; nothing where it is not built
	@! $(BIN)/python -c 'import sys, smppwire.speedups as it; sys.exit(not it.ACTIVE)' || { \
	    echo "== without the C code"; \
	    SMPPWIRE_NO_SPEEDUPS=1 $(BIN)/python -m pytest -q -n 2 $(PURE_TESTS); }

test-long: $(VENV)/.installed-dev $(VENV)/.speedups  ## fuzz and soak runs, which `make test` leaves out
	$(BIN)/python -m pytest -q -m long

lint: $(VENV)/.installed-dev  ## ruff, mypy (strict), the import directions, pyright on the public library
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.installed-dev  ## let ruff format and sort the sources
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev $(VENV)/.speedups  ## the benchmarks of bench/, under five minutes; BENCH_ARGS for bench.e2e.ratio
	@for name in $(MICRO); do echo "== bench/micro/$$name"; $(BIN)/python -m bench.micro.$$name || exit 1; done
	@echo "== bench/e2e/ratio"
	$(BIN)/python -m bench.e2e.ratio $(BENCH_ARGS)
	@if [ -f bench/e2e/generator.py ]; then echo "== bench/e2e/generator"; $(BIN)/python -m bench.e2e.generator; fi

bench-long: $(VENV)/.installed-dev $(VENV)/.speedups  ## ten million messages, a million retained, many routes: ten minutes; BENCH_ARGS
	$(BIN)/python -m bench.e2e.ageing $(BENCH_ARGS)
	$(BIN)/python -m bench.e2e.stalls
	$(BIN)/python -m bench.e2e.viewers

clean:  ## remove environments, caches and what was built
	rm -rf .venv .venv-* build dist *.egg-info bench/meter/bin speedups/build speedups/*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for what users need, one for what developers need; the second includes the first.
$(VENV)/.installed: pyproject.toml $(VERSION_FILE) | $(VENV)/.created
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VERSION_FILE) | $(VENV)/.created
	$(PIP) -e '.[dev,speed]'
	@touch $(VENV)/.installed $@

# The C code makes smppd faster and nothing else: where it cannot be built, one line says so, and all works without it.
$(VENV)/.speedups: $(SPEEDUPS) | $(VENV)/.created
	@if ! { command -v cc || command -v gcc || command -v clang; } >/dev/null; then \
	    echo "smppwire-speedups is left out: there is no C compiler, smppd works without it"; \
	elif ! $(PIP) ./speedups >$(VENV)/speedups.log 2>&1; then \
	    echo "smppwire-speedups is left out: it does not build here ($(VENV)/speedups.log), smppd works without it"; \
	fi
	@touch $@

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "smppd needs Python 3.11 or newer, and '$(PYTHON)' is not: try 'make PYTHON=python3.12 $(MAKECMDGOALS)'" >&2; \
	    exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
