# `make demo` and `make test` set up everything they need on a machine with Python 3.11 to 3.13 and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests run in so many processes, each of which computes with one thread. A module's tests stay together, so that what
# its fixtures train or build is made once, and modules in the order of conftest.py.
PROCESSES ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: demo check test proofs install clean

# The mark is written last: an install that was cut off is done again.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v <= (3, 13) and f"Python 3.11 to 3.13 is needed, this is {v[0]}.{v[1]}; give another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: $(VENV)/.installed

demo: install
	$(BIN)/python examples/quickstart/prepare.py
	$(BIN)/bloodbank run examples/quickstart/experiment.toml

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(PYTEST)

# What takes long by nature, and every property again with fifteen times as many examples.
proofs: install
	$(PYTEST) -m 'proof or hypothesis' --hypothesis-profile thorough

clean:
	rm -rf $(VENV) build dist
