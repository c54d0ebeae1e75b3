//! Content-addressed blobs: big values, each in a file named by the SHA-256 of its bytes.
//!
//! Neighbours: both stores name blobs by [`Digest`]; the sled store keeps them in a `BlobDir`.
//! Must not know who refers to a blob.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::files::{io_error, make_dir, read_if_there, sync_dir, write_whole};
use crate::store::{BlobInfo, Error};

/// The SHA-256 of some bytes; shown as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    ///
    /// ```
    /// let digest = state::Digest::of(b"abc");
    /// assert!(digest.to_string().starts_with("ba7816bf8f01cfea"));
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(BadDigest);
        }
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex(pair[0])? << 4 | hex(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn hex(digit: u8) -> Result<u8, BadDigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _other => Err(BadDigest),
    }
}

/// The text is not 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDigest;

impl fmt::Display for BadDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest is 64 lowercase hexadecimal digits")
    }
}

impl std::error::Error for BadDigest {}

/// A directory of blobs: `ab/<64 digits>`, where `ab` are the first two digits.
#[derive(Debug)]
pub(crate) struct BlobDir {
    root: PathBuf,
    next_temporary: AtomicU64,
    /// First bytes of the digests whose directories were synced after their last known change.
    synced: Mutex<BTreeSet<u8>>,
}

impl BlobDir {
    /// Opens or makes the directory. What a killed writer left half done is removed: all of it
    /// lies in one place, so that this costs nothing however many blobs there are.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let temporary = root.join("tmp");
        make_dir(&temporary)?;
        for entry in fs::read_dir(&temporary).map_err(io_error("list", &temporary))? {
            let path = entry.map_err(io_error("list", &temporary))?.path();
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
        Ok(Self {
            root: root.to_path_buf(),
            next_temporary: AtomicU64::new(0),
            synced: Mutex::default(),
        })
    }

    fn place(&self, digest: &Digest) -> (PathBuf, PathBuf) {
        let name = digest.to_string();
        let dir = self.root.join(&name[..2]);
        let path = dir.join(&name);
        (dir, path)
    }

    /// Keeps bytes under their digest.
    ///
    /// **Durability**: bytes and name survive a power cut on return.
    pub(crate) fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        let (dir, path) = self.place(digest);
        if self.is_kept(&path, bytes) {
            return self.sync_once(digest.0[0], &dir);
        }
        make_dir(&dir)?;
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join("tmp").join(number.to_string());
        write_whole(&temporary, &path, bytes)
    }

    /// A file of another length was damaged from outside: it is written anew.
    fn is_kept(&self, path: &Path, bytes: &[u8]) -> bool {
        fs::metadata(path).is_ok_and(|m| m.is_file() && usize::try_from(m.len()) == Ok(bytes.len()))
    }

    /// A file that was there may come from a writer that was killed before it synced the name.
    fn sync_once(&self, first: u8, dir: &Path) -> Result<(), Error> {
        if self
            .synced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&first)
        {
            return Ok(());
        }
        sync_dir(dir)?;
        sync_dir(&self.root)?;
        self.synced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(first);
        Ok(())
    }

    /// What the file of a digest holds, unchecked.
    pub(crate) fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        read_if_there(&self.place(digest).1)
    }

    /// The blobs above a digest (or all), by digest, at most `limit`. What has no name of a blob is none.
    pub(crate) fn list(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        let mut blobs = Vec::new();
        for first in after.map_or(0, |digest| digest.0[0])..=u8::MAX {
            let dir = self.root.join(format!("{first:02x}"));
            let mut names = digests_in(&dir)?;
            names
                .retain(|digest| digest.0[0] == first && after.is_none_or(|after| *digest > after));
            names.sort_unstable();
            for digest in names {
                if blobs.len() >= limit {
                    return Ok(blobs);
                }
                blobs.extend(self.info(digest)?);
            }
        }
        Ok(blobs)
    }

    fn info(&self, digest: Digest) -> Result<Option<BlobInfo>, Error> {
        let path = self.place(&digest).1;
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("look at", &path)(error)),
        };
        let since_1970 = meta
            .modified()
            .ok()
            .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Ok(Some(BlobInfo {
            digest,
            bytes: meta.len(),
            written_at: since_1970
                .and_then(|age| i64::try_from(age.as_millis()).ok())
                .map(Timestamp),
        }))
    }

    /// Takes the file of a digest away; gives whether it was there. Not synced: if it comes back, it is
    /// taken away another time.
    pub(crate) fn remove(&self, digest: &Digest) -> Result<bool, Error> {
        let path = self.place(digest).1;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io_error("remove", &path)(error)),
        }
    }
}

/// The digests that name a file in a directory, in no order; none if it is not there.
fn digests_in(dir: &Path) -> Result<Vec<Digest>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("list", dir)(error)),
    };
    let mut digests = Vec::new();
    for entry in entries {
        let name = entry.map_err(io_error("list", dir))?.file_name();
        digests.extend(name.to_str().and_then(|name| name.parse::<Digest>().ok()));
    }
    Ok(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_what_it_prints_and_nothing_else() {
        let digest = Digest::of(b"exit status 1");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(
            digest.to_string().to_uppercase().parse::<Digest>(),
            Err(BadDigest)
        );
        assert_eq!(digest.to_string()[1..].parse::<Digest>(), Err(BadDigest));
        assert_eq!("é".repeat(32).parse::<Digest>(), Err(BadDigest));
    }

    #[test]
    fn a_blob_lies_under_its_digest_and_half_written_ones_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("blobs");
        let blobs = BlobDir::open(&root).unwrap();
        let digest = Digest::of(b"stack trace");
        assert_eq!(blobs.get(&digest).unwrap(), None);
        blobs.put(&digest, b"stack trace").unwrap();
        let name = digest.to_string();
        assert_eq!(
            fs::read(root.join(&name[..2]).join(&name)).unwrap(),
            b"stack trace"
        );

        fs::write(root.join("tmp/7"), b"stack tr").unwrap();
        let blobs = BlobDir::open(&root).unwrap();
        assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
        assert_eq!(blobs.get(&digest).unwrap(), Some(b"stack trace".to_vec()));
    }

    #[test]
    fn keeping_a_blob_again_mends_a_cut_file() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobDir::open(dir.path()).unwrap();
        let digest = Digest::of(b"0123456789");
        blobs.put(&digest, b"0123456789").unwrap();
        fs::write(blobs.place(&digest).1, b"01234").unwrap();
        blobs.put(&digest, b"0123456789").unwrap();
        assert_eq!(blobs.get(&digest).unwrap(), Some(b"0123456789".to_vec()));
        blobs.put(&digest, b"0123456789").unwrap();
    }
}
