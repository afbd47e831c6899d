# What people and pipelines call. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PROGRAMS := target/release

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what a bare Debian or Ubuntu machine with Rust and Python lacks
	@dev/setup

.PHONY: setup-browser
setup-browser: setup ## Install what looks at pages in a browser, which the tests do
	@dev/setup --browser

.PHONY: programs
programs: setup ## Build the programs as they are released
	@echo "Building the programs (the first time takes minutes) …"
	@cargo build --release --locked --workspace --bins

.PHONY: demo
demo: programs ## Show a real Home Assistant, the portal and the agent, in sync, until Ctrl-C
	@exec $(PROGRAMS)/vestibule-demo

.PHONY: demo-check
demo-check: programs ## Assert what the demo shows, without staying
	@exec $(PROGRAMS)/vestibule-demo --check

.PHONY: check
check: setup ## Formatting, clippy, documentation, licences and sources
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --locked
	@command -v cargo-deny >/dev/null || { echo 'Installing cargo-deny (takes minutes, once) …'; cargo install cargo-deny --locked --debug --version 0.20.2; }
	cargo deny --locked check licenses bans sources

.PHONY: test
test: check setup-browser ## Everything that proves what the README says, in at most 35 minutes on two cores
	cargo build --workspace --bins --locked
	cargo test --workspace --locked
	@$(MAKE) --no-print-directory demo-check

.PHONY: test-all
test-all: export VESTIBULE_TEST_SEEDS ?= 5000
test-all: export VESTIBULE_TEST_KILLS ?= all
test-all: test ## The same with thousands of simulation seeds, and every death on real Home Assistants

.PHONY: fuzz
fuzz: ## Fuzz every target with libFuzzer, two minutes each (the first build takes minutes)
	@dev/fuzz 120

.PHONY: bench
bench: programs ## Measure the released programs against the budget, beside peers
	cargo bench --locked --package vestibule --bench envelope
	cargo bench --locked --package vestibule-portal --bench load
	@exec $(PROGRAMS)/vestibule-bench

.PHONY: image-check
image-check: setup ## Build the app's image for both architectures, run it, and print what it is like
	@dev/image/check

.PHONY: screenshots
screenshots: setup-browser ## Write pictures of the owner's page in several widths, colours and languages to target/screenshots
	VESTIBULE_TEST_SCREENSHOTS=$(CURDIR)/target/screenshots cargo test --locked --test promises -- page::browser
