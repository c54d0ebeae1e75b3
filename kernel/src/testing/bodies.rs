//! Workflow bodies for the tests: one for each way of using [`Cx`].

use crate::combine::{Either, join_all, map_bounded, select};
use crate::cx::Cx;
use crate::failure::Failure;
use crate::ids::{Millis, WorkflowId};
use crate::machine::Definition;
use crate::options::{ActivityOptions, ChildOptions, LocalActivityOptions, ParentClosePolicy};

pub(crate) fn options(stage: &str) -> ActivityOptions {
    ActivityOptions {
        stage: stage.to_owned(),
        ..ActivityOptions::default()
    }
}

pub(crate) fn child(parent_close_policy: ParentClosePolicy) -> ChildOptions {
    ChildOptions {
        parent_close_policy,
        ..ChildOptions::default()
    }
}

async fn sequence(cx: Cx, n: u64) -> Result<u64, Failure> {
    cx.stage("count", Some(n));
    let mut sum = 0;
    for value in 0..n {
        let echoed: u64 = cx.activity_named("Echo", &value, options("count")).await?;
        sum += echoed;
    }
    Ok(sum)
}

async fn parallel(cx: Cx, n: u64) -> Result<u64, Failure> {
    let all = join_all((0..n).map(|v| cx.activity_named::<_, u64>("Flaky", &v, options("")))).await;
    all.into_iter().sum()
}

async fn bounded(cx: Cx, n: u64) -> Result<u64, Failure> {
    let all = map_bounded(2, 0..n, |value| {
        let cx = cx.clone();
        async move {
            let echoed: u64 = cx.activity_named("Echo", &value, options("")).await?;
            cx.sleep(Millis(echoed * 10)).await?;
            Ok::<_, Failure>(echoed)
        }
    })
    .await;
    all.into_iter().sum()
}

/// The activity, or half a minute, whichever is first; the other is dropped.
async fn deadline(cx: Cx, n: u64) -> Result<u64, Failure> {
    let mut won = 0;
    for value in 0..n {
        let work = cx.activity_named::<_, u64>("Echo", &value, options(""));
        match select(work, cx.sleep(Millis(30_000))).await {
            Either::First(result) => won += result?,
            Either::Second(fired) => fired?,
        }
    }
    Ok(won)
}

async fn parent(cx: Cx, n: u64) -> Result<u64, Failure> {
    let children = (0..n).map(|i| {
        let id = WorkflowId(format!("{}/{i}", cx.info().workflow_id));
        cx.child_named::<_, u64>("bounded", id, &i, ChildOptions::default())
    });
    join_all(children).await.into_iter().sum()
}

/// Adds signals up until told to stop, but waits no longer than a minute.
async fn adder(cx: Cx, n: u64) -> Result<u64, Failure> {
    let mut sum = n;
    loop {
        let add = cx.signal::<u64>("add");
        let stop = select(cx.signal::<u64>("stop"), cx.sleep(Millis(60_000)));
        match select(add, stop).await {
            Either::First(value) => sum += value?,
            Either::Second(Either::First(last)) => return Ok(sum + last?),
            Either::Second(Either::Second(fired)) => {
                fired?;
                return Ok(sum);
            }
        }
    }
}

/// When canceled, tidies up in a shielded scope before it obeys.
async fn tidy(cx: Cx, n: u64) -> Result<u64, Failure> {
    match sequence(cx.clone(), n).await {
        Ok(sum) => Ok(sum),
        Err(failure) => {
            let shielded = cx.shielded();
            let _: u64 = shielded.activity_named("Echo", &n, options("")).await?;
            shielded.sleep(Millis(5)).await?;
            Err(failure)
        }
    }
}

/// Begins several things and waits for one of them only.
async fn dropper(cx: Cx, n: u64) -> Result<u64, Failure> {
    let id = |i: u64| WorkflowId(format!("dropped/{i}"));
    let _timer = cx.sleep(Millis(1_000_000));
    let _child = cx.child_named::<_, u64>("sequence", id(1), &n, ChildOptions::default());
    let alone = child(ParentClosePolicy::Abandon);
    drop(cx.child_named::<_, u64>("sequence", id(2), &n, alone));
    let first = cx.activity_named::<_, u64>("Echo", &n, options(""));
    drop(cx.activity_named::<_, u64>("Echo", &(n + 1), options("")));
    let _second = cx.activity_named::<_, u64>("Flaky", &n, options(""));
    first.await
}

/// Branches on the run's own chance and time.
async fn chancy(cx: Cx, n: u64) -> Result<u64, Failure> {
    let mut sum = 0;
    for value in 0..n {
        if cx.random().is_multiple_of(2) {
            cx.sleep(Millis(cx.random() % 100)).await?;
        } else {
            sum += cx
                .activity_named::<_, u64>("Echo", &value, options(""))
                .await?;
        }
        if cx.now().0 % 3 == 0 {
            cx.stage("third", None);
        }
    }
    Ok(sum)
}

/// Fails with what an activity failed with, unless it is canceled first.
async fn broken(cx: Cx, n: u64) -> Result<u64, Failure> {
    match select(
        cx.canceled(),
        cx.activity_named::<_, u64>("Broken", &n, options("")),
    )
    .await
    {
        Either::First(reason) => Err(Failure::canceled(reason)),
        Either::Second(result) => result,
    }
}

/// Notes values of its own, and takes the new side of changes.
async fn marked(cx: Cx, n: u64) -> Result<u64, Failure> {
    let mut sum = 0;
    for value in 0..n {
        let made = cx.side_effect(|| value * 2)?;
        cx.upsert_memo("made", &made)?;
        cx.upsert_search_attribute("value", i64::try_from(value).unwrap());
        if cx.patched("doubled") {
            sum += made;
        }
        cx.deprecate_patch("gone");
        if cx
            .uuid()
            .ends_with(['0', '1', '2', '3', '4', '5', '6', '7'])
        {
            cx.sleep(Millis(made + 1)).await?;
        }
        sum += cx
            .activity_named::<_, u64>("Echo", &value, options(""))
            .await?;
    }
    Ok(sum)
}

/// Local activities one after the other, side by side, and between scheduled ones.
async fn nearby(cx: Cx, n: u64) -> Result<u64, Failure> {
    let local = |value: u64| {
        let options = LocalActivityOptions::default();
        cx.local_activity_named::<_, u64>("Echo", &value, options)
    };
    let mut sum = 0;
    for value in 0..n {
        sum += local(value).await?;
        let both = select(local(value), cx.sleep(Millis(50))).await;
        sum += match both {
            Either::First(value) => value?,
            Either::Second(slept) => slept.map(|()| 0)?,
        };
        sum += cx
            .activity_named::<_, u64>("Echo", &value, options(""))
            .await?;
    }
    let all = join_all((0..n).map(local)).await;
    let rest: u64 = all.into_iter().sum::<Result<u64, Failure>>()?;
    Ok(sum + rest)
}

/// Goes on in a new run after a while.
async fn chained(cx: Cx, n: u64) -> Result<u64, Failure> {
    let sum = sequence(cx.clone(), n).await?;
    cx.continue_as_new(&(sum + 1))
}

/// Every body with an input that suits it.
pub(crate) fn all() -> Vec<(Definition, u64)> {
    vec![
        (Definition::new("sequence", sequence), 4),
        (Definition::new("parallel", parallel), 5),
        (Definition::new("bounded", bounded), 6),
        (Definition::new("deadline", deadline), 3),
        (Definition::new("parent", parent), 3),
        (Definition::new("adder", adder), 1),
        (Definition::new("tidy", tidy), 3),
        (Definition::new("dropper", dropper), 2),
        (Definition::new("chancy", chancy), 6),
        (Definition::new("broken", broken), 0),
        (Definition::new("marked", marked), 4),
        (Definition::new("nearby", nearby), 3),
        (Definition::new("chained", chained), 2),
    ]
}

pub(crate) fn one(name: &str) -> Definition {
    let found = all()
        .into_iter()
        .find(|(definition, _)| definition.workflow_type() == name);
    found.unwrap().0
}
