//! Examples of the events of chat rooms.

use serde_json::json;

use crate::protocol::events::{Client, Example, Server};

const HERE: &str = "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a30";
const ASKED: &str = "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a31";
const SAID: &str = "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a32";
const PROPOSED: &str = "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a33";

/// Examples of what clients send.
pub(in crate::protocol::events) fn client_examples() -> Vec<Example<Client>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    vec![
        example(
            Client::ChatRoomJoin,
            "chat",
            "all that old pages send, if anything",
            json!({ "firebaseID": "user-firebase-uid" }),
        ),
        example(
            Client::ChatUserMessage,
            "say",
            "a question, shown without effect",
            json!({
                "message": { "text": "Show me sales for last month", "action": "test" },
                "chatRoomID": HERE, "firebaseID": "user-firebase-uid", "tenantID": "acme",
            }),
        ),
        example(
            Client::ChatUserMessage,
            "approve",
            "consent to the open proposal",
            json!({ "message": { "action": "approve" }, "chatRoomID": HERE, "clientMessageID": "c-7" }),
        ),
        example(Client::ChatCancel, "cancelAnswer", "no more of this answer", json!({ "chatRoomID": HERE })),
        example(Client::ChatRoomDisconnect, "leaveChat", "the page was left", json!({ "roomId": HERE })),
    ]
}

/// Examples of what the hub sends.
pub(in crate::protocol::events) fn server_examples() -> Vec<Example<Server>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    let proposal = json!({
        "id": PROPOSED, "proposalID": PROPOSED, "tool": "start_workflow",
        "arguments": { "workflowID": "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a34", "inputValues": { "month": "2026-10" } },
        "summary": "Start the workflow \"Monthly report\" with month 2026-10", "expiresAt": "2026-11-01T09:05:00.000Z",
    });
    vec![
        example(Server::ChatRoomId, "newRoom", "a new room", json!({ "chatRoomID": HERE, "resumed": false })),
        example(
            Server::ChatRoomId,
            "resumed",
            "a room in which something was said",
            json!({
                "chatRoomID": HERE, "resumed": true,
                "history": [
                    { "role": "user", "text": "Hello", "seq": 2, "at": "2026-11-01T09:00:00.000Z", "messageID": ASKED },
                    {
                        "role": "assistant", "text": "Hello. What would you like to see?", "seq": 3,
                        "at": "2026-11-01T09:00:00.100Z", "messageID": SAID, "inReplyTo": ASKED,
                    },
                ],
            }),
        ),
        example(
            Server::ChatBotMessage,
            "table",
            "an answer with rows",
            json!({
                "text": "Here are the sales of October 2026: 2 rows.", "message": "Here are the sales of October 2026: 2 rows.",
                "chatRoomID": HERE, "messageID": SAID, "inReplyTo": ASKED, "seq": 3,
                "data": { "columns": ["product", "total"], "rows": [["Mug", 1150], ["Sencha", 940]] },
            }),
        ),
        example(
            Server::ChatBotMessage,
            "proposal",
            "something with an effect waits for a person",
            json!({
                "text": "I can start \"Monthly report\" for 2026-10. Approve, reject or test it.",
                "message": "I can start \"Monthly report\" for 2026-10. Approve, reject or test it.",
                "chatRoomID": HERE, "messageID": SAID, "inReplyTo": ASKED, "seq": 3, "proposal": proposal,
            }),
        ),
        example(
            Server::ChatBotDelta,
            "piece",
            "only with stream",
            json!({ "chatRoomID": HERE, "inReplyTo": ASKED, "text": "Here are " }),
        ),
        example(
            Server::ChatError,
            "noRoom",
            "no such room, or one of somebody else",
            json!({ "chatRoomID": HERE, "error": { "code": "ROOM_NOT_FOUND", "message": "no such chat room" } }),
        ),
    ]
}
