//! From words to commands, from errors to exit codes.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use super::args::{Cli, Command};
use super::{
    activity, batch, cancel, collect, delete, doctor, explain, export, fork, graph, history,
    import, list, merge, prune, replay, reset, resume, run, schedule, serve, status, submit,
    upgrade, verb,
};
use crate::face_error::FaceError;
use crate::host;

pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                _ => 2,
            };
            // A closed pipe is the reader's business.
            let _closed = error.print();
            return ExitCode::from(code);
        }
    };
    start_logging(cli.global.verbose);
    host::open_directories_with(cli.global.key_file.clone(), cli.global.compress);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = FaceError::internal(format!("could not start the runtime: {error}"));
            return report(&error);
        }
    };
    let result = runtime.block_on(route(cli));
    // Attempts that block cannot be stopped; they must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

async fn route(cli: Cli) -> Result<ExitCode, FaceError> {
    let global = &cli.global;
    match cli.command {
        Command::Run(args) => run::run(global, args).await,
        Command::Submit(args) => submit::run(global, args).await,
        Command::Status(args) => status::run(global, args).await,
        Command::List(args) => list::run(global, &args).await,
        Command::History(args) => history::run(global, args).await,
        Command::Export(args) => export::run(global, args).await,
        Command::Import(args) => import::run(global, args).await,
        Command::Replay(args) => replay::run(global, &args),
        Command::Graph(args) => graph::run(global, args).await,
        Command::Resume(args) => resume::run(global, args).await,
        Command::Cancel(args) => cancel::run(global, args).await,
        Command::Terminate(args) => verb::terminate(global, args).await,
        Command::Pause(args) => verb::pause(global, args).await,
        Command::Unpause(args) => verb::unpause(global, args.id).await,
        Command::Signal(args) => verb::signal(global, args).await,
        Command::Query(args) => verb::query(global, args).await,
        Command::Update(args) => verb::update(global, args).await,
        Command::Activity { command } => activity::activity(global, command).await,
        Command::Reset(args) => reset::run(global, *args).await,
        Command::Fork(args) => fork::run(global, *args).await,
        Command::Batch { command } => batch::run(global, command).await,
        Command::Delete(args) => delete::run(global, args).await,
        Command::Prune(args) => prune::run(global, args).await,
        Command::Schedule { command } => schedule::run(global, command).await,
        Command::Serve(args) => serve::run(global, args).await,
        Command::Explain(args) => explain::run(global, &args),
        Command::Merge(args) => merge::merge(global, args).await,
        Command::Unmerge(args) => merge::unmerge(global, args).await,
        Command::Doctor(args) if args.upgrade => upgrade::run(global).await,
        Command::Doctor(args) if args.collect => collect::run(global),
        Command::Doctor(_) => doctor::run(global).await,
    }
}

fn report(error: &FaceError) -> ExitCode {
    let _closed = writeln!(std::io::stderr(), "{error}");
    ExitCode::from(error.exit_code())
}

/// Logs go to stderr. `RUST_LOG` wins over `-v`.
fn start_logging(verbose: u8) {
    let default = match verbose {
        0 => "error",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}
