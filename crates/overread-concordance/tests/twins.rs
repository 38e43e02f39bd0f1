//! Sentences that differ in one answer only, and words that nothing else reads, keep two reports from being called alike.

use overread_concordance::{Overall, compare};

fn overall(exam: &str, original: &str, second: &str) -> Option<Overall> {
    compare(exam, original, second).overall
}

#[test]
fn another_answer_is_never_called_the_same() {
    for (exam, original, second) in [
        ("CT chest", "Pulmonary embolism: -", "Pulmonary embolism: +"),
        ("CT chest", "Pneumothorax: nein", "Pneumothorax: ja"),
        ("US leg", "DVT: no / [yes]", "DVT: [no] / yes"),
        (
            "CT chest",
            "Pneumothorax: *no* yes",
            "Pneumothorax: no *yes*",
        ),
        ("CT chest", "~~Pneumothorax~~ none", "Pneumothorax ~~none~~"),
        ("CT head", "Haemorrhage | 0", "Haemorrhage | 1"),
        (
            "CT chest",
            "Nodule in segment 6 of the right lung, 8 mm.",
            "Nodule in segment 10 of the right lung, 8 mm.",
        ),
        (
            "CT chest",
            "Nodule 8 mm in the left apex.",
            "Nodule 8 mm in the right apex.",
        ),
        (
            "CT chest",
            "No nodules.",
            "No nodules other than an 18 mm spiculated one in the left upper lobe.",
        ),
        (
            "CT chest",
            "Nodule 8 mm right upper lobe.",
            "I disagree with the first report. Nodule 8 mm right upper lobe.",
        ),
        (
            "CT abdomen",
            "Pancreatic mass, resectable.",
            "Pancreatic mass, unresectable.",
        ),
    ] {
        assert_ne!(
            overall(exam, original, second),
            Some(Overall::Confirms),
            "{original} / {second}"
        );
    }
}

#[test]
fn other_words_for_the_same_are_still_called_the_same() {
    for (exam, original, second) in [
        ("MRI knee", "No Baker cyst.", "No popliteal cyst."),
        (
            "CT chest",
            "Nodule 8 mm in the left upper lobe (series 3, image 45).",
            "Nodule 8 mm in the left upper lobe (series 3, image 46).",
        ),
        (
            "CT chest",
            "Nodule of 8 mm in the left upper lobe.",
            "Nodule of 9 mm in the left upper lobe.",
        ),
        (
            "CT kidneys",
            "Left renal cyst, Bosniak 3.",
            "Left renal cyst, Bosniak III.",
        ),
    ] {
        assert_eq!(
            overall(exam, original, second),
            Some(Overall::Confirms),
            "{original} / {second}"
        );
    }
}
