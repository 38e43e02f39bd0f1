//! The nouns of a concordance: what two reports said, side by side, and how they differ.

use serde::{Deserialize, Serialize};

/// A place in a report text, in Unicode code points. Its `Debug` shows the place, never the words.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First code point, counted from 0.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// The words themselves, exactly as they stand in the report.
    pub text: String,
}

impl std::fmt::Debug for Span {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Span({}..{})", self.start, self.end)
    }
}

/// How two statements relate; the earlier variant wins when several apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// One report states it, the other denies it.
    Contradicted,
    /// Same finding, other side.
    Laterality,
    /// Same finding, other level, lobe, compartment or device position.
    Location,
    /// Same lesion, other diagnosis, type or category.
    Interpretation,
    /// The grade differs by a step.
    Severity,
    /// The size differs by at least 3 mm and 20 %.
    Size,
    /// One report is firm, the other is not.
    Certainty,
    /// One report adds extent, number or subtype.
    MoreDetail,
    /// Both reports say the same.
    Agree,
    /// Only the original report says it.
    OnlyOriginal,
    /// Only the second report says it.
    OnlySecond,
}

impl Class {
    /// Returns whether a difference of this class may change what is done.
    #[must_use]
    pub fn is_critical(self) -> bool {
        matches!(
            self,
            Self::Contradicted | Self::Laterality | Self::Location | Self::Interpretation
        )
    }

    /// Returns the name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contradicted => "contradicted",
            Self::Laterality => "laterality",
            Self::Location => "location",
            Self::Interpretation => "interpretation",
            Self::Severity => "severity",
            Self::Size => "size",
            Self::Certainty => "certainty",
            Self::MoreDetail => "more_detail",
            Self::Agree => "agree",
            Self::OnlyOriginal => "only_original",
            Self::OnlySecond => "only_second",
        }
    }
}

/// Whether a report states a finding or its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// The finding is there.
    Present,
    /// The finding is denied, or the structure is normal.
    Absent,
}

/// The proposed category of the whole second opinion; the reviewer signs it or changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// Both reports say the same where it matters.
    Confirms,
    /// The second report adds or adjusts, management probably stays.
    Refines,
    /// A difference may change what is done.
    ChangesManagement,
}

impl Overall {
    /// Returns the name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirms => "confirms",
            Self::Refines => "refines",
            Self::ChangesManagement => "changes_management",
        }
    }
}

/// Five-point scale of clinical importance, a proposal for the reviewer to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// No difference.
    None,
    /// Seen by one reader only, probably without consequence.
    UnimportantDetection,
    /// Read differently, probably without consequence.
    UnimportantInterpretation,
    /// Seen or denied by one reader only, may matter.
    ImportantDetection,
    /// Read differently, may matter.
    ImportantInterpretation,
}

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// An observation or a diagnosis.
    Finding,
    /// A normal statement about a structure.
    Normal,
    /// A tube, line, implant or graft.
    Device,
    /// A reporting category such as BI-RADS.
    Category,
    /// A measurement or age without a judgement.
    Measurement,
    /// Advice: what to do next.
    Recommendation,
}

/// One row of the concordance. Its `Debug` shows how it was judged, never what a report says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Row number, from 1; critical rows come first.
    pub n: u32,
    /// What the row is about.
    pub kind: ItemKind,
    /// How the two reports relate.
    pub class: Class,
    /// Whether the class may change management.
    pub critical: bool,
    /// Finding identifier in snake case, such as `disc_extrusion`.
    pub finding: String,
    /// Place in plain short words, such as `L4-L5`; both places when they differ.
    pub site: Option<String>,
    /// `left`, `right`, `bilateral`, or `right/left` when they differ.
    pub side: Option<String>,
    /// The opposite side, on which the report that does not state the finding denies it; its words stand in the row.
    #[serde(default)]
    pub denied_on: Option<String>,
    /// Whether the finding is stated or denied (by the original report when they differ).
    pub polarity: Polarity,
    /// Where the original report says so; several spans are alternatives.
    pub original: Option<Vec<Span>>,
    /// Where the second report says so; several spans are alternatives.
    pub second: Option<Vec<Span>>,
    /// Which rule decided the class; `reviewer` where a reviewer gave it another one.
    pub rule_id: String,
    /// One plain sentence for a reader.
    pub sentence: String,
    /// Proposed clinical importance.
    pub importance: Importance,
    /// Common difference between readers; shown folded.
    pub variation: bool,
    /// What is known about how often readers differ on this, when `variation` is set.
    pub variation_note: Option<String>,
    /// The engine inferred a place or side on one side only: a reader must look.
    pub needs_reader_check: bool,
}

/// Which of the two reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportSide {
    /// The first reader's report.
    Original,
    /// The second opinion.
    Second,
}

/// A passage the engine did not understand and therefore did not compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCompared {
    /// Which report holds it.
    pub report: ReportSide,
    /// Where it stands.
    pub span: Span,
    /// Why, in plain words.
    pub reason: String,
}

/// A doubt whether the two reports may be compared at all. Its `Debug` shows the kind alone: the message may quote.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardProblem {
    /// What kind of doubt: `patient`, `spelling` of the patient's name, `birth_date`, `exam_date`, `body_part`, `side`,
    /// `modality`, `sex`, `patient_number`, `accession_number`, either with `_elsewhere` when the name or the birth date
    /// is the same, `empty`, `language`, `limited`, or `engine` for a kept result of older rules.
    pub kind: String,
    /// Plain words.
    pub message: String,
}

impl std::fmt::Debug for GuardProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "GuardProblem({})", self.kind)
    }
}

/// Checks made before anything is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Empty when nothing speaks against comparing.
    pub problems: Vec<GuardProblem>,
}

/// Two passages of one report that do not fit together. Its `Debug` shows no words of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternalContradiction {
    /// Which report.
    pub report: ReportSide,
    /// Finding identifier.
    pub finding: String,
    /// What differs: `side`, `polarity` or `site`.
    pub what: String,
    /// The one passage.
    pub first: Span,
    /// The other passage.
    pub second: Span,
    /// Plain words.
    pub sentence: String,
}

/// Two reports set side by side. Its `Debug` shows no words of them.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Concordance {
    /// Version of rules and lexicon that made this.
    pub engine: String,
    /// Rows, critical ones first.
    pub items: Vec<Item>,
    /// Whether the reports could be compared at all; when not, no sameness is claimed anywhere.
    ///
    /// Results kept before this was asked count as not compared.
    #[serde(default)]
    pub comparable: bool,
    /// Proposed category; none when the reports could not be compared.
    #[serde(default)]
    pub overall: Option<Overall>,
    /// Why, in plain words.
    pub reasons: Vec<String>,
    /// Share of finding-bearing sentences that were understood, 0 to 1, the lower of both reports.
    pub coverage: f64,
    /// Passages that were not compared.
    pub not_compared: Vec<NotCompared>,
    /// Doubts to settle before the rows are read.
    pub guard: Guard,
    /// Contradictions inside one report.
    pub internal_contradictions: Vec<InternalContradiction>,
}

impl Concordance {
    /// Whether the rules of today made this.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.engine == crate::ENGINE
    }

    /// Says so in the result when older rules made it; a result without that question asked keeps no calm reason.
    #[must_use]
    pub fn marked_when_old(mut self) -> Self {
        if self.is_current() || self.guard.problems.iter().any(|p| p.kind == OLD_RULES) {
            return self;
        }
        let message = "This comparison was made by older rules. Read both reports in full.";
        if !self.comparable && self.overall != Some(Overall::ChangesManagement) {
            self.reasons.clear();
        }
        if !self.comparable {
            self.overall = None;
            self.reasons.insert(0, message.to_string());
        }
        self.guard.problems.insert(
            0,
            GuardProblem {
                kind: OLD_RULES.to_string(),
                message: message.to_string(),
            },
        );
        self
    }
}

/// The doubt that a kept result is of older rules.
const OLD_RULES: &str = "engine";

/// One understood statement of one report. Its `Debug` shows its kind and place in the text, never what it says.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// What the statement is about.
    pub kind: ItemKind,
    /// Finding identifier.
    pub finding: String,
    /// Place in plain short words.
    pub site: Option<String>,
    /// `left`, `right` or `bilateral`.
    pub side: Option<String>,
    /// Stated or denied.
    pub polarity: Polarity,
    /// Certainty in five steps: 5 firm, 4 likely, 3 possible, 2 unlikely, 1 denied.
    pub certainty: u8,
    /// Grade as a range of ordinals (1 mild, 2 moderate, 3 severe), when given.
    pub severity: Option<(u8, u8)>,
    /// Sizes in mm, as written.
    pub sizes_mm: Vec<f64>,
    /// `recent`, `historical` (before this exam) or `unchanged`.
    pub temporality: String,
    /// Section it stands in: `findings`, `impression` or `body`.
    pub section: String,
    /// Where it stands.
    pub span: Span,
}

/// Whether a phrase is negated in its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Negation {
    /// Denied.
    Negated,
    /// Stated or possible.
    Affirmed,
}

/// When a phrase was true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporality {
    /// Before this visit or exam.
    Historical,
    /// Now.
    Recent,
}

/// Whom a phrase is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Experiencer {
    /// The patient.
    Patient,
    /// A relative or somebody else.
    Other,
}

/// What surrounds a phrase in its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Context {
    /// Denied or not.
    pub negation: Negation,
    /// Now or before.
    pub temporality: Temporality,
    /// Whose.
    pub experiencer: Experiencer,
}

/// What one report says about the other as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// It agrees.
    Agrees,
    /// It differs.
    Differs,
}

/// A comparison in words a patient reads. Its `Debug` shows counts alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainView {
    /// Three counts in words: the same, more detail, different.
    pub counts: [String; 3],
    /// One plain sentence for each difference.
    pub differences: Vec<String>,
    /// Questions to ask the doctor.
    pub questions: Vec<String>,
    /// What was not compared, in one sentence; empty when everything was.
    pub not_compared: Option<String>,
    /// What the words "cannot be excluded" and "possible" mean, when they occur.
    pub meaning_of_words: Vec<String>,
}

/// What a case knows of the person and the examination both reports should be about. Its `Debug` shows nothing of it.
#[derive(Clone, Copy, Default)]
pub struct Subject<'a> {
    /// Name of the exam: `MRI lumbar spine`.
    pub exam: &'a str,
    /// The patient's name; empty when not known.
    pub patient_name: &'a str,
    /// The patient's day of birth, 1960-02-01 or 19600201; empty when not known.
    pub birth_date: &'a str,
    /// Days on which images of the case were made, written like the day of birth.
    pub exam_dates: &'a [&'a str],
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Subject(hidden)")
    }
}

impl std::fmt::Debug for Item {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Item")
            .field("n", &self.n)
            .field("kind", &self.kind)
            .field("class", &self.class)
            .field("critical", &self.critical)
            .field("rule_id", &self.rule_id)
            .field("variation", &self.variation)
            .field("original", &self.original)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Statement")
            .field("kind", &self.kind)
            .field("polarity", &self.polarity)
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for InternalContradiction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("InternalContradiction")
            .field("report", &self.report)
            .field("first", &self.first)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for PlainView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PlainView")
            .field("differences", &self.differences.len())
            .field("questions", &self.questions.len())
            .field("left_out", &self.not_compared.is_some())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Concordance {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Concordance")
            .field("engine", &self.engine)
            .field("comparable", &self.comparable)
            .field("overall", &self.overall)
            .field("coverage", &self.coverage)
            .field("guard", &self.guard)
            .field("items", &self.items)
            .field("not_compared", &self.not_compared)
            .field("internal_contradictions", &self.internal_contradictions)
            .finish_non_exhaustive()
    }
}
