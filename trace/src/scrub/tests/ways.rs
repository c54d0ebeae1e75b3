//! Tests of further ways in which people and programs write secrets, each with its look-alikes.

use super::{gone, scrub, stays};

const HEX: &str = "9f3b1c7d5e2a4860b1d9c3f7a5e80246";
const MEADOW: &str = "Meadow4711x";

#[test]
fn passwords_in_remarks_go() {
    for lead in [
        "# pw ",
        "x = 1\n// root pw ",
        "/* pw ",
        "-- pwd ",
        "ssh kim@host (pw ",
        "la clave del servidor es ",
        "le mot de passe admin est ",
        "Password (for staging): ",
    ] {
        gone(lead, MEADOW, "", "PASSWORD");
    }
    gone("# pass ", "Mea4dow7Xy", " for staging", "PASSWORD");
    gone("the password is ", "xGQrZxOOCwt", ", hush", "PASSWORD");
    for text in [
        "# pass arguments2 through",
        "// pass the result2 along",
        "# pw reset instructions",
        "; pass through rate 0.93",
        "Password (again): [typed]",
        "the password is incorrect",
        "password manager: Bitwarden",
        "export function makeEd25519Keypair(): Ed25519Keypair {",
    ] {
        stays(text);
    }
}

#[test]
fn passphrases_of_words_go_and_names_of_things_stay() {
    let phrase = "meadow anchor violin ladder copper";
    gone("passphrase: ", phrase, "", "PASSWORD");
    gone("my master password is ", phrase, "\nok", "PASSWORD");
    gone("VPN_PASSWORD=", "meadow-anchor-violin", "", "PASSWORD");
    gone("SESSION_SECRET=", "meadow-anchor-violin", "", "SECRET");
    for text in [
        "secretName: tls-cert-web",
        "secret: db-credentials-prod",
        "existingSecret: my-release-postgresql",
        "password: \"must be at least eight\"",
        "password hint: name of first pet",
    ] {
        stays(text);
    }
}

#[test]
fn scripts_and_calls_that_type_a_password_lose_it() {
    gone("expect \"word:\"\nsend \"", MEADOW, "\\r\"", "SECRET");
    gone("child.sendline(\"", MEADOW, "\")", "SECRET");
    gone("find(\"#password\").send_keys(\"", MEADOW, "\")", "SECRET");
    gone("auth.login(\"kim\", \"", MEADOW, "\")", "SECRET");
    gone("new NetworkCredential(\"kim\", \"", MEADOW, "\")", "SECRET");
    gone(
        "Set-Variable -Name Password -Value \"",
        MEADOW,
        "\"",
        "PASSWORD",
    );
    gone("net use Z: \\\\srv\\x /user:kim ", MEADOW, "", "SECRET");
    let two = scrub("keytool -storepass Mead4711a -keypass Mead4711b");
    assert!(!two.contains("Mead"), "{two}");
    for text in [
        "send \"exit\\r\"",
        "send \"show running-config\\r\"",
        "page.type(\"hello2you\")",
        "login(\"username\", \"password\")",
        "db.connect(\"localhost\", 5432, \"x\")",
        "authenticate(\"local\", { session: false })",
    ] {
        stays(text);
    }
}

#[test]
fn what_equipment_of_a_network_is_told_goes() {
    gone("snmp-server community ", MEADOW, " RO", "SECRET");
    gone("rocommunity ", MEADOW, " 10.0.0.0/8", "SECRET");
    gone("snmpwalk -v2c -c ", MEADOW, " 10.0.0.1", "SECRET");
    gone("snmp:\n  community: ", MEADOW, "", "SECRET");
    gone("crypto isakmp key ", MEADOW, " address 10.0.0.1", "SECRET");
    stays("community: edition2026");
    stays("the snmp community meets on Monday");
}

#[test]
fn stored_passwords_go_in_their_context_only() {
    gone("password_hash: ", HEX, "", "SECRET");
    gone("\"pwhash\":\"", HEX, "\"", "SECRET");
    gone("kim:{SSHA}", "Zm9vYmFyYmF6cXV4cXV1eA", "", "SECRET");
    gone("$ cat .htpasswd | head\nkim:", HEX, "\n", "SECRET");
    gone("kim:500:", &format!("{HEX}:{HEX}"), ":::", "SECRET");
    for text in [
        format!("md5 {HEX}  file.iso"),
        format!("file hash: {HEX}"),
        "password_hash: argon2id".to_owned(),
        "password hash: bcrypt, cost 12".to_owned(),
        "password_digest :string".to_owned(),
    ] {
        stays(&text);
    }
}

#[test]
fn sessions_and_keys_in_addresses_go_and_lookups_stay() {
    gone(
        "sessionid=",
        "bba25gbzxritu3gf3763ewr920h39hlh",
        "; x",
        "SECRET",
    );
    gone("https://api.acme.dev/?key=", HEX, "&x=1", "SECRET");
    gone("mot_de_passe: ", "Go4Meadow!x", "", "PASSWORD");
    for text in [
        "password: vault:secret/data/x#pw1",
        "password: ref+vault://kv/db1",
        "password: env:DB_PASSWORD_2",
        "sshpass -p $PASS ssh kim@host",
    ] {
        stays(text);
    }
}

#[test]
fn columns_for_passwords_lose_their_values() {
    gone(
        "INSERT INTO users (name, password) VALUES ('kim', '",
        MEADOW,
        "');",
        "PASSWORD",
    );
    let rows = scrub("name,password,team\nkim,Meadow4711x,red\nlee,Meadow4712y,blue\n");
    assert!(
        !rows.contains("Meadow") && rows.contains("lee,") && rows.contains(",blue"),
        "{rows}"
    );
    stays("INSERT INTO users (name, age) VALUES ('kim2024x', 3)");
    stays("name,age\nkim2024x,3");
    let hostile = "password,".repeat(40_000);
    assert!(!scrub(&hostile).is_empty());
    let hostile = "insert into t (password) values ".repeat(10_000);
    assert!(!scrub(&hostile).is_empty());
}

#[test]
fn names_with_their_passwords_go_without_a_scheme() {
    gone("refused for kim:", "Mea4dow7Xy", "@10.0.0.4", "SECRET");
    gone("rsync deploy:", "Mea4dow7Xy", "@backup01::data", "SECRET");
    gone(
        "jdbc:oracle:thin:",
        "hr/Mea4dow7Xy",
        "@//ora:1521/XE",
        "SECRET",
    );
    gone("user / pass: kim / ", MEADOW, "", "SECRET");
    gone("BASIC_AUTH=", "admin:Meadow4711x", "", "SECRET");
    for text in [
        "npm:react18@18.2.0",
        "image: node:20-alpine3.18@sha256:x",
        "pkg:npm/lodash4@4.17.21",
        "login: failed / timeout",
        "admin/users/42/edit",
        "root:x:0:0:root:/root:/bin/bash",
    ] {
        stays(text);
    }
}

#[test]
fn people_before_their_mail_addresses_go() {
    for lead in [
        "Signed-off-by: ",
        "From: \"",
        "author = \"",
        "commit 1\\nAuthor: ",
    ] {
        let clean = scrub(&format!("{lead}Kim van Lee <kim@acme.org>"));
        assert!(clean.starts_with(&format!("{lead}[USER_")), "{clean}");
    }
    let bot = scrub("Author: Release Bot <bot@acme.org>");
    assert!(bot.contains("Release Bot"), "{bot}");
    let hostile = "Kim Lee <a@b.de>, ".repeat(5_000);
    assert_eq!(scrub(&scrub(&hostile)), scrub(&hostile));
}

#[test]
fn addresses_of_network_cards_go_with_dots() {
    gone("dynamic ", "0011.22aa.33bb", " Gi0/1", "MAC");
    stays("1234.5678.9012 and dead.beef.cafe and v1.0011.22aa.33bb");
}

#[test]
fn many_of_the_new_words_are_read_in_one_go() {
    for piece in [
        "login a / ",
        "community ",
        "root:",
        "send \"a",
        "# pw ",
        "password -> ",
        "a:b1@",
        "Kim <@",
        "-> ",
        "insert into (",
        "password (a",
        "0a1b.",
        "is the x token ",
        "1-",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let clean = scrub(&text);
        assert_eq!(scrub(&clean), clean);
    }
}
