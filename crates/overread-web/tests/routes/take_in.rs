//! `/cases/{case}/records/take-in`: an exam that another case holds, and the coordinator who opens the whole of it here.

use http::StatusCode;
use overread_model::access::Role;

use super::whose_images::{Way, of, own, sees, send, token};
use crate::door::Door;

#[expect(clippy::too_many_lines, reason = "one way, step by step")]
#[tokio::test]
async fn a_coordinator_takes_an_exam_of_another_case_in_knowing_whose_it_is() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut first = door.join(&mut ada, Role::Patient, "Kim Miller").await;
    let mut patient = door.join(&mut ada, Role::Patient, "Alex Sample").await;
    let mut sam = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let mut coordinator = door.join(&mut ada, Role::Coordinator, "Cora Nator").await;
    let mut cases = Vec::new();
    for (browser, name) in [
        (&mut first, "Kim Miller"),
        (&mut patient, "Alex Sample"),
        (&mut sam, "Sam Stranger"),
    ] {
        let case_id = browser.ask(name).await;
        browser.submit(&case_id).await;
        cases.push(case_id);
    }
    let (holder, case_id) = (&cases[0], &cases[1]);
    let kim = ("Miller^Kim", "19680412", "SAMPLE-9");
    let secret = token(&door, holder).await;
    for instance in [1, 2] {
        send(&door, &secret, holder, Way::Zip, &of(kim, 80, instance)).await;
    }
    let exam = of(kim, 80, 1);
    assert!(sees(&first, &exam).await);
    let secret = token(&door, case_id).await;
    send(&door, &secret, case_id, Way::Zip, &exam).await;

    let records = format!("/cases/{case_id}/records");
    let page = coordinator.get(&records).await;
    for words in [
        "1 of the 2 images of this exam were sent here",
        "Another case holds this exam",
        "does not fit the patient of this case",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let form = format!("{records}/take-in");
    let fields = [
        ("study", exam.study_instance_uid.as_str()),
        ("count", "2"),
        ("reason", "The hospital confirmed it by phone."),
        ("is_patient_known", "true"),
    ];
    let [study, count, reason, known] = fields;
    // Nobody, people of another case, the patient, and who runs the house.
    let answer = door.browser().post(&form, &fields).await;
    assert!(!answer.status.is_success(), "{}", answer.status);
    for browser in [&mut sam, &mut patient, &mut ada] {
        let answer = browser.post(&form, &fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.body);
    }
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    for (fields, status) in [
        ([study, count, reason].as_slice(), refused),
        (&[study, count, ("reason", " "), known], refused),
        (
            &[study, ("count", "1"), reason, known],
            StatusCode::CONFLICT,
        ),
        (
            &[
                ("study", own(81, 1).study_instance_uid.as_str()),
                count,
                reason,
                known,
            ],
            StatusCode::CONFLICT,
        ),
    ] {
        let answer = coordinator.post(&form, fields).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.body);
        assert!(!sees(&patient, &exam).await, "{fields:?}");
    }
    let taken = coordinator.post(&form, &fields).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.body);
    let again = coordinator.post(&form, &fields).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "the second click");
    assert!(sees(&first, &exam).await, "it stays where it was");
    let journey = coordinator.get(&format!("/cases/{case_id}")).await;
    assert!(
        journey
            .body
            .contains("1 of its 2 images had been sent here"),
        "{}",
        journey.body
    );
}
