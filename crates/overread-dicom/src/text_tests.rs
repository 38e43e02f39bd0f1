use super::CharacterSet;

fn check(set: &str, bytes: &[u8], expect: &str) {
    let text = CharacterSet::of_value(set.as_bytes());
    assert_eq!(text.decode(bytes, true), expect, "{set}");
}

/// PS3.5 annex H.3.1: Japanese, default repertoire in the first group.
#[test]
fn japanese_with_escapes() {
    check(
        "\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    );
}

/// PS3.5 annex H.3.2: half-width katakana in the first group, romaji put back by ESC ( J.
#[test]
fn japanese_with_katakana() {
    check(
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    );
}

/// PS3.5 annex I.2: Korean, KS X 1001 in G1 after every delimiter.
#[test]
fn korean_with_escapes() {
    check(
        "\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    );
}

/// PS3.5 annex K.2: simplified Chinese with GB 2312 in G1.
#[test]
fn chinese_with_escapes() {
    check(
        "\\ISO 2022 IR 58",
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东=",
    );
}

#[test]
fn several_latin_sets() {
    check(
        "ISO 2022 IR 100\\ISO 2022 IR 144",
        b"M\xfcller^\x1b-L\xbf\xd5\xe2\xe0\xde\xd2",
        "Müller^Петров",
    );
    // The escape ends at the delimiter: what follows is the first set again.
    check(
        "ISO 2022 IR 100\\ISO 2022 IR 144",
        b"\x1b-L\xbf^\xfc",
        "П^ü",
    );
}

#[test]
fn single_sets() {
    check("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme");
    check("ISO_IR 101", b"W\xb3\xf3d\xbc", "Włódź");
    check("ISO_IR 109", b"\xa1", "Ħ");
    check("ISO_IR 110", b"\xa3", "Ŗ");
    check("ISO_IR 144", b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг");
    check("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea", "قباني");
    check(
        "ISO_IR 126",
        b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2",
        "Διονυσιος",
    );
    check("ISO_IR 138", b"\xf9\xf8\xe5\xef", "שרון");
    check("ISO_IR 148", b"\xc7avu\xfeo\xf0lu", "Çavuşoğlu");
    check("ISO_IR 166", b"\xca\xc1\xaa\xd2\xc2", "สมชาย");
    check("ISO_IR 203", b"\xa4", "€");
    check("ISO_IR 13", b"\xd4\xcf\xc0\xde", "ﾔﾏﾀﾞ");
    check(
        "ISO_IR 192",
        "Wang^XiaoDong=王^小東".as_bytes(),
        "Wang^XiaoDong=王^小東",
    );
    check(
        "GB18030",
        b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab",
        "Wang^XiaoDong=王^小东",
    );
    check("GBK", b"\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东");
}

#[test]
fn what_is_stated_wrongly_is_read_as_well_as_can_be() {
    check("", b"M\xfcller^J\xfcrgen", "Müller^Jürgen");
    check("", "Müller".as_bytes(), "Müller");
    check("ISO_IR 192", b"M\xfcller", "Müller");
    check("ISO-IR 100", b"M\xfcller", "Müller");
    check("ISO IR 192", "Müller".as_bytes(), "Müller");
    check("nonsense", b"plain", "plain");
    // Escapes that the set does not announce, unknown ones, and one that is cut off.
    check("ISO_IR 6", b"\x1b$B;3ED\x1b(B", "山田");
    check("\\ISO 2022 IR 87", b"a\x1b%Gb\x1b", "aGb");
    check("\\ISO 2022 IR 87", b"\x1b$B;", ";");
}

#[test]
fn jis_supplementary_characters() {
    // JIS X 0212 row 16 cell 1 is U+4E02.
    check("\\ISO 2022 IR 159", b"\x1b$(D\x30\x21\x1b(B", "丂");
}
