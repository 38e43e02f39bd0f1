//! Our scripts: `demo`, `test`, `tidy`, `web`, `bench`.

mod clients;
mod demo;
mod machine;
mod ohif;
mod postgres;
mod run;
mod s3;
mod test;
mod tidy;
mod web;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask demo [--listen ADDRESS]   build everything and open a demonstration on an empty data folder
cargo xtask test [PART…]              everything CI runs; parts: fmt, web, clippy, doc, tidy, rust, fuzz, nodes,
                                      e2e, ohif (another viewer), clients (dicomweb-client, pynetdicom, DCMTK, curl)
cargo xtask tidy                      house rules: imports, sources, migrations, SQL, licences
cargo xtask web                       build the web assets into web/dist
cargo xtask bench [FOLDER]            measure ingest beside cp and fsync of the same files (release build)
";

fn main() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere is left to report a failure of standard output.
            drop(run::say(&format!("error: {error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn answer() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    match command {
        "demo" => demo::demo(rest),
        "test" => test::test(rest),
        "tidy" => tidy::tidy(),
        "web" => web::build(),
        "bench" => demo::bench(rest),
        "help" | "--help" | "-h" => run::say(USAGE),
        other => bail!("unknown command `{other}`\n\n{USAGE}"),
    }
}
