//! Names of entries: shown, never used to open or write anything.

use encoding_rs::SHIFT_JIS;

/// What is said of a name that points somewhere else.
pub(crate) const OUTSIDE: &str = "its name points outside the delivery; nothing was written there, its content was looked at all the same";

/// Upper half of code page 437, which a name is in when nothing says otherwise (APPNOTE appendix D).
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Decodes a name as well as it can be, safe to show.
pub(crate) fn shown(name: &[u8], is_utf8: bool) -> String {
    let text = match std::str::from_utf8(name) {
        Ok(text) => text.to_owned(),
        Err(_) if is_utf8 => String::from_utf8_lossy(name).into_owned(),
        Err(_) => legacy(name),
    };
    overread_dicom::media::printable(&text)
}

fn legacy(name: &[u8]) -> String {
    // Japanese writers mark nothing; a name that is wholly Shift JIS with kana or kanji is hardly anything else.
    let (text, had_errors) = SHIFT_JIS.decode_without_bom_handling(name);
    if !had_errors
        && text
            .chars()
            .any(|letter| matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
    {
        return text.into_owned();
    }
    let upper: Vec<char> = CP437.chars().collect();
    name.iter()
        .map(|byte| match byte.checked_sub(128) {
            None => char::from(*byte),
            Some(index) => upper.get(usize::from(index)).copied().unwrap_or('?'),
        })
        .collect()
}

/// Says whether the entry is a folder.
pub(crate) fn is_folder(name: &str) -> bool {
    name.ends_with('/')
}

/// Says whether the entry is a folder, by its raw name.
pub(crate) fn is_folder_bytes(name: &[u8]) -> bool {
    name.last() == Some(&b'/')
}

/// Says whether a name stays inside the delivery.
pub(crate) fn is_inside(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    let drive = name.as_bytes().get(1) == Some(&b':');
    !drive && !name.starts_with(['/', '\\']) && !name.is_empty() && parts.all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::{is_inside, shown};

    #[test]
    fn names_are_decoded_without_a_panic() {
        assert_eq!(shown(b"DICOM/IM1", false), "DICOM/IM1");
        assert_eq!(shown("Größe".as_bytes(), false), "Größe");
        assert_eq!(
            shown(b"\x89\xe6\x91\x9c/\x89\xe6\x91\x9c1.dcm", false),
            "画像/画像1.dcm"
        );
        assert_eq!(shown(b"M\x81ller", false), "Müller");
        assert_eq!(shown(b"a\x1b[2Jb\xff", true), "a?[2Jb\u{fffd}");
    }

    #[test]
    fn names_that_leave_are_seen() {
        for name in [
            "../x",
            "a/../../b",
            "/etc/x",
            "C:\\x",
            "\\\\host\\x",
            "a\\..\\b",
            "",
        ] {
            assert!(!is_inside(name), "{name}");
        }
        assert!(is_inside("DICOM/..IM1"));
    }
}
