//! `overread pacs`: what is wrong usage, and which case is meant.

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::cases::{self, CaseRow};

use crate::program::{run, text};

#[test]
fn wrong_usage_is_told_by_its_exit_code_before_anybody_is_called() {
    let find = ["pacs", "find", "hospital"];
    let check = |arguments: &[&str]| {
        let ran = run(arguments);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(ran.stdout.is_empty());
    };
    check(&find);
    check(&[&find[..], &["--patient-id", ""]].concat());
    check(&[&find[..], &["--patient-name", " "]].concat());
    check(&["pacs", "pull", "hospital", "--study", "abc"]);
    check(&["pacs", "pull", "hospital"]);
    check(&["pacs", "send", "hospital", "--study", "1.2.x"]);
    check(&["pacs", "send", "hospital"]);
    check(&["pacs", "send", "hospital", "--case", ""]);
}

#[test]
fn a_case_is_sent_by_the_number_that_people_see_or_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let port = overread_testkit::program::free_port();
    let peer = format!(
        "[[dimse.peers]]\nname = 'hospital'\nae_title = 'PACS'\naddress = '127.0.0.1'\nport = {port}\n"
    );
    std::fs::write(folder.path().join("config.toml"), peer).unwrap();
    let data = folder.path().to_str().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let id = CaseId::from_random([7; 16]);
    let row = CaseRow {
        number: Some("2026-00012".to_owned()),
        ..overread_testkit::case::row(&id, Timestamp::from_micros(1))
    };
    runtime.block_on(async {
        let store = Store::open_sqlite(&folder.path().join("overread.sqlite")).await;
        let store = store.unwrap();
        let mut tx = store.begin().await.unwrap();
        cases::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
    for (case, expect) in [
        ("2026-00012", "nothing of it is held here"),
        (id.as_str(), "nothing of it is held here"),
        ("1999-00001", "no case with this number or id"),
        (
            "bbbbbbbbbbbbbbbbbbbbbbbbbb",
            "no case with this number or id",
        ),
    ] {
        let ran = run(&["pacs", "send", "hospital", "--case", case, "--data", data]);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(3), "{case}: {said}");
        assert!(said.contains(expect), "{case}: {said}");
    }
}
