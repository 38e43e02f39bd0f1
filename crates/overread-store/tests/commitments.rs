//! Requests for storage commitment wait until their report went out.

use overread_model::ids::CaseId;
use overread_store::commitments::{self, Asked, NewCommitment};

use crate::house::{House, NOW, Spec, both, enter, facts, machine, scope};

both!(commitment, super::rules);

async fn rules(house: House) {
    let instances = [("1.2".to_owned(), "1.2.3".to_owned())];
    let other = [("1.2".to_owned(), "1.2.4".to_owned())];
    let new = |ae_title, transaction_uid, instances| NewCommitment {
        ae_title,
        transaction_uid,
        instances,
    };
    let mut tx = house.store.begin().await.unwrap();
    for (title, uid, asked, expect) in [
        ("MR1", "1.9", &instances, Asked::Kept),
        ("MR1", "1.9", &instances, Asked::Kept),
        ("MR1", "1.9", &other, Asked::Reused),
        ("MR2", "1.9", &other, Asked::Kept),
        ("MR1", "1.8", &other, Asked::TooMany),
    ] {
        let kept = commitments::keep(&mut tx, &new(title, uid, asked), 1, NOW).await;
        assert_eq!(kept.unwrap(), expect, "{title} {uid}");
    }
    let until = NOW.plus_seconds(60);
    let mr1 = ["MR1".to_owned()];
    assert!(
        commitments::claim(&mut tx, &[], NOW, until)
            .await
            .unwrap()
            .is_empty()
    );
    let due = commitments::claim(&mut tx, &mr1, NOW, until).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(
        (due[0].transaction_uid.as_str(), &due[0].instances[..]),
        ("1.9", &instances[..])
    );
    let again = commitments::claim(&mut tx, &mr1, NOW, until).await.unwrap();
    assert!(again.is_empty(), "somebody is at it");
    let later = NOW.plus_seconds(30);
    commitments::failed(&mut tx, &due[0].id, Some(later), NOW)
        .await
        .unwrap();
    assert!(
        commitments::claim(&mut tx, &mr1, NOW, until)
            .await
            .unwrap()
            .is_empty()
    );
    let due = commitments::claim(&mut tx, &mr1, later, until)
        .await
        .unwrap();
    assert_eq!(due[0].try_count, 1);
    commitments::reported(&mut tx, &due[0].id, later)
        .await
        .unwrap();
    let far = NOW.plus_days(9);
    assert!(
        commitments::claim(&mut tx, &mr1, far, far)
            .await
            .unwrap()
            .is_empty()
    );
    let mr2 = ["MR2".to_owned()];
    let due = commitments::claim(&mut tx, &mr2, NOW, until).await.unwrap();
    commitments::failed(&mut tx, &due[0].id, None, NOW)
        .await
        .unwrap();
    assert!(
        commitments::claim(&mut tx, &mr2, far, far)
            .await
            .unwrap()
            .is_empty()
    );
    tx.commit().await.unwrap();
}

both!(held, super::instances);

async fn instances(house: House) {
    let spec = Spec::default();
    enter(&house, &scope(machine(), None), std::slice::from_ref(&spec)).await;
    let uid = facts(&spec).sop_instance_uid.as_str().to_owned();
    let mut tx = house.store.read().await.unwrap();
    let uids = [uid.clone(), "1.2.3".to_owned()];
    let held = commitments::held(&mut tx, &uids, None).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].sop_instance_uid, uid);
    assert!(!held[0].is_disputed);
    drop(tx);
    let case = CaseId::from_random([7; 16]);
    let of_case = async |cases: &[CaseId]| {
        let mut tx = house.store.read().await.unwrap();
        let held = commitments::held(&mut tx, &uids, Some(cases)).await;
        held.unwrap().len()
    };
    assert_eq!(of_case(std::slice::from_ref(&case)).await, 0);
    let of_it = Spec {
        study: spec.study + 1,
        ..spec
    };
    enter(
        &house,
        &scope(machine(), Some(case.clone())),
        std::slice::from_ref(&of_it),
    )
    .await;
    let uids = [facts(&of_it).sop_instance_uid.as_str().to_owned()];
    let mut tx = house.store.read().await.unwrap();
    let held = commitments::held(&mut tx, &uids, Some(&[case])).await;
    assert_eq!(held.unwrap().len(), 1);
}
