#!/usr/bin/env bash
# What does a session, an event, a delivery cost beside other servers of this kind? See README.md here.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bench=${BENCH:-/work/shared/bench}
build=${BUILD:-/tmp/jethub-bench}
passes=${PASSES:-2}
peers=${PEERS:-socketioxide jethub jethub-room jethub-hub raw node}
modes=${MODES:-idle echo1 echo16 paced flood}
out=${OUT:-$build/results.jsonl}
export CARGO_TERM_COLOR=never

mkdir -p "$build"
cargo build --release --quiet --bin jethub --example peer --manifest-path "$root/Cargo.toml" --target-dir "$build/jethub"
for part in hubload peers/rust peers/raw; do
    cargo build --release --quiet --locked --manifest-path "$bench/$part/Cargo.toml" --target-dir "$build/target"
done
if [[ " $peers " == *" node "* && ! -d $build/node/node_modules ]]; then
    cp -r "$bench/peers/node" "$build/" && (cd "$build/node" && npm ci --silent --no-audit --no-fund)
fi
ulimit -n "$(ulimit -Hn)"

# what a client says and what is published, for servers that speak the events of the peers
contract_of_peers() {
    local id=00000000-0000-4000-8000-000000000001
    auth='{"token":"bench"}'
    join="{\"runId\":\"$id\"}"
    publish="http://127.0.0.1:$port/publish"
    header=
    body="{\"instanceID\":\"$id\",\"nodeID\":\"n1\",\"status\":\"success\",\"output\":$output}"
}
output='{"t":"@T","i":"@I","rows":[{"month":"2026-10","sales":1250.5},{"month":"2026-11","sales":980.25}]}'

port=${PORT:-17000}
server=
stop() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }
trap stop EXIT

# start NAME: a fresh process on a fresh port
start() {
    stop
    port=$((port + 1))
    # the last server's "ready" must not be taken for this one's
    rm -f "$build/server.log"
    contract_of_peers
    case $1 in
    socketioxide) set -- "$build/target/release/$(binary peers/rust)" $port ;;
    raw) set -- "$build/target/release/$(binary peers/raw)" $port ;;
    jethub) set -- "$build/jethub/release/examples/peer" $port ;;
    jethub-room) set -- "$build/jethub/release/examples/peer" $port room ;;
    node) set -- node "$build/node/server.js" $port ;;
    jethub-hub) . "$root/benches/peers/hub.sh"; start_hub; return ;;
    *) echo "unknown peer $1" >&2; exit 2 ;;
    esac
    "$@" > "$build/server.log" 2>&1 &
    server=$!
    for _ in $(seq 100); do grep -qs ready "$build/server.log" && return; sleep 0.1; done
    echo "not ready: $*" >&2; exit 1
}

binary() { sed -n 's/^name *= *"\(.*\)"/\1/p' "$bench/$1/Cargo.toml" | head -1; }

# load MODE: one line of JSON
load() {
    local common=(--url "127.0.0.1:$port" --auth "$auth" --join workflow_run_join --join-delay "${JOIN_DELAY:-5}" --join-body "$join" --pid "$server")
    local fan=(--n 500 --publish "$publish" --publish-header "$header" --body "$body")
    case $1 in
    idle) set -- idle "${common[@]}" --n "${IDLE_N:-2000}" ;;
    echo1) set -- echo "${common[@]}" --n 50 --secs 3 --depth 1 --event-body "$join" ;;
    echo16) set -- echo "${common[@]}" --n 50 --secs 3 --depth 16 --event-body "$join" ;;
    paced) set -- fanout "${common[@]}" "${fan[@]}" --msgs 150 --rate 50 ;;
    flood) set -- fanout "${common[@]}" "${fan[@]}" --msgs 300 --rate 0 ;;
    esac
    timeout 60 "$build/target/release/hubload" "$@"
}

: > "$out"
: > "$build/failures.log"
for pass in $(seq "$passes"); do
    for mode in $modes; do
        for peer in $peers; do
            # An event that is a join costs the hub a read of its journal: no echo.
            if [[ $peer == jethub-hub && $mode == echo* ]]; then continue; fi
            # One peer loses a join that comes right behind CONNECT now and then: then it starts again.
            for attempt in 1 2 3 4 5; do
                start "$peer"
                if line=$(load "$mode" 2>"$build/load.log"); then
                    jq -c --arg peer "$peer" --arg mode "$mode" --argjson pass "$pass" --argjson attempt "$attempt" \
                        '. + {peer: $peer, mode: $mode, pass: $pass, attempt: $attempt}' <<< "$line" >> "$out"
                    break
                fi
                { echo "pass $pass, $mode, $peer, attempt $attempt:"; cat "$build/load.log" "$build/server.log"; } >> "$build/failures.log"
            done
            stop
        done
    done
done

jq -rs -f "$(dirname "$0")/table.jq" "$out"
