//! Globs over names: `*` and `?` inside a part of a path, `**` over any parts.
//!
//! A pattern without `/` speaks of the last part of the name; one that starts with `/` speaks of the
//! absolute path; any other speaks of the whole name. Time is bounded by the product of the two
//! lengths: each kind of star only ever goes back to its last use. Must not touch files.

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    parts: Vec<String>,
    of: Of,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    LastPart,
    Name,
    Path,
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let of = if pattern.starts_with('/') {
            Of::Path
        } else if pattern.contains('/') {
            Of::Name
        } else {
            Of::LastPart
        };
        let mut parts: Vec<String> = Vec::new();
        for part in pattern.trim_start_matches('/').split('/') {
            let twice = part == "**" && parts.last().is_some_and(|last| last == "**");
            if !twice {
                parts.push(part.to_owned());
            }
        }
        Self { parts, of }
    }

    /// Whether a file of this name and absolute path is meant.
    pub(super) fn matches(&self, name: &str, path: &str) -> bool {
        let text = match self.of {
            Of::LastPart => name.rsplit('/').next().unwrap_or(name),
            Of::Name => name,
            Of::Path => path.trim_start_matches('/'),
        };
        let parts: Vec<&str> = text.split('/').collect();
        let is_any = |pattern: &String| pattern == "**";
        stars(&self.parts, &parts, is_any, |pattern, part| {
            let pattern: Vec<char> = pattern.chars().collect();
            let part: Vec<char> = part.chars().collect();
            stars(
                &pattern,
                &part,
                |c| *c == '*',
                |c, have| *c == '?' || c == have,
            )
        })
    }
}

/// Matches items against patterns of which some stand for any number of items.
fn stars<P, T>(
    patterns: &[P],
    items: &[T],
    is_star: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut p, mut i) = (0, 0);
    // Where to go on when a later item does not fit: after the last star, one item further.
    let mut back: Option<(usize, usize)> = None;
    while i < items.len() {
        match patterns.get(p) {
            Some(pattern) if is_star(pattern) => {
                back = Some((p + 1, i));
                p += 1;
            }
            Some(pattern) if fits(pattern, &items[i]) => {
                p += 1;
                i += 1;
            }
            Some(_) | None => {
                let Some((star, from)) = &mut back else {
                    return false;
                };
                *from += 1;
                (p, i) = (*star, *from);
            }
        }
    }
    patterns[p..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::Glob;

    fn check(pattern: &str, name: &str, expected: bool) {
        let path = format!("/srv/agents/{name}");
        assert_eq!(
            Glob::new(pattern).matches(name, &path),
            expected,
            "{pattern} on {name}"
        );
    }

    #[test]
    fn a_pattern_means_what_people_expect() {
        check("*.jsonl", "main/sessions/a.jsonl", true);
        check("*.jsonl", "main/sessions/a.jsonl.reset.2026", false);
        check("*.jsonl*", "main/sessions/a.jsonl.reset.2026", true);
        check("a?.jsonl", "a1.jsonl", true);
        check("a?.jsonl", "a.jsonl", false);
        check("main/*.jsonl", "main/sessions/a.jsonl", false);
        check("main/**", "main/sessions/a.jsonl", true);
        check("**/sessions/*.jsonl", "main/sessions/a.jsonl", true);
        check("**/sessions/*.jsonl", "sessions/a.jsonl", true);
        check("**/**/a.jsonl", "x/y/z/a.jsonl", true);
        check("./main/sessions/a.jsonl", "main/sessions/a.jsonl", true);
        check("/srv/agents/**", "main/sessions/a.jsonl", true);
        check("/srv/other/**", "main/sessions/a.jsonl", false);
        check("", "a.jsonl", false);
        check("*", "größe.jsonl", true);
        check("gr??e.*", "größe.jsonl", true);
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = "a*".repeat(400) + "b";
        check(&pattern, &"a".repeat(4_000), false);
        let pattern = "**/a/".repeat(200) + "b";
        check(&pattern, &"a/".repeat(2_000), false);
    }
}
