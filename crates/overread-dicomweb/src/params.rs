//! Query parameters: `&`-separated, percent-encoded, each attribute at most once.

use overread_dicom::dictionary::tag_of;

use crate::limits::{LIST_VALUES, NAMED_CHARACTERS, QUERY_BYTES, QUERY_PARAMETERS, SEARCH_RESULTS};
use crate::refusal::{Answer, Refusal};

/// What a search asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Attributes to match: the path of tags and the value, decoded.
    pub(crate) matches: Vec<(Vec<u32>, String)>,
    /// Attributes to return besides the usual ones.
    pub(crate) include: Include,
    pub(crate) limit: Option<u32>,
    pub(crate) offset: u32,
    pub(crate) is_fuzzy: bool,
    /// Parameters that were asked for and are not supported, for the Warning header.
    pub(crate) unsupported: Vec<&'static str>,
}

/// What `includefield` asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing more.
    #[default]
    Usual,
    /// Everything there is at this level.
    All,
    /// These.
    Tags(Vec<u32>),
}

/// Decodes `%41` and `+`; what is malformed stays as it is.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let pair = bytes
            .get(index + 1..index + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (byte, pair) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                index += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(*byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Query {
    /// Reads a query string.
    ///
    /// # Errors
    /// 400 for an unknown name, a repeated attribute, a number that is none (PS3.18 8.3.4, 10.6.3.1).
    pub(crate) fn parse(text: &str) -> Answer<Self> {
        if text.len() > QUERY_BYTES {
            return Err(Refusal::bad_request("the query is too long"));
        }
        let mut query = Self::default();
        for pair in text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .take(QUERY_PARAMETERS)
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.read(&percent_decoded(name), &percent_decoded(value))?;
        }
        Ok(query)
    }

    fn read(&mut self, name: &str, value: &str) -> Answer<()> {
        let is_true = || match value {
            "true" => Ok(true),
            "false" | "" => Ok(false),
            _ => Err(Refusal::bad_request(format!(
                "{name} must be true or false"
            ))),
        };
        match name {
            "limit" => self.limit = Some(number(name, value)?.min(SEARCH_RESULTS)),
            "offset" => self.offset = number(name, value)?,
            "fuzzymatching" => self.is_fuzzy = is_true()?,
            "emptyvaluematching" if is_true()? => self.unsupported.push("emptyvaluematching"),
            "multiplevaluematching" if is_true()? => self.unsupported.push("multiplevaluematching"),
            "emptyvaluematching" | "multiplevaluematching" | "accept" | "charset" => {}
            "includefield" => self.add_fields(value)?,
            _ => self.add_match(name, value)?,
        }
        Ok(())
    }

    fn add_fields(&mut self, value: &str) -> Answer<()> {
        for name in value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .take(LIST_VALUES)
        {
            let next = (name != "all").then(|| tag_path(name)).transpose()?;
            let next = next.and_then(|path| path.first().copied());
            match (&mut self.include, next) {
                (include @ Include::Usual, None) => *include = Include::All,
                (include @ Include::Usual, Some(tag)) => *include = Include::Tags(vec![tag]),
                (Include::Tags(tags), Some(tag)) => tags.push(tag),
                // PS3.18 8.3.4.3: all, or a list.
                (Include::All, Some(_)) | (Include::Tags(_), None) => {
                    return Err(Refusal::bad_request(
                        "includefield is either all or a list of attributes",
                    ));
                }
                (Include::All, None) => {}
            }
        }
        Ok(())
    }

    fn add_match(&mut self, name: &str, value: &str) -> Answer<()> {
        let path = tag_path(name)?;
        if self.matches.iter().any(|(known, _)| *known == path) {
            return Err(Refusal::bad_request("an attribute may be named only once"));
        }
        self.matches.push((path, value.to_owned()));
        Ok(())
    }
}

fn number(name: &str, value: &str) -> Answer<u32> {
    value
        .trim()
        .parse()
        .map_err(|_| Refusal::bad_request(format!("{name} must be a whole number, 0 or more")))
}

/// Reads `00101002.00100020` or `OtherPatientIDsSequence.PatientID`.
fn tag_path(name: &str) -> Answer<Vec<u32>> {
    let path: Option<Vec<u32>> = name.split('.').map(tag_of).collect();
    path.filter(|path| path.len() <= 8).ok_or_else(|| {
        let name: String = name.chars().take(NAMED_CHARACTERS).collect();
        Refusal::bad_request(format!("{name} names no known attribute"))
    })
}

/// Splits a list of UIDs or codes: commas (also when they came as `%2C`) or backslashes.
pub(crate) fn list_of(value: &str) -> Vec<String> {
    value
        .split([',', '\\'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .take(LIST_VALUES)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Include, Query, list_of, percent_decoded};

    fn status(text: &str) -> u16 {
        Query::parse(text).map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
    }

    #[test]
    fn names_are_keywords_or_tags_q13_q15_q21() {
        let query =
            Query::parse("PatientName=*D%C3%B6*&00100020=A&0020000d=1%2C2&limit=5&offset=2")
                .expect("reads");
        assert_eq!(query.matches.len(), 3);
        assert_eq!(query.matches[0], (vec![0x0010_0010], "*Dö*".to_owned()));
        assert_eq!((query.limit, query.offset), (Some(5), 2));
        assert_eq!(
            Query::parse("00101002.00100020=X").expect("reads").matches[0]
                .0
                .len(),
            2
        );
        for bad in [
            "PatientName=a&00100010=b",
            "Nonsense=1",
            "limit=-1",
            "offset=x",
            "fuzzymatching=maybe",
        ] {
            assert_eq!(status(bad), 400, "{bad}");
        }
    }

    #[test]
    fn includefield_is_all_or_a_list_q17() {
        let list =
            Query::parse("includefield=00081030%2C00080060&includefield=00080090").expect("reads");
        assert_eq!(
            list.include,
            Include::Tags(vec![0x0008_1030, 0x0008_0060, 0x0008_0090])
        );
        assert_eq!(
            Query::parse("includefield=all").expect("reads").include,
            Include::All
        );
        assert_eq!(status("includefield=all,00081030"), 400);
        assert_eq!(status("includefield=00081030&includefield=all"), 400);
    }

    #[test]
    fn encoding_is_undone() {
        assert_eq!(percent_decoded("a%2Cb+c%zz%4"), "a,b c%zz%4");
        assert_eq!(list_of("1.2, 1.3\\1.4,"), ["1.2", "1.3", "1.4"]);
    }
}
