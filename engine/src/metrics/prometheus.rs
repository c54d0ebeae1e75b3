//! Metrics as text, in the exposition format of Prometheus, version 0.0.4.

use std::fmt::Write;

use super::snapshot::{Family, HistogramValue, Kind, Sample, Snapshot, Value};

pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for family in &snapshot.families {
        write_family(&mut text, family).expect("writing into a string does not fail");
    }
    text
}

fn write_family(text: &mut String, family: &Family) -> std::fmt::Result {
    let name = &family.name;
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    writeln!(text, "# HELP {name} {}", escape_help(&family.help))?;
    writeln!(text, "# TYPE {name} {kind}")?;
    for Sample { labels, value } in &family.samples {
        match value {
            Value::Number(n) => writeln!(text, "{name}{} {n}", braces(labels, None))?,
            Value::Histogram(histogram) => write_histogram(text, name, labels, histogram)?,
        }
    }
    Ok(())
}

/// The buckets of this format are cumulative.
fn write_histogram(
    text: &mut String,
    name: &str,
    labels: &[(String, String)],
    histogram: &HistogramValue,
) -> std::fmt::Result {
    let mut so_far = 0;
    for (index, count) in histogram.counts.iter().enumerate() {
        so_far += count;
        let bound = histogram
            .bounds
            .get(index)
            .map_or_else(|| "+Inf".to_owned(), f64::to_string);
        let labels = braces(labels, Some(&bound));
        writeln!(text, "{name}_bucket{labels} {so_far}")?;
    }
    let labels = braces(labels, None);
    writeln!(text, "{name}_sum{labels} {}", histogram.sum)?;
    writeln!(text, "{name}_count{labels} {so_far}")
}

fn braces(labels: &[(String, String)], bound: Option<&str>) -> String {
    let labels = labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<String> = labels
        .chain(bound.map(|bound| ("le", bound)))
        .map(|(name, value)| format!("{name}=\"{}\"", escape_label(value)))
        .collect();
    if all.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", all.join(","))
    }
}

fn escape_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn escape_label(text: &str) -> String {
    escape_help(text).replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_ends_in_infinity_sum_and_count() {
        let histogram = HistogramValue {
            bounds: vec![0.000025, 0.5],
            counts: vec![2, 0, 3],
            sum: 7.25,
        };
        let snapshot = Snapshot {
            families: vec![Family {
                name: "wait".to_owned(),
                help: "How long\nit took.".to_owned(),
                kind: Kind::Histogram,
                unit: "seconds".to_owned(),
                samples: vec![Sample {
                    labels: vec![("type".to_owned(), "a\"b\\c\nd".to_owned())],
                    value: Value::Histogram(histogram),
                }],
            }],
        };
        let label = r#"type="a\"b\\c\nd""#;
        let expected = format!(
            "# HELP wait How long\\nit took.\n# TYPE wait histogram\n\
             wait_bucket{{{label},le=\"0.000025\"}} 2\nwait_bucket{{{label},le=\"0.5\"}} 2\n\
             wait_bucket{{{label},le=\"+Inf\"}} 5\nwait_sum{{{label}}} 7.25\n\
             wait_count{{{label}}} 5\n"
        );
        assert_eq!(text(&snapshot), expected);
    }

    #[test]
    fn a_value_without_labels_has_no_braces() {
        let snapshot = Snapshot {
            families: vec![Family {
                name: "runs".to_owned(),
                help: "Runs.".to_owned(),
                kind: Kind::Gauge,
                unit: String::new(),
                samples: vec![Sample {
                    labels: Vec::new(),
                    value: Value::Number(3),
                }],
            }],
        };
        assert_eq!(
            text(&snapshot),
            "# HELP runs Runs.\n# TYPE runs gauge\nruns 3\n"
        );
    }
}
