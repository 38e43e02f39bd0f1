//! A comparison arranged for reading: what the pages of cases and of share links both show.

use overread_concordance::{
    Class, Concordance, GuardProblem, InternalContradiction, Item, NotCompared, Overall, PlainView,
    ReportSide, Span, is_spanish, plain::Reader, plain::view,
};
use overread_knowledge::Glossary;
use overread_model::letter::Language;
use overread_workflow::comparing::{Correction, as_judged, class_named};

use super::marks::{Piece, cut};
use super::words::{Explainer, Explanation, Word, plain, unexplained};

/// Categories of the whole, value and words.
pub(super) const OVERALLS: [(&str, &str); 3] = [
    ("confirms", "Both reports say the same where it matters"),
    (
        "refines",
        "The second report adds or adjusts; the plan probably stays",
    ),
    ("changes_management", "A difference may change what is done"),
];

/// What is said when the rules could not compare.
const NOT_COMPARABLE: &str = "These reports could not be compared. Read both.";

/// What is arranged.
pub(crate) struct Compared<'a> {
    /// The engine's result.
    pub(crate) concordance: Concordance,
    /// The reviewer's corrections.
    pub(crate) corrections: &'a [Correction],
    /// The category the reviewer signed.
    pub(crate) signed: Option<&'a str>,
    /// What the reviewer remarked when signing.
    pub(crate) remark: &'a str,
    /// First report.
    pub(crate) original: &'a str,
    /// Second report.
    pub(crate) second: &'a str,
    /// For whom.
    pub(crate) reader: Reader,
    /// Explains the words of the reports to who is not a physician.
    pub(crate) glossary: &'a Glossary,
}

/// One row.
pub(crate) struct Row {
    /// Number, from 1.
    pub(crate) n: u32,
    /// Position in the engine's list, from 0, for corrections.
    pub(crate) item_idx: usize,
    /// Finding and place: `Disc extrusion, L4-L5, left`.
    pub(crate) name: String,
    /// The class in words.
    pub(crate) class: &'static str,
    /// Class of the row's frame.
    pub(crate) frame: &'static str,
    /// One plain sentence.
    pub(crate) sentence: String,
    /// Words of the first report; `None` when it is silent.
    pub(crate) original: Option<Vec<Word>>,
    /// Words of the second report.
    pub(crate) second: Option<Vec<Word>>,
    /// What is known of how often readers differ here.
    pub(crate) note: Option<String>,
    /// The engine was not sure: a reader must look.
    pub(crate) look: bool,
    /// What the reviewer changed, in words.
    pub(crate) corrected: Option<String>,
}

/// Everything a page of comparison shows.
pub(crate) struct Sheet {
    /// Whether the reports could be compared; when not, nothing is shown as the same.
    pub(crate) comparable: bool,
    /// One sentence: what it means.
    pub(crate) headline: &'static str,
    /// Class of the frame: `decision--changes`, `decision--refines`, `decision--confirms`.
    pub(crate) frame: &'static str,
    /// A person signed it.
    pub(crate) signed: bool,
    /// What the reviewer remarked when signing; may be empty.
    pub(crate) remark: String,
    /// Why, in plain words.
    pub(crate) reasons: Vec<String>,
    /// Doubts to settle first.
    pub(crate) doubts: Vec<GuardProblem>,
    /// Why something may change what is done when no row alone says so; empty otherwise.
    pub(crate) why_critical: Vec<String>,
    /// May change what is done.
    pub(crate) critical: Vec<Row>,
    /// Other differences.
    pub(crate) other: Vec<Row>,
    /// Usual differences between readers.
    pub(crate) variation: Vec<Row>,
    /// The same in both.
    pub(crate) agree: Vec<Row>,
    /// Contradictions inside one report.
    pub(crate) inside: Vec<InternalContradiction>,
    /// Passages that were not compared.
    pub(crate) not_compared: Vec<NotCompared>,
    /// Percent of the finding-bearing sentences that were understood.
    pub(crate) coverage_percent: u32,
    /// In a patient's words.
    pub(crate) plain: PlainView,
    /// The differences in a patient's words, cut at the terms that are explained.
    pub(crate) differences: Vec<Vec<Word>>,
    /// The patient's questions, cut in the same way.
    pub(crate) questions: Vec<Vec<Word>>,
    /// What the terms mean, for patients.
    pub(crate) explanations: Vec<Explanation>,
    /// A clinician must still agree to them.
    pub(crate) needs_sign_off: bool,
    /// Who reads this page.
    pub(crate) reader: Reader,
    /// First report in pieces.
    pub(crate) original: Vec<Piece>,
    /// Second report in pieces.
    pub(crate) second: Vec<Piece>,
}

impl Sheet {
    /// Arranges a comparison.
    pub(crate) fn new(compared: Compared<'_>) -> Self {
        let Compared {
            concordance,
            corrections,
            signed,
            remark,
            reader,
            glossary,
            ..
        } = compared;
        let concordance = concordance.marked_when_old();
        let judged = as_judged(concordance.clone(), corrections);
        let told = view(&judged, reader);
        let judged = judged.items;
        let items = &concordance.items;
        // Reports that could not be compared are called nothing until a person signs.
        let overall = signed.unwrap_or_else(|| concordance.overall.map_or("", Overall::name));
        let rows = |wanted: &dyn Fn(&Item) -> bool| {
            let chosen = items.iter().zip(&judged).enumerate();
            chosen
                .filter(|(_, (_, as_judged))| wanted(as_judged))
                .map(|(idx, (item, as_judged))| row(idx, item, as_judged, corrections))
                .collect()
        };
        let comparable = concordance.comparable;
        let shown =
            |item: &Item| comparable || !matches!(item.class, Class::Agree | Class::MoreDetail);
        let critical: Vec<Row> = rows(&|item| item.critical && !item.variation);
        let why_critical = if critical.is_empty() && overall == "changes_management" {
            why(&concordance)
        } else {
            Vec::new()
        };
        let sheet = Self {
            comparable,
            headline: headline(overall, signed.is_some(), comparable),
            frame: frame(overall),
            signed: signed.is_some(),
            remark: remark.to_owned(),
            why_critical,
            critical,
            other: rows(&|item| {
                shown(item) && !item.critical && !item.variation && item.class != Class::Agree
            }),
            reader,
            variation: rows(&|item| item.variation && item.class != Class::Agree),
            agree: rows(&|item| comparable && item.class == Class::Agree),
            coverage_percent: percent(concordance.coverage),
            original: cut(compared.original, &judged, |item| {
                item.original.as_ref().filter(|_| shown(item))
            }),
            second: cut(compared.second, &judged, |item| {
                item.second.as_ref().filter(|_| shown(item))
            }),
            differences: told.differences.iter().cloned().map(unexplained).collect(),
            questions: told.questions.iter().cloned().map(unexplained).collect(),
            explanations: Vec::new(),
            needs_sign_off: glossary.parts().iter().any(|part| part.needs_sign_off),
            plain: told,
            reasons: concordance.reasons,
            doubts: concordance.guard.problems,
            inside: concordance.internal_contradictions,
            not_compared: concordance.not_compared,
        };
        if reader == Reader::Patient {
            sheet.explained([compared.original, compared.second], glossary)
        } else {
            sheet
        }
    }

    /// Has the terms of everything that is read explained: our own sentences in English, reports in their language.
    fn explained(mut self, reports: [&str; 2], glossary: &Glossary) -> Self {
        let mut explainer = Explainer::new(glossary);
        let languages = reports.map(language_of);
        for words in self.differences.iter_mut().chain(&mut self.questions) {
            *words = explainer.sentence(&plain(words));
        }
        let rows = [
            &mut self.critical,
            &mut self.other,
            &mut self.variation,
            &mut self.agree,
        ];
        for row in rows.into_iter().flatten() {
            for (quote, language) in [&mut row.original, &mut row.second]
                .into_iter()
                .zip(languages)
            {
                *quote = quote
                    .take()
                    .map(|words| explainer.words(language, &plain(&words)));
            }
        }
        for (report, language) in [&mut self.original, &mut self.second]
            .into_iter()
            .zip(languages)
        {
            let texts: Vec<&str> = report.iter().map(|piece| piece.text.as_str()).collect();
            let cuts = explainer.cuts(language, &texts);
            for (piece, words) in report.iter_mut().zip(cuts) {
                piece.words = words;
            }
        }
        self.explanations = explainer.explanations();
        self
    }

    /// Whether there is any row to correct.
    pub(crate) fn has_rows(&self) -> bool {
        [&self.critical, &self.other, &self.variation, &self.agree]
            .iter()
            .any(|rows| !rows.is_empty())
    }

    /// Whether the patient reads, or who acts for the patient.
    pub(crate) fn for_patient(&self) -> bool {
        self.reader == Reader::Patient
    }

    /// Returns what stands above the patient's questions.
    pub(crate) fn questions_title(&self) -> &'static str {
        match self.reader {
            Reader::Patient => "What to ask your doctor",
            Reader::Physician => "What your patient may ask you",
            Reader::Staff => "What the patient may ask the doctor",
        }
    }

    /// Returns what folds the patient's words away for another reader.
    pub(crate) fn plain_title(&self) -> &'static str {
        match self.reader {
            Reader::Physician => "In plain words, as your patient reads it",
            Reader::Patient | Reader::Staff => "In plain words, as the patient reads it",
        }
    }

    /// Returns which report, in words.
    pub(crate) fn whose(side: &ReportSide) -> &'static str {
        match side {
            ReportSide::Original => "first report",
            ReportSide::Second => "second report",
        }
    }
}

fn language_of(report: &str) -> Language {
    if is_spanish(report) {
        Language::Es
    } else {
        Language::En
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is clamped to 0..=1 first"
)]
fn percent(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 100.0).floor() as u32
}

/// The engine's reasons, or that the reviewer judged so against its proposal.
fn why(concordance: &Concordance) -> Vec<String> {
    if concordance.overall == Some(Overall::ChangesManagement) {
        return concordance.reasons.clone();
    }
    vec!["The reviewer judged so. The rules alone found no such difference.".to_owned()]
}

/// What a person signed in one sentence, or less when the rules alone say so: they see words, not what they mean.
fn headline(overall: &str, signed: bool, comparable: bool) -> &'static str {
    match (overall, signed) {
        (_, false) if !comparable => NOT_COMPARABLE,
        ("changes_management", _) => "The reports differ in a way that may change what is done.",
        ("confirms", true) => "Both reports say the same where it matters.",
        ("confirms", false) => "The rules found no difference in what they could compare.",
        (_, true) => "The second report adds or adjusts something. The plan probably stays.",
        _ => "The second report adds or adjusts something.",
    }
}

fn frame(overall: &str) -> &'static str {
    match overall {
        "confirms" => "decision--confirms",
        "changes_management" => "decision--changes",
        _ => "decision--refines",
    }
}

/// Returns a class in words.
pub(super) fn class_words(class: Class) -> &'static str {
    match class {
        Class::Contradicted => "One report says it, the other denies it",
        Class::Laterality => "Other side",
        Class::Location => "Other place",
        Class::Interpretation => "Read differently",
        Class::Severity => "Other grade",
        Class::Size => "Other size",
        Class::Certainty => "Less or more certain",
        Class::MoreDetail => "More detail",
        Class::Agree => "The same",
        Class::OnlyOriginal => "Only in the first report",
        Class::OnlySecond => "Only in the second report",
    }
}

fn row(item_idx: usize, item: &Item, as_judged: &Item, corrections: &[Correction]) -> Row {
    let correction = corrections.iter().find(|one| one.item_idx == item_idx);
    Row {
        n: item.n,
        item_idx,
        name: name(item),
        class: match item.denied_on {
            Some(_) => "Found on one side, denied on the other",
            None => class_words(item.class),
        },
        frame: match as_judged.class {
            _ if as_judged.critical => "item--critical",
            Class::Agree => "item--agree",
            _ => "item--minor",
        },
        sentence: item.sentence.clone(),
        original: quote(item.original.as_deref()),
        second: quote(item.second.as_deref()),
        note: item.variation_note.clone(),
        look: item.needs_reader_check,
        corrected: correction.map(|one| {
            let class = class_named(&one.class)
                .map_or("otherwise", class_words)
                .to_lowercase();
            if one.note.is_empty() {
                format!("The reviewer judged: {class}.")
            } else {
                format!("The reviewer judged: {class}. {}", one.note)
            }
        }),
    }
}

fn quote(spans: Option<&[Span]>) -> Option<Vec<Word>> {
    let first = spans?.first()?;
    let words: Vec<_> = first.text.split_whitespace().collect();
    Some(unexplained(words.join(" ")))
}

/// Returns finding and place in words.
fn name(item: &Item) -> String {
    let mut words = overread_concordance::words_of(&item.finding);
    if let Some(first) = words.get(..1) {
        let first = first.to_uppercase();
        words.replace_range(..1, &first);
    }
    for part in [&item.site, &item.side].into_iter().flatten() {
        words.push_str(", ");
        words.push_str(part);
    }
    words
}

#[cfg(test)]
mod tests {
    use overread_concordance::compare;

    use overread_knowledge::Knowledge;

    use super::{Compared, Correction, NOT_COMPARABLE, Reader, Sheet, plain};

    fn sheet(exam: &str, original: &str, second: &str) -> Sheet {
        Sheet::new(Compared {
            concordance: compare(exam, original, second),
            corrections: &[],
            signed: None,
            remark: "",
            original,
            second,
            reader: Reader::Patient,
            glossary: &Knowledge::embedded().glossary,
        })
    }

    #[test]
    fn each_reader_has_their_own_words() {
        for (reader, says, never) in [
            (Reader::Patient, "ask your doctor", "your patient"),
            (Reader::Physician, "your patient may ask you", "your doctor"),
            (Reader::Staff, "patient may ask", "your doctor"),
        ] {
            let (original, second) = ("L4-L5 disc bulge.", "No disc bulge at L4-L5.");
            let sheet = Sheet::new(Compared {
                concordance: compare("MRI lumbar spine", original, second),
                corrections: &[],
                signed: None,
                remark: "",
                original,
                second,
                reader,
                glossary: &Knowledge::embedded().glossary,
            });
            assert!(sheet.questions_title().contains(says));
            assert!(!sheet.questions_title().contains(never));
        }
    }

    #[test]
    fn a_denial_of_the_other_side_stands_in_the_open_row() {
        let sheet = sheet(
            "CT chest",
            "Left pleural effusion.",
            "No right pleural effusion.",
        );
        let open: Vec<_> = sheet.critical.iter().chain(&sheet.other).collect();
        let [row] = open[..] else {
            panic!("{} rows", open.len());
        };
        assert!(plain(row.second.as_deref().unwrap()).contains("No right"));
        assert!(row.class.contains("denied on the other"), "{}", row.class);
        assert!(sheet.variation.is_empty() && sheet.agree.is_empty());
    }

    #[test]
    fn a_result_of_the_first_rules_claims_no_sameness() {
        let text = "L4-L5 disc bulge. No fracture.";
        let mut kept = serde_json::to_value(compare("MRI lumbar spine", text, text)).unwrap();
        kept.as_object_mut().unwrap().remove("comparable");
        kept["engine"] = "overread-concordance 0.1.0 rules 1".into();
        let sheet = Sheet::new(Compared {
            concordance: serde_json::from_value(kept).unwrap(),
            corrections: &[],
            signed: None,
            remark: "",
            original: text,
            second: text,
            reader: Reader::Physician,
            glossary: &Knowledge::embedded().glossary,
        });
        assert!(!sheet.comparable && sheet.agree.is_empty() && sheet.other.is_empty());
        assert_eq!(sheet.headline, NOT_COMPARABLE);
        assert!(sheet.reasons[0].contains("older rules"));
        assert!(sheet.original.iter().all(|piece| piece.item.is_none()));
    }

    #[test]
    fn reports_that_could_not_be_compared_have_their_own_headline() {
        for (original, second) in [
            ("Lungenembolie beidseits", "Keine Lungenembolie"),
            (
                "Kein Anhalt f\u{fc}r einen Tumor",
                "Tumor im Wirbelk\u{f6}rper L3",
            ),
        ] {
            let sheet = sheet("CT chest", original, second);
            assert!(!sheet.comparable);
            assert_eq!(sheet.headline, NOT_COMPARABLE);
            assert!(sheet.agree.is_empty());
        }
    }

    #[test]
    fn reports_that_could_not_be_compared_are_called_nothing() {
        let sheet = sheet(
            "CT chest",
            "Patient: John Smith\nFINDINGS: No pulmonary embolism.",
            "Patient: Mary Jones\nFINDINGS: Acute pulmonary embolism.",
        );
        assert_eq!((sheet.headline, sheet.comparable), (NOT_COMPARABLE, false));
        assert_ne!(sheet.frame, "decision--confirms");
    }

    #[test]
    fn the_rules_alone_promise_nothing() {
        let text = "L4-L5 disc bulge.";
        let confirmed = sheet("MRI lumbar spine", text, text);
        assert!(confirmed.headline.contains("rules"));
        let more = "L4-L5 disc bulge. L5-S1 disc protrusion.";
        let refined = sheet("MRI lumbar spine", text, more);
        assert!(!refined.headline.contains("plan"), "{}", refined.headline);
    }

    #[test]
    fn a_row_stands_where_the_reviewer_put_it() {
        let text = "L4-L5 disc bulge.";
        let concordance = compare("MRI lumbar spine", text, text);
        let corrected = |class: &str| {
            let corrections = [Correction {
                item_idx: 0,
                class: class.to_owned(),
                note: String::new(),
            }];
            Sheet::new(Compared {
                concordance: concordance.clone(),
                corrections: &corrections,
                signed: Some("refines"),
                remark: "",
                original: text,
                second: text,
                reader: Reader::Staff,
                glossary: &Knowledge::embedded().glossary,
            })
        };
        let sheet = corrected("laterality");
        assert_eq!((sheet.critical.len(), sheet.agree.len()), (1, 0));
        let told = sheet.plain.differences.concat() + &sheet.plain.counts.concat();
        assert!(told.contains("different sides"), "{told}");
        assert!(!told.contains("say the same about"), "{told}");
        let words = sheet.critical[0].corrected.as_deref();
        assert_eq!(words, Some("The reviewer judged: other side."));
        assert_eq!(corrected("agree").agree.len(), 1);
        assert!(corrected("agree").has_rows());
    }

    #[test]
    fn a_change_of_management_always_has_its_why() {
        let sheet = sheet(
            "CT chest",
            "The heart is of normal size.",
            "The heart is of normal size. Acute pulmonary embolism.",
        );
        assert_eq!(sheet.frame, "decision--changes");
        assert!(!sheet.critical.is_empty() || !sheet.why_critical.is_empty());
    }

    #[test]
    fn terms_are_explained_to_patients_alone() {
        let (original, second) = ("L4-L5 disc extrusion.", "L4-L5 disc bulge. Derrame.");
        for reader in [Reader::Patient, Reader::Physician, Reader::Staff] {
            let sheet = Sheet::new(Compared {
                concordance: compare("MRI lumbar spine", original, second),
                corrections: &[],
                signed: None,
                remark: "",
                original,
                second,
                reader,
                glossary: &Knowledge::embedded().glossary,
            });
            let quotes = sheet.critical.iter().chain(&sheet.other);
            let mut words: Vec<_> = quotes
                .flat_map(|row| row.original.iter().flatten())
                .collect();
            words.extend(sheet.differences.iter().flatten());
            words.extend(sheet.original.iter().flat_map(|piece| &piece.words));
            let links: Vec<_> = words
                .iter()
                .filter(|one| !one.explained.is_empty())
                .collect();
            assert_eq!(!links.is_empty(), reader == Reader::Patient);
            let known = |id: &str| sheet.explanations.iter().any(|one| one.id == id);
            assert!(links.iter().all(|one| known(&one.explained)), "{links:?}");
        }
    }
}
