# One command surface for developers and CI. Needs python3.11 or later with venv; everything else goes to .venv.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo demo-import demo-recommend test lint format check canary faults faults-mutants bench lock clean

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Python 3.11 and 3.12 first: for later ones there is no packaged Redis, so `redis-server` must be on PATH.
PYTHONS := python3.12 python3.11 python3.13 python3.14 python3

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install the program and all it needs into .venv
	@echo 'compiling what is not compiled for this processor, about a minute' >&2
	@$(BIN)/python -m stream.agents.warmup --install

demo: $(INSTALLED) ## Run everything on this machine and watch it work; options in ARGS="..."
	@$(BIN)/stream demo $(ARGS)

demo-import: $(INSTALLED) ## Import the history of a real shop as its owner would, and show today's list
	@$(BIN)/python examples/shop_exports.py build/exports
	@$(BIN)/stream import build/exports/woocommerce-orders.csv --data-dir build/shop --timezone Europe/London $(ARGS)
	@$(BIN)/stream today --data-dir build/shop

demo-recommend: $(INSTALLED) ## Import the baskets of 80 real households with their items, and show what to recommend to one
	@$(BIN)/python examples/shop_exports.py build/exports
	@STREAM_PROJECTIONS=recommendations $(BIN)/stream import build/exports/grocery-orders.csv --data-dir build/groceries --timezone America/New_York $(ARGS)
	@STREAM_PROJECTIONS=recommendations $(BIN)/stream recommend customer-850@example.com --data-dir build/groceries --limit 5

test: $(INSTALLED) ## Run the tests, three files at a time; pytest's options in ARGS="..."
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(INSTALLED) ## Kill, freeze, flush and cut everything and check that nothing is lost; options in ARGS="..."
	@$(BIN)/python -m tests.faults $(ARGS)

canary: $(INSTALLED) ## Plant a person in every field, export and erase them, and look that no byte is left; a minute
	@$(BIN)/python -m pytest tests/privacy/canary*.py $(ARGS)

faults-mutants: $(INSTALLED) ## Switch guarantees off, one at a time: make faults must notice each
	@$(BIN)/python -m tests.faults --mutants $(ARGS)

lint: $(INSTALLED) ## Check style, types and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(INSTALLED) ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

check: lint test ## lint and test

bench: $(INSTALLED) ## Measure one worker beside other engines; options in ARGS="..."
	@$(BIN)/python -m benchmarks.throughput $(ARGS)

lock: ## Write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra local --extra notify --extra ingest --extra console --extra plots --extra report --extra dev \
		--generate-hashes --no-header --no-emit-index-url --upgrade --quiet --output-file requirements.lock

clean: ## Remove everything that make has made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find stream tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml
	@set -e; recent=; python=; \
	if ! $(BIN)/python -c '' 2>/dev/null; then \
		for candidate in $(PYTHONS); do \
			if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				recent="$$recent $$candidate"; \
				if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then python=$$candidate; break; fi; \
			fi; \
		done; \
		if [ -z "$$recent" ]; then \
			echo 'make: no Python 3.11 or later found (looked for: $(PYTHONS))' >&2; exit 1; \
		elif [ -z "$$python" ]; then \
			echo "make: found$$recent, but without venv and ensurepip; on Debian: apt-get install python3-venv" >&2; \
			exit 1; \
		fi; \
		echo "making $(VENV) with $$($$python --version), once" >&2; \
		"$$python" -m venv --clear $(VENV); \
	fi; \
	echo 'installing the locked requirements' >&2; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	touch $@
