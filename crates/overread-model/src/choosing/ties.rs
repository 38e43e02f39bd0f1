//! Whether a reviewer is bound to where the first report was written, however the names are spelt.

use super::directory::Reviewer;
use super::rank::{ReviewNeed, is_same_person};
use crate::text::folded;

// The tables below are language, not facts: how English and Spanish names of places are shortened and joined. The words are
// the authors' choice; a name that they do not cover is compared as it is written.

/// Short forms in names of hospitals and practices, with what they stand for.
const SHORT_FORMS: [(&str, &str); 26] = [
    ("ASSOC", "ASSOCIATES"),
    ("ASSN", "ASSOCIATION"),
    ("CENTRE", "CENTER"),
    ("CLIN", "CLINIC"),
    ("COMM", "COMMUNITY"),
    ("CTR", "CENTER"),
    ("CNTR", "CENTER"),
    ("DEPT", "DEPARTMENT"),
    ("DIAG", "DIAGNOSTIC"),
    ("GEN", "GENERAL"),
    ("GRP", "GROUP"),
    ("HOSP", "HOSPITAL"),
    ("HOSPITALS", "HOSPITAL"),
    ("HSP", "HOSPITAL"),
    ("IMG", "IMAGING"),
    ("INST", "INSTITUTE"),
    ("MED", "MEDICAL"),
    ("MEM", "MEMORIAL"),
    ("MT", "MOUNT"),
    ("RAD", "RADIOLOGY"),
    ("REG", "REGIONAL"),
    ("ST", "SAINT"),
    ("STE", "SAINT"),
    ("SVCS", "SERVICES"),
    ("UNIV", "UNIVERSITY"),
    ("CHILDREN", "CHILDRENS"),
];

/// Words that do not tell one place from another.
const NO_NAME: [&str; 15] = [
    "AND", "AT", "CO", "CORP", "DE", "DEL", "INC", "LA", "LLC", "LLP", "LTD", "OF", "PC", "PLLC",
    "THE",
];

/// Words that many places share.
const SHARED: [&str; 25] = [
    "ASSOCIATES",
    "ASSOCIATION",
    "CENTER",
    "CHILDRENS",
    "CLINIC",
    "CLINICA",
    "COMMUNITY",
    "DEPARTMENT",
    "DIAGNOSTIC",
    "GENERAL",
    "GROUP",
    "HEALTH",
    "HOSPITAL",
    "IMAGING",
    "INSTITUTE",
    "MEDICAL",
    "MEMORIAL",
    "MOUNT",
    "RADIOLOGIA",
    "RADIOLOGY",
    "REGIONAL",
    "SAINT",
    "SERVICES",
    "SYSTEM",
    "UNIVERSITY",
];

/// Words for what a place is, which stand before its name or after it.
const KINDS: [&str; 3] = ["CENTER", "CLINIC", "HOSPITAL"];

fn words(name: &str) -> Vec<String> {
    // `Mary's` is one word.
    let name = name.replace(['\'', '’'], "");
    let words: Vec<String> = folded(&name)
        .split(' ')
        .map(|word| {
            let known = SHORT_FORMS.iter().find(|(short, _)| *short == word);
            known.map_or(word, |(_, long)| long).to_owned()
        })
        .collect();
    let kept = words
        .into_iter()
        .filter(|word| word.len() > 1 && !NO_NAME.contains(&word.as_str()));
    kept.collect()
}

/// Puts what a place is behind its name: `Hospital St. Mary` is the `St. Mary Hospital`.
fn name_first(words: &[String]) -> Vec<String> {
    let is_kind = |word: &&String| KINDS.contains(&word.as_str());
    let name = words.iter().filter(|word| !is_kind(word));
    name.chain(words.iter().filter(is_kind)).cloned().collect()
}

/// Says whether two names are the same place: the same words, short forms written out, or the shorter name as it is within the
/// longer one, when it holds a word that is the place's own. `Washington University` is not the `University of Washington`.
pub(super) fn is_same_place(left: &str, right: &str) -> bool {
    let (left, right) = (words(left), words(right));
    is_within(&left, &right) || is_within(&name_first(&left), &name_first(&right))
}

fn is_within(left: &[String], right: &[String]) -> bool {
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let has_own = short.iter().any(|word| !SHARED.contains(&word.as_str()));
    let is_part = long.windows(short.len().max(1)).any(|part| part == short);
    !short.is_empty() && (short == long || (short.len() >= 2 && has_own && is_part))
}

/// Returns in words how a reviewer is bound to the facility, group or author of the first report.
pub(super) fn tie(reviewer: &Reviewer, need: &ReviewNeed) -> Option<String> {
    let own = || std::iter::once(&reviewer.institution).chain(&reviewer.conflicts);
    let sources = [
        (&need.first_groups, "as the request names it"),
        (&need.image_institutions, "as the images name it"),
    ];
    for (places, whose) in sources {
        for place in places {
            if let Some(name) = own().find(|name| is_same_place(name, place)) {
                return Some(format!(
                    "Belongs to {name}, and the exam was made at {place} ({whose})"
                ));
            }
        }
    }
    let reader = &need.first_reader;
    let bound = reviewer
        .conflicts
        .iter()
        .any(|name| is_same_person(name, reader));
    bound.then(|| format!("Is bound to {reader}, who wrote the first report"))
}

#[cfg(test)]
mod tests {
    use super::is_same_place;

    #[test]
    fn names_of_places_are_compared_by_their_words() {
        for (left, right) in [
            ("St. Mary's Hosp.", "SAINT MARYS HOSPITAL"),
            ("St. Mary's Hospital", "Saint Mary's Hosp"),
            ("Riverside Imaging", "RIVERSIDE IMG CTR"),
            (
                "Univ. of Washington Med. Center",
                "University of Washington Medical Ctr",
            ),
            ("Coast Radiology", "coast-radiology, LLC"),
            ("The Imaging Center", "Imaging Ctr"),
            ("Hospital St. Mary's", "St. Mary's Hospital"),
            ("Mercy Hospital", "Mercy Hospital Springfield"),
        ] {
            assert!(is_same_place(left, right), "{left} / {right}");
        }
        for (left, right) in [
            ("General Hospital", "Massachusetts General Hospital"),
            ("Coast Radiology", "Harbour Radiology"),
            ("Saint Mary's Hospital", "Saint Luke's Hospital"),
            ("", ""),
            ("Riverside", "Riverside Imaging"),
            (
                "Washington University",
                "University of Washington Medical Center",
            ),
            ("Washington University", "University of Washington"),
        ] {
            assert!(!is_same_place(left, right), "{left} / {right}");
        }
    }
}
