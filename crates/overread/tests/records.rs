//! `ingest`, `check`, `verify`, `token`, `migrate`, `check-config`.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use overread_model::case::CaseState;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::cases::{self, CaseRow};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, write_folder, zip_of};

use crate::program::{json, run, small_disc, small_files, text};

#[test]
fn a_disc_is_taken_in_once_and_proven() {
    let folder = tempfile::tempdir().unwrap();
    let (disc, data) = (folder.path().join("disc"), folder.path().join("data"));
    small_disc(&disc);
    let (disc, data) = (disc.to_str().unwrap(), data.to_str().unwrap());

    let first = run(&["ingest", disc, "--data", data, "--json"]);
    assert_eq!(first.status.code(), Some(0));
    assert!(text(&first.stderr).contains("belong to no case"));
    let receipt = json(&first);
    assert_eq!(receipt["instances_stored"], 5);
    assert_eq!(receipt["duplicates"], 0);
    assert_eq!(receipt["studies"][0]["patient_name"], "Sample^Alex");
    assert_eq!(receipt["studies"][0]["series"][0]["instances"], 5);
    assert_eq!(receipt["studies"][0]["series"][0]["modality"], "MR");
    assert_eq!(receipt["documents"].as_array().unwrap().len(), 1);
    assert!(receipt["problems"].as_array().unwrap().is_empty());
    for field in ["delivery", "files_seen", "bytes_stored", "seconds"] {
        assert!(receipt.get(field).is_some(), "{field}");
    }

    let again = run(&["ingest", disc, "--data", data, "--json"]);
    assert_eq!(again.status.code(), Some(0), "everything was a duplicate");
    assert_eq!(json(&again)["duplicates"], 5);

    let proof = run(&["verify", "--data", data, "--json"]);
    assert_eq!(proof.status.code(), Some(0));
    assert_eq!(json(&proof)["instances"], 5);
}

#[test]
fn nothing_usable_and_unknown_cases_have_their_own_answers() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let note = folder.path().join("note.bin");
    std::fs::write(&note, [0_u8; 64]).unwrap();
    let (note, data) = (note.to_str().unwrap(), data.to_str().unwrap());
    assert_eq!(
        run(&["ingest", note, "--data", data]).status.code(),
        Some(3)
    );
    let missing = run(&["ingest", "/nowhere/at/all", "--data", data, "--json"]);
    assert_ne!(missing.status.code(), Some(0));
    let stranger = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let refused = run(&["ingest", note, "--data", data, "--case", stranger]);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(
        told.contains("no such case") && !told.contains("nothing here"),
        "{told}"
    );
    assert_eq!(run(&["ingest"]).status.code(), Some(2), "wrong usage");
}

/// Puts a case in this state into a data folder; returns its id.
pub(crate) fn case_in(data: &Path, state: CaseState) -> String {
    let id = CaseId::from_random([7; 16]);
    let row = CaseRow {
        state: state.as_str().to_owned(),
        ..overread_testkit::case::row(&id, Timestamp::from_micros(1))
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open_sqlite(&data.join("overread.sqlite")).await;
        let store = store.unwrap();
        let mut tx = store.begin().await.unwrap();
        cases::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
    id.as_str().to_owned()
}

#[test]
fn what_was_refused_or_lost_has_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (disc, data) = (folder.path().join("disc"), folder.path().join("data"));
    small_disc(&disc);
    std::fs::create_dir_all(&data).unwrap();
    let path = data.to_str().unwrap();
    // The case may hold three of the five images.
    std::fs::write(data.join("config.toml"), "[keeping]\ncase_images = 3\n").unwrap();
    let case = case_in(&data, CaseState::RecordsCollecting);
    let disc = disc.to_str().unwrap();
    let told = run(&["ingest", disc, "--case", &case, "--data", path]);
    assert_eq!(told.status.code(), Some(4), "{}", text(&told.stderr));
    let last = text(&told.stderr);
    let last = last.lines().last().unwrap();
    assert!(last.starts_with("2 files were not kept"), "{last}");

    // A paper for which the full case has no room was usable, and is refused.
    let paper = folder.path().join("paper.pdf");
    std::fs::write(&paper, b"%PDF-1.4 not much of one").unwrap();
    std::fs::write(data.join("config.toml"), "[keeping]\ncase_images = 2\n").unwrap();
    let paper = paper.to_str().unwrap();
    let told = run(&["ingest", paper, "--case", &case, "--data", path]);
    assert_eq!(told.status.code(), Some(4), "{}", text(&told.stderr));

    let image = InstanceSpec::mr(71, 9, 1).part10().unwrap();
    // It is DICOM by its mark, and does not say which image it is.
    let cut = &image[..180];
    let mixed = folder.path().join("mixed");
    let files = [
        DiscFile::new("IM1", image.clone()),
        DiscFile::new("IM2", cut.to_vec()),
    ];
    write_folder(&mixed, &files).unwrap();
    let told = run(&["ingest", mixed.to_str().unwrap(), "--data", path, "--json"]);
    assert_eq!(told.status.code(), Some(4), "{}", text(&told.stdout));
    assert_eq!(json(&told)["not_kept"], 1);
    assert_eq!(json(&told)["instances_stored"], 1);
}

#[test]
fn what_is_stored_already_and_finds_no_room_in_a_case_is_not_told_as_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (disc, data) = (folder.path().join("disc"), folder.path().join("data"));
    small_disc(&disc);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("config.toml"), "[keeping]\ncase_images = 3\n").unwrap();
    let case = case_in(&data, CaseState::RecordsCollecting);
    let (disc, path) = (disc.to_str().unwrap(), data.to_str().unwrap());
    let first = run(&["ingest", disc, "--data", path]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let told = run(&["ingest", disc, "--case", &case, "--data", path]);
    assert_eq!(told.status.code(), Some(4), "{}", text(&told.stderr));
    let told = text(&told.stderr);
    assert!(
        told.contains("5 images that are stored here already were not put into the case"),
        "{told}"
    );
    assert!(!told.contains("not kept"), "{told}");
}

#[test]
fn a_case_that_takes_no_records_takes_none_from_a_folder_either() {
    let folder = tempfile::tempdir().unwrap();
    let disc = folder.path().join("disc");
    small_disc(&disc);
    let disc = disc.to_str().unwrap();
    for (state, why) in [
        (CaseState::Draft, "its request is not sent"),
        (CaseState::Delivered, "its result went out"),
        (CaseState::Withdrawn, "it is closed"),
    ] {
        let data = folder.path().join(state.as_str());
        std::fs::create_dir_all(&data).unwrap();
        let case = case_in(&data, state);
        let path = data.to_str().unwrap();
        let refused = run(&["ingest", disc, "--case", &case, "--data", path, "--json"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(refused.stdout.is_empty());
        let told = text(&refused.stderr);
        for words in ["nothing was taken in", why, "Without --case"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        let proof = run(&["verify", "--data", path, "--json"]);
        assert_eq!(json(&proof)["instances"], 0);
    }
}

#[test]
fn what_is_stored_already_does_not_pass_the_room_of_a_case() {
    let folder = tempfile::tempdir().unwrap();
    let (disc, data) = (folder.path().join("disc"), folder.path().join("data"));
    small_disc(&disc);
    let (disc, path) = (disc.to_str().unwrap(), data.to_str().unwrap());
    assert!(run(&["ingest", disc, "--data", path]).status.success());
    std::fs::write(data.join("config.toml"), "[keeping]\ncase_images = 3\n").unwrap();
    let case = case_in(&data, CaseState::RecordsCollecting);
    let told = run(&["ingest", disc, "--case", &case, "--data", path]);
    assert_eq!(told.status.code(), Some(4), "{}", text(&told.stderr));
    let words = text(&told.stdout);
    assert!(
        words.contains("this case holds as much as it may") && words.contains("5 images"),
        "{words}"
    );
    let check = run(&["check", "--case", &case, "--data", path]);
    let words = text(&check.stdout);
    assert!(words.contains("F14"), "{words}");
}

/// Cuts a ZIP of a disc in the middle; returns what `ingest` says of it, and its exit code.
fn cut_in_the_middle(folder: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let whole = zip_of(&small_files(), false).unwrap();
    let zip = folder.join("disc.zip");
    std::fs::write(&zip, &whole[..whole.len() / 2]).unwrap();
    let data = folder.join("data");
    let (zip, data) = (zip.to_str().unwrap(), data.to_str().unwrap());
    let told = run(&[&["ingest", zip, zip, "--data", data], arguments].concat());
    (text(&told.stdout), told.status.code())
}

#[test]
fn a_zip_that_is_cut_off_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let (told, code) = cut_in_the_middle(folder.path(), &[]);
    assert_eq!(code, Some(4), "{told}");
    let (_, problems) = told.split_once("What could not be used\n").unwrap();
    let lines: Vec<&str> = problems.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0].starts_with("  disc.zip: the archive is cut off:"),
        "{told}"
    );
    assert!(
        lines[0].contains("came whole") && lines[0].contains("send it again"),
        "{told}"
    );
    assert!(lines[1].contains("--details"), "{told}");
    let (told, _) = cut_in_the_middle(folder.path(), &["--details"]);
    assert!(
        told.contains("the archive ends inside this file") && !told.contains("--details"),
        "{told}"
    );
}

#[test]
fn a_zip_that_lost_its_end_has_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("disc.zip");
    let files: Vec<DiscFile> = (1..=3)
        .map(|number| {
            let spec = InstanceSpec::mr(71, 2, number);
            DiscFile::new(format!("IM{number}"), spec.part10().unwrap())
        })
        .collect();
    let whole = zip_of(&files, false).unwrap();
    std::fs::write(&zip, &whole[..whole.len() / 2]).unwrap();
    let data = folder.path().join("data");
    let (zip, data) = (zip.to_str().unwrap(), data.to_str().unwrap());
    let told = run(&["ingest", zip, "--data", data, "--json"]);
    assert_eq!(told.status.code(), Some(4), "{}", text(&told.stdout));
    assert!(json(&told)["not_kept"].as_u64().unwrap() >= 1);
    assert_eq!(json(&told)["instances_stored"], 1);
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (disc, data) = (folder.path().join("disc"), folder.path().join("data"));
    small_disc(&disc);
    run(&[
        "ingest",
        disc.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ]);
    let packs = data.join("archive/packs");
    let pack = files_below(&packs)
        .into_iter()
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let proof = run(&["verify", "--data", data.to_str().unwrap(), "--json"]);
    assert_eq!(proof.status.code(), Some(1));
    let report = json(&proof);
    assert_eq!(report["ok"], false);
    assert!(!report["damaged"].as_array().unwrap().is_empty());
    assert!(
        !text(&proof.stdout).contains("Sample"),
        "no patient data in the answer"
    );
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path))
        } else {
            files.push(path)
        }
    }
    files
}

#[test]
fn a_check_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disc = folder.path().join("disc");
    small_disc(&disc);
    let before = files_below(folder.path()).len();
    let output = crate::program::overread(&["check", disc.to_str().unwrap(), "--json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let result = json(&output);
    assert!(result["ready"].is_boolean());
    assert_eq!(result["patients"][0]["name"], "Sample^Alex");
    assert_eq!(result["studies"].as_array().unwrap().len(), 1);
    for finding in result["findings"].as_array().unwrap() {
        let severity = finding["severity"].as_str().unwrap();
        assert!(
            ["blocker", "warning", "info"].contains(&severity),
            "{severity}"
        );
        assert!(!finding["message"].as_str().unwrap().is_empty());
    }
    assert!(result["missing"].is_array());
    assert_eq!(files_below(folder.path()).len(), before);
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_folder(folder.path());
    let data = data.as_str();
    let made = run(&[
        "token",
        "create",
        "--data",
        data,
        "--role",
        "archive",
        "--name",
        "PACS gateway",
    ]);
    let secret = text(&made.stdout);
    assert!(
        secret.starts_with("ovr_") && secret.trim_end().len() == 47,
        "{secret}"
    );
    assert_eq!(secret.lines().count(), 1, "only the token is printed");
    let list = text(&run(&["token", "list", "--data", data]).stdout);
    assert!(list.contains("PACS gateway") && !list.contains(secret.trim()));
    let id = list.split_whitespace().next().unwrap();
    assert!(
        run(&["token", "revoke", id, "--data", data])
            .status
            .success()
    );
    assert_eq!(
        run(&["token", "revoke", id, "--data", data]).status.code(),
        Some(1)
    );
    let admin = run(&[
        "token",
        "create",
        "--data",
        data,
        "--role",
        "administrator",
        "--name",
        "x",
    ]);
    assert_eq!(admin.status.code(), Some(1));
}

#[test]
fn a_token_for_one_case_is_never_one_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_folder(folder.path());
    let case = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
    for role in ["coordinator", "archive"] {
        let create = [
            "token", "create", "--data", &data, "--role", role, "--name", "x",
        ];
        let refused = run(&[&create[..], &["--case", case]].concat());
        assert_eq!(refused.status.code(), Some(1), "{role}");
        let told = text(&refused.stderr);
        assert!(told.contains("reaches every case"), "{told}");
        assert!(refused.stdout.is_empty(), "no secret");
        assert!(run(&create).status.success());
    }
    let list = text(&run(&["token", "list", "--data", &data]).stdout);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(
        list.lines().all(|line| line.contains("every case")),
        "{list}"
    );
}

#[test]
fn settings_are_shown_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("config.toml"),
        "organisation = 'Harbor Clinic'\n[mail]\nhost = 'mail.example'\nfrom = 'a@example'\npassword = 'hunter2'\n",
    )
    .unwrap();
    let shown = run(&["check-config", "--data", folder.path().to_str().unwrap()]);
    let shown = text(&shown.stdout);
    assert!(
        shown.contains("Harbor Clinic") && !shown.contains("hunter2"),
        "{shown}"
    );
    std::fs::write(folder.path().join("config.toml"), "organization = 'typo'").unwrap();
    assert_eq!(
        run(&["check-config", "--data", folder.path().to_str().unwrap()])
            .status
            .code(),
        Some(1)
    );
    let data = data_folder(folder.path());
    let migrated = run(&["migrate", "--data", &data, "--json"]);
    assert_eq!(json(&migrated)["up_to_date"], true);
}

#[test]
fn a_variable_that_cannot_be_used_is_named_and_not_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "public_url = 'https://good.example'\n[dimse]\nae_title = 'GOOD'\n";
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let path = folder.path().to_str().unwrap();
    let told = |variables: &[(&str, &str)]| {
        let mut check = crate::program::overread(&["check-config", "--data", path]);
        let told = check.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(told.status.code(), Some(1), "{variables:?}");
        crate::program::text(&told.stderr)
    };
    for (name, value, setting) in [
        ("OVERREAD_PUBLIC_URL", "secret.example", "`public_url`"),
        (
            "OVERREAD_PUBLIC_URL",
            "https://secret.example/",
            "`public_url`",
        ),
        (
            "OVERREAD_DIMSE_AE_TITLE",
            "A-SECRET-TITLE-THAT-IS-TOO-LONG",
            "`dimse.ae_title`",
        ),
        ("OVERREAD_MAIL_HOST", "secret.example", "`mail.host`"),
        ("OVERREAD_TLS_KEY", "secret.pem", "`tls.key`"),
    ] {
        let told = told(&[(name, value)]);
        assert!(
            told.contains(&format!("the variable {name} cannot be used")),
            "{told}"
        );
        assert!(told.contains(setting), "{told}");
        assert!(
            !told.contains("config.toml") && !told.contains("line "),
            "{told}"
        );
        assert!(!told.to_lowercase().contains("secret"), "{told}");
    }
    std::fs::write(folder.path().join("config.toml"), "public_url = 'x'\n").unwrap();
    let told = told(&[("OVERREAD_ORGANISATION", "Harbor Clinic")]);
    assert!(
        told.contains("config.toml") && told.contains("line 1"),
        "{told}"
    );
}

/// Everything that a database is made of.
fn tables(data: &str) -> Vec<(String, String)> {
    let path = Path::new(data).join("overread.sqlite");
    let database = rusqlite::Connection::open(path).unwrap();
    let mut asked = database
        .prepare(
            "select name, coalesce(sql, '') from sqlite_master union all \
             select 'version', cast(version as text) from _sqlx_migrations order by 1, 2",
        )
        .unwrap();
    let rows = asked.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn checking_the_settings_brings_no_table_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_folder(folder.path());
    let create = [
        "token", "create", "--role", "archive", "--name", "x", "--data", &data, "--json",
    ];
    let kept = json(&run(&create));
    let config = format!(
        "[[dimse.callers]]\nae_title = 'GOOD'\naddresses = ['192.0.2.1']\nmay = ['find']\ntoken = '{}'\n\
         [[dimse.callers]]\nae_title = 'UNKNOWN'\naddresses = ['192.0.2.2']\nmay = ['find']\n\
         token = 'aaaaaaaaaaaaaaaaaaaaaaaaaa'\n",
        kept["id"].as_str().unwrap()
    );
    std::fs::write(Path::new(&data).join("config.toml"), config).unwrap();
    // As an earlier version left it.
    let path = Path::new(&data).join("overread.sqlite");
    let database = rusqlite::Connection::open(path).unwrap();
    let earlier = "drop table refused_caller; delete from _sqlx_migrations where version > 17";
    database.execute_batch(earlier).unwrap();
    drop(database);
    let before = tables(&data);
    let told = run(&["check-config", "--data", &data]);
    assert_eq!(told.status.code(), Some(0));
    let told = text(&told.stderr);
    assert!(told.contains("UNKNOWN") && !told.contains("GOOD"), "{told}");
    assert_eq!(tables(&data), before);
    assert!(!before.iter().any(|(name, _)| name == "refused_caller"));
}

#[test]
fn a_token_that_is_not_as_it_is_meant_is_refused_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_folder(folder.path());
    let case = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let create = |role: &str, more: &[&str]| {
        let start = [
            "token", "create", "--role", role, "--name", "x", "--data", &data,
        ];
        run(&[&start[..], more].concat())
    };
    let list = || text(&run(&["token", "list", "--data", &data]).stdout);
    for (role, more, words) in [
        (
            "administrator",
            &[][..],
            "a machine cannot be an administrator",
        ),
        (
            "reviewer",
            &["--case", case],
            "there is no case with this id",
        ),
    ] {
        let told = create(role, more);
        assert_ne!(told.status.code(), Some(0), "{role}");
        assert!(told.stdout.is_empty(), "{role}: no secret is told");
        assert!(text(&told.stderr).contains(words), "{}", text(&told.stderr));
    }
    assert_eq!(list(), "", "none of them was made");
    let told = create("archive", &[]);
    assert_eq!(told.status.code(), Some(0));
    assert!(
        !text(&told.stderr).contains("warning"),
        "{}",
        text(&told.stderr)
    );
    let told = create("reviewer", &[]);
    assert_eq!(told.status.code(), Some(0));
    assert!(!told.stdout.is_empty());
    let words = text(&told.stderr);
    assert!(
        words.contains("warning: this token sees nothing"),
        "{words}"
    );
    let secret = text(&told.stdout);
    assert!(!words.contains(secret.trim()), "the secret is told once");
    // What it says takes it back does.
    let id = words.split("overread token revoke ").nth(1).unwrap();
    let revoke = run(&[
        "token",
        "revoke",
        id.trim().trim_end_matches(['.', ')']),
        "--data",
        &data,
    ]);
    assert!(revoke.status.success(), "{}", text(&revoke.stderr));
    assert!(list().contains("revoked"), "{}", list());
}

/// What a server logs until it listens.
fn log_of_a_start(folder: &Path, data: &str) -> String {
    let log = folder.join("log");
    let mut serve = crate::program::overread(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    let mut child = serve
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let printed = child.stdout.take().unwrap();
    BufReader::new(printed).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("listening on"), "{line}");
    std::fs::read_to_string(log).unwrap()
}

#[test]
fn what_is_probably_not_meant_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_folder(folder.path());
    let create = [
        "token", "create", "--role", "archive", "--name", "x", "--data", &data, "--json",
    ];
    let (kept, revoked) = (json(&run(&create)), json(&run(&create)));
    let (kept, revoked) = (
        kept["id"].as_str().unwrap(),
        revoked["id"].as_str().unwrap(),
    );
    assert!(
        run(&["token", "revoke", revoked, "--data", &data])
            .status
            .success()
    );
    let unknown = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let caller =
        |title: &str, more: &str| format!("[[dimse.callers]]\nae_title = '{title}'\n{more}\n");
    let here = "addresses = ['192.0.2.1']\nmay = ['find']\ntoken = ";
    let config = [
        caller("OPEN", ""),
        caller("GOOD", &format!("{here}'{kept}'")),
        caller("REVOKED", &format!("{here}'{revoked}'")),
        caller("UNKNOWN", &format!("{here}'{unknown}'")),
        caller(
            "FILMSCAN",
            &format!("addresses = ['192.0.2.2']\ncase = '{unknown}'"),
        ),
    ];
    std::fs::write(Path::new(&data).join("config.toml"), config.concat()).unwrap();
    let told = run(&["check-config", "--data", &data]);
    assert_eq!(told.status.code(), Some(0));
    let told = text(&told.stderr);
    let of = |title: &str| {
        told.lines()
            .find(|line| line.contains(&format!("\"{title}\"")))
    };
    assert!(of("OPEN").unwrap().contains("may store"), "{told}");
    for title in ["REVOKED", "UNKNOWN"] {
        assert!(
            of(title).unwrap().contains("revoked or was never made"),
            "{told}"
        );
    }
    assert!(of("GOOD").is_none(), "{told}");
    assert!(
        of("FILMSCAN").unwrap().contains("a case that is not there"),
        "{told}"
    );
    let log = log_of_a_start(folder.path(), &data);
    for words in ["OPEN", "REVOKED", "UNKNOWN"] {
        assert!(log.contains(words), "{log}");
    }
    assert!(!log.contains("GOOD"), "{log}");
    for secret in [kept, revoked, unknown] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn nobody_else_reads_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (disc, data) = (folder.path().join("disc"), folder.path().join("data"));
    small_disc(&disc);
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    let (disc, path) = (disc.to_str().unwrap(), data.to_str().unwrap());
    let told = text(&run(&["ingest", disc, "--data", path]).stderr);
    assert!(told.contains("every account of this machine"), "{told}");
    let kept = files_below(&data);
    assert!(kept.iter().any(|file| file.ends_with("overread.sqlite")));
    for file in kept {
        let folder = file.parent().unwrap();
        for place in [file.as_path(), folder]
            .into_iter()
            .filter(|place| *place != data)
        {
            let mode = place.metadata().unwrap().mode();
            assert_eq!(mode & 0o077, 0, "{} {mode:o}", place.display());
        }
    }
    std::fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
    let told = text(&run(&["ingest", disc, "--data", path]).stderr);
    assert!(!told.contains("every account"), "{told}");
}

#[test]
fn help_and_version_tell_what_is_so() {
    let help = text(&run(&["verify", "--help"]).stdout);
    assert!(!help.contains("makes it"), "{help}");
    let version = text(&run(&["--version"]).stdout);
    let is_plain = version.trim() == concat!("overread ", env!("CARGO_PKG_VERSION"));
    assert!(is_plain || version.trim_end().ends_with(')'), "{version}");
}

/// A data folder that was used before.
fn data_folder(below: &std::path::Path) -> String {
    let (disc, data) = (below.join("disc"), below.join("data"));
    small_disc(&disc);
    let data = data.to_str().unwrap().to_owned();
    run(&["ingest", disc.to_str().unwrap(), "--data", &data]);
    data
}

#[test]
fn a_folder_that_was_mistyped_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("overread-dta");
    let path = data.to_str().unwrap();
    let create = [
        "token", "create", "--role", "archive", "--name", "x", "--data", path,
    ];
    let case = [
        "check",
        "--case",
        "aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "--data",
        path,
    ];
    for command in [
        &["token", "list", "--data", path][..],
        &["migrate", "--data", path],
        &["verify", "--data", path],
        &create,
        &case,
    ] {
        let refused = run(command);
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        let told = text(&refused.stderr);
        assert!(told.contains("is no data folder"), "{told}");
        assert!(!data.exists(), "{command:?}");
    }
}

#[test]
fn a_database_server_that_is_not_there_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().display().to_string().replace('/', "%2F");
    let config = format!("database_url = 'postgres://o:hunter2@{nowhere}/overread'");
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    let refused = run(&["migrate", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(
        told.contains("PostgreSQL server cannot be reached"),
        "{told}"
    );
    assert!(
        !told.contains("hunter2") && !told.contains("pool"),
        "{told}"
    );
}

#[test]
fn a_check_speaks_of_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let image = InstanceSpec::mr(71, 2, 1).of_person("Sample^Alex", "", "SAMPLE-1");
    let mut report = InstanceSpec::mr(71, 3, 1)
        .of_person("Sample^Alex", "", "SAMPLE-1")
        .with_modality("SR");
    report.sop_class_uid = "1.2.840.10008.5.1.4.1.1.88.11".to_owned();
    report.pixels.clear();
    let files = [
        DiscFile::new("DICOM/IM1", image.part10().unwrap()),
        DiscFile::new("DICOM/SR1", report.part10().unwrap()),
        DiscFile::new("README.TXT", "Start viewer.exe to look at the images."),
        DiscFile::new("REPORT.TXT", "MRI spine: see above"),
    ];
    write_folder(folder.path(), &files).unwrap();
    let told = text(&run(&["check", folder.path().to_str().unwrap()]).stdout);
    for words in [
        "March 2, 2026",
        "1 image  (no description)",
        "1 report  (no description)",
        "Sample^Alex, no birth date, 1 image and 1 other object",
        "REPORT.TXT: original report",
        "REPORT.TXT holds too few words to be one",
        "no records (a viewer",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    for words in ["20260302", "xecutable", "born ,"] {
        assert!(!told.contains(words), "{words} in {told}");
    }
}
