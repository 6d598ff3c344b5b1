//! The names of all events.

macro_rules! events {
    ($(#[$doc:meta])* $enum:ident { $($(#[$about:meta])* $variant:ident $name:literal $namespace:literal $served:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum { $($(#[$about])* $variant),+ }

        impl $enum {
            /// All of them, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// `None` for a name that no event of the contract has.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
            /// Spelling on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
            /// The namespace it belongs to.
            pub const fn namespace(self) -> &'static str {
                match self { $(Self::$variant => $namespace),+ }
            }
            /// This build serves it; the others are names that later parts fill.
            pub const fn is_served(self) -> bool {
                match self { $(Self::$variant => $served),+ }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

events! {
    /// What a client may send (`contract.md` 2).
    Client {
        /// Enters a chat room, or makes one.
        ChatRoomJoin "ai_chat_room_join" "/" true;
        /// Says something in a chat room.
        ChatUserMessage "ai_chat_user_message" "/" true;
        /// Leaves a chat room.
        ChatRoomDisconnect "ai_chat_room_disconnect" "/" true;
        /// Stops the assistant's answer.
        ChatCancel "ai_chat_cancel" "/" true;
        /// Watches a run.
        RunJoin "workflow_run_join" "/" true;
        /// Watches it no more.
        RunLeave "workflow_run_leave" "/" true;
        /// Registers a widget with a run.
        WidgetConnect "widget_workflow_connect" "/" true;
        /// Hands an input of a widget to its run.
        WidgetInput "widget_send_input" "/" true;
        /// Runs a widget's workflow again.
        WidgetRefresh "widget_refresh" "/" true;
        /// Ends a widget's registration.
        WidgetDisconnect "widget_workflow_disconnect" "/" true;
        /// Enters a room of listeners; the argument is a plain string.
        RoomJoin "join_room" "/" true;
        /// Leaves a room of listeners.
        RoomLeave "leave_room" "/" true;
        /// Brings a fresh token for a session.
        AuthRefresh "auth_refresh" "/" false;
        /// Chooses which lines the monitor shows.
        Filter "filter" "/monitor" false;
    }
}

events! {
    /// What the hub sends (`contract.md` 3).
    Server {
        /// Which chat room was entered.
        ChatRoomId "ai_chat_room_id" "/" true;
        /// The assistant's answer.
        ChatBotMessage "ai_chat_bot_message" "/" true;
        /// A piece of an answer that is still being written.
        ChatBotDelta "ai_chat_bot_delta" "/" true;
        /// A chat event was refused.
        ChatError "ai_chat_error" "/" true;
        /// A node's execution ended.
        NodeUpdate "workflow_node_update" "/" true;
        /// A run ended.
        StatusUpdate "workflow_status_update" "/" true;
        /// A run waits for a form or an approval.
        CollectionRequest "workflow_data_collection_request" "/" true;
        /// A join or leave was refused.
        RunError "workflow_run_error" "/" true;
        /// A widget is registered.
        WidgetConnected "widget_workflow_connected" "/" true;
        /// A widget's run went on.
        WidgetUpdate "widget_context_update" "/" true;
        /// A widget's run ended.
        WidgetStatus "widget_workflow_status" "/" true;
        /// A widget's input was taken.
        WidgetInputReceived "widget_input_received" "/" true;
        /// A widget is registered no more.
        WidgetDisconnected "widget_workflow_disconnected" "/" true;
        /// A widget event was refused.
        WidgetError "widget_workflow_error" "/" true;
        /// A listener's event under test.
        ListenerTest "listener_test_event" "/" true;
        /// A listener's event.
        Listener "listener_event" "/" true;
        /// The session's token is about to end.
        AuthExpired "auth_expired" "/" false;
        /// A line of the monitor.
        Log "log" "/monitor" false;
        /// Figures of the monitor.
        Metrics "metrics" "/monitor" false;
        /// Lines that the monitor left out.
        LogDropped "log_dropped" "/monitor" false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for event in Client::ALL {
            assert_eq!(Client::from_name(event.as_str()), Some(*event));
        }
        for event in Server::ALL {
            assert_eq!(Server::from_name(event.as_str()), Some(*event));
        }
        assert_eq!(Client::from_name("workflow_completed"), None);
        assert_eq!(Client::from_name("__proto__"), None);
    }
}
