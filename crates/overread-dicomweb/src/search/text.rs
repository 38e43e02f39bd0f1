//! The text of search results: one JSON array, or one part of Native DICOM Model each (PS3.18 10.6.4).

use axum::http::HeaderValue;
use bytes::Bytes;
use serde_json::Value;

use crate::accept::{Form, JSON, XML};
use crate::caller::Caller;
use crate::compression::Written;
use crate::multipart::Boundary;
use crate::refusal::Answer;
use crate::results::Found;

/// Results that are being written.
pub(super) struct Text<'a> {
    caller: &'a Caller,
    /// Of parts of XML.
    boundary: Option<Boundary>,
    content_type: HeaderValue,
    written: Written,
    length_bytes: u64,
}

impl<'a> Text<'a> {
    pub(super) fn new(form: Form, caller: &'a Caller, written: Written) -> Answer<Self> {
        let (boundary, content_type) = match form {
            Form::Json => (None, HeaderValue::from_static(JSON)),
            Form::Xml => {
                let boundary = Boundary::new()?;
                let content_type = boundary.content_type(XML)?;
                (Some(boundary), content_type)
            }
        };
        Ok(Self {
            caller,
            boundary,
            content_type,
            written,
            length_bytes: 0,
        })
    }

    fn push(&mut self, text: &[u8]) {
        self.length_bytes += text.len() as u64;
        self.written.add(text);
    }

    pub(super) fn add(&mut self, found: &Found) {
        let is_first = self.length_bytes == 0;
        let Some(boundary) = &self.boundary else {
            let mut object = vec![if is_first { b'[' } else { b',' }];
            found.write(&mut object);
            return self.push(&object);
        };
        let json = found.to_json();
        let place = json.pointer("/00081190/Value/0").and_then(Value::as_str);
        let place = place.unwrap_or_else(|| self.caller.address.root());
        let xml = overread_dicom::xml::write(&json);
        let opening = boundary.opening(is_first, XML, place, xml.len() as u64);
        self.push(&opening);
        self.push(&xml);
    }

    /// Ends it; returns its type, its length as it was written, and what goes out.
    pub(super) fn ended(mut self) -> (HeaderValue, u64, Bytes) {
        match &self.boundary {
            Some(boundary) => {
                let closing = boundary.closing();
                self.push(&closing);
            }
            None => self.push(b"]"),
        }
        (
            self.content_type,
            self.length_bytes,
            self.written.finished(),
        )
    }
}
