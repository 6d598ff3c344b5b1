//! A connection, and what stops a query on it.

use std::{net::SocketAddr, time::Duration};

use mysql_async::{Conn, Opts, OptsBuilder, SslOpts, prelude::Queryable};
use tokio::runtime::Handle;

use crate::datasource::{
    Error, Reason,
    settings::{Server, Tls},
};

/// How long a kill may take.
const KILL: Duration = Duration::from_secs(20);

/// A connection to a database. Dropped at work, its query is killed at the server.
pub(in crate::datasource) struct Link {
    /// None only when it is being dropped.
    conn: Option<Conn>,
    /// As the server calls itself: `10.11.6-MariaDB`.
    version: String,
    opts: Opts,
    at_work: bool,
}

impl Link {
    /// Whether it can be used again.
    pub fn is_open(&self) -> bool {
        !self.at_work && self.conn.as_ref().is_some_and(|conn| !conn.is_disconnected())
    }
    /// Closes it, as the server likes it; what is at work is killed.
    pub async fn close(mut self) {
        if !self.at_work
            && let Some(conn) = self.conn.take()
        {
            let _ = conn.disconnect().await;
        }
    }
    /// Begins to work: until [`Self::rest`] nobody else uses it.
    pub(super) fn work(&mut self) -> Result<&mut Conn, Error> {
        self.at_work = true;
        self.conn.as_mut().ok_or_else(|| Error::Internal("a connection is gone".to_owned()))
    }
    /// Nothing is left of what it did.
    pub(super) fn rest(&mut self) {
        self.at_work = false;
    }
    pub(super) fn version(&self) -> &str {
        &self.version
    }
    pub(super) fn is_mariadb(&self) -> bool {
        self.version.contains("MariaDB")
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let (Some(conn), true, Ok(runtime)) = (self.conn.take(), self.at_work, Handle::try_current()) else {
            return;
        };
        let opts = self.opts.clone();
        runtime.spawn(async move {
            // The whole connection: nobody uses it again, and its server might notice late.
            let told = tokio::time::timeout(KILL, kill(opts, conn.id())).await;
            log::debug!(killed = told.unwrap_or(false); "a query was given up: its server was told");
            // Not before: the driver reads to its end whatever is still under way on what is dropped.
            drop(conn);
        });
    }
}

async fn kill(opts: Opts, id: u32) -> bool {
    let Ok(mut conn) = Conn::new(opts).await else { return false };
    let killed = conn.query_drop(format!("KILL {id}")).await.is_ok();
    let _ = conn.disconnect().await;
    killed
}

/// Connects to one of the addresses, which have been checked. No packet may be larger than `packet`.
pub(in crate::datasource) async fn connect(
    server: &Server,
    addresses: &[SocketAddr],
    limit: Duration,
    packet: usize,
) -> Result<Link, Error> {
    let unreachable =
        || Error::failed(Reason::Unreachable, "the database of the data source cannot be reached");
    let connected = tokio::time::timeout(limit, async {
        let mut last = unreachable();
        for address in addresses {
            let opts = options(server, *address, packet);
            match Conn::new(opts.clone()).await {
                Ok(mut conn) => {
                    let version: Result<Option<String>, _> = conn.query_first("SELECT VERSION()").await;
                    let version = version.map_err(|error| refused(&error))?.unwrap_or_default();
                    return Ok(Link { conn: Some(conn), version, opts, at_work: false });
                }
                Err(error) => last = refused(&error),
            }
        }
        Err(last)
    });
    connected.await.unwrap_or_else(|_| Err(unreachable()))
}

fn options(server: &Server, address: SocketAddr, packet: usize) -> Opts {
    let encrypted = server.tls.map_or(!address.ip().is_loopback(), |tls| tls == Tls::Require);
    let tls = encrypted.then(|| {
        let own = server.ca.iter().map(|pem| pem.as_bytes().to_vec().into()).collect();
        SslOpts::default().with_root_certs(own).with_danger_tls_hostname_override(Some(server.host.clone()))
    });
    OptsBuilder::default()
        .ip_or_hostname(address.ip().to_string())
        .tcp_port(address.port())
        // What was checked is the address, not a socket that the server names.
        .prefer_socket(false)
        .user(Some(server.user.clone()))
        .pass(server.password.as_ref().map(|password| password.expose().to_owned()))
        .db_name(Some(server.database.clone()))
        .ssl_opts(tls)
        .max_allowed_packet(Some(packet))
        .wait_timeout(Some(28_800))
        .stmt_cache_size(0)
        // Also after each reset: moments are UTC.
        .setup(vec!["SET time_zone = '+00:00'"])
        .into()
}

/// The server's words name its host, its user, its database: they stay here.
fn refused(error: &mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(error) => match error.code {
            1044 | 1045 | 1698 | 1130 | 1251 => {
                Error::failed(Reason::Login, "the database of the data source refused the login")
            }
            1049 => Error::failed(Reason::Login, "the data source names a database that does not exist"),
            _ => {
                Error::failed(Reason::Unreachable, "the database of the data source takes no connection now")
            }
        },
        mysql_async::Error::Io(mysql_async::IoError::Tls(_)) => Error::failed(
            Reason::Unreachable,
            "the database of the data source gives no encrypted connection, or its certificate is not trusted (options tls, ca)",
        ),
        mysql_async::Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer) => Error::failed(
            Reason::Unreachable,
            "the database of the data source gives no encrypted connection (option tls)",
        ),
        _ => Error::failed(Reason::Unreachable, "the database of the data source took no connection"),
    }
}
