# The two commands: `make run` and `make test`. Everything else is a part of them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test coverage attack lint types bench cluster faults screenshots package clean

run: $(VENV)/.installed
	@$(BIN)/python -m notifier

# Files of tests run side by side, in two worker processes for each core. PYTEST passes options
# on: PYTEST='-n 3' for another number of workers, PYTEST='tests/test_feed.py -k gap -x' for a
# few tests, which run in one process.
#
# They write into memory where there is room for 4 GB: thousands of commits are synced otherwise.
SCRATCH = $(or $(TMPDIR),$(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }'),/tmp)
test: $(VENV)/.installed-dev $(VENV)/.tools
	@TMPDIR=$(SCRATCH) $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST)

# The same, and which lines and branches nothing has run. Servers take half as long again.
coverage:
	@$(MAKE) --no-print-directory test PYTEST='--cov --cov-report=term $(PYTEST)'

# The attacks of tests/security in full, one after the other because they measure, and their
# table: attack, before, now.
attack: $(VENV)/.installed-dev $(VENV)/.tools
	@$(BIN)/python -m pytest -n 0 -m attack --attack tests $(PYTEST)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.send

# Three processes behind nginx with all that they share, from installed servers; Ctrl-C stops it.
# On another port: make cluster PORT=9000
cluster: $(VENV)/.installed-dev
	@$(BIN)/python -m servers $(if $(PORT),--port $(PORT))

# Every fault on both ways to install it, counted; ten minutes. WRITE=--write renews the docs.
faults: $(VENV)/.installed-dev $(VENV)/.tools
	@$(BIN)/python -m tests.faults $(WRITE)

screenshots: $(VENV)/.installed-dev $(VENV)/.tools
	$(BIN)/python -m tests.browser.screenshots

# The npm package's modules as one minified file each, with their sizes, into build/npm.
package: $(VENV)/.installed-dev $(VENV)/.tools
	@$(BIN)/node deploy/package.mjs build/npm

clean:
	rm -rf $(VENV) build dist *.egg-info clients/python/build clients/python/*.egg-info

# The stamps are newer than what they were made from, so that a second start installs nothing.
$(VENV)/.installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Notifier needs Python 3.11 or newer: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing Notifier and its libraries into $(VENV); that takes a minute, once …"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ echo "Cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what tests and checks need into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.tools: tests/install-tools tests/browser/package.json tests/browser/next/package.json $(VENV)/.installed-dev
	@echo "Looking for servers, a browser and JavaScript tools for the tests …"
	@tests/install-tools
	@touch $@
