//! Images as a presentation state shows them: by WADO-URI for one image, by the state's own rendered resource for all of its.

use axum::http::StatusCode;
use overread_model::access::{Right, Role};

use crate::house::{Got, House, archive_token, person};
use crate::made::{Made, element};
use crate::rendered::greys;
use crate::wado::wado;

const STATE: &str = "1.2.3.9.1";
const URL: &str = "/studies/1.2.3/series/1.2.3.9/instances/1.2.3.9.1/rendered";
const PNGS: &str = "multipart/related; type=\"image/png\"";
const URI: &str = "requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.1&objectUID=1.2.3.1.1&contentType=image%2Fpng\
    &presentationSeriesUID=1.2.3.9&presentationUID=1.2.3.9.1";

/// 4 by 4, from 0 to 15.
fn image() -> Made {
    Made {
        frames: vec![(0..16).flat_map(|value: u16| value.to_le_bytes()).collect()],
        extra: [
            element(0x0028_0101, "US", &4_u16.to_le_bytes()),
            element(0x0028_0102, "US", &3_u16.to_le_bytes()),
            element(0x0028_0103, "US", &0_u16.to_le_bytes()),
            element(0x0028_0004, "CS", b"MONOCHROME2"),
            // What the image says of itself counts for nothing once a state shows it.
            element(0x0028_1050, "DS", b"3"),
            element(0x0028_1051, "DS", b"1"),
            element(0x0028_1052, "DS", b"-100"),
            element(0x0028_1053, "DS", b"7"),
        ]
        .concat(),
        ..Made::default()
    }
}

fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let items = items.iter().flat_map(|item| {
        let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
        out.extend_from_slice(&(item.len() as u32).to_le_bytes());
        out.extend_from_slice(item);
        out
    });
    element(tag, "SQ", &items.collect::<Vec<u8>>())
}

fn images(uids: &[&str]) -> Vec<u8> {
    let items = uids
        .iter()
        .map(|uid| element(0x0008_1155, "UI", uid.as_bytes()));
    sequence(0x0008_1140, &items.collect::<Vec<_>>())
}

/// A presentation state of these images that says this.
fn state_of(uids: &[&str], says: &[Vec<u8>]) -> Made {
    let series = [images(uids), element(0x0020_000E, "UI", b"1.2.3.1")].concat();
    Made {
        series: "1.2.3.9",
        instance: STATE.to_owned(),
        modality: "PR",
        sop_class: "1.2.840.10008.5.1.4.1.1.11.1",
        frames: Vec::new(),
        extra: [sequence(0x0008_1115, &[series]), says.concat()].concat(),
        ..Made::default()
    }
}

fn state(says: &[Vec<u8>]) -> Made {
    state_of(&["1.2.3.1.1"], says)
}

async fn both(says: &[Vec<u8>]) -> [Got; 2] {
    let house = House::with(&[image(), state(says)]).await;
    [
        wado(&house, Some(archive_token()), URI, "*/*").await,
        house.get(URL, "image/png").await,
    ]
}

/// Checks what both ways of asking show.
async fn check(says: &[Vec<u8>], expect: &[u8]) {
    for got in both(says).await {
        let text = String::from_utf8_lossy(&got.body);
        assert_eq!(got.status, StatusCode::OK, "{text}");
        assert_eq!(greys(&got), expect);
    }
}

fn level(value: u8) -> u8 {
    value * 17
}

fn plain() -> Vec<u8> {
    (0..16).map(level).collect()
}

fn text(tag: u32, value: &str) -> Vec<u8> {
    element(tag, "CS", value.as_bytes())
}

fn word(tag: u32, value: u16) -> Vec<u8> {
    element(tag, "US", &value.to_le_bytes())
}

fn number(tag: u32, value: &str) -> Vec<u8> {
    element(tag, "IS", value.as_bytes())
}

#[tokio::test]
async fn grey_levels_are_those_of_the_state() {
    check(&[text(0x2050_0020, "IDENTITY")], &plain()).await;
    let inverse: Vec<u8> = (0..16).map(|value| 255 - level(value)).collect();
    check(&[text(0x2050_0020, "INVERSE")], &inverse).await;
    let window = |uid: &str, center: &str| {
        [
            images(&[uid]),
            element(0x0028_1050, "DS", center.as_bytes()),
            element(0x0028_1051, "DS", b"1"),
        ]
        .concat()
    };
    // Of several windows the one that is of this image.
    let windows = sequence(
        0x0028_3110,
        &[window("1.2.9", "2"), window("1.2.3.1.1", "8")],
    );
    let halves: Vec<u8> = (0..16)
        .map(|value| if value < 8 { 0 } else { 255 })
        .collect();
    check(std::slice::from_ref(&windows), &halves).await;
    // Its own slope comes before its window.
    let slope = [
        element(0x0028_1052, "DS", b"0"),
        element(0x0028_1053, "DS", b"2"),
    ]
    .concat();
    let quarter: Vec<u8> = (0..16)
        .map(|value| if value < 4 { 0 } else { 255 })
        .collect();
    check(&[slope, windows], &quarter).await;
    let words = |words: &[u16]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let lut = [
        element(0x0028_3002, "US", &words(&[2, 0, 16])),
        element(0x0028_3006, "OW", &words(&[0xFFFF, 0x8000])),
    ];
    let lut = sequence(0x2050_0010, &[lut.concat()]);
    let stepped: Vec<u8> = (0..16)
        .map(|value| if value < 8 { 255 } else { 128 })
        .collect();
    check(&[lut], &stepped).await;
}

#[tokio::test]
async fn the_image_is_turned_and_then_flipped() {
    let at = |index: [u8; 16]| index.map(level).to_vec();
    let quarter = [12, 8, 4, 0, 13, 9, 5, 1, 14, 10, 6, 2, 15, 11, 7, 3];
    check(
        &[word(0x0070_0042, 90), text(0x0070_0041, "N")],
        &at(quarter),
    )
    .await;
    let flipped = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
    check(
        &[word(0x0070_0042, 90), text(0x0070_0041, "Y")],
        &at(flipped),
    )
    .await;
    let half: Vec<u8> = plain().into_iter().rev().collect();
    check(&[word(0x0070_0042, 180)], &half).await;
    // Turned by a quarter, the first corner is the lower left one.
    let corner = |tag, column: i32, row: i32| {
        let bytes = [column.to_le_bytes(), row.to_le_bytes()].concat();
        element(tag, "SL", &bytes)
    };
    let area = [corner(0x0070_0052, 2, 4), corner(0x0070_0053, 4, 3)].concat();
    let area = sequence(0x0070_005A, &[area]);
    let part = [13, 9, 14, 10, 15, 11].map(level);
    check(&[area, word(0x0070_0042, 90)], &part).await;
}

#[tokio::test]
async fn shutters_cover_what_is_outside_of_them() {
    let rectangle = [
        text(0x0018_1600, "RECTANGULAR"),
        number(0x0018_1602, "2"),
        number(0x0018_1604, "3"),
        number(0x0018_1606, "1"),
        number(0x0018_1608, "3"),
        word(0x0018_1622, 0xFFFF),
    ];
    let seen = |shown: &[u8]| {
        let levels = (0..16).map(|value| {
            if shown.contains(&value) {
                level(value)
            } else {
                255
            }
        });
        levels.collect::<Vec<u8>>()
    };
    check(&rectangle, &seen(&[1, 2, 5, 6, 9, 10])).await;
    let both = [
        text(0x0018_1600, "RECTANGULAR\\CIRCULAR"),
        rectangle[1..].concat(),
        number(0x0018_1610, "2\\2"),
        number(0x0018_1612, "1"),
    ];
    check(&both, &seen(&[1, 5, 6, 9])).await;
    let polygon = [
        text(0x0018_1600, "POLYGONAL"),
        number(0x0018_1620, "0\\0\\0\\5\\5\\0"),
        word(0x0018_1622, 0xFFFF),
    ];
    check(&polygon, &seen(&[0, 1, 2, 4, 5, 8])).await;
}

#[tokio::test]
async fn what_is_not_followed_is_refused_or_told() {
    let mask = sequence(0x0028_6100, &[text(0x0028_6101, "AVG_SUB")]);
    for says in [
        text(0x0018_1600, "BITMAP"),
        [
            text(0x0018_1600, "CIRCULAR\\CIRCULAR"),
            number(0x0018_1610, "2\\2"),
            number(0x0018_1612, "1"),
        ]
        .concat(),
        text(0x0018_1600, "CIRCULAR"),
        word(0x0070_0042, 45),
        mask,
    ] {
        for got in both(&[says]).await {
            assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
        }
    }
    let graphics = sequence(0x0070_0001, &[text(0x0070_0002, "A")]);
    for got in both(&[graphics]).await {
        let warning = "299 Overread: The text and lines of the presentation state are not drawn.";
        assert_eq!(
            (got.status, got.header("warning")),
            (StatusCode::OK, warning)
        );
    }
    let of_another = state_of(&["1.2.3.1.2"], &[]);
    let colours = Made {
        sop_class: "1.2.840.10008.5.1.4.1.1.11.2",
        ..state(&[])
    };
    for (made, status) in [
        (of_another, StatusCode::NOT_FOUND),
        (colours, StatusCode::NOT_ACCEPTABLE),
    ] {
        let house = House::with(&[image(), made]).await;
        let got = wado(&house, Some(archive_token()), URI, "*/*").await;
        assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
        assert_eq!(house.get(URL, "image/png").await.status, status);
    }
    let house = House::with(&[image(), state(&[])]).await;
    for (query, status) in [
        (
            URI.replace("&presentationSeriesUID=1.2.3.9", ""),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("{URI}&windowCenter=1&windowWidth=1"),
            StatusCode::BAD_REQUEST,
        ),
        (
            URI.replace("image%2Fpng", "application%2Fdicom"),
            StatusCode::BAD_REQUEST,
        ),
        (
            URI.replace("UID=1.2.3.9.1", "UID=1.2.3.9.2"),
            StatusCode::NOT_FOUND,
        ),
        (
            URI.replace("UID=1.2.3.9.1", "UID=1.2.3.1.1")
                .replace("UID=1.2.3.9&", "UID=1.2.3.1&"),
            StatusCode::NOT_ACCEPTABLE,
        ),
    ] {
        let got = wado(&house, Some(archive_token()), &query, "*/*").await;
        assert_eq!(got.status, status, "{query}");
    }
}

#[tokio::test]
async fn a_state_of_several_images_answers_with_those_that_are_there() {
    let other = Made {
        instance: "1.2.3.1.2".to_owned(),
        ..image()
    };
    let state = state_of(&["1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.7"], &[]);
    let house = House::with(&[image(), other, state]).await;
    let got = house
        .get(URL, "multipart/related; type=\"image/png\"")
        .await;
    assert_eq!(
        (got.status, got.parts().len()),
        (StatusCode::PARTIAL_CONTENT, 2)
    );
    assert_eq!(
        house.get(URL, "image/png").await.status,
        StatusCode::NOT_ACCEPTABLE
    );
}

/// An image of six frames, of which each is of another level under the window of [`state_of_frames`].
fn of_six_frames() -> Made {
    let frame = |value: u16| value.to_le_bytes().repeat(16);
    Made {
        frames: (0..6).map(frame).collect(),
        ..image()
    }
}

/// A presentation state of these frames of the image.
fn state_of_frames(frames: &[&str]) -> Made {
    let item = |numbers: &&str| {
        let uid = element(0x0008_1155, "UI", b"1.2.3.1.1");
        [uid, number(0x0008_1160, numbers)].concat()
    };
    let items: Vec<Vec<u8>> = frames.iter().map(item).collect();
    let series = [
        sequence(0x0008_1140, &items),
        element(0x0020_000E, "UI", b"1.2.3.1"),
    ];
    Made {
        extra: sequence(0x0008_1115, &[series.concat()]),
        ..state_of(&[], &[])
    }
}

#[tokio::test]
async fn a_state_of_some_frames_shows_those() {
    let (png, pngs) = ("image/png", PNGS);
    let house = House::with(&[of_six_frames(), state_of_frames(&["5"])]).await;
    // 4 of the 15 that four bits can hold.
    let fifth = vec![68; 16];
    assert_eq!(greys(&house.get(URL, png).await), fifth);
    let by_uri = wado(&house, Some(archive_token()), URI, "*/*").await;
    assert_eq!(greys(&by_uri), fifth);
    let got = house.get(URL, pngs).await;
    let parts = got.parts();
    assert_eq!((got.status, parts.len()), (StatusCode::OK, 1));
    assert!(
        parts[0].0.contains("/frames/5/rendered\r\n"),
        "{}",
        parts[0].0
    );
    // Named twice and in no order; the last is not there.
    let house = House::with(&[of_six_frames(), state_of_frames(&["6\\2", "4\\2\\9"])]).await;
    let got = house.get(URL, pngs).await;
    let parts = got.parts();
    assert_eq!((got.status, parts.len()), (StatusCode::PARTIAL_CONTENT, 3));
    for ((head, _), number) in parts.iter().zip([2, 4, 6]) {
        assert!(
            head.contains(&format!("/frames/{number}/rendered\r\n")),
            "{head}"
        );
    }
    assert_eq!(greys(&house.get(URL, png).await), [17; 16]);
    for (frames, status) in [
        ("9", StatusCode::NOT_FOUND),
        ("0", StatusCode::NOT_ACCEPTABLE),
    ] {
        let house = House::with(&[of_six_frames(), state_of_frames(&[frames])]).await;
        for accept in [png, pngs] {
            let got = house.get(URL, accept).await;
            assert!(!got.status.is_success(), "{frames} {accept}");
        }
        assert_eq!(house.get(URL, png).await.status, status, "{frames}");
    }
}

#[tokio::test]
async fn one_image_may_be_named_by_many_items_of_so_many_frames() {
    let fives = vec!["5"; 8000].join("\\");
    for (items, status) in [(12, StatusCode::OK), (13, StatusCode::PAYLOAD_TOO_LARGE)] {
        let state = state_of_frames(&vec![fives.as_str(); items]);
        let house = House::with(&[of_six_frames(), state]).await;
        let by_uri = wado(&house, Some(archive_token()), URI, "*/*").await;
        assert_eq!(by_uri.status, status, "{items}");
        let got = house.get(URL, PNGS).await;
        assert_eq!(got.status, status, "{items}");
        if status.is_success() {
            assert_eq!((greys(&by_uri), got.parts().len()), (vec![68; 16], 1));
        }
    }
}

#[tokio::test]
async fn overlays_that_are_not_drawn_are_told() {
    let plane = element(0x6002_3000, "OW", &[1, 0]);
    let layer = |name: &str| element(0x6002_1001, "CS", name.as_bytes());
    for (says, is_shown) in [
        // Its own; of whose layer nothing is said; those of the image.
        ([layer("ONE"), plane.clone()].concat(), true),
        (plane.clone(), true),
        (layer("ONE"), true),
        // Without a layer it is not shown.
        ([layer(""), plane].concat(), false),
    ] {
        for got in both(&[says]).await {
            let warning = match is_shown {
                true => "299 Overread: The overlays of the presentation state are not drawn.",
                false => "",
            };
            assert_eq!(
                (got.status, got.header("warning")),
                (StatusCode::OK, warning)
            );
        }
    }
}

/// An image in a series of its own, and a presentation state of it and of [`image`].
fn state_of_two_series() -> (Made, Made) {
    let other = Made {
        series: "1.2.3.2",
        instance: "1.2.3.2.1".to_owned(),
        extra: [
            image().extra,
            element(0x0029_1010, "OB", &vec![7; 5 * 1024 * 1024]),
        ]
        .concat(),
        ..image()
    };
    let series = |uid: &str, image: &str| {
        let uid = element(0x0020_000E, "UI", uid.as_bytes());
        [images(&[image]), uid].concat()
    };
    let both = [
        series("1.2.3.1", "1.2.3.1.1"),
        series("1.2.3.2", "1.2.3.2.1"),
    ];
    let state = Made {
        extra: sequence(0x0008_1115, &both),
        ..state(&[])
    };
    (other, state)
}

#[tokio::test]
async fn a_lost_image_is_left_out_as_from_any_other_set() {
    let (other, state) = state_of_two_series();
    let house = House::with(&[image(), state]).await;
    house.stow("/studies", &[other.bytes()]).await;
    let got = house.get(URL, PNGS).await;
    assert_eq!((got.status, got.parts().len()), (StatusCode::OK, 2));
    house.lose(&other).await;
    let got = house.get(URL, PNGS).await;
    let expect = (StatusCode::PARTIAL_CONTENT, 1);
    assert_eq!((got.status, got.parts().len()), expect);
}

#[tokio::test]
async fn a_failing_disc_is_not_called_missing() {
    let (other, state) = state_of_two_series();
    let house = House::with(&[image(), state]).await;
    house.stow("/studies", &[other.bytes()]).await;
    if house.spoil(&other).await {
        let got = house.get(URL, PNGS).await;
        assert_eq!(got.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[tokio::test]
async fn each_image_that_is_shown_is_noted_as_by_itself() {
    // A picture of a report, among the images.
    let report = Made {
        modality: "DOC",
        ..image()
    };
    let house = House::with(&[report, state(&[])]).await;
    let rows = async || {
        let mut tx = house.store.read().await.unwrap();
        overread_store::audit::prove(&mut tx).await.unwrap().rows
    };
    let before = rows().await;
    assert_eq!(house.get(URL, "image/png").await.status, StatusCode::OK);
    // The study, the presentation state, and the image.
    assert_eq!(rows().await, before + 3);
    let direct = format!("{}/rendered", image().url());
    assert_eq!(house.get(&direct, "image/png").await.status, StatusCode::OK);
    assert_eq!(rows().await, before + 3, "it is noted already");
}

#[tokio::test]
async fn nobody_is_shown_by_a_state_that_they_may_not_see() {
    let other = Made {
        study: "1.2.4",
        series: "1.2.4.1",
        instance: "1.2.4.1.1".to_owned(),
        ..Made::default()
    };
    let house = House::with(&[image(), state(&[]), other]).await;
    let rights = [Right::ViewImages];
    let (patient, stranger, reader) = (
        person(2, Role::Patient),
        person(3, Role::Patient),
        person(4, Role::Reviewer),
    );
    house.grant(7, "1.2.3", &patient, &rights, None).await;
    house.grant(8, "1.2.4", &stranger, &rights, None).await;
    // What a first reader marked is not for one who has not looked yet.
    house.grant(7, "1.2.3", &reader, &rights, None).await;
    for (actor, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(person(5, Role::Administrator)), StatusCode::NOT_FOUND),
        (Some(stranger), StatusCode::NOT_FOUND),
        (Some(reader), StatusCode::NOT_FOUND),
        (Some(patient), StatusCode::OK),
    ] {
        let got = wado(&house, actor.clone(), URI, "*/*").await;
        assert_eq!(got.status, status, "{actor:?}");
        let got = house
            .get_as(actor.clone(), URL, &[("accept", "image/png")])
            .await;
        assert_eq!(got.status, status, "{actor:?}");
    }
}
