//! Walks a message once and writes its lines with placeholders.
//!
//! Neighbours: `word` judges each word, `lines` takes the lines. Must not know which line matters.

use super::PLACEHOLDER;
use super::lines;
use super::shape;
use super::word::{self, Before};

/// What becomes of text in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoted {
    /// It is a value: a placeholder.
    Mask,
    /// Quoted prose stays, quoted values are masked.
    KeepProse,
}

/// How marks around values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hand {
    /// Without quotes, so that another style of quoting is no other message.
    Plain,
    /// With the quotes of the program.
    AsWritten,
}

/// One line of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Whether it began with white space, as stack frames do.
    pub(super) indented: bool,
}

/// The text without terminal escapes and control characters; line ends are `\n`.
pub(super) fn without_escapes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if chars.next_if_eq(&'[').is_some() {
                    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                    chars.next_if(|c| matches!(c, '@'..='~'));
                }
            }
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\u{200b}'..='\u{200f}' | '\u{feff}' => {}
            c if c.is_whitespace() || c.is_control() => clean.push(' '),
            c => clean.push(c),
        }
    }
    clean
}

/// The lines of a text with placeholders for what varies.
pub(super) fn scan(text: &str, quoted: Quoted, hand: Hand) -> Vec<Line> {
    let mut scanner = Scanner::new(quoted, hand);
    scanner.run(text, 0, text.len());
    scanner.end_line();
    scanner.lines
}

/// Opening and closing quotes. The single quote needs more care, being an apostrophe as well.
const QUOTES: [(char, char); 6] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('‘', '’'),
    ('«', '»'),
];

/// Longest quoted value; a quote that is not closed within it is punctuation.
const QUOTED_BYTES_MAX: usize = 2000;
/// Deepest nesting of kept quotes that is followed.
const DEPTH_MAX: usize = 3;

/// What the last word was, for a word that only continues it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Date,
    Number,
    Rounded,
    Other,
}

struct Scanner {
    quoted: Quoted,
    hand: Hand,
    last: Last,
    /// Whether the line told of an HTTP request: the status in it is one of its measures.
    request_seen: bool,
    lines: Vec<Line>,
    line: Line,
    /// The last word written, lower case, for what is said about the value after it.
    word: String,
    /// The word written before it.
    word_before: String,
    /// The last quoted key of an object.
    key: String,
    /// Up to where the text is known to hold no closing quote, by kind, then by kind for quotes with a backslash. Keeps the
    /// search linear.
    searched_to: [usize; 2 * QUOTES.len()],
    depth: usize,
    /// How deep the whole text lies in the quotes of another one.
    nesting: usize,
}

impl Scanner {
    fn new(quoted: Quoted, hand: Hand) -> Self {
        Self {
            quoted,
            hand,
            last: Last::Other,
            request_seen: false,
            lines: Vec::new(),
            line: Line::default(),
            word: String::new(),
            word_before: String::new(),
            key: String::new(),
            searched_to: [0; 2 * QUOTES.len()],
            depth: 0,
            nesting: 0,
        }
    }

    fn run(&mut self, text: &str, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let rest = &text[at..to];
            let Some(c) = rest.chars().next() else { break };
            at += match c {
                '\n' if self.depth == 0 => {
                    self.end_line();
                    1
                }
                c if c.is_whitespace() => self.space(c),
                '<' if rest.starts_with(PLACEHOLDER) => self.value(PLACEHOLDER.len()),
                '\\' if rest[1..].starts_with(['"', '\'', '`']) => 1,
                '{' | '[' if self.stands_for_arguments() => self.arguments(rest),
                c if word::starts(c) => self.chunk(rest),
                c => match QUOTES.iter().position(|(open, _)| *open == c) {
                    Some(kind) => self.quote(text, at, to, kind),
                    None => self.punctuation(c),
                },
            };
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.lines.push(line);
        self.word.clear();
        self.word_before.clear();
        self.key.clear();
        self.last = Last::Other;
        self.request_seen = false;
    }

    fn space(&mut self, c: char) -> usize {
        if self.line.text.is_empty() {
            self.line.indented = true;
        } else if !self.line.text.ends_with(' ') {
            self.line.text.push(' ');
        }
        c.len_utf8()
    }

    fn punctuation(&mut self, c: char) -> usize {
        // Quotes that open or close nothing would only make two spellings of one message.
        if self.hand == Hand::AsWritten || !matches!(c, '”' | '’' | '»') {
            self.line.text.push(c);
        }
        self.last = Last::Other;
        c.len_utf8()
    }

    /// Writes a quote where quotes are wanted.
    fn quote_mark(&mut self, mark: char) {
        if self.hand == Hand::AsWritten {
            self.line.text.push(mark);
        }
    }

    fn last_mark(&self) -> Option<char> {
        self.line.text.trim_end().chars().next_back()
    }

    /// Writes a placeholder for a value of so many bytes. A later pass reads what is written here, so
    /// the words before must be the same for both.
    fn value(&mut self, bytes: usize) -> usize {
        let attached = !self.line.text.ends_with(' ') && !self.word.is_empty();
        self.line.text.push_str(PLACEHOLDER);
        if attached
            && self
                .word
                .ends_with(|c: char| c.is_alphanumeric() || "/_-.".contains(c))
        {
            self.word.push_str(PLACEHOLDER);
        } else {
            self.next_word(PLACEHOLDER);
        }
        bytes
    }

    fn next_word(&mut self, word: &str) {
        std::mem::swap(&mut self.word, &mut self.word_before);
        self.word.clear();
        self.word.extend(word.chars().flat_map(char::to_lowercase));
    }

    /// One word and what is written for it; gives the bytes it had.
    fn chunk(&mut self, rest: &str) -> usize {
        let bytes = word::length(rest);
        if self.continues(&rest[..bytes]) {
            return bytes;
        }
        let value_of_identity = self.line.text.ends_with('=') && word::is_identity(&self.word);
        let chunk = &rest[..bytes];
        // A name before a brace or a bracket is the kind of a structure, and the structure is the value.
        let opens = rest[bytes..].starts_with(['{', '(']);
        if value_of_identity && !opens && chunk.chars().any(char::is_alphanumeric) {
            return self.value(bytes);
        }
        let from = self.line.text.len();
        let before = Before {
            word: if self.request_seen { "" } else { &self.word },
            word_before: &self.word_before,
            mark: self.last_mark(),
        };
        word::write(chunk, before, &mut self.line.text);
        // The stroke at the end of a folder is no part of it, but one before a value joins the two.
        if chunk.ends_with('/') && rest[bytes..].starts_with(PLACEHOLDER) {
            self.line.text.push('/');
        }
        let bare = |text: &str| text.trim_end_matches([':', '.']).len();
        let written = &self.line.text[from..];
        if written[..bare(written)] == *PLACEHOLDER {
            self.next_word(PLACEHOLDER);
        } else {
            self.next_word(&chunk[..bare(chunk)]);
        }
        bytes
    }

    /// Whether a word only continues the value before it, so that nothing is written for it: the time behind a date, the unit
    /// that was chosen for an amount.
    fn continues(&mut self, chunk: &str) -> bool {
        let core = chunk.trim_end_matches([':', '.', ',']);
        let last = std::mem::replace(&mut self.last, Last::Other);
        let belongs = match last {
            Last::Date => shape::is_clock(core),
            Last::Rounded => shape::is_size_unit(core) || self.drops_unit(core),
            Last::Number => self.drops_unit(core),
            Last::Other => false,
        };
        if belongs {
            let kept = self.line.text.trim_end().len();
            self.line.text.truncate(kept);
            self.line.text.push_str(&chunk[core.len()..]);
        } else if shape::is_date(core) && core.len() == chunk.len() {
            self.last = Last::Date;
        } else if shape::is_rounded(core) && core.len() == chunk.len() {
            self.last = Last::Rounded;
        } else if shape::is_number(core) && core.len() == chunk.len() {
            self.last = Last::Number;
        }
        belongs
    }

    /// Whether the unit goes with its number: `30 seconds`, `30s` and `2 minutes` are one message.
    fn drops_unit(&self, core: &str) -> bool {
        self.hand == Hand::Plain && (shape::is_size_unit(core) || shape::is_time_unit(core))
    }

    /// Whether the last word announces the arguments of a call, which are values throughout.
    fn stands_for_arguments(&self) -> bool {
        matches!(
            self.word.as_str(),
            "arguments" | "args" | "kwargs" | "params" | "parameters" | "input" | "payload"
        ) && self.last_mark() != Some(',')
    }

    /// A bracketed list of arguments; gives the bytes it had.
    fn arguments(&mut self, rest: &str) -> usize {
        let mut depth = 0_usize;
        for (index, byte) in rest.bytes().enumerate() {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return self.value(index + 1);
            }
        }
        // Cut off: all the rest is arguments.
        self.value(rest.len())
    }

    /// A quote and, when it is closed, what it holds; gives the bytes taken.
    fn quote(&mut self, text: &str, at: usize, to: usize, kind: usize) -> usize {
        let (open, close) = QUOTES[kind];
        let inner_at = at + open.len_utf8();
        // A run of three quotes is a fence; it pairs with nothing.
        let run = text[at..to].chars().take_while(|c| *c == open).count();
        if run >= 3 {
            self.line.text.push(' ');
            return run * open.len_utf8();
        }
        self.last = Last::Other;
        let Some((end, after)) = self.closing(text, inner_at, to, kind) else {
            self.quote_mark(open);
            return open.len_utf8();
        };
        let inner = &text[inner_at..end];
        let is_key = matches!(self.last_mark(), Some('{' | ','))
            && text[after..to].trim_start().starts_with(':')
            && inner.len() <= KEY_BYTES_MAX;
        let keeps = self.keeps(inner, at == 0 && after == to);
        self.quote_mark(open);
        if is_key {
            self.key = inner.to_ascii_lowercase();
            word::write(inner, Before::default(), &mut self.line.text);
            self.word.clone_from(&self.key);
        } else if keeps {
            // What the key says of the text it does not say of the quotes in it.
            let key = std::mem::take(&mut self.key);
            self.depth += 1;
            if inner.contains("\\n") {
                self.text_of_lines(inner);
            } else {
                self.run(text, inner_at, end);
            }
            self.depth -= 1;
            self.key = key;
        } else {
            if let Some(method) = shape::request_method(inner) {
                self.request_seen = true;
                self.line.text.push_str(method);
                self.line.text.push(' ');
            }
            self.value(0);
        }
        self.quote_mark(close);
        after - at
    }

    /// Writes the lines that name the failure of a text whose line ends are escaped, as in an object's string.
    fn text_of_lines(&mut self, inner: &str) {
        let text = inner
            .replace("\\r", "")
            .replace("\\n", "\n")
            .replace("\\t", " ");
        let mut inside = Self::new(self.quoted, self.hand);
        inside.nesting = self.nesting + self.depth;
        inside.run(&text, 0, text.len());
        inside.end_line();
        self.line.text.push_str(&lines::choose(&inside.lines));
        self.word.clear();
        self.word_before.clear();
    }

    /// Whether quoted text is a part of the message and not a value in it.
    fn keeps(&self, inner: &str, is_whole: bool) -> bool {
        if self.nesting + self.depth >= DEPTH_MAX || shape::request_method(inner).is_some() {
            return false;
        }
        let explains = match self.last_mark() {
            Some(':') => explains(&self.key),
            Some('=') => explains(&self.word),
            Some(_) | None => false,
        };
        let prose =
            self.quoted == Quoted::KeepProse && super::informative_words(inner) >= PROSE_WORDS_MIN;
        is_whole || explains || prose
    }

    /// Where the quote opened before `inner_at` is closed: where what it holds ends, and the first byte behind it. An object inside a
    /// string has quotes with backslashes, and they pair with each other only.
    fn closing(
        &mut self,
        text: &str,
        inner_at: usize,
        to: usize,
        kind: usize,
    ) -> Option<(usize, usize)> {
        let (open, close) = QUOTES[kind];
        let escaped = text[..inner_at - open.len_utf8()].ends_with('\\');
        let searched = kind + if escaped { QUOTES.len() } else { 0 };
        let limit = to.min(inner_at + QUOTED_BYTES_MAX);
        let from = inner_at.max(self.searched_to[searched]);
        let mut before = if from == inner_at { open } else { ' ' };
        let window = text.get(from..super::boundary(text, limit)).unwrap_or("");
        for (offset, c) in window.char_indices() {
            // Ruby and older Unix programs close a grave accent with an apostrophe.
            let closes = c == close || (close == '`' && c == '\'');
            if closes && (before == '\\') == escaped {
                let at = from + offset;
                let after = text[at + c.len_utf8()..to].chars().next();
                if c != '\'' || !after.is_some_and(char::is_alphanumeric) {
                    let inner_end = if escaped { (at - 1).max(inner_at) } else { at };
                    return Some((inner_end, at + c.len_utf8()));
                }
            }
            before = c;
        }
        self.searched_to[searched] = self.searched_to[searched].max(limit);
        None
    }
}

/// Longest quoted key of an object.
const KEY_BYTES_MAX: usize = 40;
/// From this many words on, quoted text is prose.
const PROSE_WORDS_MIN: usize = 4;

/// Whether the value under a key says what went wrong.
fn explains(key: &str) -> bool {
    matches!(
        key,
        "message"
            | "error"
            | "type"
            | "code"
            | "reason"
            | "detail"
            | "details"
            | "title"
            | "status"
            | "description"
            | "msg"
            | "err"
            | "cause"
            | "errors"
            | "error_type"
            | "error_code"
            | "errorcode"
            | "errormessage"
            | "error_message"
            | "statustext"
            | "error_description"
            | "errmsg"
            | "stderr"
            | "kind"
            | "hint"
    )
}
