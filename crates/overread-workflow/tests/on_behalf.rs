//! A request that a coordinator writes down for somebody else: who is invited, who signs, and a consent signed on paper.

use overread_model::access::{Actor, Right, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::grants;
use overread_workflow::asking::{self, AskStep};
use overread_workflow::cases::{self, CaseFilter, CaseView};
use overread_workflow::consenting::{self, PaperConsent};
use overread_workflow::inviting::{self, AcceptInvitation, Invite};
use overread_workflow::{StepError, choosing, reading, records};

use crate::house::{
    House, NOW, PASSWORD, assert_forbidden, assert_invalid, assert_not_found, client, consent,
    disc, join, steps,
};

/// A request that the coordinator wrote down and sent.
async fn asked_for(house: &House, requester: &str, sender: &str) -> CaseId {
    let (ctx, cora) = (&house.ctx, &house.coordinator);
    let case_id = asking::start(ctx, cora, NOW).await.unwrap();
    for (version, mut step) in (1..).zip(steps()) {
        if let AskStep::Who(who) = &mut step {
            who.requester = requester.to_owned();
            who.sender_name = sender.to_owned();
            who.sender_email = "pat@mail.example".to_owned();
            if requester != "patient" {
                (who.relation, who.authority) = ("mother".to_owned(), "mother".to_owned());
            }
        }
        asking::save(ctx, cora, &case_id, version, step, NOW)
            .await
            .unwrap();
    }
    let view = asking::view(ctx, cora, &case_id, NOW).await.unwrap();
    assert!(view.can_submit, "{:?}", view.problems);
    asking::submit(ctx, cora, &case_id, view.version, NOW)
        .await
        .unwrap();
    case_id
}

async fn seen(house: &House, actor: &Actor, case_id: &CaseId) -> CaseView {
    cases::journey(&house.ctx, actor, case_id, NOW)
        .await
        .unwrap()
}

fn to_case(case_id: &CaseId, email: &str, role: Role) -> Invite {
    Invite {
        name: "Alex Sample".to_owned(),
        email: email.to_owned(),
        role,
        case_id: Some(case_id.clone()),
        language: "en".to_owned(),
    }
}

fn taken(password: &str) -> AcceptInvitation {
    AcceptInvitation {
        name: String::new(),
        password: password.to_owned(),
        password_again: password.to_owned(),
    }
}

/// Makes a paper say what no paper may.
type Spoil = fn(&mut PaperConsent);

fn paper() -> PaperConsent {
    PaperConsent {
        scope_review: true,
        scope_letters: true,
        receivers: "Harbour Imaging".to_owned(),
        signed_on: "2026-02-27".to_owned(),
        expires_on: "2026-12-31".to_owned(),
        signature: "Alex Sample".to_owned(),
        paper_at: "Folder 12 at the desk".to_owned(),
        ..PaperConsent::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_patient_is_invited_joins_signs_and_brings_images() {
    invited_joins_signs_and_brings_images(House::sqlite().await).await;
    if let Some(house) = House::postgres("on_behalf_invited").await {
        invited_joins_signs_and_brings_images(house).await;
    }
}

async fn invited_joins_signs_and_brings_images(house: House) {
    let (ctx, cora) = (&house.ctx, &house.coordinator);
    let case_id = asked_for(&house, "patient", "Alex Sample").await;
    let before = seen(&house, cora, &case_id).await;
    assert_eq!(before.row.whose_turn, "the patient");
    assert!(!before.row.your_turn);
    let next = before.next.unwrap();
    assert_eq!(next.action, "Invite the patient to sign");
    assert_eq!(next.path, format!("/cases/{case_id}/invite"));
    let people = inviting::in_case(ctx, cora, &case_id, NOW).await.unwrap();
    assert!(people.lacks_signer);
    assert_eq!(
        (people.next.name.as_str(), people.next.email.as_str()),
        ("Alex Sample", "pat@mail.example")
    );
    assert_eq!(people.next.role, Role::Patient);
    let own = to_case(&case_id, "Cora@Harbour.example", Role::Patient);
    assert_invalid(inviting::invite(ctx, cora, &own, NOW).await, "email");
    assert!(matches!(
        consenting::sign(ctx, cora, &case_id, &consent(), NOW).await,
        Err(StepError::Forbidden)
    ));

    let invited = inviting::invite(ctx, cora, &people.next, NOW)
        .await
        .unwrap();
    let waiting = seen(&house, cora, &case_id).await;
    assert_eq!(waiting.next.unwrap().action, "See who was invited");
    let secret = invited.secret.reveal();
    let session = inviting::accept(ctx, secret, &taken(PASSWORD), &client(), NOW)
        .await
        .unwrap();
    let pat = Actor::Person {
        person_id: session.person_id,
        role: Role::Patient,
    };
    let list = cases::list(ctx, &pat, CaseFilter::Open, NOW).await.unwrap();
    assert_eq!(list.len(), 1);
    assert!(list[0].your_turn && list[0].next == "Sign the consent");
    let joined = seen(&house, cora, &case_id).await;
    assert_eq!(joined.row.whose_turn, "the patient");
    assert!(joined.next.unwrap().path.is_empty());

    // The account of the patient who was here before sees nothing of it.
    assert_not_found(cases::journey(ctx, &house.patient, &case_id, NOW).await);
    assert_not_found(consenting::sign(ctx, &house.patient, &case_id, &consent(), NOW).await);
    let mut wrong = consent();
    wrong.signature = "Somebody Else".to_owned();
    assert_invalid(
        consenting::sign(ctx, &pat, &case_id, &wrong, NOW).await,
        "signature",
    );
    consenting::sign(ctx, &pat, &case_id, &consent(), NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "records_collecting");
    let zip = std::io::Cursor::new(
        overread_testkit::disc::zip_of(&disc("Sample^Alex", 1), true).unwrap(),
    );
    let incoming = records::Incoming::Zip(zip);
    records::receive(ctx, &pat, Some(&case_id), incoming, NOW)
        .await
        .unwrap();
    assert_ne!(house.state(&case_id).await, "records_collecting");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_exists_is_tied_with_its_password_to_that_case_alone() {
    let house = House::sqlite().await;
    let (ctx, cora) = (&house.ctx, &house.coordinator);
    let case_id = asked_for(&house, "patient", "Alex Sample").await;
    let other = asked_for(&house, "patient", "Alex Sample").await;
    let invite = to_case(&case_id, "alex@home.example", Role::Patient);
    let invited = inviting::invite(ctx, cora, &invite, NOW).await.unwrap();
    let secret = invited.secret.reveal();
    assert!(inviting::open(ctx, secret, NOW).await.unwrap().has_account);
    let wrong = inviting::accept(ctx, secret, &taken("no such one"), &client(), NOW).await;
    assert!(wrong.is_err());
    assert_not_found(cases::journey(ctx, &house.patient, &case_id, NOW).await);
    inviting::accept(ctx, secret, &taken(PASSWORD), &client(), NOW)
        .await
        .unwrap();
    consenting::sign(ctx, &house.patient, &case_id, &consent(), NOW)
        .await
        .unwrap();
    assert_not_found(cases::journey(ctx, &house.patient, &other, NOW).await);
    assert!(
        inviting::accept(ctx, secret, &taken(PASSWORD), &client(), NOW)
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_representative_signs_in_their_own_name_with_their_authority() {
    let house = House::sqlite().await;
    let (ctx, cora) = (&house.ctx, &house.coordinator);
    let case_id = asked_for(&house, "parent_guardian", "Mona Sample").await;
    let before = seen(&house, cora, &case_id).await;
    assert_eq!(before.row.whose_turn, "the representative");
    assert_eq!(
        before.next.unwrap().action,
        "Invite the representative to sign"
    );
    let next = inviting::in_case(ctx, cora, &case_id, NOW)
        .await
        .unwrap()
        .next;
    assert_eq!(
        (next.name.as_str(), next.role),
        ("Mona Sample", Role::Representative)
    );
    let mona = join(
        ctx,
        cora,
        &next.name,
        &next.email,
        next.role,
        Some(case_id.clone()),
    )
    .await;
    let mut form = consent();
    form.signature = "Mona Sample".to_owned();
    assert_invalid(
        consenting::sign(ctx, &mona, &case_id, &form, NOW).await,
        "authority",
    );
    form.authority = "mother".to_owned();
    consenting::sign(ctx, &mona, &case_id, &form, NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "records_collecting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_joins_only_while_the_consent_allows_it() {
    let house = House::sqlite().await;
    let (ctx, cora, patient) = (&house.ctx, &house.coordinator, &house.patient);
    let case_id = house.asked().await;
    let invite = to_case(&case_id, "tom@clinic.example", Role::ReferringPhysician);
    assert_invalid(inviting::invite(ctx, cora, &invite, NOW).await, "");
    consenting::sign(ctx, patient, &case_id, &consent(), NOW)
        .await
        .unwrap();
    let early = inviting::invite(ctx, cora, &invite, NOW).await.unwrap();
    let tom = join(
        ctx,
        patient,
        "Tom Treating",
        "tom@clinic.example",
        Role::ReferringPhysician,
        Some(case_id.clone()),
    )
    .await;
    seen(&house, &tom, &case_id).await;
    let other = house.asked().await;
    assert_not_found(cases::journey(ctx, &tom, &other, NOW).await);
    consenting::revoke(ctx, patient, &case_id, "", NOW)
        .await
        .unwrap();
    assert_not_found(cases::journey(ctx, &tom, &case_id, NOW).await);
    // What was sent before opens nothing any more.
    let late = inviting::accept(ctx, early.secret.reveal(), &taken(PASSWORD), &client(), NOW).await;
    assert_not_found(late.map(|_| ()));
    assert_not_found(cases::journey(ctx, &tom, &case_id, NOW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_on_paper_counts_as_it_says_and_is_taken_back() {
    counts_as_it_says_and_is_taken_back(House::sqlite().await).await;
    if let Some(house) = House::postgres("on_behalf_paper").await {
        counts_as_it_says_and_is_taken_back(house).await;
    }
}

async fn counts_as_it_says_and_is_taken_back(house: House) {
    let (ctx, cora) = (&house.ctx, &house.coordinator);
    let case_id = asked_for(&house, "patient", "Alex Sample").await;
    assert_not_found(consenting::enter_paper(ctx, &house.patient, &case_id, &paper(), NOW).await);
    let own = house.asked().await;
    assert!(matches!(
        consenting::enter_paper(ctx, &house.patient, &own, &paper(), NOW).await,
        Err(StepError::Forbidden)
    ));
    let broken: [(&str, Spoil); 13] = [
        ("signed_on", |form| form.signed_on = "0001-01-01".to_owned()),
        ("signed_on", |form| form.signed_on = "1900-01-01".to_owned()),
        // A day longer ago than a consent may hold.
        ("signed_on", |form| form.signed_on = "2023-03-02".to_owned()),
        // Longer after the signature than a consent may hold.
        ("expires_on", |form| {
            form.expires_on = "2029-02-27".to_owned();
        }),
        ("paper_at", |form| form.paper_at = "\u{200B}".to_owned()),
        ("receivers", |form| form.receivers = "\u{2060} ".to_owned()),
        ("authority", |form| {
            form.signature = "Mona Sample".to_owned();
            form.authority = "\u{200B} .".to_owned();
        }),
        ("scope_review", |form| form.scope_review = false),
        ("signed_on", |form| form.signed_on = "2026-03-04".to_owned()),
        ("expires_on", |form| {
            form.expires_on = "2026-03-01".to_owned()
        }),
        ("authority", |form| {
            form.signature = "Mona Sample".to_owned()
        }),
        ("paper_at", |form| form.paper_at = " ".to_owned()),
        ("signature", |form| form.signature = String::new()),
    ];
    for (field, spoil) in broken {
        let mut form = paper();
        spoil(&mut form);
        assert_invalid(
            consenting::enter_paper(ctx, cora, &case_id, &form, NOW).await,
            field,
        );
    }
    consenting::enter_paper(ctx, cora, &case_id, &paper(), NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "records_collecting");
    assert_invalid(
        consenting::enter_paper(ctx, cora, &case_id, &paper(), NOW).await,
        "",
    );
    let view = consenting::view(ctx, cora, &case_id, NOW).await.unwrap();
    let row = &view.signed[0];
    assert!(row.active && view.may_revoke && !view.may_sign);
    assert_eq!(
        (row.entered_by.as_str(), row.paper_at.as_str()),
        ("Cora Coordinator", "Folder 12 at the desk")
    );
    assert_eq!(row.scopes, ["review", "letters"]);
    assert_eq!(row.signed_at.date().to_string(), "2026-02-27");

    // Whose signature it bears joins later, and takes it back here.
    let pat = join(
        ctx,
        cora,
        "Alex Sample",
        "pat@mail.example",
        Role::Patient,
        Some(case_id.clone()),
    )
    .await;
    consenting::revoke(ctx, &pat, &case_id, "", NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "on_hold");
    // The old paper does not bring it back; a newer one does, and is taken back for who writes a letter.
    assert_invalid(
        consenting::enter_paper(ctx, cora, &case_id, &paper(), NOW).await,
        "signed_on",
    );
    let later = NOW.plus_days(3);
    let mut newer = paper();
    newer.signed_on = "2026-03-04".to_owned();
    consenting::enter_paper(ctx, cora, &case_id, &newer, later)
        .await
        .unwrap();
    assert_invalid(
        consenting::revoke(ctx, cora, &case_id, " ", later).await,
        "reason",
    );
    consenting::revoke(ctx, cora, &case_id, "Letter of 5 March", later)
        .await
        .unwrap();
    let view = consenting::view(ctx, cora, &case_id, later).await.unwrap();
    assert!(view.signed.iter().all(|row| !row.active));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_paper_was_signed_before_the_patient_was_born() {
    let house = House::sqlite().await;
    let (ctx, cora) = (&house.ctx, &house.coordinator);
    let case_id = asked_for(&house, "parent_guardian", "Mona Sample").await;
    let born = async |day: &str| {
        let view = asking::view(ctx, cora, &case_id, NOW).await.unwrap();
        let who = AskStep::Who(asking::Who {
            patient_birth_date: day.to_owned(),
            ..view.who
        });
        asking::correct(
            ctx,
            cora,
            &case_id,
            view.version,
            who,
            "As the mother says.",
            NOW,
        )
        .await
        .unwrap();
    };
    born("2026-02-20").await;
    let mut form = paper();
    (form.signature, form.authority) = ("Mona Sample".to_owned(), "mother".to_owned());
    form.signed_on = "2026-02-19".to_owned();
    assert_invalid(
        consenting::enter_paper(ctx, cora, &case_id, &form, NOW).await,
        "signed_on",
    );
    form.signed_on = "2026-02-20".to_owned();
    consenting::enter_paper(ctx, cora, &case_id, &form, NOW)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_here_is_not_taken_back_by_a_coordinator() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    assert!(matches!(
        consenting::revoke(&house.ctx, &house.coordinator, &case_id, "By phone", NOW).await,
        Err(StepError::Forbidden)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_or_runs_a_case_is_not_let_in_as_anybody_else() {
    let house = House::sqlite().await;
    let (ctx, cora, patient) = (&house.ctx, &house.coordinator, &house.patient);
    let case_id = house.consented().await;
    let others = [
        Role::Patient,
        Role::Representative,
        Role::Insurer,
        Role::ReferringPhysician,
    ];
    // Invited before they came to read or run it.
    let asked = async |email: &str| {
        let invite = to_case(&case_id, email, Role::Representative);
        inviting::invite(ctx, cora, &invite, NOW).await.unwrap()
    };
    let (rosa, cleo) = (
        asked("Rosa@coast.example").await,
        asked("cleo@harbour.example").await,
    );
    join(
        ctx,
        &house.administrator,
        "Cleo Coordinator",
        "cleo@harbour.example",
        Role::Coordinator,
        None,
    )
    .await;
    let case_id = &case_id;
    house.deliver(case_id, &disc("Sample^Alex", 1)).await;
    let reason = "It was never written.";
    reading::declare_original_missing(ctx, patient, case_id, reason, NOW)
        .await
        .unwrap();
    house.accept_records(case_id).await;
    house.offer(case_id).await;
    for email in ["rosa@coast.example", "Cleo@harbour.example"] {
        for role in others {
            let invite = to_case(case_id, email, role);
            assert_invalid(inviting::invite(ctx, cora, &invite, NOW).await, "email");
        }
        let invite = to_case(case_id, email, Role::Representative);
        assert_invalid(inviting::invite(ctx, patient, &invite, NOW).await, "email");
    }
    for early in [&rosa, &cleo] {
        let secret = early.secret.reveal();
        let late = inviting::accept(ctx, secret, &taken(PASSWORD), &client(), NOW).await;
        assert_invalid(late.map(|_| ()), "");
    }
    let as_rosa = Actor::Person {
        person_id: house.reviewer.id().parse().unwrap(),
        role: Role::Representative,
    };
    assert_not_found(cases::journey(ctx, &as_rosa, case_id, NOW).await);

    // Even where an older tie stands, who reads neither takes back nor signs.
    let mut tx = ctx.store.begin().await.unwrap();
    grants::tie(&mut tx, case_id, as_rosa.id(), "asked")
        .await
        .unwrap();
    let grant = grants::NewGrant {
        case_id,
        subject_kind: "person",
        subject_id: as_rosa.id(),
        rights: &[Right::ViewCase, Right::AddRecords],
        until_at: None,
    };
    grants::give(&mut tx, grant, cora, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_forbidden(consenting::revoke(ctx, &as_rosa, case_id, "", NOW).await);
    assert_forbidden(consenting::sign(ctx, &as_rosa, case_id, &consent(), NOW).await);
    assert_forbidden(consenting::allow_insurer(ctx, &as_rosa, case_id, "Rosa Reader", NOW).await);

    // Of another case she may be a representative, and then she is not chosen to read it.
    let other = house.matching().await;
    let role = Role::Representative;
    let (name, email) = ("Rosa Reader", "rosa@coast.example");
    let version = house.version(cora, &other).await;
    join(ctx, cora, name, email, role, Some(other.clone())).await;
    assert_invalid(
        choosing::choose(ctx, cora, &other, version, &house.reviewer_id, NOW).await,
        "reviewer",
    );
}

/// Lets somebody take an invitation of that moment.
async fn let_in(house: &House, by: &Actor, invite: &Invite, at: Timestamp) -> Actor {
    let invited = inviting::invite(&house.ctx, by, invite, at).await.unwrap();
    let secret = invited.secret.reveal();
    let session = inviting::accept(&house.ctx, secret, &taken(PASSWORD), &client(), at)
        .await
        .unwrap();
    Actor::Person {
        person_id: session.person_id,
        role: invite.role,
    }
}

fn acting(case_id: &CaseId, email: &str) -> Invite {
    Invite {
        name: "Rita Rep".to_owned(),
        ..to_case(case_id, email, Role::Representative)
    }
}

async fn only_the_patient_signs_anew(house: House) {
    let (ctx, cora, patient) = (&house.ctx, &house.coordinator, &house.patient);
    let case_id = house.consented().await;
    let early = let_in(&house, cora, &acting(&case_id, "early@home.example"), NOW).await;
    let mut open = Vec::new();
    for (email, role) in [
        ("open@home.example", Role::Representative),
        ("open@clinic.example", Role::ReferringPhysician),
    ] {
        let invite = to_case(&case_id, email, role);
        open.push(inviting::invite(ctx, cora, &invite, NOW).await.unwrap());
    }
    let other = house.consented().await;
    let elsewhere = acting(&other, "elsewhere@home.example");
    let elsewhere = inviting::invite(ctx, cora, &elsewhere, NOW).await.unwrap();

    consenting::revoke(ctx, patient, &case_id, "", NOW)
        .await
        .unwrap();
    for invited in &open {
        let secret = invited.secret.reveal();
        assert_not_found(inviting::open(ctx, secret, NOW).await.map(|_| ()));
        let late = inviting::accept(ctx, secret, &taken(PASSWORD), &client(), NOW).await;
        assert_not_found(late.map(|_| ()));
    }
    let secret = elsewhere.secret.reveal();
    assert!(inviting::open(ctx, secret, NOW).await.is_ok());

    let later = NOW.plus_days(1);
    let late = let_in(&house, cora, &acting(&case_id, "late@home.example"), later).await;
    let form = consenting::SignConsent {
        signature: "Rita Rep".to_owned(),
        authority: "mother".to_owned(),
        ..consent()
    };
    for rita in [&early, &late] {
        let view = consenting::view(ctx, rita, &case_id, later).await.unwrap();
        assert!(!view.may_sign && view.waits_for_patient);
        assert_invalid(
            consenting::sign(ctx, rita, &case_id, &form, later).await,
            "",
        );
        // The same account in the role of a patient acts for the patient all the same.
        let as_patient = Actor::Person {
            person_id: rita.id().parse().unwrap(),
            role: Role::Patient,
        };
        assert_invalid(
            consenting::sign(ctx, &as_patient, &case_id, &consent(), later).await,
            "",
        );
    }
    let mut mona = paper();
    (mona.signature, mona.authority) = ("Mona Sample".to_owned(), "mother".to_owned());
    mona.signed_on = later.date().to_string();
    let after = later.plus_days(1);
    assert_invalid(
        consenting::enter_paper(ctx, cora, &case_id, &mona, after).await,
        "signature",
    );
    assert_not_found(consenting::sign(ctx, &house.reviewer, &case_id, &form, later).await);

    let view = consenting::view(ctx, patient, &case_id, later).await;
    let view = view.unwrap();
    assert!(view.may_sign && !view.waits_for_patient);
    let trusted = acting(&case_id, "trusted@home.example");
    let trusted = let_in(&house, patient, &trusted, later).await;
    consenting::sign(ctx, &trusted, &case_id, &form, later)
        .await
        .unwrap();
    consenting::revoke(ctx, &trusted, &case_id, "", later)
        .await
        .unwrap();
    // A withdrawal by whoever acts for the patient changes nothing in what the patient said.
    assert_invalid(
        consenting::sign(ctx, &early, &case_id, &form, later).await,
        "",
    );
    consenting::sign(ctx, patient, &case_id, &consent(), later)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_patient_took_it_back_only_the_patient_brings_it_back() {
    only_the_patient_signs_anew(House::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_patient_took_it_back_only_the_patient_brings_it_back_on_postgresql() {
    if let Some(house) = House::postgres("anew").await {
        only_the_patient_signs_anew(house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_representative_took_back_another_one_signs_anew() {
    let house = House::sqlite().await;
    let (ctx, cora) = (&house.ctx, &house.coordinator);
    let case_id = asked_for(&house, "parent_guardian", "Rita Rep").await;
    let first = let_in(&house, cora, &acting(&case_id, "first@home.example"), NOW).await;
    let form = consenting::SignConsent {
        signature: "Rita Rep".to_owned(),
        authority: "mother".to_owned(),
        ..consent()
    };
    consenting::sign(ctx, &first, &case_id, &form, NOW)
        .await
        .unwrap();
    consenting::revoke(ctx, &first, &case_id, "", NOW)
        .await
        .unwrap();
    let second = let_in(&house, cora, &acting(&case_id, "second@home.example"), NOW).await;
    consenting::sign(ctx, &second, &case_id, &form, NOW)
        .await
        .unwrap();
}
