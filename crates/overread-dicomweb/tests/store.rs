//! STOW-RS.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures_util::StreamExt;

use crate::house::{House, archive_token, multipart, request};
use crate::made::{Made, element};

#[tokio::test]
async fn stored_instances_are_named_s1_s5() {
    let house = House::new().await;
    let got = house
        .stow(
            "/studies",
            &[Made::default().bytes(), Made::number(2).bytes()],
        )
        .await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.header("content-type"), "application/dicom+json");
    let answer = got.json();
    assert_eq!(
        answer["00081190"]["Value"][0],
        "http://pacs.example:8080/dicom-web/studies/1.2.3"
    );
    let stored = answer["00081199"]["Value"].as_array().unwrap();
    assert_eq!(stored.len(), 2);
    assert_eq!(
        stored[0]["00081150"]["Value"][0],
        "1.2.840.10008.5.1.4.1.1.4"
    );
    assert_eq!(stored[0]["00081155"]["Value"][0], "1.2.3.1.1");
    let url = format!(
        "http://pacs.example:8080/dicom-web{}",
        Made::default().url()
    );
    assert_eq!(stored[0]["00081190"]["Value"][0], url);
    assert!(answer.get("00081198").is_none());
    // What was acknowledged can be read at once.
    assert_eq!(
        house.get(&Made::number(2).url(), "*/*").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn again_is_no_error_and_other_bytes_are_s10() {
    let house = House::with(&[Made::default()]).await;
    assert_eq!(
        house
            .stow("/studies", &[Made::default().bytes()])
            .await
            .status,
        StatusCode::OK
    );
    let changed = Made {
        extra: element(0x0028_2110, "CS", b"01"),
        ..Made::default()
    };
    let got = house.stow("/studies", &[changed.bytes()]).await;
    assert_eq!(got.status, StatusCode::CONFLICT);
    let failed = &got.json()["00081198"]["Value"][0];
    assert_eq!(failed["00081155"]["Value"][0], "1.2.3.1.1");
    assert_eq!(failed["00081197"]["Value"][0], 272);
    // The words stand beside the answer, which has no place for them.
    assert_eq!(failed.as_object().unwrap().len(), 3);
    let kept = house.get(&Made::default().url(), "application/dicom").await;
    assert_eq!(kept.body.len(), Made::default().bytes().len());
}

/// Two instances of one study that contradict each other on it, and write what others would write otherwise.
#[tokio::test]
async fn nothing_is_coerced_so_that_there_is_no_original_to_note_s7() {
    let first = Made {
        patient: "DOE^jane  ",
        patient_id: " P1",
        ..Made::default()
    };
    let second = Made {
        description: "LUMBAR SPINE W/O",
        date: "20260303",
        // Of a private creator that nobody knows, and without one.
        extra: [
            element(0x0029_0010, "LO", b"nobody"),
            element(0x0029_1001, "UN", &[1, 2, 3, 4]),
            element(0x0031_1001, "LO", b"whose?"),
        ]
        .concat(),
        patient: first.patient,
        patient_id: first.patient_id,
        ..Made::number(2)
    };
    let house = House::new().await;
    let got = house
        .stow("/studies", &[first.bytes(), second.bytes()])
        .await;
    assert_eq!(got.status, StatusCode::OK);
    for item in got.json()["00081199"]["Value"].as_array().unwrap() {
        assert!(
            item.get("00081196").is_none(),
            "B000 would tell of coercion"
        );
    }
    for made in [first, second] {
        let got = house.get(&made.url(), "application/dicom").await;
        assert_eq!(got.body[128..], made.bytes()[128..], "{}", made.instance);
        let metadata = house.json(&format!("{}/metadata", made.url())).await;
        assert_eq!(metadata[0]["00081030"]["Value"][0], made.description);
        assert_eq!(metadata[0]["00080020"]["Value"][0], made.date);
        assert!(metadata[0].get("04000561").is_none());
    }
}

#[tokio::test]
async fn what_is_kept_though_damaged_is_told_s5() {
    let house = House::new().await;
    let whole = Made::default().bytes();
    let cut = whole[..whole.len() - 2].to_vec();
    let got = house
        .stow("/studies", &[cut, Made::number(2).bytes()])
        .await;
    assert_eq!(got.status, StatusCode::ACCEPTED);
    let stored = &got.json()["00081199"]["Value"];
    // Data set does not match SOP class.
    assert_eq!(stored[0]["00081196"]["Value"][0], 0xB007);
    assert!(stored[1].get("00081196").is_none());
}

#[tokio::test]
async fn every_part_has_its_own_outcome_s2_s3_s4_s6() {
    let house = House::new().await;
    let got = house
        .stow(
            "/studies",
            &[Made::default().bytes(), b"not dicom".to_vec()],
        )
        .await;
    assert_eq!(got.status, StatusCode::ACCEPTED);
    assert_eq!(
        got.json()["0008119A"]["Value"][0]["00081197"]["Value"][0],
        0xC000
    );
    let got = house.stow("/studies", &[b"not dicom".to_vec()]).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    let other = Made {
        study: "1.2.4",
        instance: "1.2.4.9".to_owned(),
        ..Made::default()
    };
    let got = house
        .stow("/studies/1.2.3", &[other.bytes(), Made::number(5).bytes()])
        .await;
    assert_eq!(got.status, StatusCode::ACCEPTED);
    let failed = &got.json()["00081198"]["Value"][0];
    assert_eq!(failed["00081155"]["Value"][0], "1.2.4.9");
    assert_eq!(failed["00081197"]["Value"][0], 0xA900);
    let got = house.stow("/studies/1.2.3", &[other.bytes()]).await;
    assert_eq!(got.status, StatusCode::CONFLICT);
    assert_eq!(
        house.get(&other.url(), "*/*").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn bodies_must_be_multipart_s3_s11() {
    let house = House::new().await;
    for (content_type, expect) in [
        ("multipart/form-data; boundary=b0undary", 415),
        ("application/dicom", 415),
        (
            "multipart/related; type=\"application/pdf\"; boundary=b0undary",
            415,
        ),
        ("multipart/related; type=\"application/dicom\"", 400),
        ("multipart/related; boundary=b0undary", 200),
        (
            "Multipart/Related; TYPE=application/dicom; BOUNDARY=\"b0undary\"",
            200,
        ),
    ] {
        let headers = [("content-type", content_type)];
        let body = Body::from(multipart(&[Made::default().bytes()]));
        let got = house
            .send(
                Some(archive_token()),
                request(Method::POST, "/studies", &headers, body),
            )
            .await;
        assert_eq!(got.status, expect, "{content_type}");
    }
    let mut cut = multipart(&[Made::number(2).bytes()]);
    cut.truncate(cut.len() - 40);
    let got = house.stow_as(archive_token(), "/studies", &[], cut).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        house.get(&Made::number(2).url(), "*/*").await.status,
        StatusCode::NOT_FOUND
    );
    let got = house
        .stow_as(archive_token(), "/studies", &[], b"--b0undary--".to_vec())
        .await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_request_full_of_nothing_is_refused_in_words() {
    let house = House::new().await;
    let got = house.stow("/studies", &vec![Vec::new(); 99_000]).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    let message = got.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("no DICOM instances"), "{message}");
    assert!(got.body.len() < 1000);
}

#[tokio::test]
async fn senders_that_sleep_keep_nobody_from_storing() {
    let house = std::sync::Arc::new(House::new().await);
    let (mut sleepers, mut started) = (tokio::task::JoinSet::new(), Vec::new());
    for _ in 0..60 {
        let house = std::sync::Arc::clone(&house);
        let (told, is_started) = tokio::sync::oneshot::channel();
        started.push(is_started);
        let start = b"\r\n--b0undary\r\n\r\nhalf a part".to_vec();
        let chunks = futures_util::stream::once(async { Ok::<_, std::io::Error>(start) }).chain(
            futures_util::stream::once(async move {
                let _ = told.send(());
                std::future::pending().await
            }),
        );
        sleepers.spawn(async move {
            let headers = [("content-type", "multipart/related; boundary=b0undary")];
            let body = Body::from_stream(chunks);
            let request = request(Method::POST, "/studies", &headers, body);
            house.send(Some(archive_token()), request).await.status
        });
    }
    for one in started {
        one.await.unwrap();
    }
    let files: Vec<Vec<u8>> = (1..=5).map(|number| Made::number(number).bytes()).collect();
    assert_eq!(house.stow("/studies", &files).await.status, StatusCode::OK);
    assert!(sleepers.try_join_next().is_none());
}

#[tokio::test]
async fn a_long_part_goes_by_a_file() {
    let house = House::new().await;
    let long = Made {
        extra: element(0x0029_1010, "OB", &vec![5; 20 * 1024 * 1024]),
        ..Made::default()
    };
    let got = house
        .stow("/studies", &[long.bytes(), Made::number(2).bytes()])
        .await;
    assert_eq!(
        got.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&got.body)
    );
    let mut expect = long.bytes();
    expect[..128].fill(0);
    assert!(house.get(&long.url(), "application/dicom").await.body == expect);
}

/// What is written to the log on this thread: the fields of each line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = String::new();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                line.push_str(&format!("{field}={value:?} "));
            },
        );
        self.0.lock().unwrap().push(line);
    }
    fn enter(&self, _: &tracing::Id) {}
    fn exit(&self, _: &tracing::Id) {}
}

#[tokio::test]
async fn a_refusal_says_why_to_sender_and_operator_and_names_nobody() {
    let house = House::with(&[Made::default()]).await;
    let changed = Made {
        extra: element(0x0028_2110, "CS", b"01"),
        ..Made::default()
    };
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let files = [
        changed.bytes(),
        b"not dicom".to_vec(),
        b"nor this".to_vec(),
        Made::number(2).bytes(),
    ];
    let got = house.stow("/studies", &files).await;
    drop(guard);
    assert_eq!(got.status, StatusCode::ACCEPTED);
    let said: Vec<&str> = got
        .headers
        .get_all("warning")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("299 Overread: 1 of the instances was refused with reason 0110H: ")
    );
    assert!(
        said[1].starts_with("299 Overread: 2 of the instances were refused with reason C000H: ")
    );
    assert!(
        said[0].ends_with("(Failed SOP Sequence, item 1)"),
        "{said:?}"
    );
    assert!(
        said[1].ends_with("(Other Failures Sequence, item 1-2)"),
        "{said:?}"
    );
    let lines = log.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("refused=1 status=272") && lines[1].contains("refused=2"));
    for text in lines.iter().map(String::as_str).chain(said) {
        for hidden in ["1.2.3", "Jane", "P1"] {
            assert!(!text.contains(hidden), "{text}");
        }
        // The words are more than the code.
        assert!(text.split(' ').count() > 12, "{text}");
    }
    // What is stored is not warned of.
    let again = house.stow("/studies", &[Made::number(3).bytes()]).await;
    assert_eq!(
        (again.status, again.header("warning")),
        (StatusCode::OK, "")
    );
}
