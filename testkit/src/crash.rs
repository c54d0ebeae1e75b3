//! A crash at every commit: the same test again and again, with a process that dies elsewhere each
//! time, compared with the one in which none does.

use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use state::store::Error as StoreError;

use crate::block_on::block_on;
use crate::builder::Builder;
use crate::env::TestEnv;
use crate::error::Error;
use crate::observed::{Difference, Observed, labels};
use crate::text;
use crate::world::{CrashAt, World};

/// Commits of one test at most: each is a crash in three places, and each crash a test.
const COMMITS_MAX: usize = 2_000;

/// Where in a round of the engine's loop the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Just before the commit: what clients sent and what attempts gave is lost.
    BeforeCommit,
    /// Just after the commit, before anybody is told of it.
    BeforeAck,
    /// After everybody was told and the attempts that it allowed were made, before their results
    /// are recorded.
    AfterAttempts,
}

impl Moment {
    /// All of them, in the order of a round.
    pub const ALL: [Self; 3] = [Self::BeforeCommit, Self::BeforeAck, Self::AfterAttempts];
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeCommit => "just before it was durable",
            Self::BeforeAck => "before anybody was told of it",
            Self::AfterAttempts => "after the attempts that it allowed, before their results",
        })
    }
}

/// What was survived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survived {
    /// Commits of the test without a crash.
    pub commits: usize,
    /// Crashes, each in a run of its own.
    pub crashes: usize,
}

/// With a crash the test did something else than without one. `Debug` is the same text as
/// `Display`.
#[derive(Clone)]
pub struct Divergence {
    /// At which commit the process died, from 1, of how many; `None` when it did so without any
    /// crash.
    pub at: Option<(usize, usize, Moment)>,
    /// What is different, for people.
    pub what: String,
    /// The histories of the runs that differ, for people, with the place of the crash.
    pub histories: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            None => f.write_str("without any crash: ")?,
            Some((commit, commits, moment)) => write!(
                f,
                "a process that dies at commit {commit} of {commits}, {moment}, does something \
                 else than one that lives: "
            )?,
        }
        write!(f, "{}", self.what)?;
        if self.histories.is_empty() {
            Ok(())
        } else {
            write!(f, "\n{}", self.histories)
        }
    }
}

impl Debug for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Divergence {}

/// Plays a test once to count its commits, and then once for each commit and each [`Moment`], with
/// a process that dies there and is opened again over what was durable. What the test gives, how
/// each run ends, which results its activities have and which attempts were made must be the same;
/// that one attempt is made twice is allowed, for runs of activities are at-least-once.
///
/// `setup` is called whenever a process starts: what its closures share is the memory of that
/// process, and is lost with it. `play` is the test.
///
/// ```
/// use kernel::{ActivityOptions, Cx, Failure};
/// use testkit::{Builder, crash_at_every_commit};
///
/// async fn greet(cx: Cx, name: String) -> Result<String, Failure> {
///     cx.activity_named("greet", &name, ActivityOptions::default()).await
/// }
///
/// let setup = || {
///     Builder::new()
///         .workflow("greet", greet)
///         .mock("greet", |name: String, _| Ok(format!("hello {name}")))
/// };
/// let survived = crash_at_every_commit(setup, |env| async move {
///     env.execute::<_, String>("greet", "ada").await
/// })?;
/// assert_eq!(survived.crashes, 3 * survived.commits);
/// # Ok::<(), testkit::Divergence>(())
/// ```
///
/// # Errors
/// The first crash that makes a difference; also when the test fails, or differs from itself,
/// without any.
pub fn crash_at_every_commit<S, F, Fut, T>(setup: S, play: F) -> Result<Survived, Divergence>
where
    S: Fn() -> Builder + Send + Sync + 'static,
    F: Fn(TestEnv) -> Fut,
    Fut: Future<Output = Result<T, Error>>,
    T: PartialEq + Debug,
{
    let setup = Arc::new(setup);
    let unharmed = Life::live(&setup, &play, None);
    let Ok(value) = &unharmed.ended else {
        return Err(unharmed.ended_badly(None));
    };
    let again = Life::live(&setup, &play, None);
    again.compare(&unharmed, value, None)?;
    let commits = unharmed.commits.len();
    if commits > COMMITS_MAX {
        let what = format!("it has {commits} commits; at most {COMMITS_MAX} are tried");
        return Err(Divergence {
            at: None,
            what,
            histories: String::new(),
        });
    }
    for (index, round) in unharmed.commits.iter().enumerate() {
        for moment in Moment::ALL {
            let round = *round;
            let harmed = Life::live(&setup, &play, Some(CrashAt { round, moment }));
            harmed.compare(&unharmed, value, Some((index + 1, commits, moment)))?;
        }
    }
    Ok(Survived {
        commits,
        crashes: commits * Moment::ALL.len(),
    })
}

/// A test that was played.
struct Life<T> {
    env: TestEnv,
    ended: Result<T, String>,
    /// The rounds that made something durable.
    commits: Vec<u64>,
}

impl<T: PartialEq + Debug> Life<T> {
    fn live<S, F, Fut>(setup: &Arc<S>, play: &F, crash_at: Option<CrashAt>) -> Self
    where
        S: Fn() -> Builder + Send + Sync + 'static,
        F: Fn(TestEnv) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let setup = Arc::clone(setup);
        let env = TestEnv::of(Box::new(move || setup()), crash_at);
        let played = catch_unwind(AssertUnwindSafe(|| {
            block_on(async {
                let value = play(env.clone()).await?;
                // What the test left under way goes on as far as it can without time.
                let mut world = env.world();
                world.settle()?;
                world.check()?;
                Ok::<T, Error>(value)
            })
        }));
        let ended = match played {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => Err(format!("it panicked: {}", text::panic_text(&*panic))),
        };
        let commits = env.world().commits.clone();
        Self {
            env,
            ended,
            commits,
        }
    }

    fn compare(
        &self,
        unharmed: &Self,
        value: &T,
        at: Option<(usize, usize, Moment)>,
    ) -> Result<(), Divergence> {
        let Ok(mine) = &self.ended else {
            return Err(self.ended_badly(at));
        };
        if self.env.world().was_spared() {
            let what = "the test took another course, and this commit never came".to_owned();
            let histories = histories(&self.env.world(), Some(&unharmed.env.world()), &|_| true);
            return Err(Divergence {
                at,
                what,
                histories,
            });
        }
        let observed = (
            Observed::of(&unharmed.env.world()),
            Observed::of(&self.env.world()),
        );
        let (Ok(without), Ok(with)) = observed else {
            let what = "its histories cannot be read".to_owned();
            let histories = String::new();
            return Err(Divergence {
                at,
                what,
                histories,
            });
        };
        let differences = without.differences(&with);
        if mine == value && differences.is_empty() {
            return Ok(());
        }
        let mut what = String::new();
        if mine != value {
            what.push_str(&format!("the test gave {mine:?} instead of {value:?}"));
        }
        for difference in &differences {
            what.push_str(&in_words(difference));
        }
        let named =
            |label: &str| differences.is_empty() || differences.iter().any(|d| d.run == label);
        let histories = histories(&self.env.world(), Some(&unharmed.env.world()), &named);
        if at.is_none() {
            what.push_str(
                "\nit was played twice and differs from itself: workflow code, mocks or the test \
                 depend on something outside, such as a clock or a static",
            );
        }
        Err(Divergence {
            at,
            what,
            histories,
        })
    }

    fn ended_badly(&self, at: Option<(usize, usize, Moment)>) -> Divergence {
        let what = match &self.ended {
            Ok(value) => format!("the test gave {value:?}"),
            Err(why) => format!("the test failed: {why}"),
        };
        let histories = match at {
            Some(_) => histories(&self.env.world(), None, &|_| true),
            None => String::new(),
        };
        Divergence {
            at,
            what,
            histories,
        }
    }
}

/// The histories of some runs, with the place where the process died; beside them those of a world
/// in which it did not, and in both a `>` where they part.
fn histories(world: &World, unharmed: Option<&World>, named: &dyn Fn(&str) -> bool) -> String {
    let read = || -> Result<String, StoreError> {
        let mut all = String::new();
        let others = match unharmed {
            Some(unharmed) => labels(&unharmed.runs()?),
            None => Vec::new(),
        };
        for (run, label) in labels(&world.runs()?) {
            if !named(&label) {
                continue;
            }
            let mut lines = text::lines(&world.history(run.run_id)?);
            let other = others.iter().find(|(_, other)| *other == label);
            let mut beside = match (unharmed, other) {
                (Some(unharmed), Some((run, _))) => text::lines(&unharmed.history(run.run_id)?),
                _ => Vec::new(),
            };
            if unharmed.is_some() {
                point_at_difference(&mut lines, &mut beside);
            }
            if let Some(died_at) = world.died_at.get(&run.run_id) {
                let after = usize::try_from(died_at.0).unwrap_or(usize::MAX);
                let mark = "        ---- here the process died ----".to_owned();
                lines.insert(after.min(lines.len()), mark);
            }
            all.push_str(&format!("{label}, with the crash:\n{}\n", lines.join("\n")));
            if !beside.is_empty() {
                all.push_str(&format!("{label}, without:\n{}\n", beside.join("\n")));
            }
        }
        Ok(all)
    };
    read().unwrap_or_else(|error| format!("the histories cannot be read: could not {error}\n"))
}

fn point_at_difference(these: &mut [String], those: &mut [String]) {
    let at = these.iter().zip(those.iter()).take_while(|(a, b)| a == b);
    let at = at.count();
    for line in [these.get_mut(at), those.get_mut(at)].into_iter().flatten() {
        line.replace_range(..1, ">");
    }
}

fn in_words(difference: &Difference) -> String {
    let mut words = format!("\n{}:", difference.run);
    for line in &difference.missing {
        words.push_str(&format!("\n  lost:  {line}"));
    }
    for line in &difference.added {
        words.push_str(&format!("\n  new:   {line}"));
    }
    words
}
