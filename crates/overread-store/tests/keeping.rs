//! Deletions, legal holds, room in cases, and what rules of retention are asked of.

use std::sync::Arc;

use overread_model::access::{Actor, Right};
use overread_model::ids::{CaseId, DeletionId, DeliveryId, ErasureRequestId, LegalHoldId, LinkId};
use overread_model::keeping::{Quota, Usage};
use overread_model::time::Timestamp;
use overread_store::access::Reach;
use overread_store::deletions::{self, NewDeletion};
use overread_store::grants::{self, NewGrant};
use overread_store::legal_holds::{self, Held};
use overread_store::links::{self, LinkRow};
use overread_store::studies::{self, DeliveryScope, Entered, Page, StudyFilter, StudyKey};
use overread_store::{
    Tx, access, cases, checks, commitments, erasure_requests, erasures, proof, quotas, retention,
};

use crate::addenda::link;
use crate::cases::{case, row};
use crate::house::{House, NOW, Spec, both, enter, enter_each, machine, person, scope};

both!(deletion, super::reach);
both!(erasure, super::erasure);
both!(holds, super::holds);
both!(room, super::room);
both!(room_of_two, super::room_of_two);
both!(ended, super::ended);
both!(requests, super::requests);

const LATER: Timestamp = NOW.plus_days(30);

fn id(number: u8) -> DeletionId {
    DeletionId::from_random([number; 16])
}

fn spec(study: u64, instance: u64) -> Spec {
    Spec {
        study,
        instance,
        ..Spec::default()
    }
}

async fn key(tx: &mut Tx, study: u64) -> StudyKey {
    let uid = format!("1.2.{study}");
    studies::key_of(tx, &uid).await.unwrap().unwrap()
}

/// Deletes a study, as an administrator does.
pub(crate) async fn mark(house: &House, number: u8, study: u64) -> bool {
    let mut tx = house.store.begin().await.unwrap();
    let study = key(&mut tx, study).await;
    let new = NewDeletion {
        id: &id(number),
        study,
        reason: "asked for",
        erase_at: LATER,
    };
    let marked = deletions::mark(&mut tx, &new, &machine(), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    marked
}

/// Enters a study and shows it in its case.
async fn in_case(house: &House, case_id: &CaseId, specs: &[Spec]) {
    enter(house, &scope(machine(), Some(case_id.clone())), specs).await;
    let mut tx = house.store.begin().await.unwrap();
    for row in checks::studies_to_judge(&mut tx, case_id).await.unwrap() {
        checks::show_judged(&mut tx, case_id, row.id).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// How many studies somebody reaches, found and counted.
async fn count(house: &House, reach: &Reach) -> usize {
    let mut tx = house.store.read().await.unwrap();
    let all = StudyFilter::default();
    let page = Page::default();
    let found = studies::search_studies(&mut tx, reach, &all, &page);
    let found = found.await.unwrap().len();
    let counted = studies::count_studies(&mut tx, reach, &all).await.unwrap();
    assert_eq!(counted, found as u64);
    found
}

async fn nothing_contradicts(house: &House) {
    let mut tx = house.store.read().await.unwrap();
    let found = proof::contradictions(&mut tx).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}

async fn reach(house: House) {
    let everything = Reach::Everything;
    let of_case = Reach::Case(case(4));
    in_case(&house, &case(4), &[spec(1, 1), spec(1, 2)]).await;
    enter(&house, &scope(machine(), None), &[spec(2, 3)]).await;
    assert_eq!(
        (
            count(&house, &everything).await,
            count(&house, &of_case).await
        ),
        (2, 1)
    );
    assert!(mark(&house, 1, 1).await);
    assert!(!mark(&house, 2, 1).await, "it is deleted already");
    assert_eq!(
        (
            count(&house, &everything).await,
            count(&house, &of_case).await
        ),
        (1, 0)
    );
    let mut tx = house.store.read().await.unwrap();
    for reach in [&everything, &of_case] {
        let found = studies::find_instance(&mut tx, reach, "1.2.1", "1.2.1.1", "1.2.1.1.1");
        assert!(found.await.unwrap().is_none());
        let listed = studies::instances_of(&mut tx, reach, "1.2.1", None)
            .await
            .unwrap();
        assert!(listed.is_empty());
    }
    drop(tx);
    // Who is let into the case once the study is deleted never saw it.
    for (subject_id, moment) in [("early", NOW), ("late", NOW.plus_seconds(10))] {
        let new = NewGrant {
            case_id: &case(4),
            subject_kind: "person",
            subject_id,
            rights: &[Right::ViewImages],
            until_at: None,
        };
        let mut tx = house.store.begin().await.unwrap();
        grants::give(&mut tx, new, &machine(), moment)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = house.store.read().await.unwrap();
    let [early, late, nobody] = ["early", "late", "nobody"].map(|person| Reach::Grants {
        actor_kind: "person".to_owned(),
        actor_id: person.to_owned(),
        now: NOW.plus_seconds(20),
        without_reports: false,
    });
    let other = Reach::Case(case(5));
    for (reach, uid, expect) in [
        (&everything, "1.2.1", true),
        (&of_case, "1.2.1", true),
        (&everything, "1.2.2", false),
        (&other, "1.2.1", false),
        (&early, "1.2.1", true),
        (&late, "1.2.1", false),
        (&nobody, "1.2.1", false),
        (&Reach::Nothing, "1.2.1", false),
    ] {
        let was = deletions::was_in_reach(&mut tx, (&machine(), reach), uid).await;
        assert_eq!(was.unwrap(), expect, "{reach:?} {uid}");
    }
    drop(tx);
    links_made_later_never_saw_it(&house).await;
    let mut tx = house.store.read().await.unwrap();
    assert!(
        checks::study_by_uid(&mut tx, "1.2.1")
            .await
            .unwrap()
            .is_none()
    );
    let held = commitments::held(
        &mut tx,
        &["1.2.1.1.1".to_owned(), "1.2.2.1.3".to_owned()],
        None,
    )
    .await;
    assert_eq!(
        held.unwrap().len(),
        1,
        "nobody is promised what will be erased"
    );
    let unfiled = studies::unfiled(&mut tx, StudyKey(0), 9).await.unwrap();
    assert_eq!(unfiled.len(), 1, "a deleted study waits for no case");
    let known = studies::deleted_among(&mut tx, vec!["1.2.1".to_owned(), "1.2.2".to_owned()]);
    assert_eq!(
        known.await.unwrap().into_iter().collect::<Vec<_>>(),
        ["1.2.1"]
    );
    drop(tx);
    refuses_what_comes(&house).await;

    let mut tx = house.store.begin().await.unwrap();
    let restored = deletions::restore(&mut tx, &id(1), &machine(), NOW)
        .await
        .unwrap();
    assert_eq!(restored, Some(vec![case(4)]));
    let again = deletions::restore(&mut tx, &id(1), &machine(), NOW)
        .await
        .unwrap();
    assert_eq!(again, None, "the second press");
    tx.commit().await.unwrap();
    assert_eq!(count(&house, &everything).await, 2);
    assert_eq!(count(&house, &of_case).await, 0, "it is judged first");
    in_case(&house, &case(4), &[spec(1, 1)]).await;
    assert_eq!(count(&house, &of_case).await, 1);
    nothing_contradicts(&house).await;
}

/// A link reaches its case whenever it was made; what was deleted before it was good was never there for it.
async fn links_made_later_never_saw_it(house: &House) {
    let later = NOW.plus_seconds(1);
    let mut tx = house.store.begin().await.unwrap();
    for number in [4, 5] {
        cases::insert(&mut tx, &row(number)).await.unwrap();
    }
    for (number, of_case, created_at, not_before, expect) in [
        (1, 4, NOW, NOW, true),
        (2, 4, later, later, false),
        (3, 4, NOW, later, false),
        (4, 5, NOW, NOW, false),
    ] {
        let row = LinkRow {
            case_id: case(of_case).as_str().to_owned(),
            created_at: created_at.as_micros(),
            not_before: not_before.as_micros(),
            ..link(number)
        };
        links::insert(&mut tx, &row, &[number; 32]).await.unwrap();
        let actor = Actor::Link {
            link_id: LinkId::from_random([number; 16]),
            case_id: case(of_case),
        };
        let reach = access::reach(&mut tx, &actor, later).await.unwrap();
        let was = deletions::was_in_reach(&mut tx, (&actor, &reach), "1.2.1").await;
        assert_eq!(was.unwrap(), expect, "{number}");
    }
    tx.commit().await.unwrap();
}

/// What comes for a deleted study changes nothing, for whomever it comes.
async fn refuses_what_comes(house: &House) {
    for case_id in [None, Some(case(4)), Some(case(5))] {
        let scope = scope(machine(), case_id);
        let new = enter(house, &scope, &[spec(1, 1), spec(1, 9)]).await;
        assert!(
            new.iter()
                .all(|outcome| outcome.entered == Entered::Deleted),
            "{new:?}"
        );
    }
    let mut tx = house.store.begin().await.unwrap();
    let study = key(&mut tx, 1).await;
    assert_eq!(
        studies::study_counts(&mut tx, study).await.unwrap(),
        Some((2, 200))
    );
    studies::link_to_case(&mut tx, study, &case(5), NOW)
        .await
        .unwrap();
    studies::link_pending(&mut tx, study, &case(5), NOW)
        .await
        .unwrap();
    let cases = checks::cases_of_study(&mut tx, study).await.unwrap();
    assert!(cases.is_empty(), "nothing puts it into a case");
}

async fn erasure(house: House) {
    in_case(&house, &case(4), &[spec(1, 1), spec(1, 2)]).await;
    in_case(&house, &case(4), &[spec(2, 3)]).await;
    assert!(mark(&house, 1, 2).await);
    let mut tx = house.store.begin().await.unwrap();
    let study = key(&mut tx, 2).await;
    let early = LATER.last_moment_before();
    assert!(deletions::due(&mut tx, early, 9).await.unwrap().is_empty());
    assert_eq!(
        deletions::begin_erasure(&mut tx, &id(1), early)
            .await
            .unwrap(),
        None
    );
    assert_eq!(deletions::due(&mut tx, LATER, 9).await.unwrap(), [id(1)]);
    let begun = deletions::begin_erasure(&mut tx, &id(1), LATER)
        .await
        .unwrap();
    assert_eq!(begun.map(|(study, _)| study), Some(study));
    let restored = deletions::restore(&mut tx, &id(1), &machine(), LATER)
        .await
        .unwrap();
    assert_eq!(restored, None, "it is too late");
    tx.commit().await.unwrap();
    nothing_contradicts(&house).await;

    let mut tx = house.store.begin().await.unwrap();
    assert!(deletions::has_unfinished(&mut tx).await.unwrap());
    assert!(
        deletions::finish(&mut tx, LATER).await.unwrap().is_empty(),
        "bytes are left"
    );
    let extents = erasures::some(&mut tx).await.unwrap();
    assert_eq!(extents.len(), 1);
    assert!(
        extents[0].length_bytes > 0,
        "another study's image is in the pack"
    );
    erasures::done(&mut tx, extents[0]).await.unwrap();
    assert!(
        deletions::finish(&mut tx, LATER).await.unwrap().is_empty(),
        "the archive was not told"
    );
    for told in erasures::studies(&mut tx).await.unwrap() {
        erasures::study_done(&mut tx, &told).await.unwrap();
    }
    let finished = deletions::finish(&mut tx, LATER).await.unwrap();
    assert_eq!(finished, [(id(1).as_str().to_owned(), study.0)]);
    assert!(
        deletions::finish(&mut tx, LATER).await.unwrap().is_empty(),
        "once"
    );
    assert!(!deletions::has_unfinished(&mut tx).await.unwrap());
    tx.commit().await.unwrap();

    // What comes after is a study of its own, under a key that no audit row names.
    let new = enter(&house, &scope(machine(), None), &[spec(2, 3)]).await;
    let Entered::Stored(new) = new[0].entered else {
        panic!("it was erased");
    };
    assert!(new > study, "{new} was the key of another study");
    let last = enter(&house, &scope(machine(), None), &[spec(3, 4)]).await;
    assert!(matches!(last[0].entered, Entered::Stored(key) if key > new));
    assert_eq!(count(&house, &Reach::Everything).await, 3);
    nothing_contradicts(&house).await;
}

async fn holds(house: House) {
    in_case(&house, &case(4), &[spec(1, 1)]).await;
    in_case(&house, &case(4), &[spec(2, 2)]).await;
    assert!(mark(&house, 1, 1).await && mark(&house, 2, 2).await);
    let (of_case, of_study) = (
        LegalHoldId::from_random([1; 16]),
        LegalHoldId::from_random([2; 16]),
    );
    let mut tx = house.store.begin().await.unwrap();
    let study = key(&mut tx, 1).await;
    let held = Held::Study(study);
    legal_holds::place(&mut tx, &of_study, &held, "a claim", "p", NOW)
        .await
        .unwrap();
    assert!(legal_holds::covers(&mut tx, study).await.unwrap());
    assert_eq!(deletions::due(&mut tx, LATER, 9).await.unwrap(), [id(2)]);
    // A case's hold covers what was taken out of it.
    let held = Held::Case(case(4));
    legal_holds::place(&mut tx, &of_case, &held, "a claim", "p", NOW)
        .await
        .unwrap();
    assert!(deletions::due(&mut tx, LATER, 9).await.unwrap().is_empty());
    for number in [1, 2] {
        let begun = deletions::begin_erasure(&mut tx, &id(number), LATER)
            .await
            .unwrap();
        assert_eq!(begun, None, "whoever asks");
    }
    assert_eq!(legal_holds::list(&mut tx, 9).await.unwrap().len(), 2);
    let again = LATER.plus_days(30);
    assert!(
        legal_holds::lift(&mut tx, &of_case, "settled", "p", again, LATER)
            .await
            .unwrap()
    );
    assert!(
        !legal_holds::lift(&mut tx, &of_case, "settled", "p", again, LATER)
            .await
            .unwrap()
    );
    assert!(
        legal_holds::lift(&mut tx, &of_study, "settled", "p", again, LATER)
            .await
            .unwrap()
    );
    assert!(!legal_holds::covers(&mut tx, study).await.unwrap());
    let due = deletions::due(&mut tx, again.last_moment_before(), 9)
        .await
        .unwrap();
    assert!(due.is_empty(), "a whole period of grace begins");
    assert_eq!(deletions::due(&mut tx, again, 9).await.unwrap().len(), 2);
}

async fn room(mut house: House) {
    // Every instance of these tests has 100 bytes.
    house.quota = Quota {
        bytes: 1 << 20,
        instances: 2,
    };
    let scope_of = |case_id| scope(machine(), case_id);
    let case_scope = scope_of(Some(case(4)));
    let stored = |outcomes: &[studies::Outcome]| -> Vec<bool> {
        let is_stored = |one: &studies::Outcome| matches!(one.entered, Entered::Stored(_));
        outcomes.iter().map(is_stored).collect()
    };
    let first = enter(&house, &case_scope, &[spec(1, 1), spec(1, 2), spec(1, 3)]).await;
    assert_eq!(stored(&first), [true, true, false]);
    assert_eq!(first[2].entered, Entered::NoRoom);
    let again = enter(&house, &case_scope, &[spec(1, 1)]).await;
    assert!(
        matches!(again[0].entered, Entered::Duplicate(_)),
        "what is there needs no room"
    );
    let other = enter(&house, &case_scope, &[spec(2, 4)]).await;
    assert_eq!(other[0].entered, Entered::NoRoom);
    let mut tx = house.store.begin().await.unwrap();
    let trace = studies::key_of(&mut tx, "1.2.2").await.unwrap();
    assert!(trace.is_none(), "a refused exam leaves no study");
    let used = quotas::usage(&mut tx, &case(4)).await.unwrap();
    assert_eq!(
        used,
        Usage {
            bytes: 200,
            instances: 2
        }
    );
    let more = Quota {
        bytes: 300,
        instances: 9,
    };
    quotas::set(&mut tx, &case(4), more, "a whole body", "p", NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let more = enter(&house, &case_scope, &[spec(1, 3), spec(1, 4)]).await;
    assert_eq!(stored(&more), [true, false], "bytes count, too");
    for free in [scope_of(None), scope_of(Some(case(5)))] {
        let outcome = enter(&house, &free, &[spec(2, 4)]).await;
        assert_ne!(outcome[0].entered, Entered::NoRoom);
    }
    assert!(mark(&house, 1, 1).await);
    let mut tx = house.store.begin().await.unwrap();
    let used = quotas::usage(&mut tx, &case(4)).await.unwrap();
    assert_eq!(used, Usage::default(), "what is deleted makes room");
    drop(tx);
    nothing_contradicts(&house).await;
}

/// What a batch takes of the room of two cases: an exam of both counts in each as it is in the end, and nothing twice.
async fn room_of_two(mut house: House) {
    house.quota = Quota {
        bytes: 1 << 20,
        instances: 3,
    };
    let into = |number: u8| {
        let mut scope = DeliveryScope::clone(&scope(machine(), Some(case(number))));
        scope.delivery_id = DeliveryId::from_random([number; 16]);
        Arc::new(scope)
    };
    let (a, b) = (into(4), into(5));
    let used = async |number: u8| {
        let mut tx = house.store.read().await.unwrap();
        quotas::usage(&mut tx, &case(number))
            .await
            .unwrap()
            .instances
    };
    let has_room = |outcomes: Vec<studies::Outcome>| -> Vec<bool> {
        let has_room = |one: studies::Outcome| one.entered != Entered::NoRoom;
        outcomes.into_iter().map(has_room).collect()
    };
    // The same exam for both, and one image twice for the second.
    let [one, two, three, four] = [1, 2, 3, 4].map(|instance| spec(1, instance));
    let both = [
        (&a, &one),
        (&a, &two),
        (&b, &one),
        (&b, &two),
        (&b, &two),
        (&b, &three),
    ];
    assert_eq!(has_room(enter_each(&house, &both).await), [true; 6]);
    assert_eq!((used(4).await, used(5).await), (3, 3));
    // A stored exam comes into a third case, beside what comes to it for the first in the same batch.
    let outcome = enter_each(&house, &[(&into(6), &four)]).await;
    assert_eq!(has_room(outcome), [false], "four in all");
    let mut tx = house.store.begin().await.unwrap();
    let more = Quota {
        instances: 4,
        ..house.quota
    };
    for number in [4, 6] {
        quotas::set(&mut tx, &case(number), more, "more", "p", NOW)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let c = into(6);
    let joining = [(&a, &four), (&c, &four)];
    assert_eq!(has_room(enter_each(&house, &joining).await), [true; 2]);
    assert_eq!((used(4).await, used(6).await), (4, 4));
    // And one case is not over its room by what the other brings of a new exam.
    let (d, e) = (into(7), into(8));
    let [one, two, three, nine] = [1, 2, 3, 9].map(|instance| Spec {
        series: instance,
        ..spec(2, instance)
    });
    let new = [(&d, &one), (&d, &two), (&d, &three), (&e, &nine)];
    assert_eq!(
        has_room(enter_each(&house, &new).await),
        [true, true, true, false]
    );
    assert_eq!((used(7).await, used(8).await), (3, 0));
    nothing_contradicts(&house).await;
}

async fn ended(house: House) {
    let closed = |number: u8, at: Option<Timestamp>| cases::CaseRow {
        ended_at: at.map(Timestamp::as_micros),
        ..row(number)
    };
    let mut tx = house.store.begin().await.unwrap();
    for new in [
        closed(1, Some(NOW)),
        closed(2, Some(LATER)),
        closed(3, None),
    ] {
        cases::insert(&mut tx, &new).await.unwrap();
        assert!(cases::update(&mut tx, &new).await.unwrap());
    }
    tx.commit().await.unwrap();
    in_case(&house, &case(1), &[spec(1, 1)]).await;
    in_case(&house, &case(1), &[spec(2, 2)]).await;
    in_case(&house, &case(1), &[spec(3, 3)]).await;
    enter(&house, &scope(machine(), None), &[spec(4, 4)]).await;
    let mut tx = house.store.begin().await.unwrap();
    let (first, second, third) = (
        key(&mut tx, 1).await,
        key(&mut tx, 2).await,
        key(&mut tx, 3).await,
    );
    studies::link_to_case(&mut tx, second, &case(2), NOW)
        .await
        .unwrap();
    studies::link_to_case(&mut tx, third, &case(3), NOW)
        .await
        .unwrap();
    overread_store::timeline::note_read(
        &mut tx,
        &person(1, overread_model::access::Role::Coordinator),
        &case(1),
        "images",
        LATER,
    )
    .await
    .unwrap();
    let found = retention::ended_studies(&mut tx, StudyKey(0), LATER, 9)
        .await
        .unwrap();
    let facts: Vec<_> = found.iter().map(|one| (one.key, one.of.ended_at)).collect();
    assert_eq!(
        facts,
        [(first, NOW), (second, LATER)],
        "the last case counts, and every one must have ended"
    );
    assert_eq!(found[0].of.last_used_at, LATER);
    assert_eq!(found[0].of.modalities, ["MR"]);
    let sooner = retention::ended_studies(&mut tx, StudyKey(0), NOW, 9)
        .await
        .unwrap();
    assert_eq!(sooner.len(), 1);
    let behind = retention::ended_studies(&mut tx, first, LATER, 9)
        .await
        .unwrap();
    assert_eq!(behind.len(), 1);
    let hold = LegalHoldId::from_random([1; 16]);
    legal_holds::place(&mut tx, &hold, &Held::Case(case(2)), "a claim", "p", NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(mark(&house, 1, 1).await);
    let mut tx = house.store.read().await.unwrap();
    let left = retention::ended_studies(&mut tx, StudyKey(0), LATER, 9)
        .await
        .unwrap();
    assert!(left.is_empty(), "neither what is deleted nor what is held");
}

async fn requests(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let new = crate::people::row(1, "p1@x.example");
    overread_store::people::insert(&mut tx, &new).await.unwrap();
    cases::insert(&mut tx, &row(1)).await.unwrap();
    let request = |number| ErasureRequestId::from_random([number; 16]);
    let add = async |tx: &mut Tx, number| {
        erasure_requests::add(tx, &request(number), &case(1), &new.id, "please", NOW)
            .await
            .unwrap()
    };
    let first = request(1);
    assert!(add(&mut tx, 1).await);
    assert!(!add(&mut tx, 2).await, "one waits");
    assert_eq!(
        erasure_requests::list_open(&mut tx, 9).await.unwrap().len(),
        1
    );
    let answered = erasure_requests::answer(&mut tx, &first, "declined", "the law", "p", NOW);
    assert!(answered.await.unwrap());
    let answered = erasure_requests::answer(&mut tx, &first, "deleted", "", "p", NOW);
    assert!(!answered.await.unwrap(), "answered once");
    assert!(
        erasure_requests::find_open(&mut tx, &first)
            .await
            .unwrap()
            .is_none()
    );
    assert!(add(&mut tx, 3).await);
    let last = erasure_requests::last_of_case(&mut tx, &case(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.answered_at.is_some(), last.id == first.as_str());
}
