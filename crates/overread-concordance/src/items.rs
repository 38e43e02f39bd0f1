//! Here aligned statements become the rows a reader sees.

use crate::align::Pair;
use crate::classify::{self, Both, Verdict};
use crate::exam::Exam;
use crate::frame::{Frame, Side, What};
use crate::lexicon::{Finding, Lexicon};
use crate::limits::SPANS_MAX;
use crate::statement::Report;
use crate::text::Text;
use crate::types::{Class, Importance, Item, ItemKind, Polarity, Span, Statement};

/// Makes the rows, critical ones first.
pub(crate) fn items(
    lex: &Lexicon,
    exam: &Exam,
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
        exam,
        o,
        s,
        both,
        pairs,
    };
    let mut rows: Vec<Item> = pairs.iter().filter_map(|p| maker.row(p)).collect();
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
    exam: &'a Exam,
    o: &'a Report,
    s: &'a Report,
    both: Both<'a>,
    pairs: &'a [Pair],
}

impl Maker<'_> {
    fn row(&self, pair: &Pair) -> Option<Item> {
        let a = pair.original.and_then(|i| self.o.frames.get(i));
        let b = pair.second.and_then(|j| self.s.frames.get(j));
        if self.folded_away(pair, a, b) {
            return None;
        }
        let mut verdict = classify::classify(&self.both, pair);
        let lead = [b, a]
            .into_iter()
            .flatten()
            .find(|f| f.present())
            .or(a)
            .or(b)?;
        let spans_o = a.map(|f| self.spans(self.o, f, pair.original, &verdict));
        let spans_s = b.map(|f| self.spans(self.s, f, pair.second, &verdict));
        if let (What::Finding(_), Some(i), Some(j)) = (&lead.what, pair.original, pair.second)
            && let Some(category) = self.owned_category(i, j)
            && matches!(
                verdict.class,
                Class::Agree | Class::MoreDetail | Class::Size | Class::Certainty | Class::Severity
            )
        {
            verdict = category;
        }
        let finding = lead.finding().and_then(|id| self.lex.finding(id));
        let (importance, weight) = importance(&verdict, lead, finding);
        let variation = variation(&verdict, finding, lead);
        self.refine_rule(&mut verdict, a, b, weight, lead, finding);
        let (side, site) = (
            self.side(a, b, verdict.class),
            classify::common_site(self.lex, a, b, verdict.class),
        );
        let name = self.name(lead, a, b, &verdict);
        Some(Item {
            n: 0,
            kind: kind(lead, finding),
            class: verdict.class,
            critical: verdict.class.is_critical()
                && !minor(self.lex, &verdict, finding, lead, [a, b]),
            sentence: sentence(&verdict, &name, site.as_deref()),
            finding: name,
            site,
            side,
            polarity: if a.or(b).is_some_and(Frame::present) || verdict.class == Class::Contradicted
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
            variation_note: variation.then(|| note(finding)).flatten(),
            needs_reader_check: matches!((a, b), (Some(a), Some(b)) if classify::unsure(self.lex, a, b)),
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
        let same = x.1.starts_with(&y.1) || y.1.starts_with(&x.1);
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

    fn refine_rule(
        &self,
        verdict: &mut Verdict,
        a: Option<&Frame>,
        b: Option<&Frame>,
        weight: u8,
        lead: &Frame,
        finding: Option<&Finding>,
    ) {
        let malignant = finding.is_some_and(|f| f.malignant);
        if verdict.class == Class::OnlySecond
            && lead.present()
            && lead.certainty >= 4
            && !lead.historical
            && lead.acute != Some(false)
            && (weight >= 3 || malignant)
            && finding.is_some_and(|f| !f.device)
        {
            verdict.rule = "only-second-serious";
        }
        if verdict.class == Class::Size
            && weight >= 2
            && let (Some(x), Some(y)) = (a.and_then(Frame::size), b.and_then(Frame::size))
        {
            let ratio = x.max(y) / x.min(y).max(0.1);
            let vessel =
                finding.is_some_and(|f| f.id == "aneurysm") && x.max(y) >= 50.0 && x.min(y) < 55.0;
            if ratio >= 1.5
                && x.max(y) >= 10.0
                && finding.is_some_and(|f| {
                    f.id.contains("nodule")
                        || f.id.contains("lesion")
                        || f.id.contains("mass")
                        || f.dx
                })
                || vessel
            {
                verdict.rule = "size-large";
            }
        }
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
        stated
            .or(x)
            .or(y)
            .or(self.exam.side)
            .map(|s: Side| s.name().to_string())
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
        What::Finding(_) => ItemKind::Finding,
    }
}

fn importance(verdict: &Verdict, lead: &Frame, finding: Option<&Finding>) -> (Importance, u8) {
    let weight = match (&lead.what, finding) {
        (What::Category(_), _) => 3,
        (_, Some(f)) => f.weight,
        _ => 1,
    };
    let scale = match verdict.class {
        Class::Agree | Class::MoreDetail => Importance::None,
        Class::Contradicted | Class::OnlyOriginal | Class::OnlySecond => {
            if weight >= 2 {
                Importance::ImportantDetection
            } else {
                Importance::UnimportantDetection
            }
        }
        Class::Laterality | Class::Location => {
            if weight >= 1 {
                Importance::ImportantInterpretation
            } else {
                Importance::UnimportantInterpretation
            }
        }
        Class::Interpretation => {
            if weight >= 1 {
                Importance::ImportantInterpretation
            } else {
                Importance::UnimportantInterpretation
            }
        }
        _ => {
            if weight >= 3 {
                Importance::ImportantInterpretation
            } else {
                Importance::UnimportantInterpretation
            }
        }
    };
    (scale, weight)
}

/// A mild, common change that the other report only leaves out in a normal statement: "discs normal", "small annular
/// fissure". It differs, and nothing is done about it.
fn minor(
    lex: &Lexicon,
    verdict: &Verdict,
    finding: Option<&Finding>,
    lead: &Frame,
    both: [Option<&Frame>; 2],
) -> bool {
    let common = finding.is_some_and(|f| f.weight <= 1 && !f.var.is_empty() && !f.malignant);
    let mild = lead.severity.is_none_or(|(_, most)| most <= 1) && lead.grade.is_none();
    let named = both.into_iter().flatten().any(|f| {
        f.denied
            && f.finding()
                .zip(lead.finding())
                .is_some_and(|(d, l)| d == l || lex.is_kind(l, d))
    });
    verdict.class == Class::Contradicted && common && mild && !named
}

/// Whether a narrowing is graded mild: the only one that is folded when one reader alone names it.
fn only_mild(lead: &Frame) -> bool {
    lead.severity.is_some_and(|(_, most)| most <= 1)
}

fn variation(verdict: &Verdict, finding: Option<&Finding>, lead: &Frame) -> bool {
    let common = finding.is_some_and(|f| !f.var.is_empty());
    let trivial = finding.is_some_and(|f| f.weight == 0);
    match verdict.class {
        Class::OnlyOriginal | Class::OnlySecond => {
            let narrowing = finding.is_some_and(|f| f.weight >= 2 && !f.var.is_empty());
            !lead.present() || trivial || common && (!narrowing || only_mild(lead))
        }
        Class::Severity => {
            common && verdict.rule == "grade" && !verdict.what_differs.contains("severe")
        }
        Class::MoreDetail => common,
        _ => false,
    }
}

/// What is known about how often readers agree on this kind of finding.
fn note(finding: Option<&Finding>) -> Option<String> {
    let text = match finding?.var.as_str() {
        "stenosis" => {
            "Readers often differ by a grade on the spinal canal (kappa 0.54 in a study of 50 lumbar examinations)."
        }
        "foramen" => {
            "Readers often differ by a grade on the nerve exits (kappa 0.53 in a study of 50 lumbar examinations)."
        }
        "recess" => {
            "Readers rarely agree on the lateral recess (kappa 0.08 in a study of 50 lumbar examinations)."
        }
        "facet" => {
            "Readers rarely agree on facet joint wear (kappa 0.18 in a study of 50 lumbar examinations)."
        }
        "incidental" => {
            "Incidental findings are often named by one reader only (kappa 0.59 in a double-blind head CT study)."
        }
        "disc" | "degeneration" => {
            "Wear is often named by one reader only: 33 % of findings stood in one of ten reports on the same spine."
        }
        _ => return None,
    };
    Some(text.to_string())
}

fn sentence(verdict: &Verdict, name: &str, site: Option<&str>) -> String {
    let mut name = name.replace('_', " ");
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
