//! The client's side of `control.sock`: one request, one reply, a JSON line each.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use super::output::Failure;
use crate::http::control::{ControlReply, ControlRequest, MAX_REPLY, SOCKET};

const PATIENCE: Duration = Duration::from_secs(15);

/// Has the hub that runs on `state_dir` carry out a request; `None` when none runs there.
pub(super) fn send(state_dir: &Path, request: &ControlRequest) -> Result<Option<ControlReply>, Failure> {
    let path = state_dir.join(SOCKET);
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::Failed(format!("{}: {error}", path.display()))),
    };
    let reply = exchange(stream, request);
    reply.map(Some).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

fn exchange(mut stream: UnixStream, request: &ControlRequest) -> std::io::Result<ControlReply> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut reply = String::new();
    let length = BufReader::new(stream.take(MAX_REPLY)).read_line(&mut reply)?;
    if length == 0 || !reply.ends_with('\n') {
        return Err(std::io::Error::new(ErrorKind::UnexpectedEof, "the hub closed without an answer"));
    }
    Ok(serde_json::from_str(&reply)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_request_and_its_reply_are_a_line_each() {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join(SOCKET)).unwrap();
        let hub = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
            stream.write_all(b"{\"reply\":\"created\",\"id\":\"acme\"}\n").unwrap();
            line
        });
        let request = ControlRequest::TenantCreate { id: "acme".to_owned(), name: "Acme".to_owned() };
        let reply = send(dir.path(), &request).unwrap();
        assert!(matches!(reply, Some(ControlReply::Created { id }) if id == "acme"));
        assert_eq!(hub.join().unwrap(), "{\"op\":\"tenant_create\",\"id\":\"acme\",\"name\":\"Acme\"}\n");
    }

    #[test]
    fn without_a_hub_nobody_answers() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(send(dir.path(), &ControlRequest::TenantList), Ok(None)));
        // A socket whose hub was killed is no hub either.
        drop(UnixListener::bind(dir.path().join(SOCKET)).unwrap());
        assert!(matches!(send(dir.path(), &ControlRequest::TenantList), Ok(None)));
    }
}
