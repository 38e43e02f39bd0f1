//! The words of side, and the sides of the body that the title of an exam names; titles shorten the words (`L KNEE`).
// Words of side are language, no clinical facts.

use regex::Regex;
use serde::Deserialize;

use super::map::{BadMap, compile, read};
use crate::limits;
use crate::text::{cut, folded};

/// Words of side, ready for use.
#[derive(Debug, Clone)]
pub(super) struct SideWords {
    pub(super) right: OneSide,
    pub(super) left: OneSide,
    /// Parts of the body that the map has no words for, and the word side; at the beginning of a text.
    pub(super) parts: Regex,
    /// What begins like a part of the body and is none.
    pub(super) no_parts: Regex,
    /// What stands between a side and its part: `lower`.
    pub(super) between: Regex,
    /// What stands before `the right` where something is on it.
    pub(super) on: Regex,
    /// `the`, `my`.
    pub(super) whose: Regex,
    /// How a sentence goes on behind `on the right`.
    pub(super) goes_on: Regex,
    /// What joins two sides.
    pub(super) joins: Regex,
}

/// Words of one side.
#[derive(Debug, Clone)]
pub(super) struct OneSide {
    /// Mean the side wherever they stand.
    pub(super) always: Regex,
    /// Mean it before a part of the body.
    pub(super) before_part: Regex,
    /// Mean it behind one.
    pub(super) behind_part: Regex,
}

#[derive(Deserialize)]
struct SideFile {
    right: OneSideFile,
    left: OneSideFile,
    parts: String,
    no_parts: String,
    between: String,
    on: String,
    whose: String,
    goes_on: String,
    joins: String,
}

#[derive(Deserialize)]
struct OneSideFile {
    always: String,
    before_part: String,
    behind_part: String,
}

impl SideWords {
    /// Reads `subspecialty/sides.json`.
    pub(super) fn parse(text: &str) -> Result<Self, BadMap> {
        let file: SideFile = read("subspecialty/sides.json", text)?;
        Ok(Self {
            right: OneSide::of(&file.right)?,
            left: OneSide::of(&file.left)?,
            parts: beginning(&file.parts)?,
            no_parts: beginning(&file.no_parts)?,
            between: whole(&file.between)?,
            on: whole(&file.on)?,
            whose: whole(&file.whose)?,
            goes_on: whole(&file.goes_on)?,
            joins: whole(&file.joins)?,
        })
    }
}

impl OneSide {
    fn of(file: &OneSideFile) -> Result<Self, BadMap> {
        Ok(Self {
            always: whole(&file.always)?,
            before_part: whole(&file.before_part)?,
            behind_part: whole(&file.behind_part)?,
        })
    }

    /// Says whether a word may mean the side.
    pub(super) fn is_named_by(&self, word: &str) -> bool {
        [&self.always, &self.before_part, &self.behind_part]
            .into_iter()
            .any(|words| words.is_match(word))
    }
}

/// Compiles words for a match of a whole word.
fn whole(words: &str) -> Result<Regex, BadMap> {
    compile("words of side", &format!("^({words})$"))
}

/// Compiles words for a match at the beginning of a text.
fn beginning(words: &str) -> Result<Regex, BadMap> {
    compile("words of side", &format!("^({words})\\b"))
}

/// Words for the right, and beginnings of words.
const RIGHT: [&str; 9] = [
    "RIGHT",
    "RT",
    "DROIT",
    "DROITE",
    "DESTRA",
    "DESTRO",
    "DIREITA",
    "DIREITO",
    "RECHTSSEITIG",
];
const RIGHT_BEGINNINGS: [&str; 2] = ["DERECH", "RECHTE"];
/// Words for the left, and beginnings of words.
const LEFT: [&str; 9] = [
    "LEFT",
    "LT",
    "GAUCHE",
    "SINISTRA",
    "SINISTRO",
    "ESQUERDA",
    "ESQUERDO",
    "LINKS",
    "LINKSSEITIG",
];
const LEFT_BEGINNINGS: [&str; 2] = ["IZQUIERD", "LINKE"];
/// What titles write for them, and nobody writes for anything else.
const SHORT_RIGHT: [&str; 4] = ["DCHA", "DCHO", "DRCHA", "RECHTS"];
const SHORT_LEFT: [&str; 5] = ["IZQ", "IZDA", "IZDO", "IZQDA", "IZQDO"];

/// Says whether a title names the right, and whether it names the left, in words.
fn sides_in(text: &str) -> (bool, bool) {
    let text = folded(cut(text, limits::TEXT_FOR_PATTERNS_CHARS));
    let names = |words: &[&str], short: &[&str], beginnings: &[&str]| {
        text.split(' ').any(|word| {
            words.contains(&word)
                || short.contains(&word)
                || beginnings.iter().any(|start| word.starts_with(start))
        })
    };
    (
        names(&RIGHT, &SHORT_RIGHT, &RIGHT_BEGINNINGS),
        names(&LEFT, &SHORT_LEFT, &LEFT_BEGINNINGS),
    )
}

/// Says whether the title of an exam names the right, and whether it names the left; titles shorten the words.
pub(crate) fn sides_in_title(title: &str) -> (bool, bool) {
    let (mut right, mut left) = sides_in(title);
    let text = folded(cut(title, limits::TEXT_FOR_PATTERNS_CHARS));
    let words: Vec<&str> = text.split(' ').collect();
    let at = |place: Option<usize>| place.and_then(|at| words.get(at)).copied();
    // `L SPINE` is the lumbar one, `T/L` where it meets the thoracic one.
    let of_spine = words
        .iter()
        .any(|word| ["SPINE", "SPINAL", "COLUMNA", "LWS", "RACHIS", "JUNCTION"].contains(word));
    for (place, word) in words.iter().enumerate() {
        let before = at(place.checked_sub(1));
        let after = at(place.checked_add(1)).unwrap_or_default();
        match *word {
            // `R/O` is rule out; a number after the letter makes a level or a name of it.
            "R" => right |= after != "O" && !begins_with_digit(after),
            "L" => left |= !of_spine && !begins_with_digit(after),
            // German `re` and `li`; not `re-staging` nor `LI-RADS`.
            "RE" => right |= !is_again(after) && (place > 0 || !title.contains(':')),
            "LI" => left |= after != "RADS",
            // Spanish `der.` stands behind the part; the German article before it.
            "DER" => right |= before.is_some() && (after.is_empty() || follows_part(after)),
            _ => {}
        }
    }
    (right, left)
}

fn begins_with_digit(word: &str) -> bool {
    word.starts_with(|character: char| character.is_ascii_digit())
}

/// Says whether a word is one that English begins with `re-`.
fn is_again(word: &str) -> bool {
    const AGAIN: [&str; 12] = [
        "ASSESS", "BIOPS", "CHECK", "CONSTR", "DO", "EVAL", "EXAM", "FORMAT", "IMAG", "PEAT",
        "SCAN", "STAG",
    ];
    AGAIN.iter().any(|start| word.starts_with(start))
}

/// Says whether a Spanish title goes on with this word behind the part and its side.
fn follows_part(word: &str) -> bool {
    const NEXT: [&str; 10] = [
        "SIN", "CON", "C", "S", "Y", "AP", "PA", "LAT", "LATERAL", "SIMPLE",
    ];
    NEXT.contains(&word)
}

/// Says in words which side each of two texts names, when these are opposite ones: `("right", "left")`.
pub fn opposite_sides(one: &str, other: &str) -> Option<(&'static str, &'static str)> {
    match (sides_in_title(one), sides_in_title(other)) {
        ((true, false), (false, true)) => Some(("right", "left")),
        ((false, true), (true, false)) => Some(("left", "right")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{opposite_sides, sides_in_title};

    const NONE: (bool, bool) = (false, false);
    const RIGHT: (bool, bool) = (true, false);
    const LEFT: (bool, bool) = (false, true);

    #[test]
    fn titles_shorten_their_sides() {
        let check = |title: &str, expected| assert_eq!(sides_in_title(title), expected, "{title}");
        for title in [
            "L KNEE",
            "KNEE_L",
            "MR Knee LT",
            "RODILLA IZQ",
            "RM RODILLA IZDA. SIN CONTRASTE",
            "KNIE LI",
            "MRT LI SCHULTER",
            "MRT linkes Knie",
            "MRT der linken Schulter",
            "genou gauche",
        ] {
            check(title, LEFT);
        }
        for title in [
            "R WRIST",
            "WRIST^R",
            "RX MANO DER",
            "RM RODILLA DER. CON CONTRASTE",
            "RODILLA DCHA",
            "MRT rechtes Knie",
            "KNIE RE",
            "MRT RE HANDGELENK",
            "Hombro derecho",
        ] {
            check(title, RIGHT);
        }
        for title in [
            "MRI L SPINE",
            "MRI L-SPINE W/O",
            "MR T/L SPINE",
            "XR L5 S1",
            "CT ABDOMEN R/O STONE",
            "CT RE-STAGING CHEST",
            "Re: MRI knee",
            "MRI LIVER LI-RADS",
            "MRT DER LWS",
            "MRT der Schulter",
            "Gaucher disease",
        ] {
            check(title, NONE);
        }
        check("MRI KNEES R/L", (true, true));
    }

    #[test]
    fn two_texts_can_name_opposite_sides() {
        assert_eq!(
            opposite_sides("MRI right knee", "L knee"),
            Some(("right", "left"))
        );
        for other in ["knee", "right knee", "both knees, left and right"] {
            assert_eq!(opposite_sides("MRI right knee", other), None, "{other}");
        }
    }
}
