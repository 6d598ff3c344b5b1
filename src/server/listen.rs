//! The listeners: bound first of all, so that a wrong address touches nothing; they listen at the
//! end, so that nobody is let in before the hub can answer.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::Error;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Bound, not yet listening.
pub(super) struct Bound {
    sockets: Vec<Socket>,
}

impl Bound {
    /// Binds `ADDRESS:PORT`; `localhost` both address families, if the machine has both. Blocking.
    pub fn new(listen: &str) -> Result<Self, Error> {
        let failed = |source| Error::Listen { listen: listen.to_owned(), source };
        let sockets = match listen.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
            Some(port) => localhost(port),
            None => listen
                .to_socket_addrs()
                .and_then(|mut all| all.next().ok_or_else(|| io::Error::other("it names no address")))
                .and_then(|address| Ok(vec![bind(address)?])),
        };
        Ok(Self { sockets: sockets.map_err(failed)? })
    }

    /// Listens. The first address is the one that is told.
    pub fn listen(self) -> io::Result<Vec<(TcpListener, SocketAddr)>> {
        self.sockets
            .into_iter()
            .map(|socket| {
                socket.listen(BACKLOG)?;
                let listener = TcpListener::from(socket);
                listener.set_nonblocking(true)?;
                let address = listener.local_addr()?;
                Ok((listener, address))
            })
            .collect()
    }
}

fn localhost(port: u16) -> io::Result<Vec<Socket>> {
    let first = bind((Ipv4Addr::LOCALHOST, port).into())?;
    // With port 0 both families get the same free one.
    let port = first.local_addr()?.as_socket().map_or(port, |address| address.port());
    match bind((Ipv6Addr::LOCALHOST, port).into()) {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(vec![first]),
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_cloexec(true)?;
    // A restart must not wait for the connections of its predecessor.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_by_its_setting() {
        let taken = Bound::new("127.0.0.1:0").unwrap().listen().unwrap();
        let text = taken[0].1.to_string();
        let Err(error) = Bound::new(&text) else { panic!("bound twice") };
        assert!(error.to_string().contains("server.listen"), "{error}");
        assert!(Bound::new("nowhere.invalid:80").is_err());
    }

    #[test]
    fn localhost_has_one_port_on_all_families() {
        let all = Bound::new("localhost:0").unwrap().listen().unwrap();
        assert!(all.iter().all(|(_, address)| address.port() == all[0].1.port()));
    }
}
