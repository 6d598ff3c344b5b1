#!/usr/bin/env bash
# What does a turn of a chat cost, and does one room's turn delay another's? See README.md here.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-/tmp/jethub-bench}
profile=${PROFILE:-release}
target=${TARGET:-$build/jethub}
out=${OUT:-$build/chat.jsonl}
databases=${DATABASES:-sqlite postgresql}
server=${POSTGRESQL:-postgresql://postgres@127.0.0.1:5432}
work=$build/chat
port=${PORT:-17900}
model=127.0.0.1:${MODEL_PORT:-17890}
secret=0123456789abcdef0123456789abcdef
export CARGO_TERM_COLOR=never

mkdir -p "$work"
[ -n "${BUILT:-}" ] ||
    ${CARGO:-cargo} build --profile "$profile" --quiet --bin jethub --example chat-load --manifest-path "$root/Cargo.toml" --target-dir "$target"
folder=$profile
[ "$profile" = dev ] && folder=debug
hub=$target/$folder/jethub
load=$target/$folder/examples/chat-load
ulimit -n "$(ulimit -Hn)"

hub_id=
stop() { if [ -n "$hub_id" ]; then kill -KILL "$hub_id" 2>/dev/null || true; wait "$hub_id" 2>/dev/null || true; hub_id=; fi; }
trap stop EXIT

sql() { psql -q -X "$server/${2:-postgres}" -c "$1" > "$work/sql.log" 2>&1; }

# fresh KIND: an empty database; sets db (for the hub)
fresh() {
    rm -rf "$work/state" "$work/files" && mkdir -m 700 "$work/state" "$work/files"
    if [ "$1" = sqlite ]; then
        db=sqlite:jethub.db
    else
        name=jethub_bench_chat
        sql "DROP DATABASE IF EXISTS $name WITH (FORCE)" && sql "CREATE DATABASE $name"
        db=$server/$name
    fi
}

# What bounds a person's haste must not bound a bench; everything else is as it comes.
rm -f "$work/jethub.toml" && (umask 077 && cat > "$work/jethub.toml") <<EOF
[log]
level = "warn"
[auth]
hs256_secret = "$secret"
[limits]
client_events_per_tenant = "1000000/s"
events = "10000/s"
event_bytes = "100MB/s"
[datasource]
sqlite_dir = "$work/files"
[ai]
tenant_turns = "1000000/s"
user_turns = "1000000/s"
first_chunk = "10m"
turn_timeout = "1h"
[[ai.tenants]]
tenant = "slow"
assistant = "llm"
base_url = "http://$model/v1"
model = "silent"
EOF

: > "$out"
for kind in $databases; do
    fresh "$kind"
    port=$((port + 1))
    "$hub" serve --config "$work/jethub.toml" --listen "127.0.0.1:$port" --state-dir "$work/state" --database "$db" > "$work/hub.log" 2>&1 &
    hub_id=$!
    for _ in $(seq 200); do curl -sf "http://127.0.0.1:$port/readyz" > "$work/ready" && break; sleep 0.05; done
    {
        "$hub" tenant create bench --state-dir "$work/state"
        "$hub" tenant create slow --state-dir "$work/state"
        "$hub" tenant create other --state-dir "$work/state"
    } > "$work/accounts.log" || { cat "$work/accounts.log" "$work/hub.log" >&2; exit 1; }
    "$load" run db="$db" hub="127.0.0.1:$port" pid="$hub_id" secret="$secret" tenant=bench slow=slow other=other model="$model" dir="$work/files" \
        rooms="${ROOMS:-1000}" entries="${ENTRIES:-10000}" seconds="${SECONDS_EACH:-6}" rate="${RATE:-100}" rounds="${ROUNDS:-2}" \
        neighbours="${NEIGHBOURS:-200}" | tee -a "$out"
    stop
done
"$load" table "$out"
