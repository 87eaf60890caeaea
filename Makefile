# Each target does its own set-up; a second run starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
READY_BENCHMARKS := $(VENV)/.ready-benchmarks
READY_STRANGERS := $(VENV)/.ready-strangers

# Hundreds of tests start the command itself; each would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help rehearse test test-all benchmarks lint types format example schema wheel clean

help: ## What can be done here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/python:
	@.ci/make-venv "$(PYTHON)" "$(VENV)"

$(READY): $(VENV)/bin/python pyproject.toml .constraints.txt
	@$(BIN)/python -m pip install -q -c .constraints.txt -e .
	@touch $@

$(READY_DEV): $(READY)
	@$(BIN)/python -m pip install -q -c .constraints.txt --group dev
	@touch $@

$(READY_BENCHMARKS): $(READY_DEV)
	@$(BIN)/python -m pip install -q -c .constraints.txt --group benchmarks
	@touch $@

# The oci command line pins its own versions of our libraries, so it lives apart from them.
$(READY_STRANGERS): $(READY_DEV)
	@.ci/make-venv "$(PYTHON)" "$(VENV)/strangers"
	@$(VENV)/strangers/bin/python -m pip install -q --group strangers
	@touch $@

rehearse: $(READY) ## The whole installation with no account, on this machine alone
	@$(BIN)/health-install --rehearse $(ARGS)

# Three workers on two cores, since much of a test is waiting; the slow ones keep a core each busy.
test: $(READY_DEV) ## The quick suite
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "not slow and not benchmark" $(ARGS)

test-all: $(READY_STRANGERS) ## Everything, also real servers and strangers, without benchmarks
	@PATH="$(CURDIR)/$(VENV)/strangers/bin:$$PATH" $(BIN)/python -m pytest -n 3 --dist worksteal -m "not benchmark" $(ARGS)

benchmarks: $(READY_BENCHMARKS) ## Ratios measured in one run
	@$(BIN)/python -m pytest -m benchmark $(ARGS)

lint: $(READY_DEV) ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY_DEV) ## mypy, strict
	@$(BIN)/mypy

format: $(READY_DEV) ## Rewrite in the one style
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

schema: $(READY) ## Rewrite assets/answers.schema.json
	@$(BIN)/health-install answers schema > assets/answers.schema.json.new
	@mv assets/answers.schema.json.new assets/answers.schema.json

wheel: $(READY_DEV) ## Build the wheel into dist/
	@$(BIN)/python -m pip wheel -q --no-deps -w dist .

clean: ## Remove what the targets above made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
