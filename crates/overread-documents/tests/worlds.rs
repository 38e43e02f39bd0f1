//! The catalog and facts the tests share.

use std::sync::LazyLock;

use overread_documents::letters::{self, LetterFacts};
use overread_model::letter::{LetterCatalog, LetterKind, Requester};
use overread_model::time::CalendarDate;

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../overread-knowledge/data/letters"
);

pub(crate) static CATALOG: LazyLock<LetterCatalog> = LazyLock::new(|| {
    let read = |name: &str| std::fs::read_to_string(format!("{DATA}/{name}")).unwrap();
    LetterCatalog::parse(
        &read("catalog.json"),
        &read("templates.en.json"),
        &read("templates.es.json"),
    )
    .unwrap()
});

pub(crate) fn today() -> CalendarDate {
    CalendarDate::new(2026, 3, 5).unwrap()
}

pub(crate) fn kind(id: &str) -> &'static LetterKind {
    CATALOG.letter(id).unwrap()
}

/// The documented facts of a kind, written by this requester.
pub(crate) fn facts(id: &str, requester: Requester) -> LetterFacts {
    let mut facts = letters::parse_facts(&CATALOG, letters::sample(id).unwrap()).unwrap();
    facts.requester = requester;
    let mut set = |key: &str, text: &str| facts.set(&CATALOG, key, text).unwrap();
    match requester {
        Requester::Patient => {}
        Requester::ParentGuardian => {
            set("relation", "mother");
            set("patient.dob", "2012-06-30");
            set("patient.name", "Rowan Avery");
        }
        Requester::PersonalRepresentative => {
            set("relation", "daughter");
            set("authority", "health-care power of attorney of May 3, 2025");
            set("patient.name", "Morgan Avery");
        }
        Requester::ReferringPhysician => {
            set("sender.name", "Nadia Okafor");
            set("sender.credentials", "MD");
            set(
                "sender.address",
                "Lakeside Family Medicine\n12 Harbor Street\nMadison, WI 53703",
            );
        }
        Requester::Insurer => {
            set("sender.name", "Case Management, Prairie Health Plan");
            set("sender.address", "PO Box 771\nMilwaukee, WI 53201");
        }
    }
    if id == "hipaa_authorization" && requester != Requester::Patient {
        set("sender.name", "Jordan Avery");
    }
    facts
}
