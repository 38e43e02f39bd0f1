//! What the name of a person says, and when two names may be the same person's.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::text::{folded, is_name_particle};

/// Words beside a name that tell nobody apart.
const TITLES: [&str; 11] = [
    "MR", "MRS", "MS", "MISS", "MX", "DR", "DRA", "SRA", "MD", "PHD", "RN",
];

/// Letters of a word in which a slip is thinkable: of shorter names too many are a letter apart.
const SLIP_LETTERS_MIN: usize = 5;

/// Given names, each with a number that spellings of one name share. Two that differ in it are two people, a letter apart
/// or not: sisters are called Marta and Maria, and never Marta and Martha.
static GIVEN_NAMES: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
    let lines = include_str!("../data/given_names.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .enumerate()
        .flat_map(|(number, spellings)| spellings.split('/').map(move |name| (name, number)))
        .collect()
});

/// How two names relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// Two people's.
    Other,
    /// One person's, spelled differently.
    Spelling,
    /// One person's.
    Same,
}

/// The words of one name. Its `Debug` shows their number alone.
#[derive(Clone, Default)]
pub struct NameWords {
    /// Words such as `DE` and `LA`, where enough others are left.
    small: Vec<String>,
    own: Vec<String>,
}

impl std::fmt::Debug for NameWords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "NameWords({})", self.count())
    }
}

impl NameWords {
    /// Takes a name as people or DICOM write it, `Ana de la Cruz` or `CRUZ^ANA`.
    ///
    /// Titles tell nobody apart; "Jr." and "Sr." stay, since they tell a son from his father.
    pub fn of(name: &str) -> Self {
        let bare: String = name
            .chars()
            .filter(|c| !matches!(c, '\'' | '\u{2019}'))
            .collect();
        let bare = folded(&bare);
        // In front, "Sr." is the Spanish title.
        let titled = bare.starts_with("SR ");
        let words = bare
            .split(' ')
            .skip(usize::from(titled))
            .filter(|word| !word.is_empty() && !TITLES.contains(word));
        let words: Vec<String> = words
            .map(|word| match word {
                "JUNIOR" => "JR".to_owned(),
                "SENIOR" => "SR".to_owned(),
                _ => word.to_owned(),
            })
            .collect();
        let (small, own): (Vec<_>, Vec<_>) = words
            .iter()
            .cloned()
            .partition(|word| is_name_particle(&word.to_lowercase()));
        if own.len() < 2 {
            return Self {
                small: Vec::new(),
                own: words,
            };
        }
        Self { small, own }
    }

    /// Returns how many words there are.
    pub fn count(&self) -> usize {
        self.small.len() + self.own.len()
    }

    /// Says whether one of the words is this one, in capitals.
    pub fn has(&self, word: &str) -> bool {
        self.own.iter().chain(&self.small).any(|own| own == word)
    }

    /// Says whether both have the same words, in any order; small words and initials may be missing.
    pub fn is_equal(&self, other: &Self) -> bool {
        let sorted = |name: &Self| {
            let mut words = name.own.clone();
            words.retain(|word| word.len() > 1);
            words.sort_unstable();
            words
        };
        self.is_same(other) && sorted(self) == sorted(other)
    }

    /// Says whether both may be the same person's name, a slip of a typist allowed.
    pub fn is_same(&self, other: &Self) -> bool {
        self.compare(other) != Sameness::Other
    }

    /// Says how two names relate: they are one person's when every word of the shorter stands in the other.
    ///
    /// A word may be missing, a middle name or a second surname; none may be another, since brothers and sisters share
    /// all but one. An initial stands for a word. A slip in one long word is no other person; two slips are.
    pub fn compare(&self, other: &Self) -> Sameness {
        // "Do" and "La" are surnames too: small words may be missing, and not be others.
        let lacks = |x: &Self, y: &Self| x.small.iter().any(|word| !y.has(word));
        if lacks(self, other) && lacks(other, self) {
            return Sameness::Other;
        }
        let (short, long) = self.by_length(other);
        let mut rest: Vec<&String> = long.own.iter().collect();
        let mut missing = take_equals(&short.own, &mut rest);
        missing.retain(|word| {
            let initial = rest.iter().position(|other| is_initial_of(word, other));
            initial.map(|at| rest.swap_remove(at)).is_none()
        });
        match missing.as_slice() {
            [] => Sameness::Same,
            [word] if rest.iter().any(|other| is_slip(word, other)) => Sameness::Spelling,
            _ => Sameness::Other,
        }
    }

    /// Returns how many words of the shorter name stand in the other, as a share; `None` when one has no words.
    ///
    /// Every word may have a slip; an initial is a word of its own. Small words count. A surname alone is half a name.
    pub fn likeness(&self, other: &Self) -> Option<f64> {
        let all = |name: &Self| [name.own.as_slice(), name.small.as_slice()].concat();
        let (mut short, mut long) = (all(self), all(other));
        if short.len() > long.len() {
            std::mem::swap(&mut short, &mut long);
        }
        if short.is_empty() {
            return None;
        }
        let mut rest: Vec<&String> = long.iter().collect();
        // Equal words first, so that a likeness cannot take a word that has its equal.
        let missing = take_equals(&short, &mut rest);
        let mut unmatched = 0;
        for word in &missing {
            match rest.iter().position(|other| is_slip(word, other)) {
                Some(at) => drop(rest.swap_remove(at)),
                None => unmatched += 1,
            }
        }
        let of = short.len().max(long.len().min(2));
        Some((short.len() - unmatched) as f64 / of as f64)
    }

    fn by_length<'a>(&'a self, other: &'a Self) -> (&'a Self, &'a Self) {
        if self.own.len() <= other.own.len() {
            (self, other)
        } else {
            (other, self)
        }
    }
}

/// Takes the words that have their equal out of `rest`, and returns the others.
fn take_equals<'a>(words: &'a [String], rest: &mut Vec<&String>) -> Vec<&'a String> {
    let mut missing = Vec::new();
    for word in words {
        match rest.iter().position(|other| *other == word) {
            Some(at) => drop(rest.swap_remove(at)),
            None => missing.push(word),
        }
    }
    missing
}

fn is_initial_of(left: &str, right: &str) -> bool {
    let initial =
        |short: &str, long: &str| short.len() == 1 && short.is_ascii() && long.starts_with(short);
    initial(left, right) || initial(right, left)
}

/// Says whether a typist's slip makes one word of the other: one letter more, less or other in a long word. Of two given
/// names only spellings of one name are.
fn is_slip(left: &str, right: &str) -> bool {
    let (short, long) = if left.chars().count() <= right.chars().count() {
        (left, right)
    } else {
        (right, left)
    };
    let (a, b): (Vec<char>, Vec<char>) = (short.chars().collect(), long.chars().collect());
    if a.len() < SLIP_LETTERS_MIN || b.len() - a.len() > 1 {
        return false;
    }
    if let (Some(one), Some(two)) = (GIVEN_NAMES.get(short), GIVEN_NAMES.get(long)) {
        return left != right && one == two;
    }
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (x, y) = (a.iter().rev(), b.iter().rev());
    let tail = x.zip(y).take_while(|(x, y)| x == y).count();
    let vowel = |word: &[char]| matches!(word.last(), Some('A' | 'E' | 'I' | 'O'));
    // Only the ending tells her from him: Maria and Mario, Daniel and Daniela.
    let is_ending = tail == 0 && vowel(&b) && (vowel(&a) || a.len() < b.len());
    // A typist seldom begins with another letter: Harry and Larry are two.
    let is_begin = head == 0 && a.len() == b.len();
    left != right && !is_ending && !is_begin && head + tail + 1 >= b.len()
}

#[cfg(test)]
mod tests {
    use super::{GIVEN_NAMES, NameWords, Sameness, is_slip};

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        for (one, two, same) in [
            ("SMITH, JOHN A", "Mr. John Smith", true),
            ("SMITH^JOHN", "Jon Smith", false),
            ("John Smyth", "John Smith", true),
            ("Jon Smyth", "John Smith", false),
            ("J. Smith", "John Smith", true),
            ("J. Smith", "Robert Smith", false),
            ("John Andrew Smith", "John A. Smith", true),
            ("John Andrew Smith", "John B. Smith", false),
            ("John Andrew Smith", "John Bernard Smith", false),
            ("García López Ana", "Ana Garcia", true),
            ("García López Ana", "García López Eva", false),
            ("Ana de la Cruz", "Ana Cruz Lopez", true),
            ("Ana de la Cruz", "Eva de la Cruz", false),
            ("MARIA NUNEZ", "María Núñez", true),
            ("Sean O'Brien", "SEAN OBRIEN", true),
            ("John Smith Jr.", "John Smith Sr.", false),
            ("John Smith, Junior", "Smith, John Jr", true),
            ("John Smith Jr.", "John Smith", true),
            ("Anh Do", "Anh La", false),
            ("Juan Perez", "Joan Perez", false),
            ("Wang Wei", "Yang Wei", false),
            ("王 小明", "王 小红", false),
            ("王 小明", "王^小明", true),
        ] {
            let (a, b) = (NameWords::of(one), NameWords::of(two));
            assert_eq!(a.is_same(&b), same, "{one} {two}");
            assert_eq!(b.is_same(&a), same, "{two} {one}");
        }
    }

    #[test]
    fn equal_names_differ_in_nothing_but_order_and_titles() {
        let equal = |one: &str, two: &str| NameWords::of(one).is_equal(&NameWords::of(two));
        assert!(equal("Avery, Jordan", "Jordan M. Avery, MD"));
        assert!(equal("Íñigo Peña", "INIGO PENA"));
        assert!(!equal("Jordan Avery", "Jordan Avery Jr."));
        assert!(!equal("Jordan A. Avery", "Jordan B. Avery"));
    }

    #[test]
    fn a_slip_makes_no_other_name() {
        for (one, two, slip) in [
            ("JON", "JOHN", false),
            ("ANA", "ANNA", false),
            ("PEREZ", "PERES", true),
            ("SMITH", "SMYTH", true),
            ("GONZALEZ", "GONZALES", true),
            ("ERNANDEZ", "HERNANDEZ", true),
            ("SMITH", "SMITH", false),
            ("JUAN", "JOAN", false),
            ("JUAN", "JUANA", false),
            ("ANA", "ANN", false),
            ("LUIS", "LUISA", false),
            ("GABRIEL", "GABRIELA", false),
            ("FRANCISCO", "FRANCISCA", false),
            ("MARIA", "MARTA", false),
            ("MARTA", "MARTHA", true),
            ("ERICA", "ERIKA", true),
            ("HANNA", "HANNAH", true),
            ("JEFFERY", "JEFFREY", true),
            ("MOHAMED", "MOHAMMED", true),
            ("CHRISTINA", "CRISTINA", true),
            ("CRISTINA", "CRISTIANA", false),
            ("MIRIAM", "MARIAM", false),
            ("DANIELE", "DANIELLE", false),
            ("FRANCIS", "FRANCES", false),
            ("ROLAND", "ROLANDO", false),
            ("HARRY", "LARRY", false),
            ("CHEN", "CHENG", false),
            ("WANG", "WONG", false),
            ("LI", "LIN", false),
            ("小明", "小红", false),
        ] {
            assert_eq!(is_slip(one, two), slip, "{one} {two}");
            assert_eq!(is_slip(two, one), slip, "{two} {one}");
        }
    }

    #[test]
    fn given_names_are_written_as_they_are_compared() {
        assert!(GIVEN_NAMES.len() > 500);
        for name in GIVEN_NAMES.keys() {
            assert_eq!(&crate::text::folded(name), name);
        }
        // A name that stands twice would lose its other spellings.
        let lines = include_str!("../data/given_names.txt").lines();
        let words = lines.filter(|line| !line.starts_with('#'));
        let count = words.flat_map(|line| line.split([' ', '/'])).count();
        assert_eq!(count, GIVEN_NAMES.len());
    }

    #[test]
    fn another_spelling_is_told_from_the_same() {
        let compare = |one: &str, two: &str| NameWords::of(one).compare(&NameWords::of(two));
        assert_eq!(
            compare("Ana Rodrigues", "Ana Rodriguez"),
            Sameness::Spelling
        );
        assert_eq!(compare("Ana Rodriguez", "RODRIGUEZ^ANA M"), Sameness::Same);
        assert_eq!(compare("John Smythe", "John Smith"), Sameness::Other);
    }

    #[test]
    fn a_name_is_not_printed() {
        let shown = format!("{:?}", NameWords::of("John Smith"));
        assert_eq!(shown, "NameWords(2)");
    }
}
