//! What is printed: who may do what, and commands that work when they are pasted.

use super::seed::{Seeded, TENANT};

/// The whole text.
pub(super) fn words(url: &str, seeded: &Seeded) -> String {
    let api = format!("{url}/api/v1/tenants/{TENANT}/workflows");
    let workflows: String = seeded
        .workflows
        .iter()
        .map(|(id, sample)| format!("  {id}  {:<12} {}\n", sample.title, sample.about))
        .collect();
    let execute = seeded.workflows.first().map(|(id, sample)| (id.to_string(), (sample.inputs)(3)));
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
         # all events: {url}/docs/asyncapi.yaml     what else is here: {url}/\n\n",
        seeded.ann, seeded.bob, seeded.eve
    )
}
