# A virtual environment in .venv is the only thing made outside the folders named on the lines.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Tests side by side: half as many again as there are cores, if not said otherwise, for some wait
# for servers. Those of a file stay together, so that what they share is made once; the longest
# files come first.
JOBS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) * 3 // 2)')

.PHONY: demo test lint train-smoke clean

demo: .venv/installed
	$(BIN)/likemark demo --out demo-out

test: .venv/installed-dev .venv/milvus/installed
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -q

# Trains for about a minute, and fails unless the network has become better.
train-smoke: .venv/installed
	$(BIN)/python -m likemark.benchmarks.training.smoke train-smoke-out

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

.venv/bin/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "likemark needs Python 3.11 or newer"'
	$(PYTHON) -m venv .venv

# The server of the Milvus tests: its faiss-cpu must never meet the faiss of .venv.
.venv/milvus/installed: .venv/bin/python constraints-milvus.txt
	$(PYTHON) -m venv .venv/milvus
	.venv/milvus/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints-milvus.txt milvus-lite pymilvus
	touch $@

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ .venv/installed

clean:
	rm -rf .venv build demo-out train-smoke-out
