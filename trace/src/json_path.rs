//! Walks JSON byte by byte and knows where it is: which key, in which list.
//!
//! Neighbours: `records` cuts documents with [`Walker`], `formats` recognises them by their [`Outline`]. It is
//! lenient: what is no JSON leads nowhere, and whoever parses the record will say so.

use std::collections::BTreeMap;

/// Deepest level whose paths are known; anything below is only counted.
const LEVELS_MAX: usize = 12;
const KEY_BYTES_MAX: usize = 64;

/// What one byte meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing that matters outside.
    Inside,
    /// A wanted value starts at this byte.
    Opens,
    /// The wanted value ended before this byte.
    ClosesBefore,
    /// The wanted value ends with this byte.
    ClosesAfter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    None,
    /// A string; whether it is a key, and whether a backslash came last.
    String {
        is_key: bool,
        is_escaped: bool,
    },
    /// A number, `true`, `false` or `null`.
    Bare,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// Length of the path of the container itself.
    path_len: usize,
    is_list: bool,
}

/// A position in a stream of JSON values.
#[derive(Clone, Debug)]
pub(crate) struct Walker {
    wanted: &'static [&'static str],
    /// Path of the open container, then of the value at hand: `a[].b`.
    path: String,
    levels: Vec<Level>,
    /// Levels below the deepest known one.
    deeper: usize,
    key: String,
    expects_key: bool,
    token: Token,
    /// Depth at which the wanted value was opened.
    open_at: Option<usize>,
    is_wrapped: bool,
    /// What is seen on the way, when somebody asks for an outline.
    outline: Option<Outline>,
}

impl Walker {
    pub(crate) fn new(wanted: &'static [&'static str]) -> Self {
        Self {
            wanted,
            path: String::new(),
            levels: Vec::new(),
            deeper: 0,
            key: String::new(),
            expects_key: false,
            token: Token::None,
            open_at: None,
            is_wrapped: false,
            outline: None,
        }
    }

    /// Forgets everything but what is wanted.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.wanted);
    }

    pub(crate) fn is_in_string(&self) -> bool {
        matches!(
            self.token,
            Token::String {
                is_escaped: false,
                ..
            }
        )
    }

    /// Whether a document was begun and not ended.
    pub(crate) fn is_inside(&self) -> bool {
        !self.levels.is_empty()
    }

    /// The key to wrap the value in that just opened; remembered until [`Self::take_wrapped`].
    pub(crate) fn wrapping_key(&mut self) -> Option<&str> {
        self.is_wrapped = !self.path.ends_with("[]");
        self.is_wrapped.then_some(self.key.as_str())
    }

    /// Whether the value that just closed was wrapped.
    pub(crate) fn take_wrapped(&mut self) -> bool {
        std::mem::take(&mut self.is_wrapped)
    }

    /// Takes bytes of a string among which is no quote and no backslash.
    pub(crate) fn skipped(&mut self, bytes: &[u8]) {
        if let Token::String { is_key, .. } = self.token {
            for byte in bytes.iter().take(KEY_BYTES_MAX) {
                self.in_string(is_key, *byte);
            }
        }
    }

    /// Takes one byte.
    pub(crate) fn step(&mut self, byte: u8) -> Step {
        match self.token {
            Token::String {
                is_key,
                is_escaped: true,
            } => {
                self.token = Token::String {
                    is_key,
                    is_escaped: false,
                };
                Step::Inside
            }
            Token::String {
                is_key,
                is_escaped: false,
            } => match byte {
                b'"' => {
                    self.token = Token::None;
                    if is_key {
                        Step::Inside
                    } else {
                        self.value_ends()
                    }
                }
                b'\\' => {
                    self.token = Token::String {
                        is_key,
                        is_escaped: true,
                    };
                    Step::Inside
                }
                byte => {
                    self.in_string(is_key, byte);
                    Step::Inside
                }
            },
            Token::Bare if !matches!(byte, b',' | b'}' | b']' | b'\n' | b'\r' | b' ' | b'\t') => {
                Step::Inside
            }
            Token::Bare => {
                self.token = Token::None;
                let before = self.value_ends();
                let after = self.outside(byte);
                if before == Step::ClosesAfter {
                    Step::ClosesBefore
                } else {
                    after
                }
            }
            Token::None => self.outside(byte),
        }
    }

    fn outside(&mut self, byte: u8) -> Step {
        match byte {
            // Between documents only a container starts anything: a stray quote must not swallow the next one.
            b'{' | b'[' => {
                let step = self.value_starts(false);
                self.push(byte == b'[');
                step
            }
            _ if self.levels.is_empty() => Step::Inside,
            b'"' if self.expects_key => {
                self.key.clear();
                self.token = Token::String {
                    is_key: true,
                    is_escaped: false,
                };
                Step::Inside
            }
            b'"' => {
                let step = self.value_starts(true);
                self.token = Token::String {
                    is_key: false,
                    is_escaped: false,
                };
                step
            }
            b'}' | b']' => self.pop(),
            b',' => {
                self.expects_key =
                    self.deeper == 0 && self.levels.last().is_some_and(|level| !level.is_list);
                Step::Inside
            }
            b':' => {
                self.expects_key = false;
                Step::Inside
            }
            b' ' | b'\n' | b'\r' | b'\t' => Step::Inside,
            _ => {
                let step = self.value_starts(true);
                self.token = Token::Bare;
                step
            }
        }
    }

    fn in_string(&mut self, is_key: bool, byte: u8) {
        let text = if is_key {
            &mut self.key
        } else if let Some(outline) = &mut self.outline {
            &mut outline.text
        } else {
            return;
        };
        if text.len() < KEY_BYTES_MAX && (byte.is_ascii_graphic() || byte == b' ') {
            text.push(char::from(byte));
        }
    }

    fn depth(&self) -> usize {
        self.levels.len() + self.deeper
    }

    fn value_starts(&mut self, is_scalar: bool) -> Step {
        if self.deeper > 0 || self.levels.is_empty() {
            return Step::Inside;
        }
        self.enter();
        if let Some(outline) = &mut self.outline {
            outline.starts(&self.path);
        }
        if self.open_at.is_some() {
            return Step::Inside;
        }
        let is_at_top =
            self.levels.len() == 1 && self.levels.first().is_some_and(|level| !level.is_list);
        if self.wanted.contains(&self.path.as_str())
            || (is_scalar && is_at_top && !self.wanted.is_empty())
        {
            self.open_at = Some(self.depth());
            return Step::Opens;
        }
        Step::Inside
    }

    /// Puts the path of the value at hand behind the path of its container.
    fn enter(&mut self) {
        let Some(level) = self.levels.last() else {
            return;
        };
        self.path.truncate(level.path_len);
        if level.is_list {
            self.path.push_str("[]");
        } else {
            if level.path_len > 0 {
                self.path.push('.');
            }
            self.path.push_str(&self.key);
        }
    }

    fn value_ends(&mut self) -> Step {
        if let Some(outline) = &mut self.outline {
            outline.ends(&self.path);
        }
        if self.open_at == Some(self.depth()) {
            self.open_at = None;
            return Step::ClosesAfter;
        }
        Step::Inside
    }

    fn push(&mut self, is_list: bool) {
        if self.levels.len() >= LEVELS_MAX {
            self.deeper += 1;
            self.expects_key = false;
            return;
        }
        self.levels.push(Level {
            path_len: self.path.len(),
            is_list,
        });
        self.expects_key = !is_list;
    }

    fn pop(&mut self) -> Step {
        self.expects_key = false;
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(level) = self.levels.pop() {
            self.path.truncate(level.path_len);
            if self.levels.is_empty() {
                self.path.clear();
            }
        } else {
            return Step::Inside;
        }
        // The key of a wrapped value is not needed any more: its record was opened with it.
        match self.open_at {
            Some(depth) if self.depth() <= depth => {
                self.open_at = None;
                Step::ClosesAfter
            }
            Some(_) | None => Step::Inside,
        }
    }
}

/// Paths of the first document of a text, with the beginning of the first string at each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    paths: BTreeMap<String, String>,
    text: String,
}

const PATHS_MAX: usize = 512;

impl Outline {
    /// The outline of the first value in `text`, which may be cut off anywhere.
    pub(crate) fn of(text: &[u8]) -> Self {
        if !matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return Self::default();
        }
        let mut walker = Walker::new(&[]);
        walker.outline = Some(Self::default());
        let text = text.trim_ascii_start();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            walker.step(*byte);
            at += 1;
            if !walker.is_inside() {
                break;
            }
            if walker.is_in_string() {
                let rest = &text[at..];
                let skip = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                walker.skipped(&rest[..skip]);
                at += skip;
            }
        }
        walker.outline.unwrap_or_default()
    }

    /// Whether there is a value at `path`, such as `a[].b`.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    /// The beginning of the first string at `path`; empty when there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.paths.get(path).map_or("", String::as_str)
    }

    fn starts(&mut self, path: &str) {
        self.text.clear();
        if self.paths.len() < PATHS_MAX && !self.paths.contains_key(path) {
            self.paths.insert(path.to_owned(), String::new());
        }
    }

    fn ends(&mut self, path: &str) {
        if let Some(text) = self.paths.get_mut(path).filter(|text| text.is_empty()) {
            text.clone_from(&self.text);
        }
        self.text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_knows_paths_and_first_strings_even_of_a_cut_document() {
        let outline = Outline::of(
            br#" {"id":"s1","n":3,"list":[{"role":"user","deep":{"x":[[1]]}},{"role":"b","late":"#,
        );
        assert_eq!(
            (
                outline.text("id"),
                outline.text("n"),
                outline.text("list[].role")
            ),
            ("s1", "", "user")
        );
        for path in ["list", "list[]", "list[].deep.x", "list[].deep.x[][]"] {
            assert!(outline.has(path), "{path}");
        }
        assert!(!outline.has("role") && !outline.has("list[].x"));
        assert!(Outline::of(br#"[{"a":1}]"#).has("[].a"));
        assert_eq!(Outline::of(b"# notes {\"id\":1}"), Outline::default());
        assert!(
            !Outline::of(b"{\"a\":1}\n{\"b\":2}").has("b"),
            "only the first value counts"
        );
    }
}
