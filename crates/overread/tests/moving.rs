//! `migrate --to`: there and back, interrupted and refused.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use overread_archive::{Archive, Extent, PackId};
use overread_model::time::Timestamp;
use overread_store::access::Reach;
use overread_store::{Store, studies, transfer};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::gate::Gate;

use crate::doors::Doors;
use crate::faults::FailingDisc;
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

fn check_same_folder(data: &Path, to: &Path) {
    let refused = run(&["migrate", "--data", path(data), "--to", path(to)]);
    let told = text(&refused.stderr);
    assert!(!refused.status.success());
    assert!(told.contains("both what is copied and where"), "{told}");
    assert!(!told.contains("another overread"), "{told}");
}

#[test]
fn nothing_is_moved_to_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let first = filled(dir.path());
    check_same_folder(&first, &first);
    let other_name = dir.path().join("link");
    std::os::unix::fs::symlink(&first, &other_name).unwrap();
    check_same_folder(&first, &other_name);
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

/// An image of half a mebibyte, so that each series has a pack of its own.
fn large(study: u64) -> InstanceSpec {
    let mut spec = InstanceSpec::mr(study, 1, 1);
    (spec.rows, spec.columns) = (512, 512);
    spec.pixels = (0..512 * 512).map(|place| (place % 4093) as u16).collect();
    spec
}

fn status(doors: &Doors, spec: &InstanceSpec) -> u16 {
    let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
    let client = doors.client();
    client
        .instance(study, series, &spec.sop_instance_uid)
        .unwrap()
        .0
}

/// Opens the facts and the bytes of a data folder, wherever they are.
fn opened(data: &Path, outside: Option<&Outside>) -> (tokio::runtime::Runtime, Store, Archive) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (store, archive) = runtime.block_on(async {
        match outside {
            Some(outside) => (
                outside.store().await,
                outside.archive(&data.join("archive")).await,
            ),
            None => (
                Store::open_sqlite(&data.join("overread.sqlite"))
                    .await
                    .unwrap(),
                Archive::open(&data.join("archive")).await.unwrap(),
            ),
        }
    });
    (runtime, store, archive)
}

/// Returns the pack of a study.
fn pack_of(data: &Path, outside: Option<&Outside>, spec: &InstanceSpec) -> PackId {
    let (runtime, store, _archive) = opened(data, outside);
    runtime.block_on(async {
        let mut tx = store.read().await.unwrap();
        let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
        let all = &Reach::Everything;
        let found = studies::find_instance(&mut tx, all, study, series, &spec.sop_instance_uid);
        let found = found.await.unwrap().unwrap();
        drop(tx);
        store.close().await;
        found.extent.pack_id
    })
}

/// Moves with `exit` expected, and returns what was said and the report.
fn migrate_damaged(from: &Path, to: &Path) -> (String, serde_json::Value) {
    let said = run(&["migrate", "--data", path(from), "--to", path(to)]);
    assert_eq!(said.status.code(), Some(1), "{}", text(&said.stderr));
    let moved = run(&["migrate", "--json", "--data", path(from), "--to", path(to)]);
    assert_eq!(moved.status.code(), Some(1), "{}", text(&moved.stderr));
    (text(&said.stdout), json(&moved))
}

/// Loses the first of these packs, cuts the second and changes a byte of the third; returns what a backup would have of them.
async fn damaged(archive: &Archive, packs: [PackId; 3], keep: &Path) -> Archive {
    let kept = Archive::open(keep).await.unwrap();
    let mut lengths = std::collections::HashMap::new();
    for pack in archive.list_packs().await.unwrap() {
        lengths.insert(pack.pack_id, pack.length_bytes);
        let taken = kept.take_over(archive, pack.pack_id, pack.length_bytes);
        taken.await.unwrap();
    }
    let [lost, cut, changed] = packs;
    let copy = tempfile::tempdir().unwrap();
    let bad = Archive::open(copy.path()).await.unwrap();
    let taken = bad.take_over(archive, changed, lengths[&changed]);
    taken.await.unwrap();
    let one = Extent {
        pack_id: changed,
        offset_bytes: 5_000,
        length_bytes: 8,
    };
    bad.erase(one).await.unwrap();
    let taken = archive.take_over(&bad, changed, lengths[&changed]);
    taken.await.unwrap();
    let taken = archive.take_over(&kept, cut, lengths[&cut] - 3_000);
    taken.await.unwrap();
    archive.remove(lost).await.unwrap();
    kept
}

/// Damages three of four packs, and moves what is left; puts two of them back and moves them alone; serves what is there then.
fn check_damaged(from: &Path, of: Option<&Outside>, to: &Path) {
    let specs = [1, 2, 3, 4].map(large);
    let packs = [0, 1, 2].map(|at| pack_of(from, of, &specs[at]));
    let keep = tempfile::tempdir().unwrap();
    let (runtime, store, archive) = opened(from, of);
    let kept = runtime.block_on(async {
        store.close().await;
        damaged(&archive, packs, keep.path()).await
    });
    let (said, report) = migrate_damaged(from, to);
    for spec in &specs[..3] {
        let study = &spec.study_instance_uid;
        let named = format!("Study Instance UID {study}: 1 image damaged or missing");
        assert!(said.contains(&named), "{said}");
    }
    for told in [
        "damaged or missing: 3 images of 3 studies",
        "1 instance,",
        "run the same command again",
    ] {
        assert!(said.contains(told), "{said}");
    }
    let verified = &report["verified"];
    assert_eq!(verified["instances"], 1);
    assert_eq!(verified["damaged_studies"].as_object().unwrap().len(), 3);
    let incomplete = report["incomplete"].as_array().unwrap();
    assert_eq!(incomplete.len(), 2, "{report}");

    // Two come back; the third stays as it is, and everything else with it.
    runtime.block_on(async {
        for pack in kept.list_packs().await.unwrap() {
            if packs[..2].contains(&pack.pack_id) {
                let taken = archive.take_over(&kept, pack.pack_id, pack.length_bytes);
                taken.await.unwrap();
            }
        }
    });
    let (said, report) = migrate_damaged(from, to);
    let told = "damaged or missing: 1 image of 1 study";
    assert!(said.contains(told), "{said}");
    assert_eq!(report["verified"]["instances"], 3);
    let doors = Doors::open(to);
    for spec in [&specs[0], &specs[1], &specs[3]] {
        assert_eq!(status(&doors, spec), 200);
    }
    drop(doors);
    drop((archive, kept, runtime));
}

fn with_large(data: &Path) {
    let doors = Doors::open(data);
    for study in 1..=4 {
        let file = large(study).part10().unwrap();
        assert_eq!(doors.client().stow(&[&file]).unwrap().0, 200);
    }
}

#[test]
fn what_is_damaged_stays_behind_and_everything_else_moves() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to) = (dir.path().join("data"), dir.path().join("to"));
    with_large(&data);
    check_damaged(&data, None, &to);
}

#[test]
fn what_is_damaged_stays_behind_and_everything_else_moves_to_a_bucket_and_back() {
    let (Some(first), Some(second)) = (Outside::new("damaged"), Outside::new("damaged")) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (data, there) = (dir.path().join("data"), dir.path().join("there"));
    with_large(&data);
    first.configure(&there, None, None);
    check_damaged(&data, None, &there);
    let (bucket, back) = (dir.path().join("bucket"), dir.path().join("back"));
    second.configure(&bucket, None, None);
    with_large(&bucket);
    check_damaged(&bucket, Some(&second), &back);
}

#[test]
fn of_a_pack_with_a_block_that_cannot_be_read_everything_else_moves() {
    let Some(disc) = FailingDisc::new() else {
        return;
    };
    let to = tempfile::tempdir().unwrap();
    let second = InstanceSpec {
        sop_instance_uid: InstanceSpec::mr(1, 1, 2).sop_instance_uid,
        ..large(1)
    };
    let files = [large(1), second.clone()].map(|spec| spec.part10().unwrap());
    let doors = Doors::of(disc.overread(), &disc.data);
    assert_eq!(doors.client().stow(&[&files[0], &files[1]]).unwrap().0, 200);
    drop(doors);
    disc.turns("unreadable");
    let mut command = disc.overread();
    command.args([
        "migrate",
        "--json",
        "--data",
        path(&disc.data),
        "--to",
        path(to.path()),
    ]);
    let moved = command.output().unwrap();
    assert_eq!(moved.status.code(), Some(1), "{}", text(&moved.stderr));
    let report = json(&moved);
    let why = report["incomplete"][0]["why"].as_str().unwrap();
    assert!(why.contains("4096 cannot be read"), "{why}");
    assert_eq!(report["verified"]["instances"], 1);
    let study = &large(1).study_instance_uid;
    assert_eq!(report["verified"]["damaged_studies"][study], 1);
    let doors = Doors::open(to.path());
    assert_eq!(status(&doors, &second), 200);
}
