//! A complete HTTP server around engines: websockets leave it with their first request and are theirs,
//! everything else is the actix-web application's.

use std::{fmt, io, net::TcpListener, time::Duration};

use actix_http::{HttpService, Request, Response, body::MessageBody};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::dev::AppConfig;
use tokio::net::TcpStream;

use super::{engine::Engine, transport::owned};

/// How the server listens.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Threads; each has a place in the engines' shards.
    pub workers: usize,
    /// Longest time for a request's head.
    pub head_timeout: Duration,
    /// Longest time between two requests of a connection.
    pub keep_alive: Duration,
    /// `session.send_buffer`: SO_SNDBUF of accepted sockets.
    pub send_buffer: usize,
    /// `session.stall_timeout`: TCP_USER_TIMEOUT of accepted sockets.
    pub stall_timeout: Duration,
}

/// Builds the server on `listeners`; `app` makes the application of a worker, in which
/// [`Engine::configure`] mounts the same `engines`. Signals are the caller's.
///
/// # Errors
/// When a listener cannot be used.
pub fn serve<F, I, S, B>(
    listeners: Vec<TcpListener>,
    listening: &Listening,
    engines: &[Engine],
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let mut builder: ServerBuilder =
        Server::build().workers(listening.workers.max(1)).disable_signals().backlog(1024);
    for (number, listener) in listeners.into_iter().enumerate() {
        listener.set_nonblocking(true)?;
        let (engines, listening, app) = (engines.to_vec(), listening.clone(), app.clone());
        builder = builder.listen(format!("http-{number}"), listener, move || {
            let engines = engines.clone();
            let tuning = listening.clone();
            HttpService::build()
                .keep_alive(listening.keep_alive)
                .client_request_timeout(listening.head_timeout)
                .h1_allow_half_closed(false)
                .on_connect_ext(move |socket: &TcpStream, _| tune(socket, &tuning))
                .upgrade(fn_service(
                    move |(request, framed): (
                        Request,
                        actix_codec::Framed<TcpStream, actix_http::h1::Codec>,
                    )| {
                        let engines = engines.clone();
                        // the framework's two buffers end here; only what is unread goes on
                        let parts = framed.into_parts();
                        let rest = parts.read_buf.freeze();
                        let rest = if rest.is_empty() {
                            bytes::Bytes::new()
                        } else {
                            bytes::Bytes::copy_from_slice(&rest)
                        };
                        let socket = parts.io;
                        async move {
                            owned::upgrade(&engines, &request, socket, rest).await;
                            Ok::<(), actix_web::Error>(())
                        }
                    },
                ))
                .finish(map_config(
                    app().into_factory().map_err(|error| error.into().error_response()),
                    |()| AppConfig::default(),
                ))
                .tcp()
        })?;
    }
    Ok(builder.run())
}

/// A frozen peer holds little in the kernel, and a vanished one is noticed by it.
fn tune(socket: &TcpStream, listening: &Listening) {
    let _ = socket.set_nodelay(true);
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(socket, listening.send_buffer);
    let timeout = u32::try_from(listening.stall_timeout.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(socket, timeout);
}
