# One line a task; the continuous integration calls these and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Compiled at installation, so a change in them installs anew.
SOURCES := $(shell find native -name "*.h" -o -name "*.cpp" -o -name CMakeLists.txt)
TASKS  := run install test lint types check slow bench paper docs clean chromium clang compilers wheels wasm lowest

# What touches every library that the package needs; the tests left out need torch or the development tools.
LOWEST := tests/cli/test_commands.py tests/reports tests/models tests/test_classifier.py tests/test_doctor.py \
          tests/bulk/test_bulk.py tests/exchange/test_c.py tests/studies/test_statistics.py

# Data sets beside the checkout are used where they are; otherwise they are fetched into the user's cache.
ifneq ($(wildcard ../shared/data),)
export LENET5_DATA ?= $(abspath ../shared/data)
endif

.PHONY: $(TASKS)

run: $(VENV)/.installed  ## set up, get MNIST, train `archaeology`: the main job
	$(BIN)/lenet5 train archaeology --offline-digits

test: $(VENV)/.installed-dev tests/web/node_modules/.package-lock.json chromium clang lint types  ## set up for development; linters, types, tests
	$(BIN)/pytest -n auto --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

check: test  ## the same by its other name

slow: $(VENV)/.installed-dev  ## the tests that train for minutes
	$(BIN)/pytest -m slow

lowest: $(VENV)/bin/python  ## tests with the lowest versions that pyproject.toml allows; without torch, which is gigabytes
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/lowest
	$(BIN)/uv pip install --python build/lowest --resolution lowest-direct ".[cluster,onnx,pdf,bulk,serve]"
	$(BIN)/uv pip install --python build/lowest "pytest>=8.3" "hypothesis>=6.100"
	build/lowest/bin/python -m pytest -W ignore::DeprecationWarning -W ignore::FutureWarning $(LOWEST)

bench: $(VENV)/.installed-dev  ## speed and memory, side by side with PyTorch; writes benchmarks/records.md
	$(BIN)/python benchmarks/native.py && $(BIN)/python benchmarks/infer.py && $(BIN)/python benchmarks/train.py
	$(BIN)/python benchmarks/page.py && $(BIN)/python benchmarks/page_training.py && $(BIN)/python benchmarks/serve.py

paper: $(VENV)/.installed-dev  ## the tables and pictures of the READMEs and the handbook, from the results on record
	$(BIN)/python results/pages.py && $(BIN)/python results/readme.py && $(BIN)/python docs/pictures/lecun.py
	$(BIN)/python docs/pictures/batch_sizes.py && $(BIN)/python docs/pictures/timeline.py
	$(BIN)/python docs/pictures/comparison.py
	$(BIN)/python results/corruptions.py && $(BIN)/python docs/pictures/digits.py

compilers: $(VENV)/.installed-dev  ## every C++ compiler that can be had: native/ without a warning, and its tests
	$(BIN)/python native/tests/compilers.py

wheels: $(VENV)/.installed-dev  ## Linux wheels for two processors, audited, and tried in bare Debians without a compiler
	$(BIN)/pip install --quiet --disable-pip-version-check auditwheel ziglang
	$(BIN)/python native/packaging/wheels.py && $(BIN)/python native/packaging/try_wheels.py

wasm: $(VENV)/.installed-dev  ## the native engine for browsers, after a change of its sources; the page trains with it
	$(BIN)/pip install --quiet --disable-pip-version-check ziglang==0.14.1
	$(BIN)/python native/packaging/wasm.py

docs: $(VENV)/.installed-dev  ## the handbook as HTML in docs/_build
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html

install: $(VENV)/.installed

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(SOURCES) | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

# torch first and pinned, so that nothing else chooses another build of it.
$(VENV)/.installed-dev: pyproject.toml $(SOURCES) | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@ $(VENV)/.installed

# The page is tested in a real browser. Where neither it nor npm can be had, those tests are skipped and say why.
chromium:
	command -v chromium > /dev/null || (apt-get update -q && apt-get install -qy chromium) || true

# Where Clang can be had, a test builds native/ with it too.
clang:
	command -v clang++ > /dev/null || (apt-get update -q && apt-get install -qy clang) || true

tests/web/node_modules/.package-lock.json: tests/web/package-lock.json
	! command -v npm > /dev/null || npm ci --prefix tests/web --no-audit --no-fund || true

clean:
	rm -rf $(VENV) build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/web/node_modules
