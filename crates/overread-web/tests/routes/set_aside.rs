//! `/cases/{case}/records/set-aside`: images that contradict what is stored, and who closes the matter.

use http::StatusCode;
use overread_model::access::Role;
use overread_store::audit;

use super::whose_images::{Way, of, own, sees, send, token};
use crate::door::Door;

#[expect(clippy::too_many_lines, reason = "one way, step by step")]
#[tokio::test]
async fn a_coordinator_sees_what_is_set_aside_and_closes_the_matter() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Alex Sample").await;
    let mut sam = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let mut coordinator = door.join(&mut ada, Role::Coordinator, "Cora Nator").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let case_id = patient.ask("Alex Sample").await;
    patient.submit(&case_id).await;
    let secret = token(&door, &case_id).await;
    let stored = own(60, 1);
    send(&door, &secret, &case_id, Way::Zip, &stored).await;
    let other_bytes = own(60, 1).with_modality("CT");
    send(&door, &secret, &case_id, Way::Zip, &other_bytes).await;
    let stranger = of(("Miller^Kim", "19800101", "SAMPLE-9"), 60, 2);
    send(&door, &secret, &case_id, Way::Stow, &stranger).await;

    let records = format!("/cases/{case_id}/records");
    let page = coordinator.get(&records).await;
    for words in [
        "2 images are set aside",
        "but what is in them differs",
        "name another patient than it does",
        "Kim Miller",
        "<code>IMG1</code>",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let file = page.path_after(&format!("{records}/set-aside/"));
    let saved = coordinator.get(&file).await;
    assert_eq!(saved.status, StatusCode::OK);
    assert!(saved.body.contains("DICM"));

    let theirs = patient.get(&records).await;
    assert!(!theirs.body.contains("set aside</h2>") && !theirs.body.contains("Miller"));
    let form = format!("{records}/set-aside");
    let fields = |why: &'static str, count: &'static str, reason: &'static str| {
        let study = stored.study_instance_uid.clone();
        move || {
            [
                ("study", study.clone()),
                ("why", why.to_owned()),
                ("count", count.to_owned()),
                ("right", "stored_kept".to_owned()),
                ("reason", reason.to_owned()),
            ]
        }
    };
    let bytes = fields("bytes", "1", "The clinic sent a copy with other marks.")();
    let bytes = bytes
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));

    // Nobody, others of the case, and people of another case.
    let mut nobody = door.browser();
    assert_eq!(
        nobody.get(&file).await.leads_to(),
        format!("/sign-in?next={file}")
    );
    let answer = nobody.post(&form, &bytes).await;
    assert!(!answer.status.is_success(), "{}", answer.status);
    assert_eq!(patient.get(&file).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        patient.post(&form, &bytes).await.status,
        StatusCode::FORBIDDEN
    );
    sam.ask("Sam Stranger").await;
    assert_eq!(sam.get(&file).await.status, StatusCode::NOT_FOUND);
    assert_eq!(sam.post(&form, &bytes).await.status, StatusCode::NOT_FOUND);
    // Ada acts as an administrator, who runs the house and reads no case.
    for stranger in [&mut reviewer, &mut ada] {
        assert_eq!(stranger.get(&file).await.status, StatusCode::NOT_FOUND);
        let answer = stranger.post(&form, &bytes).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.body);
        let unsaid = stranger.post(&form, &[("reason", "")]).await;
        assert_eq!(unsaid.status, StatusCode::NOT_FOUND, "{}", unsaid.body);
    }
    let unsaid = patient.post(&form, &[]).await;
    assert_eq!(unsaid.status, StatusCode::FORBIDDEN, "{}", unsaid.body);

    // Without a reason, and for another number of images than the page showed, nothing is closed.
    for (why, count, reason, status) in [
        ("bytes", "1", " ", StatusCode::UNPROCESSABLE_ENTITY),
        ("bytes", "2", "A copy.", StatusCode::CONFLICT),
    ] {
        let fields = fields(why, count, reason)();
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let answer = coordinator.post(&form, &fields).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let closed = coordinator.post(&form, &bytes).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.body);
    let page = coordinator.get(&records).await;
    assert!(page.body.contains("1 image is set aside"), "{}", page.body);
    assert!(!page.body.contains("but what is in them differs"));
    assert_eq!(
        coordinator.post(&form, &bytes).await.status,
        StatusCode::CONFLICT
    );
    let journey = coordinator.get(&format!("/cases/{case_id}")).await;
    assert!(
        journey
            .body
            .contains("closed the matter of 1 image set aside")
    );
    assert!(journey.body.contains("a copy with other marks"));
    // What is stored is as it was, and the same bytes sent again open nothing anew.
    assert!(sees(&patient, &stored).await);
    send(&door, &secret, &case_id, Way::Zip, &other_bytes).await;
    let page = coordinator.get(&records).await;
    assert!(page.body.contains("1 image is set aside"), "{}", page.body);
    // The other image is right: nothing can take the place of an original, so that is put on record alone.
    let unsaid = [
        ("study", stranger.study_instance_uid.as_str()),
        ("why", "patient"),
        ("count", "1"),
        ("reason", "The hospital mixed the discs up."),
    ];
    let answer = coordinator.post(&form, &unsaid).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let newer = [unsaid.as_slice(), &[("right", "newer_is_right")]].concat();
    let answer = coordinator.post(&form, &newer).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let page = coordinator.get(&records).await;
    assert!(!page.body.contains("set aside</h2>"), "{}", page.body);
    assert!(sees(&patient, &stored).await);
    let journey = coordinator.get(&format!("/cases/{case_id}")).await;
    for words in [
        "what was set aside (1 image) is right and not what is stored",
        "for a new case, with identifiers of its own",
        "an image set aside",
    ] {
        assert!(journey.body.contains(words), "{words}: {}", journey.body);
    }
    let mut tx = door.workflow.store.read().await.unwrap();
    let rows = audit::list_of_case(&mut tx, &case_id).await.unwrap();
    let closed = rows.iter().filter(|row| row.event == "aside.closed");
    assert_eq!(
        closed.map(|row| row.detail.as_deref()).collect::<Vec<_>>(),
        [
            Some(r#"{"verdict":"stored_kept"}"#),
            Some(r#"{"verdict":"newer_is_right"}"#)
        ]
    );
}
