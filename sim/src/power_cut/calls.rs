//! What a process asked of its disk, out of the log of a system-call tracer.
//!
//! Neighbours: `disk` plays the calls. A call has a beginning and an end: what another thread asked
//! for in between may or may not have been seen by it.

use std::collections::BTreeMap;

/// One call that matters to files.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Lines of the log at which it began and ended; in flight forever if it never ended.
    pub(super) begun: usize,
    pub(super) ended: usize,
    pub(super) op: Op,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// A name was made for a new empty file, unless it had one.
    Create { path: String, truncate: bool },
    /// A directory.
    MakeDir { path: String },
    /// Bytes at a place.
    Write {
        path: String,
        at: u64,
        bytes: Vec<u8>,
    },
    /// A length.
    SetLen { path: String, len: u64 },
    /// Bytes and length of a file, or names of a directory, are to survive from now on.
    Sync { path: String },
    /// Another name.
    Rename { from: String, to: String },
    /// No name any more.
    Remove { path: String },
    /// Something told to the world: a line on the standard output.
    Said { text: String },
}

/// The names of the calls that the tracer must show.
pub(super) const TRACED: &str = "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,\
    fdatasync,syncfs,sync,msync,ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink,\
    unlinkat,mkdir,mkdirat,lseek,close,sendfile,copy_file_range,splice";

/// Reads the log of `strace -f -y -xx`, for files below `root`.
pub(super) fn parse(log: &str, root: &str) -> Result<Vec<Call>, String> {
    let mut parser = Parser {
        root,
        begun: BTreeMap::new(),
        places: BTreeMap::new(),
        calls: Vec::new(),
    };
    for (number, line) in log.lines().enumerate() {
        parser
            .line(number, line)
            .map_err(|why| format!("line {} of the trace: {why}", number + 1))?;
    }
    Ok(parser.calls)
}

struct Parser<'a> {
    root: &'a str,
    /// Calls of each thread that wait for their end: where they began, and their text so far.
    begun: BTreeMap<&'a str, (usize, String)>,
    /// How far each open file was written, by its descriptor.
    places: BTreeMap<i64, u64>,
    calls: Vec<Call>,
}

impl<'a> Parser<'a> {
    fn line(&mut self, number: usize, line: &'a str) -> Result<(), String> {
        let Some((thread, rest)) = line.split_once(' ') else {
            return Ok(());
        };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            self.begun.insert(thread, (number, start.to_owned()));
            return Ok(());
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((begun, mut text)) = self.begun.remove(thread) else {
                return Ok(());
            };
            let end = resumed.split_once("resumed>").map_or("", |(_, end)| end);
            text.push_str(end);
            return self.call(begun, number, &text);
        }
        self.call(number, number, rest)
    }

    fn call(&mut self, begun: usize, ended: usize, text: &str) -> Result<(), String> {
        let Some((name, rest)) = text.split_once('(') else {
            return Ok(());
        };
        let Some(at) = rest.rfind(") = ").or_else(|| rest.rfind(") ")) else {
            return Ok(());
        };
        let (args, result) = (&rest[..at], rest[at..].trim_start_matches([')', ' ', '=']));
        let result: i64 = result
            .split(|c: char| !c.is_ascii_digit() && c != '-')
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or(-1);
        if result < 0 {
            return Ok(());
        }
        for op in self.ops(name, &arguments(args), result)? {
            self.calls.push(Call { begun, ended, op });
        }
        Ok(())
    }

    fn ops(&mut self, name: &str, args: &[String], result: i64) -> Result<Vec<Op>, String> {
        let arg = |index: usize| args.get(index).map_or("", String::as_str);
        Ok(match name {
            "openat" | "open" | "creat" => {
                let shift = usize::from(name == "openat");
                self.places.insert(result, 0);
                let (path, flags) = (text(arg(shift)), arg(shift + 1));
                let makes = flags.contains("O_CREAT") || name == "creat";
                if makes && self.is_ours(&path) {
                    let truncate = flags.contains("O_TRUNC") || name == "creat";
                    vec![Op::Create { path, truncate }]
                } else {
                    Vec::new()
                }
            }
            "mkdir" | "mkdirat" => {
                let path = text(arg(usize::from(name == "mkdirat")));
                self.kept(&path.clone(), Op::MakeDir { path })
            }
            "write" => {
                let (fd, path) = descriptor(arg(0));
                if fd == 1 {
                    let text = String::from_utf8_lossy(&bytes(arg(1))).into_owned();
                    return Ok(vec![Op::Said { text }]);
                }
                let bytes = bytes(arg(1));
                let bytes = bytes[..usize::try_from(result).unwrap_or(0).min(bytes.len())].to_vec();
                let place = self.places.entry(fd).or_default();
                let at = *place;
                *place += u64::try_from(bytes.len()).unwrap_or(0);
                self.kept(&path.clone(), Op::Write { path, at, bytes })
            }
            "pwrite64" => {
                let (_, path) = descriptor(arg(0));
                let at = arg(3).parse().map_err(|_| "a place that is no number")?;
                let bytes = bytes(arg(1));
                self.kept(&path.clone(), Op::Write { path, at, bytes })
            }
            "lseek" => {
                let (fd, _) = descriptor(arg(0));
                self.places.insert(fd, u64::try_from(result).unwrap_or(0));
                Vec::new()
            }
            "ftruncate" => {
                let (_, path) = descriptor(arg(0));
                let len = arg(1).parse().map_err(|_| "a length that is no number")?;
                self.kept(&path.clone(), Op::SetLen { path, len })
            }
            "fsync" | "fdatasync" => {
                let (_, path) = descriptor(arg(0));
                self.kept(&path.clone(), Op::Sync { path })
            }
            "rename" | "renameat" | "renameat2" => {
                let at = usize::from(name != "rename");
                let (from, to) = (text(arg(at)), text(arg(at + at + 1)));
                self.kept(&to.clone(), Op::Rename { from, to })
            }
            "unlink" | "unlinkat" => {
                let path = text(arg(usize::from(name == "unlinkat")));
                self.kept(&path.clone(), Op::Remove { path })
            }
            "close" => Vec::new(),
            // Nothing of ours may go to the disk by a way that is not played here.
            other => {
                let (_, path) = descriptor(arg(0));
                if self.is_ours(&path) {
                    return Err(format!("{other} on {path} is not played"));
                }
                Vec::new()
            }
        })
    }

    fn kept(&self, path: &str, op: Op) -> Vec<Op> {
        if self.is_ours(path) {
            vec![op]
        } else {
            Vec::new()
        }
    }

    fn is_ours(&self, path: &str) -> bool {
        path.strip_prefix(self.root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Splits arguments at commas that are not in quotes or angle brackets.
fn arguments(text: &str) -> Vec<String> {
    let (mut args, mut current) = (Vec::new(), String::new());
    let (mut quoted, mut depth) = (false, 0_u32);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '<' | '{' | '[' if !quoted => depth += 1,
            '>' | '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                args.push(current.trim().to_owned());
                current.clear();
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    args.push(current.trim().to_owned());
    args
}

/// `5</path>`: the number and the path.
fn descriptor(arg: &str) -> (i64, String) {
    let (number, path) = arg.split_once('<').unwrap_or((arg, ""));
    let path = path.strip_suffix('>').unwrap_or(path);
    let path = String::from_utf8_lossy(&unescape(path)).into_owned();
    (number.parse().unwrap_or(-1), path)
}

/// A quoted string as text.
fn text(arg: &str) -> String {
    String::from_utf8_lossy(&bytes(arg)).into_owned()
}

/// A quoted string as bytes.
fn bytes(arg: &str) -> Vec<u8> {
    let inner = arg
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    unescape(inner.unwrap_or(""))
}

fn unescape(text: &str) -> Vec<u8> {
    let raw = text.as_bytes();
    let mut out = Vec::with_capacity(raw.len() / 4);
    let mut at = 0;
    while at < raw.len() {
        let code = text
            .get(at + 2..at + 4)
            .filter(|_| raw[at..].starts_with(b"\\x"));
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            out.push(byte);
            at += 4;
        } else {
            out.push(raw[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_with_their_threads_and_places() {
        let log = "7 openat(AT_FDCWD</w>, \"\\x2f\\x64\\x2f\\x61\", O_RDWR|O_CREAT|O_CLOEXEC, 0666) = 3</d/a>\n\
                   7 write(3</d/a>, \"\\x68\\x69\", 2) = 2\n\
                   8 fdatasync(3</d/a> <unfinished ...>\n\
                   7 pwrite64(3</d/a>, \"\\x2c\\x22\", 2, 512) = 2\n\
                   8 <... fdatasync resumed>) = 0\n\
                   7 write(3</d/a>, \"\\x21\", 1) = 1\n\
                   7 write(1<pipe:[5]>, \"\\x61\\x63\\x6b\", 3) = 3\n\
                   7 fsync(4</other>) = 0\n";
        let calls = parse(log, "/d").unwrap();
        let ops: Vec<&Op> = calls.iter().map(|call| &call.op).collect();
        let path = || "/d/a".to_owned();
        let write = |at, bytes: &[u8]| Op::Write {
            path: path(),
            at,
            bytes: bytes.to_vec(),
        };
        assert_eq!(
            ops,
            [
                &Op::Create {
                    path: path(),
                    truncate: false
                },
                &write(0, b"hi"),
                &write(512, b",\""),
                &Op::Sync { path: path() },
                &write(2, b"!"),
                &Op::Said {
                    text: "ack".to_owned()
                },
            ]
        );
        assert_eq!((calls[3].begun, calls[3].ended), (2, 4));
        assert!(parse("1 pwritev(3</d/a>, [], 0, 0) = 0\n", "/d").is_err());
    }
}
