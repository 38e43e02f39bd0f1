//! `overread audit`: what was done and read, for a hospital's scripts.

use overread_model::access::{Actor, Role};
use overread_model::ids::{PersonId, TokenId};
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::audit::{self, AuditEvent};
use serde_json::Value;

use crate::keeping::join;
use crate::program::{run, text};

const DAY: i64 = 86_400_000_000;
/// More than are read at once.
const SEARCHES: usize = 10_003;

/// Writes searches of a peer on one day, and on the next that images were sent.
async fn write_rows(database: &std::path::Path) {
    let store = Store::open_sqlite(database).await.unwrap();
    let peer = Actor::Machine {
        token_id: TokenId::of_peer("CT1"),
        role: Role::Archive,
    };
    let mut tx = store.begin().await.unwrap();
    let first = Timestamp::from_micros(20_000 * DAY);
    for _ in 0..SEARCHES {
        let searched = AuditEvent::new("studies.searched");
        audit::record(&mut tx, &peer, &searched, first)
            .await
            .unwrap();
    }
    let to = serde_json::json!({ "to": "PACS2", "host": "10.0.0.5:104" });
    let sent = AuditEvent::new("study.images_sent")
        .on("study", "2.25.7")
        .with(to);
    let next = first.plus_days(1);
    audit::record(&mut tx, &peer, &sent, next).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
}

/// Returns the rows that the command prints, the newest first.
fn audit_of(data: &str, more: &[&str]) -> Vec<Value> {
    let mut all = vec!["audit", "--json", "--by", "ada@example.org", "--data", data];
    all.extend_from_slice(more);
    let ran = run(&all);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let printed = text(&ran.stdout);
    let rows = printed.lines().map(serde_json::from_str);
    rows.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_printed_to_administrators_by_day_person_and_kind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    std::fs::write(data.join("config.toml"), "").unwrap();
    join(data, 1, "ada@example.org", Role::Administrator).await;
    join(data, 2, "cora@example.org", Role::Coordinator).await;
    write_rows(&data.join("overread.sqlite")).await;
    let path = data.to_str().unwrap();
    let refused = run(&["audit", "--by", "cora@example.org", "--data", path]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());

    let (first, next) = ("2024-10-04", "2024-10-05");
    let of_day = audit_of(path, &["--since", first, "--until", first]);
    assert_eq!(
        of_day.len(),
        SEARCHES,
        "every page, and none of another day"
    );
    assert!(of_day.iter().all(|row| row["event"] == "studies.searched"));
    assert!(of_day[0]["row"].as_i64() > of_day[1]["row"].as_i64());
    let sent = audit_of(path, &["--since", next, "--until", next]);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["who"], "the DICOM peer CT1");
    assert_eq!(sent[0]["detail"], "to PACS2 at 10.0.0.5:104");
    let peer = TokenId::of_peer("CT1");
    let by = audit_of(path, &["--person", peer.as_str(), "--kind", "study"]);
    assert_eq!(by, sent);
    assert!(audit_of(path, &["--since", "2999-01-01"]).is_empty());

    let listed = audit_of(path, &["--kind", "audit"]);
    assert_eq!(listed.len(), 5, "one row for each command, this one too");
    let ada = PersonId::from_random([1; 16]);
    let by_ada = audit_of(path, &["--person", ada.as_str()]);
    assert_eq!(by_ada.len(), 6);
    let wrong = run(&[
        "audit",
        "--by",
        "ada@example.org",
        "--data",
        path,
        "--kind",
        "x",
    ]);
    assert_eq!(wrong.status.code(), Some(1));
    let plain = run(&["audit", "--by", "ada@example.org", "--data", path]);
    let plain = text(&plain.stdout);
    assert!(plain.contains("Ada Admin  Read the audit"), "{plain}");
    assert!(plain.contains(", to PACS2 at 10.0.0.5:104  study 2.25.7"));
}
