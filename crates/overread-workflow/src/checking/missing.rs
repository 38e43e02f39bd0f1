//! What the check misses, line by line, for the letter that asks for it.

use overread_model::ids::CaseId;
use overread_model::letter::Language;
use overread_store::Tx;

use super::{KeptFinding, newest};
use crate::{StepResult, limits};

/// Returns line by line which series and slices the newest check misses, for a letter that asks for them.
pub(crate) async fn missing_items(
    tx: &mut Tx,
    case_id: &CaseId,
    language: Language,
) -> StepResult<Vec<String>> {
    let Some(newest) = newest(tx, case_id).await? else {
        return Ok(Vec::new());
    };
    let asked: Vec<&KeptFinding> = newest
        .check
        .missing
        .iter()
        .filter(|missing| missing.letter_names_it)
        .filter_map(|missing| {
            let is_it = |one: &&KeptFinding| {
                (&one.rule, &one.subject, &one.message)
                    == (&missing.rule, &missing.item, &missing.message)
            };
            newest.check.findings.iter().find(is_it)
        })
        .collect();
    let more = asked.len().saturating_sub(limits::MISSING_ITEMS);
    let mut lines: Vec<String> = asked
        .into_iter()
        .take(limits::MISSING_ITEMS)
        .map(|finding| finding.missing_line(language))
        .collect();
    if more > 0 {
        lines.push(match language {
            Language::En => {
                format!("{more} more of the same kind; please send the whole exam again")
            }
            Language::Es => {
                format!("{more} más del mismo tipo; por favor, envíen de nuevo el estudio completo")
            }
        });
    }
    Ok(lines)
}

impl KeptFinding {
    /// Returns what is missing in one line, without what the reader of the page should do.
    fn missing_line(&self, language: Language) -> String {
        let action = self.action.as_deref().unwrap_or_default();
        let action = action.trim_end_matches('.');
        let said = self.message.trim_end_matches('.');
        let said = said.strip_suffix(action).unwrap_or(said).trim();
        let said = said.trim_end_matches('.');
        let said = match language {
            Language::En => said.to_owned(),
            Language::Es => said.replacen(&self.title, &self.title_es, 1),
        };
        let mark = match language {
            Language::En => "Missing",
            Language::Es => "Falta",
        };
        format!("{mark}: {}. {said}", self.subject)
    }
}
