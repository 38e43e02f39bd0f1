//! `kill -9` at any moment, by every door, at the start, while exams are deleted and erased and while everything moves: what was
//! acknowledged is there byte for byte, what was deleted stays away, what was not can be sent again, and everything is proven.

mod deleting;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use overread_testkit::dicom::{InstanceSpec, uid};
use overread_testkit::disc::{DiscFile, zip_of};
use overread_testkit::peer::{Peer, data_set};

use deleting::Administrator;

use crate::doors::{Client, Doors, PATIENCE};
use crate::left_behind::until_all_is_whole;
use crate::program::{json, overread, run, text};

/// How often the program is killed; `OVERREAD_CRASH_ROUNDS` says otherwise.
const ROUNDS: u64 = 10;
/// Where the random numbers begin; `OVERREAD_CRASH_SEED` says otherwise.
const SEED: u64 = 1;
/// A copy of everything is begun, killed and ended once in so many rounds.
const ROUNDS_A_MOVE: u64 = 10;
/// Files that become packs of their own are sent once in so many rounds: they are long.
const ROUNDS_A_LARGE_FILE: u64 = 4;
/// Rows and columns of an image that is too long for the memory while it arrives.
const LARGE_SIDE: u16 = 2900;

/// One instance: round, lane and number, from which all of it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64, u64, u64);

impl Key {
    /// Rounds share studies and lanes share series, so that everything adds to the same packs and rows.
    fn spec(self) -> InstanceSpec {
        let Self(round, lane, number) = self;
        let instance = round * 100_000 + lane * 10_000 + number;
        let mut spec = InstanceSpec::mr(1 + round % 4, 1 + number % 3, 1 + number % 1000);
        spec.sop_instance_uid = uid(&[1 + round % 4, 1 + number % 3, instance]);
        // Most are small; some get a pack of their own, and the temporary file of the longest becomes one.
        let side: u16 = match LANES[lane as usize] {
            Door::Large => LARGE_SIDE,
            _ if mixed(instance).is_multiple_of(12) => 512,
            _ => 16,
        };
        (spec.rows, spec.columns) = (side, side);
        let count = usize::from(side) * usize::from(side);
        let some = (0..count.min(1 << 18) as u64).map(|place| mixed(instance + place / 7) as u16);
        spec.pixels = some.collect::<Vec<u16>>().repeat(count.div_ceil(1 << 18));
        spec.pixels.truncate(count);
        spec
    }
}

/// Numbers that look random (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mixed(self.0) % limit
    }
}

/// By which door instances are sent, and how many at once.
#[derive(Debug, Clone, Copy)]
enum Door {
    Stow(usize),
    Dimse,
    Zip(usize),
    /// A ZIP of one file that waits in a temporary file until it is stored.
    Large,
}

const LANES: [Door; 5] = [
    Door::Stow(3),
    Door::Stow(1),
    Door::Dimse,
    Door::Zip(5),
    Door::Large,
];

/// An open way through a door.
enum Way {
    Web(Client),
    Association(Box<Peer>),
}

impl Door {
    /// Opens a way, unless the program is killed meanwhile.
    fn open(self, doors: &Doors) -> Option<Way> {
        Some(match self {
            Self::Dimse => Way::Association(Box::new(Peer::try_open(doors.dimse).ok()?)),
            _ => Way::Web(doors.client()),
        })
    }

    const fn at_once(self) -> usize {
        match self {
            Self::Stow(count) | Self::Zip(count) => count,
            Self::Dimse | Self::Large => 1,
        }
    }

    /// Sends instances; says whether all were acknowledged, or that the line broke (`None`).
    fn send(self, way: &mut Way, keys: &[Key]) -> Option<()> {
        let files: Vec<Vec<u8>> = keys
            .iter()
            .map(|key| key.spec().part10().unwrap())
            .collect();
        match (way, self) {
            (Way::Association(peer), _) => {
                let status = peer.store(&keys[0].spec())?;
                assert_eq!(status, 0, "{keys:?}: status {status:04x}");
            }
            (Way::Web(client), Self::Zip(_) | Self::Large) => {
                let named = files.into_iter().enumerate();
                let named: Vec<DiscFile> = named
                    .map(|(number, file)| DiscFile::new(format!("IM{number}"), file))
                    .collect();
                let is_deflated = matches!(self, Self::Zip(_));
                let (status, body) = client.zip(&zip_of(&named, is_deflated).unwrap())?;
                assert_eq!(status, 200, "{}", text(&body));
                let receipt: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let count = |field: &str| receipt[field].as_u64().unwrap();
                assert_eq!(
                    count("instances_stored") + count("duplicates"),
                    keys.len() as u64,
                    "{receipt}"
                );
            }
            (Way::Web(client), _) => {
                let parts: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
                let (status, body) = client.stow(&parts)?;
                assert_eq!(status, 200, "{}", text(&body));
            }
        }
        Some(())
    }
}

/// What is known of the instances that were sent.
#[derive(Default)]
struct Known {
    acknowledged: BTreeSet<Key>,
    /// Sent, and not answered: they may be there or not.
    in_doubt: Vec<(Door, Vec<Key>)>,
    /// Exams whose deletion was confirmed.
    deleted: BTreeSet<u64>,
}

/// Sends without end until the line breaks.
fn lane(doors: &Doors, round: u64, lane: u64, known: &Mutex<Known>, count: &AtomicUsize) {
    let door = LANES[lane as usize];
    let Some(mut way) = door.open(doors) else {
        return;
    };
    for step in 0.. {
        let many = door.at_once() as u64;
        let keys: Vec<Key> = (0..many)
            .map(|part| Key(round, lane, step * many + part))
            .collect();
        let answered = door.send(&mut way, &keys);
        let mut known = known.lock().unwrap();
        if answered.is_none() {
            known.in_doubt.push((door, keys));
            return;
        }
        count.fetch_add(keys.len(), Ordering::SeqCst);
        known.acknowledged.extend(keys);
    }
}

/// Waits a moment that is too short to sleep.
fn pause(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::thread::yield_now();
    }
}

/// Sends again what was in doubt, then lets every lane send, and kills the program in the middle.
fn round(
    data: &Path,
    number: u64,
    random: &mut Random,
    (known, administrator): (&Arc<Mutex<Known>>, &Administrator),
) {
    let mut doors = Doors::open(data);
    let in_doubt = std::mem::take(&mut known.lock().unwrap().in_doubt);
    for (door, keys) in in_doubt {
        let mut way = door.open(&doors).expect("the door opens again");
        assert!(
            door.send(&mut way, &keys).is_some(),
            "{keys:?} cannot be sent again"
        );
        known.lock().unwrap().acknowledged.extend(keys);
    }
    let count = AtomicUsize::new(0);
    let (after, more) = (
        random.below(40) as usize,
        Duration::from_micros(random.below(30_000)),
    );
    let killer = doors.server.id().to_string();
    std::thread::scope(|scope| {
        let (doors, known) = (&doors, &**known);
        for (one, door) in (0..).zip(LANES) {
            if matches!(door, Door::Large) && !number.is_multiple_of(ROUNDS_A_LARGE_FILE) {
                continue;
            }
            let count = &count;
            scope.spawn(move || lane(doors, number, one, known, count));
        }
        scope.spawn(move || deleting::lane(doors.client(), administrator, number, known));
        let begun = Instant::now();
        while count.load(Ordering::SeqCst) < after && begun.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        pause(more);
        let killed = std::process::Command::new("kill")
            .args(["-9", &killer])
            .status();
        assert!(killed.unwrap().success());
    });
    doors.server.kill();
    assert!(
        count.load(Ordering::SeqCst) >= after,
        "nothing is acknowledged any more"
    );
}

/// Starts a command and kills it after this time; says whether it had ended before.
fn killed_after(arguments: &[&str], time: Duration) -> bool {
    let mut command = overread(arguments);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + time;
    let mut has_ended = false;
    while Instant::now() < end && !has_ended {
        has_ended = child.try_wait().unwrap().is_some();
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    has_ended
}

/// Proves everything and returns how many instances there are. What was synced and not acknowledged when the program was
/// killed is not whole until the next start.
fn proven(data: &Path) -> u64 {
    let proof = run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    let report = json(&proof);
    let is_whole = report["unclaimed_bytes"] == 0;
    assert_eq!(report["ok"], is_whole, "{}", text(&proof.stdout));
    assert_eq!(report["damaged"], serde_json::json!([]));
    report["instances"].as_u64().unwrap()
}

/// Copies everything, killed a few times on the way; the copy holds the same instances.
fn moved(data: &Path, to: &Path, random: &mut Random) {
    std::fs::create_dir_all(to).unwrap();
    let (from, target) = (data.to_str().unwrap(), to.to_str().unwrap());
    let arguments = ["migrate", "--data", from, "--to", target];
    for _ in 0..4 {
        killed_after(&arguments, Duration::from_millis(random.below(600)));
    }
    let last = run(&arguments);
    assert!(last.status.success(), "{}", text(&last.stderr));
    assert_eq!(proven(to), proven(data));
}

/// Counts what is not there any more, and what is there with other bytes.
fn lost_and_corrupt<'a>(client: Client, keys: impl Iterator<Item = &'a Key>) -> (u64, u64) {
    let (mut lost, mut corrupt) = (0, 0);
    for key in keys {
        let spec = key.spec();
        let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
        let answer = client.instance(study, series, &spec.sop_instance_uid);
        let sent = match LANES[key.1 as usize] {
            // The head of the file is ours.
            Door::Dimse => data_set(&spec),
            // Preambles are given out empty.
            _ => spec.part10().unwrap().split_off(128),
        };
        match answer {
            Some((200, file)) if file.ends_with(&sent) => {}
            Some((200, _)) => corrupt += 1,
            _ => lost += 1,
        }
    }
    (lost, corrupt)
}

#[allow(clippy::disallowed_methods, reason = "a test reads its own switches")]
fn switch(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

#[test]
#[allow(
    clippy::print_stderr,
    reason = "how to repeat a run, and what came of it, is of use"
)]
fn nothing_acknowledged_is_lost_by_any_door() {
    let rounds = switch("OVERREAD_CRASH_ROUNDS", ROUNDS);
    let seed = switch("OVERREAD_CRASH_SEED", SEED);
    eprintln!("crash: {rounds} rounds, OVERREAD_CRASH_SEED={seed}");
    let mut random = Random(seed << 32);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let known = Arc::new(Mutex::new(Known::default()));
    let administrator = Administrator::first(&data);
    let (mut lost, mut corrupt) = (0, 0);
    for number in 1..=rounds {
        round(&data, number, &mut random, (&known, &administrator));
        // What was deleted is erased by the next start, which may be killed at it.
        if random.below(2) == 0 {
            deleting::let_erase(&data);
        }
        // Killed again while it starts and mends what the kill before left.
        if random.below(3) == 0 {
            let listen = [
                "serve",
                "--data",
                data.to_str().unwrap(),
                "--listen",
                "127.0.0.1:0",
            ];
            killed_after(&listen, Duration::from_millis(random.below(400)));
        }
        // Else the next start is the first to see what was left.
        if random.below(2) == 0 {
            let count = proven(&data);
            assert!(count >= known.lock().unwrap().acknowledged.len() as u64);
        }
        if number.is_multiple_of(ROUNDS_A_MOVE) {
            let to = folder.path().join("copy");
            moved(&data, &to, &mut random);
            if number + ROUNDS_A_MOVE <= rounds {
                std::fs::remove_dir_all(&to).unwrap();
            }
        }
        let known = known.lock().unwrap();
        let doors = Doors::open(&data);
        deleting::stay_away(doors.client(), &known.deleted);
        let latest = known.acknowledged.range(Key(number, 0, 0)..);
        let found = lost_and_corrupt(doors.client(), latest);
        (lost, corrupt) = (lost + found.0, corrupt + found.1);
    }
    let known = known.lock().unwrap();
    let deleted = known.deleted.len();
    assert!(deleted > 0 || rounds < ROUNDS, "nothing was deleted");
    // The first long file may be in doubt, and a round more sends it again.
    assert!(
        rounds <= ROUNDS_A_LARGE_FILE || deleting::has_pack_as_long_as_a_file(&data),
        "no long file has a pack of its own"
    );
    deleting::are_erased(&data, &known.deleted);
    // What the kills left behind is taken in by a start.
    let doors = Doors::open(&data);
    let count = until_all_is_whole(&data);
    assert!(count >= known.acknowledged.len() as u64);
    drop(doors);
    for place in [data, folder.path().join("copy")]
        .iter()
        .filter(|place| place.exists())
    {
        let doors = Doors::open(place);
        let found = lost_and_corrupt(doors.client(), known.acknowledged.iter());
        (lost, corrupt) = (lost + found.0, corrupt + found.1);
    }
    let count = known.acknowledged.len();
    eprintln!(
        "crash: {rounds} rounds, {count} acknowledged, {lost} lost, {corrupt} corrupt, {deleted} deleted"
    );
    assert_eq!((lost, corrupt), (0, 0));
}
