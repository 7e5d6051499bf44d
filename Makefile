# `make run` and `make test` need Python 3.11, make and a network to the package registries; nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint bench clean

# A first look is in debug; who has settings of their own keeps them.
RUN := $(if $(wildcard .env)$(DEBUG),,DEBUG=true )$(BIN)/python manage.py

run: $(VENV)/installed
	@$(RUN) migrate --verbosity 0
	@$(RUN) load_demo --if-empty
	@$(RUN) generate_recommendations
	@$(RUN) serve

test: $(VENV)/installed-dev lint
	@$(BIN)/python -m tests.on_every_database $(TESTARGS)

lint: $(VENV)/installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check --deploy --fail-level WARNING

bench: $(VENV)/installed-dev
	@$(BIN)/python benchmarks/recommendations.py $(BENCHARGS)

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

# Without the MySQL client headers everything but mysqlclient is installed; SQLite does not need it.
$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	@if command -v cc >/dev/null && { command -v mariadb_config || command -v mysql_config; } >/dev/null; then \
		$(BIN)/pip install --quiet -r requirements.txt; \
	else \
		echo "No MySQL client headers or compiler here: installing all but mysqlclient; SQLite works without it."; \
		grep -v '^mysqlclient' requirements.txt > $(VENV)/requirements.txt; \
		$(BIN)/pip install --quiet -r $(VENV)/requirements.txt; \
	fi
	@touch $@

$(VENV)/installed-dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	@sh tests/install-servers.sh
	@$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
