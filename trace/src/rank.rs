//! How much one failure matters: score and tier, from counts and severity alone.
//!
//! Neighbours: [`crate::rollup`] asks for each group. Must not know messages or sessions.

use crate::signal::Severity;

const INCIDENT_WEIGHT: f64 = 2.0;
const ERRORS_WEIGHT: f64 = 0.3;
const FRUSTRATION_WEIGHT: f64 = 0.2;

/// The score: `ln(1 + items)` + severity rank + 2.0 for an incident + 0.3 for errors + 0.2 for
/// frustration. Not rounded; see [`rounded`].
///
/// ```
/// use trace::{rank, signal::Severity};
/// let score = rank::score(1, Severity::High, true, true, false);
/// assert_eq!(rank::rounded(score), 5.99);
/// ```
#[must_use]
pub fn score(
    items: u64,
    severity: Severity,
    incident: bool,
    has_errors: bool,
    has_frustration: bool,
) -> f64 {
    let weight = |present: bool, weight: f64| if present { weight } else { 0.0 };
    // Counts above 2^53 lose their last digits, which a logarithm does not show.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the logarithm does not show the lost digits"
    )]
    let many = (items as f64).ln_1p();
    many + f64::from(severity.rank())
        + weight(incident, INCIDENT_WEIGHT)
        + weight(has_errors, ERRORS_WEIGHT)
        + weight(has_frustration, FRUSTRATION_WEIGHT)
}

/// A score as it is written: two decimals, halves away from zero. Two machines whose logarithms
/// differ in the last bit write the same digits.
#[must_use]
pub fn rounded(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

/// The tier, 1 to 3, and why, in plain words. Tier 1: an incident or severity high and above; tier 2: errors,
/// frustration or medium severity; tier 3: the rest.
#[must_use]
pub fn tier(
    severity: Severity,
    incident: bool,
    has_errors: bool,
    has_frustration: bool,
) -> (u8, Vec<String>) {
    let first = [
        (incident, "an incident"),
        (severity == Severity::Critical, "severity critical"),
        (severity == Severity::High, "severity high"),
    ];
    let second = [
        (has_errors, "errors"),
        (has_frustration, "a person is frustrated"),
        (severity == Severity::Medium, "severity medium"),
    ];
    let reasons = |facts: &[(bool, &str)]| -> Vec<String> {
        facts
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, why)| (*why).to_owned())
            .collect()
    };
    let (why_first, why_second) = (reasons(&first), reasons(&second));
    if !why_first.is_empty() {
        (1, why_first)
    } else if !why_second.is_empty() {
        (2, why_second)
    } else {
        (
            3,
            vec!["low severity, no errors, nobody is frustrated".to_owned()],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_scores_come_out() {
        assert_eq!(
            format!("{:.2}", score(1, Severity::High, true, true, false)),
            "5.99"
        );
        assert_eq!(
            format!("{:.2}", score(2, Severity::Medium, true, false, false)),
            "5.10"
        );
        assert_eq!(
            rounded(score(1, Severity::High, true, true, false)).to_string(),
            "5.99"
        );
        assert_eq!(
            rounded(score(2, Severity::Medium, true, false, false)).to_string(),
            "5.1"
        );
    }

    #[test]
    fn each_part_adds_its_weight() {
        let base = score(0, Severity::Low, false, false, false);
        assert_eq!(base.to_string(), "1");
        for (changed, weight) in [
            (score(0, Severity::Critical, false, false, false), 3.0),
            (score(0, Severity::Low, true, false, false), 2.0),
            (score(0, Severity::Low, false, true, false), 0.3),
            (score(0, Severity::Low, false, false, true), 0.2),
        ] {
            assert!((changed - base - weight).abs() < 1e-12);
        }
        assert!(score(u64::MAX, Severity::Low, false, false, false).is_finite());
    }

    #[test]
    fn every_mix_of_facts_has_its_tier() {
        let mut table = String::new();
        for severity in [
            Severity::Low,
            Severity::Medium,
            Severity::High,
            Severity::Critical,
        ] {
            for bits in 0..8_u8 {
                let (tier, reasons) = tier(severity, bits & 4 > 0, bits & 2 > 0, bits & 1 > 0);
                let expected = match (severity, bits) {
                    (Severity::High | Severity::Critical, _) | (_, 4..) => 1,
                    (Severity::Medium, _) | (_, 1..) => 2,
                    (Severity::Low, 0) => 3,
                };
                assert_eq!(tier, expected, "{severity:?} {bits:03b}");
                assert!(!reasons.is_empty());
                table.push_str(&reasons.join("; "));
            }
        }
        assert!(table.contains("an incident; severity high"));
    }
}
