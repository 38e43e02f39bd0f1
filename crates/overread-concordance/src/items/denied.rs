//! Here what one report finds on one side meets the other report's denial of it on the opposite side.

use super::{Maker, place_of};
use crate::align::Pair;
use crate::frame::Frame;
use crate::limits::SPANS_MAX;
use crate::site::{self, Relation};
use crate::statement::Report;
use crate::types::{Class, Item, Polarity, Span};

impl Maker<'_> {
    /// Puts the denial of the opposite side into the row of a finding that the other report does not state: read apart, the
    /// one is a finding nobody else mentions and the other nothing.
    pub(super) fn with_denial(&self, pair: &Pair, mut row: Item) -> Item {
        let (told, silent) = match (pair.original, pair.second) {
            (Some(i), None) => (self.o.frames.get(i), self.s),
            (None, Some(j)) => (self.s.frames.get(j), self.o),
            _ => return row,
        };
        let Some(denial) = told.and_then(|told| self.denied_opposite(told, silent)) else {
            return row;
        };
        let words = denial.spans.iter().take(SPANS_MAX);
        let words = words.map(|&(start, end)| Span {
            start,
            end,
            text: silent.text.slice(start, end),
        });
        let words = Some(words.collect());
        match pair.original {
            Some(_) => row.second = words,
            None => row.original = words,
        }
        // Beside a denial of the other side it is no usual difference.
        (row.variation, row.variation_note) = (false, None);
        if let Some(side) = denial.side {
            let told = row.sentence.trim_end_matches('.');
            row.sentence = format!("{told}, the other one denies it on the {}.", side.name());
            row.denied_on = Some(side.name().to_string());
        }
        row
    }

    /// Finds where a report that does not state a finding denies it on the opposite side.
    fn denied_opposite<'r>(&self, told: &Frame, silent: &'r Report) -> Option<&'r Frame> {
        let (side, id) = told.side.zip(told.finding()).filter(|_| told.present())?;
        silent.frames.iter().find(|f| {
            let kin = |x| self.lex.is_kind(x, id) || self.lex.is_kind(id, x);
            f.denied
                && f.side.is_some_and(|other| other.opposite(side))
                && f.finding().is_some_and(kin)
                && matches!(
                    site::relate(self.lex, told, f),
                    Relation::Same | Relation::Compatible
                )
        })
    }
}

/// Takes out the rows of denials that stand in the row of what the other report finds on the other side.
pub(super) fn take_in(rows: &mut Vec<Item>) {
    let taken: Vec<(Class, usize)> = rows
        .iter()
        .filter(|row| row.denied_on.is_some())
        .filter_map(|row| match row.class {
            Class::OnlyOriginal => Some((Class::OnlySecond, row.second.as_ref()?.first()?.start)),
            _ => Some((Class::OnlyOriginal, row.original.as_ref()?.first()?.start)),
        })
        .collect();
    rows.retain(|row| {
        row.polarity == Polarity::Present || !taken.contains(&(row.class, place_of(row)))
    });
}
