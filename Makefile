# Needs Python 3.11 or newer with pip and venv. The package index is yours to choose: pip's own variables
# (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL) and configuration files are obeyed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-cluster test-openvino test-browser lint clean

demo: $(VENV)/.demo
	$(BIN)/farview demo

test: $(VENV)/.test
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest
	$(MAKE) lint

test-slow: $(VENV)/.test
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -m slow --timeout 3600

test-cluster: $(VENV)/.test
	$(BIN)/python -m pip install --editable '.[cluster]'
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -m slow --timeout 1200 -k ray

test-openvino: $(VENV)/.test
	$(BIN)/python -m pip install --editable '.[openvino]'
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -k openvino

# Needs Chromium as well, for example Debian's: apt-get install chromium
test-browser: $(VENV)/.test
	$(BIN)/python -m pip install --editable '.[browser]'
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -m slow --timeout 1200 tests/deploy/serve/test_browser.py

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --editable '.[viz]'
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --editable '.[viz,test]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
