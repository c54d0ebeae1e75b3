//! A small seeded generator (SplitMix64): the same samples on every machine, for ever.

/// One stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A stream of its own for each name, so that a change in one place leaves the others alone.
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        // FNV-1a spreads names over the seeds.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ hash)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `low..=high`.
    pub(crate) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// A number below `len`, which is not 0.
    pub(crate) fn below(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).expect("lengths fit 64 bits").max(1);
        usize::try_from(self.next() % len).expect("it is below a usize")
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Puts a list into another order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }

    fn letters(&mut self, alphabet: &[u8], len: usize) -> String {
        (0..len).map(|_| char::from(self.pick(alphabet))).collect()
    }

    pub(crate) fn hex(&mut self, len: usize) -> String {
        self.letters(b"0123456789abcdef", len)
    }

    pub(crate) fn token(&mut self, len: usize) -> String {
        let alphabet = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        self.letters(alphabet, len)
    }

    pub(crate) fn capitals(&mut self, len: usize) -> String {
        self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", len)
    }

    pub(crate) fn uuid(&mut self) -> String {
        let h = self.hex(30);
        let (a, b, c, d) = (&h[..8], &h[8..12], &h[12..15], &h[15..18]);
        format!("{a}-{b}-4{c}-a{d}-{}", &h[18..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_by_name() {
        let draw = |name| Rng::named(7, name).hex(16);
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
        assert_eq!(Rng::named(7, "u").uuid().len(), 36);
        let mut list = [1, 2, 3, 4, 5];
        Rng::named(7, "s").shuffle(&mut list);
        list.sort_unstable();
        assert_eq!(list, [1, 2, 3, 4, 5]);
    }
}
