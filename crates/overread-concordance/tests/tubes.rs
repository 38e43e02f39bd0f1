//! Tubes and lines that lie wrong, and emergencies that are only possible: critical when one report alone says so.

use overread_concordance::{Class, Concordance, Item, compare, plain};

const CALM: &str = "The heart is normal in size.";

fn critical(found: &Concordance) -> Vec<&Item> {
    found.items.iter().filter(|i| i.critical).collect()
}

#[test]
fn a_misplaced_tube_that_one_report_alone_names_is_critical() {
    for more in [
        "Endotracheal tube in the right main bronchus.",
        "The ETT tip terminates in the right mainstem bronchus.",
        "Right mainstem intubation.",
        "The NG tube projects into the right lung.",
        "Nasogastric tube coiled in the esophagus.",
        "Feeding tube within the left lower lobe bronchus.",
        "The endotracheal tube is malpositioned.",
        "Right PICC line with tip in the right ventricle.",
        "The chest tube is kinked.",
    ] {
        for swapped in [false, true] {
            let long = format!("{CALM} {more}");
            let (o, s) = if swapped {
                (long.as_str(), CALM)
            } else {
                (CALM, long.as_str())
            };
            let found = compare("Chest radiograph", o, s);
            let rows = critical(&found);
            assert_eq!(rows.len(), 1, "{more} {found:?}");
            assert!(!rows[0].variation, "{more}");
            assert!(
                !plain::view(&found, plain::Reader::Patient)
                    .differences
                    .is_empty()
            );
        }
    }
}

#[test]
fn a_tube_where_it_belongs_is_no_alarm() {
    for more in [
        "Endotracheal tube tip 4 cm above the carina.",
        "The ETT is in satisfactory position.",
        "The NG tube passes through the esophagus into the stomach.",
        "No malposition of the endotracheal tube.",
        "The endotracheal tube is not malpositioned.",
        "Right IJ central line with tip in the SVC.",
        "Endotracheal tube in place, lungs clear.",
    ] {
        let found = compare("Chest radiograph", CALM, &format!("{CALM} {more}"));
        assert!(critical(&found).is_empty(), "{more} {found:?}");
    }
}

#[test]
fn a_tube_that_lies_wrong_for_one_reader_alone_is_another_place() {
    for (o, s) in [
        (
            "Endotracheal tube in place.",
            "Endotracheal tube in the right main bronchus.",
        ),
        (
            "NG tube tip in the stomach.",
            "NG tube tip in the right lung.",
        ),
        (
            "Endotracheal tube tip above the carina.",
            "The endotracheal tube is malpositioned.",
        ),
        (
            "The NG tube is in satisfactory position.",
            "The NG tube is in the left bronchus.",
        ),
    ] {
        let found = compare("Chest radiograph", o, s);
        let rows = critical(&found);
        assert!(!rows.is_empty(), "{o} {s} {found:?}");
        assert!(
            rows.iter().any(|i| i.class == Class::Location),
            "{o} {s} {found:?}"
        );
    }
}

#[test]
fn an_emergency_only_possible_in_one_report_alone_is_critical() {
    for (exam, calm, more) in [
        ("CT chest", CALM, "Pulmonary embolism cannot be excluded."),
        ("CT chest", CALM, "Possible aortic dissection."),
        (
            "CT abdomen",
            "The liver is normal.",
            "Findings suspected to represent appendicitis.",
        ),
        (
            "CT head",
            "The ventricles are normal.",
            "Possible subarachnoid hemorrhage.",
        ),
        (
            "Chest radiograph",
            CALM,
            "Small pneumothorax on the left cannot be ruled out.",
        ),
    ] {
        let found = compare(exam, calm, &format!("{calm} {more}"));
        assert_eq!(critical(&found).len(), 1, "{more} {found:?}");
    }
    let found = compare(
        "CT chest",
        "No pulmonary embolism.",
        "Pulmonary embolism in the left lower lobe cannot be excluded.",
    );
    assert!(!critical(&found).is_empty(), "{found:?}");
    for (exam, calm, more) in [
        (
            "CT abdomen",
            "The liver is normal.",
            "Possible small hepatic cyst.",
        ),
        ("CT chest", CALM, "Pulmonary embolism is unlikely."),
    ] {
        let found = compare(exam, calm, &format!("{calm} {more}"));
        assert!(critical(&found).is_empty(), "{more} {found:?}");
    }
}

#[test]
fn where_a_line_ends_counts_and_not_what_it_is_measured_from() {
    let o = "Right IJ central line tip in the lower SVC.";
    let s = "Right internal jugular catheter ends in the mid right atrium, about 4 cm below the cavoatrial junction.";
    let found = compare("Chest radiograph", o, s);
    let [row] = critical(&found)[..] else {
        panic!("{found:?}")
    };
    assert_eq!(row.class, Class::Location);
    let same = "The right jugular catheter lies in the lower superior vena cava, 2 cm above the cavoatrial junction.";
    let found = compare("Chest radiograph", o, same);
    assert!(critical(&found).is_empty(), "{found:?}");
}
