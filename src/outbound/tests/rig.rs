//! A scripted server, a scripted resolver.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    config::sections,
    outbound::{
        Outbound,
        resolver::{Found, Lookup},
    },
};

/// A server on loopback that counts its connections and keeps the heads it was sent.
pub struct Server {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    pub heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Every request gets what `answer` makes of its head, then the connection closes.
    pub async fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::with(move |mut stream, head| {
            let answer = answer(&head);
            async move {
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// Every request gets what `serve` does with its connection and head.
    pub async fn with<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(TcpStream, String) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, heads) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, kept, serve) = (connections.clone(), heads.clone(), Arc::new(serve));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (kept, serve) = (kept.clone(), serve.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    kept.lock().push(head.clone());
                    serve(stream, head).await;
                });
            }
        });
        Self { address, connections, heads, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn last_head(&self) -> String {
        self.heads.lock().last().cloned().unwrap_or_default()
    }
}

/// An answer with its length.
pub fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

pub fn redirect(status: u16, location: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    head.into_bytes()
}

/// Names and what they mean: each lookup takes the next of their answers.
#[derive(Default)]
pub struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    pub lookups: AtomicUsize,
}

impl Names {
    pub fn of(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        let answers = names
            .iter()
            .map(|(name, answers)| ((*name).to_owned(), answers.iter().map(parse).collect()))
            .collect();
        Arc::new(Self { answers, lookups: AtomicUsize::new(0) })
    }
}

impl Lookup for Names {
    fn lookup(&self, name: String) -> Found {
        let turn = self.lookups.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.get(&name).filter(|answers| !answers.is_empty());
        let answer = answers.and_then(|answers| answers.get(turn % answers.len())).cloned();
        Box::pin(async move { answer.ok_or_else(|| std::io::ErrorKind::NotFound.into()) })
    }
}

/// The default settings, with these ports.
pub fn guarded(ports: &[u16], names: Arc<Names>) -> Outbound {
    let settings = sections::Outbound { ports: ports.to_vec(), ..sections::Outbound::default() };
    Outbound::with_lookup(&settings, names).unwrap()
}

/// Loopback may be called.
pub fn open(ports: &[u16]) -> Outbound {
    open_with(sections::Outbound { ports: ports.to_vec(), ..sections::Outbound::default() })
}

pub fn open_with(settings: sections::Outbound) -> Outbound {
    let names = Names::of(&[("one.test", &[&["127.0.0.1"]]), ("two.test", &[&["127.0.0.1"]])]);
    Outbound::with_lookup(&sections::Outbound { allow_private: true, ..settings }, names).unwrap()
}
