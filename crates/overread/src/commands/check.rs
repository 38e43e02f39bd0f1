//! `overread check`: what a disc or a case holds and what is missing; writes nothing.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Check;

pub(crate) async fn run(_arguments: Check) -> Result<ExitCode> {
    anyhow::bail!("being written")
}
