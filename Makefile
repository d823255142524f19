# Each target sets up `.venv` by itself; Python 3.11+ is all that must be there.
# PORT= and DATA= choose the port (8000) and the data folder (.data); PYTHON= the interpreter.

PYTHON ?= python3
BOOTSTRAP := $(PYTHON) deploy/bootstrap.py
LOCK := uv pip compile pyproject.toml --generate-hashes --no-header --no-emit-index-url --universal --python-version 3.11 --upgrade --quiet

.DEFAULT_GOAL := help
.PHONY: help run test conformance bench mutants lint format typecheck messages lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  Variables: PORT=8000 DATA=.data ARGS= PYTHON=python3"

run: ## the portal with its demo, on http://127.0.0.1:8000
	@$(BOOTSTRAP) -- python -m evportal.run

test: ## all tests; ARGS="tests/billing -k tariff" chooses
	@$(BOOTSTRAP) --dev -- python -m pytest -n 2 $(ARGS)

conformance: ## every protocol case under every version of OCPP; `make test` takes a sample of 2.1
	@CONFORMANCE=all $(BOOTSTRAP) --dev -- python -m pytest -n 2 tests/stations/conformance $(ARGS)

bench: ## the figures of docs/operations.md beside bare servers; ARGS="storm cpu" chooses
	@$(BOOTSTRAP) --dev -- python -m tests.bench $(ARGS)

mutants: ## which planted faults the tests of money miss; ARGS="pricing --sample 400" chooses
	@$(BOOTSTRAP) --dev -- python -m tests.mutants $(ARGS)

lint: ## style, templates, missing migrations, types
	@$(BOOTSTRAP) --dev -- ruff check .
	@$(BOOTSTRAP) --dev -- ruff format --check .
	@if [ -d templates ]; then $(BOOTSTRAP) --dev -- djlint --lint --quiet templates; fi
	@$(BOOTSTRAP) --dev -- python manage.py makemigrations --check --dry-run
	@$(MAKE) --no-print-directory typecheck

format: ## put the code into the house's style
	@$(BOOTSTRAP) --dev -- ruff check --fix .
	@$(BOOTSTRAP) --dev -- ruff format .

typecheck: ## mypy over the modules that pyproject.toml lists
	@$(BOOTSTRAP) --dev -- mypy

messages: ## new strings into the translations, and compile them; needs gettext
	@$(BOOTSTRAP) --dev -- python deploy/messages.py

lock: ## newest versions that pyproject.toml allows, into both requirements files
	@$(BOOTSTRAP) --dev -- $(LOCK) --output-file requirements.txt
	@$(BOOTSTRAP) --dev -- $(LOCK) --group dev --output-file requirements-dev.txt

clean: ## caches and the virtual environment; the data folder stays
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis staticfiles test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
