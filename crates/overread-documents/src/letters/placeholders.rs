//! Fills `{{fact}}` into a template's text. What a fact holds is never read as a template again.

/// What a template's text became.
///
/// It holds what the facts say, so it has no `Debug`.
#[derive(Default)]
pub(crate) struct Filled {
    pub(crate) text: String,
    /// Facts that were named outside `[[…]]` and are missing.
    pub(crate) missing: Vec<String>,
}

/// Fills a text. `[[…]]` is left out when a fact inside is missing; `{{fact|sentence}}` shapes the words.
pub(crate) fn fill(template: &str, fact: &dyn Fn(&str) -> Option<String>) -> Filled {
    fill_marking(template, fact, &|_| String::new())
}

/// Fills a text, and writes what `gap` says where a fact is missing outside `[[…]]`.
pub(super) fn fill_marking(
    template: &str,
    fact: &dyn Fn(&str) -> Option<String>,
    gap: &dyn Fn(&str) -> String,
) -> Filled {
    let mut filled = Filled::default();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("[[") {
        plain(before, fact, gap, &mut filled);
        let (inside, tail) = after.split_once("]]").unwrap_or((after, ""));
        let mut part = Filled::default();
        plain(inside, fact, gap, &mut part);
        if part.missing.is_empty() {
            filled.text.push_str(&part.text);
        }
        rest = tail;
    }
    plain(rest, fact, gap, &mut filled);
    filled
}

fn plain(
    template: &str,
    fact: &dyn Fn(&str) -> Option<String>,
    gap: &dyn Fn(&str) -> String,
    filled: &mut Filled,
) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.text.push_str(before);
        let (name, tail) = after.split_once("}}").unwrap_or((after, ""));
        let (key, shape) = name.split_once('|').unwrap_or((name, ""));
        match fact(key) {
            Some(value) => filled.text.push_str(&shaped(&value, shape)),
            None => {
                filled.text.push_str(&gap(key));
                filled.missing.push(key.to_owned());
            }
        }
        rest = tail;
    }
    filled.text.push_str(rest);
}

fn shaped(value: &str, shape: &str) -> String {
    match shape {
        "sentence" => sentence(value),
        "capital" => capital(value),
        "clause" => value.trim_end_matches(['.', ';', ',', ':', ' ']).to_owned(),
        "inline" => value.replace("\n\n", "\n").replace('\n', ", "),
        _ => value.to_owned(),
    }
}

/// Returns the words with a capital at the start.
pub(super) fn capital(value: &str) -> String {
    let mut characters = value.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Returns the words with a capital at the start and an end mark at the end.
pub(super) fn sentence(value: &str) -> String {
    let mut out = capital(value);
    if out.is_empty() {
        return out;
    }
    let ended = out
        .trim_end_matches(['"', '\'', '”', '’', ')', '»'])
        .ends_with(['.', '!', '?', '…', ':', ';']);
    if !ended {
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{fill, sentence};

    fn check(template: &str, expect: &str, missing: &[&str]) {
        let fact = |key: &str| match key {
            "name" => Some("Ana {{dob}} [[x]]".to_owned()),
            "address" => Some("1 Main St\nSpringfield".to_owned()),
            "reason" => Some("the plan does not fit".to_owned()),
            _ => None,
        };
        let filled = fill(template, &fact);
        assert_eq!(filled.text, expect, "{template}");
        assert_eq!(filled.missing, missing, "{template}");
    }

    #[test]
    fn facts_are_filled_once() {
        check("I am {{name}}.", "I am Ana {{dob}} [[x]].", &[]);
        check(
            "Call[[ {{pcp}}]][[, {{name}}]].",
            "Call, Ana {{dob}} [[x]].",
            &[],
        );
        check("{{reason|sentence}}", "The plan does not fit.", &[]);
        check("to {{address|inline}}.", "to 1 Main St, Springfield.", &[]);
        check("born {{dob}}", "born ", &["dob"]);
        check("open [[ and {{", "open ", &[]);
    }

    #[test]
    fn sentences_end_once() {
        assert_eq!(sentence("is it stable?"), "Is it stable?");
        assert_eq!(sentence("él dijo «no.»"), "Él dijo «no.»");
        assert_eq!(sentence(""), "");
    }
}
