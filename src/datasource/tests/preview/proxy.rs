//! A way to a database that can be cut.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Carries what comes to its port to another one of this machine.
pub struct Proxy {
    pub port: u16,
    ways: Arc<Mutex<Vec<JoinHandle<()>>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ways = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&ways);
        let task = tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let way = tokio::spawn(async move {
                    let Ok(mut there) = TcpStream::connect(("127.0.0.1", target)).await else { return };
                    let _ = copy_bidirectional(&mut here, &mut there).await;
                });
                kept.lock().push(way);
            }
        });
        Self { port, ways, task }
    }

    /// Ends the connections that there are; further ones are carried again.
    pub fn cut(&self) {
        self.ways.lock().drain(..).for_each(|way| way.abort());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

/// A port of this machine on which nobody listens.
pub async fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
