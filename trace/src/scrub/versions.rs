//! Versions of four numbers, which look like addresses of the network.
//!
//! Neighbours: `pii` asks before it takes four numbers for an address. Must not judge the numbers: any of them can be both.

use crate::normalise::boundary;

/// Whether four numbers are a version: behind the name of a product or the word for it, or behind `name@` that is no login.
pub(super) fn is_version(text: &str, start: usize) -> bool {
    const LOGINS: &[&str] = &[
        "root", "ubuntu", "admin", "user", "git", "deploy", "pi", "debian",
    ];
    let low = boundary(text, start.saturating_sub(64));
    let before = &text[low..start];
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
    if is_released(before) {
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
    ];
    const CHANGES: &[&str] = &[
        "upgrad", "updat", "bump", "downgrad", "roll", "pinned", "migrat", "releas",
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
    let is_named = PRODUCTS.contains(&last) || last.ends_with("version") || last.ends_with("_ver");
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
        let text = format!("{before}3.11.9.1");
        assert_eq!(is_version(&text, before.len()), is, "{text}");
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
}
