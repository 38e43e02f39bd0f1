//! No number tells who reads a case before the lock that there are reports among the images.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_store::checks;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;
use overread_workflow::{reading, records};

use crate::blind::also;
use crate::house::{House, NOW};

/// Everything that the page of records tells of the exams themselves, in words.
async fn told_of_exams(house: &House, actor: &Actor, case_id: &CaseId) -> Vec<String> {
    let view = records::view(&house.ctx, actor, case_id, NOW).await;
    let view = view.unwrap();
    let check = view.check.unwrap();
    let mut told = vec![
        format!("{} held back", view.quarantine_count),
        format!("ready: {}", check.ready),
    ];
    told.extend(view.studies.iter().map(|study| {
        let images = study.instance_count - study.other_count;
        let (series, others) = (study.series_count, study.other_count);
        let modalities = study.modalities.join(" ");
        format!("{series} series, {images} images, {others} others, {modalities}")
    }));
    let findings = check.findings.into_iter();
    told.extend(findings.map(|row| format!("{}: {}", row.subject, row.message)));
    told.extend(check.missing);
    told.extend(check.patients);
    let data = reading::viewer(&house.ctx, actor, case_id, NOW).await;
    for study in data.unwrap().studies {
        let series = study.series.into_iter();
        told.extend(series.map(|one| format!("{} of {}", one.instances, one.modality)));
    }
    told
}

/// Objects of whoever read first: five in series of their own, one beside the images, and a report of an exam that is held back.
fn objects_of_the_first_reading() -> Vec<DiscFile> {
    let classes = [
        (1, 21, "1.2.840.10008.5.1.4.1.1.88.11", "SR"),
        (1, 22, "1.2.840.10008.5.1.4.1.1.11.1", "PR"),
        (1, 23, "1.2.840.10008.5.1.4.1.1.88.59", "KO"),
        (1, 24, "1.2.840.10008.5.1.4.1.1.66.4", "SEG"),
        (1, 25, "1.2.840.10008.5.1.4.1.1.104.1", "OT"),
        (1, 1, "1.2.840.10008.5.1.4.1.1.88.11", "MR"),
        (9, 1, "1.2.840.10008.5.1.4.1.1.88.11", "SR"),
    ];
    let file = |(study, series, class, modality): (u64, u64, &str, &str)| {
        let (name, birth_date) = match study {
            1 => ("Sample^Alex", "19700302"),
            _ => ("Other^Person", "19510707"),
        };
        let mut spec = InstanceSpec::mr(study, series, 90)
            .with(tags::PATIENT_NAME, VR::PN, name)
            .with(tags::PATIENT_BIRTH_DATE, VR::DA, birth_date)
            .with(tags::MODALITY, VR::CS, modality);
        spec.sop_class_uid = class.to_owned();
        let path = format!("DICOM/X{study}{series:03}");
        DiscFile::new(path, spec.part10().unwrap())
    };
    classes.into_iter().map(file).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_tells_the_second_reader_that_reports_came() {
    check_numbers(&House::sqlite().await).await;
    if let Some(house) = House::postgres("numbers").await {
        check_numbers(&house).await;
    }
}

async fn check_numbers(house: &House) {
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    let second_hat = also(reviewer, Role::Coordinator);
    let of = async |actor: &Actor| told_of_exams(house, actor, &case_id).await;
    let before = of(reviewer).await;
    let others_before = of(&house.coordinator).await;
    assert!(before.contains(&"1 series, 5 images, 0 others, MR".to_owned()));

    house
        .deliver(&case_id, &objects_of_the_first_reading())
        .await;
    assert_eq!(of(reviewer).await, before);
    assert_eq!(of(&second_hat).await, before);
    // As a check was kept before it knew of the lock.
    forget_before_lock(house, &case_id).await;
    assert_eq!(of(reviewer).await, before);

    house
        .deliver(&case_id, &objects_of_the_first_reading())
        .await;
    let mut again = of(reviewer).await;
    again.retain(|line| !before.contains(line));
    assert_eq!(again, ["the upload: Exact duplicate file skipped."]);
    let true_numbers = "6 series, 5 images, 6 others".to_owned();
    let has_true_numbers =
        |told: &[String]| told.iter().any(|line| line.starts_with(&true_numbers));
    for open in [&house.coordinator, &house.patient] {
        let told = of(open).await;
        assert!(has_true_numbers(&told), "{told:?}");
        assert!(told.contains(&"1 held back".to_owned()), "{told:?}");
    }
    assert_ne!(of(&house.coordinator).await, others_before);

    reading::lock_first_impression(ctx, reviewer, &case_id, "Torn disc, left.", NOW)
        .await
        .unwrap();
    for reader in [reviewer, &second_hat] {
        let told = of(reader).await;
        assert!(has_true_numbers(&told), "{told:?}");
    }
}

/// Takes out of the newest check what is told before the lock.
async fn forget_before_lock(house: &House, case_id: &CaseId) {
    let mut tx = house.ctx.store.begin().await.unwrap();
    let mut row = checks::newest(&mut tx, case_id).await.unwrap().unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&row.result).unwrap();
    assert!(kept["before_lock"].take().is_object());
    row.result = kept.to_string();
    checks::insert(&mut tx, case_id, &row).await.unwrap();
    tx.commit().await.unwrap();
}
