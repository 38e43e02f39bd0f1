//! Share links: who gets through the door, and who does not.

use overread_model::access::{Actor, Role};
use overread_store::timeline;
use overread_workflow::delivering::{self, LinkProgress, NewLink};
use overread_workflow::treating::{self, Decide, LinkDoor};
use overread_workflow::{StepError, cases, limits, reading};

use crate::house::{House, NOW, assert_forbidden, assert_invalid, assert_not_found, client, join};

fn link() -> NewLink {
    NewLink {
        recipient_name: "Dr. Tom Treating".to_owned(),
        ..NewLink::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_in_its_time_until_it_is_taken_back() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let form = NewLink {
        not_before: "2026-03-10".to_owned(),
        expires_on: "2026-03-12".to_owned(),
        ..link()
    };
    let made = delivering::share(ctx, &house.coordinator, &case_id, &form, NOW)
        .await
        .unwrap();
    let secret = made.secret.reveal();
    assert_not_found(treating::open(ctx, secret, None, None, &client(), NOW).await);
    let inside = NOW.plus_days(9);
    assert!(matches!(
        treating::open(ctx, secret, None, None, &client(), inside).await,
        Ok(LinkDoor::Open(_))
    ));
    assert_not_found(treating::actor(ctx, secret, None, inside).await);
    assert_not_found(treating::open(ctx, secret, None, None, &client(), NOW.plus_days(11)).await);
    assert_invalid(
        treating::decide(ctx, secret, None, None, &Decide::default(), inside).await,
        "decision",
    );
    delivering::revoke(ctx, &house.patient, &case_id, &made.link_id, inside)
        .await
        .unwrap();
    assert_not_found(treating::acknowledge(ctx, secret, None, None, 0, inside).await);
    assert_not_found(
        delivering::revoke(ctx, &house.patient, &case_id, &made.link_id, inside).await,
    );
    let view = delivering::view(ctx, &house.patient, &case_id, inside)
        .await
        .unwrap();
    assert_eq!(view.links[0].progress, LinkProgress::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_guards_and_too_many_wrong_ones_close() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let short = NewLink {
        passcode: "12345".to_owned(),
        ..link()
    };
    assert_invalid(
        delivering::share(ctx, &house.patient, &case_id, &short, NOW).await,
        "passcode",
    );
    let form = NewLink {
        passcode: "blue-heron-7".to_owned(),
        with_images: true,
        ..link()
    };
    let made = delivering::share(ctx, &house.patient, &case_id, &form, NOW)
        .await
        .unwrap();
    let secret = made.secret.reveal();
    assert!(matches!(
        treating::open(ctx, secret, None, None, &client(), NOW).await,
        Ok(LinkDoor::PasscodeNeeded)
    ));
    assert_not_found(treating::report_pdf(ctx, secret, None, None, NOW).await);
    assert_not_found(treating::actor(ctx, secret, Some("1.x"), NOW).await);
    assert_invalid(
        treating::unlock(ctx, secret, "blue-heron-8", &client(), NOW).await,
        "passcode",
    );
    let cookie = treating::unlock(ctx, secret, "blue-heron-7", &client(), NOW)
        .await
        .unwrap();
    assert!(matches!(
        treating::open(ctx, secret, Some(&cookie), None, &client(), NOW).await,
        Ok(LinkDoor::Open(_))
    ));
    treating::actor(ctx, secret, Some(&cookie), NOW)
        .await
        .unwrap();
    let later = NOW.plus_seconds(limits::LINK_UNLOCK_SECONDS);
    assert!(matches!(
        treating::open(ctx, secret, Some(&cookie), None, &client(), later).await,
        Ok(LinkDoor::PasscodeNeeded)
    ));
    // One wrong passcode an hour: slow enough for the throttle, too many for the link.
    for hour in 1..=limits::LINK_PASSCODE_TRIES {
        let at = NOW.plus_seconds(hour * limits::SIGN_IN_WAIT_MAX_SECONDS * 2);
        let refused = treating::unlock(ctx, secret, "not this one", &client(), at).await;
        let expected = if hour == limits::LINK_PASSCODE_TRIES {
            "limit"
        } else {
            "invalid"
        };
        let got = match refused {
            Err(StepError::Invalid(_)) => "invalid",
            Err(StepError::Limit(_)) => "limit",
            _ => "other",
        };
        assert_eq!(got, expected, "{hour}");
    }
    assert_not_found(
        treating::open(
            ctx,
            secret,
            Some(&cookie),
            None,
            &client(),
            NOW.plus_days(1),
        )
        .await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_shares_before_the_release_or_without_a_right() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.signed().await;
    assert_invalid(
        delivering::share(ctx, &house.patient, &case_id, &link(), NOW).await,
        "",
    );
    assert_forbidden(delivering::share(ctx, &house.reviewer, &case_id, &link(), NOW).await);
    let version = house.version(&house.coordinator, &case_id).await;
    // The reviewer has not signed the category yet.
    assert_invalid(
        delivering::release(ctx, &house.coordinator, &case_id, version, NOW).await,
        "",
    );
    assert_forbidden(delivering::release(ctx, &house.patient, &case_id, version, NOW).await);
    assert_not_found(treating::open(ctx, "no such secret", None, None, &client(), NOW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_secrets_is_slowed_down() {
    let house = House::sqlite().await;
    let mut limited = false;
    for number in 0..30 {
        let secret = format!("guess-{number}");
        limited |= matches!(
            treating::open(&house.ctx, &secret, None, None, &client(), NOW).await,
            Err(StepError::Limit(_))
        );
    }
    assert!(limited);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_link_shows_as_overdue() {
    let house = House::sqlite().await;
    let case_id = house.delivered().await;
    delivering::share(&house.ctx, &house.patient, &case_id, &link(), NOW)
        .await
        .unwrap();
    let later = NOW.plus_days(limits::LINK_UNREAD_DAYS);
    let rows = overread_workflow::following::overdue(&house.ctx, &house.coordinator, later)
        .await
        .unwrap();
    assert!(
        rows.iter()
            .any(|row| row.what == "Result not opened by Dr. Tom Treating")
    );
    let view = delivering::view(&house.ctx, &house.patient, &case_id, later)
        .await
        .unwrap();
    assert!(view.links[0].overdue);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_images_only_while_it_opens_and_shares_them() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let with_images = NewLink {
        with_images: true,
        ..link()
    };
    let share = async |form: &NewLink| {
        delivering::share(ctx, &house.patient, &case_id, form, NOW)
            .await
            .unwrap()
    };
    let (made, plain) = (share(&with_images).await, share(&link()).await);
    let actor = treating::actor(ctx, made.secret.reveal(), None, NOW)
        .await
        .unwrap();
    let data = reading::viewer(ctx, &actor, &case_id, NOW).await.unwrap();
    assert_eq!((data.studies.len(), data.studies[0].series.len()), (1, 1));
    let other = house.asked().await;
    assert_not_found(reading::viewer(ctx, &actor, &other, NOW).await);
    let bare = Actor::Link {
        link_id: plain.link_id.clone(),
        case_id: case_id.clone(),
    };
    assert_not_found(reading::viewer(ctx, &bare, &case_id, NOW).await);
    let late = NOW.plus_days(4_000);
    assert_not_found(reading::viewer(ctx, &actor, &case_id, late).await);
    delivering::revoke(ctx, &house.patient, &case_id, &made.link_id, NOW)
        .await
        .unwrap();
    assert_not_found(reading::viewer(ctx, &actor, &case_id, NOW).await);
}

/// A link proves only that somebody has it: whom the browser shows to be another says nothing in the receiver's name.
#[tokio::test(flavor = "multi_thread")]
async fn a_party_of_the_case_confirms_nothing_by_the_link_of_the_physician() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let form = NewLink {
        recipient_email: "tom@clinic.example".to_owned(),
        ..link()
    };
    let made = delivering::share(ctx, &house.patient, &case_id, &form, NOW)
        .await
        .unwrap();
    let secret = made.secret.reveal();
    let progress = async || {
        let act = delivering::view(ctx, &house.patient, &case_id, NOW).await;
        let mut links = act.unwrap().links.into_iter();
        links
            .find(|link| link.link_id == made.link_id)
            .unwrap()
            .progress
    };
    let yes = Decide {
        decision: "plan_unchanged".to_owned(),
        ..Decide::default()
    };
    for party in [&house.patient, &house.coordinator, &house.reviewer] {
        let party = Some(party);
        let opened = treating::open(ctx, secret, None, party, &client(), NOW).await;
        let Ok(LinkDoor::Open(open)) = opened else {
            panic!("the link opens for reading");
        };
        assert!(open.view.is_of_party);
        let said = treating::acknowledge(ctx, secret, None, party, 0, NOW).await;
        assert_invalid(said, "");
        let said = treating::decide(ctx, secret, None, party, &yes, NOW).await;
        assert_invalid(said, "");
    }
    assert_eq!(progress().await, LinkProgress::Sent);
    // Whoever shares types the address: the own one makes nobody the receiver.
    let to_self = NewLink {
        recipient_email: "alex@home.example".to_owned(),
        ..link()
    };
    let own = delivering::share(ctx, &house.patient, &case_id, &to_self, NOW)
        .await
        .unwrap();
    let (own_secret, patient) = (own.secret.reveal(), Some(&house.patient));
    let said = treating::acknowledge(ctx, own_secret, None, patient, 0, NOW).await;
    assert_invalid(said, "");
    treating::report_pdf(ctx, own_secret, None, patient, NOW)
        .await
        .unwrap();
    let mut tx = ctx.store.begin().await.unwrap();
    let reads = timeline::reads(&mut tx, &case_id, 100).await.unwrap();
    tx.commit().await.unwrap();
    assert!(reads.iter().all(|row| row.subject_kind != "link"));
    delivering::revoke(ctx, &house.patient, &case_id, &own.link_id, NOW)
        .await
        .unwrap();
    // The receiver with an account, and somebody whom the case does not know, who may be the receiver.
    let join = async |name: &str, email: &str| {
        let role = Role::ReferringPhysician;
        join(ctx, &house.administrator, name, email, role, None).await
    };
    let tom = join("Tom Treating", "Tom@clinic.example").await;
    let other = join("Olga Other", "olga@clinic.example").await;
    treating::acknowledge(ctx, secret, None, Some(&other), 0, NOW)
        .await
        .unwrap();
    treating::decide(ctx, secret, None, Some(&tom), &yes, NOW)
        .await
        .unwrap();
    assert_eq!(progress().await, LinkProgress::Decided);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_says_nothing_of_having_read() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let made = delivering::share(ctx, &house.patient, &case_id, &link(), NOW)
        .await
        .unwrap();
    let secret = made.secret.reveal();
    let decision = Decide {
        decision: "plan_unchanged".to_owned(),
        ..Decide::default()
    };
    treating::decide(ctx, secret, None, None, &decision, NOW)
        .await
        .unwrap();
    let seen = async || {
        let act = delivering::view(ctx, &house.patient, &case_id, NOW)
            .await
            .unwrap();
        let case = cases::journey(ctx, &house.patient, &case_id, NOW)
            .await
            .unwrap();
        let row = act.links.into_iter().next().unwrap();
        (row.acknowledged_at, row.progress, case.sentence)
    };
    let (read_at, progress, sentence) = seen().await;
    assert_eq!((read_at, progress), (None, LinkProgress::Decided));
    assert!(sentence.contains("has not confirmed reading"), "{sentence}");
    treating::acknowledge(ctx, secret, None, None, 0, NOW)
        .await
        .unwrap();
    let (read_at, _, sentence) = seen().await;
    assert_eq!(read_at, Some(NOW));
    assert!(sentence.contains("has read the result"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_day_of_a_link_is_the_same_wherever_it_is_told() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let act = async |at| {
        delivering::view(ctx, &house.patient, &case_id, at)
            .await
            .unwrap()
    };
    let offered = act(NOW).await.suggested.expires_on;
    assert_eq!(offered, "2026-04-01");
    for (typed, last) in [
        ("", "2026-04-01"),
        (offered.as_str(), "2026-04-01"),
        ("2026-03-12", "2026-03-12"),
    ] {
        let form = NewLink {
            expires_on: typed.to_owned(),
            recipient_email: "tom@clinic.example".to_owned(),
            ..link()
        };
        let made = delivering::share(ctx, &house.patient, &case_id, &form, NOW)
            .await
            .unwrap();
        let secret = made.secret.reveal();
        let told = async |at| {
            let row = act(at).await.links.into_iter();
            let mut row = row.filter(|row| row.link_id == made.link_id);
            row.next().unwrap().open_until
        };
        let until = told(NOW).await;
        assert_eq!(until.date().to_string(), last, "{typed:?}");
        assert_eq!(told(NOW.plus_days(3)).await, until, "however late it is");
        let opened = treating::open(ctx, secret, None, None, &client(), until).await;
        let Ok(LinkDoor::Open(open)) = opened else {
            panic!("it opens until its last moment");
        };
        assert_eq!(open.view.open_until, until);
        let after = until.plus_seconds(1);
        assert_not_found(treating::open(ctx, secret, None, None, &client(), after).await);
        delivering::revoke(ctx, &house.patient, &case_id, &made.link_id, NOW)
            .await
            .unwrap();
    }
}
