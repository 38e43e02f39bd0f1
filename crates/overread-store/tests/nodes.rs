//! Nodes work beside each other on one PostgreSQL, and what must be alone waits for none of them.

use overread_store::nodes::{alone, beside_others};

use crate::house::House;

#[tokio::test]
async fn nodes_stand_beside_each_other_and_one_command_alone() {
    let Some(house) = House::postgres("nodes").await else {
        return;
    };
    let store = &house.store;
    let first = beside_others(store).await.unwrap().unwrap();
    let second = beside_others(store).await.unwrap().unwrap();
    assert!(alone(store).await.unwrap().is_none());
    drop(first);
    assert!(alone(store).await.unwrap().is_none());
    drop(second);
    let only = alone(store).await.unwrap().unwrap();
    assert!(beside_others(store).await.unwrap().is_none());
    drop(only);
    assert!(beside_others(store).await.unwrap().is_some());
}

#[tokio::test]
async fn a_folder_of_its_own_has_a_lock_of_its_own() {
    let house = House::sqlite().await;
    let _first = alone(&house.store).await.unwrap().unwrap();
    assert!(alone(&house.store).await.unwrap().is_some());
}
