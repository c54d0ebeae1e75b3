//! A user's own durable workflow: `cargo run --example own_workflow`. Kill it while it sleeps and
//! start it again: it goes on.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::{error::Error, path::Path, sync::Arc};

// README: begin
use engine::Engine;
use kernel::{ActivityOptions, Cx, Failure, Millis};

async fn greet_later(cx: Cx, name: String) -> Result<String, Failure> {
    cx.sleep(Millis(500)).await?; // durable: a restart does not forget how long is left
    cx.activity_named("greet", &name, ActivityOptions::default())
        .await
}

async fn run(store: Arc<dyn state::Store>) -> Result<String, Box<dyn Error>> {
    let engine = Engine::builder(store)
        .workflow("greet_later", greet_later)
        .activity_fn("greet", |_cx, name: String| async move {
            Ok(format!("hello {name}"))
        })
        .start()?;
    let run = engine
        .client()
        .start("my-first-run", "greet_later", "world")
        .await?;
    Ok(engine.client().result(run).await?)
}
// README: end

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::temp_dir().join("openclaw-trace-own-workflow");
    let _owner = state::Owner::acquire(Path::new(&dir))?;
    let greeting = run(Arc::new(state::SledStore::open(&dir)?)).await?;
    println!("{greeting}");
    Ok(())
}
