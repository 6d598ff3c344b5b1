# What CI runs, a laptop runs. README names `make demo` and `make test`.
.PHONY: demo check test test-long size bench-peers bench-workflow bench-chat

check: size
	cargo fmt --check
	cargo clippy -- -D warnings
	cargo clippy --all-targets --features failpoints -- -D warnings
	cargo doc --no-deps --lib

# A hub without crash points is built first: it must ignore FAILPOINTS. The wire cases are driven
# against examples/conformance, and by the clients that install.sh brings.
test:
	tests/clients/install.sh
	cargo build --bin jethub
	install -D target/debug/jethub target/plain/jethub
	cargo build --examples --features failpoints
	TEST_PLAIN_HUB=$(CURDIR)/target/plain/jethub cargo test --features failpoints

# The same, with long crash tests, the wire cases five times in a row, and a release build.
test-long:
	tests/clients/install.sh
	cargo build --release --bin jethub
	cargo build --examples --features failpoints
	JETHUB_TEST_LONG=1 TEST_PLAIN_HUB=$(CURDIR)/target/release/jethub cargo test --features failpoints
	cargo test --features failpoints --test it five_times -- --ignored --test-threads 1

size:
	.ci/size.sh

# What a session and a delivery cost beside socketioxide and socket.io (benches/peers/README.md).
bench-peers:
	benches/peers/run.sh

# What a durable step costs beside Restate and DBOS (benches/workflow/README.md).
bench-workflow:
	benches/workflow/run.sh

# What a turn of a chat costs, and that no room waits for another (benches/chat/README.md).
bench-chat:
	benches/chat/run.sh

# A hub with a tenant, users and workflows to watch, on http://127.0.0.1:3000 (another: make demo LISTEN=127.0.0.1:8080).
LISTEN ?= 127.0.0.1:3000
demo:
	cargo run --bin jethub -- demo --listen $(LISTEN)
