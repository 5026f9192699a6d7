# The README's two commands are `make run` and `make test`.
# 3.11 has been measured; a newer one is taken where it is not there. Another one: make PYTHON=/path/to/python3.12
PYTHON ?= $(shell for minor in 11 12 13; do python3.$$minor -c "" 2>/dev/null && echo python3.$$minor && break; done)
BIN := .venv/bin
UV_VERSION := 0.13.8
# Images of containers set it; then each process compiles all that it imports, which takes three times as long.
unexport PYTHONDONTWRITEBYTECODE
# One process per core; the tests of a file stay in one process, which makes their fixtures once. tests/conftest.py orders.
PYTEST_WORKERS := --numprocesses auto --dist loadfile --no-loadscope-reorder

# uv takes seconds where pip takes minutes, but reads none of pip's settings: local wheels and a mirror are handed over.
# Where uv cannot reach what pip can, pip does it.
pip_setting = $$($(BIN)/python -m pip config get global.$(1) 2>/dev/null || true)
use_pip_settings = UV_FIND_LINKS="$${UV_FIND_LINKS:-$${PIP_FIND_LINKS:-$(call pip_setting,find-links)}}" \
	UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$(call pip_setting,index-url)}}"; \
	export UV_FIND_LINKS; [ -z "$$UV_DEFAULT_INDEX" ] || export UV_DEFAULT_INDEX
install_package = $(use_pip_settings); \
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt $(1) || \
	$(BIN)/python -m pip install --constraint constraints.txt $(1)

# Two OpenCV packages overwrite each other's files, so one is removed before the other is installed (decision 12).
remove_opencv = $(BIN)/python -m pip uninstall --yes --quiet opencv-python opencv-contrib-python-headless
remove_opencv_contrib = [ -z "$$(ls -d .venv/lib/python*/site-packages/opencv_contrib_python_headless-* 2>/dev/null)" ] || \
	$(remove_opencv)

# The scripts of an environment name its folder: in a clone that was moved none starts, and make says "Error 127" alone.
check_place = [ ! -f $(BIN)/semflow ] || [ -L .venv ] || head -n 3 $(BIN)/semflow | grep -qF -e "\#!$(CURDIR)/" -e "\"$(CURDIR)/" -e "'$(CURDIR)/" || { \
	echo "this clone was moved, and its environment names the folder where it was; run: make clean install"; exit 1; }
# OpenCV's usual package has windows, and does not load on servers and in containers without libGL.so.1.
ensure_opencv = $(BIN)/python -c "import cv2" 2>/dev/null || { \
	echo "OpenCV does not load here (libGL.so.1 is missing?): its package without windows takes its place"; \
	$(remove_opencv); $(call install_package,--no-deps opencv-contrib-python-headless); }

# Branches that each add videos merge file by file (`semflow merge --help`); an archive without .git needs no driver.
install_merge_driver = ! git rev-parse --git-dir >/dev/null 2>&1 || $(BIN)/semflow merge --install >/dev/null

.PHONY: check-place help run test check format coverage docs install install-dev opencv-contrib bench gpu-wheels gpu-check clean
.DEFAULT_GOAL := run

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

run: install  ## install, fetch the sample clips, process them
	$(BIN)/semflow samples
	$(BIN)/semflow run

test: install-dev  ## run the tests, without the slow ones
	$(BIN)/python -m pytest $(PYTEST_WORKERS)

# What the tests do not hold: style, types, and which room may import which.
check: install-dev  ## check style, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@echo "pyright, of the code and of the tests side by side: each uses one processor"
	@$(BIN)/pyright -p tests & tests=$$!; $(BIN)/pyright; code=$$?; wait $$tests && exit $$code

format: install-dev  ## format the code, sort imports
	$(BIN)/ruff check --select I --fix --quiet .
	$(BIN)/ruff format .

coverage: install-dev  ## run the tests and list the lines that none of them reaches
	$(BIN)/python -m pytest $(PYTEST_WORKERS) --cov --cov-report=term

docs: install-dev  ## write dvc.yaml, the stage graph, docs/commands.md and docs/parameters.md
	$(BIN)/semflow dvc
	$(BIN)/python -m flows.cli.reference_pages

check-place:
	@$(check_place)

install: check-place .venv/installed  ## make .venv with what a run needs
install-dev: check-place .venv/installed-dev  ## and with what the tests and checks need

$(BIN)/uv:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11, 3.12 or 3.13 is needed, found none on the PATH; name one with: make PYTHON=/path/to/python3.13"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and f"Python 3.11, 3.12 or 3.13 is needed, got {v}; name one with: make PYTHON=/path/to/python3.13")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: $(BIN)/uv pyproject.toml constraints.txt
	@$(remove_opencv_contrib)
	@$(call install_package,--editable .)
	@$(ensure_opencv)
	@$(install_merge_driver)
	@touch $@

.venv/installed-dev: .venv/installed
	@$(remove_opencv_contrib)
	@$(call install_package,--editable '.[dev]')
	@$(ensure_opencv)
	@touch $@

opencv-contrib: install  ## put OpenCV with CSRT and without GUI libraries in place of opencv-python
	@$(remove_opencv)
	@$(call install_package,--no-deps opencv-contrib-python-headless)

bench: install-dev  ## measure the speeds that the README quotes
	$(BIN)/python -m benchmarks

gpu-wheels: install-dev  ## pack what a machine with a GPU and without a network needs into gpu-check/
	@$(use_pip_settings); $(BIN)/python -m benchmarks.gpu_check.pack

gpu-check:  ## compare CPU and CUDA stage by stage, measure whole runs; with gpu-check/ no network is needed
	$(or $(wildcard $(BIN)/python),python3) -m benchmarks.gpu_check

clean:  ## remove .venv
	rm -rf .venv
