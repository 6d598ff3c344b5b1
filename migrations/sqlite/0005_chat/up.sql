-- Chat rooms: the head of each; what was said is in the journal (stream room:<id>).

CREATE TABLE chat_rooms (
    chat_room_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    owner_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    title TEXT,
    is_archived BOOLEAN NOT NULL,
    attention BOOLEAN NOT NULL,
    messages BIGINT NOT NULL,
    last_message_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX chat_rooms_newest ON chat_rooms (tenant_id, owner_id, updated_at, chat_room_id);
CREATE INDEX chat_rooms_oldest ON chat_rooms (updated_at, chat_room_id);
CREATE INDEX chat_rooms_attention ON chat_rooms (chat_room_id) WHERE attention;

CREATE TABLE chat_members (
    chat_room_id TEXT NOT NULL REFERENCES chat_rooms (chat_room_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (chat_room_id, user_id)
);
CREATE INDEX chat_members_of_user ON chat_members (user_id);
