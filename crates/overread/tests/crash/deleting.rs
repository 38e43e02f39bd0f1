//! Exams that an administrator deletes over the web while the program is killed: what was confirmed never comes back, and no
//! byte of it is left once it is erased.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use overread_model::access::Actor;
use overread_model::ids::DeletionId;
use overread_model::time::Timestamp;
use overread_store::deletions::{self, NewDeletion};
use overread_store::studies::StudyKey;
use overread_store::tokens::random_id;
use overread_store::{Store, StoreResult};
use overread_testkit::dicom::InstanceSpec;

use super::{Key, Known, LARGE_SIDE};
use crate::doors::{Client, Doors, PATIENCE};
use crate::program::{overread, text};

/// Studies that are deleted have numbers from here on.
const FIRST_STUDY: u64 = 1_000_000;
/// The number of one that has the same mark and is kept.
const KEPT_STUDY: u64 = 90_000_000;
const PASSWORD: &str = "a few words in a row";

/// The administrator, in a browser.
pub(super) struct Administrator {
    cookie: String,
    csrf: String,
}

impl Administrator {
    /// Takes the link that the first start of an installation prints, makes the account, and ends the program.
    pub(super) fn first(data: &Path) -> Self {
        // A token for machines is taken by the very first start alone.
        drop(Doors::open(data));
        let mut serve = overread(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        serve
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = serve.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        let link = said
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("account at http://")?.1.to_owned()));
        let link = link.expect("the first start prints a link");
        let (address, secret) = link.split_once("/setup/").unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("listening on"));
        let password = PASSWORD.replace(' ', "+");
        let form = format!(
            "name=Ada&email=ada%40harbour.example&password={password}&password_again={password}"
        );
        let answer = ask(
            address,
            &format!("POST /setup/{}", secret.trim()),
            "",
            &form,
        )
        .unwrap();
        let cookies = answer.split("set-cookie: ").skip(1);
        let cookies: Vec<&str> = cookies.filter_map(|line| line.split(';').next()).collect();
        assert!(!cookies.is_empty(), "{answer}");
        let cookie = cookies.join("; ");
        let page = ask(address, "GET /keeping", &cookie, "").unwrap();
        let csrf = page.split("name=\"csrf\" value=\"").nth(1);
        let csrf = csrf.expect("a form of the page").split('"').next().unwrap();
        let csrf = csrf.to_owned();
        child.kill().unwrap();
        child.wait().unwrap();
        Self { cookie, csrf }
    }

    /// Deletes a study; says whether that was confirmed before the line broke.
    fn delete(&self, address: &str, study: &str) -> bool {
        let form = format!("csrf={}&named={study}&reason=A+test.&sure=true", self.csrf);
        let answer = ask(address, "POST /keeping/delete", &self.cookie, &form);
        let Some(answer) = answer.filter(|answer| answer.ends_with("\r\n\r\n")) else {
            return false;
        };
        assert!(answer.contains("done=deleted&studies=1&"), "{answer}");
        true
    }
}

/// Asks once; `None` when the line broke before anything came.
fn ask(address: &str, what: &str, cookie: &str, form: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let head = format!(
        "{what} HTTP/1.0\r\nHost: {address}\r\nCookie: {cookie}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    (!answer.is_empty()).then(|| text(&answer))
}

/// What stands in the pixels of a study that is deleted, so that its bytes can be looked for.
fn mark_of(study: u64) -> String {
    format!("GONE{study:08}.GONE")
}

fn spec(study: u64, number: u64) -> InstanceSpec {
    let mut spec = InstanceSpec::mr(FIRST_STUDY + study, 1, number);
    (spec.rows, spec.columns) = (16, 16);
    let marks = mark_of(study).repeat(512);
    let pairs = marks.as_bytes().chunks_exact(2).take(256);
    spec.pixels = pairs
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    spec
}

/// Stores and deletes studies until the line breaks; their instances share packs with those of the other lanes.
pub(super) fn lane(
    client: Client,
    administrator: &Administrator,
    round: u64,
    known: &Mutex<Known>,
) {
    let address = client.address();
    for step in 0.. {
        let study = round * 1000 + step;
        let files = [1, 2].map(|number| spec(study, number).part10().unwrap());
        let Some((status, body)) = client.stow(&[&files[0], &files[1]]) else {
            return;
        };
        assert_eq!(status, 200, "{}", text(&body));
        let uid = spec(study, 1).study_instance_uid;
        if !administrator.delete(&address, &uid) {
            // It may be deleted or not.
            return;
        }
        known.lock().unwrap().deleted.insert(study);
    }
}

/// Asks for everything whose deletion was confirmed.
pub(super) fn stay_away(client: Client, deleted: &BTreeSet<u64>) {
    for study in deleted {
        let spec = spec(*study, 1);
        let (uid, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
        let answer = client.instance(uid, series, &spec.sop_instance_uid);
        let (status, _) = answer.expect("an answer");
        assert!(matches!(status, 404 | 410), "{study} is back: {status}");
    }
}

/// Lets the time of everything that is deleted be over, while the program does not run.
pub(super) fn let_erase(data: &Path) {
    let ended = wait_for(data, async |store| {
        let mut tx = store.begin().await?;
        for row in deletions::list_open(&mut tx, 10_000).await? {
            let (id, new) = (
                row.id.parse().unwrap(),
                DeletionId::from_random(random_id()?),
            );
            let study = StudyKey(row.study_id);
            let now = Timestamp::from_micros(row.marked_at);
            deletions::restore(&mut tx, &id, &Actor::System, now).await?;
            let marked = NewDeletion {
                id: &new,
                study,
                reason: "A test.",
                erase_at: now,
            };
            assert!(deletions::mark(&mut tx, &marked, &Actor::System, now).await?);
        }
        tx.commit().await
    });
    ended.unwrap();
}

/// Starts the program until everything is erased, and looks for what is left of it; what a study holds that is kept is found.
pub(super) fn are_erased(data: &Path, deleted: &BTreeSet<u64>) {
    let_erase(data);
    let doors = Doors::open(data);
    let kept = spec(KEPT_STUDY, 1).part10().unwrap();
    let (status, body) = doors.client().stow(&[&kept]).expect("an answer");
    assert_eq!(status, 200, "{}", text(&body));
    let begun = Instant::now();
    let ended = wait_for(data, async |store| {
        while is_erasing(store).await? {
            assert!(begun.elapsed() < PATIENCE, "something is never erased");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    });
    ended.unwrap();
    stay_away(doors.client(), deleted);
    drop(doors);
    let mut grep = Command::new("grep");
    grep.args(["-raohE", "GONE[0-9]{8}\\."]);
    let found = grep.arg(data.join("archive/packs")).output().unwrap();
    assert!(found.status.success(), "{}", text(&found.stderr));
    let found: BTreeSet<String> = text(&found.stdout).lines().map(str::to_owned).collect();
    let is_found = |study: u64| found.contains(mark_of(study).trim_end_matches("GONE"));
    assert!(is_found(KEPT_STUDY), "what is looked for is never found");
    let left: Vec<&u64> = deleted.iter().filter(|study| is_found(**study)).collect();
    assert!(left.is_empty(), "bytes are left of {left:?}");
}

async fn is_erasing(store: &Store) -> StoreResult<bool> {
    let mut tx = store.read().await?;
    let open = deletions::list_open(&mut tx, 1).await?;
    Ok(!open.is_empty() || deletions::has_unfinished(&mut tx).await?)
}

/// Says whether a pack is as long as a long file alone, whether that became it or was copied.
pub(super) fn has_pack_as_long_as_a_file(data: &Path) -> bool {
    let lane = super::LANES.len() as u64 - 1;
    let spec = Key(0, lane, 0).spec();
    assert_eq!(spec.rows, LARGE_SIDE);
    let least = spec.part10().unwrap().len() as u64;
    let shelves = std::fs::read_dir(data.join("archive/packs")).unwrap();
    let packs = shelves.flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
    let mut lengths = packs.map(|pack| pack.unwrap().metadata().unwrap().len());
    lengths.any(|length| (least..least + 64 * 1024).contains(&length))
}

fn wait_for<T>(data: &Path, work: impl AsyncFnOnce(&Store) -> StoreResult<T>) -> StoreResult<T> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open_sqlite(&data.join("overread.sqlite")).await?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}
