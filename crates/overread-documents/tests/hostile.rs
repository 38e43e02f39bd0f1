//! Typed text stays text, whatever it looks like.

use overread_documents::letters::{Letter, compose};
use overread_model::letter::{Language, Requester};

use crate::worlds::{CATALOG, facts, kind, today};

pub(crate) const NASTY: [&str; 8] = [
    "#let x = read(\"/etc/passwd\"); #x",
    "\\u{202E} \\ #eval(\"1\") *bold* _it_ $x^2$ <label> @ref `raw` // gone /* gone */",
    "{{sender.phone}} [[inside]] }} ]]",
    "<script>alert('x')</script><img src=x onerror=\"y\">",
    "'; drop table letter; -- \" & &amp;",
    "= Heading\u{0}\u{1B}[31m\u{7}",
    "שלום עולם",
    "~!@#$%^&*()_+-=[]{}|;:,.<>/?",
];

pub(crate) fn letter_with(text: &str) -> Letter {
    let mut facts = facts("second_opinion_request", Requester::Patient);
    for key in [
        "patient.name",
        "symptoms",
        "reason",
        "question",
        "exam.name",
        "exam.facility",
        "recipient.name",
        "sender.name",
    ] {
        facts.set(&CATALOG, key, text).unwrap();
    }
    facts
        .set(&CATALOG, "enclosures", &format!("{text} images report"))
        .unwrap();
    compose(
        &CATALOG,
        kind("second_opinion_request"),
        &facts,
        Language::En,
        today(),
    )
    .unwrap()
}

#[test]
fn plain_text_shows_what_was_typed() {
    for text in NASTY {
        let visible: String = text.chars().filter(|c| !c.is_control()).collect();
        assert!(
            letter_with(text).to_text().contains(visible.trim()),
            "{text}"
        );
    }
}

#[test]
fn a_page_shows_what_was_typed() {
    for text in NASTY {
        let html = letter_with(text).to_html_fragment();
        assert!(
            !html.contains("<script") && !html.contains("<img") && !html.contains("onerror=\"y"),
            "{html}"
        );
        let tags = html.matches('<').count();
        assert_eq!(tags, html.matches('>').count());
        for tag in html.split('<').skip(1) {
            let name: String = tag
                .trim_start_matches('/')
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            assert!(
                [
                    "article", "p", "h2", "h3", "div", "strong", "br", "ul", "ol", "li", "section"
                ]
                .contains(&name.as_str()),
                "{name}"
            );
        }
    }
}

#[test]
fn turning_marks_do_not_turn_a_sentence() {
    let text = letter_with("Ana \u{202E}zepóL\u{2066}").to_text();
    assert!(text.contains("Ana zepóL") && !text.contains('\u{202E}') && !text.contains('\u{2066}'));
}

#[test]
fn a_ten_kilobyte_name_is_refused_in_words() {
    let mut facts = facts("second_opinion_request", Requester::Patient);
    let problem = facts
        .set(&CATALOG, "patient.name", &"x".repeat(10_240))
        .unwrap_err();
    assert_eq!(
        problem.message(Language::En),
        "Patient name is too long: at most 500 characters."
    );
    assert_eq!(
        problem.message(Language::Es),
        "Nombre del paciente: demasiado largo, como máximo 500 caracteres."
    );
}
