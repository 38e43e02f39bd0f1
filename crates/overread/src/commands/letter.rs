//! `overread letter`: a letter from facts in a file, without a data folder.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use overread_documents::Language;
use overread_documents::letters::{self, FactProblem, Letter as Composed};
use overread_knowledge::Knowledge;
use overread_model::letter::LetterCatalog;

use crate::cli::{Letter, LetterLanguage};
use crate::clock;
use crate::output::{json, line, plain, remark};

/// Facts longer than this are no letter's facts.
const FACTS_MAX_BYTES: u64 = 1024 * 1024;

/// Writes a letter, or lists what can be written.
pub(crate) fn run(arguments: &Letter) -> Result<ExitCode> {
    let catalog = &Knowledge::embedded().letters;
    if arguments.list {
        return list(catalog, arguments.json);
    }
    if arguments.sample {
        return sample(arguments.kind.as_deref().unwrap_or_default());
    }
    let (Some(kind), Some(facts), Some(out)) = (&arguments.kind, &arguments.facts, &arguments.out)
    else {
        bail!("a kind, --facts and --out are needed");
    };
    let Some(kind) = letters::list(catalog)
        .iter()
        .find(|known| known.id == *kind)
    else {
        return no_such(kind);
    };
    let size = fs::metadata(facts)
        .with_context(|| format!("{} cannot be read", facts.display()))?
        .len();
    if size > FACTS_MAX_BYTES {
        bail!(
            "{} is larger than {} KiB",
            facts.display(),
            FACTS_MAX_BYTES / 1024
        );
    }
    let text =
        fs::read_to_string(facts).with_context(|| format!("{} cannot be read", facts.display()))?;
    let language = match arguments.language {
        LetterLanguage::En => Language::En,
        LetterLanguage::Es => Language::Es,
    };
    let today = clock::now().date();
    let composed = letters::parse_facts(catalog, &text).and_then(|facts| {
        let as_typed = letters::own_words(catalog, kind, &facts, language);
        let letter = letters::compose(catalog, kind, &facts, language, today)?;
        Ok((letter, as_typed))
    });
    match composed {
        Ok((letter, as_typed)) => {
            if language == Language::Es && !as_typed.is_empty() {
                remark(&format!(
                    "the letter is in Spanish; printed as they stand in the facts, so write these in Spanish: {}",
                    as_typed.join(", ")
                ));
            }
            write(&letter, out, arguments.json)
        }
        Err(problems) => Ok(refuse(&problems, language)),
    }
}

fn list(catalog: &LetterCatalog, as_json: bool) -> Result<ExitCode> {
    for kind in letters::list(catalog) {
        if as_json {
            json(
                &serde_json::json!({ "kind": kind.id, "required": kind.required, "optional": kind.optional }),
            )?;
        } else {
            line(&format!(
                "{}\n    needs: {}",
                kind.id,
                kind.required.join(", ")
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn no_such(kind: &str) -> Result<ExitCode> {
    match kind.trim() {
        "" => bail!("no letter was named; `overread letter --list` names them"),
        _ => bail!("there is no letter `{kind}`; `overread letter --list` names them"),
    }
}

/// Prints a facts file to start from; a day that may lie in the past is left for the writer to set.
fn sample(kind: &str) -> Result<ExitCode> {
    let Some(sample) = letters::sample(kind) else {
        return no_such(kind);
    };
    line(
        sample
            .replace("\nwanted_by =", "\n# wanted_by =")
            .trim_end(),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn write(letter: &Composed, out: &Path, as_json: bool) -> Result<ExitCode> {
    let ending = out
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    let bytes = match ending {
        "pdf" => letter.to_pdf().context("the page could not be set")?,
        "txt" => letter.to_text().into_bytes(),
        _ => bail!("{} ends in neither .pdf nor .txt", out.display()),
    };
    fs::write(out, &bytes).with_context(|| format!("{} cannot be written", out.display()))?;
    if as_json {
        json(&serde_json::json!({ "kind": letter.kind, "out": out, "bytes": bytes.len() }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is missing or wrong; nothing is written.
fn refuse(problems: &[FactProblem], language: Language) -> ExitCode {
    remark("the letter was not written:");
    for problem in problems {
        let message = plain(&problem.message(language));
        remark(&match problem.field.as_str() {
            "" => format!("  {message}"),
            field => format!("  {}: {message}", plain(field)),
        });
    }
    ExitCode::FAILURE
}
