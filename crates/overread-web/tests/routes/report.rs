//! `/cases/{case}/report` and `/cases/{case}/original-report`.

use http::StatusCode;
use overread_model::access::Role;

use super::walk::{bring, choose};
use crate::door::{Browser, Door, PASSWORD, tick};

/// Accepts the offer and locks a first impression.
async fn lock(reviewer: &mut Browser<'_>, path: &str) {
    let offer = format!("{path}/offer");
    let version = reviewer.get(&offer).await.hidden("version");
    let fields = [
        ("version", version.as_str()),
        ("independent", "true"),
        ("licensed", "true"),
    ];
    let answer = reviewer.post(&format!("{offer}/accept"), &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let impression = [("impression", "Extrusion left of the midline at L4-L5.")];
    let answer = reviewer
        .post(&format!("{path}/first-impression"), &impression)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}

#[tokio::test]
async fn the_reviewer_is_told_of_a_first_report_changed_after_the_lock() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Elena Rivera").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let path = bring(&mut patient).await;
    ada.act_as(Role::Coordinator).await;
    choose(&mut ada, &path).await;
    lock(&mut reviewer, &path).await;
    let (original, report) = (format!("{path}/original-report"), format!("{path}/report"));
    let told = "after you locked your first impression";
    for page in [&original, &report] {
        assert!(!reviewer.get(page).await.body.contains(told), "{page}");
    }
    tick();
    let text = "FINDINGS:\nAlignment is normal. <b>No protrusion.</b>\nIMPRESSION:\n1. Normal.";
    let fields = [("text", text), ("author", "Dr. Other")];
    let answer = patient.post_files(&original, &fields, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    for page in [&original, &report] {
        let shown = reviewer.get(page).await;
        assert!(shown.body.contains(told), "{page}: {}", shown.body);
        assert!(shown.body.contains("<del>") && shown.body.contains("<ins>1. Normal.</ins>"));
        assert!(shown.body.contains("Dr. Other") && !shown.body.contains("<b>No protrusion"));
    }
    assert!(!patient.get(&original).await.body.contains(told));
    let desk = reviewer.get(&report).await;
    assert!(
        desk.body
            .contains("name=\"seen_original\" value=\"2\" required")
    );
    let version = desk.hidden("version");
    let unseen = [("version", version.as_str()), ("password", PASSWORD)];
    let refused = reviewer.post(&format!("{report}/sign"), &unseen).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("href=\"#seen_original\""),
        "{}",
        refused.body
    );
    let seen = [unseen[0], unseen[1], ("seen_original", "2")];
    let other = reviewer.post(&format!("{report}/sign"), &seen).await;
    assert!(
        !other.body.contains("href=\"#seen_original\"")
            && other.body.contains("href=\"#findings\""),
        "the empty draft alone is in the way now"
    );
}
