//! The table: set, metric, ours, best baseline, goal.

/// One row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) set: String,
    pub(crate) metric: String,
    pub(crate) ours: Option<f64>,
    /// Name and figure of the best baseline.
    pub(crate) anchor: Option<(String, f64)>,
    /// What we aim for; 0 when nothing is set.
    pub(crate) goal: f64,
    /// Why there is no figure; empty when there is one.
    pub(crate) failed: String,
}

/// Prints the table as Markdown.
pub(crate) fn print(rows: &[Row]) {
    println!("| set | metric | ours | best baseline | goal | |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for row in rows {
        println!("{}", line(row));
    }
}

fn line(row: &Row) -> String {
    let ours = row
        .ours
        .map_or_else(|| "none".to_owned(), |ours| format!("{ours:.4}"));
    let anchor = row
        .anchor
        .as_ref()
        .map_or_else(String::new, |(name, figure)| format!("{figure:.4} {name}"));
    let goal = if row.goal > 0.0 {
        format!("{:.3}", row.goal)
    } else {
        String::new()
    };
    let verdict = match row.ours {
        _ if !row.failed.is_empty() => row.failed.clone(),
        Some(ours) if row.goal > 0.0 && ours + 1e-9 < row.goal => "below the goal".to_owned(),
        Some(_) if row.goal > 0.0 => "reached".to_owned(),
        Some(_) => String::new(),
        None => "the scorer gave no such figure".to_owned(),
    };
    format!(
        "| {} | {} | {ours} | {anchor} | {goal} | {verdict} |",
        row.set, row.metric
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_built_shows_no_figure_and_says_so() {
        let row = Row {
            set: "E_stats".to_owned(),
            metric: "verdict".to_owned(),
            failed: "not built: statistics".to_owned(),
            ..Row::default()
        };
        assert_eq!(
            line(&row),
            "| E_stats | verdict | none |  |  | not built: statistics |"
        );
    }

    #[test]
    fn a_figure_is_held_against_its_goal() {
        let mut row = Row {
            ours: Some(0.5),
            goal: 0.6,
            ..Row::default()
        };
        assert!(line(&row).contains("below the goal"));
        row.ours = Some(0.6);
        assert!(line(&row).contains("reached"));
    }
}
