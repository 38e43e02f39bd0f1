//! Rows of people: accounts, sessions, throttles, invitations, the outbox.

use overread_model::access::Role;
use overread_model::ids::{CaseId, PersonId};
use overread_model::time::Timestamp;
use overread_store::outbox::{self, NewMail, Retry};
use overread_store::people::{self, PersonRow, ThrottleRow};
use overread_store::sessions::{self, SessionRow};
use overread_store::{Tx, invitations};

use crate::house::{House, NOW, both};

pub(crate) fn row(number: u8, email: &str) -> PersonRow {
    PersonRow {
        id: PersonId::from_random([number; 16]).as_str().to_owned(),
        name: format!("Person {number}"),
        email: email.to_owned(),
        email_folded: people::fold_email(email),
        password_hash: "$argon2id$".to_owned(),
        language: "en".to_owned(),
        created_at: NOW.as_micros(),
        password_changed_at: NOW.as_micros(),
        last_signed_in_at: None,
        disabled_at: None,
    }
}

async fn add(tx: &mut Tx, number: u8, email: &str) -> PersonId {
    let row = row(number, email);
    people::insert(tx, &row).await.unwrap();
    row.person_id().unwrap()
}

async fn accounts(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let ada = add(&mut tx, 1, "Ada@X.example").await;
    people::add_role(&mut tx, &ada, Role::Reviewer)
        .await
        .unwrap();
    people::add_role(&mut tx, &ada, Role::Coordinator)
        .await
        .unwrap();
    people::add_role(&mut tx, &ada, Role::Reviewer)
        .await
        .unwrap();
    assert_eq!(
        people::roles(&mut tx, &ada).await.unwrap(),
        [Role::Coordinator, Role::Reviewer]
    );
    assert_eq!(
        people::with_role(&mut tx, Role::Reviewer)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        people::find_by_email(&mut tx, "ada@x.example")
            .await
            .unwrap()
            .is_some()
    );
    people::set_disabled(&mut tx, &ada, Some(NOW))
        .await
        .unwrap();
    assert!(
        people::with_role(&mut tx, Role::Reviewer)
            .await
            .unwrap()
            .is_empty()
    );
    people::clear_roles(&mut tx, &ada).await.unwrap();
    assert!(people::roles(&mut tx, &ada).await.unwrap().is_empty());
    assert_eq!(
        people::name_of(&mut tx, ada.as_str())
            .await
            .unwrap()
            .as_deref(),
        Some("Person 1")
    );
    people::set_setup_secret(&mut tx, &[1; 32], NOW)
        .await
        .unwrap();
    people::set_setup_secret(&mut tx, &[2; 32], NOW)
        .await
        .unwrap();
    assert!(!people::take_setup_secret(&mut tx, &[1; 32]).await.unwrap());
    assert!(people::take_setup_secret(&mut tx, &[2; 32]).await.unwrap());
    assert!(people::setup_secret(&mut tx).await.unwrap().is_none());
    tx.commit().await.unwrap();
    let mut tx = house.store.begin().await.unwrap();
    let taken = people::insert(&mut tx, &row(2, "ADA@x.example"))
        .await
        .unwrap_err();
    assert!(taken.is_unique_violation());
}

async fn session_rows(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let ada = add(&mut tx, 1, "ada@x.example").await;
    for (number, seconds) in [(1_u8, 0), (2, 10)] {
        let row = SessionRow {
            id: format!("s{number}"),
            person_id: ada.as_str().to_owned(),
            role: "reviewer".to_owned(),
            device: String::new(),
            created_at: NOW.plus_seconds(seconds).as_micros(),
            last_seen_at: NOW.as_micros(),
            expires_at: NOW.plus_days(1).as_micros(),
            revoked_at: None,
        };
        sessions::insert(&mut tx, &row, &[number; 32])
            .await
            .unwrap();
    }
    let idle = NOW.plus_seconds(-1800);
    let ids = |rows: Vec<SessionRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(
        ids(sessions::open_of(&mut tx, &ada, idle, NOW).await.unwrap()),
        ["s2", "s1"]
    );
    sessions::touch(&mut tx, "s1", NOW.plus_seconds(60))
        .await
        .unwrap();
    assert_eq!(
        ids(sessions::open_of(&mut tx, &ada, NOW, NOW).await.unwrap()),
        ["s1"]
    );
    sessions::set_role(&mut tx, "s1", "coordinator")
        .await
        .unwrap();
    assert_eq!(
        sessions::find(&mut tx, &[1; 32])
            .await
            .unwrap()
            .unwrap()
            .role,
        "coordinator"
    );
    assert_eq!(
        sessions::revoke_others(&mut tx, &ada, "s1", NOW)
            .await
            .unwrap(),
        1
    );
    assert!(!sessions::revoke(&mut tx, &ada, "s2", NOW).await.unwrap());
    let stranger = PersonId::from_random([9; 16]);
    assert!(
        !sessions::revoke(&mut tx, &stranger, "s1", NOW)
            .await
            .unwrap(),
        "only one's own"
    );
    sessions::sweep(&mut tx, NOW.plus_days(2)).await.unwrap();
    assert!(sessions::find(&mut tx, &[1; 32]).await.unwrap().is_none());
}

async fn throttles(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let row = ThrottleRow {
        failure_count: 1,
        last_at: NOW.as_micros(),
        blocked_until: 0,
    };
    people::set_throttle(&mut tx, &[1], row).await.unwrap();
    people::set_throttle(
        &mut tx,
        &[1],
        ThrottleRow {
            failure_count: 2,
            ..row
        },
    )
    .await
    .unwrap();
    assert_eq!(
        people::throttle(&mut tx, &[1])
            .await
            .unwrap()
            .unwrap()
            .failure_count,
        2
    );
    people::sweep_throttle(&mut tx, NOW).await.unwrap();
    assert!(people::throttle(&mut tx, &[1]).await.unwrap().is_some());
    people::sweep_throttle(&mut tx, NOW.plus_seconds(1))
        .await
        .unwrap();
    assert!(people::throttle(&mut tx, &[1]).await.unwrap().is_none());
    people::set_throttle(&mut tx, &[1], row).await.unwrap();
    people::clear_throttle(&mut tx, &[1]).await.unwrap();
    assert!(people::throttle(&mut tx, &[1]).await.unwrap().is_none());
}

async fn invitation_rows(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let ada = add(&mut tx, 1, "ada@x.example").await;
    for number in 1..=3_u8 {
        let row = invitations::InvitationRow {
            id: format!("i{number}"),
            name: "New One".to_owned(),
            email: "new@x.example".to_owned(),
            email_folded: "new@x.example".to_owned(),
            role: "patient".to_owned(),
            language: "en".to_owned(),
            case_id: None,
            invited_by: ada.as_str().to_owned(),
            created_at: NOW.plus_seconds(i64::from(number)).as_micros(),
            expires_at: NOW.plus_days(1).as_micros(),
            accepted_at: None,
            revoked_at: None,
        };
        invitations::insert(&mut tx, &row, &[number; 32])
            .await
            .unwrap();
    }
    assert!(
        !invitations::accept(&mut tx, "i1", &ada, NOW.plus_days(1))
            .await
            .unwrap(),
        "over"
    );
    assert!(invitations::accept(&mut tx, "i1", &ada, NOW).await.unwrap());
    assert!(
        !invitations::accept(&mut tx, "i1", &ada, NOW).await.unwrap(),
        "once"
    );
    assert!(!invitations::revoke(&mut tx, "i1", NOW).await.unwrap());
    assert!(invitations::revoke(&mut tx, "i2", NOW).await.unwrap());
    assert_eq!(
        invitations::open_count(&mut tx, &ada, NOW).await.unwrap(),
        1
    );
    let ids: Vec<String> = invitations::list(&mut tx, "", NOW, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(ids, ["i3", "i2", "i1"]);
    assert!(
        invitations::list(&mut tx, "somebody else", NOW, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        invitations::find(&mut tx, &[3; 32])
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        invitations::find_by_id(&mut tx, "i9")
            .await
            .unwrap()
            .is_none()
    );
}

async fn mails(house: House) {
    let mail = |key: &str| NewMail {
        dedup_key: key.to_owned(),
        to_name: "New One",
        to_address: "new@x.example",
        subject: "News".to_owned(),
        body_text: "Text".to_owned(),
        body_html: "<p>Text</p>".to_owned(),
        case_id: None,
        link_id: None,
    };
    let mut tx = house.store.begin().await.unwrap();
    outbox::queue(&mut tx, &mail("a"), NOW).await.unwrap();
    outbox::queue(&mut tx, &mail("a"), NOW).await.unwrap();
    outbox::queue(&mut tx, &mail("b"), NOW.plus_seconds(5))
        .await
        .unwrap();
    let until = NOW.plus_seconds(60);
    let first = outbox::claim(&mut tx, NOW, until, 10).await.unwrap();
    assert_eq!(first.len(), 1, "the same news once, later news later");
    assert!(
        outbox::claim(&mut tx, NOW, until, 10)
            .await
            .unwrap()
            .is_empty(),
        "claimed by one"
    );
    let retry = Retry {
        error: "down",
        at: Some(NOW.plus_seconds(30)),
    };
    outbox::failed(&mut tx, &first[0].id, retry, NOW)
        .await
        .unwrap();
    let again = outbox::claim(&mut tx, NOW.plus_seconds(30), until, 10)
        .await
        .unwrap();
    assert_eq!(again.len(), 2);
    assert_eq!(again.iter().map(|mail| mail.try_count).max(), Some(1));
    let other = again.iter().find(|mail| mail.id != first[0].id).unwrap();
    outbox::sent(&mut tx, &first[0].id, NOW).await.unwrap();
    outbox::failed(
        &mut tx,
        &other.id,
        Retry {
            error: "no",
            at: None,
        },
        NOW,
    )
    .await
    .unwrap();
    assert!(
        outbox::claim(&mut tx, NOW.plus_days(9), until, 10)
            .await
            .unwrap()
            .is_empty(),
        "sent or given up"
    );
    assert_eq!(
        outbox::sent_for_link(&mut tx, CaseId::from_random([1; 16]).as_str())
            .await
            .unwrap(),
        None
    );
}

async fn mail_that_brought_a_link(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let link = "l1";
    let mails = [format!("link:{link}:addendum:1"), format!("link:{link}")];
    for (at, dedup_key) in [(2, &mails[0]), (1, &mails[1])] {
        let mail = outbox::NewMail {
            dedup_key: dedup_key.clone(),
            to_name: "Dr. Tom",
            to_address: "tom@x.example",
            subject: String::new(),
            body_text: String::new(),
            body_html: String::new(),
            case_id: None,
            link_id: None,
        };
        outbox::queue(&mut tx, &mail, NOW.plus_days(at))
            .await
            .unwrap();
    }
    let queued = outbox::claim(&mut tx, NOW.plus_days(3), NOW.plus_days(4), 9)
        .await
        .unwrap();
    let brought_at = NOW.plus_days(1).as_micros();
    let (brought, later): (Vec<_>, Vec<_>) = queued
        .iter()
        .partition(|mail| mail.created_at == brought_at);
    for (mail, handed_over, expected) in [
        (&later[0].id, NOW.plus_days(5), None),
        (&brought[0].id, NOW.plus_days(4), Some(NOW.plus_days(4))),
    ] {
        outbox::sent(&mut tx, mail, handed_over).await.unwrap();
        let found = outbox::sent_for_link(&mut tx, link).await.unwrap();
        assert_eq!(found, expected.map(Timestamp::as_micros));
    }
}

both!(people_accounts, super::accounts);
both!(people_sessions, super::session_rows);
both!(people_throttles, super::throttles);
both!(people_invitations, super::invitation_rows);
both!(people_mails, super::mails);
both!(people_link_mails, super::mail_that_brought_a_link);
