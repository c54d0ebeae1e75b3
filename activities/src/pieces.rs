//! Sessions of OpenCode that lie in one file for each message and part, given as lines.
//!
//! `storage/session/PROJECT/SESSION.json` names a session, `storage/message/SESSION/MESSAGE.json` its messages, and
//! `storage/part/MESSAGE/PART.json` what they say. The first line tells of the session, every other one is a message with
//! its parts. Neighbours: `discover` asks what is a session and what a piece of one, `mine_session` reads. One message
//! is in memory at a time. Must not know what a message means.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use trace::hash::sha256_hex_parts;

use crate::errors::{may_pass, reason};
use crate::limits::{MESSAGE_OF_PIECES_BYTES_MAX, PIECE_BYTES_MAX, PIECES_MAX, PIECES_SKIPPED_MAX};
use crate::mine_session::not_a_file;

/// One message as its directory lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    /// When it was written; 0 when it does not say. Two of one moment are in the order of their ids, which grow.
    created_ms: i64,
    id: String,
    is_of_user: bool,
}

/// What of a message's file is needed to put it in order.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    role: Option<serde_json::Value>,
    time: Option<serde_json::Value>,
}

/// A session in its files.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    session: PathBuf,
    storage: PathBuf,
    id: String,
}

/// A piece that was not read: where it lies below the storage, and why not.
pub(crate) type SkippedPiece = (String, String);

impl Pieces {
    /// The session that a file names; `None` when it is another kind of file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let id = path.file_name()?.to_str()?.strip_suffix(".json")?;
        let storage = path.parent()?.parent()?;
        if id.is_empty() || storage.file_name()? != "session" {
            return None;
        }
        let storage = storage.parent()?;
        let pieces = Self {
            session: path.to_path_buf(),
            storage: storage.to_path_buf(),
            id: id.to_owned(),
        };
        pieces.messages_directory().is_dir().then_some(pieces)
    }

    /// Whether a file is a message or a part: it is read with its session, not for itself.
    pub(crate) fn is_piece(path: &Path) -> bool {
        let kind = path.parent().and_then(Path::parent);
        let Some(kind) = kind.filter(|_| path.extension().is_some_and(|e| e == "json")) else {
            return false;
        };
        let is_kind = kind
            .file_name()
            .is_some_and(|name| name == "message" || name == "part");
        is_kind && kind.parent().is_some_and(|s| s.join("session").is_dir())
    }

    fn messages_directory(&self) -> PathBuf {
        self.storage.join("message").join(&self.id)
    }

    fn parts_directory(&self, message: &str) -> PathBuf {
        self.storage.join("part").join(message)
    }

    /// Bytes of all files, and a digest that changes with every file that comes, goes or is written.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub(crate) fn stamp(&self) -> io::Result<(u64, String)> {
        let mut bytes = 0_u64;
        let mut digest = String::new();
        let mut add = |path: &Path| {
            let Ok(metadata) = fs::metadata(path) else {
                return;
            };
            bytes = bytes.saturating_add(metadata.len());
            let name = path.to_string_lossy();
            let written = metadata.modified().ok();
            let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let is = format!("{} {:?}", metadata.len(), written);
            digest = sha256_hex_parts(&[digest.as_bytes(), name.as_bytes(), is.as_bytes()]);
        };
        add(&self.session);
        for message in ids(&self.messages_directory())? {
            add(&self.messages_directory().join(format!("{message}.json")));
            let parts = self.parts_directory(&message);
            for part in ids(&parts)? {
                add(&parts.join(format!("{part}.json")));
            }
        }
        Ok((bytes, digest))
    }

    /// The session as lines.
    ///
    /// # Errors
    /// When the list of messages cannot be read.
    pub(crate) fn lines(&self) -> io::Result<PieceLines> {
        let directory = self.messages_directory();
        let mut messages = Vec::new();
        for id in ids(&directory)? {
            // What is wrong with a file is told when it is its turn.
            let head = piece(&directory.join(format!("{id}.json")))?;
            let head: Head = head
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .unwrap_or_default();
            let time = head.time.as_ref().and_then(|time| time.get("created"));
            messages.push(Message {
                created_ms: time.and_then(serde_json::Value::as_i64).unwrap_or(0),
                id,
                is_of_user: head.role.is_some_and(|role| role == "user"),
            });
        }
        messages.sort();
        Ok(PieceLines {
            pieces: self.clone(),
            messages: messages.into_iter(),
            is_begun: false,
            line: Vec::new(),
            given: 0,
            skipped: Vec::new(),
            skipped_more: 0,
        })
    }
}

/// The names of the JSON files in a directory without their endings, sorted; none when there is no directory.
fn ids(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut ids = Vec::new();
    for entry in entries.take(PIECES_MAX) {
        let name = entry?.file_name();
        if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
            ids.push(id.to_owned());
        }
    }
    ids.sort();
    Ok(ids)
}

/// The JSON object in a file, on one line; why not, when it is none.
fn piece(path: &Path) -> io::Result<Result<Vec<u8>, String>> {
    let read = || -> io::Result<Result<Vec<u8>, String>> {
        // Opening a FIFO would wait for a writer.
        if let Some(what) = not_a_file(&fs::metadata(path)?) {
            return Ok(Err(what.to_owned()));
        }
        let mut bytes = Vec::new();
        File::open(path)?
            .take(PIECE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)?;
        Ok(Ok(bytes))
    };
    let mut bytes = match read() {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(why)) => return Ok(Err(why)),
        Err(error) if may_pass(&error) => return Err(error),
        Err(error) => return Ok(Err(reason(&error))),
    };
    if bytes.len() as u64 > PIECE_BYTES_MAX {
        return Ok(Err(format!("longer than {PIECE_BYTES_MAX} bytes")));
    }
    if bytes.trim_ascii().is_empty() {
        return Ok(Err("empty file".to_owned()));
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(&bytes) {
        return Ok(Err(if error.is_eof() {
            "cut off (still being written?)".to_owned()
        } else {
            "not JSON".to_owned()
        }));
    }
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Ok(Err("not a JSON object".to_owned()));
    }
    // Inside strings there are no line breaks, so all of them stand between values.
    for byte in &mut bytes {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    Ok(Ok(bytes))
}

/// The lines of a session.
pub(crate) struct PieceLines {
    pieces: Pieces,
    messages: std::vec::IntoIter<Message>,
    is_begun: bool,
    line: Vec<u8>,
    given: usize,
    /// The first of what was not read.
    pub(crate) skipped: Vec<SkippedPiece>,
    /// How many more.
    pub(crate) skipped_more: u64,
}

impl PieceLines {
    fn skip(&mut self, path: &Path, why: String) {
        if self.skipped.len() >= PIECES_SKIPPED_MAX {
            self.skipped_more += 1;
            return;
        }
        let below = path.strip_prefix(&self.pieces.storage).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        self.skipped.push((parts.join("/"), why));
    }

    /// Makes the next line; `false` at the end.
    fn next_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.given = 0;
        if !self.is_begun {
            self.is_begun = true;
            let path = self.pieces.session.clone();
            let info = match piece(&path)? {
                Ok(info) => info,
                Err(why) => {
                    self.skip(&path, why);
                    // Its name is the session's id.
                    serde_json::to_vec(&serde_json::json!({ "id": self.pieces.id }))?
                }
            };
            self.line.extend_from_slice(b"{\"storage\":1,\"info\":");
            self.line.extend_from_slice(&info);
            self.line.extend_from_slice(b"}\n");
            return Ok(true);
        }
        while let Some(message) = self.messages.next() {
            if self.message(&message)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn message(&mut self, message: &Message) -> io::Result<bool> {
        let path = self.pieces.messages_directory();
        let path = path.join(format!("{}.json", message.id));
        match piece(&path)? {
            Ok(info) => {
                self.line.extend_from_slice(b"{\"info\":");
                self.line.extend_from_slice(&info);
                self.line.extend_from_slice(b",\"parts\":[");
            }
            Err(why) => {
                self.skip(&path, why);
                return Ok(false);
            }
        }
        let directory = self.pieces.parts_directory(&message.id);
        let parts = match ids(&directory) {
            Ok(parts) => parts,
            Err(error) if may_pass(&error) => return Err(error),
            Err(error) => {
                self.skip(&directory, reason(&error));
                Vec::new()
            }
        };
        // A turn of the model may fail before it says a word; a person always said something.
        if parts.is_empty() && message.is_of_user {
            self.skip(&path, "its parts are missing".to_owned());
        }
        let mut is_first = true;
        for part in parts {
            let path = directory.join(format!("{part}.json"));
            let part = match piece(&path)? {
                Ok(part) => part,
                Err(why) => {
                    self.skip(&path, why);
                    continue;
                }
            };
            if self.line.len() + part.len() > MESSAGE_OF_PIECES_BYTES_MAX {
                let why = format!("beyond {MESSAGE_OF_PIECES_BYTES_MAX} bytes of one message");
                self.skip(&path, why);
                continue;
            }
            if !is_first {
                self.line.push(b',');
            }
            is_first = false;
            self.line.extend_from_slice(&part);
        }
        self.line.extend_from_slice(b"]}\n");
        Ok(true)
    }
}

impl Read for PieceLines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() && !self.next_line()? {
            return Ok(0);
        }
        let left = &self.line[self.given..];
        let n = left.len().min(buffer.len());
        buffer[..n].copy_from_slice(&left[..n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
