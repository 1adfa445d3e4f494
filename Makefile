# Everything goes through uv, fetched into .uv when the machine has none. `make setup` leaves a ready .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
BIN := .venv/bin
LOCK_COMMAND := pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	pyproject.toml --extra speech --extra whisper --group dev --output-file requirements.lock

# What the tests of LiveKit rooms run against.
LIVEKIT_SERVER := v1.13.5
GO := $(or $(shell command -v go 2>/dev/null),$(wildcard /usr/local/go/bin/go))

.PHONY: help setup run test check format bench servers screenshot lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

setup: .venv/.ready ## Make .venv with everything in it

# An agent starts in a third of the time with bytecode in .venv, wherever the environment would not have it written.
unexport PYTHONDONTWRITEBYTECODE

run: setup ## Open the console; with no keys set, everything is simulated
	@$(BIN)/sidetone $(ARGS)

test: setup ## Run all tests
	@$(BIN)/python -m pytest $(ARGS)

check: setup ## Formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: setup ## Format the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Measure, never assert; prints a table
	@$(BIN)/python -m tests.bench $(ARGS)

servers: .servers/livekit-server-$(LIVEKIT_SERVER) ## Build the LiveKit server that the tests of rooms need, with Go

screenshot: setup ## Draw the README's picture from a real call
	$(BIN)/python -m tests.screenshot docs/console.svg

lock: .uv/bin/uv ## Renew requirements.lock
	$(UV) $(LOCK_COMMAND)

clean: ## Remove what setup made
	rm -rf .venv .uv .servers

.uv/bin/uv:
	@command -v uv >/dev/null 2>&1 || { \
		echo "Fetching uv into .uv …"; \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv; }

# --target keeps away from an environment that the system manages; a second install into it would warn, so once.
.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Sidetone needs Python 3.11 or newer: set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x "$(UV)" || $(MAKE) --no-print-directory .uv/bin/uv
	@$(UV) venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q -j 0 agent console simulator \
		$$($(BIN)/python -c 'import msgspec, rich, textual, websockets as w; print(*(p.__path__[0] for p in (msgspec, rich, textual, w)))')
	@touch .venv/.ready

# From source: there is no package of it. The module names Go 1.26, which any Go from 1.21 on fetches when it is older.
.servers/livekit-server-$(LIVEKIT_SERVER):
	@test -n "$(GO)" || { echo "livekit-server is built with Go 1.26: install it and put it on the PATH." >&2; exit 1; }
	@case "$$("$(GO)" env GOVERSION)" in ""|go1.[0-9]|go1.[0-9].*|go1.1[0-9]*|go1.20*) \
		echo "livekit-server is built with Go 1.26, and $(GO) is too old: install a newer one." >&2; exit 1;; esac
	@echo "Building livekit-server $(LIVEKIT_SERVER) into .servers/bin, which takes minutes …"
	@CGO_ENABLED=0 GOBIN="$(CURDIR)/.servers/bin" "$(GO)" install -ldflags="-s -w" \
		github.com/livekit/livekit-server/cmd/server@$(LIVEKIT_SERVER)
	@mv .servers/bin/server .servers/bin/livekit-server
	@rm -f .servers/livekit-server-v*
	@touch $@
