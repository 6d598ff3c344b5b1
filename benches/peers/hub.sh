# The whole hub as a peer: SQLite, tokens, a run that is executed elsewhere. A publish is one journaled
# row through POST …/events, a join is read from the journal. Sourced by run.sh.

# start_hub: sets server, auth, join, publish, header, body
start_hub() {
    local hub=${HUB:-$build/jethub/release/jethub} state=$build/hub-state tenants workflow run token
    rm -rf "$state" && mkdir -m 700 "$state"
    export JETHUB_AUTH__HS256_SECRET=0123456789abcdef0123456789abcdef JETHUB_LIMITS__SESSIONS_PER_USER=50000 \
        JETHUB_LIMITS__HANDSHAKES="100000/s burst 100000" JETHUB_LOG__LEVEL=warn
    "$hub" serve --listen "127.0.0.1:$port" --state-dir "$state" > "$build/server.log" 2>&1 &
    server=$!
    for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/readyz" > "$build/ready" && break; sleep 0.1; done
    {
        "$hub" tenant create bench --state-dir "$state"
        "$hub" user create ann --state-dir "$state"
        "$hub" member create --tenant bench --user ann --role ADMIN --state-dir "$state"
    } > "$build/hub-accounts.log"
    token=$("$hub" token --user ann --state-dir "$state")
    header="Authorization: Bearer $token"
    tenants=http://127.0.0.1:$port/api/v1/tenants/bench/workflows
    post() { curl -sf -H "$header" -H 'Content-Type: application/json' -d "$2" "$1"; }
    workflow=$(post "$tenants" '{"title":"bench","workflowOptions":{},"nodes":[{"id":"start","type":"start","data":{}},{"id":"js","type":"javascript","data":{"code":"return 1;","outputVariable":"js"}},{"id":"end","type":"end","data":{"outputParameters":[]}}],"edges":[{"id":"e1","source":"start","target":"js"},{"id":"e2","source":"js","sourceHandle":"success","target":"end"}]}' \
        | jq -r '[.. | .workflowID? // empty][0]')
    run=$(post "$tenants/$workflow/execute" '{"executor":"external"}' | jq -r '[.. | .instanceID? // empty][0]')
    auth="{\"token\":\"$token\"}"
    join="{\"runId\":\"$run\"}"
    publish=$tenants/instances/$run/events
    body="{\"events\":[{\"type\":\"node\",\"key\":\"@I-@T\",\"nodeID\":\"js\",\"status\":\"success\",\"output\":$output}]}"
}
