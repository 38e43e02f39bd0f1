//! Here aligned statements become the rows a reader sees.

mod denied;

use crate::align::{Pair, Pass};
use crate::classify::{self, Both, Verdict};
use crate::discern;
use crate::frame::{Frame, What};
use crate::guard::Exams;
use crate::importance::{self, Ranked};
use crate::lexicon::{Finding, Lexicon};
use crate::limits::SPANS_MAX;
use crate::statement::Report;
use crate::text::Text;
use crate::types::{Class, Item, ItemKind, Polarity, Span, Statement};

/// Makes the rows, critical ones first.
pub(crate) fn items(
    lex: &Lexicon,
    exams: &Exams,
    o: &Report,
    s: &Report,
    pairs: &[Pair],
) -> Vec<Item> {
    let both = Both {
        lex,
        o: &o.frames,
        s: &s.frames,
    };
    let maker = Maker {
        lex,
        exams,
        o,
        s,
        both,
        pairs,
    };
    let mut rows: Vec<Item> = pairs.iter().flat_map(|p| maker.rows(p)).collect();
    denied::take_in(&mut rows);
    rows.extend(discern::rows(lex, o, s, &rows));
    rows.sort_by_key(|i| (!i.critical, order(i.class), place_of(i)));
    for (n, row) in rows.iter_mut().enumerate() {
        row.n = n as u32 + 1;
    }
    rows
}

/// Takes out every row that says the reports are alike, for reports that could not be compared.
pub(crate) fn withhold_calm(rows: &mut Vec<Item>) {
    rows.retain(|row| !matches!(row.class, Class::Agree | Class::MoreDetail));
    for (n, row) in rows.iter_mut().enumerate() {
        row.n = n as u32 + 1;
    }
}

fn order(class: Class) -> u8 {
    match class {
        Class::Contradicted | Class::Laterality | Class::Location | Class::Interpretation => 0,
        Class::Severity | Class::Size | Class::Certainty => 1,
        Class::OnlySecond => 2,
        Class::OnlyOriginal => 3,
        Class::MoreDetail => 4,
        Class::Agree => 5,
    }
}

fn place_of(item: &Item) -> usize {
    let start = |s: &Option<Vec<Span>>| s.as_ref().and_then(|v| v.first()).map(|s| s.start);
    start(&item.original)
        .or_else(|| start(&item.second))
        .unwrap_or(0)
}

struct Maker<'a> {
    lex: &'a Lexicon,
    exams: &'a Exams,
    o: &'a Report,
    s: &'a Report,
    both: Both<'a>,
    pairs: &'a [Pair],
}

impl Maker<'_> {
    /// The row of a pair, and one of its own for a size that differs inside another difference.
    fn rows(&self, pair: &Pair) -> Vec<Item> {
        let Some(row) = self.row(pair, None) else {
            return Vec::new();
        };
        let size = (!matches!(row.class, Class::Agree | Class::Size))
            .then(|| classify::sizes(&self.both, pair))
            .flatten()
            .and_then(|verdict| self.row(pair, Some(verdict)));
        std::iter::once(self.with_denial(pair, row))
            .chain(size)
            .collect()
    }

    /// Makes a row, decided by the rules unless a verdict is given.
    fn row(&self, pair: &Pair, given: Option<Verdict>) -> Option<Item> {
        let a = pair.original.and_then(|i| self.o.frames.get(i));
        let b = pair.second.and_then(|j| self.s.frames.get(j));
        if self.folded_away(pair, a, b) {
            return None;
        }
        let fixed = given.is_some();
        let mut verdict = given.unwrap_or_else(|| classify::classify(&self.both, pair));
        let lead = [b, a]
            .into_iter()
            .flatten()
            .find(|f| f.present())
            .or(a)
            .or(b)?;
        let spans_o = a.map(|f| self.spans(self.o, f, pair.original, &verdict));
        let spans_s = b.map(|f| self.spans(self.s, f, pair.second, &verdict));
        if let (What::Finding(_), Some(i), Some(j)) = (&lead.what, pair.original, pair.second)
            && !fixed
            && let Some(category) = self.owned_category(i, j)
            && matches!(
                verdict.class,
                Class::Agree | Class::MoreDetail | Class::Size | Class::Certainty | Class::Severity
            )
        {
            verdict = category;
        }
        let finding = lead.finding().and_then(|id| self.lex.finding(id));
        let ranked = Ranked {
            lex: self.lex,
            finding,
            lead,
            both: [a, b],
            infant: self.exams.original.infant,
        };
        importance::refine(&mut verdict, &ranked);
        let importance = importance::importance(&verdict, lead, finding);
        let variation = importance::variation(&verdict, finding, lead);
        let (side, site) = (
            self.side(a, b, verdict.class),
            classify::common_site(self.lex, a, b, verdict.class),
        );
        let name = self.name(lead, a, b, &verdict);
        Some(Item {
            n: 0,
            kind: kind(lead, finding),
            class: verdict.class,
            critical: importance::critical(&verdict, &ranked),
            sentence: sentence(self.lex, &verdict, &name, site.as_deref()),
            finding: name,
            site,
            side,
            denied_on: None,
            polarity: if a.or(b).is_some_and(|f| {
                f.present() || f.what == What::Advice || f.what == What::Worded && !f.denied
            }) || verdict.class == Class::Contradicted
            {
                Polarity::Present
            } else {
                Polarity::Absent
            },
            original: spans_o.filter(|s| !s.is_empty()),
            second: spans_s.filter(|s| !s.is_empty()),
            rule_id: verdict.rule.to_string(),
            importance,
            variation,
            variation_note: variation
                .then(|| importance::note(self.lex, finding))
                .flatten(),
            needs_reader_check: pair.pass == Pass::Worded
                || matches!((a, b), (Some(a), Some(b)) if classify::unsure(self.lex, a, b)),
        })
    }

    /// Rows that say nothing on their own: parts of another row, mere description, bare numbers.
    fn folded_away(&self, pair: &Pair, a: Option<&Frame>, b: Option<&Frame>) -> bool {
        let alone = a.is_none() || b.is_none();
        let Some(one) = a.or(b) else { return true };
        let number = one
            .finding()
            .and_then(|id| self.lex.finding(id))
            .is_some_and(|f| f.measure);
        if alone && (one.descriptor || one.what == What::Measured || number) {
            return true;
        }
        if alone
            && (self.describes_a_row(pair, one)
                || self.has_category_row(pair)
                || self.is_named_in_a_row(pair))
        {
            return true;
        }
        let owners = |f: Option<&Frame>| f.and_then(|f| f.owner);
        match (owners(a), owners(b)) {
            (Some(x), Some(y)) => {
                let (p_top, q_top) = (top(&self.o.frames, x), top(&self.s.frames, y));
                let linked = |i: usize, j: usize| {
                    self.pairs
                        .iter()
                        .any(|p| p.original == Some(i) && p.second == Some(j))
                };
                let together =
                    linked(x, y) || linked(p_top, q_top) || linked(x, q_top) || linked(p_top, y);
                let same_sentence = a.is_some_and(|f| f.owner_same_sentence)
                    || b.is_some_and(|f| f.owner_same_sentence);
                let category = a.is_some_and(|f| matches!(f.what, What::Category(_)));
                let own = classify::classify(&self.both, pair).class;
                let lesion = self.pairs.iter().filter(|p| {
                    p.original.is_some_and(|i| i == x || i == p_top)
                        && p.second.is_some_and(|j| j == y || j == q_top)
                });
                let told = lesion
                    .map(|p| classify::classify(&self.both, p).class)
                    .any(Class::is_critical);
                together
                    && (category
                        || own == Class::Agree
                        || same_sentence && (told || !own.is_critical()))
            }
            (Some(x), None) if alone => self
                .pairs
                .iter()
                .any(|p| p.original == Some(x) && p.second.is_some()),
            (None, Some(y)) if alone => self.pairs.iter().any(|p| p.second == Some(y)),
            (None, Some(y)) => self
                .pairs
                .iter()
                .any(|p| p.second == Some(y) && p.original == pair.original),
            (Some(x), None) => {
                a.is_some_and(|f| f.owner_same_sentence)
                    && self
                        .pairs
                        .iter()
                        .any(|p| p.original == Some(x) && p.second == pair.second)
            }
            _ => false,
        }
    }

    /// "A 12 mm nodule, compatible with a meningioma": when the diagnosis has a row, the nodule is told there.
    fn is_named_in_a_row(&self, pair: &Pair) -> bool {
        let (at, own) = match (pair.original, pair.second) {
            (Some(i), _) => (i, &self.o.frames),
            (None, Some(j)) => (j, &self.s.frames),
            _ => return false,
        };
        let of_it = |n: Option<usize>| {
            n.and_then(|n| own.get(n))
                .is_some_and(|f| f.owner == Some(at) && f.owner_same_sentence && f.present())
        };
        self.pairs.iter().any(|p| {
            let both = p.original.is_some() && p.second.is_some();
            both && of_it(pair.original.and(p.original).or(pair.second.and(p.second)))
        })
    }

    /// A lesion that the other report names by its category alone: the row of the category speaks of it.
    fn has_category_row(&self, pair: &Pair) -> bool {
        let of = |at: usize, frames: &[Frame]| {
            frames.get(at).is_some_and(|f| {
                matches!(f.what, What::Category(_))
                    && f.owner.is_some_and(|o| {
                        let alone = pair.original.or(pair.second);
                        Some(o) == alone || Some(top(frames, o)) == alone
                    })
            })
        };
        self.pairs.iter().any(|p| match (p.original, p.second) {
            (Some(i), Some(_)) if pair.original.is_some() => of(i, &self.o.frames),
            (Some(_), Some(j)) if pair.second.is_some() => of(j, &self.s.frames),
            _ => false,
        })
    }

    /// A general word of little weight in a sentence whose finding both reports state only describes that finding: "the
    /// appendix is distended and thick walled".
    fn describes_a_row(&self, pair: &Pair, one: &Frame) -> bool {
        let general = one
            .finding()
            .and_then(|id| self.lex.finding(id))
            .is_some_and(|f| f.weight <= 1 && f.site.is_none() && !f.dx && !f.device);
        let own = match pair.original {
            Some(_) => &self.o.frames,
            None => &self.s.frames,
        };
        let told = |p: &&Pair| {
            let at = match pair.original {
                Some(_) => p.original,
                None => p.second,
            };
            let here = at.and_then(|at| own.get(at));
            p.original.is_some()
                && p.second.is_some()
                && here.is_some_and(|f| f.sentence == one.sentence && f.present())
        };
        one.present() && general && self.pairs.iter().any(|p| told(&p))
    }

    /// Categories tied to both lesions decide for the lesion.
    fn owned_category(&self, i: usize, j: usize) -> Option<Verdict> {
        let of = |frames: &[Frame], at: usize| -> Option<(String, String)> {
            frames.iter().find_map(|f| match &f.what {
                What::Category(scheme)
                    if f.owner.is_some_and(|o| o == at || top(frames, o) == at) =>
                {
                    Some((scheme.clone(), f.value.clone()))
                }
                _ => None,
            })
        };
        let (x, y) = (of(&self.o.frames, i)?, of(&self.s.frames, j)?);
        let same = crate::marks::same_category(&self.lex.differences.scores, &x.0, &x.1, &y.1);
        (x.0 == y.0 && !same).then(|| Verdict {
            class: Class::Interpretation,
            rule: "category",
            what_differs: format!(
                "original {}, second {}",
                x.1.to_uppercase(),
                y.1.to_uppercase()
            ),
        })
    }

    fn spans(
        &self,
        report: &Report,
        frame: &Frame,
        at: Option<usize>,
        verdict: &Verdict,
    ) -> Vec<Span> {
        let mut places = frame.spans.clone();
        let tied = |f: &Frame| f.owner.is_some() && f.owner == at && !f.denied;
        if matches!(
            verdict.class,
            Class::Interpretation | Class::Agree | Class::Certainty
        ) || matches!(frame.what, What::Finding(_))
        {
            for f in report.frames.iter().filter(|f| tied(f)) {
                let shown = f.owner_same_sentence
                    || matches!(f.what, What::Category(_))
                    || verdict.rule == "diagnosis";
                if shown {
                    places.extend(f.spans.iter().copied());
                }
            }
        }
        places.truncate(SPANS_MAX + 2);
        places
            .iter()
            .map(|&(start, end)| Span {
                start,
                end,
                text: report.text.slice(start, end),
            })
            .collect()
    }

    fn name(
        &self,
        lead: &Frame,
        a: Option<&Frame>,
        b: Option<&Frame>,
        verdict: &Verdict,
    ) -> String {
        if verdict.class == Class::Agree
            && !lead.present()
            && let Some(f) = [a, b].into_iter().flatten().find(|f| f.finding().is_some())
        {
            return f.name(self.lex);
        }
        lead.name(self.lex)
    }

    fn side(&self, a: Option<&Frame>, b: Option<&Frame>, class: Class) -> Option<String> {
        let of = |f: Option<&Frame>| f.and_then(|f| f.side);
        let (x, y) = (of(a), of(b));
        if class == Class::Laterality
            && let (Some(x), Some(y)) = (x, y)
        {
            return Some(format!("{}/{}", x.name(), y.name()));
        }
        let stated = [a, b]
            .into_iter()
            .flatten()
            .find(|f| f.present())
            .and_then(|f| f.side);
        if let Some(side) = stated.or(x).or(y) {
            return Some(side.name().to_string());
        }
        let (p, q) = (
            a.and(self.exams.original.side),
            b.and(self.exams.second.side),
        );
        match (p, q) {
            (Some(p), Some(q)) if p.opposite(q) => Some(format!("{}/{}", p.name(), q.name())),
            _ => p.or(q).map(|side| side.name().to_string()),
        }
    }
}

/// Returns the lesion at the end of a chain of owners.
fn top(frames: &[Frame], at: usize) -> usize {
    let mut here = at;
    for _ in 0..4 {
        match frames.get(here).and_then(|f| f.owner) {
            Some(o) => here = o,
            None => break,
        }
    }
    here
}

fn kind(frame: &Frame, finding: Option<&Finding>) -> ItemKind {
    match &frame.what {
        What::Normal => ItemKind::Normal,
        What::Category(_) => ItemKind::Category,
        What::Measured => ItemKind::Measurement,
        What::Advice => ItemKind::Recommendation,
        What::Finding(_) if finding.is_some_and(|f| f.device) => ItemKind::Device,
        What::Finding(_) if finding.is_some_and(|f| f.measure) => ItemKind::Measurement,
        What::Finding(_) | What::Worded => ItemKind::Finding,
    }
}

fn sentence(lex: &Lexicon, verdict: &Verdict, name: &str, site: Option<&str>) -> String {
    let mut name = lex.weighing.words_of(name);
    if let Some(first) = name.get(..1) {
        name = format!(
            "{}{}",
            first.to_uppercase(),
            name.get(1..).unwrap_or_default()
        );
    }
    let place = site.map(|s| format!(", {s}")).unwrap_or_default();
    let place = if verdict.class == Class::Location {
        String::new()
    } else {
        place
    };
    format!("{name}{place}: {}.", verdict.what_differs)
}

/// Puts a frame into the public form.
pub(crate) fn statement(lex: &Lexicon, text: &Text, frame: &Frame) -> Option<Statement> {
    let finding = frame.finding().and_then(|id| lex.finding(id));
    let &(start, end) = frame.spans.first()?;
    let temporality = if frame.historical || frame.acute == Some(false) {
        "historical"
    } else {
        "recent"
    };
    Some(Statement {
        kind: kind(frame, finding),
        finding: frame.name(lex),
        site: frame.site_name(lex),
        side: frame.side.map(|s| s.name().to_string()),
        polarity: if frame.present() || matches!(frame.what, What::Category(_) | What::Advice) {
            Polarity::Present
        } else {
            Polarity::Absent
        },
        certainty: if frame.denied { 1 } else { frame.certainty },
        severity: frame.severity,
        sizes_mm: frame.sizes_mm.clone(),
        temporality: temporality.to_string(),
        section: frame.section.name().to_string(),
        span: Span {
            start,
            end,
            text: text.slice(start, end),
        },
    })
}
