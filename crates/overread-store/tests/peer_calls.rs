//! Calls to other application entities: the latest of each sort, and its own end.

use overread_model::peers::{Call, ProposedContext, Purpose};
use overread_model::time::Timestamp;
use overread_store::peer_calls::{self, CallKey};

use crate::house::{House, NOW, both};

both!(peer_call, super::rules);

fn call(purpose: Purpose, asked_at: Timestamp) -> Call {
    let context = |answer| ProposedContext {
        sop_class_uid: "1.2.840.10008.1.1".to_owned(),
        transfer_syntax_uids: vec!["1.2.840.10008.1.2".to_owned()],
        answer,
    };
    Call {
        called: "PACS1".to_owned(),
        address: "pacs.example:104".to_owned(),
        purpose,
        asked_at,
        count: 1,
        is_tls: true,
        refused: "it cannot be reached".to_owned(),
        implementation: "PACS_1".to_owned(),
        contexts: vec![
            context(Ok("1.2.840.10008.1.2".to_owned())),
            context(Err("it does not offer this".to_owned())),
        ],
        ended_at: None,
        reason: String::new(),
    }
}

async fn rules(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let later = NOW.plus_seconds(60);
    let sending = call(Purpose::Send, NOW);
    let of = |call: &Call| CallKey {
        called: call.called.clone(),
        address: call.address.clone(),
        purpose: call.purpose,
        asked_at: call.asked_at,
    };
    peer_calls::note(&mut tx, &sending).await.unwrap();
    let broken = "the association broke off";
    peer_calls::end(&mut tx, &of(&sending), later, broken)
        .await
        .unwrap();
    // What is said first stands.
    peer_calls::end(&mut tx, &of(&sending), later, "")
        .await
        .unwrap();
    let find = call(Purpose::Find, later);
    peer_calls::note(&mut tx, &find).await.unwrap();
    let ended = Call {
        ended_at: Some(later),
        reason: broken.to_owned(),
        ..sending.clone()
    };
    assert_eq!(
        peer_calls::list(&mut tx).await.unwrap(),
        [find.clone(), ended]
    );

    // A later call takes the place of the one before, whose end it does not hear.
    let again = call(Purpose::Send, later);
    peer_calls::note(&mut tx, &again).await.unwrap();
    peer_calls::end(&mut tx, &of(&sending), later, "")
        .await
        .unwrap();
    let second = Call { count: 2, ..again };
    assert_eq!(
        peer_calls::list(&mut tx).await.unwrap(),
        [find, second.clone()]
    );

    // What was long ago is forgotten.
    let new = call(Purpose::Echo, later.plus_days(91));
    peer_calls::note(&mut tx, &new).await.unwrap();
    assert_eq!(peer_calls::list(&mut tx).await.unwrap(), [new]);
}
