# What CI runs, a laptop runs. README names `make demo` and `make test`.
.PHONY: check test test-long size bench-peers

check: size
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --all-targets --features conformance,failpoints -- -D warnings
	cargo doc --no-deps --lib

# A hub without crash points is built first: it must ignore FAILPOINTS.
test:
	cargo build --bin jethub
	install -D target/debug/jethub target/plain/jethub
	TEST_PLAIN_HUB=$(CURDIR)/target/plain/jethub cargo test --features failpoints

# The same, with long crash tests and a release build.
test-long:
	cargo build --release --bin jethub
	JETHUB_TEST_LONG=1 TEST_PLAIN_HUB=$(CURDIR)/target/release/jethub cargo test --features failpoints,conformance

size:
	.ci/size.sh

# What a session and a delivery cost beside socketioxide and socket.io (benches/peers/README.md).
bench-peers:
	benches/peers/run.sh
