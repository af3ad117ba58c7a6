# One word per habit. `make` alone prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup up down check fix test test-netns test-browser test-lab test-vm bench docs docs-check lock clean
BIN := .venv/bin
PYTEST := $(BIN)/pytest

help: ## these words
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: ## the Python environment and the host's packages
	@scripts/setup

up: setup ## from nothing to a running sample hospital; prints where to look
	@$(BIN)/hbox sample up

down: setup ## stop and remove what `make up` made
	@$(BIN)/hbox lab down

check: setup ## format, lint, types, import contracts, unit tests: under two minutes
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	shellcheck scripts/setup .ci/run
	$(PYTEST) -q tests/unit tests/compliance

fix: setup ## let the tools mend format and lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: check test-netns test-browser test-lab test-vm ## everything that runs without KVM

test-netns: setup ## gateway and firewall in real network namespaces
	$(PYTEST) -q tests/netns

test-browser: setup ## the console in headless Chromium
	$(PYTEST) -q tests/browser

test-lab: setup ## a real node with real virtual machines
	$(PYTEST) -q tests/lab

test-vm: setup ## the box's own disk image under QEMU
	$(PYTEST) -q tests/vm

bench: setup ## figures as ratios against peers, appended to bench/results.jsonl
	$(BIN)/python -m bench

docs: setup ## write the generated reference anew
	$(BIN)/hbox docs write

docs-check: setup ## fail when the generated reference is not up to date
	$(BIN)/hbox docs check

lock: setup ## resolve requirements.lock anew from pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra box --extra dev pyproject.toml -o requirements.lock

clean: ## remove the Python environment and the tools' caches (never the lab: that is `make down`)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
