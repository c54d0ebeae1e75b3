//! What `--llm` and its companions say, checked before anything is opened.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use trace::llm::budget::{Limits, Price};
use workflows::ReadingSettings;

use super::args::{Llm, RunArgs};
use crate::face_error::FaceError;

/// The price list that people write: amounts of their currency for a million tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    input: f64,
    output: f64,
}

/// How sessions are read with a model, when one is asked for.
pub(super) fn settings(args: &RunArgs) -> Result<Option<ReadingSettings>, FaceError> {
    let (provider, default_model) = match args.llm {
        Llm::None => return Ok(None),
        Llm::Anthropic => ("anthropic", "claude-sonnet-4-5"),
        Llm::Openai => ("openai", "gpt-5-mini"),
        Llm::ClaudeCli | Llm::CodexCli => {
            return Err(FaceError::usage(
                format!("--llm {} is not built into this version", args.llm.name()),
                "use --llm anthropic or --llm openai, or --llm none, which works offline",
            ));
        }
    };
    let model = args.reading.llm_model.as_deref().unwrap_or(default_model);
    if model.is_empty() || model.len() > 200 || model.chars().any(char::is_control) {
        return Err(FaceError::usage(
            "--llm-model takes 1 to 200 bytes of text",
            "give the provider's name of a model",
        ));
    }
    let price = match &args.reading.llm_prices {
        Some(file) => listed(file)?
            .get(model)
            .copied()
            .map(|l| price(model, l))
            .transpose()?,
        None => None,
    };
    let cost_micros = match &args.reading.llm_cost {
        Some(text) => Some(micros(text).ok_or_else(|| {
            FaceError::usage(
                format!("--llm-cost {text:?} is no amount"),
                "write it like 2.50, with at most six digits after the point",
            )
        })?),
        None => None,
    };
    if cost_micros.is_some() && price.is_none() {
        return Err(FaceError::usage(
            format!("--llm-cost needs the price of {model:?}, which is not known"),
            format!(
                "write it into a file, {{\"{model}\":{{\"input\":3.0,\"output\":15.0}}}}, and name that with \
                 --llm-prices; or limit tokens with --llm-tokens"
            ),
        ));
    }
    if args.reading.llm_at_once == 0 {
        return Err(FaceError::usage(
            "--llm-at-once 0 would never ask",
            "give 1 or more, or --llm none",
        ));
    }
    Ok(Some(ReadingSettings {
        model: format!("{provider}:{model}"),
        limits: Limits {
            tokens: args.reading.llm_tokens,
            cost_micros,
            price,
        },
        seed: args.reading.llm_seed,
        at_once: args.reading.llm_at_once,
    }))
}

/// Says at once what every session would say later, when this process is the one that asks.
pub(super) fn reachable(settings: &ReadingSettings) -> Result<(), FaceError> {
    let access = activities::model::Access::from_environment();
    match access.model(&settings.model) {
        Ok(_) => Ok(()),
        Err(failure) => Err(FaceError::usage(
            failure.message,
            "or use --llm none, which works offline",
        )),
    }
}

fn listed(file: &Path) -> Result<BTreeMap<String, Listed>, FaceError> {
    let hint =
        r#"it holds one JSON object: {"MODEL":{"input":3.0,"output":15.0}}, per million tokens"#;
    let bytes = std::fs::read(file).map_err(|error| {
        let text = format!("could not read --llm-prices {}: {error}", file.display());
        FaceError::usage(text, hint)
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let text = format!("could not read --llm-prices {}: {error}", file.display());
        FaceError::usage(text, hint)
    })
}

fn price(model: &str, listed: Listed) -> Result<Price, FaceError> {
    let part = |amount: f64| {
        micros(&format!("{amount:.6}")).ok_or_else(|| {
            FaceError::usage(
                format!("the price of {model:?} is no amount"),
                "write it as a number such as 3.0, per million tokens",
            )
        })
    };
    Ok(Price {
        input_micros_per_million: part(listed.input)?,
        output_micros_per_million: part(listed.output)?,
    })
}

/// Millionths of an amount in decimal digits; no sign, no exponent.
fn micros(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_millionth() {
        for (text, want) in [
            ("2.50", Some(2_500_000)),
            ("0", Some(0)),
            ("0.000001", Some(1)),
            ("18446744073709.551615", Some(u64::MAX)),
            ("18446744073709.551616", None),
            ("0.0000001", None),
            ("-1", None),
            ("1e3", None),
            (".5", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(micros(text), want, "{text}");
        }
    }
}
