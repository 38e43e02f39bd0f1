//! A full disc, one that cannot be written, a bucket and a database that are away: every door says so, loses nothing it
//! acknowledged, and goes on by itself once the trouble is over.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};
use overread_testkit::gate::Gate;
use overread_testkit::peer::Peer;

use crate::doors::{Doors, Told};
use crate::outside::Outside;
use crate::program::{json, run, text};

/// Room of the small disc.
const MEBIBYTES: usize = 24;

/// A disc of its own that only the programs of this test see; it is gone with the test.
struct SmallDisc {
    holder: Child,
    flags: &'static [&'static str],
    /// Where programs on it see it.
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisc {
    /// Makes one, where this machine allows it.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn new() -> Option<Self> {
        let ways: [&[&str]; 2] = [&["--user", "--mount"], &["--mount"]];
        let found = ways.into_iter().find_map(Self::by);
        if found.is_none() {
            eprintln!("skipped: this machine lets a test mount no disc of its own");
        }
        found
    }

    fn by(flags: &'static [&'static str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script =
            format!("mount -t tmpfs -o size={MEBIBYTES}m tmpfs \"$0\" && echo ready && exec cat");
        let mut holder = Command::new("unshare");
        let is_user = flags.contains(&"--user");
        holder
            .args(flags)
            .args(is_user.then_some("--map-root-user"));
        let mut holder = holder
            .args(["sh", "-c", &script])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let mut told = BufReader::new(holder.stdout.take()?);
        let is_ready = told.read_line(&mut line).is_ok() && line.trim() == "ready";
        let small = Self {
            holder,
            flags,
            root: folder.path().to_owned(),
            _folder: folder,
        };
        is_ready.then_some(small)
    }

    /// Returns a command that runs a program where the disc is.
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder.id().to_string()])
            .args(self.flags);
        if self.flags.contains(&"--user") {
            command.arg("--preserve-credentials");
        }
        command
            .arg(program)
            .env_remove("OVERREAD_DATA")
            .env_remove("OVERREAD_LOG");
        command
    }

    fn overread(&self) -> Command {
        self.program(env!("CARGO_BIN_EXE_overread"))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.overread().args(arguments).output().unwrap()
    }

    /// Returns where this test sees a file of it.
    fn seen_from_outside(&self, path: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id());
        Path::new(&root).join(path.strip_prefix("/").unwrap())
    }

    /// Mounts it anew, with other options.
    fn remount(&self, options: &str) {
        let mut mount = self.program("mount");
        mount
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.root);
        let done = mount.output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let ballast = self.seen_from_outside(&self.root.join("ballast"));
        let mut file = std::fs::File::create(&ballast).unwrap();
        let mut piece = vec![1_u8; 1 << 20];
        while !piece.is_empty() {
            if file.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
        ballast
    }
}

impl Drop for SmallDisc {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

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

fn is_held(doors: &Doors, number: u64) -> bool {
    let spec = large(number);
    let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
    let answer = doors
        .client()
        .instance(study, series, &spec.sop_instance_uid);
    let sent = overread_testkit::peer::data_set(&spec);
    answer.is_some_and(|(status, file)| status == 200 && file.ends_with(&sent))
}

const TAKEN: [&str; 3] = ["200", "0000", "200"];
const AWAY: [&str; 3] = ["503", "A700", "503"];

#[test]
fn a_full_disc_is_told_at_every_door_and_loses_nothing() {
    let Some(disc) = SmallDisc::new() else { return };
    let data = disc.root.join("data");
    let doors = Doors::of(disc.overread(), &data);
    assert_eq!(offered(&doors, 1), TAKEN);
    let ballast = disc.fill();
    for first in [11, 21] {
        assert_eq!(offered(&doors, first), AWAY);
    }
    std::fs::remove_file(ballast).unwrap();
    for first in [11, 21] {
        assert_eq!(offered(&doors, first), TAKEN, "it goes on by itself");
    }
    let all = [1, 2, 3, 11, 12, 13, 21, 22, 23];
    assert!(all.into_iter().all(|number| is_held(&doors, number)));
    drop(doors);
    let proof = disc.run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    let report = json(&proof);
    assert_eq!(
        (&report["ok"], &report["instances"]),
        (&true.into(), &9.into())
    );
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
    // Whoever reads is put on record first, which needs room, too.
    disc.remount("size=64m");
    let lost: Vec<_> = taken
        .iter()
        .filter(|number| !is_held(&doors, **number))
        .collect();
    assert!(lost.is_empty(), "{lost:?} of {taken:?}");
    drop(doors);
    let proof = disc.run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    assert_eq!(json(&proof)["ok"], true, "{}", text(&proof.stdout));
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
    let report = json(&proof);
    assert_eq!(
        (&report["ok"], &report["instances"]),
        (&true.into(), &9.into())
    );
}
