//! Pages of all that grants cover are merged from the cases, and are what the whole list says.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, LinkId};
use overread_store::access::{Reach, reach};
use overread_store::studies::{self, Page, StudyFilter, StudyRow};
use overread_store::{Store, proof};

use crate::house::{House, NOW, Spec, both, enter, machine, scope};
use crate::rebuilding::on;

both!(granted_pages, super::rules);

const STUDIES: u64 = 90;

/// Three cases; of ten studies one is in two of them, one in none of theirs, one is not decided and one is deleted.
const TIES: &str = "insert into case_study (case_id, study_id, linked_at, pending) \
    select 'case' || (id % 3), id, 0, case when id % 10 = 7 then 1 else 0 end from study where id % 10 <> 3; \
    insert into case_study (case_id, study_id, linked_at) \
    select 'case' || ((id + 1) % 3), id, 0 from study where id % 10 = 5; \
    insert into deletion (id, study_id, study_digest, reason, marked_by, marked_at, erase_at, instance_count, length_bytes) \
    select 'd' || study.id, study.id, instance.digest, 'r', 'm', 0, 0, 1, 1 from study \
    join instance on instance.sop_instance_uid = study.study_instance_uid || '.1.1' where study.id % 10 = 9;";

const GRANTS: &str = "insert into case_grant (id, case_id, subject_kind, subject_id, right_, from_at, granted_by, granted_at) \
    select 'g' || case_id, case_id, 'machine', 'reader', 'view_images', 0, 'm', 0 from \
    (select distinct case_id from case_study) held where case_id not in (select case_id from case_grant)";

fn grants(actor_id: &str) -> Reach {
    Reach::Grants {
        actor_kind: "machine".to_owned(),
        actor_id: actor_id.to_owned(),
        now: NOW,
        without_reports: false,
    }
}

/// Asks page by page and for the whole list, which is found in another way; returns the keys.
async fn pages(house: &House, reach: &Reach) -> Vec<String> {
    let all = StudyFilter::default();
    let mut tx = house.store.read().await.unwrap();
    let whole = studies::search_studies(&mut tx, reach, &all, &Page::default())
        .await
        .unwrap();
    for limit in [1, 7, 50] {
        let mut paged: Vec<StudyRow> = Vec::new();
        for offset in (0..=whole.len() as u32).step_by(limit as usize) {
            let page = Page {
                limit,
                offset,
                after: None,
            };
            let found = studies::page_of_studies(&mut tx, reach, &all, &page);
            let found = found.await.unwrap();
            paged.extend(found.rows);
            assert_eq!(found.remaining as usize, whole.len() - paged.len());
        }
        assert!(whole == paged, "in pages of {limit}");
    }
    whole
        .into_iter()
        .map(|row| row.study_instance_uid)
        .collect()
}

async fn rules(house: House) {
    let specs: Vec<Spec> = (1..=STUDIES)
        .map(|study| Spec {
            study,
            date: ["20260302", "20260301", ""][study as usize % 3],
            ..Spec::default()
        })
        .collect();
    enter(&house, &scope(machine(), None), &specs).await;
    on(&house.store, TIES).await;
    assert!(pages(&house, &grants("reader")).await.is_empty());
    on(&house.store, GRANTS).await;
    assert_eq!(pages(&house, &grants("reader")).await.len(), 63);
    // A time comes later than the study; ties of before follow it.
    let later = "update study set study_time = '1' || (10000 + id) where id % 2 = 0";
    on(&house.store, later).await;
    let in_order = pages(&house, &grants("reader")).await;
    assert_eq!(in_order.len(), 63);
    assert_eq!(contradictions(&house.store).await, Vec::<String>::new());

    // More cases than are merged.
    on(
        &house.store,
        "insert into case_study (case_id, study_id, linked_at) \
         select 'further' || id, id, 0 from study where id % 10 in (1, 2, 3, 4, 5, 6, 8, 0) and id % 10 <> 3; \
         insert into case_study (case_id, study_id, linked_at) select 'more' || id, id, 0 from study where id % 10 = 3",
    )
    .await;
    on(&house.store, GRANTS).await;
    assert_eq!(pages(&house, &grants("reader")).await.len(), 72);

    on(
        &house.store,
        "delete from case_study where case_id in ('case0', 'case1')",
    )
    .await;
    assert_eq!(contradictions(&house.store).await, Vec::<String>::new());
    on(
        &house.store,
        "update case_grant set revoked_at = 1 where case_id not like 'case%'",
    )
    .await;
    assert_eq!(pages(&house, &grants("reader")).await.len(), 24);
    of_a_link(&house).await;
}

/// A case alone, as a link opens it.
async fn of_a_link(house: &House) {
    let case_id = CaseId::from_random([4; 16]);
    let link = Actor::Link {
        link_id: LinkId::from_random([1; 16]),
        case_id: case_id.clone(),
    };
    let tie = format!(
        "insert into case_study (case_id, study_id, linked_at) select '{}', id, 0 from study where id < 12",
        case_id.as_str()
    );
    on(&house.store, &tie).await;
    let mut tx = house.store.read().await.unwrap();
    let of_link = reach(&mut tx, &link, NOW).await.unwrap();
    drop(tx);
    assert_eq!(pages(house, &of_link).await.len(), 10);
    assert!(pages(house, &grants("nobody")).await.is_empty());
}

async fn contradictions(store: &Store) -> Vec<String> {
    let mut tx = store.read().await.unwrap();
    let found = proof::contradictions(&mut tx).await.unwrap();
    found
        .into_iter()
        .filter(|line| line.starts_with("case"))
        .collect()
}
