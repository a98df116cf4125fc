# Every way to build, run and check Tandem. The same targets serve a newcomer and CI.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check
ARGS ?=

.PHONY: help setup run test live lint types format campaign bench docs

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: .make/runtime .make/frontend  ## Python environment, locked requirements, front end

run: setup  ## Tandem with a demo provider, on this machine alone
	$(VENV)/bin/tandem up --demo $(ARGS)

test: setup .make/test  ## everything CI checks: lint, types, tests
	@scripts/system-packages
	$(MAKE) --no-print-directory lint types
	$(PYTHON) -m pytest -n 2 $(ARGS)

live: setup .make/test  ## the tests against real servers alone, at full size
	@scripts/system-packages
	$(PYTHON) -m pytest tests/live --full $(ARGS)

campaign: setup .make/test  ## the long fault, property and chaos runs
	@scripts/system-packages
	$(PYTHON) -m pytest -n 2 tests/properties tests/faults tests/mappings --full $(ARGS)

lint: .make/test  ## ruff: rules and format
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: .make/test  ## mypy, strict
	$(VENV)/bin/mypy

format: .make/test  ## let ruff rewrite
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: setup .make/test  ## the road's figures on this machine
	@scripts/system-packages
	$(VENV)/bin/tandem bench road $(ARGS)

docs: setup  ## the guides as pages in build/docs, every link checked
	$(PYTHON) scripts/docs.py

.make/venv: scripts/find-python
	@mkdir -p .make
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || "$$(scripts/find-python)" -m venv --clear $(VENV)
	@touch $@

.make/runtime: .make/venv requirements.txt pyproject.toml
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.make/frontend: .make/runtime package.json package-lock.json .npmrc requirements-node.txt scripts/frontend.py scripts/editor.mjs
	$(PYTHON) scripts/frontend.py
	@touch $@

.make/test: .make/runtime requirements-test.txt
	$(PIP) --require-hashes -r requirements-test.txt
	@touch $@
