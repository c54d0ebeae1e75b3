//! Passwords that are given to programs: on their command line, in their own language, in a call.
//!
//! Neighbours: the scrubber asks for findings; `context` finds what a name stands beside. Must not guess: each pattern
//! is the documented way in which one program takes a password.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::check;
use super::layouts::{LAYOUTS, Layout};
use super::pattern::Pattern;
use super::placeholder::Label;
use super::rows;
use super::scrubber::Finding;
use crate::normalise::boundary;

/// (the words at which a command begins, what follows them; the groups are passwords)
pub(super) const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["curl"],
        r"^[^\n]{0,200}?\s(?:(?:-u|--user|-U|--proxy-user)[ =]{0,2}[\x22']?([^\s:\x22'$]{1,80}:[^\s\x22'$]{2,100})|(?:-b|--cookie)[ =]{0,2}[\x22']?[A-Za-z0-9_.-]{1,60}=([^\s;\x22'$]{8,400}))",
    ),
    (
        &["http ", "https "],
        r"^(?:[^\n|;]{0,120}?\s)?(?:-a|--auth)[ =][\x22']?([^\s:\x22'$]{1,80}:[^\s\x22'$]{2,100})",
    ),
    (
        &["wget "],
        r"^[^\n|;]{0,200}?--header=[\x22']Cookie:\s?[A-Za-z0-9_.-]{1,60}=([^\s;\x22'$]{8,400})",
    ),
    (&["zip ", "unzip "], ZIP),
    (&["7z ", "7za ", "rar ", "unrar "], SEVEN_ZIP),
    (
        &["sqlcmd"],
        r"^[^\n|;]{0,120}?\s-P[ ]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["bcp "],
        r"^[^\n|;]{0,200}?\s-P[ ]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["mosquitto_"],
        r"^(?:pub|sub|rr)\s(?:[^\n|;]{0,200}?\s)?-P\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["ipmitool"],
        r"^[^\n|;]{0,120}?\s-P\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["ldap"],
        r"^(?:search|add|modify|delete|passwd|whoami)\s[^\n|;]{0,200}?-w\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["cqlsh"],
        r"^[^\n|;]{0,120}?\s-p[ ]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["twine upload"],
        r"^[^\n|;]{0,200}?\s-p\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,200})",
    ),
    (
        &["evil-winrm"],
        r"^[^\n|;]{0,200}?\s-p\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["xfreerdp"],
        r"^[^\n|;]{0,200}?\s/p:[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["rabbitmqctl"],
        r"^\s+(?:[^\n|;]{0,60}?\s)?(?:add_user|change_password|authenticate_user)\s+\S{1,60}\s+[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["wpa_passphrase"],
        r"^\s+(?:\x22[^\x22\n]{1,40}\x22|\S{1,40})\s+[\x22']?([^\s\x22'$]{8,64})",
    ),
    (
        &["net user"],
        r"^\s+[^\s/]{1,40}\s+([^\s/*$][^\s$]{3,100})(?:\s+/|\s*(?:\n|$))",
    ),
    (
        &["keytool"],
        r"^[^\n|;]{0,300}?\s-(?:src|dest)?(?:store|key)pass\s+[\x22']?([^\s\x22'$]{4,100})",
    ),
    (
        &["jarsigner"],
        r"^[^\n|;]{0,300}?\s-(?:store|key)pass\s+[\x22']?([^\s\x22'$]{4,100})",
    ),
    (
        &["mc alias set"],
        r"^\s+\S{1,40}\s+\S{1,200}\s+\S{1,100}\s+[\x22']?([^\s\x22'$]{8,200})",
    ),
    (
        &["secret set"],
        r"^\s+\S{1,80}\s(?:[^\n|;]{0,100}?\s)?(?:--body|-b|-v|--value)[ =][\x22']?([^\s\x22'$]{4,400})",
    ),
    (
        &[
            "secrets set",
            "secrets:set",
            "vault kv put",
            "vault kv patch",
            "vault write",
        ],
        PAIRS,
    ),
    (
        &["vault operator unseal"],
        r"^\s+(?:-\S{1,60}\s+)?([A-Za-z0-9+/=]{20,200})",
    ),
    (
        &["vault login"],
        r"^\s+(?:-\S{1,60}\s+)?([A-Za-z0-9._-]{20,200})",
    ),
    (
        &["--from-literal"],
        r"^[= ][\x22']?[A-Za-z0-9._-]{1,80}=[\x22']?([^\s\x22'$]{4,400})",
    ),
    (
        &["ab "],
        r"^(?:[^\n|;]{0,120}?\s)?-A\s[\x22']?([^\s:\x22'$]{1,80}:[^\s\x22'$]{2,100})",
    ),
    (
        &["mysql"],
        r"^(?:dump|admin|import|sh)?(?:\s[^\n|;]{0,120}?)?\s-p[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["mariadb"],
        r"^(?:-dump|-admin)?(?:\s[^\n|;]{0,120}?)?\s-p[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["mongo"],
        r"^(?:sh|dump|restore|export|import)?(?:\s[^\n|;]{0,120}?)?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["sshpass"],
        r"^\s+-p\s?[\x22']?([^\s\x22'$-][^\s\x22'$]{2,100})",
    ),
    (
        &["redis-cli"],
        r"^[^\n|;]{0,120}?\s-a[ ]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["docker login", "podman login", "helm registry login"],
        r"^[^\n|;]{0,120}?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["az login"],
        r"^[^\n|;]{0,200}?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["htpasswd"],
        r"^(?:\s+-[a-zA-Z]*b[a-zA-Z]*\s+\S{1,200}\s+\S{1,80}\s+[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})|[^\n\\]{0,60}(?:\n|\\n)[^\s:]{1,40}:([0-9a-f]{32,128}|[A-Za-z0-9./]{13})(?:[\s\\\x22]|$))",
    ),
    (
        &["smbclient"],
        r"^[^\n|;]{0,120}?\s(?:-U|--user)[ =]?[\x22']?[^\s%\x22'$]{1,80}%([^\s\x22'$]{3,100})",
    ),
    (
        &["net use"],
        r"^\s+(?:(?:[A-Za-z]:|\*)\s+)?\S{1,200}\s+(?:([^\s/*$][^\s$]{3,100})\s+/user:|/user:\S{1,80}\s+([^\s/*$][^\s$]{3,100}))",
    ),
    (
        &["net.exe use"],
        r"^\s+(?:[A-Za-z]:|\*)\s+\S{1,200}\s+([^\s/*$][^\s$]{3,100})\s+/user:",
    ),
    (&["stats auth"], r"^\s+([^\s:]{1,40}:[^\s$]{4,100})"),
    (&["rootpw", "bindpw"], r"^\s+([^\s$<{#=:][^\s$]{3,100})"),
    (
        &[
            "wandb login",
            "snyk auth",
            "cargo login",
            "ngrok authtoken",
            "add-authtoken",
        ],
        r"^\s+(?:--?[a-z][a-z-]{0,20}(?:=\S{1,60})?\s+){0,3}[\x22']?([A-Za-z0-9_-]{24,100})(?:[\s\x22'\\]|$)",
    ),
    (&["auth_pass"], r"^\s+([^\s$<{#=:][^\s$]{3,64})(?:\s|$)"),
    (&["radius secret"], r"^\s+([^\s$<{#=:][^\s$]{5,64})"),
    (
        &["putty", "plink", "pscp"],
        r"^(?:\.exe)?\s[^\n|;]{0,200}?-pw\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["az sql", "crackmapexec", "netexec", "psexec", "oc login"],
        LOGIN_P,
    ),
    (
        &["ldappasswd"],
        r"^\s(?:[^\n|;]{0,200}?\s)?-[saw]\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        &["kinit"],
        r"^\s[^\n|;]{0,80}?<<<\s?[\x22']([^\x22'\n$]{4,100})[\x22']",
    ),
    (&["password 0"], r"^\s+([^\s$]{4,100})"),
    (&["password 7"], r"^\s+([0-9A-Fa-f]{6,100})(?:\s|$)"),
    (
        &["authentication-key", "snmp-server community"],
        r"^\s+(?:[07]\s+)?([^\s$]{4,64})",
    ),
    (
        &["com2sec"],
        r"^6?\s+(?:-Cn\s+\S{1,40}\s+)?\S{1,60}\s+\S{1,60}\s+([^\s$]{4,64})",
    ),
    (
        &["set password for"],
        r"^\s+\S{1,80}\s?=\s?(?:PASSWORD\()?'([^'\n]{4,100})'",
    ),
    (&[" crypt("], r"^'([^'\n]{4,100})',\s?gen_salt"),
    (
        &["signwith("],
        r"^[^\n\x22']{0,80}\x22([^\x22\n]{16,200})\x22",
    ),
    (&["aes.encrypt(", "aes.decrypt("], KEY_LAST),
    (
        &["openssl_encrypt(", "openssl_decrypt("],
        r"^[^\n]{1,160}?,\s?[\x22'][A-Za-z0-9-]{3,24}[\x22'],\s?[\x22']([^\x22'\n$]{6,200})[\x22']",
    ),
    (&["btoa(", "b64encode(", "base64_encode("], ENCODED),
    (&["useradd", "usermod"], NEW_USER),
    (
        &[
            "snmpwalk",
            "snmpget",
            "snmpgetnext",
            "snmpbulkwalk",
            "snmpset",
            "snmptrap",
        ],
        COMMUNITY,
    ),
    (
        &["wmic "],
        r"^[^\n|;]{0,120}?/password:[\x22']?([^\s\x22'$]{4,100})",
    ),
    (
        &["schtasks"],
        r"^[^\n|;]{0,300}?\s/rp\s[\x22']?([^\s\x22'$*][^\s\x22'$]{3,100})",
    ),
    (
        &["ansible-vault encrypt_string"],
        r"^\s(?:[^\n|;]{0,120}?\s)?['\x22]([^'\x22\n$]{4,200})['\x22]",
    ),
    (
        &["snmp-server host"],
        r"^\s+\S{1,60}\s+(?:traps\s+|informs\s+)?(?:version\s+2c\s+)([^\s$]{4,64})",
    ),
    (&["rocommunity", "rwcommunity"], r"^6?\s+([^\s$]{4,64})"),
    (&["trap2sink"], r"^\s+\S{1,60}\s+([^\s$:]{4,64})"),
    (&["-server key"], r"^\s+(?:[0-9]\s+)?([^\s$]{6,100})"),
    (
        &["isakmp key"],
        r"^\s+(?:[06]\s+)?([^\s$]{4,100})\s+(?:address|hostname)",
    ),
    (&["key-string"], r"^\s+(?:[07]\s+)?([^\s$]{6,100})"),
    (
        &["message-digest-key"],
        r"^\s+[0-9]{1,3}\s+md5\s+(?:[07]\s+)?([^\s$]{4,100})",
    ),
    (
        &["pre-shared-key"],
        r"^(?:\s+(?:local|remote))?\s+(?:ascii-text\s+|plaintext\s+|[0-9]\s+)?[\x22']?([^\s\x22'$]{6,120})",
    ),
    (&["private-key <(echo "], r"^[\x22']?([A-Za-z0-9+/]{43}=)"),
    (
        &["openssl"],
        r"^[^\n|;]{0,200}?\s(?:-pass(?:in|out)?\s+pass:|-k\s+)[\x22']?([^\s\x22'$]{4,100})",
    ),
    (
        &["ssh-keygen"],
        r"^[^\n|;]{0,200}?\s-N\s?[\x22']?([^\s\x22'$]{4,100})",
    ),
    (
        &["sqlplus"],
        r"^\s+(?:-[A-Za-z]+\s+)?[^\s/@]{1,60}/([^\s/@$]{4,100})@",
    ),
    (&["lftp"], r"^\s+-u\s+[^\s,]{1,80},([^\s$]{3,100})"),
    // `echo ... | sudo -S` and the like.
    (
        &["echo "],
        r"^(?:-n )?[\x22']?([^\s\x22'$|;&]{4,100})[\x22']?\s*\|\s*(?:sudo\s+(?:-\w+\s+)*-S|sudo\s+chpasswd|passwd\b|cryptsetup|kinit|docker secret create|podman secret create|docker login|podman login|gh auth login|chpasswd)",
    ),
    // Languages of databases.
    (
        &["identified by"],
        r"(?i)^\s+(?:password\s+)?(?:as\s+)?[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (
        &["identified with"],
        r"(?i)^\s+\S{1,40}\s+(?:by|as)\s+[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (
        &["requirepass", "masterauth"],
        r"^\s+[\x22']?([^\s\x22'$]{4,200})",
    ),
    // Calls that take a name and a password.
    (
        &["auth=(", "basicauth(", "basic_auth(", ".login("],
        r"^\s?[\x22'][^\x22'\n]{1,80}[\x22'],\s?[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (
        &["createhmac("],
        r"^\s?[\x22'][A-Za-z0-9-]{1,20}[\x22'],\s?[\x22']([^\x22'\n]{6,200})[\x22']\s?[,)]",
    ),
    (
        &["hmac.new("],
        r"^\s?(?:key=)?b?[\x22']([^\x22'\n]{6,200})[\x22'](?:\.encode\([^)]{0,10}\))?\s?,",
    ),
    (
        &["getconnection("],
        r"^[^\n,()]{1,160},\s*\x22[^\x22\n]{1,60}\x22,\s*\x22([^\x22\n]{4,100})\x22",
    ),
    (
        &["sequelize("],
        r"^\s*[\x22'][^\x22'\n]{1,60}[\x22'],\s*[\x22'][^\x22'\n]{1,60}[\x22'],\s*[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (&["createcipheriv(", "createdecipheriv("], CIPHER),
    (
        &["new_from_slice(", "from_slice("],
        r"^b?\x22([^\x22\n]{16,200})\x22",
    ),
    (&["aes.new("], r"^b?[\x22']([^\x22'\n]{16,64})[\x22']"),
    (
        &["createclient("],
        r"^\s*[^\n,()]{1,160},\s*[\x22']([A-Za-z0-9_.+/=-]{20,400})[\x22']",
    ),
    (
        &["convertto-securestring"],
        r"^\s+(?:-String\s+)?[\x22']([^\x22'\n$]{4,200})[\x22']",
    ),
    (&["user = \""], r"^([^\s:\x22]{1,80}:[^\s\x22]{4,100})\x22"),
    (
        &["chpasswd:"],
        r"^\s{1,20}(?:expire:[^\n]{1,10}\n\s{1,20})?list:[ ]{0,3}[|>]?-?\s{1,20}[a-z_][a-z0-9_-]{0,31}:(\S{4,120})",
    ),
    (
        &[
            "networkcredential(",
            "usernamepasswordcredentials(",
            "usernamepasswordauthenticationtoken(",
            "passwordauthentication(",
            "basicauthentication(",
            "httpbasicauth(",
            "httpdigestauth(",
            "httpntlmauth(",
            "credentials.basic(",
            "setbasicauth(",
            "set_basic_auth(",
            "plaincredentials(",
            "simple_bind_s(",
        ],
        TWO,
    ),
    (
        &[
            "signinwithemailandpassword(",
            "createuserwithemailandpassword(",
            "plainauth(",
            "ftplib.ftp(",
            "mysqli(",
            "mysqli_connect(",
            "mysql_connect(",
            "ftp_login(",
            "ldap_bind(",
            "pdo(",
        ],
        THREE,
    ),
    (
        &["messageencryptor.new(", "messageverifier.new("],
        r"^\s?[\x22']([^\x22'\n]{16,200})[\x22']",
    ),
    (&["fernet("], r"^\s?b?[\x22']([A-Za-z0-9_-]{43}=)[\x22']"),
    (
        &["jwt.sign(", "jwt.encode(", "jwt.verify(", "jwt.decode("],
        JWT,
    ),
];

/// A name, then its password in quotes.
const TWO: &str = r"^\s{0,20}(?:[A-Za-z_]{1,20}\s?[=:]\s?)?@?(?:[\x22'][^\x22'\n]{1,80}[\x22']|[A-Za-z_.]{1,40}),\s{0,20}(?:[A-Za-z_]{1,20}\s?[=:]\s?)?@?[\x22']([^\x22'\n$]{4,100})[\x22']";

/// What is ciphered, then the key in quotes.
const KEY_LAST: &str = r"^[^\n,]{1,160},\s?[\x22']([^\x22'\n$]{6,100})[\x22']\s?[,)]";

/// A name and a password that are put into base64.
const ENCODED: &str = r"^b?[\x22']([^\x22':\n$ ]{1,60}:[^\x22'\n$ ]{4,100})[\x22']";

/// Where, a name, then its password in quotes.
const THREE: &str = r"^\s{0,20}(?:[\x22'][^\x22'\n]{0,120}[\x22']|[$A-Za-z_.]{1,40}(?:\(\))?),\s{0,20}(?:[\x22'][^\x22'\n]{1,80}[\x22']|[$A-Za-z_.]{1,40}),\s{0,20}[\x22']([^\x22'\n$]{4,100})[\x22']";

/// The password of an account that is made or changed.
const NEW_USER: &str =
    r"^\s(?:[^\n|;]{0,120}?\s)?(?:-p|--password)[ =][\x22']?([^\s\x22'$-][^\s\x22'$]{3,120})";

/// The word that equipment of a network is asked with.
const COMMUNITY: &str = r"^\s(?:[^\n|;]{0,120}?\s)?-c\s?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,64})";

/// A password behind `-p`, with a space.
const LOGIN_P: &str =
    r"^(?:\.exe)?\s(?:[^\n|;]{0,200}?\s)?-p\s[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})";

/// How the statement begins that puts rows into a table; `rows` reads them.
const INSERT: &str = "insert into";

/// The name of a cipher, then its key in quotes.
const CIPHER: &str =
    r"^\s?[\x22'][A-Za-z0-9-]{1,24}[\x22'],\s?[\x22']([^\x22'\n]{6,200})[\x22']\s?[,)]";

/// What is signed, then the key in quotes.
const JWT: &str = r"^[^\n]{1,200}?,\s?(?:key=)?b?[\x22']([^\x22'\n]{6,200})[\x22']\s?[,)]";

/// Names and values, up to four.
const PAIRS: &str = r"^\s[^\n|;=]{0,120}?[A-Za-z0-9_.-]{1,80}=[\x22']?([^\s\x22'$@]{4,400})(?:[\x22']?[ \t]+[A-Za-z0-9_.-]{1,80}=[\x22']?([^\s\x22'$@]{4,400}))?(?:[\x22']?[ \t]+[A-Za-z0-9_.-]{1,80}=[\x22']?([^\s\x22'$@]{4,400}))?(?:[\x22']?[ \t]+[A-Za-z0-9_.-]{1,80}=[\x22']?([^\s\x22'$@]{4,400}))?";

const ZIP: &str =
    r"^(?:[^\n|;]{0,120}?\s)?(?:-P|--password)[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})";

const SEVEN_ZIP: &str = r"^(?:[^\n|;]{0,120}?\s)?-h?p[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})";

/// Most bytes behind the word that a pattern is asked about.
const COMMAND_BYTES_MAX: usize = 480;

/// Finds passwords given to programs and secrets in their layouts, all words in one scan.
#[derive(Debug)]
pub(super) struct Commands {
    scan: AhoCorasick,
    /// What each word of the scan begins.
    begun: Vec<Begun>,
}

#[derive(Debug)]
enum Begun {
    Command(Arc<Pattern>),
    Layout(&'static Layout, Arc<Pattern>),
    Rows,
}

impl Commands {
    pub(super) fn new() -> Self {
        let (mut words, mut begun) = (vec![INSERT], vec![Begun::Rows]);
        for (command, pattern) in COMMANDS {
            let pattern = Arc::new(Pattern::new(pattern));
            words.extend(*command);
            begun.extend(command.iter().map(|_| Begun::Command(Arc::clone(&pattern))));
        }
        for layout in LAYOUTS {
            let pattern = Arc::new(Pattern::new(layout.pattern));
            words.extend(layout.words);
            let layouts = layout.words.iter();
            begun.extend(layouts.map(|_| Begun::Layout(layout, Arc::clone(&pattern))));
        }
        let scan = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(words)
            .expect("the table of commands is small and fixed");
        Self { scan, begun }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let mut covered = 0;
        for hit in self.scan.find_iter(text) {
            let begins = !text[..hit.start()]
                .ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                || !text.as_bytes()[hit.start()].is_ascii_lowercase();
            // `can't locate revision identified by ...` is said by a tool for migrations.
            let is_revision = text[..hit.start()].ends_with("revision ");
            if hit.start() < covered || !begins || is_revision {
                continue;
            }
            let (layout, pattern) = match &self.begun[hit.pattern().as_usize()] {
                Begun::Rows => {
                    rows::statement(text, hit.end(), findings);
                    continue;
                }
                Begun::Layout(layout, _) if !layout.begins(text, hit.range()) => continue,
                Begun::Layout(layout, pattern) => (Some(layout), pattern),
                Begun::Command(pattern) => (None, pattern),
            };
            let far = boundary(text, text.len().min(hit.end() + COMMAND_BYTES_MAX));
            let Some(captures) = pattern.captures(&text[hit.end()..far]) else {
                continue;
            };
            for found in captures.iter().skip(1).flatten() {
                let is_refused = layout.is_some_and(|layout| !layout.accepts(found.as_str()));
                if !is_refused && is_given(&text[hit.range()], found.as_str()) {
                    let range = hit.end() + found.start()..hit.end() + found.end();
                    covered = range.end;
                    findings.push(Finding::new(range, Label::Secret));
                }
            }
        }
    }
}

/// Whether what a command is given is a value, and not the name of one.
fn is_given(word: &str, value: &str) -> bool {
    let is_reference = value.starts_with(['<', '{', '%', '['])
        || value.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        || value.contains('(');
    // `-prefix` is a flag of its own; a password behind `-p` has more than small letters.
    let is_glued = ["mysql", "mariadb", "7z ", "7za ", "rar ", "unrar "]
        .iter()
        .any(|glued| word.eq_ignore_ascii_case(glued));
    let is_flag = is_glued && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    !is_reference && !is_flag && !check::is_dummy(value)
}
