//! What stays hidden from whoever reads a case until the first impression is locked.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_model::verdict::Verdict;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;
use overread_workflow::asking::{self, AskStep, Why};
use overread_workflow::reading::{self, OriginalFacts, OriginalInput, ViewerSeries};
use overread_workflow::{cases, choosing, letters, records, reporting};

use crate::house::{
    House, NOW, ORIGINAL, acceptance, assert_forbidden, assert_invalid, assert_not_found, disc,
    draft_of, steps,
};

/// The same person in another role.
pub(crate) fn also(actor: &Actor, role: Role) -> Actor {
    let Actor::Person { person_id, .. } = actor else {
        panic!("a person is expected");
    };
    Actor::Person {
        person_id: person_id.clone(),
        role,
    }
}

/// A disc with images, a presentation state and a structured report of whoever read first, their paper and a photograph.
fn disc_with_first_reading() -> Vec<DiscFile> {
    let mut files = disc("Sample^Alex", 1);
    let of_class = |series, class: &str, modality: &str| {
        let mut spec = InstanceSpec::mr(1, series, 1)
            .with(tags::PATIENT_NAME, VR::PN, "Sample^Alex")
            .with(tags::MODALITY, VR::CS, modality);
        spec.sop_class_uid = class.to_owned();
        spec.part10().unwrap()
    };
    let marks = of_class(2, "1.2.840.10008.5.1.4.1.1.11.1", "MR");
    let report = of_class(3, "1.2.840.10008.5.1.4.1.1.88.11", "SR");
    let named = InstanceSpec::mr(1, 4, 1)
        .with(tags::PATIENT_NAME, VR::PN, "Sample^Alex")
        .with(tags::SERIES_DESCRIPTION, VR::LO, "T2 protrusion right");
    files.push(DiscFile::new("DICOM/MR0401", named.part10().unwrap()));
    files.push(DiscFile::new("DICOM/PR0001", marks));
    files.push(DiscFile::new("DICOM/SR0001", report));
    files.push(DiscFile::new("REPORT.TXT", ORIGINAL));
    let photograph = [&b"\xff\xd8\xff\xe0"[..], &[7; 5000]].concat();
    files.push(DiscFile::new("PHOTO.JPG", photograph));
    files
}

/// -> in_review, with everything that could tell of the first reading
async fn in_review(house: &House, files: &[DiscFile]) -> CaseId {
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.consented().await;
    house.deliver(&case_id, files).await;
    let pasted = OriginalInput::Pasted(ORIGINAL.to_owned());
    let facts = OriginalFacts::default();
    reading::enter_original(ctx, patient, &case_id, pasted, &facts, NOW)
        .await
        .unwrap();
    let why = steps().into_iter().find_map(|step| match step {
        AskStep::Why(why) => Some(why),
        _ => None,
    });
    let told = AskStep::Why(Why {
        diagnosis: "Protrusion on the right".to_owned(),
        reason: "The report speaks of the right side.".to_owned(),
        question: String::new(),
        ..why.unwrap()
    });
    let version = house.version(patient, &case_id).await;
    asking::correct(ctx, patient, &case_id, version, told, "Told late.", NOW)
        .await
        .unwrap();
    house.accept_records(&case_id).await;
    house.offer(&case_id).await;
    case_id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_reading_opens_to_its_second_reader_by_the_lock_alone() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = in_review(&house, &disc_with_first_reading()).await;
    let papers: Vec<_> = records::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap()
        .documents;
    assert_eq!(papers.len(), 2, "the paper and the photograph");
    let offer = choosing::offer(ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((offer.study_count, offer.instance_count), (1, 6));
    choosing::accept(
        ctx,
        &house.reviewer,
        &case_id,
        offer.version,
        &acceptance(),
        NOW,
    )
    .await
    .unwrap();

    let second_hat = also(&house.reviewer, Role::Coordinator);
    for reader in [&house.reviewer, &second_hat] {
        let role = reader.role();
        let view = reading::original(ctx, reader, &case_id, NOW).await.unwrap();
        assert!(view.report.is_none() && view.locked_away, "{role:?}");
        assert!(!view.may_enter && view.candidates.is_empty(), "{role:?}");
        let view = records::view(ctx, reader, &case_id, NOW).await.unwrap();
        assert!(view.documents.is_empty() && view.deliveries.is_empty());
        let study = &view.studies[0];
        assert_eq!(
            (study.series_count, study.instance_count),
            (2, 6),
            "{role:?}"
        );
        assert_eq!(study.modalities, ["MR"], "{role:?}");
        for paper in &papers {
            let opened = records::document(ctx, reader, &case_id, &paper.document_id, NOW).await;
            assert_not_found(opened);
        }
        let data = reading::viewer(ctx, reader, &case_id, NOW).await.unwrap();
        let series = &data.studies[0].series;
        assert_eq!(series.len(), 2, "{role:?}");
        assert!(series.iter().all(|s| !s.description.contains("protrusion")));
        assert_not_found(asking::answers(ctx, reader, &case_id, NOW).await);
        let lines = cases::journey(ctx, reader, &case_id, NOW)
            .await
            .unwrap()
            .timeline;
        assert!(lines.iter().all(|line| !line.note.contains("right")));
    }
    let pasted = OriginalInput::Pasted(ORIGINAL.to_owned());
    let facts = OriginalFacts::default();
    assert_forbidden(
        reading::enter_original(ctx, &second_hat, &case_id, pasted, &facts, NOW).await,
    );
    assert!(!suggested(&house, &case_id).await.contains("right"));
    // Who does not read the case is kept from nothing.
    let other = reading::original(ctx, &house.coordinator, &case_id, NOW).await;
    assert!(other.unwrap().report.is_some());
    let data = reading::viewer(ctx, &house.coordinator, &case_id, NOW).await;
    assert_eq!(data.unwrap().studies[0].series.len(), 4);

    reading::lock_first_impression(ctx, &house.reviewer, &case_id, "Torn disc, left.", NOW)
        .await
        .unwrap();
    for reader in [&house.reviewer, &second_hat] {
        let view = reading::original(ctx, reader, &case_id, NOW).await.unwrap();
        assert!(view.report.is_some());
        let view = records::view(ctx, reader, &case_id, NOW).await.unwrap();
        assert_eq!((view.documents.len(), view.studies[0].series_count), (2, 4));
    }
    for reader in [&house.reviewer, &second_hat] {
        let data = reading::viewer(ctx, reader, &case_id, NOW).await;
        let data = data.unwrap();
        let series = &data.studies[0].series;
        assert_eq!(series.len(), 4);
        let told = |s: &ViewerSeries| s.description == "T2 protrusion right";
        assert!(series.iter().any(told), "the lock opens the name");
    }
    let suggested = suggested(&house, &case_id).await;
    assert!(suggested.contains("Protrusion on the right"));
    assert!(suggested.contains("speaks of the right side"));
}

/// Who knew the first reading may have named the exam after it.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_an_exam_tells_its_second_reader_nothing() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let mut files = disc("Sample^Alex", 1);
    let named = InstanceSpec::mr(2, 1, 1)
        .with(tags::PATIENT_NAME, VR::PN, "Sample^Alex")
        .with(tags::PATIENT_BIRTH_DATE, VR::DA, "19700302")
        .with(tags::STUDY_DESCRIPTION, VR::LO, "Lumbar protrusion right");
    files.push(DiscFile::new("DICOM/NAMED", named.part10().unwrap()));
    let case_id = in_review(&house, &files).await;
    let offer = choosing::offer(ctx, reviewer, &case_id, NOW).await.unwrap();
    let (form, version) = (acceptance(), offer.version);
    choosing::accept(ctx, reviewer, &case_id, version, &form, NOW)
        .await
        .unwrap();

    let second_hat = also(reviewer, Role::Coordinator);
    let told_by = async |actor: &Actor| {
        let view = records::view(ctx, actor, &case_id, NOW).await.unwrap();
        assert_eq!(view.studies.len(), 2);
        let mut told: Vec<String> = view.studies.into_iter().map(|s| s.description).collect();
        let data = reading::viewer(ctx, actor, &case_id, NOW).await.unwrap();
        told.extend(data.studies.into_iter().map(|study| study.description));
        for finding in view.check.unwrap().findings {
            told.extend([finding.subject, finding.message]);
        }
        told.join("\n")
    };
    for reader in [reviewer, &second_hat] {
        let told = told_by(reader).await;
        assert!(!told.contains("protrusion"), "{:?} {told}", reader.role());
        assert!(told.contains("LUMBAR"), "others keep their names: {told}");
    }
    assert!(!suggested(&house, &case_id).await.contains("protrusion"));
    let side = asking::other_side(ctx, &second_hat, &case_id, NOW).await;
    assert_eq!(side.unwrap(), None);
    let told = told_by(&house.coordinator).await;
    assert!(told.matches("protrusion").count() > 2, "{told}");

    reading::lock_first_impression(ctx, reviewer, &case_id, "Torn disc, left.", NOW)
        .await
        .unwrap();
    assert!(suggested(&house, &case_id).await.contains("protrusion"));
    for reader in [reviewer, &second_hat] {
        assert!(told_by(reader).await.contains("protrusion"));
    }
}

/// What was set aside lies as it came, with everything an image can carry of the first reading.
#[tokio::test(flavor = "multi_thread")]
async fn images_set_aside_open_to_their_second_reader_by_the_lock_alone() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    let other = InstanceSpec::mr(1, 1, 1)
        .with(tags::PATIENT_NAME, VR::PN, "Sample^Alex")
        .with(tags::PATIENT_BIRTH_DATE, VR::DA, "19700302")
        .with(tags::IMAGE_COMMENTS, VR::LT, "Protrusion right");
    let files = [DiscFile::new("IM1", other.part10().unwrap())];
    house.deliver(&case_id, &files).await;
    let groups = async |actor: &Actor| {
        let view = records::view(ctx, actor, &case_id, NOW).await.unwrap();
        view.set_aside
    };
    let seen = groups(&house.coordinator).await.remove(0);
    let id = &seen.images[0].id;
    let closing = records::Closing {
        study: &seen.study_instance_uid,
        names_another_patient: seen.names_another_patient,
        count: 1,
        verdict: Some(Verdict::StoredKept),
        reason: "The clinic sent a copy with marks.",
    };
    let second_hat = also(reviewer, Role::Coordinator);
    assert!(groups(&second_hat).await.is_empty());
    assert_not_found(records::set_aside_file(ctx, &second_hat, &case_id, id, NOW).await);
    assert_not_found(records::close_aside(ctx, &second_hat, &case_id, &closing, NOW).await);
    assert_forbidden(records::set_aside_file(ctx, reviewer, &case_id, id, NOW).await);
    // Who does not read the case is kept from nothing.
    let file = records::set_aside_file(ctx, &house.coordinator, &case_id, id, NOW).await;
    assert!(!file.unwrap().is_empty());

    reading::lock_first_impression(ctx, reviewer, &case_id, "Torn disc, left.", NOW)
        .await
        .unwrap();
    assert_eq!(groups(&second_hat).await.len(), 1);
    let file = records::set_aside_file(ctx, &second_hat, &case_id, id, NOW).await;
    assert!(!file.unwrap().is_empty());
    records::close_aside(ctx, &second_hat, &case_id, &closing, NOW)
        .await
        .unwrap();
}

/// A letter may print what the first report says.
#[tokio::test(flavor = "multi_thread")]
async fn letters_open_to_the_second_reader_by_the_lock_alone() {
    let house = House::sqlite().await;
    let (ctx, patient, reviewer) = (&house.ctx, &house.patient, &house.reviewer);
    let case_id = house.in_review().await;
    let kind = "records_request_access";
    let form = letters::form(ctx, patient, &case_id, kind, "en", NOW)
        .await
        .unwrap();
    let fields = form.fields.into_iter();
    let mark = form.facts_mark.clone();
    let mut values: letters::LetterValues = fields.map(|field| (field.key, field.value)).collect();
    for problem in form.problems {
        values.insert(problem.field, "All images and the report".to_owned());
    }
    let (letter, version) = letters::save_draft(
        ctx,
        patient,
        &case_id,
        &draft_of(kind, 0, &mark, &values),
        NOW,
    )
    .await
    .unwrap();
    let paper = letters::finalise(ctx, patient, &case_id, &letter, version, NOW)
        .await
        .unwrap();
    let second_hat = also(reviewer, Role::Coordinator);
    for reader in [reviewer, &second_hat] {
        assert_not_found(letters::text(ctx, reader, &case_id, &letter, NOW).await);
        assert_not_found(letters::pdf(ctx, reader, &case_id, &letter, NOW).await);
        assert_not_found(records::document(ctx, reader, &case_id, &paper, NOW).await);
    }
    assert_not_found(letters::form(ctx, &second_hat, &case_id, kind, "en", NOW).await);
    reading::lock_first_impression(ctx, reviewer, &case_id, "Torn disc, left.", NOW)
        .await
        .unwrap();
    for reader in [reviewer, &second_hat] {
        letters::text(ctx, reader, &case_id, &letter, NOW)
            .await
            .unwrap();
        records::document(ctx, reader, &case_id, &paper, NOW)
            .await
            .unwrap();
    }
    letters::form(ctx, &second_hat, &case_id, kind, "en", NOW)
        .await
        .unwrap();
}

async fn suggested(house: &House, case_id: &CaseId) -> String {
    let desk = reporting::desk(&house.ctx, &house.reviewer, case_id, NOW)
        .await
        .unwrap();
    let texts = desk.sections.into_iter().map(|field| field.suggested);
    texts.collect::<Vec<_>>().join("\n")
}

/// Gives the reviewer a second role in which they open what tells of the first reading.
async fn looks_into(house: &House, case_id: &CaseId) {
    let second_hat = also(&house.reviewer, Role::Coordinator);
    let view = reading::original(&house.ctx, &second_hat, case_id, NOW).await;
    assert!(view.unwrap().report.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_opened_the_original_report_is_not_chosen() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.matching().await;
    looks_into(&house, &case_id).await;
    let view = choosing::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    let rosa = &view.radiologists[0];
    assert!(
        rosa.excluded_because
            .iter()
            .any(|reason| reason.contains("would not be blind")),
        "{:?}",
        rosa.excluded_because
    );
    let choice = choosing::choose(
        ctx,
        &house.coordinator,
        &case_id,
        view.version,
        &house.reviewer_id,
        NOW,
    );
    assert_invalid(choice.await, "reviewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_the_original_report_by_now_does_not_accept() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.offered().await;
    // As when the page was opened while somebody else made the choice.
    let mut tx = ctx.store.begin().await.unwrap();
    overread_store::timeline::note_read(&mut tx, &house.reviewer, &case_id, "original report", NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let offer = choosing::offer(ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    let version = offer.version;
    let taken = choosing::accept(ctx, &house.reviewer, &case_id, version, &acceptance(), NOW).await;
    assert_invalid(taken, "");
    let reason = "I have seen the first report.";
    choosing::decline(ctx, &house.reviewer, &case_id, version, reason, NOW)
        .await
        .unwrap();
}

/// What the reviewer reads before the lock is shown to who may still have it corrected.
#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_sees_what_the_second_reader_reads_first() {
    let house = House::sqlite().await;
    let case_id = house.matching().await;
    let why = steps().into_iter().find_map(|step| match step {
        AskStep::Why(why) => Some(why),
        _ => None,
    });
    let why = why.unwrap();
    let of = async |actor: &Actor| {
        let view = choosing::view(&house.ctx, actor, &case_id, NOW).await;
        view.unwrap().read_before_lock
    };
    let told = of(&house.coordinator).await;
    for text in [&why.question, &why.symptoms] {
        assert_eq!(told.contains(text), !text.is_empty(), "{told:?}");
    }
    assert!(!told.is_empty());
    for hidden in [&why.diagnosis, &why.reason] {
        assert!(hidden.is_empty() || !told.contains(hidden));
    }
    assert!(of(&house.patient).await.is_empty());
}
