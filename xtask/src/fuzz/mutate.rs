//! Makes a case of a sample: bytes, lines and JSON values are changed, now and then into something huge.

use crate::samples::Rng;

/// Longest case, bytes.
const CASE_BYTES_MAX: usize = 1 << 20;

const TOKENS: [&[u8]; 34] = [
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1e999",
    b"-0.0",
    b"99999999999999999999999",
    b"9223372036854775808",
    b"1.5",
    b"\"\"",
    b"[]",
    b"{}",
    b"\"\\ud800\"",
    b"\"\\udc00\\ud800\"",
    b"\"\\u0000\"",
    b"\"\\u00\"",
    b"\\",
    b"\"",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\0",
    b"\xef\xbb\xbf",
    b"\n",
    b"\r\n",
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"2026-13-45T99:99:99Z\"",
    b"\"-262144-01-01T00:00:00Z\"",
    b"18446744073709551615",
];

/// A case made of one sample, or of two.
pub(super) fn case(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let Some(seed) = some(rng, seeds) else {
        return Vec::new();
    };
    let mut case = seed.clone();
    // A piece of a sample is as good as the whole, and faster.
    if case.len() > 4_096 && rng.chance(85) {
        case = lines_of(rng, &case);
    }
    for _ in 0..=rng.below(6) {
        change(rng, &mut case, seeds);
    }
    case.truncate(CASE_BYTES_MAX);
    case
}

fn some<'s>(rng: &mut Rng, seeds: &'s [Vec<u8>]) -> Option<&'s Vec<u8>> {
    if seeds.is_empty() {
        None
    } else {
        seeds.get(rng.below(seeds.len()))
    }
}

/// The first line, and a few in a row from anywhere.
fn lines_of(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    if lines.len() < 4 {
        return bytes.to_vec();
    }
    let from = rng.below(lines.len());
    let to = (from + 1 + rng.below(8)).min(lines.len());
    [lines[0], &lines[from..to].concat()].concat()
}

fn change(rng: &mut Rng, case: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    if case.is_empty() {
        case.extend_from_slice(rng.pick(&TOKENS));
        return;
    }
    let at = rng.below(case.len());
    let to = (at + 1 + rng.below(64)).min(case.len());
    match rng.below(12) {
        0 => case[at] ^= 1 << rng.below(8),
        1 => case.truncate(at),
        2 => drop(case.drain(at..to)),
        3 => {
            let piece = case[at..to].to_vec();
            let times = if rng.chance(10) {
                3_000
            } else {
                1 + rng.below(8)
            };
            insert(case, at, &piece.repeat(times));
        }
        4 => insert(case, at, rng.pick(&TOKENS)),
        5 => {
            let token = rng.pick(&TOKENS);
            value(rng, case, token);
        }
        6 => deep(rng, case),
        7 => {
            let text = [
                b"\"",
                &b"x\\n\xc3\xa9 "[..].repeat(1 + rng.below(9_000))[..],
                b"\"",
            ]
            .concat();
            value(rng, case, &text);
        }
        8 => {
            if let Some(other) = some(rng, seeds) {
                let from = rng.below(other.len().max(1)).min(other.len());
                case.truncate(at);
                case.extend_from_slice(&other[from..]);
            }
        }
        9 => lines(rng, case),
        10 => key_again(rng, case),
        _ => {
            let byte = u8::try_from(rng.below(256)).unwrap_or(0);
            case[at] = byte;
        }
    }
}

fn insert(case: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if case.len() + piece.len() <= CASE_BYTES_MAX {
        case.splice(at..at, piece.iter().copied());
    }
}

/// Puts something in the place of a value: what stands between a colon and the next comma or bracket outside strings.
fn value(rng: &mut Rng, case: &mut Vec<u8>, new: &[u8]) {
    let colons: Vec<usize> = positions(case, b':');
    if colons.is_empty() {
        let at = rng.below(case.len());
        return insert(case, at, new);
    }
    let from = rng.pick(&colons) + 1;
    let (mut to, mut depth, mut in_string) = (from, 0_usize, false);
    while let Some(byte) = case.get(to) {
        match byte {
            b'\\' if in_string => to += 1,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string && depth > 0 => depth -= 1,
            b',' | b']' | b'}' if !in_string && depth == 0 => break,
            _ => {}
        }
        to += 1;
    }
    let to = to.min(case.len());
    case.splice(from..to, new.iter().copied());
}

fn positions(case: &[u8], wanted: u8) -> Vec<usize> {
    case.iter()
        .enumerate()
        .filter(|(_, byte)| **byte == wanted)
        .map(|(at, _)| at)
        .take(5_000)
        .collect()
}

/// A value with more levels than anybody needs.
fn deep(rng: &mut Rng, case: &mut Vec<u8>) {
    let levels = [10, 127, 128, 129, 1_000, 100_000];
    let levels = rng.pick(&levels);
    let (open, close): (&[u8], &[u8]) = if rng.chance(50) {
        (b"[", b"]")
    } else {
        (b"{\"a\":", b"}")
    };
    let close = if rng.chance(30) {
        Vec::new()
    } else {
        close.repeat(levels)
    };
    value(
        rng,
        case,
        &[&open.repeat(levels)[..], b"1", &close].concat(),
    );
}

/// Repeats, drops or swaps lines.
fn lines(rng: &mut Rng, case: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = case
        .split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let at = rng.below(lines.len());
    let other = rng.below(lines.len());
    match rng.below(3) {
        0 => lines.swap(at, other),
        1 => drop(lines.remove(at)),
        _ => {
            let line = lines[at].clone();
            let times = if rng.chance(5) { 2_000 } else { 3 };
            let times = times.min(CASE_BYTES_MAX / (line.len() + 1));
            lines.splice(at..at, std::iter::repeat_n(line, times));
        }
    }
    *case = lines.concat();
}

/// Gives an object a key twice.
fn key_again(rng: &mut Rng, case: &mut Vec<u8>) {
    let opens = positions(case, b'{');
    let quotes = positions(case, b'"');
    if opens.is_empty() || quotes.is_empty() {
        return;
    }
    let from = rng.pick(&quotes);
    let len = case[from + 1..]
        .iter()
        .position(|b| *b == b'"')
        .unwrap_or(0);
    let key = case[from..(from + len + 2).min(case.len())].to_vec();
    let at = rng.pick(&opens) + 1;
    insert(
        case,
        at,
        &[&key[..], b":", rng.pick(&TOKENS), b","].concat(),
    );
}
