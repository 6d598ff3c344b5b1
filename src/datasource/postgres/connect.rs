//! A connection, and what stops a query on it.

use std::{net::SocketAddr, time::Duration};

use tokio::{io::AsyncRead, io::AsyncWrite, net::TcpStream, runtime::Handle};
use tokio_postgres::{
    CancelToken, Client, Config, NoTls,
    config::SslMode,
    error::SqlState,
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{
    meter::{Budget, Metered},
    tls::connector,
};
use crate::datasource::{
    Error, Reason,
    settings::{Server, Tls},
};

/// What a login may say.
const LOGIN: usize = 1 << 20;
/// How long a cancellation may take.
const CANCEL: Duration = Duration::from_secs(5);

/// A connection to a database.
pub(in crate::datasource) struct Link {
    pub(super) client: Client,
    pub(super) budget: Budget,
    /// Where it goes: a cancellation goes to the same place.
    address: SocketAddr,
    host: String,
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
}

impl Link {
    /// Whether it can be used again.
    pub fn is_open(&self) -> bool {
        !self.client.is_closed() && !self.budget.is_spent()
    }

    /// What stops the query that runs on it.
    pub(super) fn stop(&self) -> Stop {
        let token = self.client.cancel_token();
        Stop { armed: Some((token, self.address, self.host.clone(), self.tls.clone())) }
    }
}

/// Stops a query at its server when it is dropped before [`Stop::disarm`].
pub(super) struct Stop {
    armed: Option<(CancelToken, SocketAddr, String, Option<tokio_postgres_rustls::MakeRustlsConnect>)>,
}

impl Stop {
    pub fn disarm(mut self) {
        self.armed = None;
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let (Some((token, address, host, tls)), Ok(runtime)) = (self.armed.take(), Handle::try_current())
        else {
            return;
        };
        runtime.spawn(tokio::time::timeout(CANCEL, async move {
            let Ok(stream) = TcpStream::connect(address).await else { return };
            let sent = match tls {
                None => token.cancel_query_raw(stream, NoTls).await.is_ok(),
                Some(mut tls) => match MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &host) {
                    Ok(tls) => token.cancel_query_raw(stream, tls).await.is_ok(),
                    Err(_) => false,
                },
            };
            log::debug!(sent; "a query was given up: its server was told");
        }));
    }
}

/// Connects to one of the addresses, which have been checked.
pub(in crate::datasource) async fn connect(
    server: &Server,
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<Link, Error> {
    let unreachable =
        || Error::failed(Reason::Unreachable, "the database of the data source cannot be reached");
    let dialled = async {
        for address in addresses {
            if let Ok(stream) = TcpStream::connect(address).await {
                return Some((stream, *address));
            }
        }
        None
    };
    let connected = tokio::time::timeout(limit, async {
        let (stream, address) = dialled.await.ok_or_else(unreachable)?;
        let _ = stream.set_nodelay(true);
        let encrypted = server.tls.map_or(!address.ip().is_loopback(), |tls| tls == Tls::Require);
        let tls = if encrypted { Some(connector(server.ca.as_deref())?) } else { None };
        let budget = Budget::new(LOGIN);
        let stream = Metered::new(stream, budget.clone());
        let config = config(server, encrypted);
        let client = match tls.clone() {
            None => login(&config, stream, NoTls).await?,
            Some(mut tls) => {
                let tls =
                    MakeTlsConnect::<Metered>::make_tls_connect(&mut tls, &server.host).map_err(|_| {
                        Error::failed(Reason::Settings, "the host cannot be checked by certificate")
                    })?;
                login(&config, stream, tls).await?
            }
        };
        Ok(Link { client, budget, address, host: server.host.clone(), tls })
    });
    connected.await.unwrap_or_else(|_| Err(unreachable()))
}

fn config(server: &Server, encrypted: bool) -> Config {
    let mut config = Config::new();
    config.user(&server.user).dbname(&server.database).application_name("jethub").ssl_mode(if encrypted {
        SslMode::Require
    } else {
        SslMode::Disable
    });
    if let Some(password) = &server.password {
        config.password(password.expose());
    }
    config
}

async fn login<S, T>(config: &Config, stream: S, tls: T) -> Result<Client, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<S>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(|error| refused(&error))?;
    // Ends with the client.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("a connection to a data source ended: {}", kind(&error));
        }
    });
    Ok(client)
}

/// The server's words name its host, its user, its database: they stay here.
fn refused(error: &tokio_postgres::Error) -> Error {
    let Some(code) = error.code() else {
        let text = kind(error);
        log::debug!("a data source took no connection: {text}");
        let words = if text == "tls" {
            "the database of the data source gives no encrypted connection, or its certificate is not trusted (options tls, ca)"
        } else {
            "the database of the data source took no connection"
        };
        return Error::failed(Reason::Unreachable, words);
    };
    let class = code.code().get(..2).unwrap_or_default();
    match class {
        "28" => Error::failed(Reason::Login, "the database of the data source refused the login"),
        "3D" => Error::failed(Reason::Login, "the data source names a database that does not exist"),
        _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Error::failed(Reason::Login, "the database of the data source refused the login")
        }
        "53" | "57" => {
            Error::failed(Reason::Unreachable, "the database of the data source takes no connection now")
        }
        _ => Error::failed(Reason::Unreachable, "the database of the data source took no connection"),
    }
}

/// A word for an error that is not the server's.
fn kind(error: &tokio_postgres::Error) -> &'static str {
    let text = error.to_string();
    if text.contains("TLS") {
        "tls"
    } else if error.is_closed() {
        "closed"
    } else {
        "broken"
    }
}
