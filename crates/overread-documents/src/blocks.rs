//! Free text of a report as paragraphs and lists.

use serde::Serialize;

use crate::{cleaning, limits};

/// A paragraph or a list. It holds patient data, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Prose {
    /// A paragraph.
    Text {
        /// Its words.
        text: String,
    },
    /// A line of its own that names what follows: `LIVER:`.
    Head {
        /// Its words.
        text: String,
    },
    /// Items with dashes.
    List {
        /// Their words.
        items: Vec<String>,
    },
    /// Items numbered as typed, from 1.
    Numbered {
        /// Their words.
        items: Vec<String>,
    },
}

/// Reads typed text: an empty line ends a paragraph, `- ` and `1. ` start items, a short line ending in a colon names
/// what follows. Each line of the rest is its own paragraph, as radiologists dictate.
pub(crate) fn prose(text: &str) -> Vec<Prose> {
    let text = cleaning::cut(&cleaning::lines(text), limits::SECTION_CHARS);
    let mut out: Vec<Prose> = Vec::new();
    let mut fresh = true;
    for line in text.lines() {
        if line.is_empty() {
            fresh = true;
            continue;
        }
        if let Some(item) = dashed(line) {
            match out.last_mut() {
                Some(Prose::List { items }) => items.push(item),
                _ => out.push(Prose::List { items: vec![item] }),
            }
        } else if let Some((number, item)) = numbered(line) {
            match out.last_mut() {
                Some(Prose::Numbered { items }) if number == items.len() + 1 => items.push(item),
                _ if number == 1 => out.push(Prose::Numbered { items: vec![item] }),
                // A list that starts elsewhere keeps its numbers as words: they may be referred to.
                _ => out.push(Prose::Text {
                    text: line.to_owned(),
                }),
            }
        } else if fresh && line.ends_with(':') && line.chars().count() <= 60 {
            out.push(Prose::Head {
                text: line.to_owned(),
            });
        } else {
            out.push(Prose::Text {
                text: line.to_owned(),
            });
        }
        fresh = false;
    }
    out
}

fn dashed(line: &str) -> Option<String> {
    let rest = ["- ", "– ", "• ", "* "]
        .iter()
        .find_map(|mark| line.strip_prefix(mark))?;
    let rest = rest.trim();
    (!rest.is_empty()).then(|| rest.to_owned())
}

fn numbered(line: &str) -> Option<(usize, String)> {
    let (number, rest) = line.split_once(['.', ')'])?;
    let number: usize = number.parse().ok().filter(|number| *number < 100)?;
    let item = rest.strip_prefix(' ')?.trim();
    (!item.is_empty()).then(|| (number, item.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Prose, prose};

    fn shape(text: &str) -> String {
        let one = |prose: &Prose| match prose {
            Prose::Text { text } => format!("T({text})"),
            Prose::Head { text } => format!("H({text})"),
            Prose::List { items } => format!("L({})", items.join("|")),
            Prose::Numbered { items } => format!("N({})", items.join("|")),
        };
        prose(text).iter().map(one).collect()
    }

    #[test]
    fn typed_text_keeps_its_shape() {
        assert_eq!(
            shape("L4-L5: bulge.\n\n1. One\n2. Two\n- a\n- b"),
            "T(L4-L5: bulge.)N(One|Two)L(a|b)"
        );
        assert_eq!(shape("LIVER:\nNormal."), "H(LIVER:)T(Normal.)");
        assert_eq!(
            shape("3. Third\n12.5 mm node"),
            "T(3. Third)T(12.5 mm node)"
        );
        assert_eq!(shape("1. One\n1. Again"), "N(One)N(Again)");
        assert_eq!(shape("\n \n"), "");
    }
}
