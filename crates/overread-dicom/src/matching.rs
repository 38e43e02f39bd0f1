//! Matching of attributes as queries ask for it.

use serde_json::Value;

use crate::dictionary::vr_of;

/// Says whether a DICOM JSON object has a value at a path of tags that a pattern matches (PS3.4 C.2.2.2).
pub fn matches_value(found: &Value, path: &[u32], pattern: &str) -> bool {
    if pattern.is_empty() || pattern.bytes().all(|byte| byte == b'*') {
        return true;
    }
    let Some((tag, rest)) = path.split_first() else {
        return false;
    };
    let values = found
        .get(format!("{tag:08X}"))
        .and_then(|element| element.get("Value"))
        .and_then(Value::as_array);
    let Some(values) = values else { return false };
    if !rest.is_empty() {
        return values.iter().any(|item| matches_value(item, rest, pattern));
    }
    let vr = vr_of(*tag);
    values.iter().any(|value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Object(groups) => {
                return groups
                    .values()
                    .filter_map(Value::as_str)
                    .any(|group| matches_pattern(&group.to_lowercase(), &pattern.to_lowercase()));
            }
            other => other.to_string(),
        };
        match vr.as_str() {
            "DA" | "TM" | "DT" => matches_range(&text, pattern),
            // No wildcards in UIDs and numbers; a list of UIDs matches any of them.
            "UI" => pattern
                .split(['\\', ','])
                .any(|uid| uid.trim_matches([' ', '\0']) == text),
            "IS" | "DS" | "US" | "SS" | "UL" | "SL" | "FL" | "FD" => {
                text.parse::<f64>().ok() == pattern.trim().parse::<f64>().ok()
            }
            _ => matches_pattern(&text, pattern),
        }
    })
}

/// Matches `a-b`, `a-`, `-b` and single values of dates and times, which may be cut short.
pub fn matches_range(text: &str, pattern: &str) -> bool {
    let pad = |text: &str, fill: char, width: usize| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        format!(
            "{digits}{}",
            fill.to_string().repeat(width.saturating_sub(digits.len()))
        )
    };
    let width = 20;
    let value = pad(text, '0', width);
    match pattern.split_once('-') {
        Some((from, to)) => {
            (from.is_empty() || pad(from, '0', width) <= value)
                && (to.is_empty() || value <= pad(to, '9', width))
        }
        None => pad(pattern, '0', width) <= value && value <= pad(pattern, '9', width),
    }
}

/// Matches `*` (any run) and `?` (any one character) without backtracking more than the text is long.
pub fn matches_pattern(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut of) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                retry = Some((of, at));
                of += 1;
            }
            Some(letter) if *letter == '?' || text.get(at) == Some(letter) => {
                at += 1;
                of += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    of = star + 1;
                    at = from + 1;
                    retry = Some((star, at));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(of..)
        .unwrap_or_default()
        .iter()
        .all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{matches_pattern, matches_range, matches_value};

    #[test]
    fn patterns_follow_dicom_q16() {
        for (text, pattern, expect) in [
            ("HEAD", "HEAD", true),
            ("HEAD", "H*", true),
            ("HEAD", "*A*", true),
            ("HEAD", "H?AD", true),
            ("HEAD", "H?D", false),
            ("HEAD", "*X*", false),
            ("aaaaaaaaab", "*a*a*a*c", false),
            ("", "*", true),
            ("", "?", false),
        ] {
            assert_eq!(matches_pattern(text, pattern), expect, "{text} {pattern}");
        }
    }

    #[test]
    fn ranges_may_be_cut_short() {
        assert!(matches_range("101500.000", "1015-1016"));
        assert!(matches_range("101500", "10"));
        assert!(!matches_range("110000", "-1059"));
        assert!(matches_range("20260302", "20260301-"));
    }

    #[test]
    fn values_in_sequences_are_found() {
        let found = json!({"00400275": {"vr": "SQ", "Value": [{"00401001": {"vr": "SH", "Value": ["RP1"]}}]}});
        assert!(matches_value(&found, &[0x0040_0275, 0x0040_1001], "RP*"));
        assert!(!matches_value(&found, &[0x0040_0275, 0x0040_0009], "RP*"));
        let name = json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}});
        assert!(matches_value(&name, &[0x0010_0010], "doe*"));
    }
}
