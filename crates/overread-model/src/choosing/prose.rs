//! The sides of the body that sentences of people name. `Right` is also correct and `left` also over: such a word counts
//! only beside a part of the body, or where it is told what is on it.

use super::map::SpecialtyMap;
use super::sides::{OneSide, SideWords};
use crate::limits;
use crate::text::{cut, folded};

/// Where a clause ends, so that no part of the body of the next one counts.
const ENDS: [char; 9] = ['.', ',', ';', ':', '?', '!', '(', ')', '\n'];

/// Most words that a part of the body is looked for in.
const PART_WORDS_COUNT: usize = 6;

/// Says whether sentences name the right, and whether they name the left.
pub(super) fn sides_in_prose(text: &str, map: &SpecialtyMap) -> (bool, bool) {
    let text = cut(text, limits::TEXT_FOR_PATTERNS_CHARS);
    let clauses: Vec<String> = text.split(ENDS).map(folded).collect();
    let words_of = |clause: &'_ String| clause.split(' ').map(str::to_owned).collect();
    let clauses: Vec<Vec<String>> = clauses.iter().map(words_of).collect();
    let names = |side| clauses.iter().any(|words| names_side(words, side, map));
    let sides = &map.sides;
    // Of `right or left knee` only the left stands before the knee, and both are meant.
    let joins = |other, one| {
        let mut clauses = clauses.iter();
        clauses.any(|words| joins_side(words, other, one, sides))
    };
    match (names(&sides.right), names(&sides.left)) {
        (true, false) => (true, joins(&sides.left, &sides.right)),
        (false, true) => (joins(&sides.right, &sides.left), true),
        both => both,
    }
}

fn names_side(words: &[String], side: &OneSide, map: &SpecialtyMap) -> bool {
    words.iter().enumerate().any(|(place, word)| {
        let (before, from) = words.split_at(place);
        let after = from.get(1..).unwrap_or_default();
        let after = after.get(..PART_WORDS_COUNT).unwrap_or(after);
        side.always.is_match(word)
            || (side.before_part.is_match(word)
                && (begins_with_part(after, map) || is_told_of(before, after, &map.sides)))
            || (side.behind_part.is_match(word)
                && before.last().is_some_and(|word| is_part(word, map)))
    })
}

/// Says whether words go on with a part of the body: `lower leg`, `side`.
fn begins_with_part(after: &[String], map: &SpecialtyMap) -> bool {
    let sides = &map.sides;
    let mut rest = after;
    loop {
        let text = rest.join(" ");
        if sides.no_parts.is_match(&text) {
            return false;
        }
        if is_part(&text, map) {
            return true;
        }
        match rest.split_first() {
            Some((word, others)) if sides.between.is_match(word) => rest = others,
            _ => return false,
        }
    }
}

/// Says whether a text begins with a part of the body.
fn is_part(text: &str, map: &SpecialtyMap) -> bool {
    let begins = |found: Option<regex::Match<'_>>| found.is_some_and(|found| found.start() == 0);
    map.sides.parts.is_match(text)
        || map
            .patterns
            .iter()
            .any(|(_, pattern)| begins(pattern.find(text)))
}

/// Says whether it is told what is `on the right` and no more: not `on the right track`.
fn is_told_of(before: &[String], after: &[String], sides: &SideWords) -> bool {
    let before = match before.split_last() {
        Some((word, others)) if sides.whose.is_match(word) => others,
        _ => before,
    };
    before.last().is_some_and(|word| sides.on.is_match(word))
        && after
            .first()
            .is_none_or(|word| sides.goes_on.is_match(word))
}

/// Says whether words of one side and of the other stand joined: `right or left`, `left knee than the right`.
fn joins_side(words: &[String], other: &OneSide, one: &OneSide, sides: &SideWords) -> bool {
    words.iter().enumerate().any(|(place, word)| {
        let (before, from) = words.split_at(place);
        let after: Vec<&String> = from
            .iter()
            .skip(1)
            .skip_while(|word| sides.joins.is_match(word) || sides.whose.is_match(word))
            .collect();
        let earlier = match before.split_last() {
            Some((word, others)) if sides.whose.is_match(word) => others,
            _ => before,
        };
        let is_joined = earlier
            .last()
            .is_some_and(|word| sides.joins.is_match(word) || one.is_named_by(word))
            && earlier.iter().any(|word| one.is_named_by(word));
        other.is_named_by(word)
            && (is_joined || after.first().is_some_and(|word| one.is_named_by(word)))
    })
}
