//! Values that travel by digest: JSON, JSON lines and text in the store's blobs.
//!
//! Neighbours: every activity reads and writes through here. All calls block on the disk. Must not
//! know what the values mean.

use engine::ActivityCx;
use kernel::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use trace::scrub::Scrubbed;
use workflows::contracts::BlobRef;

/// Keeps bytes and gives their digest.
///
/// # Errors
/// When the disk refuses: retryable.
pub fn put_bytes(cx: &ActivityCx, bytes: &[u8]) -> Result<BlobRef, Failure> {
    Ok(cx.put_blob(bytes)?.to_string())
}

/// The bytes of a digest.
///
/// # Errors
/// When there are none, or the digest is no digest: permanent; when the disk refuses: retryable.
pub fn bytes(cx: &ActivityCx, blob: &BlobRef) -> Result<Vec<u8>, Failure> {
    let digest = blob.parse().map_err(|error| {
        Failure::permanent("BadBlobRef", format!("could not use {blob:?}: {error}"))
    })?;
    cx.blob(&digest)
}

/// Keeps a value as JSON. The same value gives the same digest: no map in it may be unordered.
///
/// # Errors
/// As [`put_bytes`]; permanent when the value cannot be JSON.
pub fn put_json<T: Serialize>(cx: &ActivityCx, value: &T) -> Result<BlobRef, Failure> {
    put_bytes(cx, &to_json(value)?)
}

/// The value that [`put_json`] kept.
///
/// # Errors
/// As [`bytes`]; permanent when the bytes are not such a value.
pub fn json<T: DeserializeOwned>(cx: &ActivityCx, blob: &BlobRef) -> Result<T, Failure> {
    from_json(&bytes(cx, blob)?, blob)
}

/// Keeps values as JSON, one a line.
///
/// # Errors
/// As [`put_json`].
pub fn put_lines<T: Serialize>(cx: &ActivityCx, values: &[T]) -> Result<BlobRef, Failure> {
    let mut bytes = Vec::new();
    for value in values {
        bytes.extend(to_json(value)?);
        bytes.push(b'\n');
    }
    put_bytes(cx, &bytes)
}

/// The values that [`put_lines`] kept.
///
/// # Errors
/// As [`json`].
pub fn lines<T: DeserializeOwned>(cx: &ActivityCx, blob: &BlobRef) -> Result<Vec<T>, Failure> {
    bytes(cx, blob)?
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| from_json(line, blob))
        .collect()
}

/// Keeps a text that may leave the process.
///
/// # Errors
/// As [`put_bytes`].
pub fn put_text(cx: &ActivityCx, text: &Scrubbed) -> Result<BlobRef, Failure> {
    put_bytes(cx, text.as_bytes())
}

/// A text that [`put_text`] kept, or a document all of whose text is scrubbed: the door for what leaves.
///
/// # Errors
/// As [`text`].
pub fn scrubbed_text(cx: &ActivityCx, blob: &BlobRef) -> Result<Scrubbed, Failure> {
    text(cx, blob).map(Scrubbed::from_store)
}

/// The text of a digest.
///
/// # Errors
/// As [`bytes`]; permanent when it is not UTF-8.
pub fn text(cx: &ActivityCx, blob: &BlobRef) -> Result<String, Failure> {
    String::from_utf8(bytes(cx, blob)?)
        .map_err(|_| Failure::permanent("BadBlob", format!("blob {blob} is not text")))
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value)
        .map_err(|e| Failure::permanent("BadValue", format!("could not write JSON: {e}")))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8], blob: &BlobRef) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|e| Failure::permanent("BadBlob", format!("could not read blob {blob}: {e}")))
}
