//! Deliveries that broke off, and what came after them.

use std::io::Cursor;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_ingest::{DeliveryOptions, DeliverySource, Wanted};
use overread_model::ids::CaseId;
use overread_store::audit;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};
use overread_workflow::filing::TakeIn;
use overread_workflow::records::{self, HeldBackDecision, Incoming, QuarantineDecision};
use overread_workflow::{cases, checking, filing};

use crate::house::{House, NOW, assert_invalid, assert_not_found, assert_stale, disc};

const fn taken(study: &str, image_count: i64) -> TakeIn<'_> {
    TakeIn {
        study,
        image_count,
        reason: "The hospital confirmed it by phone.",
        is_patient_known: false,
    }
}

async fn send(house: &House, case_id: &CaseId, files: &[DiscFile], cut: bool, second: i64) {
    let mut zip = zip_of(files, true).unwrap();
    if cut {
        zip.truncate(zip.len() / 2);
    }
    let now = NOW.plus_seconds(second);
    let incoming = Incoming::Zip(Cursor::new(zip));
    records::receive(&house.ctx, &house.patient, Some(case_id), incoming, now)
        .await
        .unwrap();
}

async fn f06(house: &House, case_id: &CaseId) -> Vec<(String, bool)> {
    let check = checking::run(&house.ctx, &house.coordinator, case_id, NOW)
        .await
        .unwrap();
    let found = check.findings.into_iter().filter(|one| one.rule == "F06");
    found
        .map(|one| (one.severity, one.overridden.is_some()))
        .collect()
}

fn blocker() -> Vec<(String, bool)> {
    vec![("blocker".to_owned(), false)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_copy_repairs_a_broken_one() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    let files = disc("Sample^Alex", 1);
    send(&house, &case_id, &files, true, 1).await;
    assert_eq!(f06(&house, &case_id).await, blocker());
    // Another exam repairs nothing.
    send(&house, &case_id, &disc("Sample^Alex", 3), false, 2).await;
    assert_eq!(f06(&house, &case_id).await, blocker());
    send(&house, &case_id, &files, false, 3).await;
    assert_eq!(f06(&house, &case_id).await, []);
    let view = records::view(&house.ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    let first = view.deliveries.last().unwrap();
    assert!(!first.problems.is_empty(), "it is still on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_ends_with_what_it_was_given_for() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.consented().await;
    let files = disc("Sample^Alex", 1);
    send(&house, &case_id, &files, true, 1).await;
    f06(&house, &case_id).await;
    let version = house.version(coordinator, &case_id).await;
    let rules = ["F06".to_owned()];
    checking::override_rules(
        ctx,
        coordinator,
        &case_id,
        version,
        &rules,
        "It will do.",
        NOW,
    )
    .await
    .unwrap();
    let waved = vec![("blocker".to_owned(), true)];
    assert_eq!(f06(&house, &case_id).await, waved);
    send(&house, &case_id, &files, false, 2).await;
    assert_eq!(f06(&house, &case_id).await, []);
    // What breaks off afterwards is a new matter.
    send(&house, &case_id, &disc("Sample^Alex", 4), true, 3).await;
    assert_eq!(f06(&house, &case_id).await, blocker());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_outlives_an_exam_that_waits_for_a_while() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.consented().await;
    let slice = |instance: u64| {
        let spec = InstanceSpec::mr(1, 1, instance).at_z_mm(instance as f64 * 4.0);
        spec.with(tags::SERIES_DESCRIPTION, VR::LO, "AX T2")
    };
    let file = |spec: InstanceSpec| {
        let bytes = spec.part10().unwrap();
        DiscFile::new(format!("{}.dcm", spec.sop_instance_uid), bytes)
    };
    let came = (1..=12).filter(|instance| ![6, 7].contains(instance));
    let files: Vec<DiscFile> = came.map(|instance| file(slice(instance))).collect();
    send(&house, &case_id, &files, false, 1).await;
    // None without the finding; else why it was waved through.
    let s01 = async || {
        let check = checking::run(ctx, coordinator, &case_id, NOW)
            .await
            .unwrap();
        let mut findings = check.findings.into_iter();
        let found = findings.find(|one| one.rule == "S01");
        found.map(|one| one.overridden)
    };
    assert_eq!(s01().await, Some(None));
    let version = house.version(coordinator, &case_id).await;
    let (rules, reason) = (["S01".to_owned()], "It was planned so.");
    checking::override_rules(ctx, coordinator, &case_id, version, &rules, reason, NOW)
        .await
        .unwrap();
    let waved = Some(Some(reason.to_owned()));
    assert_eq!(s01().await, waved);
    // An image of the same exam names somebody else: all of it waits, and the finding is away with it.
    let other = slice(13).with(tags::PATIENT_NAME, VR::PN, "Sample^Robin");
    send(&house, &case_id, &[file(other)], false, 2).await;
    assert_eq!(s01().await, None);
    let view = records::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    let decision = HeldBackDecision {
        study: Some((
            &view.quarantine[0].study.study_instance_uid,
            QuarantineDecision::RightPatient,
        )),
        birth_date: None,
        papers: &[],
        reason: "A slip of the scanner room.",
    };
    records::decide_quarantine(ctx, coordinator, &case_id, &decision, NOW)
        .await
        .unwrap();
    assert_eq!(s01().await, waved);
    let check = checking::run(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    let mut findings = check.findings.iter();
    let doubts = findings.any(|one| ["P01", "P03"].contains(&one.rule.as_str()));
    assert!(!doubts, "whose images they are was decided");
    // What was missing comes: the reason ends, and that is on record.
    let rest: Vec<DiscFile> = [6, 7].map(|instance| file(slice(instance))).into();
    send(&house, &case_id, &rest, false, 3).await;
    assert_eq!(s01().await, None);
    let mut tx = ctx.store.read().await.unwrap();
    let rows = audit::list_of_case(&mut tx, &case_id).await.unwrap();
    let ended: Vec<_> = rows
        .iter()
        .filter(|row| row.event == "check.override_ended")
        .map(|row| row.subject_id.as_deref())
        .collect();
    assert_eq!(ended, [Some("S01")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_copy_repairs_a_locked_one() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    let files = disc("Sample^Alex", 1);
    let mut zip = zip_of(&files, true).unwrap();
    // Every entry is marked as encrypted, in its own header and in the list.
    for (mark, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let places: Vec<usize> = (0..zip.len())
            .filter(|place| zip[*place..].starts_with(mark))
            .collect();
        for place in places {
            zip[place + flags] |= 1;
        }
    }
    let incoming = Incoming::Zip(Cursor::new(zip));
    records::receive(&house.ctx, &house.patient, Some(&case_id), incoming, NOW)
        .await
        .unwrap();
    let f10 = async || {
        let check = checking::run(&house.ctx, &house.coordinator, &case_id, NOW)
            .await
            .unwrap();
        let found = check.findings.into_iter().filter(|one| one.rule == "F10");
        found
            .map(|one| (one.severity, one.message))
            .collect::<Vec<_>>()
    };
    let found = f10().await;
    assert!(found.len() == 1 && found[0].0 == "blocker", "{found:?}");
    send(&house, &case_id, &files, false, 1).await;
    let found = f10().await;
    assert!(found.len() == 1 && found[0].0 == "warning", "{found:?}");
    assert!(!found[0].1.contains("broke off"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn images_kept_outside_the_case_are_told_and_taken_in() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let files = disc("Sample^Alex", 1);
    // An archive sent them before, for no case.
    let zip = Cursor::new(zip_of(&files, true).unwrap());
    records::receive(ctx, coordinator, None, Incoming::Zip(zip), NOW)
        .await
        .unwrap();
    let case_id = house.consented().await;
    // The patient's copy was exported anew: the same identifiers, other bytes.
    send(&house, &case_id, &disc("Sample^Alex Maria", 1), false, 2).await;
    let check = checking::run(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let rules: Vec<&str> = check.findings.iter().map(|one| one.rule.as_str()).collect();
    assert!(
        rules.contains(&"F12") && !rules.contains(&"F02"),
        "{rules:?}"
    );
    let view = records::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(
        view.studies.is_empty() && view.outside.is_empty(),
        "staff alone decide"
    );
    let view = records::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    let found = &view.outside[0];
    assert_eq!(
        (found.sent_count, found.held_by.len(), found.names_another),
        (Some(0), 0, false),
        "other bytes are none of those images"
    );
    let wanted = taken(&found.study.study_instance_uid, 5);
    assert_not_found(filing::take_in(ctx, &house.patient, &case_id, wanted, NOW).await);
    assert_stale(filing::take_in(ctx, coordinator, &case_id, taken("1.2.3", 5), NOW).await);
    filing::take_in(ctx, coordinator, &case_id, wanted, NOW)
        .await
        .unwrap();
    let view = records::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.outside.len()), (1, 0));
    let found = view.check.unwrap().findings;
    assert!(!found.iter().any(|one| one.rule == "F12"));
    assert!(house.state(&case_id).await.starts_with("records_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stow_left_outside_the_case_is_told_to_the_coordinator() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let files = disc("Sample^Alex", 1);
    let zip = Cursor::new(zip_of(&files, true).unwrap());
    records::receive(ctx, coordinator, None, Incoming::Zip(zip), NOW)
        .await
        .unwrap();
    let case_id = house.consented().await;
    let image = &files
        .iter()
        .find(|one| one.path.contains("IM"))
        .unwrap()
        .bytes;
    let mut part = ctx.ingest.receive().await.unwrap();
    part.push(image).await.unwrap();
    let part = part.finish().await.unwrap();
    let options = DeliveryOptions {
        case_id: Some(case_id.clone()),
        actor: house.patient.clone(),
        now: NOW,
        source: DeliverySource::Stow,
    };
    let mut delivery = ctx.ingest.one_by_one(&options).unwrap();
    let stowed = delivery.store(part, &Wanted::default(), NOW).await;
    assert!(stowed.unwrap().result.is_err());
    let view = records::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert!(view.studies.is_empty());
    assert_eq!(
        (view.outside.len(), view.outside[0].sent_count),
        (1, Some(1))
    );
    let [delivery] = &view.deliveries[..] else {
        panic!("one delivery");
    };
    assert_eq!((delivery.refused, delivery.problems.len()), (0, 1));
    let wanted = taken(&view.outside[0].study.study_instance_uid, 5);
    filing::take_in(ctx, coordinator, &case_id, wanted, NOW)
        .await
        .unwrap();
    let view = records::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.outside.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slice_opens_the_exam_of_another_case_only_with_a_reason_and_the_right_name() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let first = house.consented().await;
    let files = disc("Other^Person", 1);
    house.deliver(&first, &files).await;
    let view = records::view(ctx, coordinator, &first, NOW).await.unwrap();
    let uid = view.quarantine[0].study.study_instance_uid.clone();
    let decision = HeldBackDecision {
        study: Some((&uid, QuarantineDecision::RightPatient)),
        birth_date: "1970-03-02".parse().ok(),
        papers: &[],
        reason: "A wrong label.",
    };
    records::decide_quarantine(ctx, coordinator, &first, &decision, NOW)
        .await
        .unwrap();
    let second = house.consented().await;
    let one: Vec<DiscFile> = files.into_iter().take(1).collect();
    send(&house, &second, &one, false, 2).await;
    let view = records::view(ctx, coordinator, &second, NOW).await.unwrap();
    let row = &view.outside[0];
    assert_eq!((row.sent_count, row.study.instance_count), (Some(1), 5));
    assert!(row.names_another && row.held_by.len() == 1);
    let wanted = taken(&uid, 5);
    let refused = filing::take_in(ctx, coordinator, &second, wanted, NOW).await;
    assert_invalid(refused, "is_patient_known");
    let known = TakeIn {
        is_patient_known: true,
        ..wanted
    };
    let nameless = TakeIn {
        reason: " ",
        ..known
    };
    assert_invalid(
        filing::take_in(ctx, coordinator, &second, nameless, NOW).await,
        "reason",
    );
    let other = TakeIn {
        image_count: 1,
        ..known
    };
    assert_stale(filing::take_in(ctx, coordinator, &second, other, NOW).await);
    filing::take_in(ctx, coordinator, &second, known, NOW)
        .await
        .unwrap();
    let seen = cases::journey(ctx, coordinator, &second, NOW)
        .await
        .unwrap();
    let mut lines = seen.timeline.iter();
    assert!(lines.any(|line| line.what.contains("1 of its 5 images")
        && line.note == "The hospital confirmed it by phone."));
    // It still waits for the decision whose images they are.
    let view = records::view(ctx, coordinator, &second, NOW).await.unwrap();
    assert_eq!((view.studies.len(), view.quarantine.len()), (0, 1));
    let held = &view.quarantine[0];
    assert!(held.has_other_name && held.held_by.len() == 1);
    records::decide_quarantine(ctx, coordinator, &second, &decision, NOW)
        .await
        .unwrap();
    let seen = cases::journey(ctx, coordinator, &second, NOW)
        .await
        .unwrap();
    let told = "The images give another name than the request: name Alex Sample / Person Other.";
    assert!(seen.timeline.iter().any(|line| line.note.contains(told)));
}
