//! A report cut into pieces, so that the words behind each row can be marked.

use overread_concordance::{Class, Item, Span};

use super::words::{Word, unexplained};

/// A piece of a report: plain, or the words of one row.
#[derive(PartialEq, Eq)]
pub(crate) struct Piece {
    /// The text.
    pub(crate) text: String,
    /// The text, cut at the terms that are explained.
    pub(crate) words: Vec<Word>,
    /// The row they belong to, if any.
    pub(crate) item: Option<u32>,
    /// Class of the mark: `mark--critical`, `mark--minor`, `mark--agree`.
    pub(crate) class: &'static str,
    /// The row's first piece in this report: carries the id that rows link to.
    pub(crate) first: bool,
}

/// Returns how a row is marked.
fn mark_class(class: Class, critical: bool) -> &'static str {
    match class {
        _ if critical => "mark--critical",
        Class::Agree => "mark--agree",
        _ => "mark--minor",
    }
}

/// Cuts the text along the rows' spans. Where spans overlap, critical rows win, then the lower number.
///
/// Spans count Unicode code points; what lies outside the text is left out.
pub(super) fn cut<'a, F>(text: &str, items: &'a [Item], spans: F) -> Vec<Piece>
where
    F: Fn(&'a Item) -> Option<&'a Vec<Span>>,
{
    let characters: Vec<char> = text.chars().collect();
    let mut owner: Vec<Option<usize>> = vec![None; characters.len()];
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|idx| items.get(*idx).map(|item| (!item.critical, item.n)));
    for idx in order {
        for span in items.get(idx).and_then(&spans).into_iter().flatten() {
            let end = span.end.min(owner.len());
            for slot in owner.get_mut(span.start..end).into_iter().flatten() {
                slot.get_or_insert(idx);
            }
        }
    }
    pieces(&characters, &owner, items)
}

fn pieces(characters: &[char], owner: &[Option<usize>], items: &[Item]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut seen = vec![false; items.len()];
    let mut before: Option<Option<usize>> = None;
    for (character, idx) in characters.iter().zip(owner) {
        if before == Some(*idx)
            && let Some(piece) = pieces.last_mut()
        {
            piece.text.push(*character);
            continue;
        }
        before = Some(*idx);
        let item = idx.and_then(|idx| items.get(idx));
        let first = idx
            .and_then(|idx| seen.get_mut(idx))
            .is_some_and(|seen| !std::mem::replace(seen, true));
        pieces.push(Piece {
            text: character.to_string(),
            words: Vec::new(),
            item: item.map(|item| item.n),
            class: item.map_or("", |item| mark_class(item.class, item.critical)),
            first,
        });
    }
    for piece in &mut pieces {
        piece.words = unexplained(piece.text.clone());
    }
    pieces
}

#[cfg(test)]
pub(super) mod tests {
    use overread_concordance::{Class, Importance, Item, ItemKind, Polarity, Span};

    use super::cut;

    pub(in super::super) fn item(n: u32, class: Class, start: usize, end: usize) -> Item {
        Item {
            n,
            kind: ItemKind::Finding,
            class,
            critical: class.is_critical(),
            finding: "disc_extrusion".to_owned(),
            site: Some("L4-L5".to_owned()),
            side: None,
            denied_on: None,
            polarity: Polarity::Present,
            original: Some(vec![Span {
                start,
                end,
                text: String::new(),
            }]),
            second: None,
            rule_id: "test".to_owned(),
            sentence: "A sentence.".to_owned(),
            importance: Importance::None,
            variation: false,
            variation_note: None,
            needs_reader_check: false,
        }
    }

    fn check(text: &str, items: &[Item], expect: &[(&str, Option<u32>)]) {
        let pieces = cut(text, items, |item| item.original.as_ref());
        let got: Vec<_> = pieces
            .iter()
            .map(|piece| (piece.text.as_str(), piece.item))
            .collect();
        assert_eq!(got, expect);
        assert_eq!(
            pieces
                .iter()
                .map(|piece| piece.text.as_str())
                .collect::<String>(),
            text
        );
    }

    #[test]
    fn spans_count_characters_and_critical_rows_win() {
        check("", &[item(1, Class::Agree, 0, 5)], &[]);
        check(
            "añb",
            &[item(1, Class::Agree, 1, 2)],
            &[("a", None), ("ñ", Some(1)), ("b", None)],
        );
        check(
            "abcdef",
            &[
                item(2, Class::Agree, 0, 4),
                item(3, Class::Laterality, 2, 6),
            ],
            &[("ab", Some(2)), ("cdef", Some(3))],
        );
        check(
            "abc",
            &[item(1, Class::Agree, 2, 99), item(2, Class::Agree, 50, 60)],
            &[("ab", None), ("c", Some(1))],
        );
        check("abc", &[item(1, Class::Agree, 2, 1)], &[("abc", None)]);
    }

    #[test]
    fn only_the_first_piece_of_a_row_carries_its_id() {
        let items = [item(1, Class::Agree, 0, 6), item(2, Class::Location, 2, 4)];
        let pieces = cut("abcdef", &items, |item| item.original.as_ref());
        let firsts: Vec<_> = pieces
            .iter()
            .map(|piece| (piece.item, piece.first))
            .collect();
        assert_eq!(firsts, [(Some(1), true), (Some(2), true), (Some(1), false)]);
    }
}
