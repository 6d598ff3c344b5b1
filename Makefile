# What CI runs, a laptop runs. README names `make demo` and `make test`.
.PHONY: check test size

check: size
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --all-targets --features conformance,failpoints -- -D warnings
	cargo doc --no-deps --lib

test:
	cargo test --features failpoints

size:
	.ci/size.sh
