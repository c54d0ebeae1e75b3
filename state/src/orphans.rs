//! Blobs that nothing names any more: how many there are, and taking them away.
//!
//! A blob is durable before the event that names it, so a crash in between leaves one that nobody will ever
//! ask for; so does the deletion of the runs that named it. Who names what is in the callers' own values, of
//! which a store knows nothing. So this looks at every value of every kind and takes whatever could be the
//! digest of a blob for one: it keeps a blob too many before it takes away one that is needed. What those
//! blobs name is kept as well, and so on.
//!
//! A digest is seen as its 32 bytes or as 64 hexadecimal digits, either of them also as a list of numbers (so
//! JSON writes bytes) or in base64. A value that hides it otherwise, compressed say, keeps no blob.
//!
//! **Memory**: at most 41 bytes for each blob there is, 2 MiB, and the largest value twice: 43 MB and that for
//! 1,000,000 blobs.
//! Neighbours: the face calls this with the [`Owner`](crate::Owner) of the directory in its hand. Must not
//! know kinds of keys.

mod marks;

use kernel::Timestamp;

use crate::store::{BlobInfo, Error, Store};
use marks::Marks;

/// Blobs listed at a time.
const PAGE_BLOBS: usize = 4_096;
/// Values shown at a time.
const PAGE_VALUES: usize = 64;
/// Records of deleted runs that one group takes away.
const SWEEP_RECORDS: usize = 500;

/// What there is, and what nothing names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// All blobs, those without a name among them.
    pub blobs: Pile,
    /// Those that nothing names.
    pub orphans: Pile,
    /// When the first of these was written, where that is known.
    pub oldest_orphan_at: Option<Timestamp>,
    /// Those of them that were taken away: all, but what was put since the store was opened.
    pub removed: Pile,
}

/// Some blobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pile {
    /// How many.
    pub count: u64,
    /// Bytes that they take where they lie.
    pub bytes: u64,
}

impl Pile {
    fn add(&mut self, blob: &BlobInfo) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(blob.bytes);
    }
}

/// Counts the blobs that nothing names. No engine may be at work on the store: what it has read and not
/// written yet is not seen. Finishes what was left of deleted runs, and writes nothing else.
///
/// # Errors
/// Those of the store. A value that cannot be read could name anything, so then nothing is counted.
///
/// ```
/// use state::{MemoryStore, Store, orphans};
///
/// let store = MemoryStore::new();
/// store.put_blob(b"a result that no run came to name")?;
/// let census = orphans::count(&store)?;
/// assert_eq!((census.blobs.count, census.orphans.count), (1, 1));
/// # Ok::<(), state::Error>(())
/// ```
pub fn count(store: &dyn Store) -> Result<Census, Error> {
    census(store, |_blob| Ok(false))
}

/// Takes away the blobs that nothing names, but those that were put since the store was opened. No engine
/// may be at work on the store.
///
/// **Durability**: a kill in between leaves the rest for the next time.
///
/// # Errors
/// Those of [`count`], before anything was taken away; those of taking one away.
pub fn collect(store: &dyn Store) -> Result<Census, Error> {
    census(store, |blob| store.remove_blob(&blob.digest))
}

fn census(
    store: &dyn Store,
    mut remove: impl FnMut(&BlobInfo) -> Result<bool, Error>,
) -> Result<Census, Error> {
    while store.sweep(SWEEP_RECORDS)? {}
    let mut digests = Vec::new();
    each_blob(store, |blob| {
        digests.push(blob.digest);
        Ok(())
    })?;
    if digests.is_empty() {
        return Ok(Census::default());
    }
    let mut marks = Marks::new(digests);
    let mut after = Some(Vec::new());
    while let Some(place) = after {
        after = store.visit_values(&place, PAGE_VALUES, &mut |value| marks.look(value))?;
    }
    while let Some(digest) = marks.next_unread() {
        if let Some(bytes) = store.blob(&digest)? {
            marks.look(&bytes);
        }
    }
    let mut census = Census::default();
    each_blob(store, |blob| {
        census.blobs.add(blob);
        if !marks.is_orphan(&blob.digest) {
            return Ok(());
        }
        census.orphans.add(blob);
        let oldest = census.oldest_orphan_at.into_iter().chain(blob.written_at);
        census.oldest_orphan_at = oldest.min();
        if remove(blob)? {
            census.removed.add(blob);
        }
        Ok(())
    })?;
    Ok(census)
}

fn each_blob(
    store: &dyn Store,
    mut see: impl FnMut(&BlobInfo) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = store.blobs(after, PAGE_BLOBS)?;
        page.iter().try_for_each(&mut see)?;
        match page.last() {
            Some(last) => after = Some(last.digest),
            None => return Ok(()),
        }
    }
}
