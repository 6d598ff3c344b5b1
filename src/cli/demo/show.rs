//! What a Socket.IO client receives, a line an event.

use std::{collections::HashMap, io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::client::Client;
use crate::{cli::output::print, clock::Clock, protocol::events::Server};

/// Longest part of a payload that is shown.
const SHOWN: usize = 72;

/// A run to be watched, with its title.
pub(super) type Watched = (String, &'static str);

/// Watches each run that comes; ends when the connection does.
pub(super) async fn show(
    address: SocketAddr,
    token: String,
    clock: Clock,
    mut runs: mpsc::Receiver<Watched>,
) -> io::Result<()> {
    let mut client = Client::connect(address, &token).await?;
    let mut titles: HashMap<String, &'static str> = HashMap::new();
    loop {
        tokio::select! {
            run = runs.recv() => {
                let Some((run, title)) = run else { return Ok(()) };
                client.emit("workflow_run_join", &json!({ "runId": run })).await?;
                titles.insert(run, title);
            }
            event = client.event() => {
                let (name, body) = event?;
                let run = body["instanceID"].as_str().unwrap_or_default();
                let title = titles.get(run).copied().unwrap_or_default();
                let time = clock.now().strftime("%H:%M:%S");
                if print(&format!("{time} {}\n", line(&name, title, &body))).is_err() {
                    return Ok(());
                }
                if Server::from_name(&name) == Some(Server::StatusUpdate) {
                    titles.remove(run);
                }
            }
        }
    }
}

fn line(name: &str, title: &str, body: &Value) -> String {
    let text = |field: &str| body[field].as_str().unwrap_or_default();
    let (node, shown) = match Server::from_name(name) {
        Some(Server::NodeUpdate) => (text("nodeID"), &body["output"]),
        Some(Server::StatusUpdate) => ("", &body["output"]),
        _ => ("", &body["error"]),
    };
    let seq = body["seq"].to_string();
    let mut shown = match text("error") {
        "" => shown.to_string(),
        error => error.to_owned(),
    };
    if let Some((end, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(end);
        shown.push('…');
    }
    format!("{name:<22} {title:<12} {seq:>3} {node:<9} {:<9} {shown}", text("status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_who_what_and_how() {
        let update = json!({ "instanceID": "r", "nodeID": "sum", "status": "success", "seq": 5, "output": { "total": 42 } });
        let shown = line("workflow_node_update", "Order total", &update);
        assert_eq!(shown, "workflow_node_update   Order total    5 sum       success   {\"total\":42}");
        let failed = json!({ "status": "failed", "seq": 7, "output": {}, "error": "é".repeat(200) });
        assert!(line("workflow_node_update", "", &failed).ends_with("é…"));
    }
}
