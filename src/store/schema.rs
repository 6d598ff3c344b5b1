//! The tables as Diesel knows them; a test compares them with both sets of migrations.

diesel::table! {
    streams (stream) {
        stream -> Text,
        epoch -> BigInt,
        head -> BigInt,
        owner -> Text,
        owner_version -> BigInt,
    }
}

diesel::table! {
    journal (stream, seq) {
        stream -> Text,
        seq -> BigInt,
        kind -> Text,
        payload -> Text,
        at -> BigInt,
        writer -> Text,
        checksum -> BigInt,
    }
}

diesel::table! {
    tenants (tenant_id) {
        tenant_id -> Text,
        title -> Text,
        timezone -> Text,
        creator_id -> Nullable<Text>,
        is_disabled -> Bool,
        disabled_at -> Nullable<BigInt>,
        disable_reason -> Nullable<Text>,
        logo_url -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    users (user_id) {
        user_id -> Text,
        subject -> Text,
        email -> Nullable<Text>,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        is_disabled -> Bool,
        is_platform_admin -> Bool,
        tokens_valid_after -> Nullable<BigInt>,
        last_seen -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    members (tenant_id, user_id) {
        tenant_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    role_permissions (tenant_id, role, permission) {
        tenant_id -> Text,
        role -> Text,
        permission -> Text,
    }
}

diesel::table! {
    api_keys (api_key_id) {
        api_key_id -> Text,
        tenant_id -> Text,
        title -> Text,
        prefix -> Text,
        hash -> Text,
        role -> Text,
        creator_id -> Nullable<Text>,
        is_disabled -> Bool,
        expires_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    workflows (workflow_id) {
        workflow_id -> Text,
        tenant_id -> Text,
        title -> Text,
        description -> Nullable<Text>,
        options -> Text,
        folder_id -> Nullable<Text>,
        version -> BigInt,
        creator_id -> Nullable<Text>,
        created_by_api_key_id -> Nullable<Text>,
        is_disabled -> Bool,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    workflow_versions (workflow_id, version) {
        workflow_id -> Text,
        version -> BigInt,
        title -> Text,
        options -> Text,
        nodes -> Text,
        edges -> Text,
        author -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    runs (instance_id) {
        instance_id -> Text,
        tenant_id -> Text,
        workflow_id -> Nullable<Text>,
        workflow_title -> Text,
        version -> Nullable<BigInt>,
        status -> Text,
        is_test -> Bool,
        executor -> Text,
        starter_user_id -> Nullable<Text>,
        starter_api_key_id -> Nullable<Text>,
        parent_instance_id -> Nullable<Text>,
        parent_node_id -> Nullable<Text>,
        started_at -> BigInt,
        completed_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        error_code -> Nullable<Text>,
        attention -> Bool,
    }
}

diesel::table! {
    timers (stream, key) {
        stream -> Text,
        key -> Text,
        due_at -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (scope, key) {
        scope -> Text,
        key -> Text,
        value -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    ingest_keys (instance_id, key) {
        instance_id -> Text,
        key -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    audit (audit_id) {
        audit_id -> Text,
        at -> BigInt,
        tenant_id -> Nullable<Text>,
        actor -> Text,
        action -> Text,
        subject -> Text,
        detail -> Text,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    datasources (datasource_id) {
        datasource_id -> Text,
        tenant_id -> Text,
        title -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        options -> Text,
        secret -> Nullable<Text>,
        creator_id -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    dataqueries (data_query_id) {
        data_query_id -> Text,
        tenant_id -> Text,
        datasource_id -> Nullable<Text>,
        title -> Text,
        description -> Nullable<Text>,
        options -> Text,
        folder_id -> Nullable<Text>,
        creator_id -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    widgets (widget_id) {
        widget_id -> Text,
        tenant_id -> Text,
        title -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        config -> Text,
        refresh_interval -> Nullable<BigInt>,
        folder_id -> Nullable<Text>,
        creator_id -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    listeners (listener_id) {
        listener_id -> Text,
        tenant_id -> Text,
        datasource_id -> Nullable<Text>,
        title -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        status -> Text,
        options -> Text,
        creator_id -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    registrations (socket_id, widget_id) {
        socket_id -> Text,
        widget_id -> Text,
        tenant_id -> Text,
        workflow_id -> Nullable<Text>,
        instance_id -> Text,
        mode -> Text,
        inputs -> Text,
        config -> Text,
        starter_user_id -> Nullable<Text>,
        starter_api_key_id -> Nullable<Text>,
        hub_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    chat_rooms (chat_room_id) {
        chat_room_id -> Text,
        tenant_id -> Text,
        owner_id -> Text,
        subject -> Text,
        title -> Nullable<Text>,
        is_archived -> Bool,
        attention -> Bool,
        messages -> BigInt,
        last_message_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    chat_members (chat_room_id, user_id) {
        chat_room_id -> Text,
        user_id -> Text,
        subject -> Text,
        invited_by -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    catalogue_revisions (tenant_id) {
        tenant_id -> Text,
        revision -> BigInt,
    }
}

diesel::table! {
    collection_requests (collection_request_id) {
        collection_request_id -> Text,
        instance_id -> Text,
        node_id -> Text,
        visit -> BigInt,
        node_attempt -> BigInt,
        status -> Text,
        collection_type -> Text,
        collection_config -> Text,
        submitted_data -> Nullable<Text>,
        submitted_by_user_id -> Nullable<Text>,
        submitted_by_api_key_id -> Nullable<Text>,
        submitted_by_email -> Nullable<Text>,
        expires_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::joinable!(workflow_versions -> workflows (workflow_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(members -> tenants (tenant_id));
diesel::allow_tables_to_appear_in_same_query!(members, tenants, users);
diesel::allow_tables_to_appear_in_same_query!(workflows, workflow_versions);
diesel::allow_tables_to_appear_in_same_query!(chat_rooms, chat_members);
