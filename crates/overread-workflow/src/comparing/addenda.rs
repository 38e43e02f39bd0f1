//! Which addenda a comparison counts in, and which comparison is shown to whom.

use overread_model::ids::CaseId;
use overread_model::report::{Addendum, SignedReport};
use overread_store::concordances::{self, ConcordanceRow};
use overread_store::{Tx, reports};

use crate::{StepResult, reporting};

/// Returns the text of the second report that is compared: what it found, what it concludes, what it asks for, and what was
/// added after it was signed.
pub(crate) fn second_text_of(signed: &SignedReport, addenda: &[Addendum]) -> String {
    let part = |heading: &str, key: &str| {
        signed
            .sections
            .get(key)
            .map(|text| format!("{heading}:\n{text}"))
    };
    let parts = [
        part("FINDINGS", "findings"),
        part("IMPRESSION", "impression"),
        part("RECOMMENDATIONS", "recommendations"),
        part("RECOMMENDATIONS", "urgent"),
    ];
    let parts = parts.into_iter().flatten();
    parts
        .chain(addenda.iter().map(section))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Returns an addendum as a part of the second report. Comparisons are known by these words: see [`lacks`].
fn section(addendum: &Addendum) -> String {
    format!("ADDENDUM {}\nFINDINGS:\n{}", addendum.number, addendum.text)
}

/// Says whether an addendum is not part of a comparison.
pub(crate) fn lacks(row: &ConcordanceRow, addendum: &Addendum) -> bool {
    !row.second_text.contains(&section(addendum))
}

/// Returns the newest addendum that is not part of a comparison.
pub(crate) fn missing<'a>(row: &ConcordanceRow, addenda: &'a [Addendum]) -> Option<&'a Addendum> {
    let newest_first = addenda.iter().rev();
    newest_first
        .into_iter()
        .find(|addendum| lacks(row, addendum))
}

/// The comparisons of a case that matter, with the addenda to its signed report.
pub(crate) struct Comparisons {
    /// The newest one: a proposal until it is signed.
    pub(crate) newest: Option<ConcordanceRow>,
    /// The newest one that was signed.
    pub(crate) signed: Option<ConcordanceRow>,
    /// In order.
    pub(crate) addenda: Vec<Addendum>,
}

impl Comparisons {
    pub(crate) async fn of(tx: &mut Tx, case_id: &CaseId) -> StepResult<Self> {
        let addenda = match reports::signed(tx, case_id).await? {
            Some(report) => reporting::addenda_of(tx, &report.id).await?,
            None => Vec::new(),
        };
        let newest = concordances::newest(tx, case_id).await?;
        // Every load of a case comes here, and both texts are long: most often the newest one is the one that was signed.
        let signed = match &newest {
            Some(row) if row.overall.is_none() => concordances::newest_signed(tx, case_id).await?,
            _ => newest.clone(),
        };
        Ok(Self {
            newest,
            signed,
            addenda,
        })
    }

    /// Says whether the comparison that was signed lacks an addendum.
    pub(crate) fn is_outdated(&self) -> bool {
        let signed = self.signed.as_ref();
        signed.is_some_and(|row| missing(row, &self.addenda).is_some())
    }

    /// Returns the newest one when it counts in every addendum.
    pub(crate) fn complete(&self) -> Option<&ConcordanceRow> {
        let newest = self.newest.as_ref();
        newest.filter(|row| missing(row, &self.addenda).is_none())
    }

    /// Returns what a case counts as its comparison: before the release the newest, after it the one a person signed.
    pub(crate) fn counted(&self, is_delivered: bool) -> Option<&ConcordanceRow> {
        if is_delivered {
            self.signed.as_ref()
        } else {
            self.complete()
        }
    }
}
