//! A disc that is full, turns read-only or hangs, a bucket and a database that are away or stall: every door says so, loses
//! nothing it acknowledged, and goes on by itself once the trouble is over.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};
use overread_testkit::gate::Gate;
use overread_testkit::peer::Peer;

use crate::doors::{Doors, PATIENCE, Told};
use crate::faults::{FailingDisc, SmallDisc};
use crate::left_behind::{until_all_is_whole, until_whole};
use crate::outside::Outside;
use crate::program::{json, run, text};

/// An instance of half a mebibyte, each in a series of its own.
fn large(number: u64) -> InstanceSpec {
    let mut spec = InstanceSpec::mr(1, number, 1);
    (spec.rows, spec.columns) = (512, 512);
    spec.pixels = (0..512 * 512)
        .map(|place| (place * number % 4093) as u16)
        .collect();
    spec
}

/// What the doors say of three new instances: STOW-RS, C-STORE, ZIP.
fn offered(doors: &Doors, first: u64) -> [String; 3] {
    let client = doors.client();
    let files = [first, first + 2].map(|number| large(number).part10().unwrap());
    let whole = |answer: Option<Told>| match answer {
        None => "nothing".to_owned(),
        Some(told) if told.status == 503 && !told.head.contains("retry-after: ") => {
            "503 without Retry-After".to_owned()
        }
        Some(told) => told.status.to_string(),
    };
    let stow = whole(client.tell_stow(&[&files[0]]));
    let mut peer = Peer::open(doors.dimse);
    let status = peer.store(&large(first + 1));
    let zip = zip_of(&[DiscFile::new("IM1", &*files[1])], false).unwrap();
    let zip = whole(client.tell_zip(&zip));
    [
        stow,
        status.map_or("nothing".to_owned(), |status| format!("{status:04X}")),
        zip,
    ]
}

const DISC_FULL: &str = "the server's disc is full: its administrator must make room";

/// Checks what the doors say when they refuse an instance: STOW-RS, C-STORE, ZIP.
fn check_words_of_refusals(doors: &Doors) {
    let client = doors.client();
    let file = large(31).part10().unwrap();
    let zip = zip_of(&[DiscFile::new("IM1", &*file)], false).unwrap();
    let message = |(_, body): (u16, Vec<u8>)| {
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let said = said["message"].as_str().unwrap().to_owned();
        said.replacen("The", "the", 1)
    };
    let mut peer = Peer::open(doors.dimse);
    let status = peer.store(&large(32));
    assert_eq!(status, Some(0xA700));
    assert!(peer.said(DISC_FULL));
    assert_eq!(message(client.stow(&[&file]).unwrap()), DISC_FULL);
    assert_eq!(message(client.zip(&zip).unwrap()), DISC_FULL);
}

/// Makes the first account by the link in the log; returns the form with which it signs in.
fn set_up(doors: &Doors, log: &str) -> String {
    let link = log.split("/setup/").nth(1).unwrap();
    let secret = link
        .split(|sign: char| !(sign.is_ascii_alphanumeric() || "-_".contains(sign)))
        .next();
    let account = "email=a%40example.org&password=correct-horse-battery";
    let form = format!("{account}&password_again=correct-horse-battery&name=A+B");
    let path = format!("/setup/{}", secret.unwrap());
    let (status, body) = doors.client().post(&path, &form).unwrap();
    assert_eq!(status, 303, "{}", text(&body));
    account.to_owned()
}

/// What whoever watches the program is told.
fn health(doors: &Doors) -> (u16, String) {
    let (status, said) = doors.client().ask("GET /healthz", "", b"").unwrap();
    (status, text(&said))
}

/// Says whether a search is answered.
fn is_searched(doors: &Doors) -> bool {
    let accept = "Accept: application/dicom+json\r\n";
    let answer = doors.client().ask("GET /dicom-web/studies", accept, b"");
    answer.is_some_and(|(status, _)| status == 200)
}

fn status_of(doors: &Doors, number: u64) -> u16 {
    status_in(doors, &large(number))
}

fn status_in(doors: &Doors, spec: &InstanceSpec) -> u16 {
    let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
    let client = doors.client();
    let answer = client.instance(study, series, &spec.sop_instance_uid);
    answer.map_or(0, |(status, _)| status)
}

fn is_held(doors: &Doors, number: u64) -> bool {
    let spec = large(number);
    let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
    let answer = doors
        .client()
        .instance(study, series, &spec.sop_instance_uid);
    let sent = overread_testkit::peer::data_set(&spec);
    answer.is_some_and(|(status, file)| status == 200 && file.ends_with(&sent))
}

const MEBIBYTE: u64 = 1024 * 1024;
const TAKEN: [&str; 3] = ["200", "0000", "200"];
const AWAY: [&str; 3] = ["503", "A700", "503"];

#[test]
fn a_full_disc_is_told_at_every_door_and_loses_nothing() {
    let Some(disc) = SmallDisc::new() else { return };
    let data = disc.root.join("data");
    let log = tempfile::NamedTempFile::new().unwrap();
    let written = log.reopen().unwrap();
    let doors = Doors::logging(disc.overread(), &data, written.into());
    assert_eq!(offered(&doors, 1), TAKEN);
    assert_eq!(health(&doors), (200, "ok\n".to_owned()));
    let account = set_up(&doors, &std::fs::read_to_string(log.path()).unwrap());
    let ballast = disc.fill();
    for first in [11, 21] {
        assert_eq!(offered(&doors, first), AWAY);
        let full = "nothing can be stored: the disc is full\n";
        assert_eq!(health(&doors), (503, full.to_owned()));
    }
    check_words_of_refusals(&doors);
    // What nobody read yet is put on record before it is shown, and so is who signs in.
    assert!(is_held(&doors, 2), "reading stops with the disc");
    for _ in 0..20 {
        let signed_in = doors.client().post("/sign-in", &account).unwrap();
        assert_eq!(signed_in.0, 303, "{}", text(&signed_in.1));
    }
    std::fs::remove_file(ballast).unwrap();
    let begun = Instant::now();
    while health(&doors).0 != 200 {
        assert!(
            begun.elapsed() < PATIENCE,
            "it never sees that there is room"
        );
    }
    let log = std::fs::read_to_string(log.path()).unwrap();
    let told = log.matches("\"kind\":\"StorageFull\"").count();
    assert_eq!(told, 1, "once a minute: {log}");
    assert!(log.contains(DISC_FULL), "{log}");
    assert!(!log.contains("did not answer as it should"), "{log}");
    for first in [11, 21] {
        assert_eq!(offered(&doors, first), TAKEN, "it goes on by itself");
    }
    let all = [1, 2, 3, 11, 12, 13, 21, 22, 23];
    assert!(all.into_iter().all(|number| is_held(&doors, number)));
    let proof = || disc.run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    assert_eq!(until_whole(proof), 9);
}

#[test]
fn a_disc_that_fills_up_acknowledges_only_what_it_holds() {
    let Some(disc) = SmallDisc::new() else { return };
    let data = disc.root.join("data");
    let doors = Doors::of(disc.overread(), &data);
    let mut taken = Vec::new();
    for first in (1..200).step_by(3) {
        let told = offered(&doors, first);
        for (number, (told, good)) in (first..).zip(told.iter().zip(TAKEN)) {
            if told == good {
                taken.push(number);
            }
        }
        if told == AWAY {
            break;
        }
    }
    assert!(taken.len() > 20, "{taken:?}");
    assert!(taken.len() < 100, "the disc was never full");
    // Whoever reads is put on record first, for which room is kept.
    let lost: Vec<_> = taken
        .iter()
        .filter(|number| !is_held(&doors, **number))
        .collect();
    assert!(lost.is_empty(), "{lost:?} of {taken:?}");
    disc.remount("size=64m");
    let proof = || disc.run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    assert!(until_whole(proof) >= taken.len() as u64);
}

#[test]
fn a_disc_that_cannot_be_written_is_said_at_the_start() {
    let Some(disc) = SmallDisc::new() else { return };
    let data = disc.root.join("data");
    drop(Doors::of(disc.overread(), &data));
    disc.remount("ro");
    let data = data.to_str().unwrap();
    let refused = disc.run(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    assert!(
        said.contains("read-only") || said.contains("Read-only"),
        "{said}"
    );
    assert!(refused.stdout.is_empty());
}

#[test]
fn a_bucket_and_a_database_that_are_away_are_told_at_every_door() {
    let Some(outside) = Outside::new("trouble") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = Gate::to(&outside.database).unwrap();
    let objects = Gate::to(&outside.objects).unwrap();
    let (at, place) = (database.address.to_string(), objects.address.to_string());
    outside.configure(&data, Some(&at), Some(&place));
    let doors = Doors::open(&data);
    assert_eq!(offered(&doors, 1), TAKEN);
    for (first, gate) in [(11, &objects), (21, &database)] {
        gate.shut();
        assert_eq!(offered(&doors, first), AWAY);
        gate.open();
        assert_eq!(offered(&doors, first), TAKEN, "it goes on by itself");
    }
    let all = [1, 2, 3, 11, 12, 13, 21, 22, 23];
    assert!(all.into_iter().all(|number| is_held(&doors, number)));
    drop(doors);
    let proof = run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    assert_eq!(undamaged(&proof), 9);
}

#[test]
fn a_bucket_that_stalls_is_given_up_while_everything_else_goes_on() {
    let Some(outside) = Outside::new("stalls") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let objects = Gate::to(&outside.objects).unwrap();
    outside.configure(&data, None, Some(&objects.address.to_string()));
    let config = std::fs::read_to_string(data.join("config.toml")).unwrap();
    std::fs::write(
        data.join("config.toml"),
        format!("{config}patience_seconds = 2\n"),
    )
    .unwrap();
    let doors = Doors::open(&data);
    assert_eq!(offered(&doors, 1), TAKEN);
    let before = doors.peak_bytes();
    for (first, stall) in [(11, Gate::stall as fn(&Gate)), (21, Gate::stall_halfway)] {
        stall(&objects);
        std::thread::scope(|scope| {
            // Many at once wait for it; the node answers others meanwhile, and keeps no more of them than it may.
            let waiting: Vec<_> = (0..24)
                .map(|number| {
                    let doors = &doors;
                    scope.spawn(move || {
                        let file = large(1000 + number).part10().unwrap();
                        doors.client().tell_stow(&[&file]).unwrap().status
                    })
                })
                .collect();
            let begun = Instant::now();
            for _ in 0..20 {
                assert!(is_searched(&doors), "a search waits for the bucket");
            }
            assert!(begun.elapsed() < PATIENCE);
            assert_eq!(offered(&doors, first), AWAY);
            assert_eq!(status_of(&doors, 2), 503);
            for one in waiting {
                assert_eq!(one.join().unwrap(), 503);
            }
        });
        objects.open();
        assert_eq!(offered(&doors, first), TAKEN, "it goes on by itself");
    }
    let more = (doors.peak_bytes() - before) / MEBIBYTE;
    assert!(more < 200, "{more} MiB more");
    let all = [1, 2, 3, 11, 12, 13, 21, 22, 23];
    assert!(all.into_iter().all(|number| is_held(&doors, number)));
    drop(doors);
    let proof = run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    assert_eq!(undamaged(&proof), 9);
}

/// Returns how many instances are proven, none damaged. An upload whose answer was lost may lie in the bucket yet: another node
/// might be about to commit it, so it is taken in some minutes later.
fn undamaged(proof: &std::process::Output) -> u64 {
    let report = json(proof);
    let said = text(&proof.stdout);
    assert_eq!(report["damaged"], serde_json::json!([]), "{said}");
    let is_whole = report["unclaimed_bytes"] == 0;
    assert_eq!(report["ok"], is_whole, "{said}");
    report["instances"].as_u64().unwrap()
}

#[test]
fn a_disc_that_turns_read_only_is_told_and_read_on() {
    let Some(disc) = FailingDisc::new() else {
        return;
    };
    let doors = Doors::of(disc.overread(), &disc.data);
    assert_eq!(offered(&doors, 1), TAKEN);
    // Who reads is put on record; it stands for five minutes.
    assert!(is_held(&doors, 1));
    let unread = InstanceSpec::mr(2, 1, 1);
    let stored = doors.client().stow(&[&unread.part10().unwrap()]);
    assert_eq!(stored.unwrap().0, 200);
    for first in [11, 21] {
        disc.turns("read-only");
        assert_eq!(offered(&doors, first), AWAY);
        assert!(is_held(&doors, 1), "what was read is read on");
        // What cannot be put on record is not shown.
        assert_eq!(status_in(&doors, &unread), 503);
        disc.is_well();
        assert_eq!(offered(&doors, first), TAKEN, "it goes on by itself");
    }
    let all = [1, 2, 3, 11, 12, 13, 21, 22, 23];
    assert!(all.into_iter().all(|number| is_held(&doors, number)));
    assert_eq!(until_all_is_whole(&disc.data), 10);
}

/// What becomes of a program whose disc hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    DiscGoesOn,
    ProgramIsKilled,
}

/// Offers three times three instances at once while syncing hangs, and reads meanwhile; checks that nothing is acknowledged
/// before the disc goes on, and everything then.
fn offered_to_a_hanging_disc(hangs: &str, then: Then) {
    let Some(disc) = FailingDisc::new() else {
        return;
    };
    let mut doors = Doors::of(disc.overread(), &disc.data);
    assert_eq!(offered(&doors, 1), TAKEN);
    assert!(is_held(&doors, 1));
    let answered = AtomicUsize::new(0);
    let killer = doors.server.id().to_string();
    std::thread::scope(|scope| {
        disc.turns(hangs);
        let doors = &doors;
        let waiting: Vec<_> = [11, 21, 31]
            .map(|first| {
                let answered = &answered;
                scope.spawn(move || {
                    let told = offered(doors, first);
                    answered.fetch_add(1, Ordering::SeqCst);
                    told
                })
            })
            .into();
        disc.wait_until_somebody_waits();
        for _ in 0..20 {
            assert!(is_held(doors, 1), "{hangs}: who reads waits for the disc");
        }
        assert_eq!(
            answered.load(Ordering::SeqCst),
            0,
            "{hangs}: told too early"
        );
        if then == Then::ProgramIsKilled {
            let killed = std::process::Command::new("kill")
                .args(["-9", &killer])
                .status();
            assert!(killed.unwrap().success());
        } else {
            disc.is_well();
        }
        for one in waiting {
            let told = one.join();
            assert!(
                then == Then::ProgramIsKilled || told.unwrap() == TAKEN,
                "{hangs}"
            );
        }
    });
    disc.is_well();
    let mut sure = vec![1, 2, 3];
    if then == Then::ProgramIsKilled {
        doors.server.kill();
        doors = Doors::of(disc.overread(), &disc.data);
    } else {
        sure.extend([11, 12, 13, 21, 22, 23, 31, 32, 33]);
    }
    assert!(sure.iter().all(|number| is_held(&doors, *number)));
    // What was synced and not acknowledged when the program was killed is taken in.
    let count = until_all_is_whole(&disc.data);
    assert!(count >= sure.len() as u64, "{hangs}");
}

#[test]
fn a_disc_that_hangs_acknowledges_nothing_early_and_holds_up_no_reader() {
    for hangs in ["still-packs", "still"] {
        for then in [Then::DiscGoesOn, Then::ProgramIsKilled] {
            offered_to_a_hanging_disc(hangs, then);
        }
    }
}
