//! Texts of every Specific Character Set, to Unicode.
//!
//! Single-valued sets, and ISO 2022 with escapes as PS3.3 C.12.1.1.2 and PS3.5 6.1.2 describe them.
//! What a file states wrongly is read as well as can be; nothing is an error.

use std::borrow::Cow;

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

const ESCAPE: u8 = 0x1B;

/// How the bytes above 127 (or in a two-byte set, all bytes) are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repertoire {
    /// ISO 646 only (or nothing stated).
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// One of the other single-byte tables.
    Table(&'static Encoding),
    /// JIS X 0201: katakana above 127.
    Katakana,
    /// UTF-8.
    Utf8,
    /// GB18030 or GBK: no escapes.
    Gb(&'static Encoding),
}

/// A two-byte set put into G0 by an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum G0 {
    Single,
    JisX0208,
    JisX0212,
}

/// A set put into G1 by an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum G1 {
    Single(Repertoire),
    KsX1001,
    Gb2312,
}

/// A Specific Character Set (0008,0005), ready to decode texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharacterSet {
    first: Repertoire,
    /// Whether escapes may occur.
    extended: bool,
}

impl Default for CharacterSet {
    /// The default repertoire, ISO IR 6.
    fn default() -> Self {
        Self {
            first: Repertoire::Ascii,
            extended: false,
        }
    }
}

/// Returns the ISO registration number in a defined term, however it is spelt.
fn registration(term: &str) -> Option<u32> {
    let upper = term.to_ascii_uppercase();
    let rest = upper.strip_prefix("ISO")?;
    let position = rest.find("IR")?;
    let digits = rest
        .get(position + 2..)?
        .trim_start_matches([' ', '_', '-']);
    digits.trim_end().parse().ok()
}

fn repertoire(term: &str) -> Repertoire {
    if let Some(number) = registration(term) {
        return match number {
            100 => Repertoire::Latin1,
            101 => Repertoire::Table(ISO_8859_2),
            109 => Repertoire::Table(ISO_8859_3),
            110 => Repertoire::Table(ISO_8859_4),
            144 => Repertoire::Table(ISO_8859_5),
            127 => Repertoire::Table(ISO_8859_6),
            126 => Repertoire::Table(ISO_8859_7),
            138 => Repertoire::Table(ISO_8859_8),
            148 => Repertoire::Table(WINDOWS_1254),
            203 => Repertoire::Table(ISO_8859_15),
            166 => Repertoire::Table(WINDOWS_874),
            13 => Repertoire::Katakana,
            192 => Repertoire::Utf8,
            _ => Repertoire::Ascii,
        };
    }
    let folded: String = term
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    match folded.as_str() {
        "GB18030" => Repertoire::Gb(GB18030),
        "GBK" | "GB2312" => Repertoire::Gb(GBK),
        "UTF8" => Repertoire::Utf8,
        "ISO88591" | "LATIN1" => Repertoire::Latin1,
        _ => Repertoire::Ascii,
    }
}

impl CharacterSet {
    /// Reads the value of (0008,0005): defined terms separated by backslashes.
    pub fn of_value(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let mut terms = text.split('\\').map(|term| term.trim_matches([' ', '\0']));
        let first_term = terms.next().unwrap_or_default();
        let others = terms.clone().count();
        let mut first = repertoire(first_term);
        // A lone "ISO 2022 IR 87" names a two-byte set that only escapes can reach.
        let extended = others > 0 || first_term.to_ascii_uppercase().contains("2022");
        // Writers that forget the empty first value: "\ISO_IR 192" and the like.
        if first_term.is_empty() && others == 1 {
            let second = repertoire(terms.next().unwrap_or_default());
            if matches!(second, Repertoire::Utf8 | Repertoire::Gb(_)) {
                first = second;
            }
        }
        // PS3.3 C.12.1.1.2: UTF-8 and GB18030 stand alone and have no escapes.
        let extended = extended && !matches!(first, Repertoire::Utf8 | Repertoire::Gb(_));
        Self { first, extended }
    }

    /// Decodes one text (all its values); never fails.
    ///
    /// `person_name` says that `^` and `=` end a set put in place by an escape, as backslash and line ends do.
    pub fn decode<'a>(&self, bytes: &'a [u8], person_name: bool) -> Cow<'a, str> {
        let is_plain = bytes.iter().all(|byte| byte.is_ascii() && *byte != ESCAPE);
        if is_plain {
            return std::str::from_utf8(bytes).map_or(Cow::Borrowed(""), Cow::Borrowed);
        }
        // Escapes are followed even where the set does not announce them: writers forget.
        if bytes.contains(&ESCAPE) && !matches!(self.first, Repertoire::Utf8 | Repertoire::Gb(_)) {
            return Cow::Owned(decode_iso_2022(self.first, bytes, person_name));
        }
        decode_single(self.first, bytes)
    }

    /// Says whether the set announces escapes.
    pub fn is_extended(&self) -> bool {
        self.extended
    }
}

fn decode_single(repertoire: Repertoire, bytes: &[u8]) -> Cow<'_, str> {
    let with = |encoding: &'static Encoding| encoding.decode_without_bom_handling(bytes).0;
    match repertoire {
        Repertoire::Utf8 | Repertoire::Ascii => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => with(WINDOWS_1252),
        },
        Repertoire::Latin1 => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Repertoire::Table(encoding) | Repertoire::Gb(encoding) => with(encoding),
        Repertoire::Katakana => Cow::Owned(bytes.iter().map(|byte| katakana(*byte)).collect()),
    }
}

// JIS X 0201: 0xA1..=0xDF are the half-width katakana U+FF61..=U+FF9F.
fn katakana(byte: u8) -> char {
    match byte {
        0xA1..=0xDF => {
            char::from_u32(0xFF61 + u32::from(byte - 0xA1)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        0x00..=0x7F => char::from(byte),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

struct Iso2022 {
    initial: Repertoire,
    g0: G0,
    g1: G1,
    out: String,
    /// Bytes of a run that one decoder reads together.
    run: Vec<u8>,
}

fn decode_iso_2022(initial: Repertoire, bytes: &[u8], person_name: bool) -> String {
    let mut state = Iso2022 {
        initial,
        g0: G0::Single,
        g1: G1::Single(initial),
        out: String::with_capacity(bytes.len() * 2),
        run: Vec::new(),
    };
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        if *byte == ESCAPE {
            state.flush();
            rest = state.escape(tail);
        } else {
            state.byte(*byte, person_name);
            rest = tail;
        }
    }
    state.flush();
    state.out
}

impl Iso2022 {
    /// Applies the escape that follows; an unknown one is dropped up to its final byte.
    // PS3.3 tables C.12-3 and C.12-4.
    fn escape<'a>(&mut self, tail: &'a [u8]) -> &'a [u8] {
        let (used, effect) = match tail {
            [b'(', b'B' | b'J', ..] => (2, Effect::G0(G0::Single)),
            [b')', b'I', ..] => (2, Effect::G1(G1::Single(Repertoire::Katakana))),
            [b'(', b'I', ..] => (2, Effect::G1(G1::Single(Repertoire::Katakana))),
            [b'$', b'B' | b'@', ..] => (2, Effect::G0(G0::JisX0208)),
            [b'$', b'(', b'D', ..] => (3, Effect::G0(G0::JisX0212)),
            [b'$', b')', b'C', ..] => (3, Effect::G1(G1::KsX1001)),
            [b'$', b')', b'A', ..] => (3, Effect::G1(G1::Gb2312)),
            [b'-', set, ..] => (2, Effect::G1(G1::Single(latin_of_escape(*set)))),
            [] => (0, Effect::Nothing),
            _ => (1, Effect::Nothing),
        };
        match effect {
            Effect::G0(set) => self.g0 = set,
            Effect::G1(set) => self.g1 = set,
            Effect::Nothing => {}
        }
        tail.get(used..).unwrap_or_default()
    }

    fn byte(&mut self, byte: u8, person_name: bool) {
        // PS3.5 6.1.2.5.3: these end what an escape put in place.
        let ends_line = matches!(byte, b'\n' | b'\r' | 0x0C | b'\t');
        let ends_value = byte == b'\\' || person_name && matches!(byte, b'^' | b'=');
        if ends_line || ends_value && self.g0 == G0::Single {
            self.flush();
            self.g0 = G0::Single;
            self.g1 = G1::Single(self.initial);
            self.out.push(char::from(byte));
            return;
        }
        if !byte.is_ascii() && self.g0 != G0::Single && matches!(self.g1, G1::KsX1001 | G1::Gb2312)
        {
            self.flush();
            self.g0 = G0::Single;
        }
        self.run.push(byte);
    }

    /// Decodes the run with the sets in place.
    fn flush(&mut self) {
        if self.run.is_empty() {
            return;
        }
        let run = std::mem::take(&mut self.run);
        match (self.g0, self.g1) {
            (G0::JisX0208, _) => self.two_byte(&run, false),
            (G0::JisX0212, _) => self.two_byte(&run, true),
            (G0::Single, G1::KsX1001) => self.push(EUC_KR, &run),
            (G0::Single, G1::Gb2312) => self.push(GBK, &run),
            (G0::Single, G1::Single(repertoire)) => {
                let text = decode_single(repertoire, &run).into_owned();
                self.out.push_str(&text);
            }
        }
    }

    /// JIS X 0208 and 0212 in G0 are EUC-JP with the high bits cleared.
    fn two_byte(&mut self, run: &[u8], supplementary: bool) {
        let mut euc = Vec::with_capacity(run.len() * 3 / 2 + 1);
        for pair in run.chunks(2) {
            if supplementary && pair.len() == 2 {
                euc.push(0x8F);
            }
            match pair {
                [one] => euc.push(*one),
                // A space between two-byte characters is a writer's slip, not half of one.
                pair => euc.extend(
                    pair.iter()
                        .map(|byte| if *byte > 0x20 { byte | 0x80 } else { *byte }),
                ),
            }
        }
        self.push(EUC_JP, &euc);
    }

    fn push(&mut self, encoding: &'static Encoding, bytes: &[u8]) {
        self.out
            .push_str(&encoding.decode_without_bom_handling(bytes).0);
    }
}

enum Effect {
    G0(G0),
    G1(G1),
    Nothing,
}

fn latin_of_escape(set: u8) -> Repertoire {
    match set {
        b'A' => Repertoire::Latin1,
        b'B' => Repertoire::Table(ISO_8859_2),
        b'C' => Repertoire::Table(ISO_8859_3),
        b'D' => Repertoire::Table(ISO_8859_4),
        b'F' => Repertoire::Table(ISO_8859_7),
        b'G' => Repertoire::Table(ISO_8859_6),
        b'H' => Repertoire::Table(ISO_8859_8),
        b'L' => Repertoire::Table(ISO_8859_5),
        b'M' => Repertoire::Table(WINDOWS_1254),
        b'T' => Repertoire::Table(WINDOWS_874),
        b'b' => Repertoire::Table(ISO_8859_15),
        _ => Repertoire::Ascii,
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
