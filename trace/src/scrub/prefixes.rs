//! Tokens that say by their first letters who made them.
//!
//! Neighbours: the scrubber asks for findings. Must not look at words around a token: a token
//! with one of these prefixes is a secret wherever it stands.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::check;
use super::placeholder::{self, Label};
use super::scrubber::Finding;
use crate::normalise::boundary;

/// Which bytes may follow a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
    /// Letters, digits, `_`, `-`, `.`, `=`, `+`, `/`, `~`, `:`.
    Wide,
    /// Hex digits and `-`.
    Hex,
    /// Upper-case letters and digits.
    Upper,
    /// Anything but space, quotes and closing brackets.
    Any,
}

impl Body {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Wide => {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'+' | b'/' | b'~' | b':')
            }
            Self::Hex => byte.is_ascii_hexdigit() || byte == b'-',
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Any => {
                byte > b' ' && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'|' | b',')
            }
        }
    }
}

/// (prefix, what follows, how many bytes of it at least)
const PREFIXES: &[(&str, Body, usize)] = &[
    // Model providers.
    ("sk-ant-", Body::Word, 20),
    ("sk-proj-", Body::Word, 20),
    ("sk-svcacct-", Body::Word, 20),
    ("sk-admin-", Body::Word, 20),
    ("sk-or-v1-", Body::Alnum, 20),
    ("sk-lf-", Body::Word, 20),
    ("sk-", Body::Alnum, 20),
    ("hf_", Body::Alnum, 30),
    ("api_org_", Body::Alnum, 30),
    ("r8_", Body::Alnum, 30),
    ("gsk_", Body::Alnum, 30),
    ("pplx-", Body::Alnum, 30),
    ("xai-", Body::Alnum, 40),
    ("tvly-", Body::Word, 16),
    ("e2b_", Body::Hex, 30),
    ("jina_", Body::Word, 30),
    ("lsv2_pt_", Body::Word, 20),
    ("lsv2_sk_", Body::Word, 20),
    ("nvapi-", Body::Word, 30),
    ("fw_", Body::Alnum, 22),
    ("csk-", Body::Alnum, 30),
    ("sk-kimi-", Body::Word, 20),
    ("sk-helicone-", Body::Word, 20),
    ("sk_", Body::Alnum, 40),
    ("sess-", Body::Alnum, 40),
    ("pcsk_", Body::Word, 40),
    ("tgp_v1_", Body::Word, 40),
    ("fc-", Body::Alnum, 32),
    ("apify_api_", Body::Alnum, 30),
    ("bb_live_", Body::Word, 20),
    ("ctx7sk-", Body::Alnum, 30),
    ("pylf_v1_", Body::Word, 40),
    ("wandb_v1_", Body::Word, 40),
    ("hbp_", Body::Alnum, 30),
    ("phc_", Body::Alnum, 30),
    ("dbtc_", Body::Word, 30),
    ("composio_", Body::Alnum, 30),
    ("fal_", Body::Alnum, 40),
    ("helicone-", Body::Word, 30),
    ("sk-cp-", Body::Word, 40),
    // Code hosts.
    ("ghp_", Body::Alnum, 30),
    ("gho_", Body::Alnum, 30),
    ("ghu_", Body::Alnum, 30),
    ("ghs_", Body::Alnum, 30),
    ("ghr_", Body::Alnum, 30),
    ("github_pat_", Body::Word, 22),
    ("glpat-", Body::Wide, 18),
    ("gldt-", Body::Wide, 18),
    ("glrt-", Body::Wide, 18),
    ("glptt-", Body::Wide, 18),
    ("glft-", Body::Wide, 18),
    ("glsoat-", Body::Wide, 18),
    ("glcbt-", Body::Wide, 18),
    ("glimt-", Body::Wide, 18),
    ("glagent-", Body::Wide, 18),
    ("glffct-", Body::Wide, 18),
    ("gloas-", Body::Wide, 18),
    ("glwt-", Body::Wide, 18),
    ("GR1348941", Body::Word, 20),
    ("ATATT3", Body::Wide, 40),
    ("ATCTT3", Body::Wide, 40),
    ("ATBB", Body::Alnum, 24),
    ("sgp_", Body::Word, 40),
    ("npm_", Body::Alnum, 34),
    ("pypi-", Body::Word, 40),
    ("rubygems_", Body::Hex, 40),
    ("oy2", Body::Alnum, 43),
    ("CLOJARS_", Body::Alnum, 40),
    ("dckr_pat_", Body::Word, 20),
    ("dckr_oat_", Body::Word, 20),
    ("cio", Body::Alnum, 32),
    ("bkua_", Body::Hex, 40),
    ("CCIPAT_", Body::Word, 40),
    ("CCIPRJ_", Body::Word, 40),
    ("KGAT_", Body::Hex, 32),
    ("slk_", Body::Hex, 60),
    ("vtwn_", Body::Alnum, 25),
    ("packagist_", Body::Word, 40),
    // Chat and mail.
    ("xoxb-", Body::Word, 10),
    ("xoxc-", Body::Word, 20),
    ("xoxd-", Body::Any, 20),
    ("xoxa-", Body::Word, 14),
    ("xoxp-", Body::Word, 14),
    ("xoxo-", Body::Word, 10),
    ("xoxr-", Body::Word, 10),
    ("xoxs-", Body::Word, 10),
    ("xoxe-", Body::Word, 10),
    ("xoxe.", Body::Wide, 10),
    ("xapp-", Body::Word, 10),
    ("xwfp-", Body::Word, 10),
    ("SG.", Body::Wide, 30),
    ("xkeysib-", Body::Word, 40),
    ("xsmtpsib-", Body::Word, 40),
    ("syt_", Body::Word, 20),
    ("mct_", Body::Word, 30),
    ("os_v2_app_", Body::Alnum, 60),
    ("os_v2_org_", Body::Alnum, 60),
    ("sec-c-", Body::Wide, 36),
    ("mlsn.", Body::Hex, 60),
    ("nyk_v0_", Body::Alnum, 30),
    ("key-", Body::Hex, 32),
    ("pubkey-", Body::Hex, 32),
    ("shippo_live_", Body::Alnum, 20),
    ("shippo_test_", Body::Alnum, 20),
    // Clouds and hosting.
    ("AKIA", Body::Upper, 16),
    ("ASIA", Body::Upper, 16),
    ("ABIA", Body::Upper, 16),
    ("ACCA", Body::Upper, 16),
    ("A3T", Body::Upper, 17),
    ("ABSK", Body::Wide, 60),
    ("bedrock-api-key-", Body::Wide, 12),
    ("AIza", Body::Word, 33),
    ("ya29.", Body::Wide, 20),
    ("AQ.Ab", Body::Word, 40),
    ("GOCSPX-", Body::Word, 20),
    ("1//0", Body::Word, 30),
    ("LTAI", Body::Alnum, 17),
    ("AKID", Body::Alnum, 32),
    ("bce-v3/ALTAK-", Body::Wide, 40),
    ("cfk_", Body::Alnum, 40),
    ("cfut_", Body::Alnum, 40),
    ("cfat_", Body::Alnum, 40),
    ("tskey-", Body::Word, 20),
    ("sb_secret_", Body::Word, 20),
    ("napi_", Body::Alnum, 40),
    ("rnd_", Body::Alnum, 28),
    ("vercel_blob_rw_", Body::Word, 30),
    ("da2-", Body::Alnum, 26),
    ("amzn.mws.", Body::Hex, 36),
    ("sl.B", Body::Word, 100),
    ("sl.u.", Body::Word, 100),
    ("sl.", Body::Word, 120),
    ("dop_v1_", Body::Hex, 40),
    ("doo_v1_", Body::Hex, 40),
    ("dor_v1_", Body::Hex, 40),
    ("dapi", Body::Hex, 32),
    ("FlyV1 ", Body::Wide, 40),
    ("fo1_", Body::Any, 30),
    ("fm1a_", Body::Any, 40),
    ("fm1r_", Body::Any, 40),
    ("fm2_", Body::Any, 40),
    ("HRKU-", Body::Word, 30),
    ("hvs.", Body::Wide, 20),
    ("hvb.", Body::Wide, 20),
    ("hvr.", Body::Wide, 20),
    ("sbp_", Body::Alnum, 36),
    ("nfp_", Body::Alnum, 30),
    ("vcp_", Body::Alnum, 24),
    ("pul-", Body::Hex, 40),
    ("pscale_tkn_", Body::Wide, 30),
    ("pscale_pw_", Body::Wide, 30),
    ("pscale_oauth_", Body::Wide, 30),
    ("dp.pt.", Body::Wide, 30),
    ("dp.st.", Body::Wide, 30),
    ("dp.ct.", Body::Wide, 30),
    ("dp.sa.", Body::Wide, 30),
    ("dp.scim.", Body::Wide, 30),
    ("dp.audit.", Body::Wide, 30),
    ("dt0c01.", Body::Wide, 40),
    ("dt0s0", Body::Wide, 40),
    ("t1.", Body::Wide, 80),
    ("AQVN", Body::Word, 35),
    ("sha256~", Body::Word, 40),
    ("tk-us-", Body::Word, 40),
    ("v1.0-", Body::Wide, 100),
    ("AGE-SECRET-KEY-1", Body::Upper, 50),
    ("ops_ey", Body::Wide, 60),
    // Money.
    ("sk_live_", Body::Alnum, 14),
    ("sk_test_", Body::Alnum, 14),
    ("sk_prod_", Body::Alnum, 14),
    ("rk_live_", Body::Alnum, 14),
    ("rk_test_", Body::Alnum, 14),
    ("rk_prod_", Body::Alnum, 14),
    ("rzp_live_", Body::Alnum, 14),
    ("rzp_test_", Body::Alnum, 14),
    ("pdl_live_apikey_", Body::Word, 40),
    ("pdl_sdbx_apikey_", Body::Word, 40),
    ("polar_oat_", Body::Alnum, 30),
    ("access_token$production$", Body::Any, 40),
    ("whsec_", Body::Wide, 24),
    ("sq0atp-", Body::Any, 18),
    ("sq0csp-", Body::Any, 30),
    ("sq0idp-", Body::Word, 18),
    ("EAAA", Body::Any, 50),
    ("shpat_", Body::Hex, 30),
    ("shpca_", Body::Hex, 30),
    ("shppa_", Body::Hex, 30),
    ("shpss_", Body::Hex, 30),
    ("FLWSECK_TEST-", Body::Alnum, 12),
    ("FLWPUBK_TEST-", Body::Alnum, 12),
    ("FLWSECK-", Body::Word, 20),
    ("EZAK", Body::Alnum, 54),
    ("EZTK", Body::Alnum, 54),
    ("duffel_test_", Body::Wide, 40),
    ("duffel_live_", Body::Wide, 40),
    ("live_", Body::Word, 40),
    ("access-sandbox-", Body::Hex, 36),
    ("access-development-", Body::Hex, 36),
    ("access-production-", Body::Hex, 36),
    ("EAA", Body::Alnum, 90),
    ("IGQ", Body::Alnum, 90),
    ("IGAA", Body::Alnum, 90),
    ("AAAAAAAAAAAAAAAAAAAAA", Body::Any, 60),
    ("pina_", Body::Alnum, 50),
    ("WPL_AP1.", Body::Wide, 16),
    ("PRD-", Body::Hex, 30),
    ("SBX-", Body::Hex, 30),
    ("ck_", Body::Hex, 40),
    ("cs_", Body::Hex, 40),
    ("secret-live-", Body::Wide, 30),
    ("secret-test-", Body::Wide, 30),
    ("EAAC", Body::Alnum, 60),
    ("EAAM", Body::Alnum, 60),
    // Work tools and monitoring.
    ("PMAK-", Body::Hex, 50),
    ("pat-na1-", Body::Hex, 36),
    ("pat-eu1-", Body::Hex, 36),
    ("ATTA", Body::Hex, 70),
    ("sdk-", Body::Hex, 36),
    ("api-", Body::Hex, 36),
    ("mob-", Body::Hex, 36),
    ("BBFF-", Body::Alnum, 30),
    ("VF.DM.", Body::Wide, 30),
    ("hawk.", Body::Wide, 40),
    ("rootly_", Body::Hex, 60),
    ("zpka_", Body::Word, 40),
    ("sntrys_", Body::Wide, 40),
    ("sntryu_", Body::Hex, 40),
    ("glc_", Body::Wide, 32),
    ("glsa_", Body::Word, 32),
    ("eyJrIjoi", Body::Wide, 60),
    ("NRAK-", Body::Alnum, 24),
    ("NRJS-", Body::Alnum, 18),
    ("NRII-", Body::Word, 30),
    ("lin_api_", Body::Alnum, 30),
    ("lin_oauth_", Body::Alnum, 30),
    ("figd_", Body::Word, 30),
    ("figu_", Body::Word, 30),
    ("pk_", Body::Hex, 34),
    ("fio-u-", Body::Wide, 50),
    ("ico-", Body::Alnum, 30),
    ("s-s4t2ud-", Body::Hex, 50),
    ("s-s4t2af-", Body::Hex, 50),
    ("p8e-", Body::Alnum, 30),
    ("pnu_", Body::Alnum, 30),
    ("rdme_", Body::Alnum, 60),
    ("CFPAT-", Body::Word, 40),
    ("ntn_", Body::Alnum, 40),
    ("secret_", Body::Alnum, 43),
    ("sqp_", Body::Alnum, 36),
    ("squ_", Body::Alnum, 36),
    ("sqa_", Body::Alnum, 36),
    ("sm_aat_", Body::Alnum, 14),
    ("sm_pat_", Body::Alnum, 14),
    ("sm_sat_", Body::Alnum, 14),
    ("phx_", Body::Alnum, 30),
    ("phs_", Body::Alnum, 30),
    ("AKCp", Body::Alnum, 60),
    ("cmVmdGtu", Body::Alnum, 50),
    ("LIVE_SECRET_KEY_", Body::Word, 16),
    ("mdb_sa_sk_", Body::Word, 30),
    ("snyk_uat.", Body::Wide, 40),
    ("snyk_sat.", Body::Wide, 40),
    ("tr_dev_", Body::Alnum, 20),
    ("tr_prod_", Body::Alnum, 20),
    ("signkey-prod-", Body::Hex, 30),
    ("signkey-test-", Body::Hex, 30),
    ("testsk_", Body::Wide, 20),
    ("unkey_", Body::Alnum, 20),
    ("xaat-", Body::Hex, 36),
    ("xapt-", Body::Hex, 36),
    ("hcaik_", Body::Alnum, 40),
    ("hcxik_", Body::Alnum, 40),
    ("hcxlk_", Body::Alnum, 40),
    ("rpa_", Body::Alnum, 40),
    ("essu_", Body::Wide, 40),
    ("CCDB1_", Body::Alnum, 30),
    ("SWMTKN-1-", Body::Word, 50),
];

/// Finds tokens by prefix, all prefixes in one scan.
#[derive(Debug)]
pub(super) struct Prefixes {
    scan: AhoCorasick,
}

impl Prefixes {
    pub(super) fn new() -> Self {
        let scan = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(PREFIXES.iter().map(|(prefix, ..)| prefix))
            .expect("the table of prefixes is small and fixed");
        Self { scan }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let bytes = text.as_bytes();
        let mut covered = 0;
        for hit in self.scan.find_iter(text) {
            if hit.start() < covered || !starts_token(text, hit.start()) {
                continue;
            }
            let (_, body, bytes_min) = PREFIXES[hit.pattern().as_usize()];
            let run = |from: usize, to: usize| {
                bytes[from..to]
                    .iter()
                    .position(|byte| !body.holds(*byte))
                    .map_or(to, |n| from + n)
            };
            // Judged on its first bytes, so that a text full of prefixes stays linear.
            let judged_to = run(hit.end(), bytes.len().min(hit.end() + JUDGED_BYTES_MAX));
            let tail = &text[hit.end()..boundary(text, judged_to)];
            if tail.len() < bytes_min || check::is_dummy(tail) {
                continue;
            }
            let mut end = boundary(text, run(judged_to, bytes.len()));
            while matches!(bytes[end - 1], b'.' | b':' | b')' | b']' | b'}' | b';') {
                end -= 1;
            }
            findings.push(Finding::new(hit.start()..end, Label::Secret));
            covered = end;
        }
    }
}

/// How much of a token is looked at to judge it.
const JUDGED_BYTES_MAX: usize = 512;

/// Whether a token can start here. `\n` and `\t` written as an escape end a token, although their
/// last byte is a letter. Inside encoded bytes, or behind a placeholder, no token starts.
fn starts_token(text: &str, start: usize) -> bool {
    let bytes = text.as_bytes();
    let Some(before) = start.checked_sub(1).map(|index| bytes[index]) else {
        return true;
    };
    match before {
        b'n' | b't' | b'r' => start >= 2 && bytes[start - 2] == b'\\',
        b'/' | b'+' => {
            let encoded = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
            let low = start.saturating_sub(ENCODED_BYTES_MIN);
            bytes[low..start].iter().rev().take_while(encoded).count() < ENCODED_BYTES_MIN
        }
        b']' => !placeholder::ends_at(text, start),
        _ => !(before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-')),
    }
}

/// So many bytes of base64 before a prefix mean that the prefix is there by chance.
const ENCODED_BYTES_MIN: usize = 48;
