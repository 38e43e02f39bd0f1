//! A case whose read is offered to a reviewer.

use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, PersonId, TokenId};
use overread_model::time::Timestamp;
use overread_store::cases::{self, CaseRow};
use overread_store::people::{self, PersonRow};
use overread_store::{Tx, review_tasks, reviewers};

use crate::asked_again::sign_in;
use crate::house::{House, NOW, person};

pub(crate) struct Reads {
    pub(crate) reviewer: Actor,
    pub(crate) other_reviewer: Actor,
}

const CASE: u8 = 1;

fn now() -> Timestamp {
    Timestamp::from_micros(NOW)
}

async fn add_reviewer(tx: &mut Tx, number: u8, name: &str) -> String {
    let email = format!("p{number}@x.example");
    people::insert(tx, &account(number, &email)).await.unwrap();
    sign_in(tx, number, Role::Reviewer).await;
    let entry = entry(number, name, email);
    reviewers::insert(tx, &entry, now()).await.unwrap();
    entry.id
}

/// The entry of a reviewer who has an account.
pub(crate) fn entry(number: u8, name: &str, email: String) -> reviewers::ReviewerRow {
    reviewers::ReviewerRow {
        id: PersonId::from_random([number + 100; 16])
            .as_str()
            .to_owned(),
        name: name.to_owned(),
        email_folded: email,
        kind: "radiologist".to_owned(),
        profile: "{}".to_owned(),
        active: 1,
        version: 1,
        person_id: None,
        open_tasks: 0,
    }
}

pub(crate) fn account(number: u8, email: &str) -> PersonRow {
    PersonRow {
        id: PersonId::from_random([number; 16]).as_str().to_owned(),
        name: format!("Person {number}"),
        email: email.to_owned(),
        email_folded: email.to_owned(),
        password_hash: "$argon2id$".to_owned(),
        language: "en".to_owned(),
        created_at: NOW,
        password_changed_at: NOW,
        last_signed_in_at: None,
        disabled_at: None,
    }
}

/// A case that is being read.
pub(crate) fn row(case: u8) -> CaseRow {
    CaseRow {
        number: Some(format!("2026-0000{case}")),
        state: "in_review".to_owned(),
        due_at: Some(now().plus_days(7).as_micros()),
        urgency: "urgent".to_owned(),
        title: "MRI of the lumbar spine".to_owned(),
        ..overread_testkit::case::row(&CaseId::from_random([case; 16]), now())
    }
}

impl Reads {
    /// Offers the read of the study 1.2.3, which is there already.
    pub(crate) async fn offered(house: &House) -> Self {
        let mut tx = house.store.begin().await.unwrap();
        let rosa = add_reviewer(&mut tx, 3, "Rosa Reader").await;
        add_reviewer(&mut tx, 4, "Ole Other").await;
        cases::insert(&mut tx, &row(CASE)).await.unwrap();
        let case_id = CaseId::from_random([CASE; 16]);
        review_tasks::insert(&mut tx, "t1", &case_id, &rosa, "me", now())
            .await
            .unwrap();
        review_tasks::offer(&mut tx, "t1", None, now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Self {
            reviewer: person(3, Role::Reviewer),
            other_reviewer: person(4, Role::Reviewer),
        }
    }

    pub(crate) async fn accept(&self, house: &House) {
        let mut tx = house.store.begin().await.unwrap();
        review_tasks::accept(&mut tx, "t1", true, "", now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let right = [Right::ViewImages];
        house
            .grant(CASE, "1.2.3", &self.reviewer, &right, None)
            .await;
    }

    pub(crate) async fn end(&self, house: &House, state: &'static str) {
        let mut tx = house.store.begin().await.unwrap();
        review_tasks::end(&mut tx, "t1", state, "", now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// A reading workstation that is there for another case of other images.
    pub(crate) async fn machine_of_another_case(&self, house: &House) -> Actor {
        let machine = Actor::Machine {
            token_id: TokenId::from_random([8; 16]),
            role: Role::Reviewer,
        };
        let other = crate::made::Made {
            study: "1.2.4",
            series: "1.2.4.1",
            instance: "1.2.4.1.1".to_owned(),
            ..crate::made::Made::default()
        };
        house.stow("/studies", &[other.bytes()]).await;
        house
            .grant(2, "1.2.4", &machine, &[Right::ViewImages], None)
            .await;
        machine
    }
}
