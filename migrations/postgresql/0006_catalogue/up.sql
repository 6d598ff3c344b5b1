-- Rises with each change of what an assistant may find of a tenant; no row: nothing has changed yet.

CREATE TABLE catalogue_revisions (
    tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    revision BIGINT NOT NULL
);
