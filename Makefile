# One word for each check, the same on a desk, in .ci/run and in .github/workflows/checks.yml.
PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)

.PHONY: dev lint types test test-all test-long test-clients docs bench

dev: # a copy to work in
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -e ".[dev]"

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

test: # what the README names: every promise once
	$(BIN)/python -m pytest -q

test-all: # all of it: every value at every door, loops of kills, crowds, many odd inputs a property
	$(BIN)/python -m pytest -q -m "not long and not clients" --hypothesis-profile thorough
	BAILIAN_TESTS_ON=postgresql $(BIN)/python -m pytest -q tests/unit/store tests/store tests/unit/engine

test-long: # a hundred thousand odd answers a reader, and whatever else is marked `long`
	$(BIN)/python -m pytest -q -m long

test-clients: # other people's clients on the sandbox, each in an environment of its own; installs them from the index
	$(BIN)/python -m pytest -q -n 2 -m clients

docs: # rewrites what is generated: helps, exit codes, states, tables of models, click's words in Chinese
	$(BIN)/pybabel -q compile -d bailian/cli/locale -l zh
	$(BIN)/python docs/readme_blocks.py

bench: # minutes; ratios beside the official SDK
	$(BIN)/python benchmarks/compare.py --quick
