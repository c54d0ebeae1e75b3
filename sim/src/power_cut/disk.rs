//! A disk that keeps what was synced and, of the rest, whatever it likes.
//!
//! Neighbours: `calls` gives what was asked, `power_cut` cuts. The rules are those of POSIX, not of
//! one file system: a sync of a file keeps its bytes and its length, a sync of a directory keeps
//! its names, and nothing else promises anything. What was not synced lands in any order, whole,
//! by sectors, or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::calls::{Call, Op};
use crate::rng::Rng;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A change of bytes that is not safe yet.
#[derive(Clone, Debug)]
struct Pending {
    ended: usize,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Len(usize),
}

#[derive(Clone, Debug, Default)]
struct Node {
    is_dir: bool,
    safe: Vec<u8>,
    pending: Vec<Pending>,
}

/// A change of names.
#[derive(Clone, Debug)]
struct Naming {
    ended: usize,
    safe: bool,
    /// The name that goes and the one that comes.
    gone: Option<String>,
    made: Option<(String, usize)>,
}

/// All files below a root, as far as calls have been played.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    root: String,
    nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    namings: Vec<Naming>,
}

/// How much of what is not safe survives a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mercy {
    Nothing,
    Everything,
    SomeWrites,
    SomeSectors,
}

impl Mercy {
    pub(super) const ALL: [Self; 4] = [
        Self::Nothing,
        Self::Everything,
        Self::SomeWrites,
        Self::SomeSectors,
    ];
}

impl Disk {
    pub(super) fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            nodes: Vec::new(),
            names: BTreeMap::new(),
            namings: Vec::new(),
        }
    }

    /// Plays one call to its end.
    pub(super) fn play(&mut self, call: &Call) {
        match &call.op {
            Op::Create { path, truncate } => {
                let node = match self.names.get(path) {
                    Some(node) => *node,
                    None => self.add(path, false, call.ended),
                };
                if *truncate {
                    self.change(node, call.ended, Change::Len(0));
                }
            }
            Op::MakeDir { path } => {
                if !self.names.contains_key(path) {
                    self.add(path, true, call.ended);
                }
            }
            Op::Write { path, at, bytes } => {
                let at = usize::try_from(*at).expect("a small file");
                let bytes = bytes.clone();
                self.with(path, call.ended, Change::Write { at, bytes });
            }
            Op::SetLen { path, len } => {
                let len = usize::try_from(*len).expect("a small file");
                self.with(path, call.ended, Change::Len(len));
            }
            Op::Sync { path } => self.sync(path, call.begun),
            Op::Rename { from, to } => {
                if let Some(node) = self.names.remove(from) {
                    self.names.insert(to.clone(), node);
                    self.name(call.ended, Some(from.clone()), Some((to.clone(), node)));
                }
            }
            Op::Remove { path } => {
                if self.names.remove(path).is_some() {
                    self.name(call.ended, Some(path.clone()), None);
                }
            }
            Op::Said { .. } => {}
        }
    }

    fn add(&mut self, path: &str, is_dir: bool, ended: usize) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node {
            is_dir,
            ..Node::default()
        });
        self.names.insert(path.to_owned(), node);
        self.name(ended, None, Some((path.to_owned(), node)));
        node
    }

    fn name(&mut self, ended: usize, gone: Option<String>, made: Option<(String, usize)>) {
        let safe = false;
        self.namings.push(Naming {
            ended,
            safe,
            gone,
            made,
        });
    }

    fn with(&mut self, path: &str, ended: usize, change: Change) {
        if let Some(node) = self.names.get(path).copied() {
            self.change(node, ended, change);
        }
    }

    fn change(&mut self, node: usize, ended: usize, change: Change) {
        self.nodes[node].pending.push(Pending { ended, change });
    }

    /// What ended before the sync began is safe after it.
    fn sync(&mut self, path: &str, begun: usize) {
        let is_root = path == self.root;
        let node = self.names.get(path).copied();
        if is_root || node.is_some_and(|node| self.nodes[node].is_dir) {
            for naming in &mut self.namings {
                let names = naming
                    .gone
                    .iter()
                    .chain(naming.made.iter().map(|(to, _)| to));
                if naming.ended < begun && names.into_iter().any(|name| parent(name) == path) {
                    naming.safe = true;
                }
            }
        }
        let Some(node) = node else { return };
        let node = &mut self.nodes[node];
        let pending = std::mem::take(&mut node.pending);
        for pending in pending {
            if pending.ended < begun {
                apply(&mut node.safe, &pending.change);
            } else {
                node.pending.push(pending);
            }
        }
    }

    /// Writes what a cut at this moment leaves to a real directory. `flying` are calls that had begun.
    pub(super) fn cut(
        &self,
        flying: &[&Call],
        mercy: Mercy,
        rng: &mut Rng,
        to: &Path,
    ) -> io::Result<()> {
        let mut disk = self.clone();
        for call in flying {
            // A sync that did not end promised nothing.
            if !matches!(call.op, Op::Sync { .. }) {
                disk.play(call);
            }
        }
        fs::create_dir_all(to)?;
        let names = disk.surviving_names(mercy, rng);
        for (path, node) in &names {
            let place = to.join(
                path.strip_prefix(&self.root)
                    .unwrap_or(path)
                    .trim_start_matches('/'),
            );
            // A file whose directory is lost is lost with it.
            let has_parent = parent(path) == self.root || names.contains_key(parent(path));
            if !has_parent {
                continue;
            }
            if disk.nodes[*node].is_dir {
                fs::create_dir_all(place)?;
            } else if place.parent().is_some_and(Path::is_dir) {
                fs::write(place, disk.nodes[*node].surviving(mercy, rng))?;
            }
        }
        Ok(())
    }

    /// Names that are safe, and of the others a beginning: file systems keep the order of names.
    fn surviving_names(&self, mercy: Mercy, rng: &mut Rng) -> BTreeMap<String, usize> {
        let unsafe_ones = self.namings.iter().filter(|naming| !naming.safe).count();
        let kept = match mercy {
            Mercy::Nothing => 0,
            Mercy::Everything => unsafe_ones,
            Mercy::SomeWrites | Mercy::SomeSectors => rng.index(unsafe_ones + 1),
        };
        let mut names = BTreeMap::new();
        let mut seen = 0;
        for naming in &self.namings {
            seen += usize::from(!naming.safe);
            if !naming.safe && seen > kept {
                continue;
            }
            if let Some(gone) = &naming.gone {
                names.remove(gone);
            }
            if let Some((made, node)) = &naming.made {
                names.insert(made.clone(), *node);
            }
        }
        names
    }
}

impl Node {
    fn surviving(&self, mercy: Mercy, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.safe.clone();
        for pending in &self.pending {
            let change = match mercy {
                Mercy::Nothing => continue,
                Mercy::Everything => pending.change.clone(),
                Mercy::SomeWrites => {
                    if rng.below(2) == 0 {
                        continue;
                    }
                    pending.change.clone()
                }
                Mercy::SomeSectors => {
                    tear(&mut bytes, &pending.change, rng);
                    continue;
                }
            };
            apply(&mut bytes, &change);
        }
        bytes
    }
}

fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes } => {
            let end = at + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[*at..end].copy_from_slice(bytes);
        }
        Change::Len(len) => file.resize(*len, 0),
    }
}

/// Applies some of the sectors that a write touches.
fn tear(file: &mut Vec<u8>, change: &Change, rng: &mut Rng) {
    let Change::Write { at, bytes } = change else {
        if rng.below(2) == 0 {
            apply(file, change);
        }
        return;
    };
    let mut from = 0;
    while from < bytes.len() {
        // Up to the next border of a sector of the disk.
        let to = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
        if rng.below(2) == 0 {
            let bytes = bytes[from..to].to_vec();
            apply(
                file,
                &Change::Write {
                    at: at + from,
                    bytes,
                },
            );
        }
        from = to;
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: usize, op: Op) -> Call {
        Call {
            begun: number,
            ended: number,
            op,
        }
    }

    #[test]
    fn only_what_was_synced_survives_without_mercy() {
        let path = |name: &str| format!("/d/{name}");
        let write = |name: &str, bytes: &[u8]| Op::Write {
            path: path(name),
            at: 0,
            bytes: bytes.to_vec(),
        };
        let make = |name: &str| Op::Create {
            path: path(name),
            truncate: false,
        };
        let ops = [
            make("kept"),
            write("kept", b"old"),
            Op::Sync { path: path("kept") },
            Op::Sync { path: "/d".into() },
            write("kept", b"new"),
            make("nameless"),
            write("nameless", b"x"),
            Op::Sync {
                path: path("nameless"),
            },
        ];
        let mut disk = Disk::new("/d");
        for (number, op) in ops.into_iter().enumerate() {
            disk.play(&call(number, op));
        }
        let read = |mercy| {
            let to = std::env::temp_dir()
                .join(format!("power-cut-test-{}-{mercy:?}", std::process::id()));
            disk.cut(&[], mercy, &mut Rng::new(1), &to).unwrap();
            let read = |name: &str| fs::read(to.join(name)).ok();
            let both = (read("kept"), read("nameless"));
            fs::remove_dir_all(&to).unwrap();
            both
        };
        assert_eq!(read(Mercy::Nothing), (Some(b"old".to_vec()), None));
        let everything = (Some(b"new".to_vec()), Some(b"x".to_vec()));
        assert_eq!(read(Mercy::Everything), everything);
    }
}
