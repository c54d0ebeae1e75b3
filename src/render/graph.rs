//! The stages of a run and its children as text, Mermaid or DOT.

use std::fmt::Write;

use super::text::plain;
use crate::views::{StageView, StatusView};

fn progress(stage: &StageView) -> String {
    match stage.total {
        Some(total) => format!("{}/{total}", stage.done + stage.failed),
        None => (stage.done + stage.failed).to_string(),
    }
}

fn mark(state: &str) -> char {
    match state {
        "done" => '✔',
        "running" => '▶',
        "failed" => '✘',
        _ => '·',
    }
}

/// The stage that a child counts towards, by the path of its id: `<run>/<stage>/<name>`.
fn parent_stage(child: &StatusView, stages: &[StageView]) -> Option<usize> {
    let mut parts = child.workflow_id.rsplit('/');
    let _name = parts.next();
    let kind = parts.next()?;
    stages.iter().position(|stage| stage.name.starts_with(kind))
}

/// A tree, top to bottom in the order of the work.
pub(crate) fn text(run: &StatusView, children: &[StatusView]) -> String {
    let mut out = format!(
        "{} ({}) {}\n",
        plain(&run.workflow_id),
        run.workflow_type,
        run.status
    );
    for (index, stage) in run.stages.iter().enumerate() {
        let last = index + 1 == run.stages.len();
        let branch = if last { "└─" } else { "├─" };
        let _ = writeln!(
            out,
            "{branch} {} {:<9} {:<8} {}",
            mark(&stage.state),
            plain(&stage.name),
            stage.state,
            progress(stage)
        );
        for child in children
            .iter()
            .filter(|c| parent_stage(c, &run.stages) == Some(index))
        {
            let bar = if last { ' ' } else { '│' };
            let stages: Vec<_> = child
                .stages
                .iter()
                .map(|s| format!("{} {}", plain(&s.name), progress(s)))
                .collect();
            let name = child.workflow_id.rsplit('/').next().unwrap_or_default();
            let _ = writeln!(
                out,
                "{bar}    └─ {} ({}) {}: {}",
                plain(name),
                child.workflow_type,
                child.status,
                stages.join(" → ")
            );
        }
    }
    out.trim_end().to_owned()
}

/// A label that no graph language takes for syntax.
fn label(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_alphanumeric() || " -_./:".contains(c) {
                c
            } else {
                ' '
            }
        })
        .collect()
}

/// Nodes with their names and labels, and edges between nodes.
struct Drawing {
    nodes: Vec<(String, String)>,
    edges: Vec<(String, String)>,
}

fn drawing(run: &StatusView, children: &[StatusView]) -> Drawing {
    let mut drawing = Drawing {
        nodes: Vec::new(),
        edges: Vec::new(),
    };
    let mut before: Option<String> = None;
    for (index, stage) in run.stages.iter().enumerate() {
        let node = format!("s{index}");
        let text = format!("{} {} {}", stage.name, stage.state, progress(stage));
        drawing.nodes.push((node.clone(), label(&text)));
        if let Some(before) = before.replace(node.clone()) {
            drawing.edges.push((before, node));
        }
    }
    for (index, child) in children.iter().enumerate() {
        let node = format!("c{index}");
        let name = child.workflow_id.rsplit('/').next().unwrap_or_default();
        let text = format!("{} {} {}", child.workflow_type, name, child.status);
        drawing.nodes.push((node.clone(), label(&text)));
        if let Some(stage) = parent_stage(child, &run.stages) {
            drawing.edges.push((format!("s{stage}"), node));
        }
    }
    drawing
}

/// A Mermaid flowchart.
pub(crate) fn mermaid(run: &StatusView, children: &[StatusView]) -> String {
    let drawing = drawing(run, children);
    let mut out = "flowchart LR\n".to_owned();
    for (node, label) in &drawing.nodes {
        let _ = writeln!(out, "  {node}[\"{label}\"]");
    }
    for (from, to) in &drawing.edges {
        let _ = writeln!(out, "  {from} --> {to}");
    }
    out.trim_end().to_owned()
}

/// A Graphviz digraph.
pub(crate) fn dot(run: &StatusView, children: &[StatusView]) -> String {
    let drawing = drawing(run, children);
    let mut out = "digraph run {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (node, label) in &drawing.nodes {
        let _ = writeln!(out, "  {node} [label=\"{label}\"];");
    }
    for (from, to) in &drawing.edges {
        let _ = writeln!(out, "  {from} -> {to};");
    }
    out.push('}');
    out
}
