//! Tests of `scrub` over what programs and documents hold: code about secrets has none in it.

use super::{gone, key_body, scrub, stays};

#[test]
fn code_that_handles_secrets_stays() {
    for text in [
        "fn from(key: PrivatePkcs8KeyDer<'a>) -> Self {",
        "let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(&bytes[..]));",
        "pub type Stream = tokens2::TokenStream;",
        "pub log_passwd: __u32, pub pw_passwd: *mut c_char,",
        "const token = normaliseOptional(tokens[1]);",
        "password = get_auth_from_url(proxies[scheme])",
        "secret = keypair[:32]",
        "self.passwords: Dict[str, Login] = {}",
        "print(f\"password={password!r}\")",
        "inner.update(password.encode(\"latin1\"))",
        "assert!(pass((last.0 - 1, last.1)));",
        "PASSWORD_HASHERS = [\"shop.auth.hashers.Argon2Hasher\"]",
        "const precedence = params.passwordPrecedence ?? \"env-first\";",
        "exports.X509AuthorityKeyIDExtension = X509AuthorityKeyIDExtension;",
        "REG_NAME_PAT = r\"(?:[^\\[\\]%:/?#]|%[a-fA-F0-9]{2})*\"",
        "private_key: ed25519.Ed25519PrivateKey, public: Ed25519PublicKey",
        "\"tests/ed25519_test_private_key.p8\", \"tests/rsa_test_public_key_2048.der\",",
        "import { t } from \"./session-authorization-error-CCz8QGWh.mjs\";",
        "include/readpassphrase.h\n man/strlcpy.3bsd",
        "the token/password: generate/set a new one",
    ] {
        stays(text);
    }
}

#[test]
fn values_beside_code_still_go() {
    gone(
        "passwordEncoder.encode(\"",
        "Lakers4ever",
        "\")",
        "PASSWORD",
    );
    gone("password: ", "kQ7zRt(x9!z", "", "PASSWORD");
    let token = format!("staging-token-{}", key_body(16));
    gone("API_TOKEN=", &token, "", "SECRET");
    gone("AUTH PLAIN ", "a2ltLmxlZTprUTd6UnQyeFc5bQ==", "", "SECRET");
    gone(
        "can you try this ngrok token? ",
        &key_body(40),
        " It is new.",
        "SECRET",
    );
    gone(
        "here is the shop key you asked for: ",
        &key_body(52),
        "",
        "SECRET",
    );
    gone(
        "wandb login ",
        "8758932c16b875932d072df236bdb068f8b53782",
        "",
        "SECRET",
    );
    gone(
        "ALTER USER app WITH PASSWORD '",
        "Szoo_4793Maple",
        "';",
        "PASSWORD",
    );
    let key = format!("0x{}", "397ac8fefd4564bf".repeat(4));
    gone("accounts: [\"", &key, "\"],", "SECRET");
}

#[test]
fn what_documents_count_is_no_address_and_no_phone() {
    for text in [
        "see section 3.4.1.2 and clause \"8.2.4.45 Declarations\"",
        "COMMON_NAME = ObjectIdentifier(\"2.5.4.3\")",
        "const OID_EDDSA = '1.3.101.112';",
        "this was fixed in 1.5.4.1.",
        "<path d=\"M1 18c0 1.52-.87 2.83-2.12 3.51.98.32 2.03.5 3.11\"/>",
        "Public Key Identifier: FE:8A:2A:61:FC:E8:B0:F6",
        "75:9A:4A:CE:7C:DA:7E:89:1B:B2:72:4B:E3:76:EA:47:3A:96:97:24",
        "`::ffff:10.0.0.1` and `64:ff9b::/96`",
        "Copyright Calle Roe, 2016-2018",
        "overflows the call stack (CVE-2026-93580)",
        "const GSM_SETCONF: u32 = 2152482561;",
        "clock values are 00:00:00.000000000 to 23:59:59.999999999",
        "| recallMaxChars | 1000 | 100-10000 |",
        "00000010  02 00 3e 00 01 00 00 00  c5 48 40 00",
        "start_chars: list('-+0123456789')",
        "po/ca@valencia.po",
    ] {
        stays(text);
    }
    for (before, ip) in [
        ("login from ", "3.11.9.1"),
        ("host: '", "1.2.3.4"),
        ("http://", "9.8.7.6"),
        ("", "104.31.24.203"),
    ] {
        gone(before, ip, "", "IP");
    }
    gone("deny ", "::ffff:104.31.24.203", " from", "IP");
    gone("call ", "5551230001", "", "PHONE");
    gone("nobody picks up at ", "734 691 891", "", "PHONE");
}

#[test]
fn a_home_begins_its_path() {
    for text in [
        "src/home/page.tsx and src/users/list.tsx",
        "https://shop.example/home/settings",
        "the account `enabled` flag and the role `operator`",
        "role: \"operator\"",
        "fn f() where <U as Add<T, U1>>::Output: Sized { x @ 1 }",
    ] {
        stays(text);
    }
    for before in [
        "cd /home/",
        "diff --git a/home/",
        "-I/home/",
        "host:/home/",
        "x\\n/home/",
        "\u{1b}[32m/home/",
        "file:///home/",
        "/mnt/home/",
        "目录/home/",
    ] {
        gone(before, "kim", "/code", "USER");
    }
    // A row of paths is found in one look, however long it is.
    for piece in [
        "/home/kim",
        "src/home/kim",
        "ome/home/kim/",
        "a@b.de/home/kim",
    ] {
        let clean = scrub(&piece.repeat(300));
        assert_eq!(scrub(&clean), clean);
    }
    gone("Username: `", "kim-lee", "`", "USER");
    let clean = scrub("volume `/home/kim` is mounted");
    assert!(clean.ends_with("]` is mounted"), "{clean}");
}

#[test]
fn names_of_places_where_a_secret_lies_stay() {
    for text in [
        "checksum/secret: ed5231c527f19c8012f92fbb8fad8c14a2c794e0b394f65fcd91b13f4aa4a0e5",
        "PublicKeyToken=5237ff3eac5c48cb",
        "existingPasswordKey: \"redis-password\"",
        "passwordVariable: 'REG_PASS', usernameVariable: 'REG_USER'",
        "ALTER ROLE app WITH PASSWORD :'app_password';",
        "\"password\": \"Passwort\", password: \"Contraseña\"",
        "at com.shop.PasswordEncoder.encode(PasswordEncoder.java:255)",
        "check_token (tok=0x45bef8af31d0, len=16) at auth.c:288",
        "{\"name\": \"token-cleaner\", \"CodeSha256\": \"short\"}",
        "DB_PASSWORD=\nSESSION_SECRET=\n",
        "test_masks[password=***-expected1] - KeyError: 'token'",
        "js-tokens-4.0.0.tgz#90448c3c6de340f6c8ab814c14344dcf02d0b1f0",
        "systemctl status getty@tty1.service postgresql@16-main.service",
        "Shop.NET.Sdk 8.0.202.49 is up to date",
        "postgres://app:***@pg:5432/orders",
        "# public key: age19npppz808tav536702ywh892qgnanyqfunlrr50tvp68jnrwakecxvtmpa",
        "DATABASE_URL=postgres://USER:PASSWORD@localhost:5432/lamp",
        "alembic: can't locate revision identified by '13a8e7c17364'",
        "link/ether 02:42:ac:11:00:7e brd ff:ff:ff:ff:ff:ff",
        "esp32: MAC 00:00:5e:00:53:5b, flash 4MB",
        "Setting up passwd (1:4.13+dfsg1-1+deb12u2) ...",
        "span auth.verify_token  parent=8244e86d16856ef9  dur=41.38ms",
        "can continue: publickey,password\ndebug1: Next method",
        "Task auth.purge_tokens[71ed1b70-cdd7-4905-bab6-f62018d203b5] succeeded",
        "SMTP_PASSWORD=<smtp-password>\nSMTP_PORT=2525",
        "{\"password_changed_at\":\"2025-06-05T16:44:38Z\"}",
        "chunk app/(auth)/login/page-98eb9bee89ec7267.js",
    ] {
        stays(text);
    }
    let key = format!("{}==", key_body(86));
    gone(
        "{\"keyName\": \"key1\", \"permissions\": \"FULL\", \"value\": \"",
        &key,
        "\"}",
        "SECRET",
    );
}

#[test]
fn what_keeps_code_lets_nothing_private_through() {
    for (before, value, after) in [
        ("call me at ", "555-123-0001", "... or else"),
        ("tel: ", "+0151 23456789", ""),
        ("il mio cellulare è ", "320 4167000", ""),
        ("Handynummer ", "15123456789", ""),
    ] {
        gone(before, value, after, "PHONE");
    }
    for (before, value, after) in [
        ("DEFAULT_PASSWORD_OVERRIDE=", "kQ7zRt2xW9", ""),
        ("the password is ", "user.py:kQ7zRt2xW9", ""),
        ("the password is ", "4.Xk9mQ2vL", ""),
        ("password: ", "Sommer-Wiese", ""),
        ("-DB_PASS=", "anchor-meadow-willow-heron", ""),
        ("String pass = \"", "velvet_pelican_1101", "\";"),
        ("use password ", "cobalt-thicket-2025", " to log in"),
        ("define( 'DB_PASSWORD', '", "bdH{lGin&ZaT", "' );"),
        ("DB_PASSWORD=", "app_password", ""),
        ("the password is ", "kQ=zRt9xW2", ""),
        ("the password is ", "blue_horse_battery9", ""),
    ] {
        gone(before, value, after, "PASSWORD");
    }
    for (before, value, after) in [
        ("postgres://", "ADMIN:SOMMERWIESE", "@db/shop"),
        ("CREATE USER kim IDENTIFIED BY '", "cafe1234", "'"),
        ("login 1001:", "kQ7zRt2xW9", "@10.0.0.7"),
        ("JWT_SECRET=", "my-super-secret-signing-key-2024", ""),
        ("admin_token: \"", "our-admin-token-2024", "\""),
        ("apiKey: \"", "search_H4manUt0", "\","),
    ] {
        gone(before, value, after, "SECRET");
    }
    let line = " - - [10/Mar/2026:19:29:25 +0100] \"GET /\"";
    gone("", "3.11.9.1", line, "IP");
    for (before, value, after) in [
        ("user `", "kim", "` does not exist"),
        ("the account \"", "kim.lee", "\" is locked"),
        ("GET https://intra.acme.org/users/", "kim.lee", "/tasks"),
    ] {
        gone(before, value, after, "USER");
    }
    for before in ["./home/", "rootfs/home/", "./mnt/home/", "backup/home/"] {
        gone(before, "kim", "/.bashrc", "USER");
    }
}
