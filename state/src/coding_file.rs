//! The file that says how the values of a directory are coded, and with which keys.
//!
//! Neighbours: `sled_store` asks for the codec before it opens anything. A wrong key is found here,
//! before a byte is written.

use std::path::Path;
use std::sync::Arc;

use crate::compression::{self, Packed};
use crate::encryption::{self, Encrypted, NamesKey};
use crate::files::{read_if_there, write_whole};
use crate::key_ring::{KeyId, KeyRing, unhex};
use crate::payload_codec::{Coding, PayloadCodec};
use crate::store::Error;

/// The file.
const FILE: &str = "CODEC";
const FIRST_LINE: &str = "openclaw-trace codec, format 1";
/// The name of compression and encryption together.
const PACKED_ENCRYPTION: &str = "deflate+xchacha20poly1305";

/// Whether anything can have been written to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    None,
    Some,
}

/// What the directory's `FORMAT` says of its values. One without the mark may be coded too, if it was
/// made before there was a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked {
    Plain,
    Coded,
}

/// Whether a directory has the file.
pub(crate) fn is_there(dir: &Path) -> bool {
    dir.join(FILE).exists()
}

/// The codec of a directory, checked against what the directory says; `None` for plain values.
pub(crate) fn settle(
    dir: &Path,
    coding: &Coding,
    (contents, marked): (Contents, Marked),
) -> Result<Option<Arc<dyn PayloadCodec>>, Error> {
    let known = read_if_there(&dir.join(FILE))?
        .map(|bytes| Known::parse(dir, &bytes))
        .transpose()?;
    match known {
        None if contents == Contents::Some && marked == Marked::Coded => Err(locked(
            "its file CODEC is missing, without which nothing in it can be read: put it back from a \
             copy of the directory",
        )),
        None if contents == Contents::Some => match coding {
            Coding::Plain => Ok(None),
            Coding::Compressed
            | Coding::Encrypted(_)
            | Coding::CompressedEncrypted(_)
            | Coding::Codec(_) => Err(locked(
                "its values are plain; a key or another codec can only be given to a new directory",
            )),
        },
        None => begin(dir, coding),
        Some(known) => go_on(dir, known, coding),
    }
}

/// The codec of a new directory, which remembers it.
fn begin(dir: &Path, coding: &Coding) -> Result<Option<Arc<dyn PayloadCodec>>, Error> {
    let name = match coding {
        Coding::Plain => return Ok(None),
        Coding::Compressed => compression::NAME,
        Coding::Encrypted(_) => encryption::NAME,
        Coding::CompressedEncrypted(_) => PACKED_ENCRYPTION,
        Coding::Codec(codec) => codec.name(),
    };
    let known = Known {
        name: name.to_owned(),
        ..Known::default()
    };
    match coding {
        Coding::Plain => Ok(None),
        Coding::Compressed => {
            known.write(dir)?;
            Ok(Some(Arc::new(Packed::new(None))))
        }
        Coding::Encrypted(ring) | Coding::CompressedEncrypted(ring) => {
            Ok(Some(known.encrypted(dir, ring, NamesKey::draw()?)?))
        }
        Coding::Codec(codec) => {
            let is_ours = known.is_encrypted() || name == compression::NAME;
            if name.is_empty() || name.contains(char::is_whitespace) || is_ours {
                return Err(locked(&format!("{name:?} is no name for a codec")));
            }
            known.write(dir)?;
            Ok(Some(Arc::clone(codec)))
        }
    }
}

/// The codec of a directory that remembers one.
fn go_on(
    dir: &Path,
    known: Known,
    coding: &Coding,
) -> Result<Option<Arc<dyn PayloadCodec>>, Error> {
    match coding {
        Coding::Plain | Coding::Compressed if known.name == compression::NAME => {
            Ok(Some(Arc::new(Packed::new(None))))
        }
        Coding::Plain | Coding::Compressed if known.is_encrypted() => Err(locked(&format!(
            "it is encrypted with {}, and no key was given",
            names_of(&known.keys)
        ))),
        Coding::Encrypted(ring) | Coding::CompressedEncrypted(ring) if known.is_encrypted() => {
            Ok(Some(known.unlocked(dir, ring)?))
        }
        Coding::Codec(codec) if known.name == codec.name() => Ok(Some(Arc::clone(codec))),
        Coding::Plain
        | Coding::Compressed
        | Coding::Encrypted(_)
        | Coding::CompressedEncrypted(_)
        | Coding::Codec(_) => Err(locked(&format!(
            "its values are coded with {:?}, not so",
            known.name
        ))),
    }
}

/// What the file says.
#[derive(Default)]
struct Known {
    name: String,
    /// Every key that ever wrote here, the last one last.
    keys: Vec<KeyId>,
    /// The secret of names, for the last key.
    names: Vec<u8>,
}

impl Known {
    fn is_encrypted(&self) -> bool {
        self.name == encryption::NAME || self.name == PACKED_ENCRYPTION
    }

    fn parse(dir: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || Error::Corrupt {
            what: format!("the state directory {}", dir.display()),
            why: format!("its {FILE} file is damaged, or a newer version wrote it"),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err(damaged());
        }
        let mut known = Self {
            name: lines.next().ok_or_else(damaged)?.to_owned(),
            ..Self::default()
        };
        if !known.is_encrypted() {
            return Ok(known);
        }
        let keys = lines.next().and_then(|line| line.strip_prefix("keys "));
        let keys = keys.ok_or_else(damaged)?.split(' ').map(KeyId::parse);
        known.keys = keys.collect::<Option<_>>().ok_or_else(damaged)?;
        let names = lines.next().and_then(|line| line.strip_prefix("names "));
        known.names = names.and_then(unhex).ok_or_else(damaged)?;
        Ok(known)
    }

    fn write(&self, dir: &Path) -> Result<(), Error> {
        let mut text = format!("{FIRST_LINE}\n{}\n", self.name);
        if self.is_encrypted() {
            let keys: Vec<_> = self.keys.iter().map(ToString::to_string).collect();
            let names: String = self.names.iter().map(|b| format!("{b:02x}")).collect();
            text += &format!("keys {}\nnames {names}\n", keys.join(" "));
        }
        write_whole(&dir.join("CODEC.new"), &dir.join(FILE), text.as_bytes())
    }

    /// The codec for a directory that is encrypted, if the keys are all there.
    fn unlocked(self, dir: &Path, ring: &KeyRing) -> Result<Arc<dyn PayloadCodec>, Error> {
        let given = ring.ids();
        let keys = self.keys.iter().copied();
        let missing: Vec<_> = keys.filter(|id| !given.contains(id)).collect();
        if !missing.is_empty() {
            return Err(locked(&format!(
                "it is encrypted with {}; {} was not given, but {}",
                names_of(&self.keys),
                names_of(&missing),
                names_of(&given)
            )));
        }
        let last = self.keys.last();
        let key = ring.keys().iter().find(|key| Some(&key.id()) == last);
        let Some(key) = key else {
            return Err(locked("its file of keys names none"));
        };
        let names = NamesKey::unwrap(key, &self.names)?;
        self.encrypted(dir, ring, names)
    }

    /// Notes the key that writes from now on, unless it is the last one already.
    fn encrypted(
        mut self,
        dir: &Path,
        ring: &KeyRing,
        names: NamesKey,
    ) -> Result<Arc<dyn PayloadCodec>, Error> {
        let none = || locked("no key was given");
        let writes = ring.keys().first().ok_or_else(none)?;
        if self.keys.last() != Some(&writes.id()) {
            self.keys.retain(|id| *id != writes.id());
            self.keys.push(writes.id());
            self.names = names.wrapped(writes)?;
            self.write(dir)?;
        }
        let codec = Arc::new(Encrypted::new(ring, names).ok_or_else(none)?);
        Ok(if self.name == PACKED_ENCRYPTION {
            Arc::new(Packed::new(Some(codec)))
        } else {
            codec
        })
    }
}

fn names_of(ids: &[KeyId]) -> String {
    let names: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let word = if names.len() == 1 { "key" } else { "keys" };
    format!("{word} {}", names.join(", "))
}

fn locked(why: &str) -> Error {
    Error::Locked {
        why: why.to_owned(),
    }
}
