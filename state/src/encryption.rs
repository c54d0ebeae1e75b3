//! Encryption at rest: XChaCha20-Poly1305 over every value. The only file that names the cipher.
//!
//! Neighbours: `key_ring` has the keys, `payload_codec` calls this, `coding_file` remembers which keys a
//! directory knows. What it hides, and what it does not, is in `docs/ENCRYPTION.md`.
//!
//! A value is `e1`, the key's id (4), a nonce drawn for it (24), the ciphertext and its tag (16). The
//! first five bytes and the place are authenticated with it.

use std::collections::BTreeMap;

use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::aead::{Aead, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::blob::Digest;
use crate::key_ring::{Key, KeyId, KeyRing, hmac_sha256};
use crate::payload_codec::PayloadCodec;
use crate::store::Error;

/// The codec's name in a directory.
pub(crate) const NAME: &str = "xchacha20poly1305";

/// The first byte of every encrypted value: no plain value of any format begins so.
const VERSION: u8 = 0xe1;
const NONCE_BYTES: usize = 24;
const HEAD_BYTES: usize = 1 + 4 + NONCE_BYTES;

/// The secret that names are made with. It is drawn once for a directory and stays when keys change.
#[derive(Clone)]
pub(crate) struct NamesKey([u8; 32]);

/// Encrypts with one key and decrypts with several.
pub(crate) struct Encrypted {
    writes: KeyId,
    ciphers: BTreeMap<[u8; 4], XChaCha20Poly1305>,
    names: NamesKey,
}

impl Encrypted {
    pub(crate) fn new(ring: &KeyRing, names: NamesKey) -> Option<Self> {
        let cipher = |key: &Key| (key.id().0, cipher_for(key, b"values"));
        Some(Self {
            writes: ring.keys().first()?.id(),
            ciphers: ring.keys().iter().map(cipher).collect(),
            names,
        })
    }
}

impl NamesKey {
    /// A new one.
    pub(crate) fn draw() -> Result<Self, Error> {
        let mut secret = [0; 32];
        fill(&mut secret)?;
        Ok(Self(secret))
    }

    /// It, for whoever has `key`.
    pub(crate) fn wrapped(&self, key: &Key) -> Result<Vec<u8>, Error> {
        seal(&cipher_for(key, b"names"), key.id(), b"names", &self.0)
    }

    /// What was wrapped with `key`.
    pub(crate) fn unwrap(key: &Key, wrapped: &[u8]) -> Result<Self, Error> {
        let secret = open(&cipher_for(key, b"names"), b"names", wrapped)?;
        let secret = secret.try_into().map_err(|_| tampered())?;
        Ok(Self(secret))
    }
}

impl PayloadCodec for Encrypted {
    fn name(&self) -> &str {
        NAME
    }

    fn encode(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let cipher = self.ciphers.get(&self.writes.0).ok_or_else(tampered)?;
        seal(cipher, self.writes, place, plain)
    }

    fn decode(&self, place: &[u8], coded: &[u8]) -> Result<Vec<u8>, Error> {
        let id = coded.get(1..5).and_then(|id| <[u8; 4]>::try_from(id).ok());
        let id = id.ok_or_else(tampered)?;
        let cipher = self.ciphers.get(&id).ok_or_else(|| Error::Corrupt {
            what: "an encrypted value".into(),
            why: format!(
                "it says that key {} wrote it, which this directory does not know",
                KeyId(id)
            ),
        })?;
        open(cipher, place, coded)
    }

    /// Equal bytes are kept once, but nobody without the key can tell what they are by guessing.
    fn digest(&self, bytes: &[u8]) -> Digest {
        Digest(hmac_sha256(&self.names.0, bytes))
    }

    fn hides_names(&self) -> bool {
        true
    }
}

fn cipher_for(key: &Key, what_for: &[u8]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.derive(what_for).into())
}

fn seal(
    cipher: &XChaCha20Poly1305,
    id: KeyId,
    place: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE_BYTES];
    fill(&mut nonce)?;
    let head = [[VERSION].as_slice(), &id.0].concat();
    let aad = [&head, place].concat();
    let sealed = cipher.encrypt(
        XNonce::from_slice(&nonce),
        Payload {
            msg: plain,
            aad: &aad,
        },
    );
    let sealed = sealed.map_err(|_| Error::Corrupt {
        what: "a value that is to be written".into(),
        why: "it is too large to be encrypted".into(),
    })?;
    Ok([head.as_slice(), &nonce, &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, place: &[u8], coded: &[u8]) -> Result<Vec<u8>, Error> {
    let Some((head, sealed)) = coded.split_at_checked(HEAD_BYTES) else {
        return Err(tampered());
    };
    let (head, nonce) = head.split_at(HEAD_BYTES - NONCE_BYTES);
    if head.first() != Some(&VERSION) {
        return Err(tampered());
    }
    let aad = [head, place].concat();
    let payload = Payload {
        msg: sealed,
        aad: &aad,
    };
    cipher
        .decrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| tampered())
}

fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    OsRng.try_fill_bytes(bytes).map_err(|error| Error::Io {
        doing: "draw random bytes".into(),
        source: std::io::Error::other(error.to_string()),
    })
}

fn tampered() -> Error {
    Error::Corrupt {
        what: "an encrypted value".into(),
        why: "its bytes are not what was written there".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(keys: &str) -> Encrypted {
        let ring = KeyRing::parse(keys).unwrap();
        Encrypted::new(&ring, NamesKey([5; 32])).unwrap()
    }

    #[test]
    fn a_value_reads_back_at_its_own_place_only_and_whole_only() {
        let codec = codec(&"2b".repeat(32));
        let coded = codec.encode(b"here", b"the password is swordfish").unwrap();
        assert_eq!(
            codec.decode(b"here", &coded).unwrap(),
            b"the password is swordfish"
        );
        assert!(codec.decode(b"there", &coded).is_err());
        for at in 0..coded.len() {
            let mut changed = coded.clone();
            changed[at] ^= 1;
            assert!(codec.decode(b"here", &changed).is_err(), "byte {at}");
            assert!(codec.decode(b"here", &coded[..at]).is_err(), "cut at {at}");
        }
        assert_ne!(codec.encode(b"here", b"x").unwrap()[5..29], coded[5..29]);
    }

    #[test]
    fn an_old_key_reads_and_the_first_one_writes() {
        let (old, new) = ("2b".repeat(32), "3c".repeat(32));
        let written = codec(&old).encode(b"here", b"long ago").unwrap();
        let both = codec(&format!("{new} {old}"));
        assert_eq!(both.decode(b"here", &written).unwrap(), b"long ago");
        let today = both.encode(b"here", b"today").unwrap();
        assert_eq!(codec(&new).decode(b"here", &today).unwrap(), b"today");
        assert!(codec(&old).decode(b"here", &today).is_err());
        assert_eq!(codec(&old).digest(b"x"), codec(&new).digest(b"x"));
        assert_ne!(codec(&old).digest(b"x"), Digest::of(b"x"));
    }
}
