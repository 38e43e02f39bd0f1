//! A letter as a fragment of a page, everything escaped.

use super::{Block, Letter};
use crate::cleaning::html as escape;

pub(super) fn render(letter: &Letter) -> String {
    let mut out = format!(
        "<article class=\"letter letter-{}\" lang=\"{}\">",
        escape(&letter.kind.replace('_', "-")),
        letter.language
    );
    let contact = letter.sender_contact.iter();
    let contact = contact.map(|(label, value)| format!("{label}: {value}"));
    let sender: Vec<String> = letter.sender.iter().cloned().chain(contact).collect();
    lines(&mut out, "letter-sender", &sender);
    element(&mut out, "p", "letter-date", &letter.date);
    lines(&mut out, "letter-recipient", &letter.recipient);
    element(&mut out, "h2", "letter-subject", &letter.subject);
    element(&mut out, "p", "letter-salutation", &letter.salutation);
    for part in &letter.blocks {
        block(&mut out, part);
    }
    element(&mut out, "p", "letter-closing", &letter.closing);
    lines(&mut out, "letter-signature", &letter.signature);
    if !letter.enclosures.is_empty() {
        out.push_str("<section class=\"letter-enclosures\">");
        element(&mut out, "h3", "letter-label", &letter.enclosures_label);
        items(&mut out, &letter.enclosures, false);
        out.push_str("</section>");
    }
    out.push_str("</article>");
    out
}

fn element(out: &mut String, tag: &str, class: &str, text: &str) {
    if !text.is_empty() {
        out.push_str(&format!(
            "<{tag} class=\"{class}\">{}</{tag}>",
            escape(text)
        ));
    }
}

fn lines(out: &mut String, class: &str, lines: &[String]) {
    let shown: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    if !shown.is_empty() {
        out.push_str(&format!("<p class=\"{class}\">{}</p>", shown.join("<br>")));
    }
}

fn items(out: &mut String, items: &[String], numbered: bool) {
    if items.is_empty() {
        return;
    }
    let tag = if numbered { "ol" } else { "ul" };
    out.push_str(&format!("<{tag}>"));
    for item in items {
        out.push_str(&format!("<li>{}</li>", escape(item)));
    }
    out.push_str(&format!("</{tag}>"));
}

fn block(out: &mut String, block: &Block) {
    let class = if block.quote {
        "letter-block letter-quote"
    } else {
        "letter-block"
    };
    out.push_str(&format!("<div class=\"{class}\">"));
    let mut label = block
        .label
        .as_ref()
        .map(|label| format!("<strong class=\"letter-label\">{}</strong> ", escape(label)));
    for paragraph in &block.paragraphs {
        let start = label.take().unwrap_or_default();
        out.push_str(&format!("<p>{start}{}</p>", escape(paragraph)));
    }
    if let Some(label) = label {
        out.push_str(&format!("<p>{}</p>", label.trim_end()));
    }
    items(out, &block.items, block.numbered);
    if let Some(sign) = &block.signature {
        out.push_str(&format!(
            "<dl class=\"letter-sign\"><dt>{}</dt><dd></dd><dt>{}</dt><dd></dd><dt>{}</dt><dd>{}</dd></dl>",
            escape(&sign.sign),
            escape(&sign.date),
            escape(&sign.name_label),
            escape(&sign.name)
        ));
    }
    out.push_str("</div>");
}
