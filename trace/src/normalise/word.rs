//! Judges one word of a message: does it name something, or is it a value?
//!
//! Neighbours: `scan` cuts the words. Must not know the lines around one.

use super::PLACEHOLDER;
use super::shape;

/// What stood before a word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before<'a> {
    /// The word before, lower case.
    pub(super) word: &'a str,
    /// The word before that one, lower case.
    pub(super) word_before: &'a str,
    /// The last character that is no space.
    pub(super) mark: Option<char>,
}

/// Characters that join parts into one word.
const JOINTS: &[char] = &[
    '-', '_', '.', ':', '/', '@', '#', '$', '%', '+', '~', '\\', '&',
];

/// Whether a word can start with the character.
pub(super) fn starts(c: char) -> bool {
    c.is_alphanumeric() || JOINTS.contains(&c)
}

/// How many bytes the word at the start of `rest` has.
pub(super) fn length(rest: &str) -> usize {
    if rest.starts_with("data:")
        && rest[..super::boundary(rest, DATA_HEAD_BYTES_MAX)].contains(";base64,")
    {
        return url_length(rest);
    }
    let mut before = ' ';
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let apostrophe = matches!(c, '\'' | '’') && before.is_alphabetic() && next.is_alphabetic();
        // A backslash before a quote escapes the quote.
        let escape = c == '\\' && matches!(next, '"' | '\'' | '`');
        if escape || !(starts(c) || apostrophe) {
            return at;
        }
        if c == ':' && rest[at..].starts_with("://") && before.is_alphanumeric() {
            return url_length(rest);
        }
        before = c;
    }
    rest.len()
}

/// Within so many bytes a data URL names its type and encoding.
const DATA_HEAD_BYTES_MAX: usize = 80;

fn url_length(rest: &str) -> usize {
    let end =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')' | ']' | '}');
    // An address with colons stands in brackets of its own.
    let from = rest
        .find("://[")
        .and_then(|at| rest[at..].find(']').map(|close| at + close + 1))
        .filter(|from| !rest[..*from].contains(char::is_whitespace))
        .unwrap_or(0);
    let bytes = rest[from..].find(end).map_or(rest.len(), |at| from + at);
    rest[..bytes]
        .trim_end_matches(['.', ',', ';', ':', '!', '?'])
        .len()
}

/// Whether the value of `key=value` says who or which one, and not what happened.
pub(super) fn is_identity(key: &str) -> bool {
    let last = key.rsplit(['.', '_', '-']).next().unwrap_or(key);
    matches!(
        last,
        "user"
            | "username"
            | "uid"
            | "host"
            | "rhost"
            | "hostname"
            | "id"
            | "name"
            | "path"
            | "file"
            | "filename"
            | "dir"
            | "url"
            | "uri"
            | "session"
            | "token"
            | "ip"
            | "addr"
            | "address"
            | "query"
            | "q"
            | "pid"
            | "email"
            | "login"
            | "ref"
            | "cwd"
            | "trace"
            | "request"
            | "requestid"
            | "sessionid"
            | "channel"
            | "chat"
            | "database"
            | "db"
            | "queue"
            | "node"
            | "nodelist"
            | "group"
            | "groupid"
            | "client"
            | "clientid"
            | "userid"
            | "server"
            | "device"
            | "topic"
            | "table"
            | "partition"
            | "pod"
            | "namespace"
            | "container"
            | "image"
            | "bucket"
            | "account"
            | "owner"
            | "package"
            | "job"
            | "jobid"
            | "instance"
            | "cluster"
            | "peer"
            | "remote"
            | "caller"
            | "src"
            | "dst"
            | "function"
    )
}

/// Writes a word, or a placeholder where it varies.
pub(super) fn write(chunk: &str, before: Before<'_>, out: &mut String) {
    let core = chunk.trim_end_matches(['.', ':', '/']);
    let core = if core.is_empty() { chunk } else { core };
    let tail: String = chunk[core.len()..].chars().filter(|c| *c != '/').collect();
    if let Some(prefix) = shape::id_prefix(core) {
        out.push_str(prefix);
        out.push_str(PLACEHOLDER);
    } else if is_value(core) || is_named(core, before) {
        out.push_str(PLACEHOLDER);
    } else if keeps_number(core, before) {
        out.push_str(core);
    } else {
        write_parts(core, before, &tail, out);
    }
    out.push_str(&tail);
}

/// Whether the words before say that this one is a name of somebody's choice: the host that was not
/// found, the session that was asked for.
fn is_named(core: &str, before: Before<'_>) -> bool {
    let named = core.contains(|c: char| c.is_alphanumeric());
    let host = matches!(
        before.word,
        "enotfound" | "eai_again" | "getaddrinfo" | "host" | "hostname" | "domain" | "resolve"
    );
    let label = before.mark == Some(':')
        && matches!(
            before.word,
            "label" | "hostname" | "session" | "session_id" | "pid" | "ref"
        );
    let sought = before.word == "for"
        && matches!(
            before.word_before,
            "found" | "password" | "login" | "getaddrinfo" | "failures"
        );
    let account = matches!(before.word, "user" | "username" | "account")
        && matches!(before.word_before, "invalid" | "unknown" | "for" | "as");
    let chosen = (label || sought || account) && !is_verdict(core);
    // OpenClaw gives every process a name of two words: `Exec failed (quiet-cl, signal SIGKILL)`.
    let process = before.mark == Some('(')
        && before.word_before == "exec"
        && matches!(before.word, "failed" | "completed")
        && core.contains('-');
    named
        && ((host && core.contains('.'))
            || chosen
            || process
            || is_machine(core, before)
            || is_declared(core, before))
}

/// Whether a class stands where a message says that it is one: `no bean of type org.acme.Clock`. What was thrown is no value.
fn is_declared(core: &str, before: Before<'_>) -> bool {
    matches!(before.word, "class" | "type" | "interface" | "bean")
        && shape::is_class(core)
        && !core.ends_with("Error")
        && !core.ends_with("Exception")
}

/// Whether a word with a number in it stands where machines and their parts are named: `node cn12`, `on eth0`, `IN=eth0`.
fn is_machine(core: &str, before: Before<'_>) -> bool {
    let announced = before.mark == Some('=')
        || matches!(
            before.word,
            "host"
                | "node"
                | "server"
                | "machine"
                | "interface"
                | "device"
                | "dev"
                | "user"
                | "on"
                | "from"
                | "via"
                | "by"
        );
    announced
        && core.starts_with(|c: char| c.is_ascii_lowercase())
        && core.bytes().all(|b| b.is_ascii_alphanumeric())
        && core.bytes().any(|b| b.is_ascii_digit())
        && !shape::is_technical(core)
}

/// Words that say what is wrong with a value and so are none.
fn is_verdict(core: &str) -> bool {
    matches!(
        core.to_lowercase().as_str(),
        "required"
            | "invalid"
            | "missing"
            | "expired"
            | "not"
            | "must"
            | "cannot"
            | "is"
            | "unknown"
            | "expected"
            | "failed"
            | "no"
            | "closed"
            | "locked"
            | "the"
            | "this"
            | "that"
            | "a"
            | "an"
            | "any"
            | "all"
            | "your"
            | "its"
            | "error"
    )
}

/// Whether a whole word is a value: an address, a path, an id.
fn is_value(core: &str) -> bool {
    core.contains("://")
        || (core.starts_with("data:") && core.contains(";base64,"))
        || is_email(core)
        || is_uuid(core)
        || is_path(core)
        || is_file_name(core)
        || is_host(core)
        || is_ipv6(core)
        || is_encoded(core)
        || shape::is_switch(core)
        || shape::is_numbered(core)
        || shape::is_packaged(core)
        || shape::is_resolved(core)
        || shape::is_machine_port(core)
}

fn is_email(core: &str) -> bool {
    core.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn is_uuid(core: &str) -> bool {
    core.len() == 36
        && core.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_path(core: &str) -> bool {
    let bytes = core.as_bytes();
    let drive = bytes.len() >= 3
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/');
    let rooted = core.len() > 1
        && core.starts_with(['/', '~', '\\'])
        && core[1..].contains(|c: char| c.is_alphanumeric());
    let relative = ["./", "../", ".\\", "..\\"]
        .iter()
        .any(|start| core.starts_with(start));
    let hidden = core
        .strip_prefix('.')
        .is_some_and(|name| name.len() >= 2 && name.starts_with(|c: char| c.is_ascii_lowercase()));
    let slashes = bytes.iter().filter(|b| matches!(b, b'/' | b'\\')).count();
    let deep = slashes >= 2 && !core.starts_with('@');
    let file = slashes == 1 && core.rsplit(['/', '\\']).next().is_some_and(is_file_name);
    drive || rooted || relative || hidden || deep || file
}

/// Whether it is a file by its ending, with or without `:line:column`.
fn is_file_name(core: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "bak",
        "bash",
        "bat",
        "bin",
        "c",
        "cc",
        "cfg",
        "cjs",
        "conf",
        "cpp",
        "cs",
        "css",
        "csv",
        "cts",
        "db",
        "dll",
        "doc",
        "docx",
        "env",
        "exe",
        "gif",
        "go",
        "gz",
        "h",
        "hpp",
        "htm",
        "html",
        "ico",
        "ini",
        "ipynb",
        "jar",
        "java",
        "jpeg",
        "jpg",
        "js",
        "json",
        "jsonl",
        "jsx",
        "kt",
        "lock",
        "log",
        "lua",
        "m4a",
        "md",
        "mdx",
        "mjs",
        "mov",
        "mp3",
        "mp4",
        "mts",
        "ogg",
        "pdb",
        "pdf",
        "php",
        "png",
        "pptx",
        "ps1",
        "py",
        "pyc",
        "rb",
        "rs",
        "rst",
        "scss",
        "sh",
        "so",
        "sol",
        "sql",
        "sqlite",
        "svelte",
        "svg",
        "swift",
        "tar",
        "tf",
        "tgz",
        "tmp",
        "toml",
        "ts",
        "tsv",
        "tsx",
        "txt",
        "vue",
        "wasm",
        "wav",
        "webm",
        "webp",
        "xls",
        "xlsx",
        "xml",
        "yaml",
        "yml",
        "zip",
        "zsh",
        "properties",
    ];
    let name = core.split(':').next().unwrap_or(core);
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && ENDINGS.binary_search(&ending).is_ok() || ending == "properties"
    })
}

/// Whether it is a host name by its last label, with or without a port.
fn is_host(core: &str) -> bool {
    const LAST: &[&str] = &[
        "ai", "app", "au", "br", "ca", "ch", "cloud", "cn", "co", "com", "de", "dev", "edu", "es",
        "eu", "fr", "gov", "in", "info", "internal", "io", "it", "jp", "kr", "lan", "local", "me",
        "mil", "net", "nl", "org", "pl", "ru", "se", "sh", "so", "tv", "tw", "uk", "us", "xyz",
    ];
    let name = core.split(':').next().unwrap_or(core);
    let labels = name.split('.');
    let first = name.split('.').next().unwrap_or("");
    let package = matches!(
        first,
        "java" | "javax" | "org" | "com" | "io" | "net" | "os" | "sys"
    );
    let formed = labels.clone().all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    let known = labels
        .clone()
        .next_back()
        .is_some_and(|last| LAST.binary_search(&last).is_ok());
    formed && known && !package && labels.count() >= 2
}

fn is_ipv6(core: &str) -> bool {
    let colons = core.bytes().filter(|b| *b == b':').count();
    colons >= 2
        && core.bytes().any(|b| b.is_ascii_digit())
        && core
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || b == b':' || (b == b'.' && core.starts_with("::")))
}

/// Whether it is a long hash or encoded bytes.
fn is_encoded(core: &str) -> bool {
    let has = |test: fn(&u8) -> bool| core.as_bytes().iter().any(test);
    let hex =
        core.len() >= 8 && has(u8::is_ascii_digit) && core.bytes().all(|b| b.is_ascii_hexdigit());
    let encoded = core.len() >= 24
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && core
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-'))
        && core.bytes().filter(u8::is_ascii_digit).count() * 20 >= core.len();
    hex || encoded
}

/// Whether a number names the cause: a status, an exit code, an error number.
fn keeps_number(core: &str, before: Before<'_>) -> bool {
    let digits = core.strip_prefix('-').unwrap_or(core);
    if digits.is_empty() || digits.len() > 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    if before.mark == Some(',') {
        return false;
    }
    let named = matches!(
        before.word,
        "code" | "status" | "errno" | "http" | "signal" | "exit"
    ) || before.word.starts_with("http/")
        || before.word.ends_with("_code")
        || before.word.ends_with("statuscode");
    let status = digits.len() == 3
        && matches!(digits.as_bytes()[0], b'4' | b'5')
        && matches!(before.word, "error" | "returned" | "response" | "failed");
    named || status
}

/// Writes the parts of a joined word one by one: words stay, numbers and ids do not.
fn write_parts(core: &str, before: Before<'_>, tail: &str, out: &mut String) {
    if is_error_code(core, before, tail) || shape::is_mnemonic(core) || shape::is_class(core) {
        out.push_str(core);
        return;
    }
    let from = out.len();
    let mut at = 0;
    for piece in core.split_inclusive(JOINTS) {
        let part = piece.trim_end_matches(JOINTS);
        let joint = &piece[part.len()..];
        if out.ends_with(':') && out.len() > from && shape::is_switch(part) {
            out.push_str(PLACEHOLDER);
        } else {
            write_part(part, out);
        }
        // A sign belongs to its number, a per cent mark too.
        let opens = out.len() == from;
        let sign = part.is_empty()
            && (matches!(joint, "-" | "+") && (opens || out.ends_with([':', '_']))
                || joint == "." && opens);
        let percent = joint == "%" && out.ends_with(PLACEHOLDER);
        at += piece.len();
        let signs_number = sign
            && core[at..]
                .trim_start_matches('.')
                .starts_with(|c: char| c.is_ascii_digit());
        if !(signs_number || percent) {
            out.push_str(joint);
        }
    }
    // A word that holds two numbers with letters between is an id as a whole.
    let written = &out[from..];
    let first = written.find(PLACEHOLDER).map(|at| at + PLACEHOLDER.len());
    let last = written.rfind(PLACEHOLDER);
    let is_id = first
        .zip(last)
        .and_then(|(start, end)| written.get(start..end))
        .is_some_and(|between| between.contains(char::is_alphabetic));
    if is_id {
        out.truncate(from);
        out.push_str(PLACEHOLDER);
    }
}

/// `TS2345:`, `E0382]`, `ORA-00942:`: codes that makers give to causes.
fn is_error_code(core: &str, before: Before<'_>, tail: &str) -> bool {
    let letters = core.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = core[letters..]
        .strip_prefix('-')
        .unwrap_or(&core[letters..]);
    let formed = (1..=6).contains(&letters)
        && (3..=5).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit());
    let announced = tail == ":" || matches!(before.word, "error" | "warning" | "code" | "rule");
    formed && announced
}

/// Most digits behind a name; a longer number is an id.
const SUFFIX_DIGITS_MAX: usize = 3;

fn write_part(part: &str, out: &mut String) {
    let letters = part.bytes().take_while(|b| !b.is_ascii_digit()).count();
    let numbers = &part[letters..];
    if numbers.is_empty() || shape::is_technical(part) {
        out.push_str(part);
        return;
    }
    // `worker12` keeps its name; an id that mixes letters and digits, or a long number, has none.
    let suffix = numbers.bytes().all(|b| b.is_ascii_digit()) && numbers.len() <= SUFFIX_DIGITS_MAX;
    if suffix && letters >= 2 {
        out.push_str(&part[..letters]);
    }
    out.push_str(PLACEHOLDER);
}
