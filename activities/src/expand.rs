//! Reading a session file as it was before somebody compressed it.
//!
//! Neighbours: `discover` looks at the head, `mine_session` reads the whole. What a file is compressed with is told by
//! its first bytes. Nothing is held but the window of the method, and what a file may expand to has a limit: a few
//! kilobytes can say that they are terabytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};

use crate::limits::EXPANDED_BYTES_MAX;

/// What a file is compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Gzip,
    Zstandard,
}

impl Method {
    fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x1f\x8b") {
            Some(Self::Gzip)
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
            Some(Self::Zstandard)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstandard => "zstd",
        }
    }
}

/// The content of an open file, of which the first `bytes` count; expanded when it is compressed.
///
/// # Errors
/// When the file cannot be read, or says that it is compressed and its header is damaged.
pub(crate) fn content(mut file: File, bytes: u64) -> io::Result<Box<dyn Read>> {
    let method = method(&mut file)?;
    let plain = file.take(bytes);
    let Some(method) = method else {
        return Ok(Box::new(plain));
    };
    let source = BufReader::new(plain);
    let inner: Box<dyn Read> = match method {
        // Rotated logs are several files of gzip in one.
        Method::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        Method::Zstandard => return zstandard_from(source),
    };
    Ok(Box::new(Expanded {
        inner,
        method,
        left: EXPANDED_BYTES_MAX,
    }))
}

/// The content of a compressed value, of at most `bytes_max` bytes.
///
/// # Errors
/// When it is damaged, or longer.
pub(crate) fn zstandard(bytes: &[u8], bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    zstandard_from(bytes)?
        .take(bytes_max.saturating_add(1))
        .read_to_end(&mut content)?;
    if content.len() as u64 > bytes_max {
        return Err(io::Error::other("a value is longer than it says"));
    }
    Ok(content)
}

/// What a compressed stream expands to.
///
/// # Errors
/// When its header is damaged.
pub(crate) fn zstandard_from<'r>(source: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let method = Method::Zstandard;
    let decoder = ruzstd::decoding::StreamingDecoder::new(BufReader::new(source));
    Ok(Box::new(Expanded {
        inner: Box::new(decoder.map_err(|error| damaged(method, &error))?),
        method,
        left: EXPANDED_BYTES_MAX,
    }))
}

/// Whether an open file is compressed; its position is at its start afterwards.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn is_compressed(file: &mut File) -> io::Result<bool> {
    Ok(method(file)?.is_some())
}

fn method(file: &mut File) -> io::Result<Option<Method>> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(4).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Method::of(&head))
}

/// The name without the ending of a method.
pub(crate) fn plain_name(name: &str) -> &str {
    let stem = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    stem.unwrap_or(name)
}

struct Expanded<'r> {
    inner: Box<dyn Read + 'r>,
    method: Method,
    left: u64,
}

impl Read for Expanded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match self.inner.read(buffer) {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(damaged(self.method, &error)),
        };
        let Some(left) = self.left.checked_sub(n as u64) else {
            let limit = EXPANDED_BYTES_MAX >> 30;
            return Err(io::Error::other(format!(
                "expands to more than {limit} GiB"
            )));
        };
        self.left = left;
        Ok(n)
    }
}

fn damaged(method: Method, error: &dyn std::error::Error) -> io::Error {
    let what = method.name();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("damaged {what} file ({error})"),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::fast();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(content: &[u8]) -> Vec<u8> {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(content, level)
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        file.seek(SeekFrom::Start(0))?;
        let mut out = Vec::new();
        content(file, bytes.len() as u64)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn a_file_reads_the_same_compressed_or_not() {
        let text = "one line of a session\n".repeat(20_000).into_bytes();
        assert_eq!(read(&text).unwrap(), text);
        assert_eq!(read(&gzip(&text)).unwrap(), text);
        assert_eq!(read(&zstd(&text)).unwrap(), text);
        let two = [gzip(b"first\n"), gzip(b"second\n")].concat();
        assert_eq!(
            read(&two).unwrap(),
            b"first\nsecond\n",
            "rotated into one file"
        );
        assert_eq!(read(b"").unwrap(), b"");
    }

    #[test]
    fn damage_is_said_and_never_read_as_content() {
        let text = "one line of a session\n".repeat(5_000).into_bytes();
        for whole in [gzip(&text), zstd(&text)] {
            let cut = &whole[..whole.len() / 2];
            let message = read(cut).unwrap_err().to_string();
            assert!(message.starts_with("damaged "), "{message}");
            let mut flipped = whole.clone();
            let middle = flipped.len() / 2;
            flipped[middle] ^= 0xff;
            assert!(read(&flipped).is_err(), "a flipped byte");
        }
        let message = read(b"\x28\xb5\x2f\xfd\xff").unwrap_err().to_string();
        assert!(message.starts_with("damaged zstd file"), "{message}");
    }

    /// Cuts, flips and foreign pieces at places that a seed decides. `FUZZ_SECONDS` makes it go on for longer.
    #[test]
    fn hostile_bytes_end_in_content_or_in_an_error() {
        let text = "one line of a session, and then another\n"
            .repeat(300)
            .into_bytes();
        let seeds = [gzip(&text), zstd(&text), zstd(&text[..40])];
        let seconds = std::env::var("FUZZ_SECONDS").ok();
        let seconds = seconds.and_then(|s| s.parse().ok()).unwrap_or(0);
        let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
        let mut state = 7_u64;
        let mut below = |n: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % n.max(1)
        };
        let mut cases = 0_u64;
        while cases < 1_500 || std::time::Instant::now() < end {
            cases += 1;
            let mut case = seeds[below(seeds.len())].clone();
            for _ in 0..=below(4) {
                let at = 4 + below(case.len().saturating_sub(4));
                match below(4) {
                    0 => case.truncate(at),
                    1 if at < case.len() => case[at] ^= 1 << below(8),
                    2 => {
                        let piece = [b"\xff".repeat(1 + below(40)), vec![0; below(9)]].concat();
                        case.splice(at.min(case.len())..at.min(case.len()), piece);
                    }
                    _ => {
                        let other = &seeds[below(seeds.len())];
                        case.truncate(at);
                        case.extend_from_slice(&other[below(other.len())..]);
                    }
                }
            }
            let read = std::panic::catch_unwind(|| read(&case).map(|content| content.len()));
            assert!(read.is_ok(), "case {cases} panics: {case:?}");
        }
        eprintln!("{cases} cases");
    }

    #[test]
    fn an_expansion_without_end_is_stopped() {
        let mut bomb = Expanded {
            inner: Box::new(io::repeat(b'x')),
            method: Method::Gzip,
            left: 1_000_000,
        };
        let mut buffer = [0; 4096];
        let error = loop {
            if let Err(error) = bomb.read(&mut buffer) {
                break error;
            }
        };
        assert_eq!(error.to_string(), "expands to more than 16 GiB");
    }
}
