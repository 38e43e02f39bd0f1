//! Numbers written in text and binary.

/// Returns the number of a DS or IS text; infinities and nonsense are `None`.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let text = text.trim_matches([' ', '\0']);
    let plausible = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if text.is_empty() || !plausible {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Returns the whole number of an IS text, also when it is written as `3.0`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim_matches([' ', '\0']);
    if let Ok(number) = text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
        return Some(number);
    }
    decimal(text)
        .filter(|number| number.fract() == 0.0 && number.abs() < 9e15)
        .map(|number| number as i64)
}

/// Says whether a text is a JSON number as it stands.
// RFC 8259 6: no plus sign, no leading zero, digits on both sides of the point.
pub(crate) fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits =
        |part: &str| digits(part.strip_prefix(['+', '-']).unwrap_or(part)) && part.len() <= 4;
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(exponent_digits)
}

/// Cuts a binary value into words in reading order, whatever the byte order of the file.
pub(crate) fn words<const N: usize>(
    bytes: &[u8],
    big_endian: bool,
) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).map(move |chunk| {
        let mut word = [0; N];
        word.copy_from_slice(chunk);
        if big_endian {
            word.reverse();
        }
        word
    })
}

/// Turns the words of a binary value round in place.
pub(crate) fn swap_words(bytes: &mut [u8], word_bytes: usize) {
    if word_bytes > 1 {
        for word in bytes.chunks_exact_mut(word_bytes) {
            word.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decimal, integer, is_json_number};

    #[test]
    fn texts_are_numbers_or_not() {
        assert_eq!(decimal(" +0.50 "), Some(0.5));
        assert_eq!(decimal("1e400"), None);
        assert_eq!(decimal("nan"), None);
        assert_eq!(decimal("1A"), None);
        assert_eq!(integer("+7 "), Some(7));
        assert_eq!(integer("24.0"), Some(24));
        assert_eq!(integer("1.5"), None);
    }

    #[test]
    fn json_numbers_are_told_from_dicom_ones() {
        for good in ["0", "-0", "1.5", "-12.25e-3", "1E+6"] {
            assert!(is_json_number(good), "{good}");
        }
        for bad in ["", "+1", "01", ".5", "5.", "1e", "0x1", "1e99999", "--1"] {
            assert!(!is_json_number(bad), "{bad}");
        }
    }
}
