//! `/cases` and `/cases/{case}/ask/…`.

use http::StatusCode;
use overread_model::access::Role;
use overread_model::time::Timestamp;
use overread_store::checks;
use overread_store::studies::{StudyKey, link_to_case};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;

use crate::door::{Browser, Door};

#[tokio::test]
async fn a_reviewer_does_not_ask() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    assert_eq!(
        reviewer.post("/cases", &[]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_red_flag_ends_it_with_whom_to_call() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let path = format!("/cases/{case_id}/ask/urgency");
    let version = patient.get(&path).await.hidden("version");
    let answer = patient
        .post(&path, &[("version", &version), ("red_flags", "rf_cauda")])
        .await;
    assert_eq!(answer.leads_to(), "/emergency");
}

#[tokio::test]
async fn an_old_tab_does_not_overwrite() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let path = format!("/cases/{case_id}/ask/who");
    let answer = patient
        .post(&path, &[("version", "0"), ("patient_name", "Other")])
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert!(patient.get(&path).await.body.contains("Pat Patient"));
}

#[tokio::test]
async fn what_is_missing_is_said_beside_its_field() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let start = patient.post("/cases", &[]).await;
    let path = start.leads_to().to_owned();
    let version = patient.get(&path).await.hidden("version");
    let answer = patient
        .post(&path, &[("version", &version), ("requester", "patient")])
        .await;
    assert!(
        answer.leads_to().contains("check=true"),
        "{}",
        answer.leads_to()
    );
    let shown = patient
        .get(answer.leads_to().split('#').next().unwrap())
        .await;
    assert!(
        shown.body.contains("Please look at this first")
            && shown.body.contains("aria-invalid=\"true\"")
    );
}

#[tokio::test]
async fn a_sent_request_is_text_with_a_way_to_correct_it() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let base = format!("/cases/{case_id}/ask");
    let early = patient.get(&format!("{base}/answers")).await;
    assert!(early.leads_to().ends_with("/ask/who"));
    let early = patient.get(&format!("{base}/who/correct")).await;
    assert!(early.leads_to().ends_with("/ask/answers"));
    patient.submit(&case_id).await;
    for screen in ["who", "review"] {
        let page = patient.get(&format!("{base}/{screen}")).await;
        assert!(page.leads_to().ends_with("/ask/answers"), "{screen}");
    }
    let shown = patient.get(&format!("{base}/answers")).await;
    assert!(!shown.body.contains("<input type=\"text\""));
    for text in [
        "April 12, 1968",
        "MRI",
        "Bay Imaging Center",
        "Dr. Treat",
        "/ask/exam/correct",
    ] {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    let correct = format!("{base}/exam/correct");
    let form = patient.get(&correct).await;
    let version = form.hidden("version");
    let mut fields = vec![
        ("version", version.as_str()),
        ("modality", "MR"),
        ("name", "MRI lumbar spine without contrast"),
        ("body_part", "lumbar spine"),
        ("date", "2026-02-12"),
        ("facility", "Harbour & Sons"),
        ("facility_address", "1 Bay Road"),
    ];
    let bare = patient.post(&correct, &fields).await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        bare.body.contains("href=\"#correction_reason\"")
            && bare.body.contains("Harbour &#38; Sons"),
        "{}",
        bare.body
    );
    fields.push(("correction_reason", "The disc gives another day."));
    let done = patient.post(&correct, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let shown = patient.get(&format!("{base}/answers")).await;
    assert!(shown.body.contains("February 12, 2026"));
    let case = patient.get(&format!("/cases/{case_id}")).await;
    assert!(case.body.contains("The disc gives another day."));
    ada.act_as(Role::Coordinator).await;
    let desk = ada.get(&format!("{base}/who/correct")).await;
    assert!(desk.body.contains("Save the correction") && !desk.body.contains("name=\"requester\""));
    let stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    for tail in ["answers", "who/correct"] {
        let hidden = stranger.get(&format!("{base}/{tail}")).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{tail}");
    }
}

#[tokio::test]
async fn who_asks_finds_their_name_and_address_and_a_coordinator_says_for_whom() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut doctor = door
        .join(&mut ada, Role::ReferringPhysician, "Dora Doctor")
        .await;
    let start = doctor.post("/cases", &[]).await;
    let who = start.leads_to().to_owned();
    let page = doctor.get(&who).await;
    assert!(page.body.contains("value=\"Dora Doctor\""), "{}", page.body);
    assert!(page.body.contains("For my patient: I am the doctor"));
    // Whose images they are is never guessed from who is signed in.
    let patient = page.body.split("name=\"patient_name\" value=\"").nth(1);
    assert!(patient.unwrap().starts_with('"'), "{}", page.body);
    let page = doctor.get(&who.replace("/who", "/contact")).await;
    assert!(
        page.body.contains("value=\"dora@example.org\""),
        "{}",
        page.body
    );

    ada.act_as(Role::Coordinator).await;
    let start = ada.post("/cases", &[]).await;
    let who = start.leads_to().to_owned();
    let page = ada.get(&who).await;
    for words in [
        "Who asks",
        "A doctor, for a patient",
        "Name of the person who asks",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let own = ["For me", "I am the doctor", "value=\"Ada Administrator\""];
    for words in own {
        assert!(!page.body.contains(words), "{words}: {}", page.body);
    }
    let page = ada.get(&who.replace("/who", "/contact")).await;
    assert!(!page.body.contains("ada@example.org"), "{}", page.body);
    let page = ada.get(&who.replace("/who", "/exam")).await;
    assert!(page.body.contains("id=\"name\""), "{}", page.body);
}

/// A disc of the left wrist of this patient.
fn left_wrist() -> DiscFile {
    let image = InstanceSpec::mr(1, 1, 1)
        .of_person("Patient^Pat", "19680412", "PAT-1")
        .of_exam("MRI LEFT WRIST", "WRIST");
    DiscFile::new("IM1", image.part10().unwrap())
}

#[tokio::test]
async fn the_side_is_asked_where_the_images_name_another() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let told = "The request is about the right wrist, the images say left";
    let ask_about_the_right = async |patient: &mut Browser<'_>| {
        let case_id = patient.ask("Pat Patient").await;
        let base = format!("/cases/{case_id}/ask");
        let exam = [
            ("modality", "MR"),
            ("name", "MRI right wrist"),
            ("body_part", "right wrist"),
            ("date", "2026-02-10"),
            ("facility", "Bay Imaging Center"),
        ];
        patient.step(&base, "exam", &exam).await;
        case_id
    };
    let sent = ask_about_the_right(&mut patient).await;
    let review = patient.get(&format!("/cases/{sent}/ask/review")).await;
    assert!(!review.body.contains("Which side is it?"));
    patient.submit(&sent).await;
    patient.upload(&sent, &[left_wrist()]).await;
    let answers = patient.get(&format!("/cases/{sent}/ask/answers")).await;
    assert!(answers.body.contains(told), "{}", answers.body);

    // A request about images that are there already.
    let draft = ask_about_the_right(&mut patient).await;
    let mut tx = door.workflow.store.begin().await.unwrap();
    let studies = checks::studies(&mut tx, &sent).await.unwrap();
    let now = Timestamp::from_micros(0);
    link_to_case(&mut tx, StudyKey(studies[0].id), &draft, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let review = patient.get(&format!("/cases/{draft}/ask/review")).await;
    assert!(review.body.contains(told), "{}", review.body);
}

#[tokio::test]
async fn a_letter_with_the_wrong_side_is_shown_beside_what_it_should_say() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let correct = format!("/cases/{case_id}/ask/exam/correct");
    let about = async |patient: &mut Browser<'_>, name: &str, part: &str| {
        let version = patient.get(&correct).await.hidden("version");
        let fields = [
            ("version", version.as_str()),
            ("modality", "MR"),
            ("name", name),
            ("body_part", part),
            ("date", "2026-02-10"),
            ("facility", "Bay Imaging Center"),
            ("correction_reason", "It was the other one."),
        ];
        patient.post(&correct, &fields).await
    };
    let right = about(&mut patient, "MRI right wrist", "right wrist").await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.body);
    let letter = format!("/cases/{case_id}/letters/second_opinion_request?language=en");
    let form = patient.get(&letter).await;
    let (version, mark) = (form.hidden("version"), form.hidden("facts_mark"));
    let fields = [
        ("version", version.as_str()),
        ("language", "en"),
        ("facts_mark", &mark),
        ("field.exam.name", "MRI right wrist"),
        ("field.exam.body_part_label", "right wrist"),
    ];
    let saved = patient.post(&letter, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    const TOLD: &str = "The request was corrected after this letter was saved";
    let form = patient.get(&letter).await;
    assert!(!form.body.contains(TOLD), "{}", form.body);

    let both = about(&mut patient, "MRI right wrist", "left wrist").await;
    assert_eq!(both.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        both.body.contains("href=\"#name\"") && both.body.contains("Which side was scanned?"),
        "{}",
        both.body
    );
    about(&mut patient, "MRI left wrist", "left wrist").await;
    let form = patient.get(&letter).await;
    assert!(
        form.body.contains(TOLD) && form.body.contains("value=\"MRI left wrist\""),
        "{}",
        form.body
    );
    assert!(!form.body.contains("/finalise"), "{}", form.body);
    let list = patient.get(&format!("/cases/{case_id}/letters")).await;
    assert!(list.body.contains("open it and read it"), "{}", list.body);
}

#[tokio::test]
async fn the_last_page_asks_about_a_complaint_elsewhere_and_tells_the_day_of_the_operation() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let base = format!("/cases/{case_id}/ask");
    let review = format!("{base}/review");
    const ASKED: &str = "Is it the scan that you mean?";
    let page = patient.get(&review).await;
    assert!(page.body.contains("No day given") && !page.body.contains(ASKED));
    let exam = [
        ("modality", "MR"),
        ("name", "MRI right wrist"),
        ("body_part", "right wrist"),
        ("date", "2026-02-10"),
        ("facility", "Bay Imaging Center"),
    ];
    patient.step(&base, "exam", &exam).await;
    let question = [
        ("symptoms", "Pain in the left wrist"),
        ("question", "Is it broken?"),
    ];
    patient.step(&base, "question", &question).await;
    let page = patient.get(&review).await;
    let told = "The scan is of the right wrist, what is felt is told of the left wrist";
    assert!(
        page.body.contains(ASKED) && page.body.contains(told),
        "{}",
        page.body
    );
    patient.submit(&case_id).await;
    let answers = patient.get(&format!("{base}/answers")).await;
    assert!(answers.body.contains(told), "{}", answers.body);
}

#[tokio::test]
async fn answers_that_name_the_side_are_corrected_together_with_the_scan() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let base = format!("/cases/{case_id}/ask");
    let exam = [
        ("modality", "MR"),
        ("name", "MRI right wrist"),
        ("body_part", "wrist"),
        ("date", "2026-02-10"),
        ("facility", "Bay Imaging Center"),
    ];
    patient.step(&base, "exam", &exam).await;
    let question = [
        ("symptoms", "Pain when turning a key"),
        ("question", "Is it broken?"),
        ("diagnosis", "Ligament tear, right wrist"),
    ];
    patient.step(&base, "question", &question).await;
    let page = patient.get(&format!("{base}/review")).await;
    for shown in ["Diagnosis as told", "Ligament tear, right wrist"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let told = "names the right side, and the scan is of the left wrist";
    assert!(!page.body.contains(told), "{}", page.body);
    patient.submit(&case_id).await;
    let path = format!("{base}/exam/correct");
    let form = patient.get(&path).await;
    assert!(
        form.body.contains("name=\"diagnosis\"") && !form.body.contains("name=\"symptoms\""),
        "{}",
        form.body
    );
    let mut typed = exam.to_vec();
    typed[1].1 = "MRI left wrist";
    typed.push(("correction_reason", "It was the left one."));
    let version = form.hidden("version");
    typed.push(("version", version.as_str()));
    let done = patient.post(&path, &typed).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let answers = patient.get(&format!("{base}/answers")).await;
    assert!(answers.body.contains(told), "{}", answers.body);
    // The next correction has both in one step.
    let version = patient.get(&path).await.hidden("version");
    typed.retain(|field| field.0 != "version");
    typed.push(("version", version.as_str()));
    typed[1].1 = "MRI of the left wrist";
    typed.push(("diagnosis", "Ligament tear, left wrist"));
    let done = patient.post(&path, &typed).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let answers = patient.get(&format!("{base}/answers")).await;
    assert!(!answers.body.contains(told), "{}", answers.body);
    assert!(answers.body.contains("Ligament tear, left wrist"));
}
