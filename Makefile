# make run      a registry on http://localhost:8000, with its documentation at /docs
# make test     everything is checked: style, types, floors, and all tests, with real servers
#
# make bench    beside MLflow, with a page of charts; bench-quick: in five minutes;
#               bench-limits: our hot paths against bare loops, before and after a change
#
# All need Python 3.11 or newer and nothing else; what they install lies in .venv, .uv, .bench.

PYTHON ?= python3
PORT   ?= 8000
# Trust the certificates that the machine trusts.
export UV_SYSTEM_CERTS ?= 1
export UV_PYTHON_DOWNLOADS := never
# Every process that is started, and the tests start hundreds, finds its modules compiled.
unexport PYTHONDONTWRITEBYTECODE

UV  := .uv/bin/uv
BIN := .venv/bin
# What the package is built from: the web UI is part of it.
BUILT_FROM := pyproject.toml uv.lock hatch_build.py $(shell git ls-files -co --exclude-standard frontend 2>/dev/null)

.PHONY: run demo test check audit format web-dev bench bench-quick bench-limits clean

run: .venv/.run
	@if [ -n "$(DEMO)" ]; then $(BIN)/lockgate demo --wait --url http://127.0.0.1:$(PORT) & fi; \
	exec $(BIN)/lockgate serve --port $(PORT)

demo: .venv/.run
	$(BIN)/lockgate demo

# One worker more than two cores: the tests that kill and revive servers mostly wait.
test: .venv/.test
	$(BIN)/python tests/e2e/web/browser.py
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -r src -ll

# Known holes in what we depend on: asks a service on the network, so it is no part of `check`.
audit: .venv/.test
	$(BIN)/pip-audit --skip-editable

format: .venv/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Vite's server on http://localhost:5173/ui/, which reloads what is edited; the API is a running registry's.
web-dev: .venv/.test
	cd frontend && $(CURDIR)/$(BIN)/python ../hatch_build.py dev $(REGISTRY)

bench: .venv/.test
	$(BIN)/python -m bench.peers --page docs

bench-quick: .venv/.test
	$(BIN)/python -m bench.peers --quick

bench-limits: .venv/.test
	$(BIN)/python -m bench --quick

clean:
	rm -rf .venv .uv .bench

$(UV):
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"

.venv/.run: $(UV) $(BUILT_FROM)
	$(UV) sync --quiet --locked --inexact --python $(PYTHON) --group example
	@touch $@

.venv/.test: $(UV) $(BUILT_FROM)
	$(UV) sync --quiet --locked --inexact --python $(PYTHON) --group dev --group example
	@touch $@
