//! What is printed: who may do what, and commands that work when they are pasted.

use jiff::civil::Date;

use super::{
    seed::{Seeded, TENANT},
    shop::month_before,
};

/// The whole text.
pub(super) fn words(url: &str, seeded: &Seeded, today: Date) -> String {
    let api = format!("{url}/api/v1/tenants/{TENANT}/workflows");
    let workflows: String = seeded
        .workflows
        .iter()
        .map(|(id, sample)| format!("  {id}  {:<12} {}\n", sample.title, sample.about))
        .collect();
    let execute = seeded.workflows.first().map(|(id, sample)| (id.to_string(), (sample.inputs)(3, today)));
    let (workflow, inputs) = execute.unwrap_or_default();
    let watch = "const { io } = require(\"socket.io-client\");\n\
        const [url, api, workflow, token] = process.argv.slice(1);\n\
        const headers = { authorization: \"Bearer \" + token, \"content-type\": \"application/json\" };\n\
        fetch(`${api}/${workflow}/execute`, { method: \"POST\", headers, body: process.argv[5] })\n  \
          .then(answer => answer.json())\n  \
          .then(({ instanceID }) => {\n    \
            const socket = io(url, { auth: { token } });\n    \
            socket.onAny((event, body) => console.log(event, JSON.stringify(body)));\n    \
            socket.on(\"connect_error\", error => console.log(error.message, error.data));\n    \
            socket.on(\"workflow_status_update\", () => socket.close());\n    \
            socket.emit(\"workflow_run_join\", { runId: instanceID });\n  \
          });";
    let tenant = format!("{url}/api/v1/tenants/{TENANT}");
    let id = |title: &str| {
        let found = seeded.workflows.iter().find(|(_, sample)| sample.title == title);
        found.map(|(id, _)| id.to_string()).unwrap_or_default()
    };
    let shop = shop(&tenant, &api, &id, seeded, today);
    let chat = chat(url);
    let chart = chart(url, &id("Live sales"), &seeded.widget);
    format!(
        "jethub demo: {url}\n\n\
         tenant {TENANT}, for seven days or until this hub stops:\n\
         export ANN={}    # ADMIN: everything\n\
         export BOB={}    # MEMBER: lists, reads, executes\n\
         export EVE={}    # of another tenant: sees nothing here\n\n\
         workflows:\n{workflows}\n\
         # list them\n\
         curl -s -H \"Authorization: Bearer $BOB\" {api}\n\n\
         # run one; the answer has the instanceID\n\
         curl -s -H \"Authorization: Bearer $BOB\" -H 'Content-Type: application/json' \\\n     \
         -d '{{\"inputValues\":{inputs}}}' {api}/{workflow}/execute\n\n\
         # the last runs\n\
         curl -s -H \"Authorization: Bearer $BOB\" '{api}/instances?pageSize=5'\n\n\
         # run one and watch it with an unmodified Socket.IO client (Node 18 or newer)\n\
         npm install --silent --no-save socket.io-client@4 && node -e '{watch}' {url} {api} {workflow} $BOB '{{\"inputValues\":{inputs}}}'\n\n\
         {chat}{shop}{chart}\
         # all events: {url}/docs/asyncapi.yaml     what else is here: {url}/\n\n",
        seeded.ann, seeded.bob, seeded.eve
    )
}

/// A chat of four messages, as a few lines of script.
fn chat(url: &str) -> String {
    let script = "const { io } = require(\"socket.io-client\");\n\
        const [url, token, ...messages] = process.argv.slice(1);\n\
        const socket = io(url, { auth: { token } });\n\
        let chatRoomID;\n\
        const say = () => {\n  \
          if (!messages.length) return socket.close();\n  \
          const said = messages.shift(), action = [\"test\", \"approve\", \"reject\"].includes(said);\n  \
          console.log(\"\\n> \" + said);\n  \
          socket.emit(\"ai_chat_user_message\", { chatRoomID, message: action ? { action: said } : { text: said } });\n\
        };\n\
        socket.on(\"ai_chat_room_id\", room => { chatRoomID = room.chatRoomID; say(); });\n\
        socket.on(\"ai_chat_bot_message\", ({ text, data }) => {\n  \
          console.log(text);\n  \
          if (data) console.log(\"data:\", data.rows.length, \"rows\");\n  \
          say();\n\
        });\n\
        socket.on(\"ai_chat_error\", ({ error }) => console.log(error.message));\n\
        socket.emit(\"ai_chat_room_join\");";
    format!(
        "# ask the assistant; what changes something only happens when a person says approve (the client as above)\n\
         node -e '{script}' {url} $BOB \\\n     \
         \"Show me sales for last month\" \"Set the price of Mug to 1250\" test reject\n\n"
    )
}

/// The database, and the workflows over it and beside it.
fn shop(tenant: &str, api: &str, id: &impl Fn(&str) -> String, seeded: &Seeded, today: Date) -> String {
    let post = "curl -s -H \"Authorization: Bearer $BOB\" -H 'Content-Type: application/json' \\\n     ";
    let (year, quarter) = (month_before(today, 12), month_before(today, 3));
    let (report, parcel, refund, query) = (id("Sales report"), id("Parcel"), id("Refund"), &seeded.query);
    format!(
        "# the shop: orders, customers and products of the last 24 months in a SQLite file; a saved query over it\n\
         {post}-d '{{\"inputValues\":{{\"category\":\"Tea\",\"since\":\"{quarter}\"}}}}' {tenant}/dataqueries/{query}/run\n\n\
         # a report in a loop: a query for each row of a query; this waits for its end\n\
         {post}-d '{{\"workflowID\":\"{report}\",\"executionMode\":\"SYNC\",\"inputValues\":{{\"since\":\"{year}\"}}}}' \\\n     \
         {tenant}/widgets/data\n\n\
         # a call that fails and is tried again: two of three are answered with 503\n\
         {post}-d '{{\"workflowID\":\"{parcel}\",\"executionMode\":\"SYNC\",\"inputValues\":{{\"order\":7}}}}' {tenant}/widgets/data\n\n\
         # an approval: begin, read what is asked, answer, read the end\n\
         AUTH=\"Authorization: Bearer $BOB\"; JSON='Content-Type: application/json'\n\
         RUN=$(curl -s -H \"$AUTH\" -H \"$JSON\" -d '{{\"inputValues\":{{\"order\":42}}}}' {api}/{refund}/execute | \
         sed 's/.*\"instanceID\":\"\\([^\"]*\\)\".*/\\1/'); sleep 1\n\
         ASKED=$(curl -s -H \"$AUTH\" {api}/instances/$RUN | sed 's/.*\"collectionRequestID\":\"\\([^\"]*\\)\".*/\\1/')\n\
         curl -s -H \"$AUTH\" -H \"$JSON\" -d '{{\"submittedData\":{{\"decision\":\"approve\",\"comment\":\"fine\"}}}}' \\\n     \
         {api}/data-collection/$ASKED/submit >/dev/null; sleep 1\n\
         curl -s -H \"$AUTH\" {api}/instances/$RUN\n\n"
    )
}

/// A page with the chart, as a few lines of script.
fn chart(url: &str, workflow: &str, widget: &str) -> String {
    let script = "const { io } = require(\"socket.io-client\");\n\
        const [url, workflowID, widgetID, token] = process.argv.slice(1);\n\
        const socket = io(url, { auth: { token } });\n\
        const drawn = { point: \"{{ctx.point}}\" };\n\
        socket.on(\"widget_context_update\", ({ update, timestamp }) => update.nodeID === \"sale\" &&\n  \
          console.log(timestamp, JSON.stringify(update.processedData)));\n\
        socket.on(\"widget_workflow_error\", ({ error }) => console.log(error.message));\n\
        socket.on(\"widget_workflow_status\", ({ status, finalContext }) => {\n  \
          console.log(status, finalContext.points.length, \"points\"); socket.close(); });\n\
        socket.emit(\"widget_workflow_connect\", { mode: \"execute\", widgetID, workflowID, widgetType: \"line\",\n  \
          widgetConfig: drawn, inputParams: { seconds: Number(process.argv[5] || 30) } });";
    format!(
        "# a chart that is fed every second (the client as above)\n\
         node -e '{script}' {url} {workflow} {widget} $BOB 5\n\n"
    )
}
