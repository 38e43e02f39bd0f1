//! Everything goes to the other database and back unchanged.

use overread_model::access::{Actor, Role};
use overread_model::extent::{Digest, PackId};
use overread_store::audit::AuditEvent;
use overread_store::tokens::NewToken;
use overread_store::{StoreError, audit, tokens, transfer};

use crate::house::{House, NOW, Spec, enter, machine, scope};

/// Enters a study, a token and a row of the audit.
async fn enter_some(house: &House, study: u64) {
    let spec = |instance| Spec {
        study,
        instance,
        ..Spec::default()
    };
    enter(house, &scope(machine(), None), &[spec(1), spec(2)]).await;
    let mut tx = house.store.begin().await.unwrap();
    let new = NewToken {
        name: "Größe \u{1f9e0}",
        role: Role::Archive,
        case_id: None,
    };
    tokens::create(&mut tx, &new, NOW).await.unwrap();
    let event = AuditEvent::new("token.created").on("study", study);
    audit::record(&mut tx, &Actor::System, &event, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn carry(from: &House, to: &House) -> transfer::Copied {
    let mut source = from.store.snapshot().await.unwrap();
    let mut target = to.store.begin().await.unwrap();
    let copied = transfer::copy(&mut source, &mut target).await.unwrap();
    target.commit().await.unwrap();
    copied
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_there_and_back_unchanged() {
    let first = House::sqlite().await;
    enter_some(&first, 1).await;
    let back = House::sqlite().await;
    let Some(middle) = House::postgres("transfer").await else {
        return;
    };
    let mut tx = middle.store.begin().await.unwrap();
    assert!(transfer::is_untouched(&mut tx).await.unwrap());
    assert_eq!(transfer::underway(&mut tx).await.unwrap(), None);
    transfer::begin(&mut tx, "somewhere", NOW).await.unwrap();
    let pack = PackId::new(9).unwrap();
    transfer::note_pack(&mut tx, pack, 3, Digest::new([1; 32]))
        .await
        .unwrap();
    transfer::note_pack(&mut tx, pack, 5, Digest::new([2; 32]))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = middle.store.read().await.unwrap();
    assert_eq!(transfer::packs(&mut tx).await.unwrap()[&pack], 5);
    assert_eq!(
        transfer::underway(&mut tx).await.unwrap().as_deref(),
        Some("somewhere")
    );
    drop(tx);

    let there = carry(&first, &middle).await;
    let again = carry(&middle, &back).await;
    assert_eq!(there, again);
    assert!(
        there
            .tables
            .iter()
            .any(|table| table.name == "instance" && table.rows > 0)
    );
    assert!(
        !there
            .tables
            .iter()
            .any(|table| table.name.starts_with("transfer"))
    );
    for house in [&first, &middle, &back] {
        let mut tx = house.store.read().await.unwrap();
        assert_eq!(transfer::count(&mut tx).await.unwrap(), there);
        assert_eq!(transfer::underway(&mut tx).await.unwrap(), None);
        assert!(!transfer::is_untouched(&mut tx).await.unwrap());
        assert_eq!(audit::prove(&mut tx).await.unwrap().broken_at, None);
    }
    // New rows get numbers of their own.
    enter_some(&middle, 2).await;
    // A second copy into what holds something is refused by the database at the latest.
    let mut source = first.store.snapshot().await.unwrap();
    let mut target = back.store.begin().await.unwrap();
    let twice = transfer::copy(&mut source, &mut target).await;
    assert!(matches!(twice, Err(StoreError::Database(_))), "{twice:?}");
}
