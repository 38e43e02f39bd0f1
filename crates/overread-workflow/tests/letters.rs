//! A side that was mistyped, corrected, and what becomes of the letters that were written with it.

use overread_model::ids::{CaseId, LetterId};
use overread_workflow::asking::{self, AskStep, Exam};
use overread_workflow::letters::{self, LetterForm, LetterValues};
use overread_workflow::{StepResult, cases};

use crate::house::{House, NOW, assert_invalid, draft_of, steps};

const KIND: &str = "records_request_access";
const RIGHT: &str = "MRI right wrist";
const LEFT: &str = "MRI left wrist";

/// Corrects name and body part of the exam.
async fn correct(house: &House, case_id: &CaseId, name: &str, part: &str) -> StepResult<()> {
    let (ctx, patient) = (&house.ctx, &house.patient);
    let view = asking::view(ctx, patient, case_id, NOW).await?;
    let exam = Exam {
        name: name.to_owned(),
        body_part: part.to_owned(),
        ..view.exam
    };
    let (version, step) = (view.version, AskStep::Exam(exam));
    asking::correct(ctx, patient, case_id, version, step, "The other one.", NOW).await
}

async fn form(house: &House, case_id: &CaseId) -> LetterForm {
    letters::form(&house.ctx, &house.patient, case_id, KIND, "en", NOW)
        .await
        .unwrap()
}

/// What stands in the fields of a letter, with what is missing.
fn filled(form: &LetterForm) -> LetterValues {
    let fields = form.fields.iter();
    let mut values: LetterValues = fields
        .map(|field| (field.key.clone(), field.value.clone()))
        .collect();
    for problem in &form.problems {
        values.insert(problem.field.clone(), "All images".to_owned());
    }
    values
}

/// Saves what is in the form, with the mark of another one where it was opened earlier.
async fn save(house: &House, case_id: &CaseId, form: &LetterForm, mark: &str) -> LetterId {
    let values = filled(form);
    let draft = draft_of(KIND, form.version, mark, &values);
    let saved = letters::save_draft(&house.ctx, &house.patient, case_id, &draft, NOW).await;
    saved.unwrap().0
}

async fn text(house: &House, case_id: &CaseId, letter: &LetterId) -> StepResult<String> {
    letters::text(&house.ctx, &house.patient, case_id, letter, NOW).await
}

/// Locks the draft.
async fn lock(house: &House, case_id: &CaseId, letter: &LetterId) -> StepResult<()> {
    let version = form(house, case_id).await.version;
    let (ctx, patient) = (&house.ctx, &house.patient);
    letters::finalise(ctx, patient, case_id, letter, version, NOW)
        .await
        .map(|_| ())
}

/// A case about the right wrist.
async fn about_the_right(house: &House) -> CaseId {
    let case_id = house.consented().await;
    correct(house, &case_id, RIGHT, "right wrist")
        .await
        .unwrap();
    case_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_names_both_sides_is_not_sent_and_not_corrected_to() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = asking::start(ctx, patient, NOW).await.unwrap();
    for (version, mut step) in (1..).zip(steps()) {
        if let AskStep::Exam(exam) = &mut step {
            (exam.name, exam.body_part) = (RIGHT.to_owned(), "L wrist".to_owned());
        }
        asking::save(ctx, patient, &case_id, version, step, NOW)
            .await
            .unwrap();
    }
    let view = asking::view(ctx, patient, &case_id, NOW).await.unwrap();
    let told: Vec<&str> = view
        .problems
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(view.problems[0].field, "exam.name");
    assert!(
        told[0].contains("says right, the part of the body says left") && !view.can_submit,
        "{told:?}"
    );
    assert_invalid(
        asking::submit(ctx, patient, &case_id, view.version, NOW).await,
        "exam.name",
    );

    let sent = about_the_right(&house).await;
    assert_invalid(
        correct(&house, &sent, RIGHT, "left wrist").await,
        "exam.name",
    );
    correct(&house, &sent, LEFT, "left wrist").await.unwrap();
    let case = cases::journey(ctx, patient, &sent, NOW).await.unwrap();
    assert_eq!(case.row.title, LEFT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_follows_the_correction_and_goes_out_only_when_looked_at() {
    let house = House::sqlite().await;
    let case_id = about_the_right(&house).await;
    let mut first = form(&house, &case_id).await;
    for field in &mut first.fields {
        if field.key == "sender.phone" {
            field.value = "+1 206 555 0111, mornings".to_owned();
        }
    }
    let letter = save(&house, &case_id, &first, &first.facts_mark).await;
    assert!(
        text(&house, &case_id, &letter)
            .await
            .unwrap()
            .contains(RIGHT)
    );

    correct(&house, &case_id, LEFT, "left wrist").await.unwrap();
    assert_invalid(text(&house, &case_id, &letter).await, "");
    assert_invalid(lock(&house, &case_id, &letter).await, "");
    let shown = form(&house, &case_id).await;
    let name = shown.changed.iter().find(|fact| fact.key == "exam.name");
    let name = name.unwrap();
    assert_eq!((name.letter.as_str(), name.case.as_str()), (RIGHT, LEFT));
    assert!(name.follows);
    assert!(!shown.changed.iter().any(|fact| fact.key == "sender.phone"));
    let values = filled(&shown);
    assert_eq!(values["exam.name"], LEFT);
    assert_eq!(values["sender.phone"], "+1 206 555 0111, mornings");
    let list = letters::view(&house.ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(!list.letters[0].changed.is_empty());

    // A form that was opened before the correction and is saved after it: nothing is lost, and nothing goes out.
    let old = LetterForm {
        version: shown.version,
        ..first
    };
    save(&house, &case_id, &old, &old.facts_mark).await;
    assert_invalid(lock(&house, &case_id, &letter).await, "");

    let shown = form(&house, &case_id).await;
    save(&house, &case_id, &shown, &shown.facts_mark).await;
    assert!(form(&house, &case_id).await.changed.is_empty());
    let printed = text(&house, &case_id, &letter).await.unwrap();
    assert!(
        printed.contains(LEFT) && !printed.contains(RIGHT),
        "{printed}"
    );
    lock(&house, &case_id, &letter).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_went_out_with_the_wrong_side_is_told_until_a_right_one_did() {
    let house = House::sqlite().await;
    let (ctx, patient, coordinator) = (&house.ctx, &house.patient, &house.coordinator);
    let case_id = about_the_right(&house).await;
    let send = async || {
        let shown = form(&house, &case_id).await;
        let letter = save(&house, &case_id, &shown, &shown.facts_mark).await;
        lock(&house, &case_id, &letter).await.unwrap();
        letter
    };
    let note = async |letter: &LetterId, later: i64| {
        letters::sent(ctx, patient, &case_id, letter, "post", NOW.plus_days(later))
            .await
            .unwrap();
    };
    let astray = async || {
        let case = cases::journey(ctx, coordinator, &case_id, NOW)
            .await
            .unwrap();
        case.letters_astray
    };
    let letter = send().await;
    note(&letter, 0).await;
    assert!(astray().await.is_empty());
    correct(&house, &case_id, LEFT, "left wrist").await.unwrap();
    let told = astray().await;
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains(RIGHT) && told[0].contains(LEFT),
        "{told:?}"
    );
    let list = letters::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert!(
        list.letters[0]
            .changed
            .iter()
            .any(|fact| fact.key == "exam.name")
    );
    let right = send().await;
    note(&right, 1).await;
    assert!(astray().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_letter_to_one_hospital_leaves_the_wrong_one_to_another_told() {
    let house = House::sqlite().await;
    let (ctx, patient, coordinator) = (&house.ctx, &house.patient, &house.coordinator);
    let case_id = about_the_right(&house).await;
    let send = async |recipient: &str, later: i64| {
        let mut shown = form(&house, &case_id).await;
        for field in &mut shown.fields {
            if field.key == "recipient.name" {
                recipient.clone_into(&mut field.value);
            }
        }
        let letter = save(&house, &case_id, &shown, &shown.facts_mark).await;
        lock(&house, &case_id, &letter).await.unwrap();
        letters::sent(
            ctx,
            patient,
            &case_id,
            &letter,
            "post",
            NOW.plus_days(later),
        )
        .await
        .unwrap();
    };
    let astray = async || {
        let case = cases::journey(ctx, coordinator, &case_id, NOW).await;
        case.unwrap().letters_astray
    };
    send("North Hospital", 0).await;
    correct(&house, &case_id, LEFT, "left wrist").await.unwrap();
    send("South Clinic", 1).await;
    let told = astray().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("North Hospital"), "{told:?}");
    send("NORTH  hospital", 2).await;
    assert!(astray().await.is_empty());
}
