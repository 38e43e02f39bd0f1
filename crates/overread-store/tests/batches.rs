//! The transaction of a batch is one like any other: dropped it leaves nothing, and while it is there nobody else writes.

use futures_util::FutureExt;
use overread_model::extent::PackId;
use overread_store::packs;

use crate::house::{House, NOW, both};

both!(batches, super::rules);

async fn rules(house: House) {
    let pack = PackId::from_random([7; 8]);
    let mut tx = house.store.begin_batch().await.unwrap();
    assert!(packs::claim(&mut tx, pack, 9, NOW).await.unwrap());
    drop(tx);
    let mut tx = house.store.begin().await.unwrap();
    let is_new = packs::claim(&mut tx, pack, 9, NOW).await.unwrap();
    assert!(is_new, "nothing was kept");
    tx.commit().await.unwrap();
    let mut tx = house.store.begin_batch().await.unwrap();
    let is_new = packs::claim(&mut tx, pack, 9, NOW).await.unwrap();
    assert!(!is_new, "it is seen");
    tx.commit().await.unwrap();
    if house.store.kind() == "sqlite" {
        let batch = house.store.begin_batch().await.unwrap();
        let mut other = std::pin::pin!(house.store.begin());
        let begun = other.as_mut().now_or_never();
        assert!(begun.is_none(), "it waits for its turn");
        drop(batch);
        other.await.unwrap();
    }
}
