#!/usr/bin/env bash
# What does a durable step cost, beside Restate and DBOS on the same machine? See README.md here.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/benches/workflow
bench=${BENCH:-/work/shared/bench}
build=${BUILD:-/tmp/jethub-bench}
profile=${PROFILE:-release}
target=${TARGET:-$build/jethub}
out=${OUT:-$build/workflow.jsonl}
databases=${DATABASES:-postgresql sqlite}
parts=${PARTS:-peers commit runs restart memory}
server=${POSTGRESQL:-postgresql://postgres@127.0.0.1:5432}
work=$build/workflow
port=${PORT:-17800}
export CARGO_TERM_COLOR=never

mkdir -p "$work"
${CARGO:-cargo} build --profile "$profile" --quiet --bin jethub --example workflow-load --manifest-path "$root/Cargo.toml" --target-dir "$target"
hub=$target/$profile/jethub
load=$target/$profile/examples/workflow-load
ulimit -n "$(ulimit -Hn)"

hub_id=
stop() { if [ -n "$hub_id" ]; then kill "${1:--TERM}" "$hub_id" 2>/dev/null || true; wait "$hub_id" 2>/dev/null || true; hub_id=; fi; }
trap 'stop -KILL' EXIT

sql() { psql -q -X "$server/${2:-postgres}" -c "$1" > "$work/sql.log" 2>&1; }

# fresh KIND: an empty database; sets db (for the hub) and peek (for the load client)
fresh() {
    rm -rf "$work/state" && mkdir -m 700 "$work/state"
    if [ "$1" = sqlite ]; then
        db=sqlite:jethub.db peek=sqlite:$work/state/jethub.db
    else
        name=jethub_bench_workflow
        sql "DROP DATABASE IF EXISTS $name WITH (FORCE)" && sql "CREATE DATABASE $name"
        db=$server/$name peek=$db
    fi
}

# serve: a hub on the database; waits until it is ready
serve() {
    port=$((port + 1))
    export JETHUB_AUTH__HS256_SECRET=0123456789abcdef0123456789abcdef JETHUB_LOG__LEVEL=warn
    export JETHUB_WORKFLOW__MAX_ACTIVE_PER_TENANT=20000 JETHUB_LIMITS__ACTORS_PER_TENANT=100000
    "$hub" serve --listen "127.0.0.1:$port" --state-dir "$work/state" --database "$db" > "$work/hub.log" 2>&1 &
    hub_id=$!
}

ready() {
    for _ in $(seq 200); do curl -sf "http://127.0.0.1:$port/readyz" > "$work/ready" && return; sleep 0.05; done
    cat "$work/hub.log" >&2; exit 1
}

accounts() {
    {
        "$hub" tenant create bench --state-dir "$work/state"
        "$hub" user create ann --state-dir "$work/state"
        "$hub" member create --tenant bench --user ann --role ADMIN --state-dir "$work/state"
    } > "$work/accounts.log"
    token=$("$hub" token --user ann --state-dir "$work/state")
}

drive() {
    local mode=$1; shift
    "$load" "$mode" db="$peek" hub="127.0.0.1:$port" token="$token" tenant=bench pid="$hub_id" "$@" | tee -a "$out"
}

# peer NAME FILE: its line, as JSON
peer() {
    local text
    text=$(cd "$work/peers" && NODE_NO_WARNINGS=1 timeout 120 node "$2" 2> "$work/$1.log" | grep "^$1: alone") || { echo "$1 failed: $work/$1.log" >&2; return 0; }
    echo "$text" | sed -E 's/^([a-z]+): alone ([0-9.]+) ms.* at once: ([0-9]+) steps.*/{"mode":"peer","peer":"\1","alone_ms":\2,"steps_per_s":\3}/' | tee -a "$out"
}

peers() {
    mkdir -p "$work/peers"
    cp "$bench"/workflow/*.mjs "$bench/workflow/package.json" "$work/peers/"
    [ -d "$work/peers/node_modules" ] || (cd "$work/peers" && npm install --silent --no-audit --no-fund > "$work/npm.log" 2>&1)
    ALONE=20 RUNS=600 INFLIGHT=100 peer restate restate.mjs
    sql "DROP DATABASE IF EXISTS jethub_bench_dbos WITH (FORCE)" && sql "CREATE DATABASE jethub_bench_dbos"
    DBOS_DATABASE_URL=$server/jethub_bench_dbos ALONE=10 RUNS=300 INFLIGHT=100 peer dbos dbos.mjs
    sql "DROP DATABASE IF EXISTS jethub_bench_dbos WITH (FORCE)"
}

: > "$out"
for part in $parts; do
    case $part in
    peers) peers ;;
    commit)
        for kind in $databases; do
            fresh "$kind"
            "$load" commit db="${peek/jethub.db/commit.db}" | tee -a "$out"
        done ;;
    runs)
        for kind in $databases; do
            fresh "$kind"; serve; ready; accounts
            for shape in ${SHAPES:-js plain}; do
                drive runs shape="$shape" runs=20 inflight=1
                drive runs shape="$shape" runs="${RUNS:-1000}" inflight=100
            done
            for shape in ${WIDE:-fanout loop}; do drive runs shape="$shape" runs=10 inflight=1; done
            drive runs shape=js runs=1000 inflight=1000
            stop
        done ;;
    restart)
        for kind in $databases; do
            half=$((${UNFINISHED:-10000} / 2))
            fresh "$kind"; JETHUB_SCRIPT__WORKERS=1 serve; ready; accounts
            drive fill shape=delay runs=$half until=0 part=restart
            # An attempt is busy until after the kill, all others wait for it.
            rate=$(tail -1 "$out" | jq '.starts_per_s | floor')
            until=$(($(date +%s%3N) + 5000 + 3000 * half / rate))
            drive fill shape=until runs=$half until=$until part=restart
            stop -KILL
            while [ "$(date +%s%3N)" -lt "$until" ]; do sleep 0.1; done
            since=$(date +%s%6N)
            serve
            "$load" recovered db="$peek" since="$since" runs=$half | tee -a "$out"
            stop -KILL
        done ;;
    memory)
        fresh "${databases##* }"
        serve; ready; accounts
        # First those that are passivated: what the store keeps in its caches is there then.
        drive fill shape=delay runs=10000 until=0 part=memory
        drive fill shape=nap runs=5000 until=0 part=memory
        stop -KILL ;;
    esac
done
"$load" table "$out"
