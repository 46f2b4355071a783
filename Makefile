# make demo | test | serve: each sets up what it needs in .venv; the second time this costs nothing.
PYTHON ?= python3
VENV ?= .venv
SERVE_ARGS ?=
PYTEST_ARGS ?= -n 2
BENCH_ARGS ?=

BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
VERSION_FILE := smppd/__init__.py
MICRO := $(sort $(notdir $(basename $(wildcard bench/micro/[a-z]*.py))))

.DELETE_ON_ERROR:
.PHONY: help demo serve test test-long lint format bench bench-long clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## start a server, send messages through it, show what happened
	$(BIN)/smppd demo

serve: $(VENV)/.installed  ## run the server with the built-in configuration
	$(BIN)/smppd serve $(SERVE_ARGS)

test: $(VENV)/.installed-dev  ## the linter's quick pass and the whole test suite
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

test-long: $(VENV)/.installed-dev  ## fuzz and soak runs, which `make test` leaves out
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

bench: $(VENV)/.installed-dev  ## the benchmarks of bench/, under five minutes; BENCH_ARGS for bench.e2e.ratio
	@for name in $(MICRO); do echo "== bench/micro/$$name"; $(BIN)/python -m bench.micro.$$name || exit 1; done
	@echo "== bench/e2e/ratio"
	$(BIN)/python -m bench.e2e.ratio $(BENCH_ARGS)
	@if [ -f bench/e2e/generator.py ]; then echo "== bench/e2e/generator"; $(BIN)/python -m bench.e2e.generator; fi

bench-long: $(VENV)/.installed-dev  ## ten million messages, a million retained, many routes: ten minutes; BENCH_ARGS
	$(BIN)/python -m bench.e2e.ageing $(BENCH_ARGS)
	$(BIN)/python -m bench.e2e.stalls

clean:  ## remove environments, caches and what was built
	rm -rf .venv .venv-* build dist *.egg-info bench/meter/bin
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for what users need, one for what developers need; the second includes the first.
$(VENV)/.installed: pyproject.toml $(VERSION_FILE) | $(VENV)/.created
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VERSION_FILE) | $(VENV)/.created
	$(PIP) -e '.[dev,speed]'
	@touch $(VENV)/.installed $@

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "smppd needs Python 3.11 or newer, and '$(PYTHON)' is not: try 'make PYTHON=python3.12 $(MAKECMDGOALS)'" >&2; \
	    exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
