-- What a tenant stores beside workflows. A data source that a query or a listener names is not removed.

CREATE TABLE datasources (
    datasource_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT,
    kind TEXT NOT NULL,
    options TEXT NOT NULL,
    secret TEXT,
    creator_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX datasources_newest ON datasources (tenant_id, created_at, datasource_id);

CREATE TABLE dataqueries (
    data_query_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    datasource_id TEXT REFERENCES datasources (datasource_id),
    title TEXT NOT NULL,
    description TEXT,
    options TEXT NOT NULL,
    folder_id TEXT,
    creator_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX dataqueries_newest ON dataqueries (tenant_id, created_at, data_query_id);
CREATE INDEX dataqueries_of_datasource ON dataqueries (datasource_id);

CREATE TABLE widgets (
    widget_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    refresh_interval BIGINT,
    folder_id TEXT,
    creator_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX widgets_newest ON widgets (tenant_id, created_at, widget_id);

CREATE TABLE listeners (
    listener_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    datasource_id TEXT REFERENCES datasources (datasource_id),
    title TEXT NOT NULL,
    description TEXT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    options TEXT NOT NULL,
    creator_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX listeners_newest ON listeners (tenant_id, created_at, listener_id);
CREATE INDEX listeners_of_datasource ON listeners (datasource_id);
