//! Rows of cases: versions, who sees which, grants, timeline, readings, held studies, drafts.

use overread_model::access::{Actor, Right, Role};
use overread_model::extent::{Digest, Extent, PackId};
use overread_model::ids::{CaseId, DeliveryId, DocumentId, PersonId};
use overread_model::verdict::Verdict;
use overread_store::cases::{self, CaseRow, Which};
use overread_store::checks::{self, CheckRow, HeldDecision, OverrideRow};
use overread_store::grants::{self, NewGrant};
use overread_store::studies::{self, DeliveryScope, StudyKey};
use overread_store::{
    Tx, audit, deliveries, documents, held_papers, original_reports, people, reports, review_tasks,
    reviewers, timeline,
};

use crate::house::{House, NOW, Spec, both, enter, machine, person, scope};

pub(super) fn row(number: u8) -> CaseRow {
    CaseRow {
        state: "matching".to_owned(),
        state_since: NOW.plus_seconds(i64::from(number)).as_micros(),
        ..overread_testkit::case::row(&case(number), NOW)
    }
}

pub(super) fn case(number: u8) -> CaseId {
    CaseId::from_random([number; 16])
}

async fn add_person(tx: &mut Tx, number: u8) -> Actor {
    people::insert(
        tx,
        &crate::people::row(number, &format!("p{number}@x.example")),
    )
    .await
    .unwrap();
    person(number, Role::Patient)
}

async fn versions_and_numbers(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let mut one = row(1);
    cases::insert(&mut tx, &one).await.unwrap();
    one.state = "offered".to_owned();
    one.due_at = Some(5);
    assert!(cases::update(&mut tx, &one).await.unwrap());
    assert!(
        !cases::update(&mut tx, &one).await.unwrap(),
        "the same version twice"
    );
    let read = cases::find(&mut tx, &case(1)).await.unwrap().unwrap();
    assert_eq!(
        (read.version, read.state.as_str(), read.due_at),
        (2, "offered", Some(5))
    );
    assert_eq!(cases::next_number(&mut tx, 2026).await.unwrap(), 1);
    assert_eq!(cases::next_number(&mut tx, 2026).await.unwrap(), 2);
    assert_eq!(cases::next_number(&mut tx, 2027).await.unwrap(), 1);
    let mut child = row(2);
    child.parent_id = Some(one.id.clone());
    cases::insert(&mut tx, &child).await.unwrap();
    assert_eq!(cases::children(&mut tx, &case(1)).await.unwrap().len(), 1);
    assert_eq!(
        cases::past_due(&mut tx, "offered", NOW, 9)
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn visibility(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let alex = add_person(&mut tx, 1).await;
    for number in 1..=4 {
        let mut new = row(number);
        new.due_at = (number == 2).then_some(NOW.as_micros() - 1);
        cases::insert(&mut tx, &new).await.unwrap();
    }
    let mut ended = row(3);
    ended.ended_at = Some(NOW.as_micros());
    assert!(cases::update(&mut tx, &ended).await.unwrap());
    for (number, until_at) in [
        (1_u8, None),
        (2, None),
        (3, None),
        (4, Some(NOW.plus_seconds(60))),
    ] {
        let case_id = case(number);
        let grant = NewGrant {
            case_id: &case_id,
            subject_kind: "person",
            subject_id: alex.id(),
            rights: &[Right::ViewCase, Right::AddRecords],
            until_at,
        };
        grants::give(&mut tx, grant, &machine(), NOW).await.unwrap();
    }
    let ids = |rows: Vec<CaseRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let open = ids(cases::list(&mut tx, &alex, Which::Open, NOW, 9)
        .await
        .unwrap());
    assert_eq!(open.len(), 3);
    assert_eq!(open[0], case(2).as_str(), "overdue first");
    let later = NOW.plus_seconds(60);
    assert_eq!(
        cases::count(&mut tx, &alex, Which::Open, later)
            .await
            .unwrap(),
        2,
        "an ended grant"
    );
    assert_eq!(
        cases::count(&mut tx, &alex, Which::Overdue, NOW)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        cases::count(&mut tx, &alex, Which::Ended, NOW)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        cases::count(&mut tx, &person(2, Role::Patient), Which::All, NOW)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        cases::count(&mut tx, &person(3, Role::Coordinator), Which::All, NOW)
            .await
            .unwrap(),
        4
    );
    assert_eq!(
        grants::rights_of(&mut tx, &alex, &case(1), NOW)
            .await
            .unwrap()
            .len(),
        2
    );
    grants::tie(&mut tx, &case(1), alex.id(), "asked")
        .await
        .unwrap();
    grants::tie(&mut tx, &case(1), alex.id(), "asked")
        .await
        .unwrap();
    assert_eq!(
        grants::ties_of(&mut tx, &case(1), alex.id()).await.unwrap(),
        ["asked"]
    );
    assert_eq!(
        grants::tied(&mut tx, &case(1), "asked").await.unwrap(),
        [alex.id()]
    );
    assert_eq!(
        grants::revoke_all_but_askers(&mut tx, &case(1), NOW)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        grants::revoke_all_but_askers(&mut tx, &case(2), NOW)
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        grants::set_end(&mut tx, &case(4), alex.id(), NOW)
            .await
            .unwrap(),
        2
    );
    assert!(
        grants::rights_of(&mut tx, &alex, &case(4), NOW)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn lines_and_readings(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let alex = add_person(&mut tx, 1).await;
    cases::insert(&mut tx, &row(1)).await.unwrap();
    for (to_state, staff_only) in [("a", false), ("b", true), ("a", false)] {
        let line = timeline::NewLine {
            event: "x",
            from_state: "z",
            to_state,
            what: "It happened",
            note: "",
            staff_only,
        };
        timeline::add(&mut tx, &alex, &case(1), &line, NOW)
            .await
            .unwrap();
    }
    assert_eq!(
        timeline::list(&mut tx, &case(1), true, 9)
            .await
            .unwrap()
            .len(),
        3
    );
    let shown = timeline::list(&mut tx, &case(1), false, 9).await.unwrap();
    assert_eq!(
        (shown.len(), shown[0].who.as_deref()),
        (2, Some("Person 1"))
    );
    let mut reached = timeline::first_reached(&mut tx, &case(1)).await.unwrap();
    reached.sort();
    assert_eq!(
        reached,
        [
            ("a".to_owned(), NOW.as_micros()),
            ("b".to_owned(), NOW.as_micros())
        ]
    );
    timeline::note_read(&mut tx, &alex, &case(1), "report", NOW)
        .await
        .unwrap();
    timeline::note_read(&mut tx, &alex, &case(1), "report", NOW.plus_seconds(9))
        .await
        .unwrap();
    let reads = timeline::reads(&mut tx, &case(1), 9).await.unwrap();
    assert_eq!(
        (reads[0].times, reads[0].first_at, reads[0].role.as_str()),
        (2, NOW.as_micros(), "patient")
    );
    // Another role is kept beside the first, each of them once.
    for role in [Role::Reviewer, Role::Patient, Role::Reviewer] {
        let also = Actor::Person {
            person_id: alex.id().parse().unwrap(),
            role,
        };
        timeline::note_read(&mut tx, &also, &case(1), "report", NOW)
            .await
            .unwrap();
    }
    let reads = timeline::reads(&mut tx, &case(1), 9).await.unwrap();
    assert_eq!(
        (reads[0].times, reads[0].role.as_str()),
        (5, "patient reviewer")
    );
}

async fn unfiled_studies(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    for number in [1, 2] {
        cases::insert(&mut tx, &row(number)).await.unwrap();
    }
    tx.commit().await.unwrap();
    for study in 1..=3 {
        let spec = Spec {
            study,
            ..Spec::default()
        };
        enter(&house, &scope(machine(), None), &[spec]).await;
    }
    let mut tx = house.store.begin().await.unwrap();
    let uids = |rows: &[checks::StudyRow]| -> Vec<String> {
        let uids = rows.iter().map(|row| row.study_instance_uid.clone());
        uids.collect()
    };
    let first = studies::unfiled(&mut tx, StudyKey(0), 2).await.unwrap();
    assert_eq!(uids(&first), ["1.2.1", "1.2.2"]);
    let rest = studies::unfiled(&mut tx, StudyKey(first[1].id), 2).await;
    assert_eq!(uids(&rest.unwrap()), ["1.2.3"]);
    assert_eq!(studies::count_unfiled(&mut tx).await.unwrap(), 3);
    let unknown = studies::lock_unfiled(&mut tx, "1.2.9").await.unwrap();
    assert!(unknown.is_none());
    // Two coordinators file one study at the same time.
    let study = studies::lock_unfiled(&mut tx, "1.2.1").await.unwrap();
    let key = StudyKey(study.unwrap().id);
    studies::link_pending(&mut tx, key, &case(1), NOW)
        .await
        .unwrap();
    let mut second = std::pin::pin!(async {
        let mut tx = house.store.begin().await.unwrap();
        studies::lock_unfiled(&mut tx, "1.2.1").await.unwrap()
    });
    let waits = tokio::time::timeout(std::time::Duration::from_millis(200), &mut second).await;
    assert!(waits.is_err(), "the second waits for the first");
    tx.commit().await.unwrap();
    assert!(second.await.is_none(), "and finds the study in a case");
    // A delivery that brings a study for a case, and a coordinator who files it.
    let mut tx = house.store.begin().await.unwrap();
    let study = studies::lock_unfiled(&mut tx, "1.2.2").await.unwrap();
    let brought = StudyKey(study.unwrap().id);
    tx.rollback().await.unwrap();
    let mut tx = house.store.begin().await.unwrap();
    let brings = scope(machine(), Some(case(2)));
    assert!(
        studies::may_link(&mut tx, brought, &brings, 1)
            .await
            .unwrap()
    );
    let mut files = std::pin::pin!(async {
        let mut tx = house.store.begin().await.unwrap();
        studies::lock_unfiled(&mut tx, "1.2.2").await.unwrap()
    });
    let waits = tokio::time::timeout(std::time::Duration::from_millis(200), &mut files).await;
    assert!(waits.is_err(), "who files waits for who brings");
    studies::link_pending(&mut tx, brought, &case(2), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(files.await.is_none());
    let spec = Spec {
        study: 4,
        ..Spec::default()
    };
    enter(&house, &scope(machine(), None), &[spec]).await;
    let mut tx = house.store.begin().await.unwrap();
    let study = studies::lock_unfiled(&mut tx, "1.2.4").await.unwrap();
    let filed = StudyKey(study.unwrap().id);
    let mut brings = std::pin::pin!(async {
        let mut tx = house.store.begin().await.unwrap();
        studies::link_pending(&mut tx, filed, &case(2), NOW).await
    });
    let waits = tokio::time::timeout(std::time::Duration::from_millis(200), &mut brings).await;
    assert!(waits.is_err(), "who brings waits for who files");
    studies::link_pending(&mut tx, filed, &case(1), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    brings.await.unwrap();
    let mut tx = house.store.begin().await.unwrap();
    assert_eq!(studies::count_unfiled(&mut tx).await.unwrap(), 1);
    let decision = HeldDecision {
        study_id: key.0,
        right_patient: false,
        reason: "x",
        decided_by: "y",
    };
    checks::hold_back(&mut tx, &case(1), key.0, "another name", NOW)
        .await
        .unwrap();
    checks::decide_held(&mut tx, &case(1), decision, NOW)
        .await
        .unwrap();
    for (number, expect) in [(1, true), (2, false)] {
        let told = studies::is_of_other_patient(&mut tx, key, &case(number)).await;
        assert_eq!(told.unwrap(), expect);
    }
}

async fn mixed_studies(house: House) {
    let delivery = scope(machine(), Some(case(1)));
    let case_id = case(1);
    let mut tx = house.store.begin().await.unwrap();
    cases::insert(&mut tx, &row(1)).await.unwrap();
    tx.commit().await.unwrap();
    let judge = async |expect: usize| {
        let mut tx = house.store.begin().await.unwrap();
        let mixed = checks::mixed_studies(&mut tx, &case_id).await.unwrap();
        assert_eq!(mixed.len(), expect);
        for study in checks::studies_to_judge(&mut tx, &case_id).await.unwrap() {
            if mixed.contains(&study.id) {
                let held = checks::hold_back(&mut tx, &case_id, study.id, "mixed", NOW).await;
                held.unwrap();
            }
            checks::show_judged(&mut tx, &case_id, study.id)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    };
    let shown = async || {
        let mut tx = house.store.read().await.unwrap();
        checks::studies(&mut tx, &case_id).await.unwrap().len()
    };
    let other = |instance| Spec {
        instance,
        patient: "Other^Name",
        ..Spec::default()
    };
    enter(&house, &delivery, &[Spec::default()]).await;
    judge(0).await;
    assert_eq!(shown().await, 1);
    enter(&house, &delivery, &[other(2)]).await;
    assert_eq!(shown().await, 0, "hidden before anybody judges it");
    judge(1).await;
    // What comes after it does not show it again: the study waits.
    enter(
        &house,
        &delivery,
        &[Spec {
            instance: 3,
            ..Spec::default()
        }],
    )
    .await;
    judge(1).await;
    assert_eq!(shown().await, 0);
    let decide = async |right_patient| {
        let mut tx = house.store.begin().await.unwrap();
        let held = checks::held_back(&mut tx, &case_id).await.unwrap();
        let decision = HeldDecision {
            study_id: held[0].study.id,
            right_patient,
            reason: "asked",
            decided_by: "me",
        };
        let decided = checks::decide_held(&mut tx, &case_id, decision, NOW).await;
        assert!(decided.unwrap());
        tx.commit().await.unwrap();
    };
    decide(true).await;
    judge(0).await;
    assert_eq!(shown().await, 1);
    enter(&house, &delivery, &[other(4)]).await;
    assert_eq!(shown().await, 0, "the decision was about other images");
    let mut tx = house.store.read().await.unwrap();
    let rows = audit::list_of_case(&mut tx, &case_id).await.unwrap();
    let told: Vec<&str> = rows.iter().map(|row| row.event.as_str()).collect();
    assert_eq!(told, ["delivery.started", "quarantine.reopened"]);
    drop(tx);
    judge(1).await;
    decide(false).await;
    judge(0).await;
    assert_eq!(shown().await, 0);
}

async fn held_studies(house: House) {
    let delivery = scope(machine(), Some(case(1)));
    {
        let mut tx = house.store.begin().await.unwrap();
        cases::insert(&mut tx, &row(1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    enter(&house, &scope(machine(), None), &[Spec::default()]).await;
    enter(&house, &delivery, &[Spec::default()]).await;
    let mut tx = house.store.begin().await.unwrap();
    let study = checks::study_by_uid(&mut tx, "1.2.1")
        .await
        .unwrap()
        .unwrap();
    let case_id = case(1);
    if checks::studies(&mut tx, &case_id).await.unwrap().is_empty() {
        let decision = HeldDecision {
            study_id: study.id,
            right_patient: true,
            reason: "x",
            decided_by: "y",
        };
        checks::hold_back(&mut tx, &case_id, study.id, "setup", NOW)
            .await
            .unwrap();
        checks::decide_held(&mut tx, &case_id, decision, NOW)
            .await
            .unwrap();
    }
    assert_eq!(studies::count_unfiled(&mut tx).await.unwrap(), 0);
    let confirmed = checks::confirmed_studies(&mut tx, &case_id).await;
    assert_eq!(confirmed.unwrap(), ["1.2.1"]);
    checks::outdate_confirmed(&mut tx, &case_id).await.unwrap();
    let confirmed = checks::confirmed_studies(&mut tx, &case_id).await;
    assert!(confirmed.unwrap().is_empty());
    assert_eq!(checks::series(&mut tx, study.id).await.unwrap().len(), 1);
    cases::insert(&mut tx, &row(2)).await.unwrap();
    cases::share_studies(&mut tx, &case_id, &case(2), NOW)
        .await
        .unwrap();
    assert!(
        checks::hold_back(&mut tx, &case(2), study.id, "another name", NOW)
            .await
            .unwrap()
    );
    assert!(
        !checks::hold_back(&mut tx, &case(2), study.id, "again", NOW)
            .await
            .unwrap()
    );
    assert!(checks::studies(&mut tx, &case(2)).await.unwrap().is_empty());
    assert_eq!(
        checks::held_back(&mut tx, &case(2)).await.unwrap()[0].reason,
        "another name"
    );
    let no = HeldDecision {
        study_id: study.id,
        right_patient: false,
        reason: "other",
        decided_by: "me",
    };
    assert!(
        checks::decide_held(&mut tx, &case(2), no, NOW)
            .await
            .unwrap()
    );
    assert!(
        !checks::decide_held(&mut tx, &case(2), no, NOW)
            .await
            .unwrap(),
        "once"
    );
    cases::share_studies(&mut tx, &case_id, &case(2), NOW)
        .await
        .unwrap();
    checks::hold_back(&mut tx, &case(2), study.id, "again", NOW)
        .await
        .unwrap();
    assert!(
        checks::studies(&mut tx, &case(2)).await.unwrap().is_empty(),
        "stays out"
    );
    for ready in [0, 1] {
        let check = CheckRow {
            checked_at: NOW.as_micros(),
            ready,
            result: "{}".to_owned(),
        };
        checks::insert(&mut tx, &case_id, &check).await.unwrap();
    }
    assert_eq!(
        checks::newest(&mut tx, &case_id)
            .await
            .unwrap()
            .unwrap()
            .ready,
        1
    );
    for reason in ["first", "second"] {
        let row = OverrideRow {
            rule: "F01".to_owned(),
            reason: reason.to_owned(),
            found: format!("found {reason}"),
        };
        checks::override_rule(&mut tx, &case_id, &row, "me", NOW)
            .await
            .unwrap();
    }
    let waved = checks::overrides(&mut tx, &case_id).await.unwrap();
    assert_eq!(
        (waved[0].reason.as_str(), waved[0].found.as_str()),
        ("second", "found second")
    );
    checks::drop_override(&mut tx, &case_id, "F99")
        .await
        .unwrap();
    assert_eq!(checks::overrides(&mut tx, &case_id).await.unwrap().len(), 1);
    checks::drop_override(&mut tx, &case_id, "F01")
        .await
        .unwrap();
    assert!(
        checks::overrides(&mut tx, &case_id)
            .await
            .unwrap()
            .is_empty()
    );
    original_of_a_time(&mut tx, &case_id).await;
}

async fn original_of_a_time(tx: &mut overread_store::Tx, case_id: &CaseId) {
    use overread_store::original_reports::{self, OriginalRow};
    for version in 1..=2 {
        let row = OriginalRow {
            version,
            body: format!("Text {version}"),
            source: "paste".to_owned(),
            document_id: None,
            report_date: String::new(),
            author: String::new(),
            institution: String::new(),
            entered_by: "me".to_owned(),
            entered_at: NOW.plus_days(version).as_micros(),
        };
        original_reports::insert(tx, case_id, &row).await.unwrap();
    }
    for (days, body) in [(0, None), (1, Some("Text 1")), (9, Some("Text 2"))] {
        let at = NOW.plus_days(days);
        let found = original_reports::in_force_at(tx, case_id, at)
            .await
            .unwrap();
        assert_eq!(found.map(|row| row.body).as_deref(), body, "{days}");
    }
}

async fn tasks_and_drafts(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let rosa = add_person(&mut tx, 1).await;
    let Actor::Person { person_id, .. } = &rosa else {
        panic!("a person")
    };
    people::add_role(&mut tx, person_id, Role::Reviewer)
        .await
        .unwrap();
    let entry = reviewers::ReviewerRow {
        id: PersonId::from_random([5; 16]).as_str().to_owned(),
        name: "Rosa".to_owned(),
        email_folded: "p1@x.example".to_owned(),
        kind: "radiologist".to_owned(),
        profile: "{}".to_owned(),
        active: 1,
        version: 1,
        person_id: None,
        open_tasks: 0,
    };
    reviewers::insert(&mut tx, &entry, NOW).await.unwrap();
    assert!(reviewers::update(&mut tx, &entry, NOW).await.unwrap());
    assert!(!reviewers::update(&mut tx, &entry, NOW).await.unwrap());
    cases::insert(&mut tx, &row(1)).await.unwrap();
    let mut child = row(2);
    child.parent_id = Some(row(1).id);
    cases::insert(&mut tx, &child).await.unwrap();
    review_tasks::insert(&mut tx, "t1", &case(1), &entry.id, "me", NOW)
        .await
        .unwrap();
    review_tasks::offer(&mut tx, "t1", Some(NOW.plus_days(2)), NOW)
        .await
        .unwrap();
    assert_eq!(
        cases::count(&mut tx, &rosa, Which::Open, NOW)
            .await
            .unwrap(),
        1,
        "an offer shows"
    );
    assert_eq!(reviewers::list(&mut tx, 9).await.unwrap()[0].open_tasks, 1);
    review_tasks::accept(&mut tx, "t1", true, "", NOW)
        .await
        .unwrap();
    assert!(
        review_tasks::lock_first_impression(&mut tx, "t1", "Text", NOW)
            .await
            .unwrap()
    );
    assert!(
        !review_tasks::lock_first_impression(&mut tx, "t1", "Other", NOW)
            .await
            .unwrap()
    );
    review_tasks::note_original_opened(&mut tx, "t1", NOW)
        .await
        .unwrap();
    let task = review_tasks::current(&mut tx, &case(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (task.first_impression.as_deref(), task.person_id.as_deref()),
        (Some("Text"), Some(rosa.id()))
    );
    let report = reports::ReportRow {
        id: "r1".to_owned(),
        case_id: row(1).id,
        task_id: "t1".to_owned(),
        person_id: rosa.id().to_owned(),
        version: 1,
        draft: "{}".to_owned(),
        created_at: 0,
        saved_at: 0,
        signed: Some("{}".to_owned()),
        signed_at: Some(1),
        limitations: "[]".to_owned(),
    };
    reports::insert(&mut tx, &report).await.unwrap();
    assert!(reports::save(&mut tx, &report).await.unwrap());
    assert!(!reports::save(&mut tx, &report).await.unwrap());
    assert!(
        !reports::sign(&mut tx, &report).await.unwrap(),
        "an old version is not signed"
    );
    let newest = reports::ReportRow {
        version: 2,
        ..report
    };
    assert!(reports::sign(&mut tx, &newest).await.unwrap());
    assert!(
        !reports::save(&mut tx, &newest).await.unwrap(),
        "a signed report never changes"
    );
    assert!(reports::signed(&mut tx, &case(1)).await.unwrap().is_some());
    for (number, saved_at) in [("k1", 1), ("k2", 2), ("k3", 3)] {
        let kept = reports::KeptRow {
            id: number.to_owned(),
            saved_at,
            draft: "{}".to_owned(),
        };
        reports::keep(&mut tx, "r1", &kept, 2).await.unwrap();
    }
    let kept: Vec<String> = reports::kept(&mut tx, "r1")
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(kept, ["k3", "k2"]);
    review_tasks::end(&mut tx, "t1", "done", "", NOW)
        .await
        .unwrap();
    assert_eq!(
        review_tasks::readers_before(&mut tx, &case(2))
            .await
            .unwrap(),
        std::slice::from_ref(&entry.id)
    );
    assert!(
        review_tasks::readers_before(&mut tx, &case(1))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        reviewers::of_person(&mut tx, rosa.id()).await.unwrap(),
        [entry.id]
    );
}

/// Adds a person and their entry of the directory; returns both, the entry by its id.
pub(super) async fn add_reviewer(tx: &mut Tx, number: u8) -> (Actor, String) {
    add_person(tx, number).await;
    let entry = reviewers::ReviewerRow {
        id: PersonId::from_random([number + 100; 16])
            .as_str()
            .to_owned(),
        name: "Rosa".to_owned(),
        email_folded: format!("p{number}@x.example"),
        kind: "radiologist".to_owned(),
        profile: "{}".to_owned(),
        active: 1,
        version: 1,
        person_id: None,
        open_tasks: 0,
    };
    reviewers::insert(tx, &entry, NOW).await.unwrap();
    (person(number, Role::Reviewer), entry.id)
}

async fn who_knows_the_first_reading(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    cases::insert(&mut tx, &row(1)).await.unwrap();
    let mut child = row(2);
    child.parent_id = Some(row(1).id);
    cases::insert(&mut tx, &child).await.unwrap();
    let mut entries = Vec::new();
    for (number, what) in [(1, "original report"), (2, "documents"), (3, "images")] {
        let (actor, entry) = add_reviewer(&mut tx, number).await;
        timeline::note_read(&mut tx, &actor, &case(1), what, NOW)
            .await
            .unwrap();
        entries.push(entry);
    }
    let (typist, entry) = add_reviewer(&mut tx, 4).await;
    entries.push(entry);
    let typed = original_reports::OriginalRow {
        version: 1,
        body: "x".to_owned(),
        source: "paste".to_owned(),
        document_id: None,
        report_date: String::new(),
        author: String::new(),
        institution: String::new(),
        entered_by: typist.id().to_owned(),
        entered_at: NOW.as_micros(),
    };
    original_reports::insert(&mut tx, &case(2), &typed)
        .await
        .unwrap();
    let (_, letter) = add_reviewer(&mut tx, 5).await;
    timeline::note_read(
        &mut tx,
        &person(5, Role::Coordinator),
        &case(1),
        "letter",
        NOW,
    )
    .await
    .unwrap();
    entries.push(letter);
    // In another role the images of a case show the reports among them.
    let (_, images) = add_reviewer(&mut tx, 6).await;
    let coordinator = person(6, Role::Coordinator);
    timeline::note_read(&mut tx, &coordinator, &case(1), "images", NOW)
        .await
        .unwrap();
    let knows = async |tx: &mut Tx, number| {
        review_tasks::seen_first_reading(tx, &case(number))
            .await
            .unwrap()
    };
    let of = |indexes: &[usize]| -> Vec<String> {
        indexes
            .iter()
            .map(|index| entries[*index].clone())
            .collect()
    };
    assert_eq!(knows(&mut tx, 1).await, of(&[0, 1, 4]));
    let and_typist = of(&[0, 1, 3, 4]);
    assert_eq!(
        knows(&mut tx, 2).await,
        and_typist,
        "also of the case before"
    );
    tx.commit().await.unwrap();
    for (modality, sees) in [("MR", false), ("SR", true)] {
        let spec = Spec {
            series: if sees { 2 } else { 1 },
            modality,
            ..Spec::default()
        };
        let scope = scope(machine(), Some(case(1)));
        enter(&house, &scope, &[spec]).await;
        let mut tx = house.store.begin().await.unwrap();
        let known = knows(&mut tx, 1).await;
        assert_eq!(known.contains(&images), sees, "{modality}");
        assert!(!known.contains(&entries[2]), "a reviewer sees no reports");
    }
    // Who opened the reports themselves, by whatever door, is known in every case of the study.
    let mut tx = house.store.begin().await.unwrap();
    let (reader, by_web) = add_reviewer(&mut tx, 7).await;
    let what = timeline::REPORTS_AMONG_IMAGES;
    assert!(!knows(&mut tx, 1).await.contains(&by_web));
    timeline::note_read_of_study(&mut tx, &reader, "1.2.1", what, NOW)
        .await
        .unwrap();
    assert!(knows(&mut tx, 1).await.contains(&by_web));
}

/// A paper that came alone waits while images do, but not while its own delivery may still bring images.
async fn papers_that_come_alone(house: House) {
    let stranger = scope(machine(), Some(case(1)));
    enter(&house, &stranger, &[Spec::default()]).await;
    let mut tx = house.store.begin().await.unwrap();
    cases::insert(&mut tx, &row(1)).await.unwrap();
    for study in checks::studies_to_judge(&mut tx, &case(1)).await.unwrap() {
        let reason = "Somebody else.";
        checks::hold_back(&mut tx, &case(1), study.id, reason, NOW)
            .await
            .unwrap();
    }
    let alone = DeliveryScope {
        delivery_id: DeliveryId::from_random([2; 16]),
        case_id: Some(case(1)),
        actor: machine(),
    };
    deliveries::start(&mut tx, &alone, "test", NOW)
        .await
        .unwrap();
    let paper = documents::NewDocument {
        id: DocumentId::from_random([2; 16]),
        case_id: Some(case(1)),
        delivery_id: Some(alone.delivery_id.clone()),
        name: "NOTE.TXT".to_owned(),
        media_type: "text/plain".into(),
        kind: "document".into(),
        extent: Extent {
            pack_id: PackId::new(7).unwrap(),
            offset_bytes: 16,
            length_bytes: 1,
        },
        digest: Digest::new([2; 32]),
    };
    documents::enter(&mut tx, &paper, NOW).await.unwrap();
    held_papers::hold_without_images(&mut tx, &case(1), NOW)
        .await
        .unwrap();
    let held = async |tx: &mut Tx| held_papers::list(tx, &case(1)).await.unwrap().len();
    assert_eq!(held(&mut tx).await, 0, "it still runs");
    tx.commit().await.unwrap();
    for broke_off in [true, false] {
        // What is written here is given up again with the transaction.
        let mut tx = house.store.begin().await.unwrap();
        let tally = deliveries::Tally::default();
        if !broke_off {
            deliveries::finish(&mut tx, &alone, &tally, "{}", NOW)
                .await
                .unwrap();
        }
        let later = NOW.plus_days(if broke_off { 2 } else { 0 });
        held_papers::hold_without_images(&mut tx, &case(1), later)
            .await
            .unwrap();
        assert_eq!(held(&mut tx).await, 1, "{broke_off}");
        let waiting = held_papers::count_waiting(&mut tx, &case(1)).await;
        assert_eq!(waiting.unwrap(), (1, 1));
    }
}

/// What contradicts an exam of a case waits in that case, also when it was brought for none, and in no other.
async fn conflicts_wait_in_their_case(house: House) {
    let contradicting = |study| Spec {
        study,
        instance: 2,
        patient: "Other^Name",
        patient_id: "P-2",
        ..Spec::default()
    };
    for number in [1, 2] {
        let study = u64::from(number);
        let spec = Spec {
            study,
            ..Spec::default()
        };
        let scope = scope(machine(), Some(case(number)));
        enter(&house, &scope, &[spec]).await;
    }
    let of_none = scope(machine(), None);
    enter(&house, &of_none, &[contradicting(1), contradicting(3)]).await;
    let of_two = scope(machine(), Some(case(2)));
    enter(&house, &of_two, &[contradicting(2)]).await;
    let mut tx = house.store.begin().await.unwrap();
    let first = deliveries::list_conflicts(&mut tx, &case(1), 9).await;
    let first = first.unwrap();
    assert_eq!(first.len(), 1);
    let second = deliveries::list_conflicts(&mut tx, &case(2), 9).await;
    assert_eq!(second.unwrap().len(), 1);
    for waited in [true, false] {
        let settled =
            deliveries::settle_aside(&mut tx, &first[0].id, Verdict::StoredKept, "known", NOW)
                .await;
        assert_eq!(settled.unwrap(), waited);
    }
    let left = deliveries::list_conflicts(&mut tx, &case(1), 9).await;
    assert!(left.unwrap().is_empty());
}

/// Reports among the images of a study open to its reader by the lock, and only those of that study.
async fn the_lock_opens_reports(house: House) {
    use overread_store::access::{is_blind_to, reach};
    let spec = |study, series, modality| Spec {
        study,
        series,
        modality,
        ..Spec::default()
    };
    for study in [1, 2] {
        let scope = scope(machine(), Some(case(study as u8)));
        let specs = [spec(study, 1, "MR"), spec(study, 2, "SR")];
        enter(&house, &scope, &specs).await;
    }
    let mut tx = house.store.begin().await.unwrap();
    let (rosa, entry) = add_reviewer(&mut tx, 1).await;
    for number in [1, 2] {
        cases::insert(&mut tx, &row(number)).await.unwrap();
        for study in checks::studies_to_judge(&mut tx, &case(number))
            .await
            .unwrap()
        {
            checks::show_judged(&mut tx, &case(number), study.id)
                .await
                .unwrap();
        }
        let task = format!("t{number}");
        review_tasks::insert(&mut tx, &task, &case(number), &entry, "me", NOW)
            .await
            .unwrap();
        review_tasks::accept(&mut tx, &task, true, "", NOW)
            .await
            .unwrap();
        let case_id = case(number);
        let grant = NewGrant {
            case_id: &case_id,
            subject_kind: "person",
            subject_id: rosa.id(),
            rights: &[Right::ViewImages],
            until_at: None,
        };
        grants::give(&mut tx, grant, &rosa, NOW).await.unwrap();
    }
    let coordinator = person(1, Role::Coordinator);
    let shown = async |tx: &mut Tx, actor: &Actor| {
        let reach = reach(tx, actor, NOW).await.unwrap();
        let mut shown = Vec::new();
        for study in ["1.2.1", "1.2.2"] {
            let found = studies::instances_of(tx, &reach, study, None)
                .await
                .unwrap();
            let series = studies::SeriesFilter {
                study_instance_uid: Some(study.to_owned()),
                ..studies::SeriesFilter::default()
            };
            let page = studies::Page::default();
            let rows = studies::search_series(tx, &reach, &series, &page).await;
            assert_eq!(rows.unwrap().len(), found.len(), "{study}");
            let filter = studies::StudyFilter {
                study_instance_uids: vec![study.to_owned()],
                modalities_in_study: vec!["SR".to_owned()],
                ..studies::StudyFilter::default()
            };
            let told = studies::search_studies(tx, &reach, &filter, &page)
                .await
                .unwrap();
            assert_eq!(told.len() + 1, found.len(), "{study}");
            assert!(told.iter().all(|row| row.instance_count == 2));
            // What ordinary images carry of the first reading opens with the reports.
            let is_blind = is_blind_to(tx, &reach, study).await.unwrap();
            assert_eq!(is_blind, found.len() == 1, "{study}");
            shown.push(found.len());
        }
        shown
    };
    for actor in [&rosa, &coordinator] {
        assert_eq!(shown(&mut tx, actor).await, [1, 1]);
    }
    review_tasks::lock_first_impression(&mut tx, "t1", "Text", NOW)
        .await
        .unwrap();
    for actor in [&rosa, &coordinator] {
        assert_eq!(shown(&mut tx, actor).await, [2, 1]);
    }
    // The same study in a case that is not locked stays closed.
    let key = StudyKey(
        checks::study_by_uid(&mut tx, "1.2.1")
            .await
            .unwrap()
            .unwrap()
            .id,
    );
    studies::link_to_case(&mut tx, key, &case(2), NOW)
        .await
        .unwrap();
    assert_eq!(shown(&mut tx, &rosa).await, [1, 1]);
    review_tasks::lock_first_impression(&mut tx, "t2", "Text", NOW)
        .await
        .unwrap();
    review_tasks::end(&mut tx, "t1", "withdrawn", "", NOW)
        .await
        .unwrap();
    assert_eq!(shown(&mut tx, &rosa).await, [2, 2]);
}

both!(cases_versions, super::versions_and_numbers);
both!(cases_knowing, super::who_knows_the_first_reading);
both!(cases_papers_alone, super::papers_that_come_alone);
both!(cases_locked, super::the_lock_opens_reports);
both!(cases_visibility, super::visibility);
both!(cases_lines, super::lines_and_readings);
both!(cases_held, super::held_studies);
both!(cases_conflicts, super::conflicts_wait_in_their_case);
both!(cases_mixed, super::mixed_studies);
both!(cases_unfiled, super::unfiled_studies);
both!(cases_tasks, super::tasks_and_drafts);
