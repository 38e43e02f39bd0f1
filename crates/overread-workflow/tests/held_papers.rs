//! Papers that came with images of somebody else.

use std::fs;

use overread_model::access::Actor;
use overread_model::ids::{CaseId, DocumentId};
use overread_testkit::disc::DiscFile;
use overread_workflow::reading::{self, OriginalFacts, OriginalInput};
use overread_workflow::records::{self, HeldBackDecision, QuarantineDecision, RecordsView};

use crate::house::{
    House, NOW, assert_forbidden, assert_invalid, assert_not_found, assert_stale, disc,
};

fn with_paper(mut files: Vec<DiscFile>, name: &str) -> Vec<DiscFile> {
    let text = format!("Some paper that came as {name}.");
    files.push(DiscFile::new(name, text));
    files
}

async fn seen(house: &House, actor: &Actor, case_id: &CaseId) -> RecordsView {
    records::view(&house.ctx, actor, case_id, NOW)
        .await
        .unwrap()
}

fn names(papers: &[records::DocumentRow]) -> Vec<&str> {
    papers.iter().map(|row| row.name.as_str()).collect()
}

async fn decide(
    house: &House,
    actor: &Actor,
    case_id: &CaseId,
    study: Option<(&str, QuarantineDecision)>,
    papers: &[(DocumentId, QuarantineDecision)],
) -> overread_workflow::StepResult<()> {
    let decision = HeldBackDecision {
        study,
        birth_date: None,
        papers,
        reason: "Somebody telephoned.",
    };
    records::decide_quarantine(&house.ctx, actor, case_id, &decision, NOW).await
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_wait_with_the_images_they_came_with() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.consented().await;
    let mine = with_paper(disc("Sample^Alex", 1), "MINE.TXT");
    house.deliver(&case_id, &mine).await;
    let theirs = with_paper(disc("Other^Person", 2), "THEIRS.TXT");
    house
        .deliver(&case_id, &with_paper(theirs, "ALSO.TXT"))
        .await;

    let view = seen(&house, &house.patient, &case_id).await;
    assert_eq!(names(&view.documents), ["MINE.TXT"]);
    assert!(view.quarantine.is_empty() && view.held_papers.is_empty());
    let view = seen(&house, coordinator, &case_id).await;
    assert_eq!(names(&view.documents), ["MINE.TXT"]);
    assert!(view.held_papers.is_empty());
    let study = &view.quarantine[0];
    assert_eq!(names(&study.papers), ["ALSO.TXT", "THEIRS.TXT"]);
    let (first, second) = (&study.papers[0].document_id, &study.papers[1].document_id);
    let uid = study.study.study_instance_uid.as_str();
    assert_not_found(records::document(ctx, &house.patient, &case_id, first, NOW).await);

    let (right, other) = (
        QuarantineDecision::RightPatient,
        QuarantineDecision::OtherPatient,
    );
    let one = [(first.clone(), right)];
    assert_forbidden(decide(&house, &house.patient, &case_id, None, &one).await);
    assert_invalid(decide(&house, coordinator, &case_id, None, &[]).await, "");
    decide(&house, coordinator, &case_id, Some((uid, other)), &one)
        .await
        .unwrap();
    assert_stale(decide(&house, coordinator, &case_id, None, &one).await);
    records::document(ctx, &house.patient, &case_id, first, NOW)
        .await
        .unwrap();
    // The one that nobody spoke of goes on waiting, without its study.
    assert_not_found(records::document(ctx, &house.patient, &case_id, second, NOW).await);
    let view = seen(&house, coordinator, &case_id).await;
    assert_eq!(names(&view.held_papers), ["THEIRS.TXT"]);
    decide(
        &house,
        coordinator,
        &case_id,
        None,
        &[(second.clone(), other)],
    )
    .await
    .unwrap();
    let view = seen(&house, coordinator, &case_id).await;
    assert!(view.held_papers.is_empty());
    for actor in [coordinator, &house.patient] {
        let view = seen(&house, actor, &case_id).await;
        assert_eq!(names(&view.documents), ["ALSO.TXT", "MINE.TXT"]);
    }
    assert_not_found(records::document(ctx, &house.patient, &case_id, second, NOW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_of_a_disc_that_brought_nothing_new_wait_too() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    house.deliver(&case_id, &disc("Other^Person", 2)).await;
    let again = with_paper(disc("Other^Person", 2), "REPORT.TXT");
    let receipt = house.deliver(&case_id, &again).await;
    assert_eq!((receipt.instances_stored, receipt.duplicates), (0, 5));
    let view = seen(&house, &house.patient, &case_id).await;
    assert!(view.documents.is_empty());
    let view = seen(&house, &house.coordinator, &case_id).await;
    assert_eq!(names(&view.held_papers), ["REPORT.TXT"]);
    // Another patient's report is no report of this case, and cannot be taken as one.
    let input = OriginalInput::Document(view.held_papers[0].document_id.clone());
    let facts = OriginalFacts::default();
    let taken =
        reading::enter_original(&house.ctx, &house.coordinator, &case_id, input, &facts, NOW);
    assert_invalid(taken.await, "document");
    let check = view.check.unwrap();
    assert!(check.findings.iter().any(|finding| finding.rule == "D01"));
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_that_come_alone_wait_while_images_do() {
    let house = House::sqlite().await;
    let (patient, coordinator) = (&house.patient, &house.coordinator);
    let case_id = house.consented().await;
    let alone = |name: &str| with_paper(Vec::new(), name);
    house.deliver(&case_id, &alone("BEFORE.TXT")).await;
    let with_mine = with_paper(disc("Sample^Alex", 1), "MINE.TXT");
    house.deliver(&case_id, &with_mine).await;
    let view = seen(&house, patient, &case_id).await;
    assert_eq!(names(&view.documents), ["BEFORE.TXT", "MINE.TXT"]);
    house.deliver(&case_id, &disc("Other^Person", 2)).await;
    house.deliver(&case_id, &alone("AFTER.TXT")).await;
    // What came with this patient's images is vouched for by them.
    let view = seen(&house, patient, &case_id).await;
    assert_eq!(names(&view.documents), ["MINE.TXT"]);
    let view = seen(&house, coordinator, &case_id).await;
    assert_eq!(names(&view.held_papers), ["AFTER.TXT", "BEFORE.TXT"]);
    let uid = view.quarantine[0].study.study_instance_uid.clone();
    let right = QuarantineDecision::RightPatient;
    let released: Vec<_> = view
        .held_papers
        .iter()
        .map(|row| (row.document_id.clone(), right))
        .collect();
    decide(&house, coordinator, &case_id, None, &released)
        .await
        .unwrap();
    let other = QuarantineDecision::OtherPatient;
    decide(&house, coordinator, &case_id, Some((&uid, other)), &[])
        .await
        .unwrap();
    // Nothing is in question any more.
    house.deliver(&case_id, &alone("LATER.TXT")).await;
    let view = seen(&house, patient, &case_id).await;
    let all = ["AFTER.TXT", "BEFORE.TXT", "LATER.TXT", "MINE.TXT"];
    assert_eq!(names(&view.documents), all);
}

/// A disc of which a part is known from another case says by its images that its papers are not this case's.
#[tokio::test(flavor = "multi_thread")]
async fn papers_of_a_disc_whose_images_another_case_holds_wait() {
    let house = House::sqlite().await;
    let first = house.consented().await;
    house.deliver(&first, &disc("Sample^Alex", 1)).await;
    let second = house.consented().await;
    let mut part = disc("Sample^Alex", 1);
    part.truncate(2);
    let receipt = house
        .deliver(&second, &with_paper(part, "REPORT.TXT"))
        .await;
    // Whether another case holds them is not told.
    assert_eq!((receipt.instances_stored, receipt.duplicates), (0, 0));
    let view = seen(&house, &house.patient, &second).await;
    assert!(view.studies.is_empty() && view.documents.is_empty());
    let view = seen(&house, &house.coordinator, &second).await;
    assert_eq!(names(&view.held_papers), ["REPORT.TXT"]);
}

/// Writes a PDF of one page with this line.
fn pdf(line: &str) -> Vec<u8> {
    overread_testkit::pdf::page(&format!("BT /F1 12 Tf 72 700 Td ({line}) Tj ET"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_that_names_somebody_else_waits() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    let mut files = disc("Sample^Alex", 1);
    files.push(DiscFile::new(
        "LAB.PDF",
        pdf("Patient: Olive Other | Haemoglobin 13 g/dl"),
    ));
    files.push(DiscFile::new(
        "NOTE.PDF",
        pdf("Patient: Alex Sample | Haemoglobin 13 g/dl"),
    ));
    for (name, text) in [
        ("LAB.TXT", "Patient: Olive Other\nHaemoglobin 13"),
        ("NOTE.TXT", "Patient: Alex Sample\nHaemoglobin 13"),
    ] {
        files.push(DiscFile::new(name, text));
    }
    house.deliver(&case_id, &files).await;
    let view = seen(&house, &house.patient, &case_id).await;
    assert_eq!(names(&view.documents), ["NOTE.PDF", "NOTE.TXT"]);
    let view = seen(&house, &house.coordinator, &case_id).await;
    assert_eq!(names(&view.held_papers), ["LAB.PDF", "LAB.TXT"]);
    // Once somebody said that it is this patient's, the check tells what the text says.
    let released: Vec<_> = view
        .held_papers
        .iter()
        .map(|row| (row.document_id.clone(), QuarantineDecision::RightPatient))
        .collect();
    decide(&house, &house.coordinator, &case_id, None, &released)
        .await
        .unwrap();
    let view = seen(&house, &house.patient, &case_id).await;
    let findings = view.check.unwrap().findings.into_iter();
    let told: Vec<String> = findings
        .filter(|one| one.rule == "D02")
        .map(|one| one.subject)
        .collect();
    assert_eq!(told, ["LAB.TXT"]);
}

/// A paper whose bytes are lost names nobody, and keeps nothing from being judged.
#[tokio::test(flavor = "multi_thread")]
async fn a_paper_that_cannot_be_read_stops_nothing() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    let mut files = with_paper(disc("Other^Person", 1), "NOTE.TXT");
    files.push(DiscFile::new("LAB.PDF", pdf("Patient: Olive Other")));
    let mut receipt = house.deliver(&case_id, &files).await;
    for shelf in fs::read_dir(house.dir.path().join("packs")).unwrap() {
        for pack in fs::read_dir(shelf.unwrap().path()).unwrap() {
            let pack = fs::File::options().write(true).open(pack.unwrap().path());
            pack.unwrap().set_len(0).unwrap();
        }
    }
    records::arrived(&house.ctx, &house.patient, &case_id, &mut receipt, NOW)
        .await
        .unwrap();
    let view = seen(&house, &house.coordinator, &case_id).await;
    let id = &view.quarantine[0].papers[0].document_id;
    let read = records::document(&house.ctx, &house.coordinator, &case_id, id, NOW).await;
    assert!(read.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_names_somebody_else_is_told() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.consented().await;
    let told = async || {
        let check = seen(&house, patient, &case_id).await.check.unwrap();
        let found: Vec<_> = check
            .findings
            .into_iter()
            .filter(|one| one.rule == "D02")
            .collect();
        assert!(found.iter().all(|one| {
            one.severity == "warning"
                && one.message.contains("not this patient's")
                && !one.message.contains("Olive")
        }));
        found.len()
    };
    let mut files = disc("Sample^Alex", 1);
    let theirs = "Patient: Olive Other\nDOB: 1951-07-07\nFINDINGS: Normal.";
    files.push(DiscFile::new("REPORT.TXT", theirs));
    house.deliver(&case_id, &files).await;
    assert_eq!(told().await, 0, "the paper is held back");
    for (name, expect) in [("Olive Other", 1), ("Sample, Alex", 0)] {
        let text = format!("PATIENT NAME: {name}   SEX: F\nFINDINGS:\nL5-S1: Normal.");
        let pasted = OriginalInput::Pasted(text);
        let facts = OriginalFacts::default();
        reading::enter_original(ctx, patient, &case_id, pasted, &facts, NOW)
            .await
            .unwrap();
        assert_eq!(told().await, expect, "{name}");
    }
}
