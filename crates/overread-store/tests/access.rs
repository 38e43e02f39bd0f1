//! Grants are part of every search.

use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, LinkId};
use overread_store::access::{Reach, reach};
use overread_store::checks;
use overread_store::studies::{self, StudyFilter};
use overread_store::tokens::{self, NewToken};

use crate::house::{House, NOW, Spec, both, enter, machine, person, scope};

both!(access, super::rules);

async fn rules(house: House) {
    let case_id = CaseId::from_random([4; 16]);
    enter(
        &house,
        &scope(machine(), Some(case_id.clone())),
        &[Spec::default()],
    )
    .await;
    enter(
        &house,
        &scope(machine(), None),
        &[Spec {
            study: 2,
            ..Spec::default()
        }],
    )
    .await;
    let mut tx = house.store.begin().await.unwrap();
    let new = NewToken {
        name: "a viewer",
        role: Role::Reviewer,
        case_id: Some(&case_id),
    };
    let (token_id, secret) = tokens::create(&mut tx, &new, NOW).await.unwrap();
    let viewer = tokens::find_by_secret(&mut tx, &secret)
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();

    let count = async |reach: Reach| {
        let mut tx = house.store.read().await.unwrap();
        let all = StudyFilter::default();
        let found = studies::search_studies(&mut tx, &reach, &all, &studies::Page::default())
            .await
            .unwrap();
        assert_eq!(
            studies::count_studies(&mut tx, &reach, &all).await.unwrap(),
            found.len() as u64
        );
        found.len()
    };
    let link = Actor::Link {
        link_id: LinkId::from_random([1; 16]),
        case_id: case_id.clone(),
    };
    assert_eq!(count(reach(&machine(), NOW)).await, 2);
    assert_eq!(count(reach(&person(1, Role::Coordinator), NOW)).await, 2);
    assert_eq!(count(reach(&person(1, Role::Administrator), NOW)).await, 0);
    assert_eq!(count(reach(&person(1, Role::Patient), NOW)).await, 0);
    assert_eq!(
        count(reach(&link, NOW)).await,
        0,
        "nobody judged whose images they are"
    );
    assert_eq!(count(reach(&viewer, NOW)).await, 0, "nor for the token");
    let mut tx = house.store.begin().await.unwrap();
    for study in checks::studies_to_judge(&mut tx, &case_id).await.unwrap() {
        checks::show_judged(&mut tx, &case_id, study.id)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(count(reach(&link, NOW)).await, 1);
    assert_eq!(count(reach(&viewer, NOW)).await, 1);
    assert_eq!(
        count(reach(&viewer, NOW.plus_seconds(-1))).await,
        0,
        "not yet"
    );
    let mut tx = house.store.begin().await.unwrap();
    assert!(tokens::revoke(&mut tx, &token_id, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(count(reach(&viewer, NOW)).await, 0, "revoked");
}
