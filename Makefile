# What takes minutes: a hundred thousand odd answers a reader, and whatever else is marked `long`.
PYTHON ?= .venv/bin/python

.PHONY: test-long
test-long:
	$(PYTHON) -m pytest -m long
