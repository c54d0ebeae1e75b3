//! How the values of a real store lie on the disk, as the command line names it.
//!
//! Neighbours: `power_cut` and `kill` open their stores with it. The key is of no worth.

use state::{Coding, KeyRing};

/// How the values lie on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lies {
    Plain,
    Compressed,
    Encrypted,
    Both,
}

impl Lies {
    pub(crate) const ALL: [(Self, &str); 4] = [
        (Self::Plain, "plain"),
        (Self::Compressed, "compressed"),
        (Self::Encrypted, "encrypted"),
        (Self::Both, "both"),
    ];

    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found
            .map(|(lies, _)| *lies)
            .ok_or_else(|| format!("--lies takes plain, compressed, encrypted or both, not {name}"))
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(lies, _)| *lies == self)
            .map_or("plain", |(_, name)| name)
    }

    pub(crate) fn coding(self) -> Result<Coding, String> {
        let ring = KeyRing::parse(&"5a".repeat(32)).map_err(|e| e.to_string())?;
        Ok(match self {
            Self::Plain => Coding::Plain,
            Self::Compressed => Coding::Compressed,
            Self::Encrypted => Coding::Encrypted(ring),
            Self::Both => Coding::CompressedEncrypted(ring),
        })
    }
}
