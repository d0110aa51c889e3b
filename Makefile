# Two commands do everything: `make apply` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help apply down test check lint bench docs lock clean

help: ## List the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

apply: $(VENV)/runtime ## Install, and bring the production platform up on this machine
	$(BIN)/nexus-ansible apply production --yes --reason "make apply"

down: $(VENV)/runtime ## Take the production platform down
	$(BIN)/nexus-ansible down production --yes --reason "make down"

test: $(VENV)/dev ## Install what the tests need, and run the whole suite
	$(BIN)/python -m pytest

check: lint test ## What CI runs: every linter, then every test

lint: $(VENV)/dev ## Check style, types, registries, roles and compiled files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nexus-ansible compile --check
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --offline

bench: $(VENV)/dev ## Measure, and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

docs: $(VENV)/dev ## Write the generated reference pages
	$(BIN)/python -m docs.generate

lock: $(VENV)/dev ## Lock the requirements anew
	$(BIN)/uv pip compile -q pyproject.toml --extra fast --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" -o requirements/runtime.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra azure --extra fast --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" -o requirements/dev.txt

clean: ## Remove the virtual environment and caches; the platform's state in .nexus stays
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/runtime
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@
