//! The words of side, and the sides of the body that the title of an exam names; titles shorten the words (`L KNEE`).

use serde::Deserialize;

use super::map::{BadMap, SpecialtyMap, pattern, read};
use crate::limits;
use crate::pattern::Pattern;
use crate::text::{cut, folded};

/// Words of side, ready for use.
#[derive(Debug, Clone)]
pub(super) struct SideWords {
    pub(super) right: OneSide,
    pub(super) left: OneSide,
    /// Parts of the body that the map has no words for, and the word side; at the beginning of a text.
    pub(super) parts: Pattern,
    /// What begins like a part of the body and is none.
    pub(super) no_parts: Pattern,
    /// What stands between a side and its part: `lower`.
    pub(super) between: Pattern,
    /// What stands before `the right` where something is on it.
    pub(super) on: Pattern,
    /// `the`, `my`.
    pub(super) whose: Pattern,
    /// How a sentence goes on behind `on the right`.
    pub(super) goes_on: Pattern,
    /// What joins two sides.
    pub(super) joins: Pattern,
    /// What makes an `L` in a title a level.
    of_spine: Pattern,
    /// What a level stands beside.
    levels: Pattern,
    /// What stands behind the `s` of a Spanish `sin contraste`.
    contrast: Pattern,
    /// What English begins with `re-`.
    again: Pattern,
    /// How a Spanish title goes on behind the part and `der`.
    behind_der: Pattern,
}

/// Words of one side.
#[derive(Debug, Clone)]
pub(super) struct OneSide {
    /// Mean the side wherever they stand.
    pub(super) always: Pattern,
    /// Mean it before a part of the body.
    pub(super) before_part: Pattern,
    /// Mean it behind one.
    pub(super) behind_part: Pattern,
    /// Mean it in the title of an exam.
    in_title: Pattern,
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
    of_spine: String,
    levels: String,
    contrast: String,
    again: String,
    behind_der: String,
}

#[derive(Deserialize)]
struct OneSideFile {
    always: String,
    before_part: String,
    behind_part: String,
    in_title: String,
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
            of_spine: whole(&file.of_spine)?,
            levels: whole(&file.levels)?,
            contrast: whole(&file.contrast)?,
            again: whole(&file.again)?,
            behind_der: whole(&file.behind_der)?,
        })
    }
}

impl OneSide {
    fn of(file: &OneSideFile) -> Result<Self, BadMap> {
        Ok(Self {
            always: whole(&file.always)?,
            before_part: whole(&file.before_part)?,
            behind_part: whole(&file.behind_part)?,
            in_title: whole(&file.in_title)?,
        })
    }

    /// Says whether a word may mean the side.
    pub(super) fn is_named_by(&self, word: &str) -> bool {
        [&self.always, &self.before_part, &self.behind_part]
            .into_iter()
            .any(|words| words.is_match(word))
    }

    fn is_named_in_title(&self, word: &str) -> bool {
        self.is_named_by(word) || self.in_title.is_match(word)
    }
}

/// Reads words for a match of a whole word.
fn whole(words: &str) -> Result<Pattern, BadMap> {
    pattern("words of side", &format!("^({words})$"))
}

/// Reads words for a match at the beginning of a text.
fn beginning(words: &str) -> Result<Pattern, BadMap> {
    pattern("words of side", &format!("^({words})\\b"))
}

/// Says whether the title of an exam names the right, and whether it names the left; titles shorten the words.
pub(crate) fn sides_in_title(title: &str, map: &SpecialtyMap) -> (bool, bool) {
    sides_of(title, &map.sides)
}

fn sides_of(title: &str, sides: &SideWords) -> (bool, bool) {
    let text = folded(cut(title, limits::TEXT_FOR_PATTERNS_CHARS));
    let words: Vec<&str> = text.split(' ').collect();
    let at = |place: Option<usize>| place.and_then(|at| words.get(at)).copied();
    let named = |side: &OneSide| words.iter().any(|word| side.is_named_in_title(word));
    let (mut right, mut left) = (named(&sides.right), named(&sides.left));
    for (place, word) in words.iter().enumerate() {
        let before = at(place.checked_sub(1));
        let after = at(place.checked_add(1)).unwrap_or_default();
        match *word {
            // `R/O` is rule out; a number after the letter makes a level or a name of it.
            "R" => right |= after != "O" && !begins_with_digit(after),
            "L" => left |= !begins_with_digit(after) && !is_level(&words, place, sides),
            // German `re` and `li`; not `re-staging` nor `LI-RADS`.
            "RE" => right |= !sides.again.is_match(after) && (place > 0 || !title.contains(':')),
            "LI" => left |= after != "RADS",
            // Spanish `der.` stands behind the part; the German article before it.
            "DER" => {
                let ends_part = after.is_empty() || sides.behind_der.is_match(after);
                right |= before.is_some() && ends_part;
            }
            _ => {}
        }
    }
    (right, left)
}

/// Says whether an `L` is a level of the spine: `L SPINE` is the lumbar one, `L/S` with the sacrum, `T/L` where it meets the
/// thoracic one.
fn is_level(words: &[&str], place: usize, sides: &SideWords) -> bool {
    let (before, from) = words.split_at(place);
    let is_beside = match from {
        [_, "S", next, ..] if sides.contrast.is_match(next) => false,
        [_, next, ..] => sides.levels.is_match(next),
        _ => false,
    };
    is_beside
        || before.last() == Some(&"T")
        || words.iter().any(|word| sides.of_spine.is_match(word))
}

fn begins_with_digit(word: &str) -> bool {
    word.starts_with(|character: char| character.is_ascii_digit())
}

/// Says in words which side each of two texts names, when these are opposite ones: `("right", "left")`.
pub fn opposite_sides(
    one: &str,
    other: &str,
    map: &SpecialtyMap,
) -> Option<(&'static str, &'static str)> {
    opposites(sides_in_title(one, map), sides_in_title(other, map))
}

const fn opposites(one: (bool, bool), other: (bool, bool)) -> Option<(&'static str, &'static str)> {
    match (one, other) {
        ((true, false), (false, true)) => Some(("right", "left")),
        ((false, true), (true, false)) => Some(("left", "right")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{SideWords, opposites, sides_of};

    const NONE: (bool, bool) = (false, false);
    const RIGHT: (bool, bool) = (true, false);
    const LEFT: (bool, bool) = (false, true);

    fn words() -> SideWords {
        let text = include_str!("../../../overread-knowledge/data/subspecialty/sides.json");
        SideWords::parse(text).unwrap()
    }

    #[test]
    fn titles_shorten_their_sides() {
        let sides = words();
        let check =
            |title: &str, expected| assert_eq!(sides_of(title, &sides), expected, "{title}");
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
            "RODILLA L S/C",
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
            "MRI L/S W/O",
            "MRI T/L W/O",
            "MRI C T L W",
            "CT linked to PET",
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
        let sides = words();
        let opposite =
            |other| opposites(sides_of("MRI right knee", &sides), sides_of(other, &sides));
        assert_eq!(opposite("L knee"), Some(("right", "left")));
        for other in ["knee", "right knee", "both knees, left and right"] {
            assert_eq!(opposite(other), None, "{other}");
        }
    }
}
