//! Shapes of single words that say what a word is, whatever stands around it: ids, switches, dates, units, names of techniques.
//!
//! Neighbours: `word` asks before it takes a word apart, `scan` asks about what belongs together. Must not know the words around.

/// Whether it is a name with a number behind an underscore, `task_17` or `blk_-9042`: programs number things so, and the number
/// says that the thing is one of many. Names in capitals are codes of a cause and keep their letters.
pub(super) fn is_numbered(core: &str) -> bool {
    let mut parts = core.split('_');
    let name = parts.next().unwrap_or("");
    let named = name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphabetic());
    let mut numbers = 0_usize;
    let numbered = parts.all(|part| {
        numbers += 1;
        let digits = part.strip_prefix('-').unwrap_or(part);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    named && numbered && numbers > 0
}

/// The kind of a thing with the joint behind it, when the rest of the word is the thing's random id: `run_` of `run_01Qx8Zk2pLm4`.
pub(super) fn id_prefix(core: &str) -> Option<&str> {
    let at = core.find('_')? + 1;
    let (prefix, id) = core.split_at(at);
    let kind =
        (3..=9).contains(&prefix.len()) && prefix[..at - 1].bytes().all(|b| b.is_ascii_lowercase());
    let formed = id.len() >= ID_CHARS_MIN && id.bytes().all(|b| b.is_ascii_alphanumeric());
    let numbered =
        id.bytes().any(|b| b.is_ascii_digit()) && id.bytes().any(|b| b.is_ascii_alphabetic());
    (kind && formed && (numbered || is_random(id))).then_some(prefix)
}

/// Shortest random id behind a kind.
const ID_CHARS_MIN: usize = 10;

/// Whether letters of both cases and digits follow each other without the order of words.
fn is_random(id: &str) -> bool {
    let class = |b: &u8| (b.is_ascii_uppercase(), b.is_ascii_digit());
    let bytes = id.as_bytes();
    let turns = bytes
        .windows(2)
        .filter(|pair| class(&pair[0]) != class(&pair[1]))
        .count();
    let mixed =
        bytes.iter().any(u8::is_ascii_lowercase) && bytes.iter().any(u8::is_ascii_uppercase);
    mixed && turns * 5 >= bytes.len() * 2
}

/// Whether it is the value of a switch.
pub(super) fn is_switch(core: &str) -> bool {
    matches!(core, "true" | "false" | "True" | "False")
}

/// Whether it is a class or a resource of a named package, `org.acme.notes/.Editor` or `registry.acme.dev/notes`.
pub(super) fn is_packaged(core: &str) -> bool {
    let Some((package, inside)) = core.split_once('/') else {
        return false;
    };
    let lower = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_lowercase())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    package.contains('.')
        && package.split('.').all(lower)
        && inside.contains(|c: char| c.is_ascii_alphabetic())
        && !inside.contains('/')
}

/// Whether it is a machine's name with the address that it has, `build-7/10.0.0.7:8080`.
pub(super) fn is_resolved(core: &str) -> bool {
    let Some((name, address)) = core.split_once('/') else {
        return false;
    };
    let (ip, port) = address.split_once(':').unwrap_or((address, "0"));
    let digits = |part: &str| {
        !part.is_empty() && part.len() <= 5 && part.bytes().all(|b| b.is_ascii_digit())
    };
    name.contains(|c: char| c.is_ascii_alphabetic())
        && ip.split('.').count() == 4
        && ip.split('.').all(digits)
        && digits(port)
}

/// Whether it is a numbered machine and a port, `build-7:8080`.
pub(super) fn is_machine_port(core: &str) -> bool {
    core.split_once(':').is_some_and(|(name, port)| {
        (2..=5).contains(&port.len())
            && port.bytes().all(|b| b.is_ascii_digit())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.ends_with(|c: char| c.is_ascii_digit())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

/// Whether it is a class with its package, `org.acme.v2.Http2Server`: digits in it are part of a name, unless they number
/// something that has none.
pub(super) fn is_class(core: &str) -> bool {
    let mut labels = core.split(['.', '$']);
    let rooted = labels.next().is_some_and(|first| {
        matches!(
            first,
            "java"
                | "javax"
                | "jakarta"
                | "org"
                | "com"
                | "io"
                | "net"
                | "scala"
                | "kotlin"
                | "sun"
                | "dev"
        )
    });
    let mut count = 0_usize;
    let named = labels.all(|label| {
        count += 1;
        label.starts_with(|c: char| c.is_ascii_alphabetic())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && label.bytes().filter(u8::is_ascii_digit).count() <= 2
    });
    rooted && named && count >= 2
}

/// `SYS-5-RESTART`, `AES-256-GCM`: capitals around a short number are one name.
pub(super) fn is_mnemonic(core: &str) -> bool {
    let mut parts = core.split('-');
    let capitals =
        |part: &str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let (Some(first), Some(number), Some(last), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    capitals(first.trim_start_matches('%'))
        && (1..=3).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && capitals(last)
}

/// `2026-03-01`, `2026/03/01`, `01.03.2026`.
pub(super) fn is_date(core: &str) -> bool {
    (8..=10).contains(&core.len())
        && ['-', '/', '.'].iter().any(|joint| {
            let mut parts = core.split(*joint);
            let lengths = [parts.next(), parts.next(), parts.next()]
                .map(|part| part.filter(|part| part.bytes().all(|b| b.is_ascii_digit())));
            let lengths = lengths.map(|part| part.map_or(0, str::len));
            parts.next().is_none()
                && (1..=2).contains(&lengths[1])
                && matches!((lengths[0], lengths[2]), (4, 1 | 2) | (1 | 2, 4))
        })
}

/// `10:22`, `10:22:31.500`: a time of day, as it stands behind a date.
pub(super) fn is_clock(core: &str) -> bool {
    let mut parts = core.split(':');
    let two = |part: Option<&str>| {
        part.is_some_and(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
    };
    two(parts.next())
        && two(parts.next())
        && parts.next().is_none_or(|seconds| {
            seconds.len() >= 2 && seconds.starts_with(|c: char| c.is_ascii_digit())
        })
        && parts.next().is_none()
}

/// A number with one decimal: how programs write an amount for people, with the unit that fits its size.
pub(super) fn is_rounded(core: &str) -> bool {
    core.split_once('.').is_some_and(|(whole, decimal)| {
        decimal.len() == 1
            && !whole.is_empty()
            && whole
                .bytes()
                .chain(decimal.bytes())
                .all(|b| b.is_ascii_digit())
    })
}

/// A number as such.
pub(super) fn is_number(core: &str) -> bool {
    core.starts_with(|c: char| c.is_ascii_digit())
        && core
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
}

/// A unit of time behind a number.
pub(super) fn is_time_unit(core: &str) -> bool {
    matches!(
        core,
        "ns" | "us"
            | "µs"
            | "ms"
            | "msec"
            | "msecs"
            | "millis"
            | "milliseconds"
            | "s"
            | "sec"
            | "secs"
            | "second"
            | "seconds"
            | "min"
            | "mins"
            | "minute"
            | "minutes"
            | "hour"
            | "hours"
    )
}

/// A unit of memory that is chosen by the size of the amount before it.
pub(super) fn is_size_unit(core: &str) -> bool {
    matches!(
        core,
        "B" | "kB" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB"
    )
}

/// The method, when quoted text is the first line of an HTTP request.
pub(super) fn request_method(quoted: &str) -> Option<&str> {
    const METHODS: [&str; 8] = [
        "GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "CONNECT",
    ];
    let (method, rest) = quoted.split_once(' ')?;
    (METHODS.contains(&method) && rest.contains(" HTTP/")).then_some(method)
}

/// Names of techniques that hold a digit.
pub(super) fn is_technical(part: &str) -> bool {
    const NAMES: &[&str] = &[
        "aes128",
        "aes256",
        "arm64",
        "av1",
        "avx2",
        "base32",
        "base64",
        "bz2",
        "dhcp4",
        "dhcp6",
        "e820",
        "ec2",
        "es6",
        "ext2",
        "ext3",
        "ext4",
        "float32",
        "float64",
        "gpt4",
        "h264",
        "h265",
        "http1",
        "http2",
        "http3",
        "i18n",
        "i2c",
        "i32",
        "i64",
        "i686",
        "ieee80211",
        "inet4",
        "inet6",
        "int16",
        "int32",
        "int64",
        "int8",
        "ip4",
        "ip6",
        "ipv4",
        "ipv6",
        "jk2",
        "k8s",
        "l1",
        "l10n",
        "l2",
        "l3",
        "layer3",
        "layer4",
        "layer7",
        "log4j",
        "log4j2",
        "lz4",
        "md5",
        "mp3",
        "mp4",
        "neo4j",
        "nfs3",
        "nfs4",
        "nfsv3",
        "nfsv4",
        "oauth1",
        "oauth2",
        "p12",
        "p2p",
        "ps2",
        "py3",
        "python2",
        "python3",
        "s3",
        "sha1",
        "sha256",
        "sha3",
        "sha512",
        "sqlite3",
        "sse2",
        "ssh1",
        "ssh2",
        "ssl2",
        "ssl3",
        "tcp4",
        "tcp6",
        "tls1",
        "tls12",
        "tls13",
        "u16",
        "u32",
        "u64",
        "u8",
        "udp4",
        "udp6",
        "uint32",
        "uint64",
        "usb2",
        "usb3",
        "utf16",
        "utf32",
        "utf8",
        "vp8",
        "vp9",
        "web3",
        "win10",
        "win11",
        "win32",
        "win64",
        "wpa2",
        "wpa3",
        "x11",
        "x509",
        "x64",
        "x86",
    ];
    part.len() <= 9
        && NAMES
            .binary_search(&part.to_ascii_lowercase().as_str())
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_techniques_is_sorted() {
        for name in ["aes128", "ext4", "l2", "log4j2", "x86", "sha3", "i686"] {
            assert!(is_technical(name), "{name}");
        }
        assert!(!is_technical("worker7"));
    }

    #[test]
    fn dates_and_clocks_have_their_shapes() {
        for date in ["2026-03-01", "2026/3/1", "01.03.2026"] {
            assert!(is_date(date), "{date}");
        }
        for other in ["10.0.0.7", "1.2.3", "2026-03", "2026-03-011", ""] {
            assert!(!is_date(other), "{other}");
        }
        assert!(is_clock("10:22") && is_clock("10:22:31.500"));
        assert!(!is_clock("10:22:31:5") && !is_clock("8080:22") && !is_clock(":22"));
    }
}
