//! A TCP proxy before PostgreSQL that cuts connections exactly at a COMMIT (F17): the answer is
//! swallowed, or the COMMIT itself.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use super::database::{Door, Server};

/// What happens to a COMMIT while the proxy is armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::tests) enum Cut {
    /// It goes through.
    Nothing,
    /// The server commits, nobody hears of it.
    Answer,
    /// The server never sees it.
    Commit,
}

#[derive(Debug)]
struct Plan {
    armed: AtomicBool,
    commits: AtomicUsize,
    cut: AtomicUsize,
    /// The n-th COMMIT gets the n-th of these, again and again.
    cuts: Vec<Cut>,
}

impl Plan {
    fn next(&self) -> Cut {
        if !self.armed.load(SeqCst) {
            return Cut::Nothing;
        }
        let cut = self.cuts[self.commits.fetch_add(1, SeqCst) % self.cuts.len()];
        if cut != Cut::Nothing {
            self.cut.fetch_add(1, SeqCst);
        }
        cut
    }
}

/// The proxy; its threads end with their connections, its listener with the process.
#[derive(Debug)]
pub(in crate::store::tests) struct Proxy {
    pub port: u16,
    plan: Arc<Plan>,
}

impl Proxy {
    pub fn start(server: &'static Server, cuts: &[Cut]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Arc::new(Plan {
            armed: AtomicBool::new(false),
            commits: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
            cuts: cuts.to_vec(),
        });
        let shared = Arc::clone(&plan);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                match server.door() {
                    Door::Unix(path) => relay(client, UnixStream::connect(path).unwrap(), &shared),
                    Door::Tcp(address) => relay(client, TcpStream::connect(address).unwrap(), &shared),
                }
            }
        });
        Self { port, plan }
    }

    /// From now on commits are cut as planned, or no more.
    pub fn arm(&self, on: bool) {
        self.plan.armed.store(on, SeqCst);
    }

    /// Connections cut so far.
    pub fn cuts(&self) -> usize {
        self.plan.cut.load(SeqCst)
    }
}

trait Socket: Read + Write + Send + Sized + 'static {
    fn second(&self) -> Self;
    fn end(&self);
}

impl Socket for TcpStream {
    fn second(&self) -> Self {
        self.try_clone().unwrap()
    }
    fn end(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Socket for UnixStream {
    fn second(&self) -> Self {
        self.try_clone().unwrap()
    }
    fn end(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

fn relay<S: Socket>(client: TcpStream, server: S, plan: &Arc<Plan>) {
    let _ = client.set_nodelay(true);
    let swallow = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (client.second(), server.second());
    let (plan, flag) = (Arc::clone(plan), Arc::clone(&swallow));
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            // Diesel waits for each answer, so that a message begins where a read does.
            let commit = buffer[0] == b'Q' && buffer[..length].windows(6).any(|word| word == b"COMMIT");
            match if commit { plan.next() } else { Cut::Nothing } {
                Cut::Nothing => {}
                Cut::Answer => flag.store(true, SeqCst),
                Cut::Commit => break,
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        from.end();
        to.end();
    });
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            // The answer is here: the server has committed.
            if swallow.load(SeqCst) || to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        from.end();
        to.end();
    });
}
