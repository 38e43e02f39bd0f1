//! Pictures, small pictures and reports for people's eyes; other encodings than the stored one.

use axum::http::StatusCode;
use overread_model::access::{Right, Role};

use crate::house::{Got, House, person};
use crate::made::{FRAME_BYTES, JPEG_LS, Made, element};

const RLE: &str = "1.2.840.10008.1.2.5";
const ALL: [&str; 8] = [
    "/studies/1.2.3/rendered",
    "/studies/1.2.3/series/1.2.3.1/rendered",
    "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/rendered",
    "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1/rendered",
    "/studies/1.2.3/thumbnail",
    "/studies/1.2.3/series/1.2.3.1/thumbnail",
    "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/thumbnail",
    "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1/thumbnail",
];

/// Three frames of 4 x 4 words, each of one value, compressed by RLE.
pub(crate) fn compressed() -> Made {
    let frame = |value: u8| {
        let mut frame = vec![0; 64];
        frame.splice(0..12, [2, 0, 0, 0, 64, 0, 0, 0, 66, 0, 0, 0]);
        frame.extend_from_slice(&[0xF1, 0, 0xF1, value]);
        frame
    };
    Made {
        transfer_syntax: RLE,
        frames: vec![frame(1), frame(2), frame(3)],
        ..Made::default()
    }
}

pub(crate) fn decoded(value: u8) -> Vec<u8> {
    [value, 0].repeat(16)
}

fn size(png: &[u8]) -> (u32, u32) {
    let reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .unwrap();
    (reader.info().width, reader.info().height)
}

/// The grey levels of a PNG.
pub(crate) fn greys(got: &Got) -> Vec<u8> {
    assert_eq!(got.header("content-type"), "image/png");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&got.body))
        .read_info()
        .unwrap();
    let mut out = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut out).unwrap();
    out
}

#[tokio::test]
async fn pictures_at_every_level_w7_w11() {
    let house = House::with(&[Made::default()]).await;
    for path in ALL {
        for (accept, content_type) in [
            ("*/*", "image/jpeg"),
            ("image/*", "image/jpeg"),
            ("image/png", "image/png"),
            ("image/gif", "image/gif"),
        ] {
            let got = house.get(path, accept).await;
            assert_eq!(got.status, StatusCode::OK, "{path} {accept}");
            assert_eq!(got.header("content-type"), content_type, "{path}");
            assert_eq!(got.header("content-length"), got.body.len().to_string());
        }
        for (accept, status) in [
            ("image/webp", 406),
            ("application/dicom", 406),
            ("image/jpeg, application/dicom", 400),
        ] {
            assert_eq!(
                house.get(path, accept).await.status,
                status,
                "{path} {accept}"
            );
        }
    }
    let image = house.get(ALL[2], "image/png").await;
    assert_eq!(size(&image.body), (4, 4));
    let levels = greys(&image);
    assert_eq!((levels.first(), levels.last()), (Some(&0), Some(&255)));
    assert!(image.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn parameters_are_followed_w8_w9_w10() {
    let house = House::with(&[Made::default()]).await;
    let get = async |query: &str| house.get(&format!("{}?{query}", ALL[2]), "image/png").await;
    assert_eq!(size(&get("viewport=20,10").await.body), (10, 10));
    assert_eq!(size(&get("viewport=8,8,0,0,4,2").await.body), (8, 4));
    // Stored words go from 0x0100 to 0x1F1E; nothing but the last is above the window.
    let window = greys(&get("window=7900,2,linear-exact").await);
    assert_eq!(window.iter().filter(|level| **level == 255).count(), 1);
    let plain = greys(&get("").await);
    let mut flipped = greys(&get("viewport=4,4,0,0,-4,4").await);
    for row in flipped.chunks_mut(4) {
        row.reverse();
    }
    assert_eq!(flipped, plain);
    let warned = get("annotation=patient,technique").await;
    assert_eq!(warned.status, StatusCode::OK);
    assert!(
        warned
            .header("warning")
            .starts_with("299 Overread: The annotation")
    );
    let bad = [
        "window=1,2",
        "viewport=x",
        "annotation=",
        "quality=0",
        "iccprofile=x",
    ];
    for query in bad {
        assert_eq!(get(query).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let large = house
        .get(&format!("{}?quality=100", ALL[2]), "image/jpeg")
        .await;
    let small = house
        .get(&format!("{}?quality=1", ALL[2]), "image/jpeg")
        .await;
    assert_eq!(
        (large.status, small.status),
        (StatusCode::OK, StatusCode::OK)
    );
    assert!(large.body != small.body);
    let thumbnail = house
        .get(&format!("{}?viewport=2,2", ALL[6]), "image/png")
        .await;
    assert_eq!(size(&thumbnail.body), (2, 2));
    let part = house
        .get(&format!("{}?viewport=2,2,0,0,1,1", ALL[6]), "image/png")
        .await;
    assert_eq!(part.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn several_pictures_are_parts_or_move() {
    let other = Made {
        instance: "1.2.3.1.2".to_owned(),
        number: 2,
        ..Made::default()
    };
    let house = House::with(&[compressed(), other]).await;
    let parts = "multipart/related; type=\"image/png\"";
    let got = house.get(ALL[1], parts).await;
    assert_eq!(got.status, StatusCode::OK);
    let names: Vec<String> = got.parts().into_iter().map(|part| part.0).collect();
    assert_eq!(names.len(), 2);
    assert!(
        names[0].contains("instances/1.2.3.1.1/rendered"),
        "{names:?}"
    );
    assert_eq!(house.get(ALL[1], "image/png").await.status, 406);
    let url = compressed().url();
    assert_eq!(
        house
            .get(&format!("{url}/rendered"), parts)
            .await
            .parts()
            .len(),
        3
    );
    let frames = format!("{url}/frames/1,3/rendered");
    assert_eq!(house.get(&frames, parts).await.parts().len(), 2);
    assert_eq!(house.get(&frames, "image/jpeg").await.status, 406);
    let moving = house.get(&frames, "image/gif").await;
    assert_eq!(moving.header("content-type"), "image/gif");
    assert!(
        moving
            .body
            .windows(11)
            .any(|window| window == b"NETSCAPE2.0")
    );
    for (list, status) in [("4", 404), ("0", 400), ("x", 400)] {
        let path = format!("{url}/frames/{list}/rendered");
        assert_eq!(
            house.get(&path, "image/jpeg").await.status,
            status,
            "{list}"
        );
        let path = format!("{url}/frames/{list}/thumbnail");
        assert_eq!(
            house.get(&path, "image/jpeg").await.status,
            status,
            "{list}"
        );
    }
}

#[tokio::test]
async fn compressed_frames_are_decoded_for_who_asks_w5() {
    let made = compressed();
    let house = House::with(std::slice::from_ref(&made)).await;
    let url = format!("{}/frames/3,1", made.url());
    let explicit = "transfer-syntax=1.2.840.10008.1.2.1";
    for accept in [
        "multipart/related; type=\"application/octet-stream\"".to_owned(),
        format!("multipart/related; type=application/octet-stream; {explicit}"),
    ] {
        let got = house.get(&url, &accept).await;
        let parts = got.parts();
        assert_eq!(parts.len(), 2, "{accept}");
        assert!(parts[0].0.contains("frames/1") && parts[0].0.contains(explicit));
        assert_eq!((&parts[0].1, &parts[1].1), (&decoded(1), &decoded(3)));
    }
    let one = format!("{}/frames/2", made.url());
    assert_eq!(
        house.get(&one, "application/octet-stream").await.body,
        decoded(2)
    );
    let jls = house.get(&one, "image/jls").await;
    assert!(jls.body.starts_with(b"\xff\xd8\xff\xf7"));
    let native = House::with(&[Made::default()]).await;
    let url = format!("{}/frames/1", Made::default().url());
    let jls = native.get(&url, "image/jls").await;
    assert!(jls.body.starts_with(b"\xff\xd8\xff\xf7"));
    assert_eq!(
        jls.header("content-type"),
        format!("image/jls; transfer-syntax={JPEG_LS}")
    );
}

#[tokio::test]
async fn instances_go_out_in_what_is_asked_g11_g13() {
    let made = compressed();
    let house = House::with(std::slice::from_ref(&made)).await;
    for accept in [
        "application/dicom",
        "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
    ] {
        let got = house.get(&made.url(), accept).await;
        assert_eq!(
            got.header("content-type"),
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
        );
        assert_eq!(got.header("content-length"), got.body.len().to_string());
        let pixels = [decoded(1), decoded(2), decoded(3)].concat();
        assert!(got.body.ends_with(&pixels), "{accept}");
    }
    let jpeg_ls = format!("application/dicom; transfer-syntax={JPEG_LS}");
    let sent = house.get(&made.url(), &jpeg_ls).await;
    assert_eq!(sent.status, StatusCode::OK);
    // What went out can be stored, and what is decoded of it is the same.
    let other = House::new().await;
    let stowed = other
        .stow("/studies", std::slice::from_ref(&sent.body))
        .await;
    assert_eq!(stowed.status, StatusCode::OK);
    let frames = format!("{}/frames/3", made.url());
    assert_eq!(
        other.get(&frames, "application/octet-stream").await.body,
        decoded(3)
    );
    let impossible = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90";
    let refused = house.get(&made.url(), impossible).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
    assert!(refused.json()["message"].as_str().unwrap().contains(RLE));
    let study = house
        .get(
            "/studies/1.2.3",
            "multipart/related; type=\"application/dicom\"",
        )
        .await;
    assert_eq!(study.parts().len(), 1);
}

#[tokio::test]
async fn a_reading_of_which_nothing_was_sent_is_taken_back_and_the_next_one_noted() {
    const READ: &str = "study.images_read";
    const NOT_TAKEN: &str = "study.images_not_taken";
    let damaged = Made {
        transfer_syntax: JPEG_LS,
        frames: vec![b"\xff\xd8\xff\xf7nonsense".to_vec()],
        ..Made::default()
    };
    let good = Made::number(2);
    let house = House::with(&[damaged.clone(), good.clone()]).await;
    let events = async || {
        let mut tx = house.store.read().await.unwrap();
        let wanted = overread_store::audit::Wanted::default();
        let page = overread_store::audit::list(&mut tx, &wanted, i64::MAX, 100).await;
        let rows = page.unwrap().rows.into_iter().rev();
        let rows = rows.filter(|row| row.subject_id.as_deref() == Some("1.2.3"));
        rows.map(|row| row.event).collect::<Vec<_>>()
    };
    let look = async |made: &Made| {
        let path = format!("{}/rendered", made.url());
        house.get(&path, "image/jpeg").await.status
    };
    for _ in 0..2 {
        assert_eq!(look(&damaged).await, StatusCode::NOT_ACCEPTABLE);
    }
    assert_eq!(events().await, [READ, NOT_TAKEN, READ, NOT_TAKEN]);
    // What was shown stays on record, whatever is refused behind it.
    assert_eq!(look(&good).await, StatusCode::OK);
    assert_eq!(look(&damaged).await, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(events().await, [READ, NOT_TAKEN, READ, NOT_TAKEN, READ]);
}

#[tokio::test]
async fn damaged_frames_are_refused_in_plain_words() {
    let made = Made {
        transfer_syntax: JPEG_LS,
        frames: vec![b"\xff\xd8\xff\xf7nonsense".to_vec()],
        ..Made::default()
    };
    let house = House::with(std::slice::from_ref(&made)).await;
    for path in ["/rendered", "/thumbnail", "/frames/1/rendered"] {
        let got = house
            .get(&format!("{}{path}", made.url()), "image/jpeg")
            .await;
        assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE, "{path}");
        assert!(got.json()["message"].as_str().unwrap().contains("damaged"));
    }
    let short = Made {
        frames: vec![vec![0; FRAME_BYTES - 2]],
        ..Made::default()
    };
    let house = House::with(std::slice::from_ref(&short)).await;
    let got = house
        .get(&format!("{}/rendered", short.url()), "image/jpeg")
        .await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
}

/// A structured report: a title, a sentence with marks of HTML, a measurement.
fn report() -> Made {
    let sequence = |tag, items: &[Vec<u8>]| {
        let items = items.iter().flat_map(|item| {
            let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
            out.extend_from_slice(&(item.len() as u32).to_le_bytes());
            out.extend_from_slice(item);
            out
        });
        element(tag, "SQ", &items.collect::<Vec<u8>>())
    };
    let code =
        |tag, meaning: &str| sequence(tag, &[element(0x0008_0104, "LO", meaning.as_bytes())]);
    let sentence = [
        element(0x0040_A040, "CS", b"TEXT"),
        code(0x0040_A043, "Finding"),
        element(0x0040_A160, "UT", b"<script>no fracture</script>"),
    ];
    let extra = [
        code(0x0040_A043, "Spine report"),
        element(0x0040_A491, "CS", b"PARTIAL"),
        sequence(0x0040_A730, &[sentence.concat()]),
    ];
    Made {
        modality: "SR",
        sop_class: "1.2.840.10008.5.1.4.1.1.88.11",
        instance: "1.2.3.1.9".to_owned(),
        frames: Vec::new(),
        extra: extra.concat(),
        ..Made::default()
    }
}

#[tokio::test]
async fn reports_are_text_and_never_pages_of_their_own() {
    let house = House::with(&[report()]).await;
    let url = format!("{}/rendered", report().url());
    let html = house.get(&url, "*/*").await;
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    let text = String::from_utf8(html.body.clone()).unwrap();
    assert!(text.contains("&lt;script&gt;no fracture") && !text.contains("<script"));
    assert!(text.contains("PARTIAL") && text.contains("Spine report"));
    assert!(html.header("content-security-policy").contains("sandbox"));
    let plain = house.get(&url, "text/plain").await;
    assert!(
        String::from_utf8(plain.body)
            .unwrap()
            .contains("Finding: <script>no fracture")
    );
    assert_eq!(
        house.get(&url, "image/jpeg").await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    assert_eq!(
        house.get("/studies/1.2.3/rendered", "*/*").await.status,
        406
    );
}

#[tokio::test]
async fn a_blinded_reviewer_sees_no_report_drawn_or_written() {
    let house = House::with(&[Made::default(), report()]).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let get = async |path: &str| {
        house
            .get_as(Some(reviewer.clone()), path, &[("accept", "*/*")])
            .await
    };
    for end in ["rendered", "thumbnail", "frames/1/rendered"] {
        let got = get(&format!("{}/{end}", report().url())).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{end}");
    }
    for path in ALL {
        let got = get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert!(!got.header("cache-control").contains("immutable"), "{path}");
    }
}

#[tokio::test]
async fn strangers_find_nothing_to_see() {
    let other = Made {
        study: "1.2.9",
        series: "1.2.9.1",
        instance: "1.2.9.1.1".to_owned(),
        ..Made::default()
    };
    let house = House::with(&[Made::default(), other]).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.9", &reviewer, &[Right::ViewImages], None)
        .await;
    for path in ALL {
        let accept = [("accept", "image/jpeg")];
        let nobody = house.get_as(None, path, &accept).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
        for stranger in [person(3, Role::Patient), reviewer.clone()] {
            let got = house.get_as(Some(stranger), path, &accept).await;
            assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
