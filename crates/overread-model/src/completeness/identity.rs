//! How sure it is that two sets of names and numbers are the same person.

use serde::Deserialize;

use crate::hidden::Hidden;
use crate::name::{NameWords, Sameness};
use crate::text::folded;
use crate::time::CalendarDate;

/// `identity_score` in the data: what counts how much, and from where on it tells people apart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct IdentityTable {
    /// What counts how much.
    pub weights: IdentityWeights,
    /// Below this score, two people are different.
    pub different_below: f64,
    /// From this score on, two names are the same person beyond doubt.
    pub same_from: f64,
    /// Score from which a paper fits the patient; below it, it names somebody else.
    pub paper_fits_from: f64,
    /// Where these values come from.
    pub source: String,
}

/// Weights of `identity_score` in the data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct IdentityWeights {
    /// Of the birth date.
    pub birth_date: f64,
    /// Of the name.
    pub name: f64,
    /// Of the sex.
    pub sex: f64,
    /// Of the patient id.
    pub patient_id_same_issuer: f64,
}

/// A person as a case or an image names them. Patient data: `Debug` shows nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonIdentity {
    /// Name, DICOM component groups or plain.
    pub name: Option<Hidden<String>>,
    /// Birth date; `None` when absent or unreadable.
    pub birth_date: Option<Hidden<CalendarDate>>,
    /// `F`, `M`, `O`.
    pub sex: Option<String>,
    /// Number of the patient.
    pub patient_id: Option<Hidden<String>>,
    /// Who gave that number; else the facility.
    pub issuer: Option<Hidden<String>>,
}

/// Returns how sure it is that both are the same person, 0 to 1; `None` when there is nothing to compare.
///
/// What is missing on one side counts for nothing; its weight goes to the rest.
pub fn identity_score(
    left: &PersonIdentity,
    right: &PersonIdentity,
    weights: &IdentityWeights,
) -> Option<f64> {
    let name = both(&left.name, &right.name).map(|(a, b)| name_score(a.reveal(), b.reveal()));
    let birth = both(&left.birth_date, &right.birth_date)
        .map(|(a, b)| birth_date_score(*a.reveal(), *b.reveal()));
    if name.flatten() == Some(0.0) && birth == Some(0.0) {
        return Some(0.0);
    }
    let sex = both(&left.sex, &right.sex).and_then(|(a, b)| sex_score(a, b));
    let id = same_number(left, right).map(|same| f64::from(u8::from(same)));
    let parts = [
        (name.flatten(), weights.name),
        (birth, weights.birth_date),
        (sex, weights.sex),
        (id, weights.patient_id_same_issuer),
    ];
    let known = parts
        .iter()
        .filter_map(|(score, weight)| score.map(|score| (score, *weight)));
    let (sum, total) = known.fold((0.0, 0.0), |(sum, total), (score, weight)| {
        (sum + score * weight, total + weight)
    });
    // Sex alone says nothing about who somebody is.
    let tells = name.flatten().is_some() || birth.is_some() || id.is_some();
    (tells && total > 0.0).then(|| sum / total)
}

/// Whose images they seem to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belonging {
    /// Name or number fit the person.
    Fits,
    /// They are somebody else's.
    OtherPerson,
    /// They say something else of the name or the birth date: a slip, or a twin, a mother, a namesake.
    Doubtful,
    /// They carry the person's name, and neither a birth date to compare nor a number that is known: a namesake does, too.
    NameAlone,
    /// They do not say whose they are: a birth date or a sex alone is no name.
    Unnamed,
}

/// Says whether images that name somebody so can be the person's without asking anybody.
pub fn belonging(
    person: &PersonIdentity,
    images: &PersonIdentity,
    table: &IdentityTable,
) -> Belonging {
    let mut images = images.clone();
    images.name = images.name.filter(|name| !is_anonymous_name(name.reveal()));
    let score = identity_score(person, &images, &table.weights);
    let has_its_number = same_number(person, &images) == Some(true);
    // Half a name says whose they are only beside a birth date.
    let has_births = both(&person.birth_date, &images.birth_date).is_some();
    let is_named = both(&person.name, &images.name)
        .and_then(|(a, b)| name_score(a.reveal(), b.reveal()))
        .is_some_and(|likeness| likeness > 0.5 || has_births);
    match score {
        Some(score) if score < table.different_below => Belonging::OtherPerson,
        Some(_) if is_doubtful(person, &images, has_its_number) => Belonging::Doubtful,
        Some(_) if has_its_number || is_named && has_births => Belonging::Fits,
        Some(_) if is_named => Belonging::NameAlone,
        _ => Belonging::Unnamed,
    }
}

/// Says whether images name somebody else: by their name alone, or by all that they say.
pub(super) fn names_somebody_else(
    person: &PersonIdentity,
    images: &PersonIdentity,
    table: &IdentityTable,
) -> bool {
    has_other_name(person, images) || belonging(person, images, table) == Belonging::OtherPerson
}

/// Says whether both are named, and the one name cannot be the other's.
pub fn has_other_name(person: &PersonIdentity, images: &PersonIdentity) -> bool {
    both(&person.name, &images.name)
        .filter(|(_, name)| !is_anonymous_name(name.reveal()))
        .and_then(|(a, b)| sameness(a.reveal(), b.reveal()))
        .is_some_and(|sameness| sameness == Sameness::Other)
}

/// Says whether the one is called otherwise and has another family name, too: no twin, and no slip of a typist.
pub fn has_other_family_name(person: &PersonIdentity, images: &PersonIdentity) -> bool {
    // PS3.5 6.2.1.1: the family name stands before the first `^` of each group; without one it may be any word.
    let family = |name: &str| NameWords::of(name.split('^').next().unwrap_or_default());
    has_other_name(person, images)
        && both(&person.name, &images.name).is_some_and(|(asked, given)| {
            let groups = given.reveal().split('=').map(family);
            let asked: Vec<NameWords> = asked.reveal().split('=').map(NameWords::of).collect();
            let mut likenesses = groups.flat_map(|own| {
                let asked = asked.iter();
                let all: Vec<f64> = asked.filter_map(|other| own.likeness(other)).collect();
                all
            });
            likenesses.all(|likeness| likeness <= 0.0)
        })
}

/// Says whether a person must look whatever the score: twins share a birth date, a mother and a daughter a name.
///
/// A slip in the birth date or the sex is forgiven to whom the number of the same issuer names; another name or another day is
/// not. A name alone does not stand against another number of the same issuer.
fn is_doubtful(person: &PersonIdentity, images: &PersonIdentity, has_its_number: bool) -> bool {
    let birth = both(&person.birth_date, &images.birth_date)
        .map(|(a, b)| birth_date_score(*a.reveal(), *b.reveal()));
    let sex = both(&person.sex, &images.sex).and_then(|(a, b)| sex_score(a, b));
    let has_slip = birth.is_some_and(|likeness| likeness < 1.0) || sex == Some(0.0);
    let is_other_number = same_number(person, images) == Some(false);
    has_other_name(person, images)
        || birth == Some(0.0)
        || has_slip && !has_its_number
        || birth.is_none() && is_other_number
}

/// Says whether two texts of PatientSex cannot be of one person: `M` against `F`. `O`, nothing and any other word contradict none.
pub fn contradicts_sex(left: Option<&str>, right: Option<&str>) -> bool {
    let known = |text: Option<&str>| text.map(|text| text.trim().to_uppercase());
    let (left, right) = (known(left), known(right));
    let is = |one: &Option<String>, sex: &str| one.as_deref() == Some(sex);
    is(&left, "M") && is(&right, "F") || is(&left, "F") && is(&right, "M")
}

/// Compares the numbers of the same issuer; `None` when they cannot be compared.
fn same_number(left: &PersonIdentity, right: &PersonIdentity) -> Option<bool> {
    let (left_issuer, right_issuer) = both(&left.issuer, &right.issuer)?;
    let (left_id, right_id) = both(&left.patient_id, &right.patient_id)?;
    (folded(left_issuer.reveal()) == folded(right_issuer.reveal()))
        .then(|| folded(left_id.reveal()) == folded(right_id.reveal()))
}

fn both<'a, T>(left: &'a Option<T>, right: &'a Option<T>) -> Option<(&'a T, &'a T)> {
    left.as_ref().zip(right.as_ref())
}

/// Returns how two names relate; the best pair of component groups counts.
fn sameness(left: &str, right: &str) -> Option<Sameness> {
    let words = |name: &str| -> Vec<NameWords> { name.split('=').map(NameWords::of).collect() };
    let (left, right) = (words(left), words(right));
    let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
    pairs
        .filter(|(a, b)| a.count() > 0 && b.count() > 0)
        .map(|(a, b)| a.compare(b))
        .max()
}

/// Returns the likeness of two names; the best pair of component groups counts.
fn name_score(left: &str, right: &str) -> Option<f64> {
    let words = |name: &str| -> Vec<NameWords> { name.split('=').map(NameWords::of).collect() };
    let (left, right) = (words(left), words(right));
    let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
    pairs
        .filter_map(|(a, b)| a.likeness(b))
        .max_by(f64::total_cmp)
}

// completeness/rules.json, `identity_score`; our own values.
fn birth_date_score(left: CalendarDate, right: CalendarDate) -> f64 {
    if left == right {
        return 1.0;
    }
    if CalendarDate::new(left.year(), left.day(), left.month()) == Some(right) {
        return 0.7;
    }
    let different = left
        .to_da()
        .bytes()
        .zip(right.to_da().bytes())
        .filter(|(a, b)| a != b)
        .count();
    if different == 1 { 0.6 } else { 0.0 }
}

fn sex_score(left: &str, right: &str) -> Option<f64> {
    let known = |sex: &str| matches!(sex, "F" | "M");
    (known(left) && known(right)).then(|| f64::from(u8::from(left == right)))
}

/// Says whether a name stands for nobody: made anonymous, a test, empty.
pub fn is_anonymous_name(name: &str) -> bool {
    let text = folded(name).replace(' ', "");
    const STARTS: [&str; 9] = [
        "ANON", "ANONYM", "DEIDENT", "DEID", "TEST", "UNKNOWN", "NONAME", "XXX", "NOBODY",
    ];
    text.is_empty() || STARTS.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{
        Belonging, IdentityTable, IdentityWeights, PersonIdentity, belonging,
        has_other_family_name, identity_score, is_anonymous_name,
    };
    use crate::hidden::Hidden;

    #[test]
    fn twins_have_one_family_name() {
        let check = |asked: &str, given: &str, expect: bool| {
            let asked = person(asked, "19700101", "", "", "");
            let given = person(given, "19700101", "", "", "");
            assert_eq!(has_other_family_name(&asked, &given), expect);
        };
        check("Otto Strang", "RIVERA^ELENA", true);
        check("Otto Strang", "STRANG^ANNA", false);
        check("Otto Strang", "STRANG^OTTO", false);
        // A given name alone is no family.
        check("Otto Strang", "RIVERA^OTTO", true);
        check("Ana Garcia Lopez", "LOPEZ^EVA", false);
    }

    fn person(name: &str, birth: &str, sex: &str, id: &str, issuer: &str) -> PersonIdentity {
        let text = |value: &str| (!value.is_empty()).then(|| Hidden(value.to_owned()));
        PersonIdentity {
            name: text(name),
            birth_date: birth.parse().ok().map(Hidden),
            sex: (!sex.is_empty()).then(|| sex.to_owned()),
            patient_id: text(id),
            issuer: text(issuer),
        }
    }

    const WEIGHTS: IdentityWeights = IdentityWeights {
        birth_date: 0.4,
        name: 0.35,
        sex: 0.1,
        patient_id_same_issuer: 0.15,
    };

    fn check(left: PersonIdentity, right: PersonIdentity, expect: Option<f64>) {
        for (a, b) in [(&left, &right), (&right, &left)] {
            match (identity_score(a, b, &WEIGHTS), expect) {
                (Some(got), Some(want)) => assert!((got - want).abs() < 0.005, "{got} for {want}"),
                (got, want) => assert_eq!(got, want),
            }
        }
    }

    #[test]
    fn the_same_person_scores_high() {
        let ana = || person("Perez Garcia^Ana Maria", "19700302", "F", "1", "A");
        check(
            ana(),
            person("Ana María Pérez García", "19700302", "F", "", ""),
            Some(1.0),
        );
        check(
            ana(),
            person("PEREZ^ANA", "19700302", "", "", ""),
            Some(1.0),
        );
        check(
            ana(),
            person("Peres Garcia^Ana Maria", "19700302", "F", "", ""),
            Some(1.0),
        );
        check(
            ana(),
            person("Perez Garcia^Ana Maria", "19700203", "F", "", ""),
            Some((0.35 + 0.28 + 0.1) / 0.85),
        );
        check(
            ana(),
            person("Perez Garcia^Ana Maria", "19700303", "F", "", ""),
            Some((0.35 + 0.24 + 0.1) / 0.85),
        );
        // A surname alone is half a name: the birth date must bear the rest.
        check(
            ana(),
            person("PEREZ", "19700302", "", "", ""),
            Some((0.175 + 0.4) / 0.75),
        );
        // Maiden name.
        check(
            person("Smith^Jane", "19700302", "F", "", ""),
            person("Brown^Jane", "19700302", "F", "", ""),
            Some((0.175 + 0.5) / 0.85),
        );
        check(
            person("Wang^XiaoMing=王^小明", "19700302", "", "", ""),
            person("王 小明", "19700302", "", "", ""),
            Some(1.0),
        );
    }

    #[test]
    fn another_person_scores_low() {
        let ana = || person("Perez^Ana", "19700302", "F", "1", "A");
        check(
            ana(),
            person("Lopez^Luis", "19551111", "F", "1", "A"),
            Some(0.0),
        );
        check(
            ana(),
            person("Perez^Ana", "19551111", "F", "", ""),
            Some(0.45 / 0.85),
        );
        check(
            ana(),
            person("Lopez^Luis", "19700302", "M", "", ""),
            Some(0.4 / 0.85),
        );
        check(
            ana(),
            person("Perez^Ana", "19700302", "F", "2", "A"),
            Some(0.85),
        );
        check(
            ana(),
            person("Perez^Ana", "19700302", "F", "2", "B"),
            Some(1.0),
        );
    }

    #[test]
    fn nothing_to_compare_gives_no_score() {
        check(
            person("", "", "F", "1", ""),
            person("Perez^Ana", "", "F", "1", ""),
            None,
        );
        check(PersonIdentity::default(), PersonIdentity::default(), None);
        check(
            person("^^", "", "", "", ""),
            person("Perez", "", "", "", ""),
            None,
        );
    }

    #[test]
    fn only_a_name_or_a_number_says_whose_images_are() {
        let table = IdentityTable {
            weights: WEIGHTS,
            different_below: 0.6,
            same_from: 0.9,
            paper_fits_from: 0.9,
            source: "a test".to_owned(),
        };
        let ana = person("Perez^Ana", "19700302", "F", "1", "A");
        let check = |name, birth, id, issuer, expect| {
            let images = person(name, birth, "F", id, issuer);
            assert_eq!(
                belonging(&ana, &images, &table),
                expect,
                "{name} {birth} {id} {issuer}"
            );
        };
        check("Perez^Ana", "19700302", "", "", Belonging::Fits);
        // One identifier is not two.
        check("Perez^Ana", "", "2", "B", Belonging::NameAlone);
        check("Perez^Ana", "", "", "", Belonging::NameAlone);
        // A twin, a sister, a new surname: a person looks.
        check("Smith^Ana", "19700302", "", "", Belonging::Doubtful);
        check("Perez^Eva", "19700302", "3", "A", Belonging::Doubtful);
        check("Smith^Eva", "19700302", "1", "A", Belonging::Doubtful);
        // A mother of the same name; a slip is forgiven to the same number alone.
        check("Perez^Ana", "19400302", "", "", Belonging::Doubtful);
        check("Perez^Ana", "19700307", "2", "B", Belonging::Doubtful);
        check("Perez^Ana", "19700307", "1", "A", Belonging::Fits);
        check("Perez^Ana", "19811225", "1", "A", Belonging::Doubtful);
        // A namesake.
        check("Perez^Ana", "", "2", "A", Belonging::Doubtful);
        check("Perez^Ana", "", "1", "A", Belonging::Fits);
        check("Lopez^Luis", "19700302", "", "", Belonging::OtherPerson);
        check("Perez", "19700302", "", "", Belonging::Fits);
        for half in ["Perez", "Mr Perez"] {
            check(half, "", "", "", Belonging::Unnamed);
        }
        check("Smith^Ana", "", "", "", Belonging::Doubtful);
        check("", "19551111", "", "", Belonging::OtherPerson);
        for name in ["", "^^", "ANONYMOUS^1", "TEST"] {
            check(name, "19700302", "", "", Belonging::Unnamed);
            check(name, "19700302", "1", "B", Belonging::Unnamed);
            check(name, "19700302", "1", "", Belonging::Unnamed);
            check(name, "", "", "", Belonging::Unnamed);
            check(name, "19700302", "2", "A", Belonging::Unnamed);
            check(name, "", "2", "A", Belonging::OtherPerson);
            check(name, "19700302", "1", "A", Belonging::Fits);
        }
        // A brother, or a slip.
        for (id, expect) in [("", Belonging::Doubtful), ("1", Belonging::Fits)] {
            let images = person("Perez^Ana", "19700302", "M", id, "A");
            assert_eq!(belonging(&ana, &images, &table), expect, "{id}");
        }
        let nobody = PersonIdentity::default();
        assert_eq!(belonging(&nobody, &ana, &table), Belonging::Unnamed);
    }

    #[test]
    fn names_that_stand_for_nobody() {
        for name in [
            "ANONYMOUS^1",
            "Anon 17",
            "de-identified",
            "TEST^PATIENT",
            "no name",
            "",
            "^^",
            "XXXX",
        ] {
            assert!(is_anonymous_name(name), "{name}");
        }
        assert!(!is_anonymous_name("Perez^Ana"));
    }
}
