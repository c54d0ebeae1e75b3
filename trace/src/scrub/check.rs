//! Checksums and shapes that tell a real value from one that only looks like it.
//!
//! Neighbours: the finders ask here before they report. Must not know the text around a value.

/// Whether the digits pass the Luhn check, as every payment card number does.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(digit - b'0');
            match (index % 2, value) {
                (0, _) => value,
                (_, 0..=4) => value * 2,
                (_, _) => value * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether upper-case letters and digits are an IBAN: the remainder by 97 is 1.
pub(super) fn iban(compact: &[u8]) -> bool {
    if compact.len() < 15 || compact.len() > 34 {
        return false;
    }
    let rotated = compact[4..].iter().chain(&compact[..4]);
    let remainder = rotated.fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        b'A'..=b'Z' => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        _ => 0,
    });
    remainder == 1
}

/// What a value is made of, counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    pub(super) bytes: usize,
    pub(super) digits: usize,
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) hex: usize,
    pub(super) distinct: u32,
    /// How often the class (digit, lower, upper, other) changes from one byte to the next.
    pub(super) turns: usize,
}

impl Shape {
    pub(super) fn of(value: &str) -> Self {
        let mut shape = Self {
            bytes: value.len(),
            ..Self::default()
        };
        let mut seen = [false; 256];
        let mut before = None;
        for &byte in value.as_bytes() {
            let class = match byte {
                b'0'..=b'9' => {
                    shape.digits += 1;
                    0
                }
                b'a'..=b'z' => {
                    shape.lower += 1;
                    1
                }
                b'A'..=b'Z' => {
                    shape.upper += 1;
                    2
                }
                _ => 3,
            };
            shape.hex += usize::from(byte.is_ascii_hexdigit());
            shape.turns += usize::from(before.is_some_and(|earlier| earlier != class));
            before = Some(class);
            if !seen[usize::from(byte)] {
                seen[usize::from(byte)] = true;
                shape.distinct += 1;
            }
        }
        shape
    }

    pub(super) fn letters(&self) -> usize {
        self.lower + self.upper
    }
}

/// Whether a value is a stand-in that somebody wrote into an example.
pub(super) fn is_dummy(value: &str) -> bool {
    let shape = Shape::of(value);
    let lower = value.to_ascii_lowercase();
    let few_kinds = match shape.bytes {
        0..=7 => shape.distinct <= 1,
        8..=15 => shape.distinct <= 3,
        _ => shape.distinct <= 5,
    };
    few_kinds
        || value.starts_with("***")
        || [
            "xxxx",
            "****",
            "....",
            "example",
            "placeholder",
            "change_me",
            "change-me",
            "replace_me",
            "replace-me",
            "redacted",
            "your_",
            "your-",
        ]
        .iter()
        .any(|word| lower.contains(word))
}

/// Whether a value looks drawn at random: most of it are parts that mix letters and digits as
/// words, versions and names do not.
pub(super) fn is_random(value: &str) -> bool {
    let shape = Shape::of(value);
    if shape.bytes < 14 || shape.digits == 0 || shape.letters() == 0 || shape.distinct < 8 {
        return false;
    }
    let mixed: usize = value
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| {
            let shape = Shape::of(part);
            let both = shape.digits > 0 && shape.letters() > 0;
            both && (shape.turns >= 3 || (shape.turns >= 2 && shape.bytes >= 8))
        })
        .map(str::len)
        .sum();
    mixed * 10 >= shape.bytes * 6
}

/// Whether letters stand in an order that neither words nor names of programs have: many pairs of neighbours are rare.
/// Needs no digit, as `is_random` does, and leaves names in camel case alone.
pub(super) fn is_gibberish(value: &str) -> bool {
    if value.bytes().any(|b| b"(){}[]<>$".contains(&b)) {
        return false;
    }
    let (mut pairs, mut rare) = (0_usize, 0_usize);
    for pair in value.as_bytes().windows(2) {
        let [first, second] = pair else { continue };
        let letters = first.is_ascii_alphabetic() && second.is_ascii_alphabetic();
        let hump = first.is_ascii_lowercase() && second.is_ascii_uppercase();
        if letters && !hump {
            let row = COMMON_PAIRS[usize::from(first.to_ascii_lowercase() - b'a')];
            pairs += 1;
            rare += usize::from(row >> (second.to_ascii_lowercase() - b'a') & 1 == 0);
        }
    }
    pairs >= PAIRS_MIN && rare * 10 >= pairs * 3
}

/// Fewer neighbours say nothing.
const PAIRS_MIN: usize = 5;

/// For each letter the letters that often follow it, one bit each from `a`; 97 in 100 pairs in the words and names of
/// programs are among them, 53 in 100 of random ones.
const COMMON_PAIRS: [u32; 26] = [
    0x1fe_bdef, 0x11e_cb1f, 0x11e_dd9d, 0x11e_f97f, 0x1ff_fdff, 0x11e_493d, 0x01e_79d1, 0x01e_5911,
    0x2ae_fc7f, 0x010_4011, 0x044_2911, 0x13c_fd3d, 0x11c_f91b, 0x13e_fdff, 0x0fe_fd6f, 0x11e_c9bd,
    0x010_0000, 0x17e_fd7f, 0x15f_fdfd, 0x15e_f9bf, 0x00e_f97f, 0x000_4111, 0x006_6199, 0x088_c135,
    0x00c_b911, 0x000_0111,
];

/// Whether it is base64 of visible text with a colon: a name and a password.
pub(super) fn is_basic(value: &str) -> bool {
    let mut bits = 0_u32;
    let mut held = 0_u32;
    let mut colon = false;
    for byte in value.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return false,
        };
        held = (held << 6 | u32::from(six)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let decoded = (held >> bits) & 0xff;
            if decoded < 0x20 || decoded == 0x7f {
                return false;
            }
            colon |= decoded == u32::from(b':');
        }
    }
    colon
}

/// Whether it is a UUID, in any case.
pub(super) fn is_uuid(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether it is hex of a common digest's length, as commits, checksums and etags are.
pub(super) fn is_digest(value: &str) -> bool {
    matches!(value.len(), 7..=12 | 16 | 24 | 32 | 40 | 56 | 64 | 96 | 128)
        && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}
