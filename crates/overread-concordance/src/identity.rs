//! Here the head of a report is read: whom it names, when the person was born, when the images were made.

use overread_model::name::{NameWords, Sameness};
use overread_model::text::is_name_particle;

use crate::lexicon::Lexicon;
use crate::weighing::Label;

/// Lines read for a head, at most.
const LINES_MAX: usize = 400;
/// Characters of a line that are read.
const LINE_CHARS_MAX: usize = 400;
/// Entries kept of one kind.
const ENTRIES_MAX: usize = 8;

/// Who a report is about and when the images were made, as far as it says so. Its `Debug` shows counts alone.
#[derive(Clone, Default)]
pub(crate) struct Identity {
    names: Vec<NameWords>,
    born: Vec<Dates>,
    made: Vec<Dates>,
    numbers: Vec<String>,
    accessions: Vec<String>,
}

/// What a written date may mean: 01/02/2026 is a day in January or in February.
type Dates = Vec<(u16, u8, u8)>;

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (names, born, made) = (self.names.len(), self.born.len(), self.made.len());
        write!(
            formatter,
            "Identity({names} names, {born} births, {made} exams)"
        )
    }
}

impl Identity {
    /// Takes what a case knows.
    pub(crate) fn of_case(name: &str, birth_date: &str, exam_dates: &[&str]) -> Self {
        let named = Some(NameWords::of(name)).filter(|words| words.count() > 0);
        Self {
            names: named.into_iter().collect(),
            born: dates(birth_date).into_iter().collect(),
            made: exam_dates.iter().filter_map(|d| dates(d)).collect(),
            ..Self::default()
        }
    }

    /// Reads the entries "Patient: ...", "DOB: ...", "Date of exam: ..." of a report.
    pub(crate) fn of_report(lex: &Lexicon, text: &str) -> Self {
        let mut out = Self::default();
        for line in text.lines().take(LINES_MAX) {
            let line: Vec<char> = line.chars().take(LINE_CHARS_MAX).collect();
            for (label, value) in entries(lex, &line) {
                out.learn(lex, label, &value);
            }
        }
        out
    }

    fn learn(&mut self, lex: &Lexicon, label: Label, value: &str) {
        match label {
            Label::Patient if self.names.len() < ENTRIES_MAX => {
                self.names.extend(name(lex, value));
            }
            Label::BirthDate if self.born.len() < ENTRIES_MAX => self.born.extend(dates(value)),
            Label::PatientNumber if self.numbers.len() < ENTRIES_MAX => {
                self.numbers.extend(number(value));
            }
            Label::Accession if self.accessions.len() < ENTRIES_MAX => {
                self.accessions.extend(number(value));
            }
            Label::ExamDate if self.made.len() < ENTRIES_MAX => self.made.extend(dates(value)),
            _ => {}
        }
    }

    /// How the names of both relate; `None` when one names nobody.
    pub(crate) fn person(&self, other: &Self) -> Option<Sameness> {
        let pairs = self
            .names
            .iter()
            .flat_map(|a| other.names.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| a.compare(b)).max()
    }

    /// Whether both name somebody, and not the same person.
    #[cfg(test)]
    fn other_person(&self, other: &Self) -> bool {
        self.person(other) == Some(Sameness::Other)
    }

    /// Whether both name a day of birth, and not the same one.
    pub(crate) fn other_birth(&self, other: &Self) -> bool {
        apart(&self.born, &other.born, same_day)
    }

    /// Whether both name the same day of birth.
    pub(crate) fn same_birth(&self, other: &Self) -> bool {
        let same = |a: &Dates| other.born.iter().any(|b| same_day(a, b));
        self.born.iter().any(same)
    }

    /// Whether both give a number of the patient, and not the same one.
    pub(crate) fn other_number(&self, other: &Self) -> bool {
        apart(&self.numbers, &other.numbers, |a, b| a == b)
    }

    /// Whether both give a number of the examination, and not the same one.
    pub(crate) fn other_accession(&self, other: &Self) -> bool {
        apart(&self.accessions, &other.accessions, |a, b| a == b)
    }

    /// Whether both name the day of the exam, and not the same one.
    pub(crate) fn other_exam(&self, other: &Self) -> bool {
        apart(&self.made, &other.made, same_day)
    }
}

fn apart<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    !a.is_empty() && !b.is_empty() && !a.iter().any(|x| b.iter().any(|y| same(x, y)))
}

fn same_day(a: &Dates, b: &Dates) -> bool {
    a.iter().any(|x| b.contains(x))
}

/// Reads a value as a number of a patient or an examination: its first word with a digit, zeros in front and signs
/// left out. "Redacted" is none.
fn number(value: &str) -> Option<String> {
    let word = value.split([' ', ',', ';', '\t']).find(|w| !w.is_empty())?;
    let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    let plain = plain.trim_start_matches('0').to_uppercase();
    plain.chars().any(|c| c.is_ascii_digit()).then_some(plain)
}

/// Reads a value as a name; "54-year-old woman" and "seen above" are none.
fn name(lex: &Lexicon, value: &str) -> Option<NameWords> {
    if value.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let (small, own): (Vec<&str>, Vec<&str>) = value
        .split_whitespace()
        .filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() > 1)
        .partition(|w| is_name_particle(w));
    let capital = own.len() >= 2
        && small.len() <= 4
        && own.iter().all(|w| {
            w.chars()
                .find(|c| c.is_alphabetic())
                .is_some_and(char::is_uppercase)
        });
    let plain = NameWords::of(value);
    let mut no_names = lex.weighing.no_names.iter();
    let spoilt = no_names.any(|word| plain.has(&word.to_uppercase()));
    (capital && !spoilt && (2..=8).contains(&plain.count())).then_some(plain)
}

/// Cuts a line into its labelled entries.
fn entries(lex: &Lexicon, line: &[char]) -> Vec<(Label, String)> {
    let lower: Vec<char> = line
        .iter()
        .map(|c| c.to_lowercase().next().unwrap_or(*c))
        .collect();
    let mut labels: Vec<(usize, usize, Label)> = Vec::new();
    let mut at = 0;
    while at < lower.len() {
        let begins = at == 0 || lower.get(at - 1).is_some_and(|c| !c.is_alphanumeric());
        let found = begins.then(|| label_at(lex, &lower, at)).flatten();
        match found {
            Some((end, label)) => {
                labels.push((at, end, label));
                at = end;
            }
            None => at += 1,
        }
    }
    let mut out = Vec::new();
    for (k, (_, end, label)) in labels.iter().enumerate() {
        let stop = labels.get(k + 1).map_or(line.len(), |next| next.0);
        let value: String = line.get(*end..stop).unwrap_or_default().iter().collect();
        let value = value.trim();
        let cut = ["  ", "\t", "|", ";"]
            .iter()
            .filter_map(|mark| value.find(mark))
            .min()
            .unwrap_or(value.len());
        out.push((
            *label,
            value.get(..cut).unwrap_or_default().trim().to_string(),
        ));
    }
    out
}

/// A label at this place and the end of its colon.
fn label_at(lex: &Lexicon, lower: &[char], at: usize) -> Option<(usize, Label)> {
    lex.weighing.labels.iter().find_map(|(words, label)| {
        let mut here = at;
        for (k, word) in words.iter().enumerate() {
            if k > 0 {
                let from = here;
                while lower.get(here).is_some_and(|c| *c == ' ') {
                    here += 1;
                }
                if here == from {
                    return None;
                }
            }
            for c in word.chars() {
                let same = lower
                    .get(here)
                    .is_some_and(|l| *l == c || c == '\'' && *l == '\u{2019}');
                if !same {
                    return None;
                }
                here += 1;
            }
        }
        while lower.get(here).is_some_and(|c| *c == ' ') {
            here += 1;
        }
        let colon = lower.get(here) == Some(&':');
        // "DOB 01/02/1960" needs no colon.
        let day = *label == Label::BirthDate && lower.get(here).is_some_and(char::is_ascii_digit);
        (colon || day).then_some((here + usize::from(colon), *label))
    })
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Every day a written date may mean; `None` when it is none.
fn dates(value: &str) -> Option<Dates> {
    let lower = value.to_lowercase();
    let parts: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|p| !p.is_empty())
        .take(3)
        .collect();
    let mut out = Dates::new();
    let mut add = |year: &str, month: u8, day: &str| {
        let (Some(year), Ok(day)) = (full_year(year), day.parse::<u8>()) else {
            return;
        };
        if (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && !out.contains(&(year, month, day))
        {
            out.push((year, month, day));
        }
    };
    let number = |text: &str| text.parse::<u8>().unwrap_or(0);
    match parts.as_slice() {
        [one, ..] if one.len() == 8 && one.chars().all(|c| c.is_ascii_digit()) => {
            let (year, rest) = one.split_at(4);
            let (month, day) = rest.split_at(2);
            add(year, number(month), day);
        }
        [a, b, c] => match (month_named(a), month_named(b)) {
            (Some(month), _) => add(c, month, day_of(b)),
            (_, Some(month)) => add(c, month, day_of(a)),
            _ if a.len() == 4 => add(a, number(b), c),
            _ => {
                add(c, number(a), b);
                add(c, number(b), a);
            }
        },
        _ => {}
    }
    (!out.is_empty()).then_some(out)
}

fn month_named(word: &str) -> Option<u8> {
    let at = MONTHS.iter().position(|m| word.starts_with(m))?;
    u8::try_from(at + 1).ok()
}

/// "1st" is 1.
fn day_of(word: &str) -> &str {
    word.trim_end_matches(|c: char| c.is_alphabetic())
}

/// A year of four digits, or of two: 60 is 1960, 26 is 2026.
fn full_year(text: &str) -> Option<u16> {
    let year: u16 = text.parse().ok()?;
    match text.len() {
        4 => Some(year),
        2 if year > 30 => Some(1900 + year),
        2 => Some(2000 + year),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Sameness, dates};
    use crate::lexicon::lexicon;

    fn read(text: &str) -> Identity {
        Identity::of_report(lexicon(), text)
    }

    #[test]
    fn names_are_the_same_however_they_are_written() {
        let smith = read("Patient: SMITH, JOHN A   DOB: 01/02/1960");
        for same in [
            "Patient Name: John Smith",
            "NAME: Mr. John Andrew Smith",
            "Patient: John Smith\nMRN: 123",
            "Patient: 54-year-old man with pain",
            "Patient: Male",
            "Patient history: Back Pain",
            "The patient was scanned.",
        ] {
            assert!(!smith.other_person(&read(same)), "{same}");
        }
        for other in [
            "Patient: Mary Jones",
            "Name: Smith, Mary",
            "patient name : Ana Lopez MRN: 4",
        ] {
            assert!(smith.other_person(&read(other)), "{other}");
        }
    }

    #[test]
    fn a_word_of_a_name_may_be_missing_and_never_another() {
        for (one, two, other) in [
            (
                "Garc\u{ed}a L\u{f3}pez Ana",
                "Garc\u{ed}a L\u{f3}pez Eva",
                true,
            ),
            ("Garc\u{ed}a L\u{f3}pez Ana", "Ana Garcia", false),
            ("John Andrew Smith", "John Bernard Smith", true),
            ("Ana de la Cruz", "Ana Cruz Lopez", false),
            ("Ana de la Cruz", "Eva de la Cruz", true),
            ("Ana de la Cruz", "Mary Jones", true),
            ("MARIA NUNEZ", "Mar\u{ed}a N\u{fa}\u{f1}ez", false),
            ("Sean O'Brien", "SEAN OBRIEN", false),
            ("John Smith Jr.", "John Smith Sr.", true),
            ("John Smith, Junior", "Smith, John Jr", false),
            ("John Smith Jr.", "John Smith", false),
            ("Jon Smyth", "John Smith", true),
            ("Jon Smith", "John Smith", true),
            ("Juan Perez", "Joan Perez", true),
            ("Maria Rossi", "Mario Rossi", true),
            ("Daniel Weber", "Daniela Weber", true),
            ("Marta Silva", "Maria Silva", true),
            ("Zdenek Novak", "Zdenka Novak", true),
            ("Ewerett Miller", "Everett Miller", false),
            ("Anh Do", "Anh La", true),
        ] {
            let read = |name: &str| read(&format!("Patient: {name}"));
            let (a, b) = (read(one), read(two));
            assert_eq!((a.names.len(), b.names.len()), (1, 1), "{one} {two}");
            assert_eq!(a.other_person(&b), other, "{one} {two}");
            assert_eq!(b.other_person(&a), other, "{two} {one}");
        }
    }

    #[test]
    fn a_slip_in_a_long_name_is_told() {
        for (one, two, expect) in [
            ("John Smith", "John Smith", Sameness::Same),
            ("John Smyth", "John Smith", Sameness::Spelling),
            ("Margaret Jones", "Margaeret Jones", Sameness::Spelling),
            ("Margaret Jones", "Margret Jones", Sameness::Spelling),
            ("Ana Rodrigues", "Ana Rodriguez", Sameness::Spelling),
            ("John Smythe", "John Smith", Sameness::Other),
        ] {
            let read = |name: &str| read(&format!("Patient: {name}"));
            assert_eq!(read(one).person(&read(two)), Some(expect), "{one} {two}");
        }
    }

    #[test]
    fn dates_that_may_mean_one_day_are_one() {
        assert_eq!(dates("2026-03-02"), dates("20260302"));
        let day = read("Date of exam: 03/02/2026");
        for same in [
            "Exam date: 2 March 2026",
            "DATE OF STUDY: Mar 2nd, 2026",
            "Date of service: 2026-02-03",
            "Date: 01/01/2020",
        ] {
            assert!(!day.other_exam(&read(same)), "{same}");
        }
        assert!(day.other_exam(&read("Exam date: 4 May 2026")));
        let born = read("DOB: 01/02/60");
        assert!(!born.other_birth(&read("Date of birth: 1 Feb 1960")));
        assert!(born.other_birth(&read("Date of birth: 1 Feb 1980")));
    }

    #[test]
    fn numbers_are_compared_without_signs() {
        let one = read("MRN: 0012-34   Accession Number: a100.");
        for same in [
            "Patient ID: 1234",
            "MRN : 12-34, DOB: 1/2/1960",
            "Medical record number: (redacted)",
        ] {
            assert!(!one.other_number(&read(same)), "{same}");
        }
        assert!(one.other_number(&read("MRN: 1235")));
        assert!(!one.other_accession(&read("Accession: A100")));
        assert!(one.other_accession(&read("Accession #: A101")));
    }

    #[test]
    fn debug_shows_nobody() {
        let shown = format!("{:?}", read("Patient: John Smith"));
        assert_eq!(shown, "Identity(1 names, 0 births, 0 exams)");
    }
}
