# Two commands matter: `make run` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# The first Python that fits; PYTHON=/path/to/python overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := .venv/bin
ENV := .venv/.ready
ASSETS := server/web/static/vendor/.ready

.PHONY: help env assets run test lint unit benchmarks lock wheel system-packages clean

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

env: $(ENV) ## make .venv with everything that the programs and their tests need

$(ENV): pyproject.toml requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Voicetrail needs Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=..."; exit 2; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv || \
		{ echo "Python has no venv module: install it (Debian: apt-get install python3-venv) and try again"; rm -rf .venv; exit 2; }
	@echo "Installing the locked packages (about 700 MB, once) ..."
	@set -o pipefail; $(BIN)/pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements/dev.txt \
		| sed -nE 's/^ *(Downloading|Installing collected) ?([^ ]*).*(\(.*\)).*/  \1 \2 \3/p'
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

assets: $(ASSETS) ## fetch the pages' scripts (ECharts, htmx) by lock file

$(ASSETS): $(ENV) $(wildcard server/web/assets/package*.json)
	@$(BIN)/python -m server.web.assets
	@touch $@

run: $(ENV) $(ASSETS) ## play a conversation and open a customer's journey: ONCE=1, AUDIO=file CUSTOMER=id, MIC=1, CONSOLE=1, DATA=dir
	@$(BIN)/python -m demo.run $(if $(ONCE),--once) $(if $(AUDIO),--audio "$(AUDIO)") $(if $(CUSTOMER),--customer "$(CUSTOMER)") \
		$(if $(MIC),--mic) $(if $(CONSOLE),--console) $(if $(DATA),--data "$(DATA)") $(if $(PORT),--port "$(PORT)") $(if $(SITE),--site "$(SITE)")

system-packages: ## install what some tests need from the system (as root, on Debian); without it they are skipped
	@bash tests/system_packages.sh

test: $(ENV) $(ASSETS) system-packages lint unit ## linters, types, layers, and every test that this machine can run

lint: $(ENV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

unit: $(ENV) $(ASSETS)
	@$(BIN)/python tests/all_tests.py $(ARGS)

benchmarks: $(ENV) $(ASSETS) ## measure recognition, murmurs, arrays, terms, a shift, ingest and events beside their limits, in one run each
	@$(BIN)/python -m benchmarks.recognition
	@$(BIN)/python -m benchmarks.murmur
	@$(BIN)/python -m benchmarks.arrays
	@$(BIN)/python -m benchmarks.terms
	@$(BIN)/python -m benchmarks.soak
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.events ../shared/conversations

wheel: $(ENV) $(ASSETS) ## build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

lock: ## renew requirements/*.txt from pyproject.toml
	@for x in edge server; do $(BIN)/uv pip compile -q pyproject.toml --extra $$x $(LOCK) -o requirements/$$x.txt; done
	@$(BIN)/uv pip compile -q pyproject.toml --all-extras --group dev $(LOCK) -o requirements/dev.txt
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

clean: ## remove what was made here: environment, assets, caches
	rm -rf .venv server/web/static/vendor node_modules dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .voicetrail
