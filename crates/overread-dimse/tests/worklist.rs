//! The modality worklist as DCMTK's `findscu -W` asks for it.

use overread_model::access::Role;
use overread_model::ids::{CaseId, ReviewerId};
use overread_store::cases::{self, CaseRow};
use overread_store::{review_tasks, reviewers};

use crate::dcmtk::dcmtk;
use crate::house::{House, NOW};
use crate::retrieving::filled;

fn row(case_id: &CaseId, number: &str) -> CaseRow {
    CaseRow {
        number: Some(number.to_owned()),
        state: "in_review".to_owned(),
        urgency: "urgent".to_owned(),
        title: format!("Exam {number}"),
        ..overread_testkit::case::row(case_id, NOW)
    }
}

/// Offers a read of a study in a case of its own.
fn offer(house: &House, study: &str, case_id: &CaseId, number: &str) {
    let store = house.store().clone();
    house.wait_for(async {
        let mut tx = store.begin().await.unwrap();
        cases::insert(&mut tx, &row(case_id, number)).await.unwrap();
        let letter = number.bytes().last().unwrap();
        let entry = reviewers::ReviewerRow {
            id: ReviewerId::from_random([letter; 16]).as_str().to_owned(),
            name: format!("Reader {number}"),
            email_folded: format!("{number}@x.example"),
            kind: "radiologist".to_owned(),
            profile: "{}".to_owned(),
            active: 1,
            version: 1,
            person_id: None,
            open_tasks: 0,
        };
        reviewers::insert(&mut tx, &entry, NOW).await.unwrap();
        review_tasks::insert(&mut tx, number, case_id, &entry.id, "me", NOW)
            .await
            .unwrap();
        review_tasks::offer(&mut tx, number, None, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
    house.link(study, case_id);
}

fn accept(house: &House, task: &str) {
    let store = house.store().clone();
    house.wait_for(async {
        let mut tx = store.begin().await.unwrap();
        review_tasks::accept(&mut tx, task, true, "", NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
}

fn end(house: &House, task: &str) {
    let store = house.store().clone();
    house.wait_for(async {
        let mut tx = store.begin().await.unwrap();
        review_tasks::end(&mut tx, task, "done", "", NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
}

/// Asks with findscu; `None` without it.
fn find(house: &House, title: &str, keys: &[&str]) -> Option<(bool, usize, String)> {
    let mut arguments = vec!["-aet", title, "-W"];
    for key in keys {
        arguments.extend(["-k", key]);
    }
    let (is_done, said) = dcmtk("findscu", house, &arguments)?;
    let count = said.matches("Pending").count();
    Some((is_done, count, said))
}

fn check(house: &House, keys: &[&str], expect: usize, holds: &[&str]) {
    let Some((is_done, count, said)) = find(house, "READER", keys) else {
        return;
    };
    assert!(is_done, "{keys:?}: {said}");
    assert_eq!(count, expect, "{keys:?}: {said}");
    for part in holds {
        assert!(said.contains(part), "{keys:?} {part}: {said}");
    }
}

const STEP: &str = "ScheduledProcedureStepSequence[0]";

#[test]
fn reads_that_may_begin_are_listed() {
    let house = House::for_reader(Role::Archive, None, 1);
    let specs = filled(&house);
    let (one, two) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    offer(&house, &specs[0].study_instance_uid, &one, "2026-1");
    offer(&house, &specs[6].study_instance_uid, &two, "2026-2");
    check(&house, &["PatientName", STEP], 0, &[]);
    accept(&house, "2026-1");
    accept(&house, "2026-2");
    let of = |key: &str| format!("{STEP}.{key}");
    let everything = [
        "PatientName".to_owned(),
        "PatientID".to_owned(),
        "StudyInstanceUID".to_owned(),
        "AccessionNumber".to_owned(),
        "RequestedProcedureID".to_owned(),
        of("ScheduledStationAETitle"),
        of("ScheduledProcedureStepStartDate"),
        of("ScheduledProcedureStepStartTime"),
        of("Modality"),
        of("ScheduledPerformingPhysicianName"),
        of("ScheduledProcedureStepDescription"),
        of("ScheduledProcedureStepID"),
    ];
    let everything: Vec<&str> = everything.iter().map(String::as_str).collect();
    let holds = [
        "[READER",
        "[20260302]",
        "[101500]",
        "[MR]",
        "Reader 2026-1",
        "Second opinion: Exam 2026-1",
        "[2026-1]",
        "[P1",
        &specs[0].study_instance_uid,
    ];
    check(&house, &everything, 2, &holds);
    let today = of("ScheduledProcedureStepStartDate=20260301-20260303");
    let later = of("ScheduledProcedureStepStartDate=20260303-");
    let mine = of("ScheduledStationAETitle=READER");
    let theirs = of("ScheduledStationAETitle=ANOTHER");
    let modality = of("Modality=MR");
    let computed = of("Modality=CT");
    let physician = of("ScheduledPerformingPhysicianName=*2026-2");
    for (keys, expect) in [
        (vec!["PatientName=smith*"], 1),
        (vec!["PatientID=P3"], 0),
        (vec!["RequestedProcedureID=2026-1", &modality], 1),
        (vec![&today, &mine, &modality], 2),
        (vec![&later], 0),
        (vec![&theirs], 0),
        (vec![&computed], 0),
        (vec![&physician], 1),
    ] {
        check(&house, &keys, expect, &[]);
    }
    end(&house, "2026-1");
    check(&house, &["PatientName"], 1, &[]);
}

#[test]
fn a_token_lists_the_reads_of_its_case_alone() {
    let one = CaseId::from_random([1; 16]);
    let house = House::for_reader(Role::Reviewer, Some(&one), 1);
    let specs = filled(&house);
    let two = CaseId::from_random([2; 16]);
    offer(&house, &specs[0].study_instance_uid, &one, "2026-1");
    offer(&house, &specs[6].study_instance_uid, &two, "2026-2");
    accept(&house, "2026-1");
    accept(&house, "2026-2");
    check(
        &house,
        &["PatientName", "RequestedProcedureID"],
        1,
        &["[2026-1]"],
    );
    check(&house, &["RequestedProcedureID=2026-2"], 0, &[]);
    let Some((_, count, said)) = find(&house, "TOKENLESS", &["PatientName"]) else {
        return;
    };
    assert_eq!(count, 0, "{said}");
    assert!(said.contains("0x124"), "{said}");
}

#[test]
fn whoever_has_no_work_here_gets_no_list() {
    for role in [Role::Patient, Role::Insurer, Role::ReferringPhysician] {
        let one = CaseId::from_random([1; 16]);
        let house = House::for_reader(role, Some(&one), 1);
        let specs = filled(&house);
        offer(&house, &specs[0].study_instance_uid, &one, "2026-1");
        accept(&house, "2026-1");
        check(&house, &["PatientName"], 0, &[]);
    }
}
