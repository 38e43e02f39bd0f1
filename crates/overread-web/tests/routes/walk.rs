//! The whole journey by forms, without script: from the request to the treating physician's decision.

use axum::body::Body;
use http::{Request, StatusCode};
use overread_model::access::Role;
use overread_testkit::lumbar::{Exam, disc};

use crate::door::{Answer, Browser, Door, PASSWORD};

const ORIGINAL: &str = "FINDINGS:\nAlignment is normal. L4-L5: Right paracentral disc protrusion measuring 5 mm, \
contacting the right L5 nerve root.\nIMPRESSION:\n1. Right paracentral disc protrusion at L4-L5. <script>alert('o')</script>";

const FINDINGS: &str = "Normal lumbar alignment. L4-L5: Left paracentral disc extrusion measuring 9 mm, compressing the \
left L5 nerve root. <img src=x onerror=alert('s')>";

pub(super) fn done(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}

/// Asks, consents, sends the disc and the first report.
pub(super) async fn bring(patient: &mut Browser<'_>) -> String {
    let case_id = patient.ask("Elena Rivera").await;
    patient.submit(&case_id).await;
    let path = format!("/cases/{case_id}");
    let consent = [
        ("scope_review", "true"),
        ("scope_letters", "true"),
        ("scope_share", "true"),
        ("receivers", "Dr. Treat"),
        ("signature", "Elena Rivera"),
        ("expires_on", "2027-03-01"),
    ];
    done(&patient.post(&format!("{path}/consent"), &consent).await);
    let exam = Exam {
        patient_birth_date: "19680412".to_owned(),
        study_date: "20260210".to_owned(),
        institution_name: "Bay Imaging Center".to_owned(),
        coarseness: 4,
        ..Exam::default()
    };
    let upload = format!("{path}/records/upload");
    let nothing = patient.post_files(&upload, &[], &[]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let files = disc(&exam, "a note").unwrap();
    patient.upload(&case_id, &files).await;
    let records = patient.get(&format!("{path}/records")).await;
    assert!(
        records.body.contains("95 images in 1 study"),
        "{}",
        records.body
    );
    let original = format!("{path}/original-report");
    let empty = patient.post_files(&original, &[("text", "")], &[]).await;
    assert_eq!(
        empty.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        empty.body
    );
    let fields = [
        ("text", ORIGINAL),
        ("author", "Dr. First"),
        ("report_date", "2026-02-11"),
    ];
    done(&patient.post_files(&original, &fields, &[]).await);
    let shown = patient.get(&original).await;
    assert!(shown.body.contains("&#60;script&#62;alert") && !shown.body.contains("<script>alert"));
    path
}

/// Accepts the records, chooses the reviewer, settles the cost.
pub(super) async fn choose(coordinator: &mut Browser<'_>, path: &str) {
    let records = coordinator.get(&format!("{path}/records")).await;
    let version = records.hidden("version");
    done(
        &coordinator
            .post(&format!("{path}/records/accept"), &[("version", &version)])
            .await,
    );
    let entry = [
        ("name", "Rae Reviewer"),
        ("credentials", "MD"),
        ("kind", "radiologist"),
        ("email", "rae@example.org"),
        ("subspecialties", "neuroradiology"),
        ("modalities", "MR"),
        ("institution", "University Spine Imaging"),
        ("licence_regions", "US-WA"),
        ("languages", "en"),
        ("fee", "420"),
        ("currency", "USD"),
        ("turnaround_business_days", "3"),
        ("capacity", "8"),
        ("credentials_checked_on", "2026-01-10"),
        ("credentials_source", "State board"),
    ];
    done(&coordinator.post("/reviewers", &entry).await);
    let choice = coordinator.get(&format!("{path}/reviewers")).await;
    let (version, reviewer) = (choice.hidden("version"), choice.hidden("reviewer"));
    let fields = [
        ("version", version.as_str()),
        ("reviewer", reviewer.as_str()),
    ];
    done(
        &coordinator
            .post(&format!("{path}/reviewers"), &fields)
            .await,
    );
    let cost = format!("{path}/cost");
    let version = coordinator.get(&cost).await.hidden("version");
    let wrong = [
        ("version", version.as_str()),
        ("kind", "self_pay"),
        ("quote", "much"),
        ("currency", "USD"),
    ];
    assert_eq!(
        coordinator.post(&cost, &wrong).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let free = [
        ("version", version.as_str()),
        ("kind", "charity"),
        ("currency", "USD"),
    ];
    done(&coordinator.post(&cost, &free).await);
}

/// Accepts the offer, locks the first impression, writes and signs.
pub(super) async fn read(reviewer: &mut Browser<'_>, path: &str) {
    let offer = format!("{path}/offer");
    let journey = reviewer.get(path).await.body;
    assert!(
        journey.contains(&format!("href=\"{offer}\"")) && journey.contains("open when you accept"),
        "{journey}"
    );
    assert!(
        !journey.contains(&format!("{path}/records")),
        "what does not open is not linked"
    );
    let shown = reviewer.get(&offer).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(
        !shown.body.contains("Elena Rivera"),
        "no name before accepting"
    );
    for tail in [
        "",
        "/records",
        "/viewer",
        "/original-report",
        "/report",
        "/concordance",
    ] {
        let hidden = reviewer.get(&format!("{path}{tail}")).await;
        assert!(
            !hidden.body.contains("Elena Rivera"),
            "{tail} before accepting"
        );
    }
    let version = shown.hidden("version");
    let fields = [
        ("version", version.as_str()),
        ("independent", "true"),
        ("licensed", "true"),
    ];
    done(&reviewer.post(&format!("{offer}/accept"), &fields).await);
    look_and_lock(reviewer, path).await;
}

async fn look_and_lock(reviewer: &mut Browser<'_>, path: &str) {
    let viewer = reviewer.get(&format!("{path}/viewer")).await;
    let policy = viewer
        .headers
        .get("content-security-policy")
        .unwrap()
        .to_str()
        .unwrap();
    assert!(
        policy.contains("'wasm-unsafe-eval'") && !policy.contains("'unsafe-eval'"),
        "{policy}"
    );
    assert!(
        viewer.body.contains("id=\"viewer-data\"") && viewer.body.contains("SAG T1"),
        "{}",
        viewer.body
    );
    let original = format!("{path}/original-report");
    let closed = reviewer.get(&original).await;
    assert!(
        !closed.body.contains("Right paracentral"),
        "closed before the lock"
    );
    let none = reviewer
        .post(&format!("{path}/first-impression"), &[("impression", " ")])
        .await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let lock = [(
        "impression",
        "Extrusion left of the midline at L4-L5, left L5 root displaced.",
    )];
    done(
        &reviewer
            .post(&format!("{path}/first-impression"), &lock)
            .await,
    );
    assert!(
        reviewer
            .get(&original)
            .await
            .body
            .contains("Right paracentral")
    );
    write(reviewer, path).await;
}

async fn put(browser: &Browser<'_>, path: &str, version: &str, csrf: &str) -> Answer {
    let body =
        format!("{{\"version\":{version},\"fields\":{{\"version\":\"9\",\"dose\":\"none\"}}}}");
    let request = Request::put(path)
        .header("cookie", &browser.cookie)
        .header("x-overread-csrf", csrf)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    browser.door.send(request).await
}

async fn write(reviewer: &mut Browser<'_>, path: &str) {
    let report = format!("{path}/report");
    let draft = format!("{report}/draft");
    let version = reviewer.get(&report).await.hidden("version");
    assert_eq!(
        put(reviewer, &draft, &version, "").await.status,
        StatusCode::FORBIDDEN
    );
    let saved = put(reviewer, &draft, &version, &reviewer.csrf.clone()).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let stale = put(reviewer, &draft, &version, &reviewer.csrf.clone()).await;
    assert!(
        matches!(stale.status, StatusCode::CONFLICT | StatusCode::OK),
        "{}",
        stale.body
    );
    let version = reviewer.get(&report).await.hidden("version");
    let texts = [
        ("version", version.as_str()),
        ("request", "Which side?"),
        ("materials", "MRI of 10 February 2026, first report"),
        ("clinical", "Left leg pain"),
        ("comparison", "None available"),
        ("quality", "diagnostic"),
        ("technique_quality", "Complete, no motion."),
        ("findings", FINDINGS),
        ("agreement_overall", "differs_major"),
        ("agreement", "The side differs."),
        ("impression", "1. Left paracentral disc extrusion at L4-L5."),
        ("alternatives", "None considered likely"),
        ("recommendations", "Correlate with the examination."),
        ("limits", "Based only on the materials listed."),
        ("plain", "A disc presses on a nerve on the left side."),
    ];
    done(&reviewer.post(&report, &texts).await);
    let shown = reviewer.get(&report).await;
    assert!(!shown.body.contains("<img src=x"));
    sign_and_compare(reviewer, path, &shown.hidden("version")).await;
}

async fn sign_and_compare(reviewer: &mut Browser<'_>, path: &str, version: &str) {
    let report = format!("{path}/report");
    let sign = format!("{report}/sign");
    let wrong = reviewer
        .post(&sign, &[("version", version), ("password", "wrong")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    done(
        &reviewer
            .post(&sign, &[("version", version), ("password", PASSWORD)])
            .await,
    );
    assert!(
        reviewer
            .get(&report)
            .await
            .body
            .contains("Verification code")
    );
    let compare = reviewer
        .post(&format!("{path}/concordance/compare"), &[])
        .await;
    done(&compare);
    let page = reviewer.get(&format!("{path}/concordance")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"));
    assert!(page.body.contains("May change what is done"));
    let looked_at = page.hidden("concordance");
    // Nothing is chosen for the reviewer, who cannot sign without a choice.
    assert!(
        !page
            .body
            .contains("name=\"overall\" value=\"changes_management\" checked")
    );
    let unchosen = [
        ("concordance", looked_at.as_str()),
        ("note", "The side differs."),
    ];
    let refused = reviewer
        .post(&format!("{path}/concordance/decide"), &unchosen)
        .await;
    assert!(
        refused
            .body
            .contains("Choose what both reports together say.")
    );
    let decide = [
        ("concordance", looked_at.as_str()),
        ("overall", "changes_management"),
        ("note", "The side differs."),
    ];
    done(
        &reviewer
            .post(&format!("{path}/concordance/decide"), &decide)
            .await,
    );
}

/// Releases, makes a link, and acts as the physician who holds it.
async fn act(coordinator: &mut Browser<'_>, door: &Door, path: &str) {
    let act = format!("{path}/act");
    let version = coordinator.get(&act).await.hidden("version");
    done(
        &coordinator
            .post(&format!("{act}/release"), &[("version", &version)])
            .await,
    );
    let link = [
        ("recipient_name", "Dr. Treat"),
        ("with_images", "true"),
        ("passcode", "harbour-7"),
    ];
    let made = coordinator.post(&format!("{act}/links"), &link).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let link = made.path_after("/links/");
    let mut doctor = door.browser();
    let closed = doctor.get(&link).await;
    assert!(closed.body.contains("A passcode, please") && !closed.body.contains("Elena"));
    let wrong = doctor
        .post_as_is(&format!("{link}/unlock"), &[("passcode", "guess")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    done(
        &doctor
            .post_as_is(&format!("{link}/unlock"), &[("passcode", "harbour-7")])
            .await,
    );
    // In a browser where a party of the case is signed in, the link shows everything and confirms nothing.
    let csrf = doctor.get(&link).await.hidden("csrf");
    let mut both = door.browser();
    both.cookie = format!("{}; {}", coordinator.cookie, doctor.cookie);
    let open = both.get(&link).await;
    assert_eq!(open.status, StatusCode::OK, "{}", open.body);
    assert!(open.body.contains("only the doctor this link was sent to"));
    assert!(!open.body.contains("I have read it"));
    let refused = both
        .post_as_is(&format!("{link}/acknowledge"), &[("csrf", &csrf)])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .body
            .contains("Only the doctor this link was sent to")
    );
    treat(&mut doctor, door, &link).await;
    let seen = coordinator.get(&act).await;
    assert!(
        seen.body.contains("Confirmed as read")
            && seen.body.contains("Seen together with the patient.")
    );
    assert_eq!(
        door.browser().get("/links/wrong").await.status,
        StatusCode::NOT_FOUND
    );
}

/// Opens the link, looks at the images, confirms and decides.
async fn treat(doctor: &mut Browser<'_>, door: &Door, link: &str) {
    let open = doctor.get(link).await;
    assert_eq!(open.status, StatusCode::OK, "{}", open.body);
    assert!(!open.body.contains("<script>alert") && !open.body.contains("<img src=x"));
    let images = Request::get(format!("{link}/dicom-web/studies"))
        .header("cookie", &doctor.cookie)
        .header("accept", "application/dicom+json")
        .body(Body::empty())
        .unwrap();
    assert_eq!(door.send(images).await.status, StatusCode::OK);
    let locked = Request::get(format!("{link}/dicom-web/studies"))
        .header("accept", "application/dicom+json")
        .body(Body::empty())
        .unwrap();
    assert_eq!(door.send(locked).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        doctor.get(&format!("{link}/viewer")).await.status,
        StatusCode::OK
    );
    let csrf = open.hidden("csrf");
    let foreign = doctor
        .post_as_is(&format!("{link}/acknowledge"), &[("csrf", "wrong")])
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    done(
        &doctor
            .post_as_is(&format!("{link}/acknowledge"), &[("csrf", &csrf)])
            .await,
    );
    let value = open
        .body
        .split("name=\"decision\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let fields = [
        ("csrf", csrf.as_str()),
        ("decision", &value),
        ("note", "Seen together with the patient."),
    ];
    done(&doctor.post_as_is(&format!("{link}/decide"), &fields).await);
}

#[tokio::test]
async fn a_disc_becomes_a_compared_second_opinion_by_forms_alone() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Elena Rivera").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let stranger = door.join(&mut ada, Role::Reviewer, "Sam Strange").await;
    let path = bring(&mut patient).await;
    ada.act_as(Role::Coordinator).await;
    choose(&mut ada, &path).await;
    assert_eq!(
        stranger.get(&format!("{path}/offer")).await.status,
        StatusCode::NOT_FOUND
    );
    read(&mut reviewer, &path).await;
    for tail in ["/report", "/concordance"] {
        let early = patient.get(&format!("{path}{tail}")).await;
        assert!(
            !early.body.contains("Left paracentral"),
            "{tail} before the release"
        );
    }
    act(&mut ada, &door, &path).await;
    for tail in [
        "",
        "/report",
        "/concordance",
        "/report.pdf",
        "/concordance.pdf",
        "/act",
    ] {
        let page = patient.get(&format!("{path}{tail}")).await;
        assert_eq!(
            page.status,
            StatusCode::OK,
            "{tail}: {}",
            page.body.chars().take(2000).collect::<String>()
        );
        let hidden = stranger.get(&format!("{path}{tail}")).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{tail}");
    }
}

#[tokio::test]
async fn a_letter_is_written_previewed_and_locked() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Elena Rivera").await;
    let path = bring(&mut patient).await;
    let letter = format!("{path}/letters/second_opinion_request");
    let form = patient.get(&format!("{letter}?language=en")).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.body);
    let enclosed = form.body.split("name=\"field.enclosures\"").nth(1).unwrap();
    let enclosed = enclosed.split("</textarea>").next().unwrap();
    assert!(
        enclosed.contains("Copy of the original radiology report")
            && !enclosed.contains("original_report")
            && !enclosed.contains('?'),
        "{enclosed}"
    );
    assert!(
        form.body.contains("class=\"letter-gap\"")
            && form.body.contains("Still to do in this letter")
            && form.body.contains("aria-describedby=\"hint.access.text\""),
        "the letter shows its gaps: {}",
        form.body
    );
    let spanish = patient.get(&format!("{letter}?language=es")).await;
    assert!(
        spanish.body.contains(
            "resonancia magnética de columna lumbar («MRI lumbar spine without contrast»)"
        ),
        "{}",
        spanish.body
    );
    let version = form.hidden("version");
    let fields = [
        ("version", version.as_str()),
        ("language", "en"),
        (
            "field.recipient.name",
            "Harbour <script>alert(1)</script> Group",
        ),
        ("field.access.text", "A disc is enclosed."),
        ("field.enclosures", "images"),
    ];
    let preview = patient.post(&format!("{letter}/preview"), &fields).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    assert!(
        !preview.body.contains("<script>alert") && !preview.body.contains("<html"),
        "{}",
        preview.body
    );
    let stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    assert_eq!(stranger.get(&letter).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        patient
            .get(&format!("{path}/letters/no_such_letter"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}
