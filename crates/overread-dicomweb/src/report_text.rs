//! What is no image, for people's eyes: a structured report as a tree of its content, an enclosed PDF as it is.

use axum::http::{HeaderValue, header};
use bytes::Bytes;
use overread_dicom::{Header, Item, ParseLimits};
use overread_store::studies::StoredInstance;

use crate::accept::Accept;
use crate::frames::table_of;
use crate::limits::{REPORT_ITEMS, REPORT_LEVELS, REPORT_TEXT_BYTES};
use crate::multipart::{answer as whole, body_of};
use crate::picture::start_of;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

const PATIENT_NAME: u32 = 0x0010_0010;
const PATIENT_ID: u32 = 0x0010_0020;
const CODE_MEANING: u32 = 0x0008_0104;
const CODE_VALUE: u32 = 0x0008_0100;
const MEASUREMENT_UNITS_CODE_SEQUENCE: u32 = 0x0040_08EA;
const VALUE_TYPE: u32 = 0x0040_A040;
const CONCEPT_NAME_CODE_SEQUENCE: u32 = 0x0040_A043;
const CONCEPT_CODE_SEQUENCE: u32 = 0x0040_A168;
const MEASURED_VALUE_SEQUENCE: u32 = 0x0040_A300;
const NUMERIC_VALUE: u32 = 0x0040_A30A;
const COMPLETION_FLAG: u32 = 0x0040_A491;
const VERIFICATION_FLAG: u32 = 0x0040_A493;
const PRELIMINARY_FLAG: u32 = 0x0040_A496;
const CONTENT_SEQUENCE: u32 = 0x0040_A730;
const ENCAPSULATED_DOCUMENT: u32 = 0x0042_0011;
const MIME_TYPE_OF_ENCAPSULATED_DOCUMENT: u32 = 0x0042_0012;

/// One line of a report: how deep it stands, what it is, and what it says.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    level: usize,
    name: String,
    text: String,
}

/// Answers with a report or document in the form that is asked.
pub(crate) async fn answer(
    state: &DicomWebState,
    found: &StoredInstance,
    accept: &Accept,
) -> Answer {
    let table = table_of(found)?;
    let start = start_of(state, found, &table).await?;
    let header = Header::read(&start, &ParseLimits::default())
        .map_err(|problem| Refusal::not_acceptable(problem.message))?;
    accept.refuse_mixed()?;
    if header.has(None, ENCAPSULATED_DOCUMENT) {
        return document(&header, accept);
    }
    let lines = lines(&header).ok_or_else(|| {
        Refusal::not_acceptable(
            "the instance holds neither an image nor a report that can be shown",
        )
    })?;
    let forms = ["text/html", "text/plain"];
    let taken = accept
        .0
        .iter()
        .find_map(|range| forms.into_iter().find(|form| range.takes_single(form)));
    match taken {
        Some("text/html") => Ok(sent(html(&lines).into(), "text/html; charset=utf-8")),
        Some(_) => Ok(sent(plain(&lines).into(), "text/plain; charset=utf-8")),
        None => Err(Refusal::not_acceptable(
            "the instance is a report: it is offered as text/html and text/plain",
        )),
    }
}

fn sent(bytes: Bytes, content_type: &'static str) -> axum::response::Response {
    let (body, length) = body_of(vec![bytes]);
    whole(body, HeaderValue::from_static(content_type), length)
}

fn document(header: &Header<'_>, accept: &Accept) -> Answer {
    let stated = header.text(None, MIME_TYPE_OF_ENCAPSULATED_DOCUMENT);
    let is_pdf = stated.as_deref() == Some("application/pdf");
    let is_taken = accept
        .0
        .iter()
        .any(|range| range.takes_single("application/pdf"));
    let value = header.value(None, ENCAPSULATED_DOCUMENT);
    let Some(value) = value.filter(|_| is_pdf && is_taken) else {
        return Err(Refusal::not_acceptable(
            "the instance holds a document; a PDF is offered as application/pdf, others as bulk data",
        ));
    };
    let mut response = sent(value.bytes.into(), "application/pdf");
    // A document that came with images may be hostile: it is saved, never shown in our name.
    response.headers_mut().insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment"),
    );
    Ok(response)
}

/// Reads a report's content (PS3.3 C.17.3); `None` when there is none.
fn lines(header: &Header<'_>) -> Option<Vec<Line>> {
    header.has(None, CONTENT_SEQUENCE).then_some(())?;
    let mut reading = Reading {
        header,
        lines: Vec::new(),
        left_bytes: REPORT_TEXT_BYTES,
    };
    let title = reading.meaning(None, CONCEPT_NAME_CODE_SEQUENCE);
    reading.add(
        0,
        title.unwrap_or_else(|| "Report".to_owned()),
        String::new(),
    );
    for (name, tag) in [("Patient", PATIENT_NAME), ("Patient ID", PATIENT_ID)] {
        let text = header.text(None, tag).unwrap_or_default();
        reading.add(1, name.to_owned(), text);
    }
    let flags = [PRELIMINARY_FLAG, COMPLETION_FLAG, VERIFICATION_FLAG];
    let flags: Vec<String> = flags
        .into_iter()
        .filter_map(|tag| header.text(None, tag))
        .collect();
    reading.add(1, "Status".to_owned(), flags.join(", "));
    reading.children(None, 1);
    Some(reading.lines)
}

struct Reading<'a> {
    header: &'a Header<'a>,
    lines: Vec<Line>,
    left_bytes: usize,
}

impl Reading<'_> {
    fn add(&mut self, level: usize, name: String, text: String) {
        self.left_bytes = self.left_bytes.saturating_sub(name.len() + text.len());
        self.lines.push(Line { level, name, text });
    }

    fn meaning(&self, place: Option<Item>, sequence: u32) -> Option<String> {
        let code = Some(self.header.item(place, sequence, 0)?);
        let meaning = self.header.text(code, CODE_MEANING);
        meaning.or_else(|| self.header.text(code, CODE_VALUE))
    }

    fn children(&mut self, parent: Option<Item>, level: usize) {
        let items = self
            .header
            .items(parent, CONTENT_SEQUENCE, REPORT_ITEMS + 1);
        for item in items {
            let is_full =
                self.lines.len() >= REPORT_ITEMS || self.left_bytes == 0 || level > REPORT_LEVELS;
            if is_full {
                // Said once, at the place: a report that merely stops would reassure.
                let is_said = self.lines.last().is_some_and(|line| line.name == CUT_OFF);
                if !is_said {
                    self.lines.push(Line {
                        level,
                        name: CUT_OFF.to_owned(),
                        text: String::new(),
                    });
                }
                return;
            }
            let name = self.meaning(Some(item), CONCEPT_NAME_CODE_SEQUENCE);
            let text = self.value(item);
            self.add(level, name.unwrap_or_default(), text);
            self.children(Some(item), level + 1);
        }
    }

    /// Returns what a content item says (PS3.3 C.17.3.2.1).
    fn value(&self, item: Item) -> String {
        let place = Some(item);
        let raw = |tag| self.header.raw_text(place, tag).unwrap_or_default();
        let value_type = self.header.text(place, VALUE_TYPE).unwrap_or_default();
        let text = match value_type.as_str() {
            "TEXT" => raw(0x0040_A160),
            "DATETIME" => raw(0x0040_A120),
            "DATE" => raw(0x0040_A121),
            "TIME" => raw(0x0040_A122),
            "PNAME" => raw(0x0040_A123),
            "UIDREF" => raw(0x0040_A124),
            "CODE" => self
                .meaning(place, CONCEPT_CODE_SEQUENCE)
                .unwrap_or_default(),
            "NUM" => self.measurement(place),
            "CONTAINER" | "" => String::new(),
            other => format!("({other}, not shown here)"),
        };
        text.trim_matches([' ', '\0', '\r', '\n']).to_owned()
    }

    fn measurement(&self, place: Option<Item>) -> String {
        let Some(measured) = self.header.item(place, MEASURED_VALUE_SEQUENCE, 0) else {
            return "(no value)".to_owned();
        };
        let number = self.header.text(Some(measured), NUMERIC_VALUE);
        let number = number.unwrap_or_else(|| "(no value)".to_owned());
        let units = self
            .header
            .item(Some(measured), MEASUREMENT_UNITS_CODE_SEQUENCE, 0);
        let unit = units.and_then(|units| self.header.text(Some(units), CODE_VALUE));
        format!("{number} {}", unit.unwrap_or_default())
            .trim_end()
            .to_owned()
    }
}

const CUT_OFF: &str = "The report goes on; it is too long to be shown here.";

fn plain(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        let indent = "  ".repeat(line.level);
        let text = line
            .text
            .replace("\r\n", "\n")
            .replace('\n', &format!("\n{indent}  "));
        let between = if line.name.is_empty() || text.is_empty() {
            ""
        } else {
            ": "
        };
        out.push_str(&format!("{indent}{}{between}{text}\n", line.name));
    }
    out
}

fn html(lines: &[Line]) -> String {
    let title = lines
        .first()
        .map(|line| escaped(&line.name))
        .unwrap_or_default();
    let mut out = format!(
        "<!doctype html><html lang=\"\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><h1>{title}</h1>"
    );
    let mut level = 0;
    for line in lines.iter().skip(1) {
        while level < line.level {
            out.push_str("<ul>");
            level += 1;
        }
        while level > line.level {
            out.push_str("</ul>");
            level -= 1;
        }
        let text = escaped(&line.text).replace('\n', "<br>");
        let between = if line.name.is_empty() || text.is_empty() {
            ""
        } else {
            ": "
        };
        out.push_str(&format!(
            "<li><b>{}</b>{between}{text}</li>",
            escaped(&line.name)
        ));
    }
    out.push_str(&"</ul>".repeat(level));
    out.push_str("</body></html>");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Line, html, plain};

    fn line(level: usize, name: &str, text: &str) -> Line {
        Line {
            level,
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn reports_are_escaped_trees() {
        let lines = [
            line(0, "MR <Spine>", ""),
            line(1, "Findings", ""),
            line(2, "", "<script>1</script>\nno \"fracture\""),
            line(1, "Size", "4 mm"),
        ];
        assert_eq!(
            plain(&lines),
            "MR <Spine>\n  Findings\n    <script>1</script>\n      no \"fracture\"\n  Size: 4 mm\n"
        );
        let html = html(&lines);
        assert!(html.contains("&lt;script&gt;1&lt;/script&gt;<br>no &quot;fracture&quot;"));
        assert!(!html.contains("<script") && !html.contains("<Spine"));
        assert_eq!(html.matches("<ul>").count(), html.matches("</ul>").count());
    }
}
