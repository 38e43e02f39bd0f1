//! Machine tokens.

use overread_model::access::{Actor, Right, Role};
use overread_model::ids::CaseId;
use overread_store::grants;
use overread_store::tokens::{self, NewToken};

use crate::house::{House, NOW, both};

both!(token, super::rules);

async fn rules(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let new = NewToken {
        name: "PACS",
        role: Role::Archive,
        case_id: None,
    };
    let (id, secret) = tokens::create(&mut tx, &new, NOW).await.unwrap();
    assert_eq!((secret.len(), &secret[..4]), (47, "ovr_"));
    let actor = tokens::find_by_secret(&mut tx, &secret).await.unwrap();
    assert_eq!(
        actor,
        Some(Actor::Machine {
            token_id: id.clone(),
            role: Role::Archive
        })
    );
    assert_eq!(
        tokens::find_by_secret(&mut tx, "ovr_wrong").await.unwrap(),
        None
    );
    tokens::note_use(&mut tx, &id, NOW).await.unwrap();
    tokens::note_use(&mut tx, &id, NOW.plus_seconds(5))
        .await
        .unwrap();
    let listed = tokens::list(&mut tx).await.unwrap();
    assert_eq!(listed[0].last_used_at, Some(NOW.as_micros()));
    assert!(tokens::revoke(&mut tx, &id, NOW).await.unwrap());
    assert!(!tokens::revoke(&mut tx, &id, NOW).await.unwrap());
    assert_eq!(
        tokens::find_by_secret(&mut tx, &secret).await.unwrap(),
        None
    );

    let given = "a-secret-made-elsewhere-0123456789";
    let first = tokens::register(&mut tx, &new, given, NOW).await.unwrap();
    assert_eq!(
        tokens::register(&mut tx, &new, given, NOW).await.unwrap(),
        first
    );
    assert!(
        tokens::find_by_secret(&mut tx, given)
            .await
            .unwrap()
            .is_some()
    );
    tx.commit().await.unwrap();
}

both!(token_rights, super::rights);

async fn rights(house: House) {
    use Right::{AddRecords, ViewCase, ViewDocuments, ViewImages};
    let case_id = CaseId::from_random([4; 16]);
    let check = async |role: Role, expected: &[Right]| {
        let mut tx = house.store.begin().await.unwrap();
        let new = NewToken {
            name: "one case",
            role,
            case_id: Some(&case_id),
        };
        let (token_id, _) = tokens::create(&mut tx, &new, NOW).await.unwrap();
        let actor = Actor::Machine { token_id, role };
        let mut got = grants::rights_of(&mut tx, &actor, &case_id, NOW)
            .await
            .unwrap();
        got.sort_unstable();
        assert_eq!(got, expected, "{role}");
        tx.commit().await.unwrap();
    };
    let all = [ViewCase, ViewImages, ViewDocuments, AddRecords];
    check(Role::Patient, &all).await;
    check(Role::Representative, &all).await;
    check(Role::Coordinator, &all).await;
    check(Role::Archive, &all).await;
    check(
        Role::ReferringPhysician,
        &[ViewCase, ViewImages, ViewDocuments],
    )
    .await;
    check(Role::Reviewer, &[ViewCase, ViewImages]).await;
    check(Role::Insurer, &[ViewCase]).await;
    check(Role::Administrator, &[]).await;
}
