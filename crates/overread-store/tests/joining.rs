//! Who has joined a case and may sign for it, who was asked in, and which other case holds an exam.

use overread_model::access::{Right, Role};
use overread_model::ids::PersonId;
use overread_model::time::Timestamp;
use overread_store::grants::{self, NewGrant};
use overread_store::invitations::{self, InvitationRow};
use overread_store::{Tx, cases, checks, people};

use crate::cases::{case, row};
use crate::house::{House, NOW, Spec, both, enter, machine, person, scope};

async fn add(tx: &mut Tx, number: u8, name: &str, roles: &[Role]) -> PersonId {
    let mut row = crate::people::row(number, &format!("p{number}@x.example"));
    row.name = name.to_owned();
    people::insert(tx, &row).await.unwrap();
    let id = row.person_id().unwrap();
    for role in roles {
        people::add_role(tx, &id, *role).await.unwrap();
    }
    id
}

async fn give(tx: &mut Tx, of_case: u8, id: &PersonId, right: Right, until_at: Option<Timestamp>) {
    let grant = NewGrant {
        case_id: &case(of_case),
        subject_kind: "person",
        subject_id: id.as_str(),
        rights: &[right],
        until_at,
    };
    grants::give(tx, grant, &machine(), NOW).await.unwrap();
}

async fn signs(tx: &mut Tx, of_case: u8, now: Timestamp) -> bool {
    grants::has_signer(tx, &case(of_case), now).await.unwrap()
}

async fn signers(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    for number in [1, 2] {
        cases::insert(&mut tx, &row(number)).await.unwrap();
    }
    let both_roles = [Role::Coordinator, Role::Patient];
    let cora = add(&mut tx, 1, "Cora", &[Role::Coordinator]).await;
    let alex = add(&mut tx, 2, "Alex", &both_roles).await;
    let ines = add(&mut tx, 3, "Ines", &[Role::Insurer, Role::Patient]).await;
    assert!(!signs(&mut tx, 1, NOW).await, "nobody is there");
    // Who merely wrote it down, and an insurer, whatever else they are.
    for id in [&cora, &ines] {
        grants::tie(&mut tx, &case(1), id.as_str(), "asked")
            .await
            .unwrap();
        give(&mut tx, 1, id, Right::AddRecords, None).await;
    }
    grants::tie(&mut tx, &case(1), ines.as_str(), "insures")
        .await
        .unwrap();
    assert!(!signs(&mut tx, 1, NOW).await);
    // Alex reads the case, then also adds to it until a moment.
    give(&mut tx, 1, &alex, Right::ViewCase, None).await;
    grants::tie(&mut tx, &case(1), alex.as_str(), "asked")
        .await
        .unwrap();
    assert!(!signs(&mut tx, 1, NOW).await, "the right is missing");
    let end = NOW.plus_seconds(60);
    give(&mut tx, 1, &alex, Right::AddRecords, Some(end)).await;
    assert!(signs(&mut tx, 1, NOW).await);
    assert!(!signs(&mut tx, 1, end).await, "the grant has ended");
    assert!(!signs(&mut tx, 1, NOW.plus_seconds(-1)).await, "not yet");
    assert!(!signs(&mut tx, 2, NOW).await, "of another case");
    people::set_disabled(&mut tx, &alex, Some(NOW))
        .await
        .unwrap();
    assert!(!signs(&mut tx, 1, NOW).await, "the account is closed");
    people::set_disabled(&mut tx, &alex, None).await.unwrap();
    grants::revoke_of(&mut tx, &case(1), "person", alex.as_str(), NOW)
        .await
        .unwrap();
    assert!(!signs(&mut tx, 1, NOW).await, "the grant was taken back");
    // Who treats is tied to the case and signs nothing.
    let tom = add(&mut tx, 4, "Tom", &[Role::ReferringPhysician]).await;
    grants::tie(&mut tx, &case(2), tom.as_str(), "treats")
        .await
        .unwrap();
    give(&mut tx, 2, &tom, Right::AddRecords, None).await;
    assert!(!signs(&mut tx, 2, NOW).await);
    let people = grants::people_of(&mut tx, &case(1)).await.unwrap();
    let found: Vec<_> = people
        .iter()
        .map(|(name, tie)| (name.as_str(), tie.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("Alex", "asked"),
            ("Cora", "asked"),
            ("Ines", "asked"),
            ("Ines", "insures")
        ]
    );
}

fn invitation(number: u8, of_case: Option<u8>, by: &PersonId) -> InvitationRow {
    let created_at = NOW.plus_seconds(i64::from(number));
    InvitationRow {
        id: format!("i{number}"),
        name: "Alex Sample".to_owned(),
        email: "alex@x.example".to_owned(),
        email_folded: "alex@x.example".to_owned(),
        role: "patient".to_owned(),
        language: "en".to_owned(),
        case_id: of_case.map(|number| case(number).as_str().to_owned()),
        invited_by: by.as_str().to_owned(),
        created_at: created_at.as_micros(),
        expires_at: NOW.plus_days(7).as_micros(),
        accepted_at: None,
        revoked_at: None,
    }
}

async fn invited(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    for number in [1, 2] {
        cases::insert(&mut tx, &row(number)).await.unwrap();
    }
    let cora = add(&mut tx, 1, "Cora", &[Role::Coordinator]).await;
    let alex = add(&mut tx, 2, "Alex", &[Role::Patient]).await;
    for (number, of_case) in [
        (1, Some(1)),
        (2, Some(1)),
        (3, Some(1)),
        (4, Some(1)),
        (5, Some(2)),
        (6, None),
    ] {
        invitations::insert(&mut tx, &invitation(number, of_case, &cora), &[number; 32])
            .await
            .unwrap();
    }
    assert!(invitations::revoke(&mut tx, "i2", NOW).await.unwrap());
    assert!(
        invitations::accept(&mut tx, "i3", &alex, NOW)
            .await
            .unwrap()
    );
    let mut open = async |now| {
        let rows = invitations::open_of_case(&mut tx, &case(1), now).await;
        let rows = rows.unwrap().into_iter();
        rows.map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(open(NOW).await, ["i4", "i1"], "newest first");
    assert_eq!(open(NOW.plus_days(7)).await, Vec::<String>::new());
}

async fn holders(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    for (number, name) in [(1, Some("2026-0001")), (2, None), (3, Some("2026-0003"))] {
        let mut new = row(number);
        new.number = name.map(str::to_owned);
        new.created_at += i64::from(number);
        cases::insert(&mut tx, &new).await.unwrap();
    }
    tx.commit().await.unwrap();
    let of_mr = |series, instance| Spec {
        series,
        instance,
        ..Spec::default()
    };
    let of_sr = Spec {
        modality: "SR",
        ..of_mr(2, 3)
    };
    let whole = [of_mr(1, 1), of_mr(1, 2), of_sr];
    enter(
        &house,
        &scope(person(1, Role::Patient), Some(case(1))),
        &whole,
    )
    .await;
    let other = Spec {
        study: 2,
        instance: 9,
        ..Spec::default()
    };
    enter(&house, &scope(machine(), Some(case(3))), &[other]).await;
    let mut tx = house.store.begin().await.unwrap();
    let study = checks::study_by_uid(&mut tx, "1.2.1")
        .await
        .unwrap()
        .unwrap();
    let others = checks::others(&mut tx, &[study.id]).await.unwrap();
    assert_eq!(others[&study.id], 1, "a report beside two images");
    let shown = checks::others_without_reports(&mut tx, &[study.id]).await;
    assert!(shown.unwrap().is_empty());
    let key = overread_store::studies::StudyKey(study.id);
    overread_store::studies::link_pending(&mut tx, key, &case(2), NOW)
        .await
        .unwrap();
    for (but, held_by) in [
        (1, vec![None]),
        (2, vec![Some("2026-0001".to_owned())]),
        (3, vec![Some("2026-0001".to_owned()), None]),
    ] {
        let found = cases::others_with_study(&mut tx, study.id, &case(but)).await;
        assert_eq!(found.unwrap(), held_by, "all but {but}");
    }
}

both!(joining_signers, super::signers);
both!(joining_invited, super::invited);
both!(joining_holders, super::holders);
