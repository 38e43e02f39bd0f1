//! WADO-URI: the same objects by query parameters, for the same people.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, LinkId};

use crate::house::{Got, House, archive_token, person};
use crate::made::{EXPLICIT, FRAME_BYTES, Made, element};

/// MPEG-4, of which no frame is decoded.
const FILM: &str = "1.2.840.10008.1.2.4.102";

const SECRET: &str = "SECRET extrusion L5-S1";

fn query(made: &Made) -> String {
    format!(
        "requestType=WADO&studyUID={}&seriesUID={}&objectUID={}",
        made.study, made.series, made.instance
    )
}

pub(crate) async fn wado(house: &House, actor: Option<Actor>, query: &str, accept: &str) -> Got {
    let request = Request::get(format!("/wado?{query}"))
        .header("host", "pacs.example")
        .header("accept", accept)
        .body(Body::empty())
        .unwrap();
    house.send(actor, request).await
}

#[tokio::test]
async fn an_object_comes_as_it_is_stored() {
    let (made, jpeg) = (
        Made::default(),
        Made {
            transfer_syntax: FILM,
            ..Made::number(2)
        },
    );
    let house = House::with(&[made.clone(), jpeg.clone()]).await;
    let get =
        async |query: &str, accept: &str| wado(&house, Some(archive_token()), query, accept).await;
    let query_made = query(&made);
    for (end, accept) in [
        ("&contentType=application/dicom", "*/*"),
        ("&contentType=application%2Fdicom", "image/jpeg"),
        ("", "application/dicom"),
    ] {
        let got = get(&format!("{query_made}{end}"), accept).await;
        assert_eq!(got.status, StatusCode::OK, "{end}");
        let expect = format!("application/dicom; transfer-syntax={EXPLICIT}");
        assert_eq!(got.header("content-type"), expect);
        assert_eq!(got.body[128..], made.bytes()[128..]);
        assert_eq!(got.body[..128], [0; 128], "a preamble may be a program");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(got.header("cache-control").contains("immutable"));
    }
    let query_jpeg = format!("{}&contentType=application/dicom", query(&jpeg));
    let got = get(&query_jpeg, "*/*").await;
    assert!(got.header("content-type").ends_with(FILM), "as stored");
    let got = get(&format!("{query_jpeg}&transferSyntax={FILM}"), "*/*").await;
    assert_eq!(got.status, StatusCode::OK);
    let got = get(
        &format!(
            "{query_made}&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.4.90"
        ),
        "*/*",
    )
    .await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_said_plainly() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    let start = query(&made);
    let dicom = format!("{start}&contentType=application/dicom");
    for (query, status, says) in [
        (start.replace("WADO", "GET"), 400, "requestType"),
        (start.replace("objectUID", "object"), 400, "objectUID"),
        (format!("{dicom}&anonymize=yes"), 400, "anonymize"),
        (format!("{dicom}&frameNumber=1"), 400, "frameNumber"),
        (format!("{start}&frameNumber=none"), 400, "frameNumber"),
        (
            start.replace("objectUID=1.2.3", "objectUID=9"),
            404,
            "no such",
        ),
    ] {
        let got = wado(&house, Some(archive_token()), &query, "*/*").await;
        assert_eq!(got.status.as_u16(), status, "{query}");
        let said = got.json()["message"].as_str().unwrap().to_owned();
        assert!(said.contains(says), "{query}: {said}");
    }
}

#[tokio::test]
async fn a_picture_is_drawn_as_it_is_asked() {
    let made = Made {
        frames: vec![vec![0; FRAME_BYTES], vec![255; FRAME_BYTES]],
        ..Made::default()
    };
    let house = House::with(std::slice::from_ref(&made)).await;
    let get = async |end: &str| {
        let query = format!("{}{end}", query(&made));
        wado(&house, Some(archive_token()), &query, "*/*").await
    };
    for (end, media_type) in [
        ("", "image/jpeg"),
        ("&contentType=image/jpeg&frameNumber=2", "image/jpeg"),
        ("&contentType=image/png&imageQuality=50", "image/png"),
        ("&contentType=video/mpeg,image/gif", "image/gif"),
    ] {
        let got = get(end).await;
        assert_eq!(got.status, StatusCode::OK, "{end}");
        assert_eq!(got.header("content-type"), media_type, "{end}");
    }
    let size = "&contentType=image/png&rows=2&columns=9&windowCenter=5&windowWidth=10";
    let small = get(size).await.body;
    let side = |at: usize| u32::from_be_bytes(small[at..at + 4].try_into().unwrap());
    assert_eq!((side(16), side(20)), (2, 2), "as large as fits");
    for (end, status) in [
        ("&frameNumber=3", 404),
        ("&windowCenter=5", 400),
        ("&rows=x", 400),
        ("&imageQuality=0", 400),
        ("&region=0,0,0.5,0.5", 400),
        ("&contentType=video/mpeg", 406),
        // No value brings parameters of its own along.
        ("&rows=2%26window%3d1,2,linear", 400),
    ] {
        assert_eq!(get(end).await.status.as_u16(), status, "{end}");
    }
}

/// Everything that is asked for here is 404 for whoever may not see the image, rendered or not.
#[tokio::test]
async fn who_may_not_see_the_image_gets_nothing() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    let member = person(4, Role::Patient);
    let case_id = house
        .grant(7, "1.2.3", &member, &[Right::ViewImages], None)
        .await;
    let no_images = person(5, Role::Insurer);
    house
        .grant(7, "1.2.3", &no_images, &[Right::ViewCase], None)
        .await;
    let link = |case_id: CaseId| Actor::Link {
        link_id: LinkId::from_random([9; 16]),
        case_id,
    };
    let dicom = format!("{}&contentType=application/dicom", query(&made));
    let jpeg = format!("{}&contentType=image/jpeg", query(&made));
    for (actor, status) in [
        (None, 401),
        (Some(person(6, Role::Patient)), 404),
        (Some(person(7, Role::Administrator)), 404),
        (Some(no_images), 404),
        (Some(link(CaseId::from_random([8; 16]))), 404),
        (Some(link(case_id)), 200),
        (Some(member), 200),
    ] {
        let got = wado(&house, actor.clone(), &dicom, "*/*").await;
        assert_eq!(got.status.as_u16(), status, "{actor:?}");
        if matches!(actor, Some(Actor::Link { .. })) {
            assert_eq!(got.header("cache-control"), "private, no-store");
        }
        let got = wado(&house, actor.clone(), &jpeg, "*/*").await;
        assert_eq!(got.status.as_u16(), status, "{actor:?}");
    }
}

#[tokio::test]
async fn a_blinded_reader_is_told_nothing_of_the_first_reading() {
    let made = Made {
        extra: element(0x0020_4000, "LT", SECRET.as_bytes()),
        ..Made::default()
    };
    let house = House::with(std::slice::from_ref(&made)).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let query = format!("{}&contentType=application/dicom", query(&made));
    for (actor, tells) in [(archive_token(), true), (reviewer, false)] {
        let got = wado(&house, Some(actor), &query, "*/*").await;
        assert_eq!(got.status, StatusCode::OK);
        let mut windows = got.body.windows(SECRET.len());
        assert_eq!(windows.any(|part| part == SECRET.as_bytes()), tells);
        assert_eq!(got.header("etag").is_empty(), !tells);
    }
}
