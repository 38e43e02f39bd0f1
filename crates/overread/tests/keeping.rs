//! `overread keeping`: by the rules of the page, in an administrator's name.

use std::path::Path;

use overread_model::access::Role;
use overread_model::ids::PersonId;
use overread_store::Store;
use overread_store::people::{self, PersonRow};
use serde_json::Value;

use crate::program::{json, run, small_disc, text};

/// Adds a person with a role and an address to an installation.
pub(crate) async fn join(data: &Path, number: u8, email: &str, role: Role) {
    let store = Store::open_sqlite(&data.join("overread.sqlite")).await;
    let store = store.unwrap();
    let mut tx = store.begin().await.unwrap();
    let id = PersonId::from_random([number; 16]);
    let person = PersonRow {
        id: id.as_str().to_owned(),
        name: "Ada Admin".to_owned(),
        email: email.to_owned(),
        email_folded: people::fold_email(email),
        password_hash: "none".to_owned(),
        language: "en".to_owned(),
        created_at: 1,
        password_changed_at: 1,
        last_signed_in_at: None,
        disabled_at: None,
    };
    people::insert(&mut tx, &person).await.unwrap();
    people::add_role(&mut tx, &id, role).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
}

/// Runs a command in somebody's name; returns what it printed, or why it was refused.
fn keeping(data: &str, by: &str, arguments: &[&str]) -> Result<Value, String> {
    let mut all = vec!["keeping"];
    all.extend_from_slice(arguments);
    all.extend_from_slice(&["--by", by, "--data", data, "--json"]);
    let ran = run(&all);
    if ran.status.success() {
        return Ok(json(&ran));
    }
    assert_eq!(ran.status.code(), Some(1), "{arguments:?}");
    assert!(ran.stdout.is_empty());
    Err(text(&ran.stderr))
}

#[test]
fn what_the_page_does_a_script_does_by_the_same_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (disc, data) = (folder.path().join("disc"), folder.path().join("data"));
    small_disc(&disc);
    let path = data.to_str().unwrap();
    let receipt = json(&run(&[
        "ingest",
        disc.to_str().unwrap(),
        "--data",
        path,
        "--json",
    ]));
    let uid = receipt["studies"][0]["study_instance_uid"]
        .as_str()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(join(&data, 1, "ada@example.org", Role::Administrator));
    runtime.block_on(join(&data, 2, "cora@example.org", Role::Coordinator));
    let ada = |arguments: &[&str]| keeping(path, "Ada@Example.org", arguments);
    for stranger in ["cora@example.org", "nobody@example.org"] {
        let refused = keeping(path, stranger, &["delete", uid, "--reason", "why"]).unwrap_err();
        assert!(refused.contains("is an administrator here"), "{refused}");
    }
    let refused = |arguments: &[&str], expect: &str| {
        let told = ada(arguments).unwrap_err();
        assert!(told.contains(expect), "{told}");
    };
    refused(&["delete", uid, "--reason", " "], "reason");
    refused(&["delete", "1.2.3", "--reason", "why"], "no exam");
    // What is held is not deleted.
    ada(&["hold", uid, "--reason", "a dispute"]).unwrap();
    refused(&["delete", uid, "--reason", "asked for"], "legal hold");
    let list = ada(&["list"]).unwrap();
    let hold = list["holds"][0]["id"].as_str().unwrap().to_owned();
    ada(&["lift", &hold, "--reason", "it was settled"]).unwrap();
    refused(&["lift", &hold, "--reason", "again"], "not any more");
    let deleted = ada(&["delete", uid, "--reason", "asked for"]).unwrap();
    assert_eq!(deleted["deleted"], 1);
    refused(&["delete", uid, "--reason", "again"], "deleted already");
    let list = ada(&["list"]).unwrap();
    let line = &list["deletions"][0];
    assert_eq!(
        (line["images"].as_i64(), line["by"].as_str()),
        (Some(5), Some("Ada Admin"))
    );
    let deletion = line["id"].as_str().unwrap();
    ada(&["restore", deletion]).unwrap();
    refused(&["restore", deletion], "not any more");
    refused(&["room", "2026-00001"], "no case");
    check_amounts(path);
    // That it was asked for by a command is on record, also where it was refused.
    let audit_rows = || json(&run(&["verify", "--data", path, "--json"]))["audit_rows"].as_u64();
    let before = audit_rows().unwrap();
    refused(&["delete", "1.2.3", "--reason", "why"], "no exam");
    assert_eq!(audit_rows(), Some(before + 1));
    refused(&["delete", "Sample^Alex", "--reason", "why"], "no exam");
    check_record(&data, &hold, deletion);
}

/// An amount of room is a whole number of what is there.
fn check_amounts(path: &str) {
    for amount in ["0.001", "0", "a"] {
        let room = [
            "keeping",
            "room",
            "2026-00001",
            "--gb",
            amount,
            "--reason",
            "why",
        ];
        let told = run(&[&room[..], &["--by", "ada@example.org", "--data", path]].concat());
        assert_eq!(told.status.code(), Some(2));
        let told = text(&told.stderr);
        assert!(
            told.contains("a whole number from 1 on is expected"),
            "{told}"
        );
    }
}

/// What nothing here is called is not repeated, as it may be a person's name.
fn check_record(data: &Path, hold: &str, deletion: &str) {
    let about = commands_on_record(data);
    let on =
        |command: &str, kind: &str, id: &str| (command.to_owned(), kind.to_owned(), id.to_owned());
    assert_eq!(
        about,
        [
            on("delete", "study", "1"),
            on("delete", "unknown", ""),
            on("hold", "study", "1"),
            on("delete", "study", "1"),
            on("list", "", ""),
            on("lift", "hold", hold),
            on("lift", "hold", hold),
            on("delete", "study", "1"),
            on("delete", "study", "1"),
            on("list", "", ""),
            on("restore", "deletion", deletion),
            on("restore", "deletion", deletion),
            on("room", "unknown", ""),
            on("delete", "unknown", ""),
            on("delete", "unknown", ""),
        ]
    );
}

/// Returns which commands are on record and of what, in their order.
fn commands_on_record(data: &Path) -> Vec<(String, String, String)> {
    let database = rusqlite::Connection::open(data.join("overread.sqlite")).unwrap();
    let sql = "select json_extract(detail, '$.command'), coalesce(subject_kind, ''), coalesce(subject_id, '') from audit \
               where event = 'keeping.command' order by seq";
    let mut query = database.prepare(sql).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
