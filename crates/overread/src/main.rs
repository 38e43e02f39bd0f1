//! Here is the executable: command line, configuration and wiring.

mod cli;
mod clock;
mod commands;
mod config;
mod demo;
mod home;
mod limits;
mod listening;
mod logs;
mod memory;
mod output;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use rustix::fs::Mode;
use rustix::process::umask;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What the program writes may be records: it is for this account alone, whatever folder it stands in.
    umask(Mode::RWXG | Mode::RWXO);
    match answer(cli.command) {
        Ok(code) => code,
        // `overread … | head` has read enough: that is no failure.
        Err(error) if error.is::<output::Closed>() => ExitCode::SUCCESS,
        Err(error) => {
            output::remark(&format!("error: {}", output::in_words(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked; one line a command.
fn answer(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(arguments) => wait(commands::serve::run(arguments)),
        Command::Ingest(arguments) => wait(commands::ingest::run(arguments)),
        Command::Check(arguments) => wait(commands::check::run(arguments)),
        Command::Letter(arguments) => commands::letter::run(&arguments),
        Command::Concordance(_) => commands::lines::concordance(),
        Command::Statements(_) => commands::lines::statements(),
        Command::Verify(arguments) => wait(commands::verify::run(arguments)),
        Command::Rebuild(arguments) => wait(commands::rebuild::run(arguments)),
        Command::Token(arguments) => wait(commands::token::run(arguments)),
        Command::Keeping(arguments) => wait(commands::keeping::run(arguments)),
        Command::Audit(arguments) => wait(commands::audit::run(arguments)),
        Command::Pacs(arguments) => wait(commands::pacs::run(arguments)),
        Command::Migrate(arguments) => wait(commands::migrate::run(arguments)),
        Command::Demo(arguments) => wait(commands::demo::run(arguments)),
        Command::CheckConfig(arguments) => wait(commands::check_config::run(arguments)),
        Command::PdfText => Ok(overread_ingest::pdf::child_main().map(|()| ExitCode::SUCCESS)?),
        Command::PixelWorker => Ok(overread_pixels::child_main().map(|()| ExitCode::SUCCESS)?),
    }
}

fn wait(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    logs::start();
    memory::bound();
    // Foreign PDFs and compressed images are read where a crash or an endless loop harms nobody.
    if let Ok(program) = std::env::current_exe() {
        let arguments = vec!["pixel-worker".to_owned()];
        let decoding = overread_pixels::Decoding::processes(program.clone(), arguments);
        overread_pixels::choose_decoding(decoding);
        let arguments = vec!["pdf-text".to_owned()];
        overread_ingest::pdf::choose_reader(overread_ingest::pdf::Reader::Process {
            program,
            arguments,
        });
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
