//! Here what an addendum corrects is taken out of what its report says: the later word of the same reader counts.

use crate::frame::Frame;
use crate::lexicon::Lexicon;
use crate::site::{self, Relation};
use crate::statement::Report;
use crate::text::{Kind, Token};

/// Leaves out statements that an addendum makes anew on the other side, with another size, or with the opposite answer.
pub(crate) fn amend(lex: &Lexicon, report: &mut Report) {
    let Some(from) = addendum(&report.text.tokens) else {
        return;
    };
    let is_later = |f: &Frame| f.spans.first().is_some_and(|s| s.0 >= from);
    let frames = std::mem::take(&mut report.frames);
    let later: Vec<Frame> = frames.iter().filter(|f| is_later(f)).cloned().collect();
    let mut kept = Vec::with_capacity(frames.len());
    let mut place = Vec::with_capacity(frames.len());
    for frame in frames {
        let corrected = !is_later(&frame) && later.iter().any(|l| corrects(lex, l, &frame));
        place.push((!corrected).then_some(kept.len()));
        if !corrected {
            kept.push(frame);
        }
    }
    for frame in &mut kept {
        frame.owner = frame.owner.and_then(|o| place.get(o).copied().flatten());
    }
    report.frames = kept;
}

fn corrects(lex: &Lexicon, later: &Frame, earlier: &Frame) -> bool {
    let (Some(a), Some(b)) = (later.finding(), earlier.finding()) else {
        return false;
    };
    let relation = site::relate(lex, later, earlier);
    let same = lex.root(a) == lex.root(b)
        && !matches!(relation, Relation::Unrelated | Relation::OtherPlace);
    let side = matches!((later.side, earlier.side), (Some(x), Some(y)) if x.opposite(y));
    let size = matches!((later.size(), earlier.size()), (Some(x), Some(y)) if lex.differences.apart.sizes(x, y));
    same && (side || size || later.denied != earlier.denied)
}

/// Where the first addendum of a report begins.
fn addendum(tokens: &[Token]) -> Option<usize> {
    let begins = |at: usize| {
        let before = at.checked_sub(1).and_then(|i| tokens.get(i));
        let is_line = before.is_none_or(|t| t.kind == Kind::Newline);
        let after = tokens.get(at + 1);
        let is_heading = after.is_none_or(|t| {
            matches!(
                t.kind,
                Kind::Newline | Kind::Colon | Kind::Number | Kind::Dash | Kind::Open
            )
        });
        is_line && is_heading && tokens.get(at).is_some_and(|t| t.is("addendum"))
    };
    let at = (0..tokens.len()).find(|at| begins(*at))?;
    tokens.get(at).map(|t| t.start)
}
