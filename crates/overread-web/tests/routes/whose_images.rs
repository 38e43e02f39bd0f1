//! Images that may be another patient's, through `POST /api/deliveries` and `POST /dicom-web/studies`.

use axum::body::Body;
use http::{Request, StatusCode};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::tokens::{self, NewToken};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};

use crate::door::{Answer, Browser, Door};

/// The patient of the cases here, as their images name them: name, birth date, number.
const PATIENT: (&str, &str, &str) = ("Sample^Alex", "19680412", "SAMPLE-1");

pub(super) fn of(
    (name, birth_date, patient_id): (&str, &str, &str),
    study: u64,
    instance: u64,
) -> InstanceSpec {
    InstanceSpec::mr(study, 1, instance).of_person(name, birth_date, patient_id)
}

pub(super) fn own(study: u64, instance: u64) -> InstanceSpec {
    of(PATIENT, study, instance)
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Zip,
    Stow,
}

const WAITS: &str = "waits for a coordinator, who must first find out whose images they are";

/// Sends an instance into a case with a token of that case; returns the answer and whether it says that a person must look.
pub(super) async fn send(
    door: &Door,
    secret: &str,
    case_id: &CaseId,
    way: Way,
    spec: &InstanceSpec,
) -> (Answer, bool) {
    let bytes = spec.part10().unwrap();
    let (address, kind, body) = match way {
        Way::Zip => (
            "/api/deliveries",
            "application/zip",
            zip_of(&[DiscFile::new("IMG1", bytes)], true).unwrap(),
        ),
        Way::Stow => {
            let mut body = b"\r\n--b0undary\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
            body.extend(bytes);
            body.extend_from_slice(b"\r\n--b0undary--\r\n");
            (
                "/dicom-web/studies",
                "multipart/related; boundary=b0undary",
                body,
            )
        }
    };
    let request = Request::post(format!("{address}?case={case_id}"))
        .header("content-type", kind)
        .header("authorization", format!("Bearer {secret}"))
        .body(Body::from(body))
        .unwrap();
    let answer = door.send(request).await;
    let told = match way {
        Way::Zip => {
            let receipt: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            let problems = receipt["problems"].as_array().unwrap();
            problems.iter().any(|problem| {
                problem["kind"] == "held-back"
                    && problem["message"].as_str().unwrap().contains(WAITS)
            })
        }
        Way::Stow => {
            let warning = answer.headers.get("warning");
            warning.is_some_and(|value| value.to_str().unwrap().contains(WAITS))
        }
    };
    (answer, told)
}

pub(super) async fn token(door: &Door, case_id: &CaseId) -> String {
    let mut tx = door.workflow.store.begin().await.unwrap();
    let new = NewToken {
        name: "the patient's portal",
        role: Role::Patient,
        case_id: Some(case_id),
    };
    let made = tokens::create(&mut tx, &new, Timestamp::from_micros(1)).await;
    let (_, secret) = made.unwrap();
    tx.commit().await.unwrap();
    secret
}

/// Says whether somebody finds a study, and can open an instance of it.
pub(super) async fn sees(who: &Browser<'_>, spec: &InstanceSpec) -> bool {
    let get = async |path: &str, accept: &str| {
        let request = Request::get(format!("/dicom-web/studies{path}"))
            .header("accept", accept)
            .header("cookie", &who.cookie)
            .body(Body::empty())
            .unwrap();
        who.door.send(request).await
    };
    let study = &spec.study_instance_uid;
    let found = get("", "application/dicom+json").await;
    let whole = format!(
        "/{study}/series/{}/instances/{}",
        spec.series_instance_uid, spec.sop_instance_uid
    );
    let whole = get(&whole, "application/dicom").await;
    let uid = format!("\"{study}\"");
    assert_eq!(
        found.body.contains(&uid),
        whole.status == StatusCode::OK,
        "{} {}",
        found.body,
        whole.status
    );
    whole.status == StatusCode::OK
}

async fn decide(coordinator: &mut Browser<'_>, case_id: &CaseId, spec: &InstanceSpec, word: &str) {
    let fields = [
        ("study", spec.study_instance_uid.as_str()),
        ("decision", word),
        ("reason", "The clinic was asked."),
    ];
    let path = format!("/cases/{case_id}/records/held-back");
    let answer = coordinator.post(&path, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}

/// A case that takes records, with its patient, a coordinator and a token.
async fn case(door: &Door) -> (Browser<'_>, Browser<'_>, CaseId, String) {
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Alex Sample").await;
    let coordinator = door.join(&mut ada, Role::Coordinator, "Cora Nator").await;
    let case_id = patient.ask("Alex Sample").await;
    patient.submit(&case_id).await;
    let secret = token(door, &case_id).await;
    (patient, coordinator, case_id, secret)
}

#[tokio::test]
async fn a_twin_a_mother_and_another_surname_wait_for_a_person() {
    let door = Door::new().await;
    let (patient, mut coordinator, case_id, secret) = case(&door).await;
    let strangers = [
        ("Sample^Robin", "19680412"),
        ("Sample^Alex", "19400101"),
        ("Miller^Alex", "19680412"),
        ("Miller^Kim", "19800101"),
    ];
    let ways = [Way::Zip, Way::Stow];
    let all = ways.iter().flat_map(|way| strangers.map(|one| (*way, one)));
    for (number, (way, (name, birth))) in (10..).zip(all) {
        let spec = of((name, birth, "SAMPLE-1"), number, 1);
        let (answer, told) = send(&door, &secret, &case_id, way, &spec).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(told, "{way:?} {name}: {} {:?}", answer.body, answer.headers);
        assert!(!sees(&patient, &spec).await, "{way:?} {name}");
        // Sent again it still waits, and the sender is told so again.
        let (_, told) = send(&door, &secret, &case_id, way, &spec).await;
        assert!(told && !sees(&patient, &spec).await, "{way:?} {name}");
    }
    let page = patient.get(&format!("/cases/{case_id}/records")).await;
    assert!(page.body.contains(WAITS), "{}", page.body);
    assert!(!page.body.contains("Miller"), "{}", page.body);
    let twin = own(10, 1);
    decide(&mut coordinator, &case_id, &twin, "right").await;
    assert!(sees(&patient, &twin).await);
    for (number, way) in [(30, Way::Zip), (31, Way::Stow)] {
        let spec = own(number, 1);
        let (_, told) = send(&door, &secret, &case_id, way, &spec).await;
        assert!(!told && sees(&patient, &spec).await, "{way:?}");
    }
}

#[tokio::test]
async fn what_waits_is_told_once_whatever_way_it_came_and_a_twin_has_one_family_name() {
    let door = Door::new().await;
    let (patient, coordinator, case_id, secret) = case(&door).await;
    let records = format!("/cases/{case_id}/records");
    for instance in 1..=3 {
        let spec = of(("Rivera^Alex", "19680412", "E-1"), 10, instance);
        let (answer, told) = send(&door, &secret, &case_id, Way::Stow, &spec).await;
        assert_eq!((answer.status, told), (StatusCode::OK, true));
    }
    let page = patient.get(&records).await.body;
    assert_eq!(page.matches(WAITS).count(), 1, "{page}");
    assert!(page.contains("This is true of 3 deliveries."), "{page}");
    assert!(!page.contains("Rivera"), "{page}");
    const TWINS: &str = "twins and relatives are told apart by little";
    let page = coordinator.get(&records).await.body;
    assert!(
        page.contains("two people can be born on one day") && !page.contains(TWINS),
        "{page}"
    );
    let twin = of(("Sample^Robin", "19680412", "R-1"), 11, 1);
    send(&door, &secret, &case_id, Way::Stow, &twin).await;
    let page = coordinator.get(&records).await.body;
    assert!(page.contains(TWINS), "{page}");
}

#[tokio::test]
async fn another_person_inside_an_exam_that_is_shown_hides_it_until_a_person_decides() {
    let door = Door::new().await;
    let (patient, mut coordinator, case_id, secret) = case(&door).await;
    let (name, birth_date, patient_id) = PATIENT;
    let differing = [
        (name, "19900101", patient_id),
        ("Sample^Robin", birth_date, patient_id),
        (name, birth_date, "SAMPLE-2"),
    ];
    let ways = [Way::Zip, Way::Stow];
    let all = ways.iter().flat_map(|way| differing.map(|one| (*way, one)));
    for (number, (way, differ)) in (40..).zip(all) {
        let first = own(number, 1);
        send(&door, &secret, &case_id, way, &first).await;
        assert!(sees(&patient, &first).await, "{number}");
        let (_, told) = send(&door, &secret, &case_id, way, &of(differ, number, 2)).await;
        assert!(told, "{number}");
        let other = own(number, 2);
        assert!(
            !sees(&patient, &first).await && !sees(&patient, &other).await,
            "{number}"
        );
        // One more of the right patient does not bring the exam back by itself.
        send(&door, &secret, &case_id, way, &own(number, 3)).await;
        assert!(!sees(&patient, &first).await, "{number}");
        decide(&mut coordinator, &case_id, &first, "right").await;
        assert!(
            sees(&patient, &first).await && sees(&patient, &other).await,
            "{number}"
        );
        // A decision covers what was there, not what comes after it.
        let (_, told) = send(&door, &secret, &case_id, way, &of(differ, number, 4)).await;
        assert!(told && !sees(&patient, &first).await, "{number}");
        decide(&mut coordinator, &case_id, &first, "other").await;
        send(&door, &secret, &case_id, way, &own(number, 5)).await;
        assert!(!sees(&patient, &first).await, "{number}");
    }
}

#[tokio::test]
async fn the_true_birth_date_is_asked_for_and_stands_everywhere() {
    let door = Door::new().await;
    let (patient, mut coordinator, case_id, secret) = case(&door).await;
    let (name, _, patient_id) = PATIENT;
    let path = format!("/cases/{case_id}");
    let form = format!("{path}/records/held-back");
    let mut about = async |spec: &InstanceSpec, decision: &str| {
        let fields = [
            ("study", spec.study_instance_uid.as_str()),
            ("decision", decision),
            ("reason", "The patient's passport was read."),
        ];
        coordinator.post(&form, &fields).await
    };
    // Both dates are said to be wrong once: of the request, then of the images.
    let first = of((name, "19680421", patient_id), 70, 1);
    send(&door, &secret, &case_id, Way::Zip, &first).await;
    let unsaid = about(&first, "right").await;
    let ask = "Say which birth date is true";
    assert!(unsaid.body.contains(ask), "{}", unsaid.body);
    for choice in [
        "right:1968-04-12",
        "right:1968-04-21",
        "April 12, 1968",
        "April 21, 1968",
    ] {
        assert!(unsaid.body.contains(choice), "{choice}: {}", unsaid.body);
    }
    let neither = about(&first, "right:1999-01-01").await;
    assert_eq!(neither.status, StatusCode::CONFLICT, "{}", neither.body);
    let nonsense = about(&first, "right:soon").await;
    assert!(nonsense.status.is_client_error(), "{}", nonsense.body);
    assert!(!sees(&patient, &first).await);
    let corrected = about(&first, "right:1968-04-21").await;
    assert_eq!(
        corrected.status,
        StatusCode::SEE_OTHER,
        "{}",
        corrected.body
    );
    assert!(sees(&patient, &first).await);
    let page = patient.get(&path).await;
    assert!(page.body.contains("born April 21, 1968"), "{}", page.body);
    assert!(!page.body.contains("born April 12, 1968"), "{}", page.body);
    assert!(page.body.contains("before 1968-04-12, now 1968-04-21"));
    let letter = patient
        .get(&format!("{path}/letters/second_opinion_request"))
        .await;
    assert!(letter.body.contains("April 21, 1968"), "{}", letter.body);
    assert!(!letter.body.contains("April 12, 1968"), "{}", letter.body);

    let second = own(71, 1);
    send(&door, &secret, &case_id, Way::Zip, &second).await;
    let kept = about(&second, "right:1968-04-21").await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.body);
    let page = patient.get(&path).await;
    assert!(page.body.contains("born April 21, 1968"), "{}", page.body);
    assert!(sees(&patient, &first).await && sees(&patient, &second).await);
    let records = format!("{path}/records");
    let doubt = "Images belong to a different person";
    let page = patient.get(&records).await;
    assert!(!page.body.contains(doubt), "{}", page.body);

    // The date before is the true one after all: what was decided on the first images was decided for another.
    let third = own(72, 1);
    send(&door, &secret, &case_id, Way::Zip, &third).await;
    let back = about(&third, "right:1968-04-12").await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    assert!(sees(&patient, &third).await && sees(&patient, &second).await);
    assert!(!sees(&patient, &first).await, "they wait once more");
}

#[tokio::test]
async fn another_name_is_told_before_the_birth_date_is_asked_for() {
    let door = Door::new().await;
    let (_, mut coordinator, case_id, secret) = case(&door).await;
    let stranger = of(("Miller^Kim", "19800101", "OTHER-1"), 80, 1);
    send(&door, &secret, &case_id, Way::Zip, &stranger).await;
    let path = format!("/cases/{case_id}/records");
    let page = coordinator.get(&path).await.body;
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
    place("The name and the birth date in these images differ from the request.");
    let after_all = "This patient after all, name Alex Sample / Kim Miller";
    assert!(place("keep them out of this case") < place(after_all));
    assert!(!page.contains("The right patient, born"), "{page}");
    let fields = [
        ("study", stranger.study_instance_uid.as_str()),
        ("decision", "right:1968-04-12"),
        ("reason", ""),
    ];
    let answer = coordinator
        .post(&format!("{path}/held-back"), &fields)
        .await;
    assert_ne!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}
