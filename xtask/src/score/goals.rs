//! Which set is judged by which scorer, and what we aim for.

/// How a set is scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judge {
    /// The set.
    pub(crate) set: &'static str,
    /// The row's name in the table of baselines.
    pub(crate) anchor: &'static str,
    /// The scorer's file.
    pub(crate) scorer: &'static str,
    /// The gold file beside the inputs; empty when the scorer takes the directory.
    pub(crate) gold: &'static str,
    /// More arguments of the scorer.
    pub(crate) more: &'static [&'static str],
    /// Metrics to show: the name in the scorer's last line or in `LABEL value`, and the goal.
    pub(crate) metrics: &'static [(&'static str, f64)],
}

impl Judge {
    /// The row's name in our table: the baselines' name, and the set when several sets answer one gold.
    pub(crate) fn shown(&self) -> String {
        if self.anchor.starts_with(self.set) {
            self.anchor.to_owned()
        } else {
            format!("{}, by {}", self.anchor, self.set)
        }
    }
}

const fn judge(
    set: &'static str,
    scorer: &'static str,
    metrics: &'static [(&'static str, f64)],
) -> Judge {
    Judge {
        set,
        anchor: set,
        scorer,
        gold: "gold.jsonl",
        more: &[],
        metrics,
    }
}

/// All judges in the order of the table.
pub(crate) const JUDGES: &[Judge] = &[
    judge(
        "A_toolresult",
        "score_toolresult.py",
        &[("problem_F1", 0.93)],
    ),
    judge(
        "A_swe_sessions",
        "score_outcome.py",
        &[("tool_error_F1", 0.93), ("outcome_AUC", 0.0)],
    ),
    judge(
        "A_taubench",
        "score_outcome.py",
        &[("tool_error_F1", 0.0), ("outcome_AUC", 0.80)],
    ),
    judge(
        "A_openclaw_chains",
        "score_chains.py",
        &[("balanced_accuracy", 0.85)],
    ),
    judge(
        "A_whowhen",
        "score_attribution.py",
        &[("step_accuracy", 0.25)],
    ),
    judge(
        "A_agentrx",
        "score_attribution.py",
        &[("step_accuracy", 0.0)],
    ),
    judge("A_trail", "score_trail.py", &[("joint_accuracy", 0.0)]),
    Judge {
        more: &["--metric", "GA"],
        ..judge("B_loghub", "score_grouping.py", &[("GA_mean", 0.88)])
    },
    Judge {
        more: &["--metric", "FGA"],
        ..judge("B_loghub", "score_grouping.py", &[("FGA_mean", 0.85)])
    },
    Judge {
        more: &["--metric", "PA"],
        ..judge("B_loghub", "score_grouping.py", &[("PA_mean", 0.65)])
    },
    Judge {
        more: &["--metric", "FTA"],
        ..judge("B_loghub", "score_grouping.py", &[("FTA_mean", 0.60)])
    },
    Judge {
        more: &["--metric", "PAIR_F1"],
        ..judge(
            "B_agent_errors",
            "score_grouping.py",
            &[("PAIR_F1_mean", 0.98)],
        )
    },
    Judge {
        anchor: "B_agent_errors (root cause)",
        gold: "gold_root.jsonl",
        more: &["--metric", "PAIR_F1"],
        ..judge(
            "B_agent_errors",
            "score_grouping.py",
            &[("PAIR_F1_mean", 0.90)],
        )
    },
    Judge {
        anchor: "B_agent_errors (root cause)",
        gold: "gold_root.jsonl",
        more: &["--metric", "PAIR_F1"],
        ..judge(
            "B_agent_errors_root",
            "score_grouping.py",
            &[("PAIR_F1_mean", 0.90)],
        )
    },
    Judge {
        gold: "gold_pairs.jsonl",
        ..judge(
            "B_sentry_norm",
            "score_pairs.py",
            &[("balanced_accuracy", 0.995)],
        )
    },
    judge(
        "C_secrets",
        "score_scrub.py",
        &[("secret_recall", 0.95), ("lookalike_kept", 0.99)],
    ),
    judge("C_pii", "score_scrub.py", &[("core_pii_recall", 0.97)]),
    judge(
        "D_sentiment",
        "score_sentiment.py",
        &[("dev_negative_F1", 0.70), ("dev_positive_F1", 0.0)],
    ),
    Judge {
        gold: "",
        ..judge("E_stats", "score_stats.py", &[("verdict", 0.0)])
    },
    Judge {
        gold: "",
        ..judge("F_cron", "score_cron.py", &[("agreed_rows", 1.0)])
    },
    Judge {
        gold: "tool.gold.jsonl",
        more: &["--kind", "tool"],
        ..judge(
            "L_tool",
            "score_labels.py",
            &[("tool_F1", 0.96), ("class_accuracy", 0.85)],
        )
    },
    Judge {
        gold: "user.gold.jsonl",
        more: &["--kind", "user"],
        ..judge("L_user", "score_labels.py", &[("user_macro_F1", 0.65)])
    },
];
