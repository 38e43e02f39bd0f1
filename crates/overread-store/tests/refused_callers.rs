//! Refused callers: the latest refusal of each, few of one network, and no more than fit.

use std::net::{IpAddr, Ipv4Addr};

use overread_model::peers::Peer;
use overread_model::time::Timestamp;
use overread_store::limits::{PEER_CALL_DAYS, REFUSED_CALLERS, REFUSED_CALLERS_OF_ONE_NETWORK};
use overread_store::{Tx, refused_callers};

use crate::house::{House, NOW, both};

both!(refused_caller, super::rules);

fn refused(calling: &str, address: IpAddr, asked_at: Timestamp) -> Peer {
    Peer {
        calling: calling.to_owned(),
        called: "OVERREAD".to_owned(),
        address,
        asked_at,
        count: 0,
        is_tls: true,
        refused: "nobody of this title may call".to_owned(),
        advice: "Name it in dimse.callers.".to_owned(),
        remarks: Vec::new(),
        implementation: "SCANNER_1".to_owned(),
        pdu_bytes: 0,
        contexts: Vec::new(),
        ended: None,
        failure: None,
    }
}

async fn rules(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let scanner = IpAddr::from(Ipv4Addr::new(192, 0, 2, 10));
    let first = refused("MR1", scanner, NOW);
    refused_callers::note(&mut tx, &first, scanner)
        .await
        .unwrap();
    let latest = Peer {
        refused: "it called another title".to_owned(),
        asked_at: NOW.plus_seconds(9),
        ..first.clone()
    };
    refused_callers::note(&mut tx, &latest, scanner)
        .await
        .unwrap();
    // Another node tells of an earlier one later.
    refused_callers::note(&mut tx, &first, scanner)
        .await
        .unwrap();
    assert_eq!(
        refused_callers::list(&mut tx).await.unwrap(),
        std::slice::from_ref(&latest)
    );

    // One who makes titles up pushes out nobody but itself.
    let attacker = IpAddr::from(Ipv4Addr::new(203, 0, 113, 7));
    for number in 0..REFUSED_CALLERS_OF_ONE_NETWORK + 30 {
        let at = NOW.plus_seconds(100 + number);
        let made_up = refused(&format!("X{number}"), attacker, at);
        refused_callers::note(&mut tx, &made_up, attacker)
            .await
            .unwrap();
    }
    let list = refused_callers::list(&mut tx).await.unwrap();
    assert_eq!(list.len() as i64, REFUSED_CALLERS_OF_ONE_NETWORK + 1);
    assert_eq!(list.last(), Some(&latest));

    // Many networks fill no more than there is place for; the latest stay.
    for number in 0..u8::MAX {
        let one = IpAddr::from(Ipv4Addr::new(198, 51, 100, number));
        let at = NOW.plus_seconds(1_000 + i64::from(number));
        let stranger = refused("Y", one, at);
        refused_callers::note(&mut tx, &stranger, one)
            .await
            .unwrap();
    }
    let now = NOW.plus_seconds(2_000);
    refused_callers::tidy(&mut tx, now).await.unwrap();
    let list = refused_callers::list(&mut tx).await.unwrap();
    assert_eq!(list.len() as i64, REFUSED_CALLERS);
    assert!(list.iter().all(|peer| peer.calling == "Y"));
    let latest = list[0].clone();
    let forget = async |tx: &mut Tx, at| {
        let forgotten = refused_callers::forget(tx, ("Y", latest.address), at);
        forgotten.await.unwrap();
    };
    // It was let in before it was refused, as another node tells late.
    forget(&mut tx, latest.asked_at.plus_seconds(-1)).await;
    assert_eq!(refused_callers::list(&mut tx).await.unwrap(), list);
    forget(&mut tx, latest.asked_at).await;
    let list = refused_callers::list(&mut tx).await.unwrap();
    assert!(!list.contains(&latest));

    let long_after = now.plus_days(PEER_CALL_DAYS + 1);
    refused_callers::tidy(&mut tx, long_after).await.unwrap();
    assert!(refused_callers::list(&mut tx).await.unwrap().is_empty());
}
