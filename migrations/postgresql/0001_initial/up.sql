-- Times are microseconds since 1970 (UTC); JSON is text; ids are text.

CREATE TABLE streams (
    stream TEXT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    head BIGINT NOT NULL,
    owner TEXT NOT NULL,
    owner_version BIGINT NOT NULL
);

CREATE TABLE journal (
    stream TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    at BIGINT NOT NULL,
    writer TEXT NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (stream, seq)
);

CREATE TABLE tenants (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    timezone TEXT NOT NULL,
    creator_id TEXT,
    is_disabled BOOLEAN NOT NULL,
    disabled_at BIGINT,
    disable_reason TEXT,
    logo_url TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tenants_newest ON tenants (created_at, tenant_id);

CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL UNIQUE,
    email TEXT,
    first_name TEXT,
    last_name TEXT,
    is_disabled BOOLEAN NOT NULL,
    is_platform_admin BOOLEAN NOT NULL,
    tokens_valid_after BIGINT,
    last_seen BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX users_newest ON users (created_at, user_id);

CREATE TABLE members (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX members_of_user ON members (user_id);

CREATE TABLE role_permissions (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    permission TEXT NOT NULL,
    PRIMARY KEY (tenant_id, role, permission)
);

CREATE TABLE api_keys (
    api_key_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    creator_id TEXT,
    is_disabled BOOLEAN NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, created_at, api_key_id);

CREATE TABLE workflows (
    workflow_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT,
    options TEXT NOT NULL,
    folder_id TEXT,
    version BIGINT NOT NULL,
    creator_id TEXT,
    created_by_api_key_id TEXT,
    is_disabled BOOLEAN NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX workflows_newest ON workflows (tenant_id, created_at, workflow_id);

CREATE TABLE workflow_versions (
    workflow_id TEXT NOT NULL REFERENCES workflows (workflow_id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    title TEXT NOT NULL,
    options TEXT NOT NULL,
    nodes TEXT NOT NULL,
    edges TEXT NOT NULL,
    author TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workflow_id, version)
);

CREATE TABLE runs (
    instance_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    workflow_id TEXT,
    workflow_title TEXT NOT NULL,
    version BIGINT,
    status TEXT NOT NULL,
    is_test BOOLEAN NOT NULL,
    executor TEXT NOT NULL,
    starter_user_id TEXT,
    starter_api_key_id TEXT,
    parent_instance_id TEXT,
    parent_node_id TEXT,
    started_at BIGINT NOT NULL,
    completed_at BIGINT,
    error TEXT,
    error_code TEXT,
    attention BOOLEAN NOT NULL
);
CREATE INDEX runs_newest ON runs (tenant_id, started_at, instance_id);
CREATE INDEX runs_of_workflow ON runs (workflow_id, started_at, instance_id);
CREATE INDEX runs_attention ON runs (instance_id) WHERE attention;

CREATE TABLE timers (
    stream TEXT NOT NULL,
    key TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (stream, key)
);
CREATE INDEX timers_due ON timers (due_at, stream, key);

CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_oldest ON idempotency_keys (created_at);

CREATE TABLE ingest_keys (
    instance_id TEXT NOT NULL,
    key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (instance_id, key)
);

CREATE TABLE audit (
    audit_id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    tenant_id TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    request_id TEXT
);
CREATE INDEX audit_newest ON audit (at, audit_id);
