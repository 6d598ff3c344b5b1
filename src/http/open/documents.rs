//! What this is and where to go.

use crate::{
    http::{Answer, Asked, Failure},
    protocol::events::asyncapi,
};

/// Address and what is there.
const PLACES: &[(&str, &str)] = &[
    ("/socket.io/", "Socket.IO (Engine.IO 4): watch runs live"),
    ("/api/v1/tenants/{tenantID}/workflows", "REST of a tenant: definitions, runs, members, API keys"),
    ("/admin/v1/tenants", "REST of the operators"),
    ("/docs/asyncapi.yaml", "all events, as AsyncAPI 2.6"),
    ("/health", "is it there"),
    ("/readyz", "can it serve, part by part"),
    ("/metrics", "OpenMetrics, from loopback or for operators"),
];

/// `GET /`.
pub(super) async fn welcome(asked: Asked) -> Result<Answer, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let first = format!("jethub {version}: a real-time hub. Socket.IO sessions, durable workflow runs.");
    if asked.wants_html {
        let places: String = PLACES
            .iter()
            .map(|(path, what)| match path.contains('{') {
                true => format!("<li><code>{path}</code>: {what}</li>\n"),
                false => format!("<li><a href=\"{path}\"><code>{path}</code></a>: {what}</li>\n"),
            })
            .collect();
        let html = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>jethub</title>\n\
             <h1>jethub</h1>\n<p>{first}</p>\n<ul>\n{places}</ul>\n\
             <p>A token to try it with: <code>jethub token --user ann --tenant acme=ADMIN</code></p>\n</html>\n"
        );
        return Ok(Answer::text("text/html; charset=utf-8", html));
    }
    let places: String = PLACES.iter().map(|(path, what)| format!("  {path:<38} {what}\n")).collect();
    let text =
        format!("{first}\n\n{places}\nA token to try it with: jethub token --user ann --tenant acme=ADMIN\n");
    Ok(Answer::text("text/plain; charset=utf-8", text))
}

/// `GET /docs/asyncapi.yaml`, also at `/docs/socket-events.yaml`.
pub(super) async fn events(_asked: Asked) -> Result<Answer, Failure> {
    Ok(Answer::text("application/yaml; charset=utf-8", asyncapi::yaml().to_owned()))
}
