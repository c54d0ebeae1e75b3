//! A user's own durable workflow: `cargo run --example own_workflow`. Kill it while it sleeps and
//! start it again: it goes on.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::{error::Error, path::Path, sync::Arc};

// README: begin
use engine::{ActivityCx, Engine};
use kernel::{ActivityOptions, Cx, Failure, Millis};

async fn greet(_: ActivityCx, name: String) -> Result<String, Failure> {
    Ok(format!("hello {name}")) // touches the world; retried when it fails
}

async fn greet_later(cx: Cx, name: String) -> Result<String, Failure> {
    cx.sleep(Millis(500)).await?; // durable: a restart does not forget how long is left
    let options = ActivityOptions::default();
    cx.activity_named("greet", &name, options).await
}

async fn run(store: Arc<dyn state::Store>) -> Result<String, Box<dyn Error>> {
    let engine = Engine::builder(store)
        .workflow("greet_later", greet_later)
        .activity_fn("greet", greet)
        .start()?;
    let client = engine.client();
    let run = client.start("mine", "greet_later", "world").await?;
    Ok(client.result(run).await?)
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
