//! Keys over a slow log: a journal takes every group at the price of one synced write, memory
//! answers for what is in the journal, and a thread moves it to the log below in large strokes.
//!
//! Neighbours: `journal` is the files, `sled_store` the [`Base`] below. Must not know what keys and
//! values mean. Why this is so is in `docs/adr/0008-write-a-journal-first.md`.
//!
//! There are two layers over the base. Groups go to the young one and its journal. When that is full,
//! the old one, whose groups are in the base by then, is dropped; the young one becomes the old one;
//! and its place and the other journal are used anew. A key is looked up in the young layer, the old
//! one, and the base, in this order. While the old layer is moved, the base has some of its keys
//! already: they hold what the layer over them says, so nobody sees a difference.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::iter::Peekable;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

use crate::files::{io_error, make_dir, read_if_there, sync_dir};
use crate::journal::{Group, Journal};
use crate::kv::{Batch, KeyRange, Order, Pair};
use crate::store::Error;

/// The directory of the two journals.
const JOURNAL_DIR: &str = "journal";
/// The file with the number of the last acknowledged group.
const ACKNOWLEDGED_FILE: &str = "acknowledged";
/// The young layer is full when its journal has this many bytes.
pub(crate) const LAYER_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// One synced write of the base. The log below loses its footing when a power cut tears several of
/// its segments (512 KiB) at once; a stroke stays well inside one.
const STROKE_BYTES_MAX: usize = 64 * 1024;

/// Sorted keys that are durable when they are asked to be: what lies under the layers.
pub(crate) trait Base: Send + Sync + 'static {
    /// The number of the last group whose keys are all here; 0 in a new one.
    fn group(&self) -> Result<u64, Error>;

    /// Does the whole batch or nothing; `group` becomes the last group. Durable on return.
    fn write(&self, batch: Batch, group: Option<u64>) -> Result<(), Error>;

    /// The value of one key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Shows the pairs of a range in that order until the visitor breaks.
    fn visit(&self, range: &KeyRange, order: Order, visitor: &mut Visitor<'_>)
    -> Result<(), Error>;
}

/// Is shown pairs until it has enough.
pub(crate) type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// What keys were given (`Some`) or lost (`None`), newest word only.
type Layer = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Sorted keys: two layers in memory over a base.
pub(crate) struct Layered<B> {
    shared: Arc<Shared<B>>,
    writer: Mutex<Writer>,
}

struct Shared<B> {
    base: B,
    layers: RwLock<Layers>,
    /// Set when nobody waits for the old layer any more; the journal keeps it.
    leaving: AtomicBool,
}

#[derive(Default)]
struct Layers {
    young: Layer,
    old: Option<Arc<Layer>>,
}

struct Writer {
    /// The young layer's and the other one.
    journals: [Journal; 2],
    young: usize,
    /// The number of the last group.
    group: u64,
    moving: Option<JoinHandle<Result<(), Error>>>,
    /// Holds `group`. Never synced: after a power cut it may be older than the journal, not newer.
    acknowledged: File,
    layer_bytes_max: u64,
}

/// Whether a group can ever have been written to the journals of a directory.
pub(crate) fn has_begun(dir: &Path) -> bool {
    dir.join(JOURNAL_DIR).exists() || dir.join(ACKNOWLEDGED_FILE).exists()
}

impl<B: Base> Layered<B> {
    /// Puts the journals of a directory over a base. A layer is full with `layer_bytes_max`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a group that was acknowledged is in neither.
    pub(crate) fn open(dir: &Path, base: B, layer_bytes_max: u64) -> Result<Self, Error> {
        let journal_dir = dir.join(JOURNAL_DIR);
        make_dir(&journal_dir)?;
        let below = base.group()?;
        let mut zero = Found::open(&journal_dir.join("0"), below)?;
        let mut one = Found::open(&journal_dir.join("1"), below)?;
        sync_dir(&journal_dir)?;
        // The journal with the later groups is the young layer's.
        let young = usize::from(one.last() > zero.last());
        let (older, younger) = match young {
            0 => (&mut one, &mut zero),
            _ => (&mut zero, &mut one),
        };
        check_sequence(dir, below, older.groups.iter().chain(&younger.groups))?;
        let group = younger.last().unwrap_or(below);
        let acknowledged = open_acknowledged(dir, group)?;
        younger.settle()?;
        let moved = older.last();
        let layers = Layers {
            old: moved.map(|_| Arc::new(older.layer())),
            young: younger.layer(),
        };
        let shared = Arc::new(Shared {
            base,
            layers: RwLock::new(layers),
            leaving: AtomicBool::new(false),
        });
        let writer = Writer {
            journals: [zero.journal, one.journal],
            young,
            group,
            moving: moved.map(|group| move_down(Arc::clone(&shared), group)),
            acknowledged,
            layer_bytes_max,
        };
        Ok(Self {
            shared,
            writer: Mutex::new(writer),
        })
    }

    /// Does the whole batch or nothing. **Durability**: it survives a power cut on return.
    pub(crate) fn apply(&self, batch: Batch) -> Result<(), Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.check_moving()?;
        if writer.journals[writer.young].bytes() >= writer.layer_bytes_max {
            self.shift(&mut writer)?;
        }
        let (young, group) = (writer.young, writer.group + 1);
        writer.journals[young].append(group, &batch)?;
        writer.acknowledge(group);
        let mut layers = self.shared.layers.write();
        let layers = layers.as_mut().map_err(|_| Error::Closed)?;
        layers.young.extend(batch);
        Ok(())
    }

    /// Makes the young layer the old one. Waits until the one before is in the base.
    fn shift(&self, writer: &mut Writer) -> Result<(), Error> {
        writer.finish_moving()?;
        writer.young = 1 - writer.young;
        let (young, keep) = (writer.young, writer.layer_bytes_max);
        writer.journals[young].reuse(keep)?;
        let mut layers = self.shared.layers.write().map_err(|_| Error::Closed)?;
        layers.old = Some(Arc::new(std::mem::take(&mut layers.young)));
        drop(layers);
        writer.moving = Some(move_down(Arc::clone(&self.shared), writer.group));
        Ok(())
    }

    /// Moves everything to the base, and makes the journals short.
    pub(crate) fn move_all(&self) -> Result<(), Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.shift(&mut writer)?;
        writer.finish_moving()?;
        writer
            .journals
            .iter_mut()
            .try_for_each(|journal| journal.reuse(0))
    }

    /// The value of one key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let layers = self.layers()?;
        let old = layers.old.as_deref().and_then(|old| old.get(key));
        match layers.young.get(key).or(old) {
            Some(value) => Ok(value.clone()),
            None => self.shared.base.get(key),
        }
    }

    /// The first `limit` pairs of a range, seen in that order.
    pub(crate) fn scan(
        &self,
        range: &KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let mut pairs = Vec::new();
        if range.is_empty() || limit == 0 {
            return Ok(pairs);
        }
        let layers = self.layers()?;
        let mut above = Newest::over(&layers, range, order);
        let is_full = |pairs: &mut Vec<Pair>, key: &[u8], value: Option<&[u8]>| {
            pairs.extend(value.map(|value| (key.to_vec(), value.to_vec())));
            pairs.len() >= limit
        };
        self.shared.base.visit(range, order, &mut |key, value| {
            while let Some((above_key, above_value)) = above.next_until(key) {
                if is_full(&mut pairs, above_key, above_value) {
                    return ControlFlow::Break(());
                }
                if above_key == key {
                    return ControlFlow::Continue(());
                }
            }
            if is_full(&mut pairs, key, Some(value)) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        while pairs.len() < limit {
            let Some((key, value)) = above.next() else {
                break;
            };
            is_full(&mut pairs, key, value);
        }
        Ok(pairs)
    }

    fn layers(&self) -> Result<RwLockReadGuard<'_, Layers>, Error> {
        self.shared.layers.read().map_err(|_| Error::Closed)
    }
}

impl<B> Drop for Layered<B> {
    fn drop(&mut self) {
        // The base must be free again when this has gone. What is not moved stays in the journal.
        self.shared.leaving.store(true, Ordering::Release);
        let writer = self
            .writer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let _next_open_tells = writer.finish_moving();
    }
}

impl Writer {
    /// Gives the error of a move that has failed.
    fn check_moving(&mut self) -> Result<(), Error> {
        if self.moving.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish_moving()?;
        }
        Ok(())
    }

    fn finish_moving(&mut self) -> Result<(), Error> {
        match self.moving.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_panic)) => Err(Error::Closed),
        }
    }

    /// The group is durable by now. If this fails, only the notice of a later loss is missing.
    /// One write of one length, so that no reader ever sees half a number.
    fn acknowledge(&mut self, group: u64) {
        self.group = group;
        let told = format!("{group:020}\n");
        let _notice_missing = self
            .acknowledged
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.acknowledged.write_all(told.as_bytes()));
    }
}

/// Moves the old layer, which ends with a group, to the base, and drops it.
fn move_down<B: Base>(shared: Arc<Shared<B>>, group: u64) -> JoinHandle<Result<(), Error>> {
    std::thread::spawn(move || {
        let old = match shared.layers.read() {
            Ok(layers) => layers.old.clone(),
            Err(_) => return Err(Error::Closed),
        };
        let mut stroke = Batch::default();
        let mut bytes = 0;
        for (key, value) in old.iter().flat_map(|old| old.iter()) {
            match value {
                Some(value) => stroke.put(key.clone(), value.clone()),
                // Most of what is deleted was made after the last move: the base never had it.
                None if shared.base.get(key)?.is_none() => continue,
                None => stroke.delete(key.clone()),
            }
            bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            if bytes >= STROKE_BYTES_MAX {
                shared.base.write(std::mem::take(&mut stroke), None)?;
                bytes = 0;
                if shared.leaving.load(Ordering::Acquire) {
                    return Ok(());
                }
            }
        }
        shared.base.write(stroke, Some(group))?;
        let mut layers = shared.layers.write().map_err(|_| Error::Closed)?;
        layers.old = None;
        drop(layers);
        // It may be large: freed when nobody waits for the lock any more.
        drop(old);
        Ok(())
    })
}

/// A journal as it was found, and its groups that are not in the base.
struct Found {
    journal: Journal,
    groups: Vec<Group>,
}

impl Found {
    fn open(path: &Path, below: u64) -> Result<Self, Error> {
        let (journal, groups) = Journal::open(path, below)?;
        Ok(Self { journal, groups })
    }

    fn last(&self) -> Option<u64> {
        self.groups.last().map(|group| group.number)
    }

    /// Makes sure that the last group is on the disk: its sync may have failed.
    fn settle(&mut self) -> Result<(), Error> {
        self.groups
            .last()
            .map_or(Ok(()), |last| self.journal.affirm(last))
    }

    fn layer(&mut self) -> Layer {
        let groups = std::mem::take(&mut self.groups);
        groups.into_iter().flat_map(|group| group.writes).collect()
    }
}

fn check_sequence<'a>(
    dir: &Path,
    below: u64,
    groups: impl Iterator<Item = &'a Group>,
) -> Result<(), Error> {
    let mut last = below;
    for group in groups {
        if group.number != last + 1 {
            return Err(Error::Corrupt {
                what: format!("the journal in {}", dir.join(JOURNAL_DIR).display()),
                why: format!("group {} follows group {last}", group.number),
            });
        }
        last = group.number;
    }
    Ok(())
}

/// A journal that lost its end still opens. Only a number kept elsewhere tells that it did.
fn open_acknowledged(dir: &Path, group: u64) -> Result<File, Error> {
    let path = dir.join(ACKNOWLEDGED_FILE);
    let told = read_if_there(&path)?.unwrap_or_default();
    // Cut or empty after a power cut: then it says nothing.
    let told = std::str::from_utf8(&told)
        .ok()
        .and_then(|t| t.strip_suffix('\n'));
    let told: u64 = told.and_then(|t| t.parse().ok()).unwrap_or(0);
    if told > group {
        return Err(Error::Corrupt {
            what: format!("the log in {}", dir.display()),
            why: format!(
                "it ends with group {group}, but group {told} was acknowledged: its end is damaged"
            ),
        });
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io_error("open", &path))
}

type Entry<'a> = (&'a Vec<u8>, &'a Option<Vec<u8>>);
type Entries<'a> = Peekable<Box<dyn Iterator<Item = Entry<'a>> + 'a>>;

/// The entries of both layers in a range; of two for one key the young one.
struct Newest<'a> {
    young: Entries<'a>,
    old: Entries<'a>,
    order: Order,
}

impl<'a> Newest<'a> {
    fn over(layers: &'a Layers, range: &'a KeyRange, order: Order) -> Self {
        let entries = |layer: Option<&'a Layer>| -> Entries<'a> {
            let bounds = (Bound::Included(&range.from), Bound::Excluded(&range.to));
            let entries = layer
                .into_iter()
                .flat_map(move |l| l.range::<Vec<u8>, _>(bounds));
            let entries: Box<dyn Iterator<Item = Entry<'a>>> = match order {
                Order::Forward => Box::new(entries),
                Order::Backward => Box::new(entries.rev()),
            };
            entries.peekable()
        };
        Self {
            young: entries(Some(&layers.young)),
            old: entries(layers.old.as_deref()),
            order,
        }
    }

    fn next(&mut self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let order = match (self.young.peek(), self.old.peek()) {
            (Some((young, _)), Some((old, _))) => in_order(self.order, young, old),
            (_, None) => Less,
            (None, Some(_)) => Greater,
        };
        let (key, value) = match order {
            Less => self.young.next(),
            Greater => self.old.next(),
            Equal => {
                self.old.next();
                self.young.next()
            }
        }?;
        Some((key.as_slice(), value.as_deref()))
    }

    /// The next entry, if it comes before a key or is of that key.
    fn next_until(&mut self, key: &[u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let young = self.young.peek().map(|(young, _)| young.as_slice());
        let old = self.old.peek().map(|(old, _)| old.as_slice());
        let comes = |entry: &[u8]| in_order(self.order, entry, key) != Greater;
        if young.is_some_and(comes) || old.is_some_and(comes) {
            return self.next();
        }
        None
    }
}

fn in_order(order: Order, left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    match order {
        Order::Forward => left.cmp(right),
        Order::Backward => right.cmp(left),
    }
}

#[cfg(test)]
mod tests;
