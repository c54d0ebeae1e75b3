//! Which of the blobs there are occur by name in bytes of any kind.
//!
//! Neighbours: `orphans` shows it the bytes. Must not know what they mean or where they lie.

use crate::blob::Digest;

const DIGEST_BYTES: usize = 32;
const DIGEST_DIGITS: usize = 2 * DIGEST_BYTES;
/// Least characters of base64 that hold a digest.
const BASE64_MIN: usize = (DIGEST_BYTES * 4).div_ceil(3);
/// How often bytes written as text are written as text again, at most.
const DEPTH_MAX: u8 = 6;

/// All blobs, and what became of each.
pub(super) struct Marks {
    /// In order.
    digests: Vec<Digest>,
    marked: Vec<bool>,
    /// Marked blobs that were not looked into yet: places in `digests`.
    unread: Vec<usize>,
    /// Whether a digest begins with these three bytes: most places in most values end here.
    begins: Vec<u64>,
}

impl Marks {
    /// Digests in any order.
    pub(super) fn new(mut digests: Vec<Digest>) -> Self {
        digests.sort_unstable();
        let mut begins = vec![0_u64; 1 << 18];
        for digest in &digests {
            let (word, bit) = begin(digest.0[0], digest.0[1], digest.0[2]);
            begins[word] |= bit;
        }
        Self {
            marked: vec![false; digests.len()],
            digests,
            unread: Vec::new(),
            begins,
        }
    }

    /// A marked blob that was not asked for before.
    pub(super) fn next_unread(&mut self) -> Option<Digest> {
        let place = self.unread.pop()?;
        self.digests.get(place).copied()
    }

    /// Whether this is one of the blobs, and occurred nowhere.
    pub(super) fn is_orphan(&self, digest: &Digest) -> bool {
        let place = self.digests.binary_search(digest);
        place.is_ok_and(|place| !self.marked[place])
    }

    /// Marks every blob whose name occurs.
    pub(super) fn look(&mut self, bytes: &[u8]) {
        if !self.digests.is_empty() {
            self.look_inside(bytes, 0);
        }
    }

    fn look_inside(&mut self, bytes: &[u8], depth: u8) {
        for name in bytes.windows(DIGEST_BYTES) {
            if self.may_begin(name[0], name[1], name[2]) {
                self.mark(name);
            }
        }
        self.look_for_digits(bytes);
        if depth < DEPTH_MAX {
            each_list(bytes, |list| self.look_inside(list, depth + 1));
            each_base64(bytes, |text| self.look_inside(text, depth + 1));
        }
    }

    fn look_for_digits(&mut self, bytes: &[u8]) {
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
        for run in bytes.split(|byte| !is_digit(byte)) {
            for digits in run.windows(DIGEST_DIGITS) {
                let byte = |at: usize| value(digits[2 * at]) << 4 | value(digits[2 * at + 1]);
                if self.may_begin(byte(0), byte(1), byte(2)) {
                    let name: [u8; DIGEST_BYTES] = std::array::from_fn(byte);
                    self.mark(&name);
                }
            }
        }
    }

    fn may_begin(&self, a: u8, b: u8, c: u8) -> bool {
        let (word, bit) = begin(a, b, c);
        self.begins[word] & bit != 0
    }

    fn mark(&mut self, name: &[u8]) {
        let place = self
            .digests
            .binary_search_by(|digest| digest.0.as_slice().cmp(name));
        if let Ok(place) = place
            && !std::mem::replace(&mut self.marked[place], true)
        {
            self.unread.push(place);
        }
    }
}

/// Where the bit of three bytes is.
fn begin(a: u8, b: u8, c: u8) -> (usize, u64) {
    let word = usize::from(a) << 10 | usize::from(b) << 2 | usize::from(c) >> 6;
    (word, 1 << (c & 63))
}

/// The value of a hexadecimal digit.
fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _other => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// Numbers up to 255 that stand in a row, with commas or spaces between them.
fn each_list(bytes: &[u8], mut see: impl FnMut(&[u8])) {
    let mut list = Vec::new();
    let mut number: Option<u16> = None;
    // One more byte ends the last list.
    for byte in bytes.iter().copied().chain([0]) {
        if byte.is_ascii_digit() {
            let before = number.unwrap_or(0).saturating_mul(10);
            number = Some(before.saturating_add(u16::from(byte - b'0')));
            continue;
        }
        let ended = number.take().map(u8::try_from);
        if let Some(Ok(number)) = ended {
            list.push(number);
        }
        let goes_on = byte == b',' || byte.is_ascii_whitespace();
        if !goes_on || matches!(ended, Some(Err(_))) {
            if list.len() >= DIGEST_BYTES {
                see(&list);
            }
            list.clear();
        }
    }
}

/// Words of base64, of either alphabet, decoded.
fn each_base64(bytes: &[u8], mut see: impl FnMut(&[u8])) {
    for word in bytes.split(|byte| sextet(*byte).is_none()) {
        if word.len() < BASE64_MIN {
            continue;
        }
        let mut decoded = Vec::with_capacity(word.len() / 4 * 3 + 2);
        for four in word.chunks(4) {
            let bits = four.iter().filter_map(|byte| sextet(*byte));
            let bits = bits.fold(0_u32, |bits, sextet| bits << 6 | sextet);
            let missing = 4 - four.len();
            let [_, three @ ..] = (bits << (6 * missing)).to_be_bytes();
            decoded.extend_from_slice(&three[..3 - missing.min(3)]);
        }
        see(&decoded);
    }
}

fn sextet(byte: u8) -> Option<u32> {
    let sextet = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _other => return None,
    };
    Some(u32::from(sextet))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: [u8; 32] = [
        0, 255, 7, 34, 92, 10, 128, 65, 1, 2, 3, 254, 200, 100, 50, 25, 12, 6, 3, 1, 0, 0, 9, 90,
        99, 111, 222, 33, 44, 55, 66, 77,
    ];
    const BASE64: &str = "AP8HIlwKgEEBAgP+yGQyGQwGAwEAAAlaY2/eISw3Qk0=";

    /// Whether the name is seen in some bytes, and another one is not.
    fn sees(bytes: &[u8]) -> bool {
        let mut marks = Marks::new(vec![Digest([9; 32]), Digest(NAME)]);
        marks.look(bytes);
        assert!(marks.is_orphan(&Digest([9; 32])));
        !marks.is_orphan(&Digest(NAME))
    }

    fn listed(bytes: &[u8]) -> String {
        let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
        format!("[{}]", numbers.join(","))
    }

    #[test]
    fn a_name_is_seen_in_every_form_and_place() {
        let hex = Digest(NAME).to_string();
        let url_safe = BASE64.replace('+', "-").replace('/', "_");
        let texts = [
            format!("{{\"result\":\"{hex}\",\"n\":1}}"),
            format!("abcdef0123{hex}cafe"),
            hex.to_uppercase(),
            format!("{{\"digest\":{}}}", listed(&NAME)),
            listed(&NAME).replace(',', ",\n  "),
            listed(&[&[1, 2][..], &NAME, &[3]].concat()),
            format!("\"{BASE64}\""),
            format!("\"{url_safe}\""),
            url_safe.trim_end_matches('=').to_owned(),
            // As a payload of JSON stands in JSON, and once more.
            listed(format!("\"{hex}\"").as_bytes()),
            listed(listed(&NAME).as_bytes()),
        ];
        for text in texts {
            assert!(sees(text.as_bytes()), "{text}");
            assert!(
                sees(&[b"\xff\0", text.as_bytes(), b" x"].concat()),
                "{text}"
            );
        }
        assert!(sees(&NAME));
        assert!(sees(&[&[0; 5], &NAME[..], &[255; 40]].concat()));
    }

    #[test]
    fn what_only_resembles_a_name_is_none() {
        let hex = Digest(NAME).to_string();
        for text in [
            &hex[1..],
            &hex[..63],
            &BASE64[..42],
            &hex.replace('f', "e"),
            "",
        ] {
            assert!(!sees(text.as_bytes()), "{text}");
        }
        assert!(!sees(&NAME[1..]));
        assert!(!sees(listed(&NAME[..31]).as_bytes()));
        assert!(!sees(listed(&NAME).replace("255", "511").as_bytes()));
    }

    #[test]
    fn a_marked_blob_is_looked_into_once() {
        let mut marks = Marks::new(vec![Digest(NAME)]);
        marks.look(&NAME);
        marks.look(&NAME);
        assert_eq!(marks.next_unread(), Some(Digest(NAME)));
        assert_eq!(marks.next_unread(), None);
    }
}
