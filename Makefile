# One word per habit. `make` alone prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: test-beside soak test-soak test-fuzz test-api test-records test-crash test-nodes test-faults help setup up down check fix test test-netns test-medicine test-browser test-lab test-violations test-cluster test-vagrant test-vm bench docs docs-check lock clean
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

check: setup ## format, lint, types, import contracts, unit tests: under four minutes on two cores
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	shellcheck scripts/* .ci/run
	$(PYTEST) -q -n auto --dist loadfile -m "not wide" tests/unit tests/compliance

fix: setup ## let the tools mend format and lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: check test-fuzz test-api test-records test-crash test-beside ## everything that runs without KVM; more of two and three nodes: test-nodes, test-faults

# What waits more than it works runs two at a time, each with its output in one piece.
test-beside:
	$(MAKE) -j2 -O test-netns test-browser
	$(MAKE) test-medicine test-lab
	$(MAKE) -j2 -O test-violations test-vm
	$(MAKE) test-cluster test-vagrant

test-fuzz: setup ## every parser of the gateway under a coverage-guided fuzzer
	$(PYTEST) -q -n auto tests/fuzz

test-netns: setup ## gateway and firewall in real network namespaces
	$(PYTEST) -q tests/netns

test-api: setup ## every route of the API: for every role and grant, with hostile bodies, under schemathesis
	$(PYTEST) -q -n auto --dist loadfile -m wide tests/unit
	$(PYTEST) -q tests/api_fuzz

test-records: setup ## records, jobs, actions and rights once more on a real PostgreSQL
	$(PYTEST) -q -n auto --dist loadfile -m "not wide" --records postgresql tests/unit/controller/records tests/unit/controller/jobs tests/unit/controller/queue tests/unit/controller/actions tests/unit/controller/access

test-crash: setup ## the worker killed at a seeded sample of every job's step boundaries, on both databases
	$(PYTEST) -q -n auto tests/crash

test-medicine: setup ## every official FHIR example across the gateway; the npm client fetches them once
	@command -v npm >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null
	$(PYTEST) -q tests/medicine
	$(BIN)/python -m tests.medicine.false_hits

test-browser: setup ## the console in headless Chromium
	$(PYTEST) -q tests/browser

test-lab: setup ## a real node with real virtual machines
	$(PYTEST) -q -m "not cluster" tests/lab

test-violations: setup ## a conforming node broken in a seeded sample of the known ways: found, mended, undone
	$(PYTEST) -q tests/violations

test-nodes: setup ## joining, trust, Ceph and migration in more depth, on labs of two and three nodes: an hour
	$(PYTEST) -q -m cluster tests/lab

test-cluster: setup ## three nodes from nothing: Ceph, live migration, a disk and a node lost and replaced
	$(PYTEST) -q tests/cluster/test_cluster.py

test-faults: setup ## the same, then nodes switched off and cables pulled in mid-job, disks and roles interrupted
	$(PYTEST) -q tests/cluster

test-vagrant: setup ## one box brought up by `vagrant up`; installs vagrant-libvirt once
	@dpkg-query -W vagrant-libvirt >/dev/null 2>&1 || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends vagrant vagrant-libvirt libvirt-daemon-system libvirt-clients dnsmasq-base curl >/dev/null
	$(PYTEST) -q tests/vagrant

test-vm: setup ## the box's own disk image under QEMU
	$(PYTEST) -q tests/vm

test-soak: setup ## a short storm of kills, full disk and slow receivers (part of test-netns)
	$(PYTEST) -q tests/netns/test_loss.py tests/netns/test_disk_full.py

soak: setup ## 10,000 messages through 200 kills, every step of every job killed, the cluster killed elsewhere: hours
	$(BIN)/python -m tests.soak
	HBOX_FUZZ=60s $(PYTEST) -q -n auto tests/fuzz
	HBOX_CRASH=all $(PYTEST) -q -n auto --timeout 1800 tests/crash
	HBOX_CRASH=all $(PYTEST) -q tests/lab/test_crash.py tests/lab/test_module.py
	HBOX_API_FUZZ=600 $(PYTEST) -q --timeout 1200 tests/api_fuzz
	HBOX_VIOLATIONS=all $(PYTEST) -q tests/violations tests/vm/test_kernel.py
	for seed in 1 2 3 4 5; do HBOX_CRASH_SEED=$$seed $(PYTEST) -q tests/cluster || exit 1; done

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
