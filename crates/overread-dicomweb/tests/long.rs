//! Long answers: sent piece by piece, of one state of the index, and bounded in memory however slow the reader.

use std::ops::RangeInclusive;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::TokenId;
use overread_store::Tx;
use overread_store::deletions;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::blinding::{telling, tells};
use crate::deleted::delete;
use crate::house::{Got, House, archive_token, person};
use crate::made::{Made, element};

const STUDY: &str = "/studies/1.2.3/metadata";
const JSON: &[(&str, &str)] = &[("accept", "application/dicom+json")];
const GZIP: &[(&str, &str)] = &[("accept-encoding", "gzip")];
const XML: &[(&str, &str)] = &[(
    "accept",
    "multipart/related; type=\"application/dicom+xml\"",
)];

/// An instance of which the metadata alone are long.
fn wordy(number: u32) -> Made {
    let words = format!("{number} no two are alike ").repeat(500);
    let tags = [
        0x0008_4000,
        0x0010_4000,
        0x0018_4000,
        0x0020_4000,
        0x0040_2400,
    ];
    let texts = tags.map(|tag| element(tag, "LT", &words.as_bytes()[..9_000]));
    Made {
        extra: texts.concat(),
        ..Made::number(number)
    }
}

/// The same in another study.
fn of_another(number: u32) -> Made {
    Made {
        study: "1.2.9",
        series: "1.2.9.1",
        instance: format!("1.2.9.1.{number}"),
        ..wordy(number)
    }
}

/// A house with so many wordy instances.
pub(crate) async fn house(count: u32) -> House {
    let house = House::new().await;
    fill(&house, 1..=count, 60, wordy).await;
    house
}

/// Stores instances in no order, so many by one request.
async fn fill(house: &House, numbers: RangeInclusive<u32>, at_once: usize, made: fn(u32) -> Made) {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_by_key(|number| number * 7919 % 1009);
    for some in numbers.chunks(at_once) {
        let files: Vec<Vec<u8>> = some.iter().map(|number| made(*number).bytes()).collect();
        assert_eq!(house.stow("/studies", &files).await.status, StatusCode::OK);
    }
}

fn unpacked(got: &Got) -> Vec<u8> {
    let mut text = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(got.body.as_slice());
    std::io::Read::read_to_end(&mut decoder, &mut text).unwrap();
    text
}

fn numbers(json: &[u8]) -> Vec<u64> {
    let all: Vec<Value> = serde_json::from_slice(json).unwrap();
    let number = |one: &Value| one["00200013"]["Value"][0].as_u64().unwrap();
    all.iter().map(number).collect()
}

/// Reads a body to its end; `None` when it is broken off.
async fn to_end(response: Response) -> Option<Bytes> {
    let body = response.into_body().collect().await;
    body.ok().map(|body| body.to_bytes())
}

#[tokio::test]
async fn long_metadata_are_those_of_each_instance_in_their_order() {
    const COUNT: u64 = 400;
    let house = house(COUNT as u32).await;
    let token = Some(archive_token());
    let plain = house.get_as(token.clone(), STUDY, JSON).await;
    assert!(plain.body.len() > 17 * 1024 * 1024);
    // Its length is not known before it is read.
    assert_eq!(
        (plain.status, plain.header("content-length")),
        (StatusCode::OK, "")
    );
    assert_eq!(numbers(&plain.body), (1..=COUNT).collect::<Vec<_>>());
    let packed = house.get_as(token.clone(), STUDY, GZIP).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() * 4 < plain.body.len());
    assert!(unpacked(&packed) == plain.body);
    assert_ne!(packed.header("etag"), plain.header("etag"));
    let shown: Vec<Value> = serde_json::from_slice(&plain.body).unwrap();
    for number in [1, 2, 200, 400] {
        let path = format!("{}/metadata", Made::number(number).url());
        assert!(
            house.json(&path).await[0] == shown[number as usize - 1],
            "{number}"
        );
    }
    for (headers, got) in [(JSON, &plain), (GZIP, &packed)] {
        let held = [headers, &[("if-none-match", got.header("etag"))]].concat();
        let again = house.get_as(token.clone(), STUDY, &held).await;
        assert_eq!(
            (again.status, again.body.len()),
            (StatusCode::NOT_MODIFIED, 0)
        );
    }
    let xml = house.get_as(token.clone(), STUDY, XML).await.parts();
    assert_eq!(xml.len() as u64, COUNT);
    for (number, (head, part)) in (1..).zip(&xml) {
        let place = format!("{}/metadata", Made::number(number).url());
        assert!(head.contains(&place), "{head}");
        let uid = format!(">1.2.3.1.{number}<");
        assert!(String::from_utf8_lossy(part).contains(&uid));
    }
}

#[tokio::test]
async fn what_comes_in_between_is_in_the_next_answer() {
    let house = house(120).await;
    for headers in [JSON, XML] {
        let begun = house.begin(archive_token(), STUDY, headers).await;
        let tag = begun.headers().get("etag").cloned();
        let count = house.json("/studies/1.2.3/series").await[0]["00201209"]["Value"][0]
            .as_u64()
            .unwrap();
        let next = wordy(count as u32 + 1);
        house.stow("/studies", &[next.bytes()]).await;
        let body = to_end(begun).await.unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(!text.contains(&format!("{}\"", next.instance)));
        assert!(!text.contains(&format!("{}<", next.instance)));
        if headers == JSON {
            assert_eq!(numbers(&body).len() as u64, count);
            let got = house.get_as(Some(archive_token()), STUDY, JSON).await;
            assert_eq!(numbers(&got.body).len() as u64, count + 1);
            assert_ne!(got.headers.get("etag"), tag.as_ref());
        }
    }
}

#[tokio::test]
async fn a_study_that_is_deleted_in_between_is_broken_off_and_never_short() {
    let house = House::new().await;
    // One by one, so that each has a block of its own, and all are of one length.
    fill(&house, 100..=219, 1, wordy).await;
    let begin = async || {
        let mut begun = Vec::new();
        for headers in [JSON, XML] {
            begun.push(house.begin(archive_token(), STUDY, headers).await);
        }
        begun
    };
    let (hidden, erased) = (begin().await, begin().await);
    for response in begin().await {
        assert!(to_end(response).await.is_some());
    }
    let (id, due) = delete(&house).await;
    for response in hidden {
        assert_eq!(response.status(), StatusCode::OK);
        assert!(to_end(response).await.is_none());
    }
    let got = house.get_as(Some(archive_token()), STUDY, JSON).await;
    assert_eq!(got.status, StatusCode::GONE);
    let mut tx = house.store.begin().await.unwrap();
    let begun = deletions::begin_erasure(&mut tx, &id, due).await;
    assert!(begun.unwrap().is_some());
    tx.commit().await.unwrap();
    // Another study comes, whose rows get the numbers of those that are gone, and whose metadata lie alike.
    fill(&house, 100..=219, 1, of_another).await;
    for response in erased {
        assert!(to_end(response).await.is_none());
    }
}

#[tokio::test]
async fn a_blind_reader_gets_none_of_it_in_any_piece() {
    let house = house(110).await;
    let told: Vec<Vec<u8>> = (1..=20)
        .map(|number| Made {
            instance: format!("1.2.3.1.{}", 1000 + number),
            number: 1000 + number,
            ..telling()
        })
        .map(|made| made.bytes())
        .collect();
    house.stow("/studies", &told).await;
    let reviewer = person(2, Role::Reviewer);
    let right = [Right::ViewImages];
    house.grant(7, "1.2.3", &reviewer, &right, None).await;
    for (actor, is_open) in [(archive_token(), true), (reviewer, false)] {
        let got = house.get_as(Some(actor.clone()), STUDY, JSON).await;
        assert_eq!(numbers(&got.body).len(), 130);
        assert_eq!(tells(&got.body), is_open);
        let words = String::from_utf8_lossy(&got.body).contains("no two are alike");
        assert_eq!(words, is_open);
        let got = house.get_as(Some(actor), STUDY, XML).await;
        assert_eq!((got.parts().len(), tells(&got.body)), (130, is_open));
    }
}

#[tokio::test]
async fn readers_who_take_their_time_keep_nobody_waiting() {
    let house = house(110).await;
    let mut unread = Vec::new();
    for _ in 0..40 {
        let begun = house.begin(archive_token(), STUDY, JSON).await;
        assert_eq!(begun.status(), StatusCode::OK);
        unread.push(begun);
        let search = house.begin(archive_token(), "/instances", JSON).await;
        assert_eq!(search.status(), StatusCode::OK);
        unread.push(search);
    }
    let got = house.get_as(Some(archive_token()), STUDY, GZIP).await;
    assert_eq!(numbers(&unpacked(&got)).len(), 110);
    let first = unread.swap_remove(0);
    assert_eq!(numbers(&to_end(first).await.unwrap()).len(), 110);
}

/// An instance of which the metadata alone are more than two megabytes.
fn huge(number: u32) -> Made {
    let words = [b'x'; 9_000];
    let texts = (0x0009_1001..=0x0009_10F0).map(|tag| element(tag, "LT", &words));
    let creator = element(0x0009_0010, "LO", b"WORDS ");
    Made {
        extra: [vec![creator], texts.collect()].concat().concat(),
        ..Made::number(number)
    }
}

#[tokio::test]
async fn one_token_whose_readers_do_not_read_keeps_no_other_waiting() {
    let house = House::new().await;
    fill(&house, 1..=3, 3, huge).await;
    let mut unread = Vec::new();
    // Each takes up twice what it reads ahead, more than five MiB; one token has 64 MiB at most.
    for _ in 0..12 {
        unread.push(house.begin(archive_token(), STUDY, JSON).await);
    }
    assert!(unread.iter().all(|begun| begun.status() == StatusCode::OK));
    let other = Actor::Machine {
        token_id: TokenId::from_random([2; 16]),
        role: Role::Archive,
    };
    let mut own = Box::pin(house.begin(archive_token(), STUDY, JSON));
    // It has all the room that one may have.
    assert!(futures_util::poll!(&mut own).is_pending());
    let got = house.get_as(Some(other), STUDY, JSON).await;
    assert_eq!(numbers(&got.body), [1, 2, 3]);
    // Whoever reads gives back what is sent.
    let first = unread.swap_remove(0);
    assert_eq!(numbers(&to_end(first).await.unwrap()), [1, 2, 3]);
    let own = match own.await {
        // Its patience may have ended meanwhile.
        away if away.status() == StatusCode::SERVICE_UNAVAILABLE => {
            house.begin(archive_token(), STUDY, JSON).await
        }
        begun => begun,
    };
    assert_eq!(own.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_long_search_says_the_same_however_it_is_sent() {
    let many: Vec<Made> = (1..=450).map(Made::number).collect();
    let house = House::with(&many).await;
    let token = Some(archive_token());
    let path = "/studies/1.2.3/series/1.2.3.1/instances";
    let whole = house.get_as(token.clone(), path, JSON).await;
    assert_eq!(numbers(&whole.body), (1..=450).collect::<Vec<_>>());
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    assert_eq!(whole.header("content-encoding"), "");
    assert!(whole.header("vary").contains("Accept-Encoding"));
    let mut pieces = Vec::new();
    for offset in [0, 150, 300] {
        let page = house
            .json(&format!("{path}?limit=150&offset={offset}"))
            .await;
        pieces.extend(page.as_array().unwrap().clone());
    }
    assert!(Value::Array(pieces) == whole.json());
    let packed = house.get_as(token.clone(), path, GZIP).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.header("vary"), "Accept-Encoding");
    assert_eq!(
        packed.header("content-length"),
        packed.body.len().to_string()
    );
    assert!(unpacked(&packed) == whole.body);
    let xml = house.get_as(token.clone(), path, XML).await;
    assert_eq!(xml.header("content-length"), xml.body.len().to_string());
    assert_eq!(xml.parts().len(), 450);
    // What is not read takes up little room, once it is known how much it is.
    let mut unread = Vec::new();
    for _ in 0..40 {
        let begun = house.begin(archive_token(), path, JSON).await;
        assert_eq!(begun.status(), StatusCode::OK);
        unread.push(begun);
    }
    let limited = house
        .get_as(token, &format!("{path}?limit=300"), GZIP)
        .await;
    assert!(limited.header("warning").contains("150 additional results"));
    assert_eq!(numbers(&unpacked(&limited)).len(), 300);
}

/// Takes a turn to ask in somebody's name, until the other end is dropped.
async fn held(house: &House, asker: String) -> oneshot::Sender<()> {
    let (hold, held) = oneshot::channel();
    let (begin, begun) = oneshot::channel();
    let store = house.store.clone();
    let question = async move |_: &mut Tx| {
        begin.send(()).unwrap();
        held.await.ok()
    };
    tokio::spawn(async move { store.ask(&asker, question).await });
    begun.await.unwrap();
    hold
}

#[tokio::test]
async fn one_caller_never_has_every_turn_to_ask() {
    let house = House::with(&[Made::default()]).await;
    let actor = archive_token();
    let name = |actor: &Actor| format!("{} {}", actor.kind(), actor.id());
    let mut all = Vec::new();
    let most = match house.store.kind() {
        "sqlite" => overread_store::limits::ASKING_AT_ONCE,
        _ => overread_store::limits::POSTGRES_ASKING_AT_ONCE,
    };
    for _ in 1..most {
        all.push(held(&house, name(&actor)).await);
    }
    let mut own = Box::pin(house.get_as(Some(actor), "/studies", JSON));
    let other = person(5, Role::Coordinator);
    tokio::select! {
        biased;
        _ = &mut own => panic!("it has every turn that one may have"),
        got = house.get_as(Some(other), "/studies", JSON) => assert_eq!(got.status, StatusCode::OK),
    }
    all.pop();
    assert_eq!(own.await.status, StatusCode::OK);
}
