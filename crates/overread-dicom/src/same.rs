//! Says whether two data sets are the same, however each is written in the uncompressed little endian syntaxes.
//!
//! Both are read side by side, a window at a time. What one of them leaves open (whether a private element is a sequence, of
//! which VR it is) the other may tell. Reading is strict, since a wrong "the same" loses a record: whatever does not follow the
//! standard to the byte is in doubt.

mod written;

pub use written::WrittenDataSet;
use written::{Element, Token, is_padding};

use crate::vr::{self, Vr};

/// What may stand behind a value to make its length even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// Spaces or zeros, which and how many is all the same.
    // PS3.5 table 6.2-1: trailing spaces of texts are padding; some writers leave out all but the last.
    Text,
    /// Zero.
    Bytes,
    /// Space or zero, but which of them counts.
    Unknown,
    /// Nothing: words are even.
    Words,
}

/// Compares two data sets: the same tags in the same order on every level, with the same values byte for byte.
///
/// These do not count: the transfer syntax, whether VRs are written or UN, whether sequences and items state their lengths,
/// group lengths, padding behind values, Data Set Trailing Padding. `None` when one of them cannot be read,
/// is damaged or passes a limit, so that nothing is proven.
pub fn is_same_data_set(
    mut one: WrittenDataSet<'_>,
    mut other: WrittenDataSet<'_>,
) -> Option<bool> {
    loop {
        match (one.next()?, other.next()?) {
            (Token::Element(of_one), Token::Element(of_other)) if of_one.tag == of_other.tag => {
                if of_one.is_sequence() || of_other.is_sequence() {
                    one.open_sequence(of_one)?;
                    other.open_sequence(of_other)?;
                } else if !is_same_value((&mut one, of_one), (&mut other, of_other))? {
                    return Some(false);
                }
            }
            (Token::Item, Token::Item) | (Token::End, Token::End) => {}
            (Token::EndOfDataSet, Token::EndOfDataSet) => return Some(true),
            _ => return Some(false),
        }
    }
}

type Side<'a, 'b> = (&'a mut WrittenDataSet<'b>, Element);

fn is_same_value((one, of_one): Side<'_, '_>, (other, of_other): Side<'_, '_>) -> Option<bool> {
    let Some(padding) = padding(of_one, of_other) else {
        return Some(false);
    };
    let (shorter, longer) = (
        of_one.length.min(of_other.length),
        of_one.length.max(of_other.length),
    );
    let padded = if padding == Padding::Text {
        shorter
    } else {
        longer
    };
    // The last word may hold padding; what stands before it may not differ.
    let body_bytes = padded.saturating_sub(1) & !1;
    if shorter < body_bytes || !is_same_run(one, other, u64::from(body_bytes))? {
        return Some(false);
    }
    let (mut end_of_one, mut end_of_other) = ([0; 2], [0; 2]);
    let end_of_one = one.end_of_value(of_one.length - body_bytes, &mut end_of_one)?;
    let end_of_other = other.end_of_value(of_other.length - body_bytes, &mut end_of_other)?;
    Some(match (end_of_one, end_of_other) {
        (Some(of_one), Some(of_other)) => is_same_end(of_one, of_other, padding),
        _ => false,
    })
}

/// Compares the next bytes of both, as they lie in the windows.
fn is_same_run(
    one: &mut WrittenDataSet<'_>,
    other: &mut WrittenDataSet<'_>,
    mut left_bytes: u64,
) -> Option<bool> {
    while left_bytes > 0 {
        let window = one.window()?;
        let of_other = other.window()?;
        let most = usize::try_from(left_bytes).unwrap_or(usize::MAX);
        let count = window.len().min(of_other.len()).min(most);
        if count == 0 {
            return None;
        }
        if window.get(..count)? != of_other.get(..count)? {
            return Some(false);
        }
        one.consume(count);
        other.consume(count);
        left_bytes -= count as u64;
    }
    Some(true)
}

fn is_same_end(one: &[u8], other: &[u8], padding: Padding) -> bool {
    let may_pad = |byte: u8| match padding {
        Padding::Unknown => is_padding(byte),
        Padding::Bytes => byte == 0,
        Padding::Text | Padding::Words => false,
    };
    match (one, other) {
        _ if padding == Padding::Text => without_padding(one) == without_padding(other),
        ([a], [b, pad]) | ([b, pad], [a]) => a == b && may_pad(*pad),
        _ => one == other,
    }
}

fn without_padding(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., last] = text
        && is_padding(*last)
    {
        text = rest;
    }
    text
}

/// Returns how two values of one tag may be padded; `None` when their VRs give the same bytes another meaning.
fn padding(one: Element, other: Element) -> Option<Padding> {
    let known = |vr: &Vr| *vr != Vr::UN;
    let stated = [one.vr.filter(known), other.vr.filter(known)];
    // The standard leaves these to what else the instance says: US or SS, OB or OW, US or OW.
    let is_choice = |vr: Vr| matches!(vr, Vr::US | Vr::SS | Vr::OB | Vr::OW);
    let standard = Some(vr::of_tag(one.tag, false)).filter(known);
    if let [Some(one), Some(other)] = stated
        && one != other
        && !(one.is_text() && other.is_text())
        && ![Some(one), Some(other), standard]
            .iter()
            .all(|vr| vr.is_some_and(is_choice))
    {
        return None;
    }
    let is_stated = stated.iter().any(Option::is_some);
    let standard = standard.filter(|vr| !(is_stated && is_choice(*vr)));
    let told: Vec<Vr> = stated.into_iter().chain([standard]).flatten().collect();
    Some(if told.is_empty() {
        Padding::Unknown
    } else if told.iter().all(|vr| vr.is_text()) {
        Padding::Text
    } else if told.iter().all(|vr| *vr == Vr::OB) {
        Padding::Bytes
    } else {
        Padding::Words
    })
}
