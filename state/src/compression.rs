//! Compression of values, alone or before they are encrypted.
//!
//! Neighbours: `payload_codec` calls this, `coding_file` says where it is on. Must not know what
//! values mean.
//!
//! A value is `00` and its bytes, or `01`, its length (u64) and the bytes compressed (DEFLATE).

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::blob::Digest;
use crate::payload_codec::PayloadCodec;
use crate::store::Error;

/// The name of compression alone, and the end of the name of compression with something else.
pub(crate) const NAME: &str = "deflate";

/// Shorter values are not worth the time.
const PACK_BYTES_MIN: usize = 512;

const AS_IT_IS: u8 = 0;
const PACKED: u8 = 1;

/// Compresses, and lets another codec do the rest.
pub(crate) struct Packed {
    inner: Option<Arc<dyn PayloadCodec>>,
}

impl Packed {
    pub(crate) fn new(inner: Option<Arc<dyn PayloadCodec>>) -> Self {
        Self { inner }
    }
}

impl PayloadCodec for Packed {
    fn name(&self) -> &str {
        NAME
    }

    fn encode(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let packed = pack(plain);
        match &self.inner {
            Some(inner) => inner.encode(place, &packed),
            None => Ok(packed),
        }
    }

    fn decode(&self, place: &[u8], coded: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.inner {
            Some(inner) => unpack(&inner.decode(place, coded)?),
            None => unpack(coded),
        }
    }

    fn digest(&self, bytes: &[u8]) -> Digest {
        self.inner
            .as_ref()
            .map_or_else(|| Digest::of(bytes), |inner| inner.digest(bytes))
    }

    fn hides_names(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.hides_names())
    }
}

fn pack(plain: &[u8]) -> Vec<u8> {
    let as_it_is = || [[AS_IT_IS].as_slice(), plain].concat();
    if plain.len() < PACK_BYTES_MIN {
        return as_it_is();
    }
    let len = u64::try_from(plain.len()).unwrap_or(u64::MAX);
    let head = [[PACKED].as_slice(), &len.to_be_bytes()].concat();
    let mut encoder = DeflateEncoder::new(head, Compression::fast());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    // Not worth it unless an eighth is saved: whoever reads pays as well.
    match written {
        Ok(packed) if packed.len() < plain.len() - plain.len() / 8 => packed,
        Ok(_) | Err(_) => as_it_is(),
    }
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, Error> {
    let damaged = |why: &str| Error::Corrupt {
        what: "a compressed value".into(),
        why: why.into(),
    };
    match packed.split_first() {
        Some((&AS_IT_IS, plain)) => Ok(plain.to_vec()),
        Some((&PACKED, rest)) => {
            let (len, bytes) = rest
                .split_first_chunk::<8>()
                .ok_or_else(|| damaged("its head is cut off"))?;
            let len = u64::from_be_bytes(*len);
            let mut plain = Vec::new();
            // Damaged bytes cannot ask for more memory than one byte above what they say.
            DeflateDecoder::new(bytes)
                .take(len.saturating_add(1))
                .read_to_end(&mut plain)
                .map_err(|error| damaged(&error.to_string()))?;
            if u64::try_from(plain.len()) == Ok(len) {
                Ok(plain)
            } else {
                Err(damaged("it has another length than it says"))
            }
        }
        Some(_) | None => Err(damaged("it begins as none does")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_whatever_its_length_and_text_gets_shorter() {
        let text = b"error: undefined reference to `main'\n".repeat(400);
        for len in [0, 1, PACK_BYTES_MIN - 1, PACK_BYTES_MIN, 4_000, text.len()] {
            let packed = pack(&text[..len]);
            assert_eq!(unpack(&packed).unwrap(), text[..len]);
            assert_eq!(packed.len() < len / 4, len >= PACK_BYTES_MIN, "{len}");
        }
    }

    #[test]
    fn what_does_not_pack_is_kept_as_it_is_and_damage_is_named() {
        let mut noise = 7_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            noise.to_be_bytes()[0]
        })
        .take(2_000)
        .collect();
        assert_eq!(pack(&noise).len(), noise.len() + 1);
        let packed = pack(&b"passed ".repeat(500));
        for cut in 0..packed.len() {
            assert!(unpack(&packed[..cut]).is_err(), "cut at {cut}");
        }
        let mut lying = packed;
        lying[8] ^= 1;
        assert!(unpack(&lying).is_err());
        assert!(unpack(&[9, 9]).is_err());
    }
}
