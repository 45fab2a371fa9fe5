# Two commands matter: `make run` and `make test`. Both work on a fresh machine with Rust, Python and a C compiler.
# Build products live outside the checkout, so that a fresh clone does not build its dependencies again.

CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/trailkeep
export CARGO_TARGET_DIR ?= $(CACHE)/target
VENV := $(CACHE)/venv
ARGS ?=

.PHONY: run build test test-rust test-conformance python bench

run: ## Build the program and run it with a company's quarter of activity in it.
	cargo build --release --locked --package cli
	$(CARGO_TARGET_DIR)/release/trailkeep serve --demo $(ARGS)

build: ## Build the program.
	cargo build --release --locked --package cli

test: test-rust test-conformance ## Install what the tests need and run all of them.

test-rust:
	cargo test --locked --workspace --quiet

# The program is the one the Rust tests are built with: another selection of packages would build the dependencies anew.
test-conformance: python
	cargo test --locked --workspace --quiet --no-run
	TRAILKEEP=$(CARGO_TARGET_DIR)/debug/trailkeep PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/python -m pytest conformance $(ARGS)

python: $(VENV)/.stamp

$(VENV)/.stamp: conformance/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement conformance/requirements.txt
	touch $@

bench: $(VENV)/.bench-stamp ## Measure the release build against a peer; prints ratios. ARGS="ingest --quick", say.
	PATH="$(VENV)/bin:$$PATH" cargo xtask bench $(ARGS)

$(VENV)/.bench-stamp: $(VENV)/.stamp xtask/bench-requirements.txt
	$(VENV)/bin/pip install --quiet --requirement xtask/bench-requirements.txt
	touch $@
