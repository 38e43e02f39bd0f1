//! The papers of a case: what they are, and what the text of a report tells about dates and signature.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::identity::{PersonIdentity, identity_score, is_anonymous_name};
use super::tables::RuleTables;
use crate::hidden::Hidden;
use crate::limits;
use crate::text::{cut, folded, is_name_particle};
use crate::time::CalendarDate;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// The written report of the exam.
    OriginalReport,
    /// The report of an earlier exam.
    EarlierReport,
    /// Notes of a doctor.
    ClinicalNote,
    /// Laboratory results.
    Laboratory,
    /// Pathology report.
    Pathology,
    /// Referral or order.
    Referral,
    /// Anything else.
    Other,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::OriginalReport,
        Self::EarlierReport,
        Self::ClinicalNote,
        Self::Laboratory,
        Self::Pathology,
        Self::Referral,
        Self::Other,
    ];

    /// Returns the kind as columns, forms and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OriginalReport => "original_report",
            Self::EarlierReport => "earlier_report",
            Self::ClinicalNote => "clinical_note",
            Self::Laboratory => "laboratory",
            Self::Pathology => "pathology",
            Self::Referral => "referral",
            Self::Other => "other",
        }
    }

    /// Reads what `as_str` writes.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Guesses the kind from the name of a file; a person can correct it.
    pub fn guess(file_name: &str) -> Self {
        let text = format!(" {} ", folded(file_name));
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&[" LAB", " BLOOD", " ANALITICA", " ANALISIS"]) {
            Self::Laboratory
        } else if has(&[" PATHOLOG", " BIOPS", " HISTOLOG", " PATOLOG"]) {
            Self::Pathology
        } else if has(&[" REFERRAL", " ORDER ", " REQUISITION", " VOLANTE"]) {
            Self::Referral
        } else if has(&["REPORT", "INFORME", "BEFUND", "IMPRESSION", "READING"]) {
            Self::OriginalReport
        } else if has(&[" NOTE", " NOTES", " LETTER", " HISTORY", " HISTORIA"]) {
            Self::ClinicalNote
        } else {
            Self::Other
        }
    }
}

/// One document of a case or medium. Its name may be the patient's; its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentFacts {
    /// What it is.
    pub kind: DocumentKind,
    /// What to call it in a finding: a file name or title.
    pub name: String,
    /// Day it is about: of the exam, the note, the sample.
    pub clinical_date: Option<CalendarDate>,
    /// Accession number it names.
    pub accession_number: Option<Hidden<String>>,
    /// What its text tells; default when there is no text.
    pub hints: ReportHints,
}

impl std::fmt::Debug for DocumentFacts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DocumentFacts")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What the text of a report tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportHints {
    /// Calls itself preliminary, unsigned or a draft.
    pub is_preliminary: bool,
    /// Day of the exam it says it is about.
    pub exam_date: Option<CalendarDate>,
    /// The lines that say which exam it is about; empty where none does.
    pub heading: Hidden<String>,
    /// Days of earlier exams it compared with.
    pub comparison_dates: Vec<CalendarDate>,
    /// Text was there to be read.
    pub has_text: bool,
    /// Text was there, and less than any report has.
    pub is_too_short: bool,
    /// The patient it names; empty where it names none.
    pub patient: PersonIdentity,
}

impl ReportHints {
    /// Says whether the patient it names is somebody else; it is nobody where it names none.
    pub fn names_another(&self, patient: &PersonIdentity, tables: &RuleTables) -> bool {
        identity_score(patient, &self.patient, &tables.identity.weights)
            .is_some_and(|score| score < tables.identity.paper_fits_from)
    }
}

/// Returns what the text of a report tells: signature, its own exam's day, days it compared with.
pub fn report_hints(text: &str) -> ReportHints {
    let text = cut(text, limits::ORIGINAL_REPORT_CHARS);
    let Some(patterns) = PATTERNS.as_ref() else {
        return ReportHints::default();
    };
    let is_preliminary = patterns.preliminary.is_match(text);
    let exam_date = patterns.exam_date.find_iter(text).find_map(|found| {
        dates_in(after(text, found.end(), 40), patterns)
            .into_iter()
            .next()
    });
    let comparison_dates = patterns
        .comparison
        .find_iter(text)
        .flat_map(|found| dates_in(section(after(text, found.end(), 300)), patterns))
        .collect::<std::collections::BTreeSet<_>>();
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    ReportHints {
        is_too_short: letters < limits::REPORT_LETTERS_MIN,
        is_preliminary,
        exam_date,
        heading: Hidden(heading(text, patterns)),
        comparison_dates: comparison_dates.into_iter().collect(),
        has_text: text.chars().any(char::is_alphanumeric),
        patient: PersonIdentity {
            name: patient_name(text, patterns).map(Hidden),
            birth_date: birth_date(text, patterns).map(Hidden),
            ..PersonIdentity::default()
        },
    }
}

/// Returns the lines that say which exam it is: those with such a label, else titles without one, else the technique.
fn heading(text: &str, patterns: &Patterns) -> String {
    /// A title stands near the top.
    const TITLE_LINES_COUNT: usize = 8;
    /// What stands behind a label.
    const CHARS: usize = 300;
    let labelled = |label: &Regex| -> Vec<&str> {
        let found = label.find_iter(text);
        found
            .filter_map(|found| labelled_line(text, found.end(), patterns))
            .map(|line| cut(line, CHARS))
            .collect()
    };
    let exam = labelled(&patterns.exam);
    if !exam.is_empty() {
        return exam.join(" / ");
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let titles: Vec<&str> = lines
        .take(TITLE_LINES_COUNT)
        .filter(|line| patterns.title.is_match(line))
        .collect();
    if titles.is_empty() {
        labelled(&patterns.technique).join(" / ")
    } else {
        titles.join(" / ")
    }
}

/// Returns what stands behind a label that ends here: on its line or, where that is empty, on the next one, unless that is empty
/// too or has a label of its own.
fn labelled_line<'a>(text: &'a str, end: usize, patterns: &Patterns) -> Option<&'a str> {
    let mut lines = text.get(end..)?.lines().map(str::trim);
    let own = lines.next().filter(|line| !line.is_empty());
    own.or_else(|| {
        lines
            .next()
            .filter(|line| !line.is_empty() && !patterns.label.is_match(line))
    })
}

/// Returns the first name that stands behind `Patient:` and looks like one.
fn patient_name(text: &str, patterns: &Patterns) -> Option<String> {
    patterns.patient.captures_iter(text).find_map(|found| {
        let name = found.get(1)?.as_str();
        // What stands in the next column is no name.
        let end = patterns.next_column.find(name).map(|next| next.start());
        let name = name.get(..end.unwrap_or(name.len()))?.trim();
        let words: Vec<&str> = name
            .split([' ', ',', '^'])
            .filter(|word| !word.is_empty())
            .collect();
        let looks_like_a_name = |word: &&str| {
            word.starts_with(char::is_uppercase)
                && word
                    .chars()
                    .all(|c| c.is_alphabetic() || ".'’-".contains(c))
        };
        let (particles, own): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| is_name_particle(word));
        let fits = (2..=6).contains(&own.len())
            && particles.len() <= 4
            && own.iter().all(looks_like_a_name);
        (fits && !is_anonymous_name(name)).then(|| name.to_owned())
    })
}

fn birth_date(text: &str, patterns: &Patterns) -> Option<CalendarDate> {
    patterns.birth_date.find_iter(text).find_map(|found| {
        dates_in(after(text, found.end(), 24), patterns)
            .into_iter()
            .next()
    })
}

/// Returns the text from a place on, so many characters at most.
fn after(text: &str, start: usize, chars: usize) -> &str {
    cut(text.get(start..).unwrap_or(""), chars)
}

/// Returns the text up to the next empty line or heading.
fn section(text: &str) -> &str {
    let end = text.find("\n\n").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(text);
    // A heading is a line of capitals with a colon; the first line is what follows the heading itself.
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let heading = line.split_once(':').is_some_and(|(words, _)| {
            let letters: Vec<char> = words.chars().filter(|c| c.is_alphabetic()).collect();
            letters.len() >= 4 && letters.iter().all(|c| c.is_uppercase())
        });
        if index > 0 && heading {
            return text.get(..offset).unwrap_or(text);
        }
        offset += line.len();
    }
    text
}

struct Patterns {
    exam: Regex,
    title: Regex,
    technique: Regex,
    label: Regex,
    preliminary: Regex,
    exam_date: Regex,
    comparison: Regex,
    patient: Regex,
    next_column: Regex,
    birth_date: Regex,
    numeric: Regex,
    named: Regex,
}

// The patterns are part of the program, and a test uses each, so that `None` cannot go unseen.
static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    Some(Patterns {
        preliminary: Regex::new(
            r"(?i)\b(preliminary (report|read|interpretation|result)|wet read|unsigned|not (yet )?signed|draft report|informe preliminar|sin firmar)\b|(?m)^\s*(PRELIMINARY|DRAFT|PRELIMINAR|BORRADOR)\b",
        ).ok()?,
        exam: Regex::new(
            r"(?im)^[ \t]*(?:exam|examination|study|procedure|(?:exam|examination|study|procedure) (?:name|type|performed|description)|type of (?:exam|examination|study)|estudio|examen|exploraci[oó]n|prueba|procedimiento|tipo de (?:estudio|examen))[ \t]*:",
        ).ok()?,
        title: Regex::new(
            r"(?i)^[^:.]{0,40}\b((?-i:MR|CT|RM|TC|TAC|PET)|mri|mra|cta|ultrasound|sonogram|x-?rays?|radiographs?|mammogra\w*|bone scan|ecograf[ií]a|resonancia|radiograf[ií]a|tomograf[ií]a)\b[^:.]{0,120}$",
        ).ok()?,
        technique: Regex::new(r"(?im)^[ \t]*(?:technique|t[eé]cnica)[ \t]*:").ok()?,
        label: Regex::new(r"^[^\W\d_](?:[^\W\d_]| ){0,40}:").ok()?,
        exam_date: Regex::new(
            r"(?i)\b(date of (exam|examination|study|service)|(exam|examination|study|scan) date|fecha (del?|de la) (estudio|examen|exploraci[oó]n)|fecha de realizaci[oó]n)\s*:?",
        ).ok()?,
        comparison: Regex::new(r"(?i)\b(comparison|comparisons|compared (with|to)|comparaci[oó]n|comparado con|comparada con)\b\s*:?").ok()?,
        patient: Regex::new(
            r"(?im)^[ \t]*(?:patient(?:[’']s)? name|name of (?:the )?patient|patient|nombre del? (?:la )?paciente|paciente)[ \t]*:[ \t]*([^\r\n]{1,120})",
        ).ok()?,
        next_column: Regex::new(r"(?i)\t| {2}|[|;(]|\b(dob|d\.o\.b|date|born|birth|sex|gender|age|mrn|id|fecha|sexo|edad|f\. ?nac)\b").ok()?,
        birth_date: Regex::new(r"(?i)\b(date of birth|birth ?date|dob|d\.o\.b\.?|born|fecha de nacimiento|f\. ?nac\.?)\s*:?").ok()?,
        numeric: Regex::new(r"\b(\d{1,4})[-/.](\d{1,2})[-/.](\d{2,4})\b").ok()?,
        named: Regex::new(
            r"(?i)\b(?:(\d{1,2})(?:st|nd|rd|th)?\s+(?:de\s+|of\s+)?)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-z]*\.?,?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(?:del?\s+)?(\d{4})\b",
        ).ok()?,
    })
});

/// Returns the days a piece of text names. `03/02/2026` is read as March 2, as the United States write it, unless only the
/// other reading is a day.
fn dates_in(text: &str, patterns: &Patterns) -> Vec<CalendarDate> {
    let number =
        |found: Option<regex::Match<'_>>| found.and_then(|m| m.as_str().parse::<i32>().ok());
    let numeric = patterns.numeric.captures_iter(text).filter_map(|found| {
        let (a, b, c) = (
            number(found.get(1))?,
            number(found.get(2))?,
            number(found.get(3))?,
        );
        if found.get(1)?.len() == 4 {
            return date(a, b, c);
        }
        let year = if c < 100 { 2000 + c } else { c };
        date(year, a, b).or_else(|| date(year, b, a))
    });
    let named = patterns.named.captures_iter(text).filter_map(|found| {
        let month = month_number(found.get(2)?.as_str())?;
        let day = number(found.get(1)).or_else(|| number(found.get(3)))?;
        date(number(found.get(4))?, month, day)
    });
    numeric.chain(named).collect()
}

fn date(year: i32, month: i32, day: i32) -> Option<CalendarDate> {
    let plausible = (1900..2200).contains(&year);
    CalendarDate::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
        .filter(|_| plausible)
}

fn month_number(name: &str) -> Option<i32> {
    const MONTHS: [(&str, i32); 16] = [
        ("JAN", 1),
        ("ENE", 1),
        ("FEB", 2),
        ("MAR", 3),
        ("APR", 4),
        ("ABR", 4),
        ("MAY", 5),
        ("JUN", 6),
        ("JUL", 7),
        ("AUG", 8),
        ("AGO", 8),
        ("SEP", 9),
        ("OCT", 10),
        ("NOV", 11),
        ("DEC", 12),
        ("DIC", 12),
    ];
    let upper = name.to_uppercase();
    MONTHS
        .iter()
        .find(|(short, _)| *short == upper)
        .map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::{DocumentFacts, DocumentKind, ReportHints, report_hints};

    #[test]
    fn a_name_is_not_printed() {
        let facts = DocumentFacts {
            kind: DocumentKind::Other,
            name: "Sample Alex report.pdf".to_owned(),
            clinical_date: None,
            accession_number: None,
            hints: ReportHints::default(),
        };
        assert!(!format!("{facts:?}").contains("Sample"));
    }

    fn check(text: &str, preliminary: bool, exam: Option<&str>, compared: &[&str]) {
        let hints = report_hints(text);
        assert_eq!(hints.is_preliminary, preliminary, "{text}");
        assert_eq!(
            hints.exam_date.map(|d| d.to_string()).as_deref(),
            exam,
            "{text}"
        );
        let dates: Vec<String> = hints
            .comparison_dates
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(dates, compared, "{text}");
    }

    #[test]
    fn a_name_may_hold_small_words() {
        let name = |text: &str| report_hints(text).patient.name.map(|name| name.0);
        let read = name("Patient: Ana de la Cruz\nFINDINGS: none");
        assert_eq!(read.as_deref(), Some("Ana de la Cruz"));
        assert_eq!(name("Patient: seen in de la ward"), None);
        assert_eq!(name("Patient: de la Cruz"), None);
    }

    #[test]
    fn a_report_tells_its_dates() {
        check(
            "Exam date: 03/02/2026\nCOMPARISON: MRI of January 5, 2024 and 12/24/2022.\nFINDINGS: 1/1/2020",
            false,
            Some("2026-03-02"),
            &["2022-12-24", "2024-01-05"],
        );
        check(
            "Date of study: 2026-03-02. Comparison: None.",
            false,
            Some("2026-03-02"),
            &[],
        );
        check(
            "Fecha del estudio: 2 de marzo de 2026\nCOMPARACIÓN: RM del 5 de enero de 2024.",
            false,
            Some("2026-03-02"),
            &["2024-01-05"],
        );
        check(
            "Compared to 25/12/2023 nothing changed.",
            false,
            None,
            &["2023-12-25"],
        );
        check("COMPARISON: 13.13.2023", false, None, &[]);
        check("Comparison: CT 5 Mar 2021", false, None, &["2021-03-05"]);
    }

    #[test]
    fn a_report_tells_which_exam_it_is_about() {
        let check = |text: &str, heading: &str| {
            assert_eq!(report_hints(text).heading.reveal(), heading, "{text}");
        };
        check(
            "Patient: A B\nEXAM: MRI KNEE LEFT\nFINDINGS: none",
            "MRI KNEE LEFT",
        );
        check("EXAMINATION:\nCT CHEST\n", "CT CHEST");
        check("EXAM: \r\n  CT CHEST\r\nFINDINGS: none", "CT CHEST");
        // An empty line takes nothing from what follows it.
        check("EXAM:\nCOMPARISON: CT abdomen 2020", "");
        check("EXAM:\n\nNo fracture was seen on the CT.", "");
        check("EXAM:\nTechnique: Axial CT.\n", "Axial CT.");
        check("EXAM:\nEXAM: MRI KNEE", "MRI KNEE");
        check(
            "MRI OF THE LUMBAR SPINE\n\nFINDINGS: liver normal",
            "MRI OF THE LUMBAR SPINE",
        );
        check(
            "TECHNIQUE: Axial CT of the head.\nFINDINGS: none",
            "Axial CT of the head.",
        );
        check("Estudio: RM de rodilla", "RM de rodilla");
        check("FINDINGS:\nThe CT shows a kidney stone.", "");
        check("Date of exam: 2026-03-02", "");
    }

    #[test]
    fn a_report_tells_that_it_is_not_final() {
        check("PRELIMINARY REPORT", true, None, &[]);
        check("This is a wet read.", true, None, &[]);
        check("INFORME PRELIMINAR", true, None, &[]);
        check(
            "A preliminary radiograph was taken. Signed by Dr. Lang.",
            false,
            None,
            &[],
        );
        check("DRAFT\nFindings", true, None, &[]);
    }

    #[test]
    fn a_report_tells_whose_it_is() {
        let check = |text: &str, name: Option<&str>, birth: Option<&str>| {
            let patient = report_hints(text).patient;
            let found = patient.name.as_ref().map(|name| name.reveal().as_str());
            assert_eq!(found, name, "{text}");
            let found = patient.birth_date.map(|day| day.reveal().to_string());
            assert_eq!(found.as_deref(), birth, "{text}");
        };
        let (ana, day) = (Some("Ana Ruiz"), Some("1970-03-02"));
        check("Patient: Ana Ruiz\nDOB: 03/02/1970", ana, day);
        check("PATIENT NAME: Ana Ruiz   MRN: 17", ana, None);
        check("Patient: Ana Ruiz, DOB 1970-03-02", Some("Ana Ruiz,"), day);
        check("Patient: RUIZ^ANA MARIA", Some("RUIZ^ANA MARIA"), None);
        let spanish = "Nombre del paciente: María Núñez\nFecha de nacimiento: 2 de marzo de 1970";
        check(spanish, Some("María Núñez"), day);
        // What only looks like it names nobody.
        check("Patient: 55-year-old female", None, None);
        check("Patient: female, left knee pain", None, None);
        check("Patient: ANONYMOUS ONE", None, None);
        check("The patient: see below. FINDINGS: Normal Disc", None, None);
    }

    #[test]
    fn names_of_files_tell_kinds() {
        for (name, kind) in [
            ("REPORT.PDF", DocumentKind::OriginalReport),
            ("informe_rm.pdf", DocumentKind::OriginalReport),
            ("Lab results.pdf", DocumentKind::Laboratory),
            ("pathology-report.pdf", DocumentKind::Pathology),
            ("notes.txt", DocumentKind::ClinicalNote),
            ("README.TXT", DocumentKind::Other),
        ] {
            assert_eq!(DocumentKind::guess(name), kind, "{name}");
        }
    }
}
