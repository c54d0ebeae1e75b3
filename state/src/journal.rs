//! A file of groups, each written once at the end and synced before anyone is told.
//!
//! Neighbours: `layered` keeps two of these and moves what is in the older one to the log below.
//! Must not know what keys and values mean. The bytes are described in `docs/FORMAT.md`.
//!
//! The file is used again from its start when what it holds is in the log. So behind the last group
//! lie remains of earlier ones; a number drawn anew for each use, the salt, tells them apart, and
//! nobody who does not know it can write a value that looks like a group.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::codec::FORMAT;
use crate::files::io_error;
use crate::kv::Batch;
use crate::store::Error;

/// How every use of a file begins.
const FILE_MAGIC: [u8; 4] = [b'o', b'j', FORMAT, b'\n'];
/// How every group begins.
const GROUP_MAGIC: [u8; 4] = [b'g', b'r', FORMAT, b'\n'];
/// Magic, salt, checksum of both.
const FILE_HEAD: usize = 4 + 8 + 4;
/// Magic, number of the group, bytes of its body, checksum of salt, number, bytes and body.
const GROUP_HEAD: usize = 4 + 8 + 4 + 4;
/// Length of a value that stands for "the key is deleted".
const DELETED: u32 = u32::MAX;
/// The file grows by this: a write that does not change a file's length is cheaper to sync.
const GROWTH_BYTES: u64 = 64 * 1024;

/// One use of a journal's file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    salt: u64,
    /// Where the next group goes; 0 when the file's head is still to be written.
    at: u64,
    /// Length of the file.
    len: u64,
    buffer: Vec<u8>,
}

/// A key with what it was given (`Some`), or that it was deleted (`None`).
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

/// A group that was found in a file.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) number: u64,
    pub(crate) writes: Vec<Change>,
}

impl Journal {
    /// Opens a file, or makes one, and reads the groups of its last use above the group `below`,
    /// the last one that is not needed. Changes nothing in it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a whole group that is needed follows one that is not whole.
    pub(crate) fn open(path: &Path, below: u64) -> Result<(Self, Vec<Group>), Error> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io_error("open", path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(io_error("read", path))?;
        let mut this = Self {
            file,
            path: path.to_path_buf(),
            salt: 0,
            at: 0,
            len: length(bytes.len()),
            buffer: Vec::new(),
        };
        let Some(salt) = salt_of(&bytes) else {
            return Ok((this, Vec::new()));
        };
        let (mut groups, end) = read_groups(&bytes, salt);
        let expected = groups.last().map_or(0, |group| group.number) + 1;
        // The groups of an earlier use may be overwritten in part.
        let expected = expected.max(below + 1);
        if let Some(later) = later_group(&bytes[end..], salt, expected) {
            return Err(Error::Corrupt {
                what: format!("the journal {}", path.display()),
                why: format!("its bytes at {end} are damaged, but group {later} follows them"),
            });
        }
        groups.retain(|group| group.number > below);
        if !groups.is_empty() {
            (this.salt, this.at) = (salt, length(end));
        }
        Ok((this, groups))
    }

    /// Bytes of the groups in this use.
    pub(crate) fn bytes(&self) -> u64 {
        self.at
    }

    /// Begins a new use: what is in the file is no longer needed. A file that one huge group made
    /// longer than `keep` bytes becomes short again.
    pub(crate) fn reuse(&mut self, keep: u64) -> Result<(), Error> {
        self.at = 0;
        if self.len > keep {
            self.file
                .set_len(keep)
                .map_err(io_error("shorten", &self.path))?;
            self.len = keep;
        }
        Ok(())
    }

    /// Writes a group behind the others. **Durability**: it survives a power cut on return.
    pub(crate) fn append(&mut self, number: u64, batch: &Batch) -> Result<(), Error> {
        self.buffer.clear();
        if self.at == 0 {
            self.salt = RandomState::new().hash_one(number);
            write_file_head(self.salt, &mut self.buffer);
        }
        write_group(self.salt, number, batch, &mut self.buffer)?;
        self.grow()?;
        self.write_buffer()?;
        self.at += length(self.buffer.len());
        Ok(())
    }

    /// Writes the last group once more. After a sync that failed it may have been read from the
    /// memory of the machine, and be missing on the disk.
    pub(crate) fn affirm(&mut self, last: &Group) -> Result<(), Error> {
        let mut batch = Batch::default();
        for (key, value) in &last.writes {
            match value {
                Some(value) => batch.put(key.clone(), value.clone()),
                None => batch.delete(key.clone()),
            }
        }
        self.buffer.clear();
        write_group(self.salt, last.number, &batch, &mut self.buffer)?;
        let end = self.at;
        self.at = end.saturating_sub(length(self.buffer.len()));
        if self.at <= length(FILE_HEAD) {
            self.buffer.clear();
            write_file_head(self.salt, &mut self.buffer);
            write_group(self.salt, last.number, &batch, &mut self.buffer)?;
            self.at = 0;
        }
        self.write_buffer()?;
        self.at = end;
        Ok(())
    }

    fn grow(&mut self) -> Result<(), Error> {
        let end = self.at + length(self.buffer.len());
        if end <= self.len {
            return Ok(());
        }
        let len = end.next_multiple_of(GROWTH_BYTES);
        let zeros = vec![0; usize::try_from(len - self.len).unwrap_or(usize::MAX)];
        self.file
            .seek(SeekFrom::Start(self.len))
            .and_then(|_| self.file.write_all(&zeros))
            .map_err(io_error("make room in", &self.path))?;
        self.len = len;
        Ok(())
    }

    fn write_buffer(&mut self) -> Result<(), Error> {
        self.file
            .seek(SeekFrom::Start(self.at))
            .and_then(|_| self.file.write_all(&self.buffer))
            .map_err(io_error("write", &self.path))?;
        self.file.sync_data().map_err(io_error("sync", &self.path))
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn write_file_head(salt: u64, to: &mut Vec<u8>) {
    let from = to.len();
    to.extend_from_slice(&FILE_MAGIC);
    to.extend_from_slice(&salt.to_be_bytes());
    let sum = crc32fast::hash(&to[from..]);
    to.extend_from_slice(&sum.to_be_bytes());
}

fn write_group(salt: u64, number: u64, batch: &Batch, to: &mut Vec<u8>) -> Result<(), Error> {
    let from = to.len();
    to.extend_from_slice(&GROUP_MAGIC);
    to.extend_from_slice(&number.to_be_bytes());
    to.extend_from_slice(&[0; 8]);
    let body = to.len();
    for (key, value) in batch.writes() {
        to.extend_from_slice(&length_field(key.len())?.to_be_bytes());
        let value_len = value.map_or(Ok(DELETED), |value| length_field(value.len()))?;
        to.extend_from_slice(&value_len.to_be_bytes());
        to.extend_from_slice(key);
        to.extend_from_slice(value.unwrap_or_default());
    }
    let body_len = length_field(to.len() - body)?;
    to[from + 12..from + 16].copy_from_slice(&body_len.to_be_bytes());
    let sum = checksum(salt, number, &to[body..]);
    to[from + 16..from + 20].copy_from_slice(&sum.to_be_bytes());
    Ok(())
}

/// A length as it is written; one that does not fit is refused before anything is written.
fn length_field(bytes: usize) -> Result<u32, Error> {
    u32::try_from(bytes)
        .ok()
        .filter(|len| *len != DELETED)
        .ok_or_else(|| Error::Corrupt {
            what: "a group that is to be written".into(),
            why: format!("{bytes} bytes in one piece are more than a journal takes"),
        })
}

fn checksum(salt: u64, number: u64, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&salt.to_be_bytes());
    sum.update(&number.to_be_bytes());
    sum.update(&length(body.len()).to_be_bytes());
    sum.update(body);
    sum.finalize()
}

fn salt_of(bytes: &[u8]) -> Option<u64> {
    let (head, _) = bytes.split_first_chunk::<FILE_HEAD>()?;
    let (told, sum) = head.split_at(FILE_HEAD - 4);
    let is_whole = crc32fast::hash(told).to_be_bytes() == sum;
    let salt = told.strip_prefix(&FILE_MAGIC)?;
    is_whole.then_some(u64::from_be_bytes(salt.try_into().ok()?))
}

/// Groups that follow one another, and where they end.
fn read_groups(bytes: &[u8], salt: u64) -> (Vec<Group>, usize) {
    let mut groups: Vec<Group> = Vec::new();
    let mut at = FILE_HEAD;
    while let Some((number, body)) = group_at(&bytes[at..], salt) {
        let follows = groups.last().is_none_or(|last| number == last.number + 1);
        let Some(writes) = read_writes(body).filter(|_| follows) else {
            break;
        };
        groups.push(Group { number, writes });
        at += GROUP_HEAD + body.len();
    }
    (groups, at)
}

/// The number and the body of a whole group at the start of some bytes.
fn group_at(bytes: &[u8], salt: u64) -> Option<(u64, &[u8])> {
    let rest = bytes.strip_prefix(&GROUP_MAGIC)?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (body_len, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let number = u64::from_be_bytes(*number);
    let body = rest.get(..usize::try_from(u32::from_be_bytes(*body_len)).ok()?)?;
    (checksum(salt, number, body) == u32::from_be_bytes(*sum)).then_some((number, body))
}

fn read_writes(mut body: &[u8]) -> Option<Vec<Change>> {
    let mut writes = Vec::new();
    while !body.is_empty() {
        let (key_len, rest) = body.split_first_chunk::<4>()?;
        let (value_len, rest) = rest.split_first_chunk::<4>()?;
        let value_len = u32::from_be_bytes(*value_len);
        let (key, rest) =
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(*key_len)).ok()?)?;
        if value_len == DELETED {
            writes.push((key.to_vec(), None));
            body = rest;
            continue;
        }
        let (value, rest) = rest.split_at_checked(usize::try_from(value_len).ok()?)?;
        writes.push((key.to_vec(), Some(value.to_vec())));
        body = rest;
    }
    Some(writes)
}

/// A whole group of this use with a number from `from` on, anywhere in some bytes. Each group is
/// written after the one before it is safe, so behind a group that was torn there is none.
fn later_group(bytes: &[u8], salt: u64, from: u64) -> Option<u64> {
    let starts = bytes
        .windows(GROUP_MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == GROUP_MAGIC);
    starts
        .filter_map(|(at, _)| group_at(&bytes[at..], salt))
        .map(|(number, _)| number)
        .find(|number| *number >= from)
}

#[cfg(test)]
mod tests;
