# make demo   set up .venv and clone an example database
# make test   set up .venv with the test dependencies and run the tests
# make lint   ruff;  make types: mypy --strict;  make check: lint, types and tests
# make lock   renew constraints.txt;  make wheel: build into dist/;  make clean: remove what make has made
#
# Variables: VENV (where the environment goes), PYTHON (the interpreter to use), PYTEST_ARGS (e.g. PYTEST_ARGS="-k graph").

VENV ?= .venv
PYTEST_ARGS ?=

# Tests of one module or class share what they have set up: they stay in one process.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadscope
BIN := $(VENV)/bin
# uv trusts the certificates that the machine trusts, as pip does.
UV := UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 $(BIN)/python -m uv
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --constraints constraints.txt --overrides .ci/overrides.txt
# Where only pip is configured (a private index), pip installs the same versions: constraints.txt lists every package.
FALLBACK := $(BIN)/python -m pip install --quiet --no-deps --requirement constraints.txt && \
	$(BIN)/python -m pip install --quiet --no-deps --editable .

.DEFAULT_GOAL := help
.PHONY: help demo test lint types check lock wheel clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

$(VENV)/.python: .ci/find-python
	@python=$$(PYTHON="$(PYTHON)" sh .ci/find-python) && "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml constraints.txt .ci/overrides.txt
	@$(INSTALL) --editable '.[sdv]' || { $(FALLBACK); }
	@touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt .ci/overrides.txt
	@$(INSTALL) --editable '.[sdv,test]' || { $(FALLBACK); }
	@touch $@ $(VENV)/.run

$(VENV)/.dev: $(VENV)/.test
	@$(INSTALL) --editable '.[sdv,dev]' || { $(FALLBACK); }
	@touch $@

demo: $(VENV)/.run
	@$(BIN)/dbclone demo

test: $(VENV)/.test
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

lint: $(VENV)/.dev
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy --strict dbclone

check: lint types test

lock: $(VENV)/.python
	@$(UV) pip compile --quiet --upgrade pyproject.toml --all-extras --overrides .ci/overrides.txt --universal \
		--python-version 3.11 --no-header --no-annotate --output-file constraints.txt

wheel: $(VENV)/.python
	@$(UV) build --quiet --wheel

clean:
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
