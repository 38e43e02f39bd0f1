//! Here a position on the clock face is set against a quadrant or a half of the breast.

use crate::frame::{Frame, Side};
use crate::lexicon::Lexicon;
use crate::spots::Spot;

/// Half hours of the clock face.
const ROUND: u8 = 24;

/// Half hours of the clock face, one flag each; 0 is twelve o'clock.
type Face = [bool; ROUND as usize];

/// Whether two places of the breast exclude each other: "9 o'clock" on the right is no place of the inner half, on the
/// left it is one.
pub(crate) fn apart(lex: &Lexicon, a: &Frame, b: &Frame) -> bool {
    // Two positions on the clock face are compared as such.
    if hours(a).next().is_some() && hours(b).next().is_some() {
        return false;
    }
    let one = |f: &Frame| f.side.filter(|s| *s != Side::Both);
    let sides = match one(a).or(one(b)) {
        Some(side) => vec![side],
        None => vec![Side::Left, Side::Right],
    };
    sides.into_iter().all(|side| {
        let (Some(x), Some(y)) = (face(lex, a, side), face(lex, b, side)) else {
            return false;
        };
        !x.iter().zip(&y).any(|(p, q)| *p && *q)
    })
}

/// Whether a statement tells where on the breast something lies.
pub(crate) fn told(f: &Frame) -> bool {
    hours(f).next().is_some()
}

fn hours(f: &Frame) -> impl Iterator<Item = u8> {
    f.spots.iter().filter_map(|spot| match spot {
        Spot::Clock(half) => Some(half % ROUND),
        _ => None,
    })
}

/// The part of the clock face a statement speaks of; `None` when it names none.
fn face(lex: &Lexicon, f: &Frame, side: Side) -> Option<Face> {
    let mut out: Option<Face> = None;
    let reach = lex.weighing.clock_reach;
    for half in hours(f) {
        let face = out.get_or_insert([false; ROUND as usize]);
        mark(face, half + ROUND - reach, half + ROUND + reach, false);
    }
    if out.is_some() {
        return out;
    }
    for node in &f.nodes {
        let mut arcs = lex.weighing.arcs.iter();
        let Some((_, (from, to))) = arcs.find(|(n, _)| n == node) else {
            continue;
        };
        let mut face = [false; ROUND as usize];
        // The ends belong to both neighbours and tell neither.
        mark(&mut face, 2 * from + 1, 2 * to - 1, side == Side::Left);
        // "Upper breast, outer half" is where both meet.
        out = Some(match out {
            Some(before) => {
                std::array::from_fn(|i| before.get(i) == Some(&true) && face.get(i) == Some(&true))
            }
            None => face,
        });
    }
    out.filter(|face| face.contains(&true))
}

fn mark(face: &mut Face, from: u8, to: u8, mirrored: bool) {
    for half in from..=to {
        let half = half % ROUND;
        let at = if mirrored {
            (ROUND - half) % ROUND
        } else {
            half
        };
        if let Some(flag) = face.get_mut(usize::from(at)) {
            *flag = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::apart;
    use crate::frame::{Frame, Side, What};
    use crate::lexicon::lexicon;
    use crate::reading::Section;
    use crate::spots::Spot;

    fn check(side: Option<Side>, half_hours: u8, place: &str, expect: bool) {
        let lex = lexicon();
        let mut a = Frame::new(What::Normal, Section::Findings, 0);
        let mut b = a.clone();
        (a.side, b.side) = (side, side);
        a.spots = vec![Spot::Clock(half_hours)];
        b.nodes.extend(lex.node_named(place));
        assert_eq!(apart(lex, &a, &b), expect, "{side:?} {half_hours} {place}");
        assert_eq!(apart(lex, &b, &a), expect, "{place} {side:?} {half_hours}");
    }

    #[test]
    fn the_clock_face_is_read_with_the_side() {
        let (right, left) = (Some(Side::Right), Some(Side::Left));
        for (side, half, place, expect) in [
            (right, 18, "outer_breast", false),
            (right, 18, "inner_breast", true),
            (left, 18, "inner_breast", false),
            (left, 18, "outer_breast", true),
            (right, 20, "uoq", false),
            (left, 20, "uoq", true),
            (left, 20, "uiq", false),
            (right, 20, "loq", true),
            (right, 24, "uoq", false),
            (right, 24, "uiq", false),
            (right, 25, "uoq", false),
            (right, 2, "uoq", true),
            (left, 8, "loq", false),
            (right, 8, "liq", false),
            (right, 12, "upper_breast", true),
            (None, 20, "uoq", false),
            (None, 20, "uiq", false),
            (None, 20, "loq", true),
            (right, 18, "breast", false),
        ] {
            check(side, half, place, expect);
        }
    }
}
