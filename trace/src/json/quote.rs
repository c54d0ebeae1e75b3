//! Finds the end of a JSON string, 64 bytes at a time.
//!
//! Transcripts hold code and output, in which every twelfth byte is a quote or a backslash: a search that stops at each of
//! them guesses wrong at each. So each block gives a number with a bit for every quote and one for every backslash, and which
//! of the quotes are escaped is reckoned for all of them at once.

use wide::u8x16;

/// Where a string ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The index of the quote that closes it.
    pub(super) at: usize,
    /// Whether there is a backslash in it.
    pub(super) is_escaped: bool,
}

/// Why a string has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The text ends before it.
    NoEnd,
    /// Here stands a control character, which has to be escaped.
    Control(usize),
}

const BLOCK: usize = 64;
const PART: usize = 16;
/// The first byte that is no control character.
const SPACE: u8 = b' ';

/// The end of the string whose inside starts at `from`.
pub(super) fn end(bytes: &[u8], from: usize) -> Result<End, Flaw> {
    // Most strings are names and short.
    if let Some(part) = bytes[from..].first_chunk::<PART>() {
        let marks = Marks::of_part(part);
        let at = marks.quotes.trailing_zeros();
        if at < u64::BITS && (marks.backslashes | marks.controls) & ((1 << at) - 1) == 0 {
            return Ok(End {
                at: from + at as usize,
                is_escaped: false,
            });
        }
    }
    let mut at = from;
    let mut state = State::default();
    while let Some(block) = bytes[at..].first_chunk::<BLOCK>() {
        if let Some(found) = state.look(block, at) {
            return found;
        }
        at += BLOCK;
    }
    let rest = &bytes[at..];
    let mut block = [SPACE; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    state.look(&block, at).unwrap_or(Err(Flaw::NoEnd))
}

/// What is known at the start of a block.
#[derive(Default)]
struct State {
    /// 1 when the byte before is a backslash that is not escaped itself.
    is_open: u64,
    is_escaped: bool,
}

impl State {
    /// The end of the string, or a flaw before it, when it stands in this block.
    #[inline]
    fn look(&mut self, block: &[u8; BLOCK], at: usize) -> Option<Result<End, Flaw>> {
        let marks = Marks::of_block(block);
        let mut quotes = marks.quotes;
        if marks.backslashes | self.is_open != 0 {
            quotes &= !self.escaped(marks.backslashes);
        }
        if quotes == 0 && marks.controls == 0 {
            self.is_escaped |= marks.backslashes != 0;
            return None;
        }
        let (end, control) = (quotes.trailing_zeros(), marks.controls.trailing_zeros());
        // One of the two is less than 64.
        if control < end {
            return Some(Err(Flaw::Control(at + control as usize)));
        }
        let before = (1_u64 << end) - 1;
        Some(Ok(End {
            at: at + end as usize,
            is_escaped: self.is_escaped || marks.backslashes & before != 0,
        }))
    }

    /// The bytes that a backslash stands before and escapes. Of a run of backslashes every second one is escaped, and the
    /// byte behind the run is when the run is odd. A sum carries from the start of a run to its end, and whether it ends on an
    /// even or an odd place beside where it started says whether the run is odd.
    #[inline]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        // A backslash that is escaped itself escapes nothing.
        let backslashes = backslashes & !self.is_open;
        let behind = backslashes << 1 | self.is_open;
        let odd_starts = backslashes & !EVEN & !behind;
        let (ends, overflows) = odd_starts.overflowing_add(backslashes);
        self.is_open = u64::from(overflows);
        (EVEN ^ (ends << 1)) & behind
    }
}

/// A bit for every byte of a kind, that of the first byte lowest.
#[derive(Clone, Copy)]
struct Marks {
    quotes: u64,
    backslashes: u64,
    controls: u64,
}

impl Marks {
    #[inline]
    fn of_part(part: &[u8; PART]) -> Self {
        let part = u8x16::new(*part);
        Self {
            quotes: where_equal(part, b'"'),
            backslashes: where_equal(part, b'\\'),
            controls: where_control(part),
        }
    }

    #[inline]
    fn of_block(block: &[u8; BLOCK]) -> Self {
        let mut parts = [u8x16::splat(0); BLOCK / PART];
        for (part, bytes) in parts.iter_mut().zip(block.as_chunks::<PART>().0) {
            *part = u8x16::new(*bytes);
        }
        let gather = |mark: fn(u8x16) -> u64| {
            let [a, b, c, d] = parts.map(mark);
            a | b << PART | c << (2 * PART) | d << (3 * PART)
        };
        // Nearly no string holds a control character, so one look at the least byte of each place does for all.
        let [a, b, c, d] = parts;
        let least = a.min(b).min(c.min(d));
        Self {
            quotes: gather(|part| where_equal(part, b'"')),
            backslashes: gather(|part| where_equal(part, b'\\')),
            controls: if where_control(least) == 0 {
                0
            } else {
                gather(where_control)
            },
        }
    }
}

#[inline]
fn where_equal(part: u8x16, byte: u8) -> u64 {
    u64::from(part.simd_eq(u8x16::splat(byte)).to_bitmask())
}

#[inline]
fn where_control(part: u8x16) -> u64 {
    u64::from(part.simd_lt(u8x16::splat(SPACE)).to_bitmask())
}
