//! A long answer ends for who may not read any more, and goes on for who may.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use http_body_util::BodyExt;
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, PersonId};
use overread_model::time::Timestamp;
use overread_store::sessions::{self, SessionRow};
use overread_store::{Tx, cases, grants, links, people, review_tasks, reviewers, tokens};

use crate::channel::a_machine;
use crate::deleted::{delete, link};
use crate::house::{House, NOW, clock, pass};
use crate::long::house;
use crate::reads::{account, entry, row};

/// The last one names no study.
const PATHS: [&str; 3] = [
    "/studies/1.2.3/metadata",
    "/studies/1%2E2.3",
    "/instances?includefield=all",
];
const ANY: &[(&str, &str)] = &[("accept", "*/*")];

fn now() -> Timestamp {
    Timestamp::from_micros(NOW)
}

/// Somebody with an account and a role, who is signed in.
pub(crate) async fn signed_in(house: &House, number: u8, role: Role) -> Actor {
    let mut tx = house.store.begin().await.unwrap();
    let email = format!("s{number}@x.example");
    let person = account(number, &email);
    people::insert(&mut tx, &person).await.unwrap();
    sign_in(&mut tx, number, role).await;
    tx.commit().await.unwrap();
    crate::house::person(number, role)
}

/// Gives an account a role, and signs it in.
pub(crate) async fn sign_in(tx: &mut Tx, number: u8, role: Role) {
    let id = PersonId::from_random([number; 16]);
    people::add_role(tx, &id, role).await.unwrap();
    let session = SessionRow {
        id: format!("session-{number}"),
        person_id: id.as_str().to_owned(),
        role: role.as_str().to_owned(),
        device: "a browser".to_owned(),
        created_at: NOW,
        last_seen_at: NOW,
        expires_at: now().plus_days(1).as_micros(),
        revoked_at: None,
    };
    sessions::insert(tx, &session, &[number; 32]).await.unwrap();
}

pub(crate) async fn sign_out(house: &House, actor: &Actor) {
    let Actor::Person { person_id, .. } = actor else {
        panic!("only people sign out");
    };
    let mut tx = house.store.begin().await.unwrap();
    let ended = sessions::revoke_others(&mut tx, person_id, "", now()).await;
    ended.unwrap();
    tx.commit().await.unwrap();
}

/// Begins to read all that is long, and reads a little of it.
async fn begun(house: &House, actor: &Actor) -> Vec<Response> {
    let mut out = Vec::new();
    for path in PATHS {
        let mut answer = house.begin(actor.clone(), path, ANY).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.body_mut().frame().await.unwrap().is_ok());
        out.push(answer);
    }
    out
}

/// Says of each whether it ends as it should.
async fn to_their_ends(begun: Vec<Response>) -> Vec<bool> {
    let mut out = Vec::new();
    for answer in begun {
        out.push(answer.into_body().collect().await.is_ok());
    }
    out
}

/// What ends what somebody may do.
enum End {
    Token,
    Grant,
    Account,
    SignOut,
    Link,
    Study,
}

async fn end(house: &House, actor: &Actor, end: &End) {
    let mut tx = house.store.begin().await.unwrap();
    match (end, actor) {
        (End::Token, Actor::Machine { token_id, .. }) => {
            assert!(tokens::revoke(&mut tx, token_id, now()).await.unwrap());
        }
        (End::Account, Actor::Person { person_id, .. }) => {
            let disabled = people::set_disabled(&mut tx, person_id, Some(now()));
            disabled.await.unwrap();
        }
        (End::Grant, actor) => {
            let case_id = CaseId::from_random([9; 16]);
            let ended = grants::revoke_of(&mut tx, &case_id, actor.kind(), actor.id(), clock());
            assert_eq!(ended.await.unwrap(), 1);
        }
        (End::Link, Actor::Link { link_id, case_id }) => {
            let revoked = links::revoke(&mut tx, case_id, link_id, now()).await;
            revoked.unwrap();
        }
        (End::SignOut, actor) => {
            drop(tx);
            return sign_out(house, actor).await;
        }
        (End::Study, _) => {
            drop(tx);
            delete(house).await;
            return;
        }
        _ => panic!("it cannot end so"),
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_long_answer_ends_with_what_allowed_it() {
    let ends = [
        End::Token,
        End::Grant,
        End::Account,
        End::SignOut,
        End::Link,
        End::Study,
    ];
    let house = house(120).await;
    let mut tx = house.store.begin().await.unwrap();
    cases::insert(&mut tx, &row(9)).await.unwrap();
    tx.commit().await.unwrap();
    let right = [Right::ViewImages];
    for (number, ended) in (20..).zip(ends) {
        let actor = match ended {
            End::Token | End::Study => a_machine(&house).await,
            _ => signed_in(&house, number, Role::ReferringPhysician).await,
        };
        let case_id = house.grant(9, "1.2.3", &actor, &right, None).await;
        let actor = match ended {
            End::Link => link(&house, number, &case_id, (now(), now())).await,
            _ => actor,
        };
        let (quick, slow) = (begun(&house, &actor).await, begun(&house, &actor).await);
        pass(Duration::from_secs(6));
        assert_eq!(to_their_ends(quick).await, [true; 3], "{number}");
        end(&house, &actor, &ended).await;
        pass(Duration::from_secs(6));
        // A list is not ended by one study that goes.
        let of_list = matches!(ended, End::Study);
        let expect = [false, false, of_list];
        assert_eq!(to_their_ends(slow).await, expect, "{number}");
    }
}

/// Asks the thirtieth person to read a case.
async fn begin_reading(tx: &mut Tx) {
    let case_id = CaseId::from_random([9; 16]);
    cases::insert(tx, &row(9)).await.unwrap();
    let entry = entry(30, "Rosa Reader", "s30@x.example".to_owned());
    reviewers::insert(tx, &entry, now()).await.unwrap();
    let asked = review_tasks::insert(tx, "t9", &case_id, &entry.id, "me", now());
    asked.await.unwrap();
}

#[tokio::test]
async fn a_first_reading_that_begins_while_an_answer_is_looked_up_ends_it() {
    let house = house(120).await;
    if house.is_shared() {
        eprintln!("left out: what is asked before the answer waits is told apart on SQLite alone");
        return;
    }
    let reader = signed_in(&house, 30, Role::Coordinator).await;
    // Behind its filter, the answer waits for this writer to write down who reads.
    let mut tx = house.store.begin().await.unwrap();
    let mut answer = std::pin::pin!(house.begin(reader, PATHS[0], ANY));
    tokio::select! {
        biased;
        _ = &mut answer => panic!("it is written down who reads"),
        () = std::future::ready(()) => {}
    }
    begin_reading(&mut tx).await;
    tx.commit().await.unwrap();
    let answer = answer.await;
    assert_eq!(answer.status(), StatusCode::OK);
    pass(Duration::from_secs(6));
    assert_eq!(to_their_ends(vec![answer]).await, [false]);
}

#[tokio::test]
async fn a_long_answer_ends_where_a_first_reading_begins() {
    let house = house(120).await;
    let reader = signed_in(&house, 30, Role::Coordinator).await;
    let other = signed_in(&house, 31, Role::Coordinator).await;
    let (own, others) = (begun(&house, &reader).await, begun(&house, &other).await);
    let mut tx = house.store.begin().await.unwrap();
    begin_reading(&mut tx).await;
    tx.commit().await.unwrap();
    pass(Duration::from_secs(6));
    assert_eq!(to_their_ends(own).await, [false; 3]);
    assert_eq!(to_their_ends(others).await, [true; 3]);
    // Who was blind when it began goes on.
    let blind = begun(&house, &reader).await;
    pass(Duration::from_secs(6));
    assert_eq!(to_their_ends(blind).await, [true; 3]);
}
