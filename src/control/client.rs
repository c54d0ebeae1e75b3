//! The asking side of the control socket.

use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

use super::protocol::{Answer, Request};
use crate::face_error::FaceError;

/// A connection to the owner.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) pid: u32,
    halves: Mutex<(BufReader<OwnedReadHalf>, OwnedWriteHalf)>,
}

impl Remote {
    /// Connects and checks that the owner is of this version.
    pub(crate) async fn connect(socket: &Path) -> Result<Self, FaceError> {
        let stream = UnixStream::connect(socket).await.map_err(|error| {
            FaceError::busy(
                format!("could not reach the owner of the state directory: {error}"),
                "another process is starting or ending there; try again in a moment",
            )
        })?;
        let (read, write) = stream.into_split();
        let mut remote = Self {
            pid: 0,
            halves: Mutex::new((BufReader::new(read), write)),
        };
        match remote.ask(&Request::Ping).await? {
            Answer::Pong { version, pid } if version == env!("CARGO_PKG_VERSION") => {
                remote.pid = pid;
                Ok(remote)
            }
            Answer::Pong { version, pid } => Err(FaceError::busy(
                format!(
                    "process {pid} owns the state directory and is version {version}, this is {}",
                    env!("CARGO_PKG_VERSION")
                ),
                "stop it, or use the same version",
            )),
            other => Err(FaceError::internal(format!(
                "the owner answered {other:?} to a ping"
            ))),
        }
    }

    /// Asks one question. An error of kind `Busy` means that the connection was lost.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Answer, FaceError> {
        let mut line = serde_json::to_vec(request)
            .map_err(|error| FaceError::internal(format!("could not encode a request: {error}")))?;
        line.push(b'\n');
        let mut halves = self.halves.lock().await;
        let lost = |error: std::io::Error| {
            FaceError::busy(
                format!("lost the owner of the state directory: {error}"),
                "try again",
            )
        };
        halves.1.write_all(&line).await.map_err(lost)?;
        let mut answer = String::new();
        let n = halves.0.read_line(&mut answer).await.map_err(lost)?;
        if n == 0 {
            return Err(FaceError::busy(
                "the owner of the state directory has ended",
                "try again",
            ));
        }
        serde_json::from_str(&answer)
            .map_err(|error| FaceError::internal(format!("could not read an answer: {error}")))
    }
}
