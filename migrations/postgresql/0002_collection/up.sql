-- What runs ask people, as their rows say it; the children of runs are found by their parent.

CREATE TABLE collection_requests (
    collection_request_id TEXT NOT NULL PRIMARY KEY,
    instance_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    visit BIGINT NOT NULL,
    node_attempt BIGINT NOT NULL,
    status TEXT NOT NULL,
    collection_type TEXT NOT NULL,
    collection_config TEXT NOT NULL,
    submitted_data TEXT,
    submitted_by_user_id TEXT,
    submitted_by_api_key_id TEXT,
    submitted_by_email TEXT,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX collection_requests_of_run ON collection_requests (instance_id, created_at);
CREATE INDEX runs_children ON runs (parent_instance_id) WHERE parent_instance_id IS NOT NULL;
