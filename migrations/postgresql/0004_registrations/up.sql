-- Widgets that are connected now: a row is bound to its socket and goes with it.

CREATE TABLE registrations (
    socket_id TEXT NOT NULL,
    widget_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    workflow_id TEXT,
    instance_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    inputs TEXT NOT NULL,
    config TEXT NOT NULL,
    starter_user_id TEXT,
    starter_api_key_id TEXT,
    hub_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (socket_id, widget_id)
);
