//! Native DICOM Model XML, read into the DICOM JSON model.

use std::collections::BTreeMap;

use overread_model::problem::ProblemKind;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};

use super::{COMPONENTS, GROUPS};
use crate::dictionary::{tag_of, vr_of};
use crate::limits::{MAX_VALUES, ParseLimits};
use crate::problem::DicomProblem;

/// What is open, from the data set inwards.
enum Open {
    /// The model or an item; the number of an item.
    DataSet(Map<String, Value>, usize),
    Attribute(Attribute),
    /// `Value` with its number, or `InlineBinary`.
    Text(Option<usize>, String),
    /// `PersonName` with its number.
    Name(usize, Map<String, Value>),
    /// One of the component groups.
    Group(&'static str, [String; 5]),
    /// One component of a group.
    Component(usize, String),
    /// `BulkData`, or what is not known: passed over.
    Other,
}

struct Attribute {
    tag: u32,
    vr: String,
    creator: Option<String>,
    values: BTreeMap<usize, Value>,
    /// `BulkDataURI` or `InlineBinary`.
    instead: Option<(&'static str, String)>,
}

/// Reads Native DICOM Model XML as a DICOM JSON object. Entities other than XML's own five are refused.
///
/// # Errors
/// It is no XML of this model, or larger than the limits allow.
pub fn read(xml: &[u8], limits: &ParseLimits) -> Result<Value, DicomProblem> {
    let text = std::str::from_utf8(xml).map_err(|_| broken("it is not UTF-8"))?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut model = Model {
        limits: *limits,
        open: Vec::new(),
        elements: 0,
        whole: None,
    };
    loop {
        let event = reader
            .read_event()
            .map_err(|_| broken("it is not well-formed"))?;
        match event {
            Event::Start(start) => model.start(&start)?,
            Event::Empty(start) => {
                model.start(&start)?;
                model.end()?;
            }
            Event::End(_) => model.end()?,
            Event::Text(text) => model.text(&text.xml10_content()),
            Event::CData(text) => model.text(&text.xml10_content()),
            Event::GeneralRef(name) => model.text(&resolved(&name)?),
            Event::DocType(_) => return Err(broken("a document type is not taken")),
            Event::Eof => break,
            _ => {}
        }
    }
    let whole = model.whole.filter(|_| model.open.is_empty());
    whole
        .map(Value::Object)
        .ok_or_else(|| broken("it holds no whole data set"))
}

fn broken(why: &str) -> DicomProblem {
    DicomProblem::new(
        ProblemKind::Unreadable,
        format!("the XML of a data set cannot be read: {why}"),
    )
}

fn resolved(name: &quick_xml::events::BytesRef<'_>) -> Result<String, DicomProblem> {
    let bad = || broken("it names an unknown entity");
    if let Some(letter) = name.resolve_char_ref().map_err(|_| bad())? {
        return Ok(letter.to_string());
    }
    let text = match &**name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => return Err(bad()),
    };
    Ok(text.to_owned())
}

struct Model {
    limits: ParseLimits,
    open: Vec<Open>,
    elements: usize,
    whole: Option<Map<String, Value>>,
}

impl Model {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), DicomProblem> {
        self.elements += 1;
        // A level of nesting is an attribute and an item; values stand inside those.
        if self.elements > self.limits.elements
            || self.open.len() > self.limits.depth_levels * 2 + 4
        {
            return Err(DicomProblem::new(
                ProblemKind::LimitExceeded,
                "the XML of a data set holds too many or too deep elements",
            ));
        }
        let name = start.local_name();
        let next = match (self.open.last_mut(), name.into_inner()) {
            (None, "NativeDicomModel") if self.whole.is_none() => Open::DataSet(Map::new(), 0),
            (None, _) => return Err(broken("it is no Native DICOM Model")),
            (Some(Open::DataSet(..)), "DicomAttribute") => Open::Attribute(attribute(start)?),
            (Some(Open::Attribute(of)), "Item") if of.vr == "SQ" => {
                Open::DataSet(Map::new(), number(start)?)
            }
            (Some(Open::Attribute(_)), "Value") => Open::Text(Some(number(start)?), String::new()),
            (Some(Open::Attribute(_)), "InlineBinary") => Open::Text(None, String::new()),
            (Some(Open::Attribute(_)), "PersonName") => Open::Name(number(start)?, Map::new()),
            (Some(Open::Attribute(of)), "BulkData") => {
                let uri = member(start, "uri")?.or(member(start, "uuid")?);
                of.instead = uri.map(|uri| ("BulkDataURI", uri));
                Open::Other
            }
            (Some(Open::Name(..)), name) => match GROUPS.iter().find(|group| **group == name) {
                Some(group) => Open::Group(group, Default::default()),
                None => Open::Other,
            },
            (Some(Open::Group(..)), name) => match COMPONENTS.iter().position(|one| *one == name) {
                Some(index) => Open::Component(index, String::new()),
                None => Open::Other,
            },
            _ => Open::Other,
        };
        self.open.push(next);
        Ok(())
    }

    fn text(&mut self, more: &str) {
        if let Some(Open::Text(_, text) | Open::Component(_, text)) = self.open.last_mut() {
            text.push_str(more);
        }
    }

    fn end(&mut self) -> Result<(), DicomProblem> {
        let closed = self.open.pop();
        match (self.open.last_mut(), closed) {
            (None, Some(Open::DataSet(members, _))) => self.whole = Some(members),
            (Some(Open::DataSet(members, _)), Some(Open::Attribute(closed))) => {
                let tag = placed(members, closed.tag, closed.creator.as_deref());
                let name = format!("{tag:08X}");
                if members.insert(name, element(closed)).is_some() {
                    return Err(broken("an attribute stands in it twice"));
                }
            }
            (Some(Open::Attribute(of)), Some(Open::DataSet(members, number))) => {
                of.values.insert(number, Value::Object(members));
            }
            (Some(Open::Attribute(of)), Some(Open::Text(Some(number), text))) => {
                let value = match text.is_empty() {
                    true => Value::Null,
                    false => scalar(&of.vr, text),
                };
                of.values.insert(number, value);
            }
            (Some(Open::Attribute(of)), Some(Open::Text(None, text))) => {
                let base64 = text.split_whitespace().collect();
                of.instead = Some(("InlineBinary", base64));
            }
            (Some(Open::Attribute(of)), Some(Open::Name(number, groups))) => {
                let value = match groups.is_empty() {
                    true => Value::Null,
                    false => Value::Object(groups),
                };
                of.values.insert(number, value);
            }
            (Some(Open::Name(_, groups)), Some(Open::Group(group, components))) => {
                let joined = components.join("^");
                let name = joined.trim_end_matches('^');
                if !name.is_empty() {
                    groups.insert(group.to_owned(), Value::from(name));
                }
            }
            (Some(Open::Group(_, components)), Some(Open::Component(index, text))) => {
                if let Some(component) = components.get_mut(index) {
                    *component = text;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn member(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, DicomProblem> {
    let bad = || broken("an attribute of an element is malformed");
    let Some(found) = start.try_get_attribute(name).map_err(|_| bad())? else {
        return Ok(None);
    };
    let value = found.normalized_value(XmlVersion::Explicit1_0);
    Ok(Some(value.map_err(|_| bad())?.into_owned()))
}

fn number(start: &BytesStart<'_>) -> Result<usize, DicomProblem> {
    let number = member(start, "number")?.and_then(|number| number.trim().parse().ok());
    number
        .filter(|number| (1..=MAX_VALUES).contains(number))
        .ok_or_else(|| broken("a value has no number"))
}

fn attribute(start: &BytesStart<'_>) -> Result<Attribute, DicomProblem> {
    let tag = member(start, "tag")?.and_then(|tag| tag_of(tag.trim()));
    let tag = tag.ok_or_else(|| broken("an element names no tag"))?;
    let vr = member(start, "vr")?.unwrap_or_else(|| vr_of(tag));
    Ok(Attribute {
        tag,
        vr,
        creator: member(start, "privateCreator")?,
        values: BTreeMap::new(),
        instead: None,
    })
}

/// Returns the tag of a private element in the block that its creator has, or is given here.
fn placed(members: &mut Map<String, Value>, tag: u32, creator: Option<&str>) -> u32 {
    let Some(creator) = creator.filter(|_| (tag >> 16) & 1 == 1 && tag & 0xFF00 == 0) else {
        return tag;
    };
    let group = tag & 0xFFFF_0000;
    let name = |block: u32| format!("{:08X}", group | block);
    let owner =
        |element: &Value| element.pointer("/Value/0").and_then(Value::as_str) == Some(creator);
    let mut blocks = 0x10..=0xFF_u32;
    if let Some(block) = blocks.find(|block| members.get(&name(*block)).is_some_and(owner)) {
        return tag | block << 8;
    }
    let free = (0x10..=0xFF_u32).find(|block| !members.contains_key(&name(*block)));
    let Some(block) = free else { return tag };
    members.insert(name(block), json!({ "vr": "LO", "Value": [creator] }));
    tag | block << 8
}

fn scalar(vr: &str, text: String) -> Value {
    let is_number = matches!(vr, "FL" | "FD" | "SL" | "SS" | "UL" | "US" | "IS" | "DS");
    if is_number && let Ok(Value::Number(number)) = serde_json::from_str(text.trim()) {
        return Value::Number(number);
    }
    Value::String(text)
}

fn element(attribute: Attribute) -> Value {
    let mut out = Map::new();
    out.insert("vr".to_owned(), Value::from(attribute.vr));
    if let Some((name, value)) = attribute.instead {
        out.insert(name.to_owned(), Value::from(value));
    } else if let Some((last, _)) = attribute.values.last_key_value() {
        let mut values = vec![Value::Null; *last];
        for (number, value) in attribute.values {
            if let Some(place) = values.get_mut(number - 1) {
                *place = value;
            }
        }
        out.insert("Value".to_owned(), Value::Array(values));
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use serde_json::json;

    use super::read;
    use crate::limits::ParseLimits;

    fn model(inner: &str) -> String {
        format!("<?xml version=\"1.0\"?><NativeDicomModel>{inner}</NativeDicomModel>")
    }

    #[test]
    fn what_others_write_is_read() {
        let got = read(
            model(
                "\n <DicomAttribute keyword='Rows' tag='00280010' vr='US'>\n  <Value number='1'> 512 </Value>\n </DicomAttribute>\
                 <DicomAttribute tag='0020000d' vr='UI'><Value number='1'><![CDATA[1.2.3]]></Value></DicomAttribute>\
                 <DicomAttribute tag='00290002' vr='LO' privateCreator='A&amp;B'><Value number='2'>x</Value></DicomAttribute>",
            )
            .as_bytes(),
            &ParseLimits::default(),
        );
        let expect = json!({
            "00280010": {"vr": "US", "Value": [512]},
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00290010": {"vr": "LO", "Value": ["A&B"]},
            "00291002": {"vr": "LO", "Value": [null, "x"]},
        });
        assert_eq!(got.unwrap(), expect);
    }

    #[test]
    fn what_is_broken_or_hostile_is_refused() {
        let deep = "<DicomAttribute tag='00081140' vr='SQ'><Item number='1'>".repeat(500);
        for bad in [
            String::new(),
            "<a/>".to_owned(),
            "<NativeDicomModel>".to_owned(),
            model("<DicomAttribute vr='US'/>"),
            model("<DicomAttribute tag='00280010' vr='US'><Value>1</Value></DicomAttribute>"),
            model(
                "<DicomAttribute tag='00280010' vr='US'><Value number='4000000000'>1</Value></DicomAttribute>",
            ),
            model(
                "<DicomAttribute tag='00280010' vr='US'/><DicomAttribute tag='00280010' vr='US'/>",
            ),
            model(
                "<DicomAttribute tag='00104000' vr='LT'><Value number='1'>&bomb;</Value></DicomAttribute>",
            ),
            format!("<!DOCTYPE a [<!ENTITY bomb \"x\">]>{}", model("")),
            model(&deep),
        ] {
            assert!(
                read(bad.as_bytes(), &ParseLimits::default()).is_err(),
                "{bad:.80}"
            );
        }
    }
}
