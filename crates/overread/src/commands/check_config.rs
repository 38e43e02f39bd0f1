//! `overread check-config`: the settings in force, without secrets.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Data;
use crate::config::{Config, open_folder};
use crate::home::{Layout, look_into_store};
use crate::output::{json, line, remark};

/// Prints the settings of a data folder, and what in them is probably not meant.
pub(crate) async fn run(arguments: Data) -> Result<ExitCode> {
    let config = Config::load(&arguments.data)?;
    if arguments.json {
        json(&config)?;
    } else {
        line(toml::to_string_pretty(&config)?.trim_end())?;
    }
    let mut warnings: Vec<String> = open_folder(&arguments.data).into_iter().collect();
    warnings.extend(config.warnings());
    let callers = &config.dimse.callers;
    if callers
        .iter()
        .any(|one| one.token.is_some() || one.case.is_some())
    {
        warnings.extend(caller_warnings(&arguments, &config).await);
    }
    for warning in warnings {
        remark(&format!("warning: {warning}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the database for the tokens and cases, and changes nothing of it: checking is done before a new version is let in.
/// Settings are checked before there is a database, too.
async fn caller_warnings(arguments: &Data, config: &Config) -> Vec<String> {
    let layout = Layout::of(&arguments.data);
    if !layout.has_database(config) {
        return vec![
            "the tokens and cases of dimse.callers were not looked up: there is no database yet"
                .to_owned(),
        ];
    }
    let looked_up = async {
        let mut tx = look_into_store(config, &layout).await?;
        config.caller_warnings(&mut tx).await
    };
    looked_up.await.unwrap_or_else(|_| {
        vec![
            "the tokens and cases of dimse.callers were not looked up: the database cannot be opened"
                .to_owned(),
        ]
    })
}
