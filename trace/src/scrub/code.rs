//! What programs write where a value could stand: names of types and things, calls, places in a list, patterns.
//!
//! Neighbours: `context` and `spoken` ask before they take a value. Must not look at what stands around one.

use super::check;

/// Whether a value without quotes is an expression: `rows[0`, `normalise(tokens[1`, `crate::TokenStream`, `*mut c_char`. What
/// closes it is not part of a value, so only its start can be seen.
pub(super) fn is_expression(value: &str) -> bool {
    let is_pointer = value
        .strip_prefix('*')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase()));
    let is_path = value.contains("::") && value.bytes().all(|b| is_part(b) || b == b':');
    let numbered = value.rsplit_once('$').is_some_and(|(name, number)| {
        is_name(name) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    });
    is_pointer || is_path || numbered || is_opened(value)
}

/// Whether it is a place in a text that is filled in, without its end: `{password!r`, `{attrs[2`.
pub(super) fn is_slot(value: &str) -> bool {
    value.strip_prefix('{').is_some_and(|rest| {
        let name = rest.split(['[', '.', '!', ':', '(']).next().unwrap_or("");
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
    })
}

/// Whether a name and what it is called with or looked up by come first.
fn is_opened(value: &str) -> bool {
    let Some((name, _)) = value.split_once(['(', '[', '{']) else {
        return false;
    };
    let name = name.trim_end_matches(['!', '?', '.']);
    let is_named = name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '&')
        && name
            .bytes()
            .all(|b| is_part(b) || matches!(b, b':' | b'$' | b'&' | b'?' | b'!' | b'-'));
    let is_plain = !name.bytes().any(|b| b.is_ascii_digit());
    let is_joined = name.contains(['.', ':']) || is_name(name);
    is_named && (is_plain || is_joined) && !check::is_gibberish(name)
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// Whether a value is a name that a program gives: words, joined by signs or by their large letters, and a number or two, as
/// `Ed25519PrivateKey`, `tests/rsa_public_key_2048.der` and `app.share-locator.salt.v1` are.
pub(super) fn is_name(value: &str) -> bool {
    let mut parts = Parts::default();
    let bytes = value.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let run = |from: usize, is: fn(&u8) -> bool| {
            from + bytes[from..].iter().take_while(|b| is(b)).count()
        };
        let end = match bytes[at] {
            b'0'..=b'9' => {
                let end = run(at, u8::is_ascii_digit);
                parts.number(end - at);
                end
            }
            b'A'..=b'Z' => {
                let upper = run(at, u8::is_ascii_uppercase);
                let lower = run(upper, u8::is_ascii_lowercase);
                // The last large letter belongs to the word that it begins.
                let word = if lower > upper { upper - 1 } else { upper };
                parts.word(&value[at..word]);
                parts.word(&value[word..lower]);
                lower
            }
            b'a'..=b'z' => {
                let end = run(at, u8::is_ascii_lowercase);
                parts.word(&value[at..end]);
                end
            }
            b'_' | b'-' | b'.' | b'/' | b':' | b' ' => {
                parts.state = Beside::Start;
                at + 1
            }
            _ => return false,
        };
        at = end;
    }
    // Digits alone join nothing.
    let is_joined = bytes.windows(2).enumerate().any(|(at, pair)| {
        let is_word = bytes.get(at + 2).is_some_and(u8::is_ascii_lowercase);
        let hump = pair[1].is_ascii_uppercase()
            && (pair[0].is_ascii_lowercase() || pair[0].is_ascii_digit() && is_word);
        hump || matches!(pair[1], b'_' | b'-' | b'.' | b'/' | b':' | b' ')
    });
    is_joined && parts.is_name()
}

/// What a name is made of.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    letters: usize,
    /// Letters in words that can be spoken.
    spoken: usize,
    words: usize,
    digits: usize,
    numbers: usize,
    state: Beside,
    /// Letters that cannot be spoken stand between digits.
    is_drawn: bool,
}

/// What stands before the next run of letters or digits, back to the last sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Beside {
    #[default]
    Start,
    Number,
    /// Letters that cannot be spoken behind digits.
    Drawn,
}

impl Parts {
    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        self.letters += word.len();
        let vowels = word.bytes().filter(|b| b"aeiouyAEIOUY".contains(b)).count();
        let is_spoken = word.len() >= 3
            && vowels * 6 >= word.len()
            && vowels < word.len()
            && !check::is_gibberish(word);
        if is_spoken {
            self.spoken += word.len();
            self.words += 1;
        }
        // Three letters between digits are spoken by chance.
        self.state = match self.state {
            Beside::Number if !is_spoken || word.len() < 4 => Beside::Drawn,
            Beside::Start | Beside::Number if is_spoken => Beside::Start,
            state @ (Beside::Start | Beside::Number | Beside::Drawn) => state,
        };
    }

    fn number(&mut self, digits: usize) {
        self.digits += digits;
        self.numbers += 1;
        self.is_drawn |= self.state == Beside::Drawn;
        self.state = Beside::Number;
    }

    fn is_name(self) -> bool {
        self.words >= 2
            && self.spoken >= 8
            && self.spoken * 10 >= self.letters * 6
            && !self.is_drawn
            && self.digits <= DIGITS_MAX
            && self.numbers <= NUMBERS_MAX
    }
}

/// Names hold a version, a size, a curve.
const DIGITS_MAX: usize = 10;
const NUMBERS_MAX: usize = 3;

/// Whether a name in small letters is one of a file with a program in it.
pub(super) fn is_source(lower: &[u8]) -> bool {
    PROGRAMS.iter().any(|end| lower.ends_with(end.as_bytes()))
}

/// Whether a value is a file of a program or of what tools make of one, or a place in it: `page-98eb9bee.css`,
/// `encoder.rs:42:17`.
pub(super) fn is_place(value: &str) -> bool {
    let file = value.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':');
    let lower = file.to_ascii_lowercase();
    let is_built = BUILT.iter().any(|end| lower.ends_with(end));
    (is_built || is_source(lower.as_bytes()))
        && file.bytes().all(|b| is_part(b) || matches!(b, b'-' | b'/'))
}

const PROGRAMS: &[&str] = &[
    ".c", ".cc", ".cpp", ".cs", ".ex", ".go", ".h", ".java", ".js", ".jsx", ".kt", ".mjs", ".php",
    ".py", ".rb", ".rs", ".scala", ".swift", ".ts", ".tsx", ".vue",
];

const BUILT: &[&str] = &[
    ".cjs", ".css", ".map", ".html", ".json", ".wasm", ".svg", ".png",
];

/// Whether a value describes texts and is none: a regular expression, a text with several slots, an alphabet.
pub(super) fn is_pattern(value: &str) -> bool {
    const SIGNS: &[&str] = &["(?:", "(?i)", "(?<", "[^", "[a-z", "[A-Z", "[0-9", "[a-f"];
    let is_regex = SIGNS.iter().any(|sign| value.contains(sign));
    let slots = value.split('{').skip(1).filter(|rest| {
        let name = rest.split('}').next().unwrap_or("");
        name.len() < rest.len()
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    });
    is_regex || slots.count() >= 2 || is_alphabet(value)
}

fn is_alphabet(value: &str) -> bool {
    let mut run = 1;
    value.as_bytes().windows(2).any(|pair| {
        let follows = pair[0].is_ascii_alphabetic() && pair[1] == pair[0] + 1;
        run = if follows { run + 1 } else { 1 };
        run >= ALPHABET_BYTES_MIN
    })
}

const ALPHABET_BYTES_MIN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs_are_words_and_drawn_values_are_none() {
        for name in [
            "Ed25519PrivateKey",
            "PrivatePkcs8KeyDer",
            "X509SubjectKeyIDExtension",
            "Tls12CipherSuite",
            "OAuth2RefreshTokenGrant",
            "x25519_check_private_key_bytes",
            "tests/rsa_test_public_key_2048.der",
            "ed25519.Ed25519PrivateKey",
            "Chacha20Poly1305",
            "_PKCS12_CAS_TYPES",
            "app.public-share-locator.salt.v1",
            "demo:approval-runtime-token:v1",
        ] {
            assert!(is_name(name), "{name}");
        }
        for value in [
            "mZ4tQ9vLk2RwX7bN",
            "k2v9xq4m7w1zt8b3",
            "lsdkrol23w54jlksdef",
            "9f86d081884c7d659a2feaa0c55ad015",
            "Sommer2024",
            "hunter22x",
            "pk7Rq2mZtV9wXy4LbN8s",
            "lid0upuw0ymw",
            "IFF37QUZMZ",
            "staging-token-x8k2",
            "search_H4manUt0",
            "",
        ] {
            assert!(!is_name(value), "{value}");
        }
    }

    #[test]
    fn an_expression_begins_as_programs_write_it() {
        for code in [
            "rows[0",
            "attrs[2",
            "normalise(tokens[1",
            "get_auth_from_url(proxies[scheme",
            "resolve({",
            "u64::from_le_bytes(secret[i",
            "tokens2::TokenStream",
            "*mut",
            "Dict[str",
        ] {
            assert!(is_expression(code), "{code}");
        }
        for value in [
            "Xk9(mQ2v",
            "p[a",
            "abc123",
            "9lives(cat",
            "kQ7zRt(x",
            "*Stern1",
        ] {
            assert!(!is_expression(value), "{value}");
        }
    }

    #[test]
    fn a_place_in_a_program_ends_with_numbers_only() {
        for place in [
            "page-98eb9bee89ec7267.js",
            "Encoder.java:255",
            "a/b_c.rs:4:17",
        ] {
            assert!(is_place(place), "{place}");
        }
        for value in ["user.py:kQ7zRt2xW9", "kQ7z!Rt.go", "kQ7zRt2xW9"] {
            assert!(!is_place(value), "{value}");
        }
    }

    #[test]
    fn patterns_and_alphabets_are_no_values() {
        for pattern in [
            "(?:%s|%s)",
            "[^/?#]+",
            "{low}:{high}",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123",
        ] {
            assert!(is_pattern(pattern), "{pattern}");
        }
        for value in ["ab{cd}ef9", "kX9[mQ2z", "abcdefg12345"] {
            assert!(!is_pattern(value), "{value}");
        }
    }
}
