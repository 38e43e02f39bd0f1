//! What every reader is shown after an addendum: `/cases/{case}/report`, `/concordance`, `/act`, `/links/{secret}`.

use http::StatusCode;
use overread_model::access::Role;

use super::walk::{bring, choose, done, read};
use crate::door::{Browser, Door, PASSWORD, tick};

const FIRST: &str = "after the report was signed: read this first";
const APART: &str = "is not part of this comparison";
const TEXT: &str = "The extrusion is on the RIGHT. <b>bold</b>";

async fn release_and_share(coordinator: &mut Browser<'_>, path: &str) -> String {
    let act = format!("{path}/act");
    let version = coordinator.get(&act).await.hidden("version");
    let release = format!("{act}/release");
    done(&coordinator.post(&release, &[("version", &version)]).await);
    let made = coordinator
        .post(&format!("{act}/links"), &[("recipient_name", "Dr. Treat")])
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    made.path_after("/links/")
}

/// Signs as who holds the link: what the page showed goes along with it.
async fn confirm(doctor: &mut Browser<'_>, link: &str, shown: &str) -> StatusCode {
    let csrf = doctor.get(link).await.hidden("csrf");
    let fields = [("csrf", csrf.as_str()), ("changes", shown)];
    let path = format!("{link}/acknowledge");
    let answer = doctor.post_as_is(&path, &fields).await;
    if answer.status != StatusCode::SEE_OTHER {
        assert!(
            answer.body.contains("since this page was opened"),
            "{}",
            answer.body
        );
    }
    answer.status
}

/// The addendum stands before the report it adds to, on both pages.
async fn stands_first(reader: &Browser<'_>, pages: &[String]) {
    for page in pages {
        let shown = reader.get(page).await.body;
        assert!(shown.contains(FIRST) && shown.contains("The side was mistyped."));
        assert!(
            shown.contains("The extrusion is on the RIGHT. &#60;b&#62;"),
            "{shown}"
        );
        let head = shown.find(FIRST).unwrap();
        assert!(
            head < shown.find("Left paracentral").unwrap(),
            "it stands first"
        );
    }
}

/// The link asks to confirm again, and the case tells that it does.
async fn asks_again(doctor: &mut Browser<'_>, link: &str, ada: &Browser<'_>, path: &str) {
    let asked = doctor.get(link).await.body;
    assert!(asked.contains(FIRST) && asked.contains(APART));
    assert!(asked.contains("You confirmed on") && asked.contains("an addendum was signed since"));
    let act = ada.get(&format!("{path}/act")).await.body;
    assert!(act.contains("Not confirmed since it was changed"), "{act}");
    assert!(act.contains("Confirmed before it was changed"), "{act}");
    assert!(
        ada.get(path)
            .await
            .body
            .contains("Make sure the addendum was read")
    );
    // A page from before the addendum confirms nothing.
    assert_eq!(
        confirm(doctor, link, "0").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(confirm(doctor, link, "1").await, StatusCode::SEE_OTHER);
    let asked = doctor.get(link).await.body;
    assert!(asked.contains(FIRST) && !asked.contains("an addendum was signed since"));
}

#[tokio::test]
async fn an_addendum_stands_first_everywhere_and_is_asked_to_be_confirmed() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Elena Rivera").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let path = bring(&mut patient).await;
    ada.act_as(Role::Coordinator).await;
    choose(&mut ada, &path).await;
    read(&mut reviewer, &path).await;
    let link = release_and_share(&mut ada, &path).await;
    let mut doctor = door.browser();
    assert_eq!(
        confirm(&mut doctor, &link, "0").await,
        StatusCode::SEE_OTHER
    );
    let told = "until the end of April 1, 2026, UTC";
    assert!(doctor.get(&link).await.body.contains(told));
    assert!(ada.get(&format!("{path}/act")).await.body.contains(told));
    let pages = [format!("{path}/report"), format!("{path}/concordance")];
    for page in &pages {
        let shown = patient.get(page).await.body;
        assert!(!shown.contains(FIRST) && !shown.contains(APART), "{shown}");
    }
    tick();
    let words = [
        ("reason", "The side was mistyped."),
        ("text", TEXT),
        ("password", PASSWORD),
    ];
    let addendum = format!("{path}/report/addendum");
    done(&reviewer.post(&addendum, &words).await);
    for reader in [&patient, &ada, &reviewer] {
        stands_first(reader, &pages).await;
    }
    for reader in [&patient, &ada] {
        assert!(reader.get(&pages[1]).await.body.contains(APART));
    }
    let report = reviewer.get(&pages[0]).await.body;
    assert!(report.contains("Next: sign the comparison with the addendum"));
    let proposal = reviewer.get(&pages[1]).await;
    assert!(proposal.body.contains("Not shown to anybody else yet"));
    assert!(!proposal.body.contains(APART));

    asks_again(&mut doctor, &link, &ada, &path).await;
    assert!(
        reviewer
            .get(&path)
            .await
            .body
            .contains("Sign the comparison")
    );

    let decide = [
        ("concordance", proposal.hidden("concordance")),
        ("overall", "refines".to_owned()),
        ("note", "With the addendum the side is the same.".to_owned()),
    ];
    tick();
    let decide: Vec<(&str, &str)> = decide.iter().map(|(k, v)| (*k, v.as_str())).collect();
    done(
        &reviewer
            .post(&format!("{}/decide", pages[1]), &decide)
            .await,
    );
    for shown in [patient.get(&pages[1]).await, doctor.get(&link).await] {
        assert!(shown.body.contains(FIRST) && !shown.body.contains(APART));
        assert!(
            shown
                .body
                .contains("With the addendum the side is the same.")
        );
    }
    asks_again_after_the_comparison(&mut doctor, &link, &ada, &path).await;
}

/// Who confirmed before the comparison was signed again saw the old category, and is asked once more.
async fn asks_again_after_the_comparison(
    doctor: &mut Browser<'_>,
    link: &str,
    ada: &Browser<'_>,
    path: &str,
) {
    let asked = doctor.get(link).await.body;
    assert!(
        asked.contains("the comparison of both reports was signed again since"),
        "{asked}"
    );
    let act = ada.get(&format!("{path}/act")).await.body;
    assert!(act.contains("Not confirmed since it was changed"), "{act}");
    assert_eq!(
        confirm(doctor, link, "1").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(confirm(doctor, link, "2").await, StatusCode::SEE_OTHER);
    let asked = doctor.get(link).await.body;
    assert!(!asked.contains("was signed again since"), "{asked}");
}
