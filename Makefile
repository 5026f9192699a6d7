# The README's two commands are `make run` and `make test`.
PYTHON ?= python3.11
BIN := .venv/bin
UV_VERSION := 0.13.8

# uv takes seconds where pip takes minutes, but reads none of pip's settings: local wheels and a mirror are handed over.
# Where uv cannot reach what pip can, pip does it.
pip_setting = $$($(BIN)/python -m pip config get global.$(1) 2>/dev/null || true)
install_package = UV_FIND_LINKS="$${UV_FIND_LINKS:-$${PIP_FIND_LINKS:-$(call pip_setting,find-links)}}" \
	UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$(call pip_setting,index-url)}}"; \
	export UV_FIND_LINKS; [ -z "$$UV_DEFAULT_INDEX" ] || export UV_DEFAULT_INDEX; \
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt --editable $(1) || \
	$(BIN)/python -m pip install --constraint constraints.txt --editable $(1)

.PHONY: run test check install install-dev bench clean

run: install
	$(BIN)/semflow samples
	$(BIN)/semflow run

test: install-dev
	$(BIN)/python -m pytest

# What the tests do not hold: style, types, and which room may import which.
check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

install: .venv/installed
install-dev: .venv/installed-dev

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(not v.startswith("3.11.") and f"Python 3.11 is needed, got {v}; name one with: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: $(BIN)/uv pyproject.toml constraints.txt
	@$(call install_package,.)
	@touch $@

.venv/installed-dev: .venv/installed
	@$(call install_package,'.[dev]')
	@touch $@

bench: install-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv
