//! `/keeping` and what a case's page says of it.

use axum::body::Body;
use http::{Request, StatusCode};
use overread_model::access::Role;
use overread_model::time::Timestamp;
use overread_store::tokens::{self, NewToken};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;

use crate::door::{Browser, Door};

const NO_ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

fn posts() -> Vec<String> {
    vec![
        "/keeping/delete".to_owned(),
        "/keeping/hold".to_owned(),
        "/keeping/quota".to_owned(),
        format!("/keeping/deletions/{NO_ID}/restore"),
        format!("/keeping/holds/{NO_ID}/lift"),
        format!("/keeping/requests/{NO_ID}/delete"),
        format!("/keeping/requests/{NO_ID}/decline"),
        "/keeping/proposals/1/delete".to_owned(),
        format!("/keeping/conflicts/{NO_ID}/close"),
    ]
}

const FIELDS: [(&str, &str); 2] = [("named", "2026-00001"), ("reason", "because")];

#[tokio::test]
async fn only_administrators_delete_hold_and_restore() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let mut insurer = door.join(&mut ada, Role::Insurer, "Ina Insurer").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let mut nobody = door.browser();
    assert_eq!(
        nobody.get("/keeping").await.leads_to(),
        "/sign-in?next=/keeping"
    );
    for path in posts() {
        let answer = nobody.post(&path, &FIELDS).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    ada.act_as(Role::Coordinator).await;
    for other in [&mut patient, &mut reviewer, &mut insurer, &mut ada] {
        assert_eq!(other.get("/keeping").await.status, StatusCode::FORBIDDEN);
        for path in posts() {
            let answer = other.post(&path, &FIELDS).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{path}: {}",
                answer.body
            );
        }
    }
    ada.act_as(Role::Administrator).await;
    let shown = ada.get("/keeping").await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(
        shown.body.contains("21 CFR 900.12(c)(4)(i)"),
        "a rule names its law"
    );
    assert!(
        !shown.body.contains("Pat Patient"),
        "an administrator sees no patient"
    );
    let wrong = ada
        .post(
            "/keeping/delete",
            &[("named", "9999"), ("reason", "why"), ("sure", "true")],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.body.contains("value=\"9999\"") && wrong.body.contains("no case with this number")
    );
    let stolen = ada.post_as_is("/keeping/delete", &FIELDS).await;
    assert_eq!(
        stolen.status,
        StatusCode::FORBIDDEN,
        "a form that is not ours"
    );
}

#[tokio::test]
async fn the_patient_asks_and_others_of_the_case_may_not() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let mut stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let (ask, hold) = (
        format!("/cases/{case_id}/deletion"),
        format!("/cases/{case_id}/hold"),
    );
    let page = format!("/cases/{case_id}");
    let mut nobody = door.browser();
    for path in [&ask, &hold] {
        let answer = nobody.post(path, &[("reason", "because")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        for other in [&mut stranger, &mut reviewer, &mut ada] {
            let answer = other.post(path, &[("reason", "because")]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    let held = patient.post(&hold, &[("reason", "because")]).await;
    assert_eq!(held.status, StatusCode::FORBIDDEN);
    let before = patient.get(&page).await;
    assert!(
        before.body.contains("Ask for deletion") && !before.body.contains("Place a legal hold")
    );
    let reason = [("reason", "They are <b>mine</b>.")];
    let asked = patient.post(&ask, &reason).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    let waits = patient.get(&page).await;
    assert!(waits.body.contains("It waits for an answer."));
    let list = ada.get("/keeping").await;
    assert!(
        list.body.contains("They are &#60;b&#62;mine"),
        "{}",
        list.body
    );
    let decline = list.path_after("/keeping/requests/");
    let decline = decline.replace("/delete", "/decline");
    let answered = ada
        .post(&decline, &[("reason", "The law asks us to keep them.")])
        .await;
    let told = ada.get(answered.leads_to()).await;
    assert!(
        told.body.contains("The request is declined."),
        "{}",
        told.body
    );
    let after = patient.get(&page).await;
    assert!(after.body.contains("The law asks us to keep them."));
    ada.act_as(Role::Coordinator).await;
    let held = ada.post(&hold, &[("reason", "A claim was made.")]).await;
    assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.body);
    let desk = ada.get(&page).await;
    assert!(
        desk.body.contains("A claim was made.") && desk.body.contains("of 20.0 GB"),
        "{}",
        desk.body
    );
    let theirs = patient.get(&page).await;
    assert!(
        !theirs.body.contains("A claim was made."),
        "a dispute is not told"
    );
}

/// Asks for an opinion on the images of one exam; returns its Study Instance UID.
async fn ask_with_an_image(patient: &mut Browser<'_>, birth_date: &str) -> String {
    let case_id = patient.ask("Alex Sample").await;
    patient.submit(&case_id).await;
    let image = InstanceSpec::mr(1, 1, 1).of_person("Sample^Alex", birth_date, "SAMPLE-1");
    let files = [DiscFile::new("IM1", image.part10().unwrap())];
    patient.upload(&case_id, &files).await;
    image.study_instance_uid.clone()
}

#[tokio::test]
async fn nothing_is_deleted_by_one_click_nor_twice_by_loading_the_page_again() {
    delete_and_restore("19680412", "The exam is restored, in 1 case.").await;
    // Held back, since it may be somebody else's.
    delete_and_restore("19700302", "It is shown in no case").await;
}

/// Deletes the exam of a patient of this birth date and restores it; the page says so in these words.
async fn delete_and_restore(birth_date: &str, words: &str) {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let uid = ask_with_an_image(&mut patient, birth_date).await;
    ada.act_as(Role::Administrator).await;
    let once = ada.post("/keeping/delete", &FIELDS).await;
    assert_eq!(once.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(once.body.contains("Nothing was deleted. Tick the box"));
    assert!(!once.body.contains(&uid), "it is not among the deleted");
    let [named, reason] = FIELDS;
    let sure = [named, reason, ("sure", "true")];
    let deleted = ada.post("/keeping/delete", &sure).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", deleted.body);
    for _ in ["shown", "loaded again"] {
        let told = ada.get(deleted.leads_to()).await;
        assert!(told.body.contains("1 exam was deleted."), "{}", told.body);
        assert!(told.body.contains(&uid), "two of one day are told apart");
    }
    assert_eq!(ada.get("/keeping/delete").await.leads_to(), "/keeping");
    let restore = ada.get("/keeping").await.path_after("/keeping/deletions/");
    let restored = ada.post(&restore, &[]).await;
    assert_eq!(restored.status, StatusCode::SEE_OTHER, "{}", restored.body);
    let told = ada.get(restored.leads_to()).await;
    assert!(told.body.contains(words), "{words}: {}", told.body);
}

#[tokio::test]
async fn what_was_asked_for_is_not_deleted_by_one_click_either() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let ask = format!("/cases/{case_id}/deletion");
    let asked = patient.post(&ask, &[("reason", "They are mine.")]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    ada.act_as(Role::Administrator).await;
    let list = ada.get("/keeping").await;
    let delete = list.path_after("/keeping/requests/");
    let once = ada.post(&delete, &[]).await;
    assert!(once.body.contains("Nothing was deleted. Tick the box"));
    let rule = ada.post("/keeping/proposals/1/delete", &[]).await;
    assert!(rule.body.contains("Nothing was deleted. Tick the box"));
}

#[tokio::test]
async fn who_asked_for_a_deletion_has_nothing_to_solve_after_it() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    ask_with_an_image(&mut patient, "19680412").await;
    let case_path = patient.get("/cases").await.path_after("/cases/");
    let case_path = format!("/cases/{}", case_path.split('/').nth(2).unwrap());
    let records = format!("{case_path}/records");
    let ask = [("reason", "They are mine.")];
    let asked = patient.post(&format!("{case_path}/deletion"), &ask).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    ada.act_as(Role::Administrator).await;
    let delete = ada.get("/keeping").await.path_after("/keeping/requests/");
    let held = ada.post("/keeping/hold", &FIELDS).await;
    assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.body);
    let refused = ada.post(&delete, &[("sure", "true")]).await.body;
    assert!(
        refused.contains("Nothing was deleted: a legal hold covers 1 exam."),
        "{refused}"
    );
    let lift = ada.get("/keeping").await.path_after("/keeping/holds/");
    ada.post(&lift, &[("reason", "settled")]).await;
    let deleted = ada.post(&delete, &[("sure", "true")]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", deleted.body);
    let told = patient.get(&records).await.body;
    assert!(told.contains("The images were deleted on "), "{told}");
    assert!(told.contains(", as you asked."), "{told}");
    for untrue in [
        "Must be solved",
        "have arrived yet",
        "No images in this case yet",
    ] {
        assert!(!told.contains(untrue), "{untrue}: {told}");
    }
    ada.act_as(Role::Coordinator).await;
    let told = ada.get(&records).await.body;
    assert!(told.contains(", as was asked for in this case."), "{told}");
    // Once they are restored, the page is as before.
    ada.act_as(Role::Administrator).await;
    let restore = ada.get("/keeping").await.path_after("/keeping/deletions/");
    assert_eq!(ada.post(&restore, &[]).await.status, StatusCode::SEE_OTHER);
    let told = patient.get(&records).await.body;
    assert!(!told.contains("were deleted"), "{told}");
}

#[tokio::test]
async fn the_room_of_a_case_is_shown_before_it_is_set() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    ask_with_an_image(&mut patient, "19680412").await;
    let shown = "/keeping?room=2026-00001";
    let nobody = door.browser().get(shown).await;
    assert_eq!(nobody.leads_to(), "/sign-in?next=/keeping");
    ada.act_as(Role::Coordinator).await;
    for other in [&patient, &ada] {
        assert_eq!(other.get(shown).await.status, StatusCode::FORBIDDEN);
    }
    ada.act_as(Role::Administrator).await;
    let page = ada.get(shown).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for words in ["of 20.0 GB, and 1 of 100000 images", "every case may hold"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let fields = [
        ("number", "2026-00001"),
        ("gb", "3"),
        ("images", "1"),
        ("reason", "why"),
    ];
    let set = ada.post("/keeping/quota", &fields).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.body);
    let page = ada.get(set.leads_to()).await;
    for words in [
        "The room of the case is set",
        "of 3.0 GB, and 1 of 1 images",
        "was set for this case",
        "Full: nothing more is taken in",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let unknown = ada.get("/keeping?room=%3Cb%3E").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.body.contains("There is no case with this number."));
}

/// The script refuses to ask for anything else, and then nothing asks.
#[test]
fn only_forms_ask_before_they_are_sent() {
    let mut folders = vec![std::path::PathBuf::from("templates")];
    let mut asking = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let mut parts: Vec<&str> = text.split("data-behaviour=\"confirm\"").collect();
            parts.pop();
            for before in parts {
                let tag = before.rsplit('<').next().unwrap();
                assert!(tag.starts_with("form "), "{}: {tag}", path.display());
                asking += 1;
            }
        }
    }
    assert!(asking > 0, "the templates were found");
}

/// Sends an image for no case, as an archive would.
async fn send(door: &Door, secret: &str, spec: &InstanceSpec) -> StatusCode {
    let mut body = b"\r\n--b0undary\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
    body.extend(spec.part10().unwrap());
    body.extend_from_slice(b"\r\n--b0undary--\r\n");
    let request = Request::post("/dicom-web/studies")
        .header("content-type", "multipart/related; boundary=b0undary")
        .header("authorization", format!("Bearer {secret}"))
        .body(Body::from(body))
        .unwrap();
    door.send(request).await.status
}

#[tokio::test]
async fn what_contradicts_what_is_stored_outside_of_every_case_is_for_administrators() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut tx = door.workflow.store.begin().await.unwrap();
    let new = NewToken {
        name: "the ward's archive",
        role: Role::Archive,
        case_id: None,
    };
    let made = tokens::create(&mut tx, &new, Timestamp::from_micros(1)).await;
    let (_, secret) = made.unwrap();
    tx.commit().await.unwrap();
    let stored = InstanceSpec::mr(1, 1, 1);
    let mut other = stored.clone();
    other.rows = 8;
    other.columns = 32;
    assert_eq!(send(&door, &secret, &stored).await, StatusCode::OK);
    let nothing = ada.get("/keeping").await.body;
    assert!(nothing.contains("None that no case shows."), "{nothing}");
    assert_eq!(send(&door, &secret, &other).await, StatusCode::CONFLICT);
    let page = ada.get("/keeping").await;
    for words in [
        stored.sop_instance_uid.as_str(),
        "the machine “the ward&#39;s archive”",
        "Rows, Columns",
        "Other content under the same identifier",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(
        !page.body.contains("Sample"),
        "an administrator sees no patient"
    );
    assert!(
        page.body.contains("<details class=\"fold card\"><summary>"),
        "folded"
    );
    let close = page.path_after("/keeping/conflicts/");
    let unsaid = ada.post(&close, &[("reason", "asked the ward")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [("right", "stored_kept"), ("reason", "asked the ward")];
    let closed = ada.post(&close, &form).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.body);
    let page = ada.get("/keeping").await.body;
    assert!(!page.contains(&stored.sop_instance_uid), "{page}");
    let again = ada.post(&close, &form).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn many_contradictions_stand_on_several_pages() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut tx = door.workflow.store.begin().await.unwrap();
    let new = NewToken {
        name: "the ward's archive",
        role: Role::Archive,
        case_id: None,
    };
    let made = tokens::create(&mut tx, &new, Timestamp::from_micros(1)).await;
    let (_, secret) = made.unwrap();
    tx.commit().await.unwrap();
    let mut spec = InstanceSpec::mr(1, 1, 1);
    assert_eq!(send(&door, &secret, &spec).await, StatusCode::OK);
    (spec.rows, spec.columns) = (1, 1);
    for _ in 0..51 {
        spec.rows += 1;
        assert_eq!(send(&door, &secret, &spec).await, StatusCode::CONFLICT);
    }
    let shown = async |path: &str| {
        let body = ada.get(path).await.body;
        let many = body.matches("Close the matter").count();
        let first = body.contains("Back to the first ones");
        (many, first, body.contains("/keeping?after=50#conflicts"))
    };
    assert_eq!(shown("/keeping").await, (50, false, true));
    assert_eq!(shown("/keeping?after=50").await, (1, true, false));
    assert_eq!(shown("/keeping?after=4000000000").await, (0, true, false));
    // What is to be corrected is shown where it stands.
    let last = ada.get("/keeping?after=50").await;
    assert_eq!(last.hidden("after"), "50");
    let close = last.path_after("/keeping/conflicts/");
    let unsaid = [("after", "50"), ("reason", "asked the ward")];
    let unsaid = ada.post(&close, &unsaid).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(unsaid.body.matches("Close the matter").count(), 1);
    for words in [
        "<details class=\"fold card\" open>",
        "value=\"asked the ward\"",
        &close,
    ] {
        assert!(unsaid.body.contains(words), "{words}: {}", unsaid.body);
    }
    let right = [("right", "stored_kept"), ("reason", "asked the ward")];
    let closed = ada.post(&close, &right).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.body);
}
