//! `migrate --to`: there and back, interrupted and refused.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use overread_model::time::Timestamp;
use overread_store::{Store, transfer};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::gate::Gate;

use crate::outside::Outside;
use crate::program::{json, overread, run, small_disc, text};
use crate::serving::{SECRET, Server};

pub(crate) fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

fn migrate(from: &Path, to: &Path) -> serde_json::Value {
    let moved = run(&["migrate", "--json", "--data", path(from), "--to", path(to)]);
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    json(&moved)
}

/// What an installation answers, byte for byte.
pub(crate) fn answers(data: &Path) -> Vec<(u16, String)> {
    let mut server = Server::start(data, &[]);
    let spec = InstanceSpec::mr(71, 2, 3);
    let study = format!("/dicom-web/studies/{}", spec.study_instance_uid);
    let instance = format!(
        "{study}/series/{}/instances/{}",
        spec.series_instance_uid, spec.sop_instance_uid
    );
    let asked = [
        (
            "/dicom-web/studies?includefield=all".to_owned(),
            "application/dicom+json",
        ),
        (
            format!("{study}/instances?includefield=all"),
            "application/dicom+json",
        ),
        (
            format!("{study}/series?includefield=all"),
            "application/dicom+json",
        ),
        (format!("{study}/metadata"), "application/dicom+json"),
        (instance.clone(), "application/dicom"),
        (format!("{instance}/frames/1"), "application/octet-stream"),
    ];
    let answers = asked.map(|(address, accept)| {
        let head =
            format!("GET {address} HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nAccept: {accept}");
        let (status, body) = server.ask(&head, b"");
        assert!(status == 200 || status == 406, "{address}: {status} {body}");
        // Parts are set apart by a random word, and addresses name the port.
        let body = body.replace(server.address(), "host");
        let boundary = body.lines().next().unwrap_or_default().trim().to_owned();
        let is_parted = boundary.starts_with("--");
        (
            status,
            if is_parted {
                body.replace(&boundary, "--")
            } else {
                body
            },
        )
    });
    server.stop();
    answers.to_vec()
}

/// An installation with a disc and a token.
pub(crate) fn filled(dir: &Path) -> std::path::PathBuf {
    let (disc, data) = (dir.join("disc"), dir.join("first"));
    let token = dir.join("token");
    small_disc(&disc);
    std::fs::write(&token, SECRET).unwrap();
    Server::start(&data, &["--bootstrap-token", path(&token)]).stop();
    assert!(
        run(&["ingest", path(&disc), "--data", path(&data)])
            .status
            .success()
    );
    data
}

#[test]
fn everything_moves_there_and_back_and_answers_the_same() {
    let Some(outside) = Outside::new("moving") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let first = filled(dir.path());
    let (there, back) = (dir.path().join("there"), dir.path().join("back"));
    outside.configure(&there, None, None);
    let before = answers(&first);

    let shown = run(&["check-config", "--data", path(&there)]);
    let shown = text(&shown.stdout);
    assert!(
        shown.contains("[archive.s3]") && !shown.contains("hidden-key"),
        "{shown}"
    );

    let one = migrate(&first, &there);
    assert_eq!(one["verified"]["instances"], 5);
    assert_eq!(one["verified"]["ok"], true);
    // What was moved already is proven once more, and not copied.
    assert_eq!(migrate(&first, &there)["digest"], one["digest"]);
    let other = migrate(&there, &back);
    assert_eq!(one["digest"], other["digest"]);
    assert_eq!(one["tables"], other["tables"]);
    for data in [&first, &there, &back] {
        let verified = run(&["verify", "--json", "--data", path(data)]);
        assert_eq!(json(&verified)["ok"], true, "{}", text(&verified.stdout));
        assert_eq!(answers(data), before);
    }
    // Something was done in each of them since; no two are the same any more.
    for (from, to) in [(&first, &back), (&there, &back), (&back, &there)] {
        let refused = run(&["migrate", "--data", path(from), "--to", path(to)]);
        let said = text(&refused.stderr);
        assert!(
            !refused.status.success() && said.contains("holds other things"),
            "{said}"
        );
    }
    let same = dir.path().join("same");
    outside.configure(&same, None, None);
    let refused = run(&["migrate", "--data", path(&there), "--to", path(&same)]);
    assert!(text(&refused.stderr).contains("the same database"));
}

/// Leaves a transfer behind that was killed as soon as it had begun.
fn begin_only(first: &Path, outside: &Outside) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let source = Store::open_sqlite(&first.join("overread.sqlite"))
            .await
            .unwrap();
        let origin = transfer::origin(&mut source.read().await.unwrap())
            .await
            .unwrap();
        source.close().await;
        let target = outside.store().await;
        let mut tx = target.begin().await.unwrap();
        transfer::begin(&mut tx, &origin, Timestamp::from_micros(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        target.close().await;
    });
}

#[test]
fn what_was_interrupted_goes_on_and_nobody_works_in_a_half() {
    let Some(outside) = Outside::new("halves") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let first = filled(dir.path());
    let there = dir.path().join("there");
    outside.configure(&there, None, None);
    begin_only(&first, &outside);
    let refused = run(&["token", "list", "--data", path(&there)]);
    let said = text(&refused.stderr);
    assert!(said.contains("that has not ended"), "{said}");
    for round in 1..=8_u64 {
        let mut child = overread(&["migrate", "--data", path(&first), "--to", path(&there)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_millis(round * round * 15);
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    migrate(&first, &there);
    let verified = run(&["verify", "--json", "--data", path(&there)]);
    assert_eq!(
        json(&verified)["instances"],
        5,
        "{}",
        text(&verified.stderr)
    );
    assert_eq!(answers(&there), answers(&first));
}

#[test]
fn servers_that_are_away_are_told_and_come_back() {
    let Some(outside) = Outside::new("away") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (data, token) = (dir.path().join("data"), dir.path().join("token"));
    std::fs::write(&token, SECRET).unwrap();
    let database = Gate::to(&outside.database).unwrap();
    let objects = Gate::to(&outside.objects).unwrap();
    let (at, place) = (database.address.to_string(), objects.address.to_string());
    outside.configure(&data, Some(&at), Some(&place));
    let server = Server::start(&data, &["--bootstrap-token", path(&token)]);
    let head = |what: &str| {
        format!(
            "{what} HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nAccept: application/dicom+json"
        )
    };
    let store = |number| {
        let bytes = InstanceSpec::mr(1, 1, number).part10().unwrap();
        let mut body = b"--cut\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
        body.extend(bytes);
        body.extend(b"\r\n--cut--\r\n");
        let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=cut";
        server.answer(
            &format!("{}\r\n{kind}", head("POST /dicom-web/studies")),
            &body,
        )
    };
    let instance = |number| {
        let spec = InstanceSpec::mr(1, 1, number);
        let address = format!(
            "GET /dicom-web/studies/{}/series/{}/instances/{}",
            spec.study_instance_uid, spec.series_instance_uid, spec.sop_instance_uid
        );
        server.answer(
            &head(&address).replace("application/dicom+json", "application/dicom"),
            b"",
        )
    };
    assert!(store(1).starts_with("HTTP/1.1 200"), "{}", store(1));

    objects.shut();
    let refused = store(2);
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
    let refused = instance(1);
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(server.ask(&head("GET /dicom-web/studies"), b"").0 == 200);
    objects.open();
    assert!(store(2).starts_with("HTTP/1.1 200"));
    assert!(instance(1).starts_with("HTTP/1.1 200"));

    database.shut();
    let refused = store(3);
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert_eq!(server.ask("GET /healthz HTTP/1.1", b"").0, 503);
    database.open();
    assert!(store(3).starts_with("HTTP/1.1 200"));
    assert_eq!(server.ask("GET /healthz HTTP/1.1", b"").0, 200);
    drop(server);
    let verified = run(&["verify", "--json", "--data", path(&data)]);
    let said = text(&verified.stdout);
    assert_eq!(json(&verified)["instances"], 3, "{said}");

    // A start without them says which is missing.
    for (gate, name) in [(objects, "bucket"), (database, "PostgreSQL")] {
        gate.shut();
        let refused = run(&["verify", "--data", path(&data)]);
        let said = text(&refused.stderr);
        assert!(said.contains(name), "{said}");
    }
}
