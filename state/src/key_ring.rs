//! Keys for encryption at rest: how they are written down, which one writes, what they are called.
//!
//! Neighbours: `encryption` uses them. Must not print them: a key is known by its id only.

use std::fmt;
use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The name of a key: four bytes that tell nothing of it, shown as eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub(crate) [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl KeyId {
    /// The id that is written so.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = unhex(text)?;
        Some(Self(bytes.try_into().ok()?))
    }
}

/// One secret of 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key([u8; KEY_BYTES]);

impl Key {
    pub(crate) fn id(&self) -> KeyId {
        let [a, b, c, d, ..] = self.derive(b"openclaw-trace key id");
        KeyId([a, b, c, d])
    }

    /// A secret of its own for each use.
    pub(crate) fn derive(&self, what_for: &[u8]) -> [u8; KEY_BYTES] {
        hmac_sha256(&self.0, what_for)
    }
}

/// The keys that a process was given: the first writes, the others only read.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRing {
    keys: Vec<Key>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({:?})", self.ids())
    }
}

/// Why keys cannot be used. The Display is a fragment that fits after "could not"; it never holds
/// anything of a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum BadKey {
    /// There is no key in the text.
    None,
    /// One is not written as a key is.
    Form {
        /// Which, counted from 1.
        number: usize,
    },
    /// The same key stands there twice.
    Twice(KeyId),
    /// The file cannot be read.
    Io(std::io::Error),
    /// Others than the file's owner may read it.
    Readable {
        /// Its permissions.
        mode: u32,
    },
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("find a key: there is none"),
            Self::Form { number } => write!(
                f,
                "read key {number}: a key is 32 bytes, written as 64 hexadecimal digits or in base64"
            ),
            Self::Twice(id) => write!(f, "use key {id}: it stands there twice"),
            Self::Io(error) => write!(f, "read the file of the key: {error}"),
            Self::Readable { mode } => write!(
                f,
                "trust the file of the key: its permissions are {:03o}, so others than its owner \
                 may read it (chmod 600 mends that)",
                mode & 0o777
            ),
        }
    }
}

impl std::error::Error for BadKey {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::None | Self::Form { .. } | Self::Twice(_) | Self::Readable { .. } => None,
        }
    }
}

impl KeyRing {
    /// Keys from text, apart by spaces, line ends or commas: 64 hexadecimal digits each, or base64.
    ///
    /// ```
    /// let ring = state::KeyRing::parse(&"2b".repeat(32))?;
    /// assert_eq!(ring.ids().len(), 1);
    /// # Ok::<(), state::BadKey>(())
    /// ```
    ///
    /// # Errors
    /// When there is none, or one is not a key.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let words = text
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty());
        let mut keys: Vec<Key> = Vec::new();
        for (index, word) in words.enumerate() {
            let bytes = unhex(word).or_else(|| unbase64(word));
            let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
            let key = Key(bytes.ok_or(BadKey::Form { number: index + 1 })?);
            if keys.contains(&key) {
                return Err(BadKey::Twice(key.id()));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(BadKey::None);
        }
        Ok(Self { keys })
    }

    /// Keys from a file that nobody but its owner may read: text as for [`parse`](Self::parse), or
    /// the 32 bytes of one key as they are.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); when the file cannot be read, or others may read it.
    pub fn read(path: &Path) -> Result<Self, BadKey> {
        check_mode(&fs::metadata(path).map_err(BadKey::Io)?)?;
        let bytes = fs::read(path).map_err(BadKey::Io)?;
        if let Ok(raw) = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()) {
            return Ok(Self {
                keys: vec![Key(raw)],
            });
        }
        let text = String::from_utf8(bytes).map_err(|_| BadKey::Form { number: 1 })?;
        Self::parse(&text)
    }

    /// What the keys are called, the one that writes first.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(Key::id).collect()
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

#[cfg(unix)]
fn check_mode(metadata: &fs::Metadata) -> Result<(), BadKey> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode();
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(BadKey::Readable { mode })
    }
}

#[cfg(not(unix))]
fn check_mode(_metadata: &fs::Metadata) -> Result<(), BadKey> {
    Ok(())
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    if rest.is_empty() {
        pairs.iter().map(byte).collect()
    } else {
        None
    }
}

/// Standard and URL-safe base64, with padding or without.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut n_bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _other => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push(u8::try_from((bits >> n_bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// **Source**: RFC 2104, for keys of at most 64 bytes.
pub(crate) fn hmac_sha256(key: &[u8; KEY_BYTES], message: &[u8]) -> [u8; KEY_BYTES] {
    let mut inner_pad = [0x36_u8; 64];
    let mut outer_pad = [0x5c_u8; 64];
    for (at, byte) in key.iter().enumerate() {
        inner_pad[at] ^= byte;
        outer_pad[at] ^= byte;
    }
    let inner = Sha256::new().chain_update(inner_pad).chain_update(message);
    let outer = Sha256::new()
        .chain_update(outer_pad)
        .chain_update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn one_key_in_hexadecimal_and_in_base64_is_the_same_key() {
        let ring = KeyRing::parse(HEX).unwrap();
        assert_eq!(KeyRing::parse(BASE64).unwrap(), ring);
        assert_eq!(KeyRing::parse(BASE64.trim_end_matches('=')).unwrap(), ring);
        assert_eq!(KeyRing::parse(&HEX.to_uppercase()).unwrap(), ring);
        let two = format!("{}, \n{HEX}\n", "7f".repeat(32));
        let two = KeyRing::parse(&two).unwrap();
        assert_eq!(two.ids()[1..], ring.ids());
        assert!(!format!("{two:?}").contains("7f7f7f"));
    }

    #[test]
    fn what_is_not_a_key_is_refused_without_being_repeated() {
        for text in [&HEX[1..], "secretsecret", &"é".repeat(32), &BASE64[2..]] {
            let error = KeyRing::parse(text).unwrap_err().to_string();
            assert!(error.contains("key 1") && !error.contains(text), "{error}");
        }
        assert!(matches!(KeyRing::parse(" \n"), Err(BadKey::None)));
        let twice = KeyRing::parse(&format!("{HEX} {BASE64}")).unwrap_err();
        assert!(matches!(twice, BadKey::Twice(_)));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_way_out() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, [7; 32]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = KeyRing::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("640") && error.contains("chmod 600"),
            "{error}"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let raw = KeyRing::read(&path).unwrap();
        fs::write(&path, "07".repeat(32) + "\n").unwrap();
        assert_eq!(KeyRing::read(&path).unwrap(), raw);
    }

    #[test]
    fn the_keyed_digest_is_hmac_sha256() {
        // RFC 4231, test case 1: the key is 20 bytes, which zeros behind it do not change.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let digest = crate::Digest(hmac_sha256(&key, b"Hi There")).to_string();
        assert!(digest.starts_with("b0344c61d8db38535ca8afceaf0bf12b"));
    }
}
