//! Versions of four numbers, which look like addresses of the network.
//!
//! Neighbours: `pii` asks before it takes four numbers for an address. Numbers can be both: what stands around them
//! decides, and how small they are where nothing does.

use std::net::Ipv4Addr;
use std::ops::Range;

use super::near;
use crate::normalise::boundary;

/// Whether four numbers are a version or the number of a section: behind the name of a product or the word for it, behind
/// `name@` that is no login, or all of them so small that a host would have a word for it.
pub(super) fn is_version(text: &str, range: Range<usize>, numbers: Ipv4Addr) -> bool {
    const LOGINS: &[&str] = &[
        "root", "ubuntu", "admin", "user", "git", "deploy", "pi", "debian",
    ];
    let before = near::before(text, range.start, LEAD_BYTES_MAX);
    // `Chrome/131.0.0.0`, `version 4.0.1.0`, `Version("4.0.1.0")`
    let product = before.strip_suffix('/').is_some_and(|name| {
        name.ends_with(|c: char| c.is_ascii_alphabetic())
            && !name
                .rsplit(char::is_whitespace)
                .next()
                .unwrap_or("")
                .contains("://")
    });
    let lead = before.trim_end_matches([' ', '"', '\'', '(', ':', '=', '[']);
    let tail = boundary(lead, lead.len().saturating_sub("version".len()));
    if product || lead[tail..].eq_ignore_ascii_case("version") || is_pinned(before) {
        return true;
    }
    if is_drawing(text, &range)
        || is_released(before)
        || is_object(before, numbers)
        || is_numbering(text, range, numbers)
    {
        return true;
    }
    let Some(before) = before.strip_suffix('@') else {
        return false;
    };
    let name = before.rsplit(char::is_whitespace).next().unwrap_or("");
    let logs_in = ["ssh", "scp", "sftp", "rsync", "://", "login"]
        .iter()
        .any(|w| before.contains(w));
    !name.is_empty() && !logs_in && !LOGINS.contains(&name) && !name.ends_with("-user")
}

/// Whether nothing says that small numbers are a host's: of all addresses one in four thousand has so small ones, of
/// versions and sections nearly all.
fn is_numbering(text: &str, range: Range<usize>, numbers: Ipv4Addr) -> bool {
    const HOSTS: &[&str] = &[
        "ip",
        "ips",
        "ipv4",
        "addr",
        "address",
        "addresses",
        "host",
        "hosts",
        "hostname",
        "server",
        "servers",
        "from",
        "client",
        "ping",
        "connect",
        "connected",
        "connecting",
        "connection",
        "ssh",
        "dns",
        "resolver",
        "gateway",
        "via",
        "peer",
        "remote",
        "nameserver",
        "nameservers",
        "listen",
        "listening",
        "inet",
        "src",
        "dst",
        "route",
        "subnet",
        "network",
        "proxy",
        "node",
        "vm",
        "login",
        "logged",
    ];
    if numbers.octets().iter().any(|number| *number > SMALL_MAX) {
        return false;
    }
    let before = near::before(text, range.start, HOST_BYTES_MAX).to_ascii_lowercase();
    // The name of a placeholder is no word for what comes next, or each look would take one more.
    let before = before.replace("[ip_", "[");
    let behind = near::behind(text, range.end, HOST_BYTES_MAX);
    let is_reached = before.ends_with("//") || before.ends_with('@');
    let is_served = behind
        .strip_prefix([':', '/'])
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        // As servers write who asked: `3.11.9.1 - - [`.
        || behind.starts_with(" - ");
    let is_host = before
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| HOSTS.contains(&word));
    !is_reached && !is_served && !is_host
}

/// Whether it stands among the numbers of a drawing: `-2.12 3.51.98.32 2.03`.
fn is_drawing(text: &str, range: &Range<usize>) -> bool {
    let is_fraction = |word: &str| {
        let number = word.trim_start_matches('-');
        number.contains('.') && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let before = near::before(text, range.start, HOST_BYTES_MAX)
        .strip_suffix(' ')
        .and_then(|lead| lead.rsplit([' ', '-']).next());
    let behind = near::behind(text, range.end, HOST_BYTES_MAX)
        .strip_prefix(' ')
        .and_then(|rest| rest.split(' ').next());
    // Addresses stand in rows as well.
    let is_short = |word: &&str| word.matches('.').count() < 3;
    before.filter(is_short).is_some_and(is_fraction)
        && behind.filter(is_short).is_some_and(is_fraction)
}

/// Whether it is the id of a kind of object, beside a word for it: `OID_KEY_USAGE = '2.5.29.15'`.
fn is_object(before: &str, numbers: Ipv4Addr) -> bool {
    let is_arc = matches!(
        numbers.octets(),
        [2, 5, 4 | 29, _] | [1, 3, 6 | 101 | 132, _] | [2, 23, ..]
    );
    is_arc && before.to_ascii_lowercase().contains("oid")
}

/// Largest number of a version or section that is taken for one without a word.
const SMALL_MAX: u8 = 31;

/// How far the names of products are looked for, bytes.
const LEAD_BYTES_MAX: usize = 64;

/// How far the words for hosts are looked for, bytes.
const HOST_BYTES_MAX: usize = 40;

/// Whether a tool for packages says which version it wants: `numpy==...`, `driver>=...`. A filter of packets, such as
/// `ip.src==...`, speaks of hosts.
fn is_pinned(before: &str) -> bool {
    let Some(name) = ["==", ">=", "<=", "~=", "!=", "@^", "@~"]
        .iter()
        .find_map(|sign| before.strip_suffix(sign))
    else {
        return false;
    };
    let name = name
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ']')))
        .next()
        .unwrap_or("")
        .to_ascii_lowercase();
    let is_host = [
        "ip", "addr", "host", "src", "dst", "server", "remote", "client",
    ]
    .iter()
    .any(|word| name.contains(word));
    !name.is_empty() && !is_host
}

/// Whether the words before say that something was released or changed to a version: `python ...`,
/// `upgraded numpy from ... to ...`.
fn is_released(before: &str) -> bool {
    const PRODUCTS: &[&str] = &[
        "python",
        "node",
        "nodejs",
        "java",
        "jdk",
        "jre",
        "openjdk",
        "ruby",
        "php",
        "perl",
        "go",
        "golang",
        "rust",
        "dotnet",
        ".net",
        "openssl",
        "openssh",
        "curl",
        "nginx",
        "chrome",
        "chromium",
        "chromedriver",
        "firefox",
        "edge",
        "safari",
        "electron",
        "webkit",
        "cuda",
        "cudnn",
        "driver",
        "sdk",
        "firmware",
        "kernel",
        "release",
        "build",
        "ver",
        "ver.",
        "v",
        "rev",
        "revision",
        "msvc",
        "gcc",
        "clang",
        "tensorflow",
        "pytorch",
        "torch",
        "numpy",
        "pandas",
        "postgres",
        "postgresql",
        "mysql",
        "mariadb",
        "redis",
        "mongodb",
        "oracle",
        "windows",
        "office",
        "outlook",
        "teams",
        "zoom",
        "gradle",
        "assembly",
        "plugin",
        "package",
        "library",
        "app",
        "agent-version",
        "tag",
        "vulkan",
        "directx",
        "opera",
        "brave",
        "vivaldi",
        "unity",
        "excel",
        "wheel",
        "pip",
        "npm",
        "deb",
        "rpm",
        "git",
        "rv",
        // What documents count.
        "section",
        "sections",
        "sec.",
        "clause",
        "chapter",
        "appendix",
        "figure",
        "table",
        "rule",
        "step",
        "steps",
        "oid",
        "object",
        "objectidentifier",
    ];
    const CHANGES: &[&str] = &[
        "upgrad", "updat", "bump", "downgrad", "roll", "pinned", "migrat", "releas", "patch",
    ];
    let lead = before.trim_end_matches([' ', '"', '\'', '(', ':', '=', '[', '`']);
    let lower = lead.to_ascii_lowercase();
    let mut words = lower
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .filter(|word| !word.is_empty());
    let last = words.next().unwrap_or("");
    let last = if matches!(last, "is" | "was") {
        words.next().unwrap_or("")
    } else {
        last
    };
    let end = last.rsplit(['.', '-', '_']).next().unwrap_or(last);
    let is_named = PRODUCTS.contains(&last)
        || PRODUCTS.contains(&end)
        || last.ends_with("version")
        || last.ends_with("_ver");
    let is_changed = matches!(last, "from" | "to" | "at")
        && CHANGES.iter().any(|change| lower.contains(change))
        && !["addr", "host", " ip", "dns", "record", "server"]
            .iter()
            .any(|word| lower.contains(word));
    is_named || is_changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, is: bool) {
        let numbers = "3.11.99.1";
        let text = format!("{before}{numbers}");
        let range = before.len()..text.len();
        let found = is_version(&text, range, numbers.parse().unwrap());
        assert_eq!(found, is, "{text}");
    }

    #[test]
    fn four_numbers_behind_the_name_of_a_program_are_its_version() {
        for before in [
            "python ",
            "Python: ",
            "chromedriver==",
            "\"file_version\": \"",
            "upgraded numpy from ",
            "bump the driver to ",
            "the version is ",
            "see section ",
            "ObjectIdentifier(\"",
        ] {
            check(before, true);
        }
        for before in [
            "connected to ",
            "ip.src==",
            "moved the host from ",
            "login from ",
            "server: ",
            "ssh root@",
            "",
        ] {
            check(before, false);
        }
    }

    #[test]
    fn small_numbers_need_a_word_for_a_host() {
        let is = |before: &str, behind: &str| {
            let text = format!("{before}3.11.9.1{behind}");
            let range = before.len()..before.len() + 8;
            is_version(&text, range, Ipv4Addr::new(3, 11, 9, 1))
        };
        assert!(is("fixed in ", " and later"));
        assert!(is("", "\n"));
        assert!(!is("login from ", ""));
        assert!(!is("http://", "/"));
        assert!(!is("", ":8080"));
        assert!(!is("", " - - [10/Mar/2026"));
    }
}
