//! The answering side of the control socket: a Unix socket in the state directory, for its user.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use engine::Client;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::protocol::{Answer, Request};
use crate::answers;
use crate::face_error::FaceError;

/// The longest question, bytes. Paths of a run are the only thing in it that grows.
const REQUEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where the socket of a state directory lies. Socket names are short by the system's rules (108
/// bytes on Linux), so a long directory name falls back to a name made of its hash in the system's
/// directory for temporary files.
pub(crate) fn socket_path(state: &Path) -> PathBuf {
    let inside = state.join("control.sock");
    if inside.as_os_str().len() < 100 {
        return inside;
    }
    let digest = state::blob::Digest::of(state.as_os_str().as_encoded_bytes()).to_string();
    std::env::temp_dir().join(format!("openclaw-trace-{}.sock", &digest[..16]))
}

/// Answers until it is dropped; the socket's file goes with it.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds the socket. Only the owner of the directory may call this, so a file of that name is
    /// left over from a dead one.
    pub(crate) fn start(state: &Path, client: Client) -> std::io::Result<Self> {
        let path = socket_path(state);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let task = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(serve(stream, client.clone()));
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely: it passes.
                        tracing::warn!(%error, "could not accept on the control socket");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                }
            }
        });
        Ok(Self { path, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        // A socket that stays behind does no harm: the next owner removes it.
        let _left = std::fs::remove_file(&self.path);
    }
}

async fn serve(stream: UnixStream, client: Client) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut lines).take(REQUEST_BYTES_MAX);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let answer = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => answers::answer(&client, request).await,
            Err(error) => Answer::Refused(FaceError::usage(
                format!("the owner does not understand the request: {error}"),
                "use the same version of openclaw-trace everywhere",
            )),
        };
        let Ok(mut bytes) = serde_json::to_vec(&answer) else {
            return;
        };
        bytes.push(b'\n');
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
