//! Names in every character set of the shared files, where they are at hand.

use overread_dicom::text::CharacterSet;
use overread_dicom::{ParseLimits, Parsed, parse_instance, value_of};
use serde_json::Value;

/// What each file names its patient, as another reader of DICOM reads it too.
const NAMES: [(&str, &str); 30] = [
    ("clunie-scs-dicomdir/SCSARAB", "قباني^لنزار"),
    ("clunie-scs-dicomdir/SCSFREN", "Buc^Jérôme"),
    ("clunie-scs-dicomdir/SCSGERM", "Äneas^Rüdiger"),
    ("clunie-scs-dicomdir/SCSGREEK", "Διονυσιος"),
    (
        "clunie-scs-dicomdir/SCSH31",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        "clunie-scs-dicomdir/SCSH32",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    ("clunie-scs-dicomdir/SCSHBRW", "שרון^דבורה"),
    ("clunie-scs-dicomdir/SCSI2", "Hong^Gildong=洪^吉洞=홍^길동"),
    ("clunie-scs-dicomdir/SCSRUSS", "Люкceмбypг"),
    ("clunie-scs-dicomdir/SCSX1", "Wang^XiaoDong=王^小東"),
    ("clunie-scs-dicomdir/SCSX2", "Wang^XiaoDong=王^小东"),
    ("on-real-image/gb18030.dcm", "Wang^XiaoDong=王^小东"),
    ("on-real-image/ir144-cyrillic.dcm", "Петров^Иван"),
    (
        "on-real-image/iso2022-149-korean.dcm",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    (
        "on-real-image/wrong-charset-says-ascii.dcm",
        "Müller^Jürgen",
    ),
    ("small/chrArab.dcm", "قباني^لنزار"),
    ("small/chrFren.dcm", "Buc^Jérôme"),
    ("small/chrFrenMulti.dcm", "Buc^Jérôme"),
    ("small/chrGerm.dcm", "Äneas^Rüdiger"),
    ("small/chrGreek.dcm", "Διονυσιος"),
    ("small/chrH31.dcm", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("small/chrH32.dcm", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    ("small/chrHbrw.dcm", "שרון^דבורה"),
    ("small/chrI2.dcm", "Hong^Gildong=洪^吉洞=홍^길동"),
    ("small/chrJapMulti.dcm", "やまだ^たろう"),
    ("small/chrJapMultiExplicitIR6.dcm", "やまだ^たろう"),
    ("small/chrKoreanMulti.dcm", "김희중"),
    ("small/chrRuss.dcm", "Люкceмбypг"),
    ("small/chrX1.dcm", "Wang^XiaoDong=王^小東"),
    ("small/chrX2.dcm", "Wang^XiaoDong=王^小东"),
];

/// Returns the name as the metadata write it, or decoded by hand where the file is no whole instance.
fn name_of(bytes: &[u8]) -> String {
    let limits = ParseLimits::default();
    if let Ok(Parsed::Instance(instance)) = parse_instance(bytes, &limits) {
        let metadata: Value = serde_json::from_slice(&instance.metadata_json).unwrap();
        let groups = &metadata["00100010"]["Value"][0];
        let groups = ["Alphabetic", "Ideographic", "Phonetic"].map(|group| groups[group].as_str());
        let groups: Vec<&str> = groups.into_iter().map(Option::unwrap_or_default).collect();
        return groups.join("=").trim_end_matches('=').to_owned();
    }
    let value = |path| value_of(bytes, path, &limits).unwrap();
    let set = value("00080005").unwrap_or_default();
    let name = value("00100010").unwrap();
    let name = CharacterSet::of_value(&set)
        .decode(&name, true)
        .into_owned();
    name.trim_end_matches([' ', '=']).to_owned()
}

#[test]
fn names_are_read_in_every_character_set_j3_j6() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/dicom/charset");
    if !std::path::Path::new(folder).is_dir() {
        eprintln!("skipped: the shared DICOM files are not beside the project");
        return;
    }
    let wrong: Vec<_> = NAMES
        .iter()
        .filter_map(|(file, expect)| {
            let name = name_of(&std::fs::read(format!("{folder}/{file}")).unwrap());
            (name != *expect).then_some((file, name, expect))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
