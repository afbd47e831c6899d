.PHONY: bench
bench: ## Measure the released programs against the budget, beside peers
	@cargo build --release --locked --workspace --bins
	@exec target/release/vestibule-bench
