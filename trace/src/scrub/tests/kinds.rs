//! Tests of kinds of secrets and of personal data, each with what looks like them and stays.

use super::{gone, key_body, scrub, stays};

const HEX: &str = "9f3b1c7d5e2a4860b1d9c3f7a5e80246";
const UUID: &str = "3f2a9c04-1b7d-4e58-9a6f-0c2d4b8e7a15";

/// Found by fuzzing: the name of a placeholder was a word for the number behind it, from look to look down a row.
#[test]
fn the_placeholder_of_one_number_says_nothing_of_the_next() {
    let row = format!("078-05-1127, {}", "at -262141120, ".repeat(20));
    let once = scrub(&row);
    assert!(
        once.contains("[SSN_") && once.contains("262141120"),
        "{once}"
    );
    assert_eq!(scrub(&once), once);
    let named = scrub("ssn 262141120");
    assert!(named.starts_with("ssn [SSN_"), "{named}");
}

/// Found by fuzzing: each look took one card of a row, and there were more cards than looks.
#[test]
fn a_row_of_cards_is_found_in_one_look() {
    let row = "0505050505050505 ".repeat(30);
    let once = scrub(&format!("50505050505 05 05 0050505050550505 {row}05 05"));
    assert_eq!(scrub(&once), once);
    assert!(once.matches("[CARD_").count() >= 30, "{once}");
}

/// Found by fuzzing: the name of each placeholder was the word that the next small address wanted.
#[test]
fn a_row_of_addresses_is_found_in_one_look() {
    for piece in ["8.0.0.7, ", "88.0.0.7, 8.0.0.7, ", "ip 8.0.0.7 fe80::1120 "] {
        let text = format!("88.0.0.7, {}", piece.repeat(60));
        let once = scrub(&text);
        assert_eq!(scrub(&once), once);
    }
}

/// Found by fuzzing: each look took one account of a row.
#[test]
fn a_row_of_accounts_is_found_in_one_look() {
    let row = "DE893704BANDE893704BAN ".repeat(30);
    let once = scrub(&format!("IBAN {row}DE89704BANDE893704BAN8"));
    assert_eq!(scrub(&once), once);
    gone("XX12 ", "DE89 3704 0044 0532 0130 00", "", "IBAN");
}

#[test]
fn a_value_named_apart_from_its_name_goes() {
    let key = key_body(24);
    gone(
        "- name: DB_PASSWORD\n  value: \"",
        "Meadow4711x",
        "\"",
        "PASSWORD",
    );
    gone(
        "{\"name\": \"API_TOKEN\", \"value\": \"",
        &key,
        "\"}",
        "SECRET",
    );
    gone(
        "key = \"db_password\"\nvalue = \"",
        "Meadow4711x",
        "\"",
        "PASSWORD",
    );
    gone("setx API_TOKEN \"", &key, "\"", "SECRET");
    gone("gh secret set MINT --body \"", HEX, "\"", "SECRET");
    gone("token: >-\n  ", &key, "\nnext: 1", "SECRET");
    gone("**API key:** `", &key, "`", "SECRET");
    stays("- name: GITHUB_TOKEN\n  valueFrom: x");
    stays("name: PASSWORD_MIN_LENGTH\nvalue: \"12\"");
    stays("{\"key\":\"theme\",\"value\":\"dark2\"}");
    stays("set token_limit 4096");
    stays("ENV NODE_VERSION 20.11.1");
}

#[test]
fn salts_grants_and_keys_of_applications_go() {
    gone("HASH_SALT='", UUID, "'", "SECRET");
    gone("salt: ", HEX, "", "SECRET");
    gone("grant_code=", &key_body(32), "", "SECRET");
    gone("code_verifier=", &key_body(43), "&x=1", "SECRET");
    gone("certificate=", &key_body(40), "", "SECRET");
    gone("app key: ", UUID, "", "SECRET");
    gone("\"SecretId\": \"", UUID, "\"", "SECRET");
    stays("salt rounds: 12");
    stays("grant: admin");
    stays("grant_type=authorization_code");
    stays("certificate: valid until 2027-01-01");
    stays("cert=/etc/ssl/site.pem");
    stays(&format!("certificate: MII{}", key_body(60)));
    stays("SecretId: prod/db/main");
    stays("arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-a1B2c3");
    stays(&format!("public_key: {}", key_body(44)));
    stays("src/auth/password_reset_token.rs:42:17");
}

#[test]
fn a_key_below_its_heading_goes() {
    for heading in [
        "# Secret key\n",
        "Your API key:\n\n    ",
        "=== Encryption key ===\n",
    ] {
        gone(heading, HEX, "\nmore", "SECRET");
    }
    gone("Unseal Key 1: ", HEX, "\n", "SECRET");
    gone("$ openssl rand -hex 16\n", HEX, "\n", "SECRET");
    gone("credentials:\n  app: ", HEX, "", "SECRET");
    gone("1 (0) 0x2a\n(1) ", &format!("0x{HEX}{HEX}"), "", "SECRET");
    stays("API keys:\n  https://console.example.com/settings/keys-for-2026-projects");
    stays("Private key\n/etc/ssl/private/key-2026-01.pem");
    stays("secrets:\n  db:\n    file: ./db.txt");
    stays("tokens:\n  input: 12345\n  output: 4567890");
}

#[test]
fn commands_and_calls_that_take_secrets_lose_them() {
    let key = key_body(20);
    gone("127.0.0.1:6379> AUTH ", "Meadow4711x", "\nOK", "SECRET");
    gone("AUTH default ", "Meadow4711x", "", "SECRET");
    gone("zip -r -P ", &key, " out.zip dir", "SECRET");
    gone("7z x -p", "Meadow4711x", " a.7z", "SECRET");
    gone(
        "http -a ",
        &format!("deploy:{key}"),
        " GET https://x.acme.dev",
        "SECRET",
    );
    gone("curl -b 'shop=", &key, "' https://x.acme.dev", "SECRET");
    gone("jwt.sign(claims, \"", &key, "\")", "SECRET");
    let two = scrub(&format!(
        "vault kv put secret/app token={key} api_pin={HEX}"
    ));
    assert!(!two.contains(&key) && !two.contains(HEX), "{two}");
    stays("AUTH LOGIN");
    stays("auth required2 now");
    stays("7z x -pv archive");
    stays("curl -b cookies.txt https://x.acme.dev");
    stays("gh secret set NAME < file.txt");
}

#[test]
fn codes_and_phrases_that_let_in_go() {
    gone(
        "Your verification code is ",
        "482913",
        ", it is good for an hour",
        "SECRET",
    );
    gone("OTP: ", "482913", "", "SECRET");
    let phrase =
        "meadow anchor violin ladder copper window garden pencil orange bridge candle marble";
    gone("seed phrase: ", phrase, "", "SECRET");
    stays("Erlang/OTP 26 [erts-14.1]");
    stays("OTP: enabled");
    stays("verification code sent");
    stays("mnemonic: add eax, ebx");
}

#[test]
fn passwords_go_in_many_languages() {
    for lead in [
        "mein Passwort lautet ",
        "Das Kennwort ist \"",
        "le mot de passe est ",
        "heslo je ",
        "mật khẩu là ",
        "пароль от базы: ",
        "ο κωδικός είναι ",
        "the password for the staging host is ",
        "Passwort für den Server lautet ",
    ] {
        gone(lead, "Meadow4711x", "", "PASSWORD");
    }
    gone("ключ API: ", &key_body(24), "", "SECRET");
    gone("密钥: ", &key_body(24), "", "SECRET");
    stays("password for bob is required");
    stays("Password for user postgres:");
    // A wide space before the value is one character of several bytes.
    assert!(!scrub("パスワード\u{3000}Meadow4711x").contains("Meadow4711x"));
}

#[test]
fn key_files_of_putty_lose_their_private_lines() {
    let key = format!("{}\n{}==", key_body(64), key_body(40));
    gone(
        "Private-Lines: 2\n",
        &key,
        "\nPrivate-MAC: 00",
        "PRIVATE_KEY",
    );
    let escaped = key.replace('\n', "\\n");
    gone(
        "Private-Lines: 2\\n",
        &escaped,
        "\\nPrivate-MAC: 00",
        "PRIVATE_KEY",
    );
    stays("Private-Lines: 14 are missing");
}

#[test]
fn numbers_of_phones_and_cards_of_the_network_go_in_more_forms() {
    gone("هاتف: ", "٠٥٥١٢٣٤٥٦٧", "", "PHONE");
    gone("電話：", "０９０-００００-００００", " まで", "PHONE");
    gone("7,kim,", "612 345 678", ",active", "PHONE");
    gone("link ", "9A-E5-68-16-EE-17", " up", "MAC");
    stays("7 x 612 345 678 rows");
    stays("backup-20-26-01-02-10-20");
    stays("٢٠٢٦");
    stays("python 3.11.9.1");
    stays("chromedriver==131.0.6778.86");
    stays("upgraded the driver from 5.2.12.13");
    assert!(scrub("connected to 203.14.9.1").contains("[IP_"));
}

#[test]
fn values_in_braces_tables_and_manifests_of_one_line_go() {
    gone(
        "\"appToken\":{\"value\":\"",
        UUID,
        "\",\"sensitive\":true}",
        "SECRET",
    );
    gone("smtp_pass | ", "Meadow4711x", " |", "PASSWORD");
    gone(
        "{\"apiVersion\":\"v1\",\"data\":{\"url\":\"",
        "bWVhZG93",
        "\"},\"kind\":\"Secret\"}",
        "SECRET",
    );
    gone("creds are bob/", "Meadow4711x", "", "SECRET");
    gone(
        "ConvertTo-SecureString '",
        "Meadow4711x",
        "' -AsPlainText",
        "SECRET",
    );
    stays("password: ENC[AES256_GCM,data:abc]");
    stays("test_pass | 3 fail");
    stays("credentials are in config/x.yml");
}

#[test]
fn cards_and_phones_go_beside_other_numbers() {
    gone("visa ", "4111 1111 1111 1111", " 11/29 cvv 123", "CARD");
    gone("sent to=", "+49 30 5550 0100", " ok", "PHONE");
    gone("phone ", "030 / 555010", "", "PHONE");
    stays("/v1/users/3f2a9c04-1b7d-4e58-9a6f-0c2d4b8e7a15/orders");
    stays("/v1/users/4711/orders");
    stays("offset=+1204711");
}

#[test]
fn what_is_taken_when_nothing_is_set_goes() {
    let key = key_body(24);
    gone("process.env.AUTH_TOKEN ?? \"", &key, "\"", "SECRET");
    gone(
        "getConnection(url, \"app\", \"",
        "Meadow4711x",
        "\")",
        "SECRET",
    );
    gone("psk=", "Mea_dow4711x", "", "PASSWORD");
    gone("Password changed to ", "Meadow4711x", "", "PASSWORD");
    stays("image: ghcr.io/acme/auth-token:fdadc81993ba");
    stays("render pass = \"shadow_pass_2\"");
}

#[test]
fn many_headings_and_commands_are_read_in_one_go() {
    for piece in [
        "Private-Lines: ",
        "credentials:\n a: b\n",
        "secret key\n",
        "AUTH a\n",
        "password for of ",
        "vault kv put a b=c ",
        "٠-",
        "recovery codes\naaaa1\n",
        "aa-",
        "name value ",
    ] {
        let text = piece.repeat(3_000);
        let clean = scrub(&text);
        assert_eq!(scrub(&clean), clean);
    }
}
