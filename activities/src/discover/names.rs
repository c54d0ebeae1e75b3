//! What reports call a file: its path relative to what the user named, without names of people.
//!
//! Neighbours: `walk` gives absolute paths, the scrubber replaces. Must not touch files.

use std::path::{Component, Path, PathBuf};

use trace::scrub::Scrubber;

/// The directory that names are relative to: the roots' deepest common one. `None` when that would
/// start names with a person's home or with nothing in common.
pub(super) fn base(roots: &[PathBuf]) -> Option<PathBuf> {
    let mut roots = roots.iter();
    let mut base = roots.next()?.clone();
    for root in roots {
        while !root.starts_with(&base) {
            base.pop();
        }
    }
    let depth = base
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .count();
    let holds_homes = depth <= 1 && (base.ends_with("home") || base.ends_with("Users"));
    (depth > 0 && !holds_homes).then_some(base)
}

/// The path relative to the base with `/` between its parts, or the whole of it without a base.
pub(super) fn relative(path: &Path, base: Option<&Path>) -> String {
    let short = base.and_then(|base| path.strip_prefix(base).ok());
    let parts: Vec<_> = short
        .unwrap_or(path)
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => None,
        })
        .collect();
    parts.join("/")
}

/// A relative name without secrets, personal data and user names.
pub(super) fn scrubbed(relative: &str, has_base: bool) -> String {
    let scrubber = Scrubber::shared();
    let parts: Vec<String> = relative.split('/').map(without_encoded_home).collect();
    let name = parts.join("/");
    if has_base {
        return scrubber.scrub(&name).into_string();
    }
    // The scrubber knows homes by the slash before them.
    let whole = scrubber.scrub(&format!("/{name}")).into_string();
    whole.trim_start_matches('/').to_owned()
}

/// Some agents name a directory after a working directory with dashes for slashes, such as
/// `-home-kim-work` or `--Users-kim-work--`: the part after the home is a person's name.
fn without_encoded_home(part: &str) -> String {
    let bare = part.trim_start_matches('-');
    let dashes = part.len() - bare.len();
    if dashes == 0 {
        return part.to_owned();
    }
    for (home, slashed) in [("home-", "/home/"), ("Users-", "/Users/")] {
        let Some(rest) = bare.strip_prefix(home) else {
            continue;
        };
        let (user, after) = rest.split_at(rest.find('-').unwrap_or(rest.len()));
        let placeholder = Scrubber::shared()
            .scrub(&format!("{slashed}{user}/"))
            .into_string();
        let user = placeholder
            .trim_start_matches(slashed)
            .trim_end_matches('/');
        return format!("{}{home}{user}{after}", &part[..dashes]);
    }
    part.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn names_start_below_what_the_roots_have_in_common() {
        let both = paths(&["/home/kim/.openclaw", "/home/kim/.codex/sessions"]);
        assert_eq!(base(&both), Some(PathBuf::from("/home/kim")));
        assert_eq!(base(&paths(&["/srv/a"])), Some(PathBuf::from("/srv/a")));
        assert_eq!(base(&paths(&["/home/kim/x", "/home/lee/x"])), None);
        assert_eq!(base(&paths(&["/home/kim/x", "/data/x"])), None);
        let path = Path::new("/srv/a/s/1.jsonl");
        assert_eq!(relative(path, Some(Path::new("/srv/a"))), "s/1.jsonl");
        assert_eq!(relative(path, None), "srv/a/s/1.jsonl");
    }

    #[test]
    fn no_name_of_a_person_is_left() {
        let name = scrubbed("home/kimberly/.openclaw/s/1.jsonl", false);
        assert!(name.starts_with("home/["), "{name}");
        assert!(name.ends_with("]/.openclaw/s/1.jsonl"), "{name}");
        for name in [
            scrubbed("projects/-home-kimberly-work-site/1.jsonl", true),
            scrubbed("--Users-kimberly-work--/1.jsonl", true),
            scrubbed("-home-kimberly/1.jsonl", true),
        ] {
            assert!(!name.contains("kimberly"), "{name}");
            assert!(name.ends_with("/1.jsonl"), "{name}");
        }
        let name = scrubbed("projects/-home-kimberly-work-site/1.jsonl", true);
        assert!(name.contains("]-work-site/"), "{name}");
        assert_eq!(
            scrubbed("agents/main/sessions/1.jsonl", true),
            "agents/main/sessions/1.jsonl"
        );
    }
}
