//! `control.sock`: what the command line asks a running hub (`http::control`). Whoever can open it is
//! the hub's own user, or root.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use super::Error;
use crate::{
    auth::{Auth, By},
    clock::Clock,
    error::Code,
    http::{
        carry_out,
        control::{ControlReply, ControlRequest, MAX_REQUEST, SOCKET},
    },
};

/// Longest wait for a request line, and for its reply to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests at once; more wait.
const AT_ONCE: usize = 8;

/// The socket; its file is removed when this is dropped.
pub(super) struct Control {
    path: PathBuf,
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Control {
    /// Makes the socket and answers on it. A file of that name is a dead hub's: the lock of the state
    /// directory is ours.
    pub fn start(state_dir: &Path, auth: Auth, clock: Clock) -> Result<Self, Error> {
        let path = state_dir.join(SOCKET);
        let failed = |source| Error::Control { path: path.clone(), source };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        actix_rt::spawn(accept(listener, auth, clock));
        Ok(Self { path })
    }
}

async fn accept(listener: UnixListener, auth: Auth, clock: Clock) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (auth, clock) = (auth.clone(), clock.clone());
                actix_rt::spawn(async move {
                    let _place = place;
                    if let Err(error) = answer(stream, &auth, &clock).await {
                        log::info!("control: {error}");
                    }
                });
            }
            Err(error) => {
                log::warn!("control: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, auth: &Auth, clock: &Clock) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let (reading, mut writing) = stream.split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(reading.take(MAX_REQUEST));
    timeout(PATIENCE, reader.read_until(b'\n', &mut line)).await??;
    let reply = match serde_json::from_slice::<ControlRequest>(&line) {
        Ok(request) => {
            let by = By { who: format!("control:{uid}"), request: None, ip: None };
            carry_out(auth, &by, clock, request).await
        }
        Err(error) => ControlReply::Refused {
            code: Code::InvalidRequest.as_str().to_owned(),
            message: format!("not a request of this release: {error}"),
        },
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    timeout(PATIENCE, writing.write_all(&text)).await??;
    Ok(())
}
