//! First start, invitations, signing in, sessions.

use overread_model::access::{Actor, Role};
use overread_workflow::inviting::{self, AcceptInvitation, Invite};
use overread_workflow::sessions::{self, ChangePassword};
use overread_workflow::setup::{self, FirstAdministrator};
use overread_workflow::signing_in::{self, Client, SignIn};
use overread_workflow::{StepError, Workflow, limits, people};

use crate::house::{
    NOW, PASSWORD, assert_forbidden, assert_invalid, assert_not_found, client, first_administrator,
    join, rooms,
};

async fn sign_in(
    ctx: &Workflow,
    email: &str,
    password: &str,
    seconds: i64,
) -> Result<sessions::NewSession, StepError> {
    let form = SignIn {
        email: email.to_owned(),
        password: password.to_owned(),
    };
    signing_in::sign_in(ctx, &form, &client(), NOW.plus_seconds(seconds)).await
}

/// Tries one password from an address, in a browser that shows this cookie.
async fn try_from(
    ctx: &Workflow,
    (address, known_browser): (&str, &str),
    password: &str,
    seconds: i64,
) -> Result<sessions::NewSession, StepError> {
    let form = SignIn {
        email: "ada@harbour.example".to_owned(),
        password: password.to_owned(),
    };
    let client = Client {
        address: address.to_owned(),
        known_browser: known_browser.to_owned(),
        ..client()
    };
    signing_in::sign_in(ctx, &form, &client, NOW.plus_seconds(seconds)).await
}

const WRONG: &str = "not the password at all";

#[tokio::test(flavor = "multi_thread")]
async fn the_setup_secret_works_once_and_only_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    let old = setup::prepare(&ctx, NOW).await.unwrap().unwrap();
    let new = setup::prepare(&ctx, NOW).await.unwrap().unwrap();
    assert!(!old.replaces_another && new.replaces_another);
    let (old, new) = (old.secret, new.secret);
    assert_not_found(setup::open(&ctx, old.reveal(), NOW).await);
    setup::open(&ctx, new.reveal(), NOW).await.unwrap();
    let mut form = FirstAdministrator {
        name: "Ada Admin".to_owned(),
        email: "ada@harbour.example".to_owned(),
        password: "short".to_owned(),
        password_again: "short".to_owned(),
        also_coordinator: true,
    };
    assert_invalid(
        setup::create_administrator(&ctx, new.reveal(), &form, &client(), NOW).await,
        "password",
    );
    form.password = PASSWORD.to_owned();
    form.password_again = PASSWORD.to_owned();
    let session = setup::create_administrator(&ctx, new.reveal(), &form, &client(), NOW)
        .await
        .unwrap();
    let signed_in = sessions::find(&ctx, session.token.reveal(), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(signed_in.roles, [Role::Coordinator, Role::Administrator]);
    assert_not_found(setup::create_administrator(&ctx, new.reveal(), &form, &client(), NOW).await);
    assert!(setup::prepare(&ctx, NOW).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_tells_nothing_and_slows_guessing_down() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    first_administrator(&ctx).await;
    let wrong = sign_in(&ctx, "ada@harbour.example", "not the password at all", 0)
        .await
        .err()
        .unwrap();
    let unknown = sign_in(&ctx, "nobody@harbour.example", "not the password at all", 0)
        .await
        .err()
        .unwrap();
    assert_eq!(wrong.to_string(), unknown.to_string());
    sign_in(&ctx, " ADA@harbour.example ", PASSWORD, 0)
        .await
        .unwrap();
    for _ in 0..limits::SIGN_IN_FREE_TRIES {
        assert_invalid(
            sign_in(&ctx, "ada@harbour.example", "not the password at all", 1).await,
            "",
        );
    }
    assert!(matches!(
        sign_in(&ctx, "ada@harbour.example", PASSWORD, 2).await,
        Err(StepError::Limit(_))
    ));
    // Another account is not held up, and this one is not for ever.
    assert_invalid(
        sign_in(&ctx, "other@harbour.example", "not the password at all", 2).await,
        "",
    );
    sign_in(
        &ctx,
        "ada@harbour.example",
        PASSWORD,
        2 + limits::SIGN_IN_WAIT_SECONDS,
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_fill_the_audit_trail() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    first_administrator(&ctx).await;
    let rows = async || {
        let mut tx = ctx.store.read().await.unwrap();
        let proof = overread_store::audit::prove(&mut tx).await.unwrap();
        assert_eq!(proof.broken_at, None);
        proof.rows
    };
    let before = rows().await;
    let tries = 20;
    for number in 0..tries {
        let email = format!("nobody{number}@harbour.example");
        assert_invalid(sign_in(&ctx, &email, "not the password", number).await, "");
    }
    assert_eq!(rows().await - before, 5, "the tries 1, 2, 4, 8 and 16");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_lock_the_owner_out() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    first_administrator(&ctx).await;
    let office = ("192.0.2.7", "");
    let known = try_from(&ctx, office, PASSWORD, 0).await.unwrap();
    let known = known.known_browser.reveal();
    // A stranger far away types until it takes a quarter of an hour.
    let mut refused = 0;
    for minute in 0..90 {
        let tried = try_from(&ctx, ("198.51.100.9", ""), WRONG, minute * 60).await;
        refused += i32::from(matches!(tried, Err(StepError::Limit(_))));
    }
    assert!(refused > 70, "the stranger waits: {refused}");
    let at = 90 * 60;
    try_from(&ctx, ("203.0.113.5", ""), PASSWORD, at)
        .await
        .unwrap();
    // A colleague behind the same address does the same: a browser the owner used before still opens.
    for _ in 0..limits::SIGN_IN_FREE_TRIES {
        assert_invalid(try_from(&ctx, office, WRONG, at).await, "");
    }
    assert!(matches!(
        try_from(&ctx, office, PASSWORD, at).await,
        Err(StepError::Limit(_))
    ));
    try_from(&ctx, (office.0, known), PASSWORD, at)
        .await
        .unwrap();
    // A known browser is no way to guess on, and a forged one is none.
    for _ in 0..limits::SIGN_IN_FREE_TRIES {
        assert_invalid(try_from(&ctx, (office.0, known), WRONG, at).await, "");
    }
    for cookie in [known, "x~y", &known.replace('~', "~~")] {
        assert!(matches!(
            try_from(&ctx, (office.0, cookie), PASSWORD, at).await,
            Err(StepError::Limit(_))
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_from_many_places_is_bounded_and_a_network_is_never_closed() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    first_administrator(&ctx).await;
    let known = try_from(&ctx, ("192.0.2.7", ""), PASSWORD, 0)
        .await
        .unwrap();
    for place in 0..limits::SIGN_IN_FREE_TRIES_EVERYWHERE {
        let address = format!("2001:db8:{place:x}::1");
        assert_invalid(try_from(&ctx, (&address, ""), WRONG, 1).await, "");
    }
    let new = try_from(&ctx, ("203.0.113.5", ""), PASSWORD, 2).await;
    assert!(matches!(new, Err(StepError::Limit(_))));
    let known = known.known_browser.reveal();
    try_from(&ctx, ("203.0.113.5", known), PASSWORD, 2)
        .await
        .unwrap();
    let soon = 2 + limits::SIGN_IN_WAIT_MAX_SECONDS_EVERYWHERE;
    try_from(&ctx, ("203.0.113.5", ""), PASSWORD, soon)
        .await
        .unwrap();
    // Somebody behind one address tries every name: each has one try left there, and the owner is right at once.
    for name in 0..limits::SIGN_IN_FREE_TRIES_NETWORK {
        let email = format!("name{name}@harbour.example");
        assert_invalid(sign_in(&ctx, &email, WRONG, soon).await, "");
    }
    let other = "other@harbour.example";
    assert_invalid(sign_in(&ctx, other, WRONG, soon).await, "");
    assert!(matches!(
        sign_in(&ctx, other, WRONG, soon).await,
        Err(StepError::Limit(_))
    ));
    sign_in(&ctx, "ada@harbour.example", PASSWORD, soon)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_when_idle_at_their_end_and_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    first_administrator(&ctx).await;
    let session = sign_in(&ctx, "ada@harbour.example", PASSWORD, 0)
        .await
        .unwrap();
    let token = session.token.reveal();
    let at = |minutes: i64| NOW.plus_seconds(minutes * 60);
    let first = sessions::find(&ctx, token, at(29)).await.unwrap().unwrap();
    assert!(sessions::csrf_matches(&first, &first.csrf) && !sessions::csrf_matches(&first, "x"));
    assert!(
        sessions::find(&ctx, token, at(58)).await.unwrap().is_some(),
        "a visit keeps it"
    );
    assert!(
        sessions::find(&ctx, token, at(89)).await.unwrap().is_none(),
        "31 minutes idle end it"
    );
    let busy = sign_in(&ctx, "ada@harbour.example", PASSWORD, 0)
        .await
        .unwrap();
    for half_hour in 1..=24 {
        let alive = sessions::find(&ctx, busy.token.reveal(), at(half_hour * 29))
            .await
            .unwrap()
            .is_some();
        assert!(alive, "{half_hour}");
    }
    assert!(
        sessions::find(&ctx, busy.token.reveal(), at(12 * 60 + 1))
            .await
            .unwrap()
            .is_none(),
        "12 hours end it"
    );
    let other = sign_in(&ctx, "ada@harbour.example", PASSWORD, 0)
        .await
        .unwrap();
    let other = sessions::find(&ctx, other.token.reveal(), NOW)
        .await
        .unwrap()
        .unwrap();
    sessions::sign_out(&ctx, &other, NOW).await.unwrap();
    assert!(
        sessions::list(&ctx, &other, NOW)
            .await
            .unwrap()
            .iter()
            .all(|row| !row.current)
    );
    assert!(
        sessions::find(&ctx, "no such token", NOW)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_other_session() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    first_administrator(&ctx).await;
    let here = sign_in(&ctx, "ada@harbour.example", PASSWORD, 0)
        .await
        .unwrap();
    let there = sign_in(&ctx, "ada@harbour.example", PASSWORD, 0)
        .await
        .unwrap();
    let signed_in = sessions::find(&ctx, here.token.reveal(), NOW)
        .await
        .unwrap()
        .unwrap();
    let mut form = ChangePassword {
        current_password: "not the password at all".to_owned(),
        password: "seven boats left the harbour".to_owned(),
        password_again: "seven boats left the harbour".to_owned(),
    };
    assert_invalid(
        sessions::change_password(&ctx, &signed_in, &form, NOW).await,
        "current_password",
    );
    form.current_password = PASSWORD.to_owned();
    sessions::change_password(&ctx, &signed_in, &form, NOW)
        .await
        .unwrap();
    assert!(
        sessions::find(&ctx, here.token.reveal(), NOW)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        sessions::find(&ctx, there.token.reveal(), NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert_invalid(sign_in(&ctx, "ada@harbour.example", PASSWORD, 0).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_work_once_until_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    let ada = first_administrator(&ctx).await;
    let invite = |email: &str, role| Invite {
        name: "Some One".to_owned(),
        email: email.to_owned(),
        role,
        case_id: None,
        language: "en".to_owned(),
    };
    let form = AcceptInvitation {
        name: String::new(),
        password: PASSWORD.to_owned(),
        password_again: PASSWORD.to_owned(),
    };
    let first = inviting::invite(&ctx, &ada, &invite("one@x.example", Role::Coordinator), NOW)
        .await
        .unwrap();
    let late = NOW.plus_days(limits::INVITATION_DAYS);
    assert_not_found(inviting::open(&ctx, first.secret.reveal(), late).await);
    assert!(
        !inviting::open(&ctx, first.secret.reveal(), NOW)
            .await
            .unwrap()
            .has_account
    );
    inviting::accept(&ctx, first.secret.reveal(), &form, &client(), NOW)
        .await
        .unwrap();
    assert_not_found(inviting::accept(&ctx, first.secret.reveal(), &form, &client(), NOW).await);
    let second = inviting::invite(&ctx, &ada, &invite("two@x.example", Role::Reviewer), NOW)
        .await
        .unwrap();
    inviting::revoke(&ctx, &ada, &second.invitation_id, None, NOW)
        .await
        .unwrap();
    assert_not_found(inviting::open(&ctx, second.secret.reveal(), NOW).await);
    // The account exists: its own password is asked, and the role is added.
    let third = inviting::invite(&ctx, &ada, &invite("ONE@x.example", Role::Reviewer), NOW)
        .await
        .unwrap();
    let wrong = AcceptInvitation {
        password: "not the password at all".to_owned(),
        ..form.clone()
    };
    assert_invalid(
        inviting::accept(&ctx, third.secret.reveal(), &wrong, &client(), NOW).await,
        "password",
    );
    let session = inviting::accept(&ctx, third.secret.reveal(), &form, &client(), NOW)
        .await
        .unwrap();
    let one = sessions::find(&ctx, session.token.reveal(), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(one.roles, [Role::Coordinator, Role::Reviewer]);
    sessions::switch_role(&ctx, &one, Role::Reviewer, NOW)
        .await
        .unwrap();
    assert_forbidden(sessions::switch_role(&ctx, &one, Role::Administrator, NOW).await);
    assert_eq!(inviting::list(&ctx, &ada, NOW).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_keep_people_and_one_always_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, None).await;
    let ada = first_administrator(&ctx).await;
    let patient = join(
        &ctx,
        &ada,
        "Alex Sample",
        "alex@home.example",
        Role::Patient,
        None,
    )
    .await;
    let (
        Actor::Person {
            person_id: ada_id, ..
        },
        Actor::Person {
            person_id: patient_id,
            ..
        },
    ) = (&ada, &patient)
    else {
        panic!("both are people");
    };
    assert_forbidden(people::list(&ctx, &patient, NOW).await);
    assert_forbidden(
        people::set_roles(&ctx, &patient, patient_id, &[Role::Administrator], NOW).await,
    );
    assert_forbidden(inviting::list(&ctx, &patient, NOW).await);
    assert_invalid(
        people::set_roles(&ctx, &ada, ada_id, &[Role::Coordinator], NOW).await,
        "",
    );
    assert_invalid(
        people::set_disabled(&ctx, &ada, ada_id, true, NOW).await,
        "",
    );
    let session = sign_in(&ctx, "alex@home.example", PASSWORD, 0)
        .await
        .unwrap();
    people::set_disabled(&ctx, &ada, patient_id, true, NOW)
        .await
        .unwrap();
    assert!(
        sessions::find(&ctx, session.token.reveal(), NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert_invalid(sign_in(&ctx, "alex@home.example", PASSWORD, 0).await, "");
    people::set_disabled(&ctx, &ada, patient_id, false, NOW)
        .await
        .unwrap();
    sign_in(&ctx, "alex@home.example", PASSWORD, 0)
        .await
        .unwrap();
    assert_eq!(people::list(&ctx, &ada, NOW).await.unwrap().len(), 2);
}
