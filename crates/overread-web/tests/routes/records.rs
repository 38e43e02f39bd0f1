//! `/cases/{case}/records`: what is held back, and who decides on it.

use http::StatusCode;
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_model::keeping::Quota;
use overread_store::quotas;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;

use super::whose_images::{Way, own, send, token};
use crate::door::{Browser, Door, now};

#[expect(clippy::too_many_lines, reason = "one way, step by step")]
#[tokio::test]
async fn a_coordinator_decides_on_images_and_papers_of_somebody_else() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let path = format!("/cases/{case_id}");
    let records = format!("{path}/records");
    // They name Alex Sample.
    let image = InstanceSpec::mr(1, 1, 1);
    let files = [
        DiscFile::new("IM1", image.part10().unwrap()),
        DiscFile::new("REPORT.TXT", "Somebody else's report."),
    ];
    patient.upload(&case_id, &files).await;
    let page = patient.get(&records).await;
    assert!(page.body.contains("1 study is held back") && !page.body.contains("REPORT.TXT"));
    assert!(!page.body.contains("enough for a second opinion"));
    // What arrived is neither missing nor lost, and nothing of the other person is told.
    let safe = "The images arrived safely. Somebody is checking that they belong to this patient.";
    assert!(page.body.contains(safe), "{}", page.body);
    assert!(
        page.body
            .contains("1 paper arrived safely and is being checked")
    );
    for wrong in [
        "have arrived yet",
        "No DICOM images",
        "Nothing readable",
        "Alex",
        "SAMPLE",
    ] {
        assert!(!page.body.contains(wrong), "{wrong}: {}", page.body);
    }
    for theirs in ["/cases", path.as_str()] {
        let page = patient.get(theirs).await;
        assert!(!page.body.contains("Decide whose") && !page.body.contains("Alex"));
    }

    ada.act_as(Role::Coordinator).await;
    let next = "Decide whose images these are";
    let list = ada.get("/cases").await;
    assert!(
        list.body.contains(next) && list.body.contains("Your turn"),
        "{}",
        list.body
    );
    let page = ada.get(&path).await;
    let link = format!("href=\"{records}\">{next}</a>");
    assert!(page.body.contains(&link), "{}", page.body);
    let page = ada.get(&records).await;
    assert!(page.body.contains("Whose paper is") && page.body.contains("REPORT.TXT"));
    let study = page.hidden("study");
    let paper = page.body.split("value=\"other:").nth(1).unwrap();
    let paper = paper.split('"').next().unwrap().to_owned();
    let theirs = patient.get(&format!("{path}/documents/{paper}")).await;
    let (rest, last) = paper.split_at(paper.len() - 1);
    let nothing = format!("{rest}{}", if last == "a" { "b" } else { "a" });
    let none = patient.get(&format!("{path}/documents/{nothing}")).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert_eq!(theirs.status, none.status, "as if it were not there");

    let about = |word: &str| format!("{word}:{paper}");
    let (other, nonsense) = (about("other"), about("maybe"));
    let mut form = [
        ("study", study.as_str()),
        ("decision", "other"),
        ("papers", nonsense.as_str()),
        ("reason", "Another person's disc was in the envelope."),
    ];
    let decide = format!("{records}/held-back");
    let unreadable = ada.post(&decide, &form).await;
    assert!(unreadable.status.is_client_error(), "{}", unreadable.status);
    form[2].1 = &other;
    let decided = ada.post(&decide, &form).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{}", decided.body);
    let page = ada.get(&records).await;
    assert!(!page.body.contains("held back") && !page.body.contains("REPORT.TXT"));
    let list = ada.get("/cases").await;
    assert!(!list.body.contains(next), "{}", list.body);
}

#[tokio::test]
async fn what_was_refused_for_want_of_room_is_told_beside_what_was_kept() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let room = Quota {
        bytes: 1_000_000_000,
        instances: 1,
    };
    let mut tx = door.workflow.store.begin().await.unwrap();
    quotas::set(&mut tx, &case_id, room, "a test", "", now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let images = [1, 2, 3].map(|number| {
        let image = InstanceSpec::mr(1, 1, number).part10().unwrap();
        DiscFile::new(format!("IM{number}"), image)
    });
    patient.upload(&case_id, &images).await;
    let records = format!("/cases/{case_id}/records");
    let page = patient.get(&records).await.body;
    for words in [
        "2 files that were sent were not kept",
        "this case held as much as it may",
        "What was kept is being checked",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for wrong in ["arrived safely", "has to be sent again"] {
        assert!(!page.contains(wrong), "{wrong}: {page}");
    }
}

/// Sets how many images a case may hold.
async fn set_room(door: &Door, case_id: &CaseId, instances: u64) {
    let room = Quota {
        bytes: 1_000_000_000,
        instances,
    };
    let mut tx = door.workflow.store.begin().await.unwrap();
    let set = quotas::set(&mut tx, case_id, room, "a test", "", now());
    set.await.unwrap();
    tx.commit().await.unwrap();
}

/// A full case is told without being asked for.
async fn told_to_administrators(ada: &mut Browser<'_>) {
    ada.act_as(Role::Administrator).await;
    let keeping = ada.get("/keeping").await.body;
    assert!(
        keeping.contains("had no room for 1 file: it holds"),
        "{keeping}"
    );
    assert!(
        keeping.contains("can be restored for 30 days, and"),
        "{keeping}"
    );
}

#[tokio::test]
async fn a_case_is_not_whole_until_what_was_refused_has_come_or_is_let_through() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Alex Sample").await;
    let mut stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let case_id = patient.ask("Alex Sample").await;
    patient.submit(&case_id).await;
    set_room(&door, &case_id, 1).await;
    let secret = token(&door, &case_id).await;
    let stow = async |instance: u64| {
        let sent = send(&door, &secret, &case_id, Way::Stow, &own(1, instance)).await;
        sent.0.status
    };
    assert_eq!(stow(1).await, StatusCode::OK);
    ada.act_as(Role::Coordinator).await;
    let records = format!("/cases/{case_id}/records");
    let lacks = "Not everything that was sent was kept";
    assert!(!ada.get(&records).await.body.contains(lacks));
    assert_eq!(stow(2).await, StatusCode::CONFLICT);
    let page = ada.get(&records).await.body;
    for words in [
        lacks,
        "1 image, sent on",
        "send them again after an administrator of the practice has given it more room",
        "and 1 of 1 images",
        "An administrator gives it more on the page Keeping, under “Room of one case”",
        "1 file that was sent was not kept",
        own(1, 2).series_instance_uid.as_str(),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    told_to_administrators(&mut ada).await;
    ada.act_as(Role::Coordinator).await;
    let patients = patient.get(&records).await.body;
    assert!(patients.contains(lacks) && !patients.contains(&own(1, 2).series_instance_uid));
    // Only a coordinator lets the case through, and only without what was told.
    let override_path = format!("{records}/override");
    let version = ada.get(&records).await.hidden("version");
    let form = [
        ("version", version.as_str()),
        ("rules", "F14"),
        ("reason", "It is the same image once more."),
    ];
    let mut nobody = door.browser();
    let refused = nobody.post(&override_path, &form).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let refused = stranger.post(&override_path, &form).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let refused = patient.post(&override_path, &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let done = ada.post(&override_path, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let let_through = "Let through by a coordinator: Not everything";
    let page = ada.get(&records).await.body;
    assert!(page.contains(let_through), "{page}");
    assert!(!page.contains("that was sent was not kept"));
    assert_eq!(stow(2).await, StatusCode::CONFLICT, "it was decided on");
    assert!(ada.get(&records).await.body.contains(let_through));
    assert_eq!(stow(3).await, StatusCode::CONFLICT);
    let page = ada.get(&records).await.body;
    assert!(!page.contains(let_through), "{page}");
    assert!(page.contains("2 images, sent on"), "{page}");
    set_room(&door, &case_id, 3).await;
    for instance in [2, 3] {
        assert_eq!(stow(instance).await, StatusCode::OK);
    }
    assert!(!ada.get(&records).await.body.contains(lacks));
}
