//! The write side: real sockets that are read fast, slowly or never, and one that does as it is told.

use std::{
    cell::Cell,
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice, Read},
    sync::mpsc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::rig::*;
use crate::delivery::Sink;

/// A session on an owned socket: waits for writability when it is blocked, lets go of it when closed.
struct Owner {
    ear: Ear,
    socket: RefCell<Option<Rc<TcpStream>>>,
    slot: Cell<Option<Slot>>,
    board: std::rc::Weak<Switchboard>,
}

impl Outlet for Owner {
    fn closed(&self, why: CloseReason) {
        self.socket.take();
        self.ear.closed(why);
    }
    fn deadline(&self, what: Deadline) {
        self.ear.deadline(what);
    }
    fn blocked(&self) {
        let socket = self.socket.borrow().as_ref().map(Rc::downgrade);
        let (Some(socket), Some(slot), board) = (socket, self.slot.get(), self.board.clone()) else { return };
        actix_rt::spawn(async move {
            let ready = std::future::poll_fn(|cx| match socket.upgrade() {
                Some(socket) => socket.poll_write_ready(cx).map(|_| true),
                None => std::task::Poll::Ready(false),
            });
            // A stalled socket is closed meanwhile: then nobody waits any more.
            let ready = tokio::time::timeout(Duration::from_secs(30), ready).await;
            if let (Ok(true), Some(board)) = (ready, board.upgrade()) {
                board.writable(slot);
            }
        });
    }
}

/// A member behind a real socket with small buffers, and the client's end of it.
async fn connected(rig: &Rig, name: &str) -> (Member, Rc<Owner>, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    client.set_recv_buffer_size(4096).unwrap();
    client.connect(&listener.local_addr().unwrap().into()).unwrap();
    let (server, _) = listener.accept().await.unwrap();
    socket2::SockRef::from(&server).set_send_buffer_size(16 * 1024).unwrap();
    let server = Rc::new(server);
    let owner = Rc::new(Owner {
        ear: Ear::default(),
        socket: RefCell::new(Some(server.clone())),
        slot: Cell::new(None),
        board: Rc::downgrade(&rig.board),
    });
    let slot = rig.board.open(owner.clone());
    owner.slot.set(Some(slot));
    let member = rig.board.member(slot, SocketId::trusted(name));
    rig.board.attach(slot, server);
    rig.shards.add_member(join(&member, 0));
    (member, owner, client.into())
}

fn large(seq: i64) -> Publish {
    Publish { frame: Some(Frame::engine(&format!("4{seq:06}{}", "x".repeat(1000)))), ..row(seq) }
}

/// Reads all there is on a thread of its own, pausing after each read; the seqs that came.
fn reader(mut client: std::net::TcpStream, pause: Duration) -> mpsc::Receiver<Vec<i64>> {
    let (sender, seqs) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut bytes, mut part) = (Vec::new(), vec![0; 8192]);
        while let Ok(n @ 1..) = client.read(&mut part) {
            bytes.extend_from_slice(&part[..n]);
            std::thread::sleep(pause);
        }
        let frames = bytes.chunks(4 + 7 + 1000).map(|frame| &frame[5..11]);
        let seqs = frames.map(|seq| std::str::from_utf8(seq).unwrap().parse().unwrap());
        let _ = sender.send(seqs.collect());
    });
    seqs
}

#[actix_web::test]
async fn a_peer_that_never_reads_is_closed_at_the_limit_and_the_others_get_everything() {
    let rig = rig(settings());
    let (_frozen, frozen, mut silent) = connected(&rig, "frozen").await;
    let (fast, fast_owner, client) = connected(&rig, "fast").await;
    let seqs = reader(client, Duration::ZERO);
    let mut most = 0;
    for seq in 1..=2000 {
        rig.shards.publish(large(seq));
        if seq % 10 == 0 {
            rig.idle().await;
            most = most.max(rig.shards.load()[0].queued_bytes);
            until("the fast reader keeps up", || {
                rig.board.inspect(fast.slot()).is_none_or(|queue| queue.queued_bytes < 20_000)
            })
            .await;
        }
    }
    assert_eq!(frozen.ear.closed_as(), Some(CloseReason::SlowClient));
    assert!(frozen.socket.borrow().is_none(), "the descriptor is gone");
    assert!(most < 2 * 66_000, "both queues had their bound: {most}");
    silent.set_nonblocking(false).unwrap();
    let mut rest = Vec::new();
    // Reset or end, what the kernel had before may be read.
    let _ = silent.read_to_end(&mut rest);
    assert!(rest.len() < 200_000);
    rig.board.close(fast.slot(), CloseReason::Session("done"), None);
    until("closed", || fast_owner.ear.closed_as().is_some()).await;
    let seqs = seqs.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(seqs, (1..=2000).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_slow_reader_stays_while_its_queue_is_under_the_limit() {
    let rig = rig(Settings { stall_timeout: Duration::from_millis(500), ..settings() });
    let (member, owner, client) = connected(&rig, "slow").await;
    let seqs = reader(client, Duration::from_millis(10));
    for seq in 1..=150 {
        rig.shards.publish(large(seq));
        rig.idle().await;
        until("room", || rig.board.inspect(member.slot()).is_none_or(|queue| queue.queued_bytes < 50_000))
            .await;
    }
    assert_eq!(owner.ear.closed_as(), None);
    rig.board.close(member.slot(), CloseReason::Session("done"), None);
    until("closed", || owner.ear.closed_as().is_some()).await;
    assert_eq!(seqs.recv_timeout(Duration::from_secs(20)).unwrap(), (1..=150).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_peer_that_reads_nothing_is_stalled_even_below_the_limit() {
    let rig = rig(Settings { stall_timeout: Duration::from_millis(100), queue_bytes: 4 << 20, ..settings() });
    let (_member, owner, _client) = connected(&rig, "silent").await;
    for seq in 1..=100 {
        rig.shards.publish(large(seq));
    }
    until("closed", || owner.ear.closed_as().is_some()).await;
    assert_eq!(owner.ear.closed_as(), Some(CloseReason::Stalled));
}

#[actix_web::test]
async fn what_a_reading_task_pushes_is_written_by_flush() {
    let rig = rig(settings());
    let (member, _owner, client) = connected(&rig, "a").await;
    client.set_nonblocking(true).unwrap();
    let mut client = TcpStream::from_std(client).unwrap();
    rig.board.push(member.slot(), Frame::raw(&b"HTTP/1.1 101\r\n\r\n"[..]));
    rig.board.push(member.slot(), Frame::engine("4hi"));
    rig.board.flush(member.slot());
    assert_eq!(rig.board.inspect(member.slot()).unwrap().queued_frames, 0);
    let mut got = [0; 21];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"HTTP/1.1 101\r\n\r\n\x81\x034hi");
    client.shutdown().await.unwrap();
}

/// Does what its list says, one entry a write: so many bytes, or an error.
#[derive(Default)]
struct Scripted {
    answers: RefCell<VecDeque<Result<usize, ErrorKind>>>,
    bytes: RefCell<Vec<u8>>,
    writes: Cell<usize>,
}

impl Sink for Scripted {
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes.set(self.writes.get() + 1);
        let all: Vec<u8> = bytes.iter().flat_map(|slice| slice.to_vec()).collect();
        let take = self.answers.borrow_mut().pop_front().unwrap_or(Ok(usize::MAX))?.min(all.len());
        self.bytes.borrow_mut().extend_from_slice(&all[..take]);
        Ok(take)
    }
}

#[actix_web::test]
async fn a_blocked_socket_is_left_alone_until_it_is_writable() {
    let rig = rig(settings());
    let (member, ear) = rig.session("a");
    let sink = Rc::new(Scripted::default());
    sink.answers.borrow_mut().extend([Ok(3), Err(ErrorKind::Interrupted), Err(ErrorKind::WouldBlock)]);
    rig.board.attach(member.slot(), sink.clone());
    rig.board.push(member.slot(), Frame::engine("4one"));
    until("blocked", || ear.told.borrow().contains(&Told::Blocked)).await;
    rig.board.push(member.slot(), Frame::engine("4two"));
    rig.board.flush(member.slot());
    rig.shards.direct(&member, Frame::engine("4three"));
    rig.idle().await;
    assert_eq!((sink.writes.get(), rig.board.inspect(member.slot()).unwrap().blocked), (3, true));
    rig.board.writable(member.slot());
    until("written", || rig.board.inspect(member.slot()).is_some_and(|queue| queue.queued_bytes == 0)).await;
    assert_eq!(*sink.bytes.borrow(), b"\x81\x044one\x81\x044two\x81\x064three");
    assert_eq!(sink.writes.get(), 4, "one vectored write for what waited");
}

#[actix_web::test]
async fn what_is_corked_is_written_in_one_go_and_the_rest_later() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    let sink = Rc::new(Scripted::default());
    rig.board.attach(member.slot(), sink.clone());
    {
        let _cork = rig.board.cork(member.slot());
        for _ in 0..100 {
            rig.board.push(member.slot(), Frame::engine("4x"));
        }
        rig.shards.direct(&member, Frame::engine("4y"));
        rig.idle().await;
        assert_eq!(sink.writes.get(), 0);
    }
    assert_eq!((sink.writes.get(), sink.bytes.borrow().len()), (1, 64 * 4));
    until("written", || sink.bytes.borrow().len() == 101 * 4).await;
    assert_eq!(sink.writes.get(), 2);
}

#[actix_web::test]
async fn a_write_error_ends_the_session() {
    let rig = rig(settings());
    let (member, ear) = rig.session("a");
    let sink = Rc::new(Scripted::default());
    sink.answers.borrow_mut().push_back(Err(ErrorKind::BrokenPipe));
    rig.board.attach(member.slot(), sink);
    rig.board.push(member.slot(), Frame::engine("4one"));
    until("closed", || ear.closed_as().is_some()).await;
    let reason = CloseReason::Engine(super::super::DisconnectReason::TransportError);
    assert_eq!(ear.closed_as(), Some(reason));
}

#[actix_web::test]
async fn an_upgrade_moves_the_queue_from_polling_to_the_socket() {
    let rig = rig(settings());
    let (member, ear) = rig.session("a");
    rig.board.push(member.slot(), Frame::engine("4one"));
    assert_eq!(rig.texts(member.slot()), ["4one"]);
    rig.board.push(member.slot(), Frame::engine("4two"));
    let sink = Rc::new(Scripted::default());
    rig.board.attach(member.slot(), sink.clone());
    rig.board.push(member.slot(), Frame::engine("4three"));
    until("written", || sink.bytes.borrow().len() == 14).await;
    rig.board.detach(member.slot());
    rig.board.push(member.slot(), Frame::engine("4four"));
    assert_eq!(rig.texts(member.slot()), ["4four"]);
    assert!(ear.told.borrow().is_empty());
}
