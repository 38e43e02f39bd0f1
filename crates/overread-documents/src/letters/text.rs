//! A letter as plain text.

use overread_model::letter::Frame;

use super::{Block, Letter};

pub(super) fn render(letter: &Letter) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut sender = letter.sender.join("\n");
    for (label, value) in &letter.sender_contact {
        sender.push_str(&format!("\n{label}: {value}"));
    }
    parts.push(sender);
    parts.push(letter.date.clone());
    parts.push(letter.recipient.join("\n"));
    parts.push(if letter.salutation.is_empty() {
        letter.subject.clone()
    } else {
        format!("{}: {}", letter.subject_label, letter.subject)
    });
    parts.push(letter.salutation.clone());
    let is_form = letter.frame == Frame::Form;
    for (index, part) in letter.blocks.iter().enumerate() {
        parts.push(match &part.label {
            // The sections of a form are numbered, and their names stand on a line of their own.
            Some(label) if is_form => {
                let bare = Block {
                    label: None,
                    ..part.clone()
                };
                format!("{}. {label}\n{}", index + 1, block(&bare))
            }
            _ => block(part),
        });
    }
    if !letter.closing.is_empty() {
        parts.push(letter.closing.clone());
    }
    parts.push(letter.signature.join("\n"));
    if !letter.enclosures.is_empty() {
        let items = letter.enclosures.iter().map(|item| format!("- {item}"));
        let items: Vec<String> = items.collect();
        parts.push(format!(
            "{}:\n{}",
            letter.enclosures_label,
            items.join("\n")
        ));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

fn block(block: &Block) -> String {
    let mut text = block.paragraphs.join("\n\n");
    if let Some(label) = &block.label {
        let separator = if text.is_empty() { "" } else { " " };
        text = format!("{label}{separator}{text}");
    }
    for (index, item) in block.items.iter().enumerate() {
        if !text.is_empty() {
            text.push('\n');
        }
        if block.numbered {
            text.push_str(&format!("{}. {item}", index + 1));
        } else {
            text.push_str(&format!("- {item}"));
        }
    }
    if let Some(lines) = &block.signature {
        text.push_str(&format!(
            "{}: ______________________________  {}: ______________\n{}: {}",
            lines.sign, lines.date, lines.name_label, lines.name
        ));
    }
    text
}
