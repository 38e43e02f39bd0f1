//! Grants are part of every search.

use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, DeletionId, LinkId};
use overread_store::access::{Reach, reach};
use overread_store::deletions::{self, NewDeletion};
use overread_store::studies::{self, Page, SeriesFilter, StudyFilter};
use overread_store::tokens::{self, NewToken};
use overread_store::{Tx, checks};

use crate::house::{House, NOW, Spec, both, enter, machine, person, scope};

both!(access, super::rules);

async fn rules(house: House) {
    let case_id = CaseId::from_random([4; 16]);
    enter(
        &house,
        &scope(machine(), Some(case_id.clone())),
        &[Spec::default()],
    )
    .await;
    enter(
        &house,
        &scope(machine(), None),
        &[Spec {
            study: 2,
            ..Spec::default()
        }],
    )
    .await;
    let mut tx = house.store.begin().await.unwrap();
    let new = NewToken {
        name: "a viewer",
        role: Role::Reviewer,
        case_id: Some(&case_id),
    };
    let (token_id, secret) = tokens::create(&mut tx, &new, NOW).await.unwrap();
    let viewer = tokens::find_by_secret(&mut tx, &secret)
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();

    let count = async |reach: Reach| {
        let mut tx = house.store.read().await.unwrap();
        let all = StudyFilter::default();
        let found = studies::search_studies(&mut tx, &reach, &all, &studies::Page::default())
            .await
            .unwrap();
        assert_eq!(
            studies::count_studies(&mut tx, &reach, &all).await.unwrap(),
            found.len() as u64
        );
        found.len()
    };
    let link = Actor::Link {
        link_id: LinkId::from_random([1; 16]),
        case_id: case_id.clone(),
    };
    let reach_of = async |actor: &Actor, now| {
        let mut tx = house.store.read().await.unwrap();
        reach(&mut tx, actor, now).await.unwrap()
    };
    assert_eq!(count(reach_of(&machine(), NOW).await).await, 2);
    assert_eq!(
        count(reach_of(&person(1, Role::Coordinator), NOW).await).await,
        2
    );
    assert_eq!(
        count(reach_of(&person(1, Role::Administrator), NOW).await).await,
        0
    );
    assert_eq!(
        count(reach_of(&person(1, Role::Patient), NOW).await).await,
        0
    );
    assert_eq!(
        count(reach_of(&link, NOW).await).await,
        0,
        "nobody judged whose images they are"
    );
    assert_eq!(
        count(reach_of(&viewer, NOW).await).await,
        0,
        "nor for the token"
    );
    let mut tx = house.store.begin().await.unwrap();
    for study in checks::studies_to_judge(&mut tx, &case_id).await.unwrap() {
        checks::show_judged(&mut tx, &case_id, study.id)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(count(reach_of(&link, NOW).await).await, 1);
    assert_eq!(count(reach_of(&viewer, NOW).await).await, 1);
    assert_eq!(
        count(reach_of(&viewer, NOW.plus_seconds(-1)).await).await,
        0,
        "not yet"
    );
    let mut tx = house.store.begin().await.unwrap();
    assert!(tokens::revoke(&mut tx, &token_id, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(count(reach_of(&viewer, NOW).await).await, 0, "revoked");
}

both!(counts, super::hidden_reports_do_not_count);

async fn hidden_reports_do_not_count(house: House) {
    let case_id = CaseId::from_random([4; 16]);
    let of = |series, instance, modality| Spec {
        series,
        instance,
        modality,
        ..Spec::default()
    };
    let specs = [
        of(1, 1, "MR"),
        of(1, 2, "MR"),
        of(2, 3, "CT"),
        of(3, 4, "SR"),
        Spec {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.11.1",
            ..of(4, 5, "OT")
        },
    ];
    enter(&house, &scope(machine(), Some(case_id.clone())), &specs).await;
    let mut tx = house.store.begin().await.unwrap();
    for study in checks::studies_to_judge(&mut tx, &case_id).await.unwrap() {
        checks::show_judged(&mut tx, &case_id, study.id)
            .await
            .unwrap();
    }
    let new = NewToken {
        name: "a viewer",
        role: Role::Reviewer,
        case_id: Some(&case_id),
    };
    let (_, secret) = tokens::create(&mut tx, &new, NOW).await.unwrap();
    let viewer = tokens::find_by_secret(&mut tx, &secret).await.unwrap();
    let narrow = reach(&mut tx, &viewer.unwrap(), NOW).await.unwrap();
    tx.commit().await.unwrap();

    let blind = Reach::EverythingButReports {
        reader: "nobody".to_owned(),
    };
    let mut tx = house.store.read().await.unwrap();
    for (reach, modalities, counts, shown_series) in [
        (&Reach::Everything, "CT\\MR\\OT\\SR", (4, 5, 500), 4),
        (&blind, "CT\\MR", (2, 3, 300), 2),
        (&narrow, "CT\\MR", (2, 3, 300), 2),
    ] {
        let (all, page) = (StudyFilter::default(), Page::default());
        let found = studies::search_studies(&mut tx, reach, &all, &page)
            .await
            .unwrap();
        let row = &found[0];
        assert_eq!(row.modalities, modalities);
        assert_eq!(
            (row.series_count, row.instance_count, row.length_bytes),
            counts
        );
        let series = studies::search_series(&mut tx, reach, &SeriesFilter::default(), &page)
            .await
            .unwrap();
        assert_eq!(series.len(), shown_series);
        assert_eq!((series[0].instance_count, series[0].length_bytes), (2, 200));
        for (modality, is_found) in [("CT", true), ("SR", reach == &Reach::Everything)] {
            let filter = StudyFilter {
                modalities_in_study: vec![modality.to_owned()],
                ..StudyFilter::default()
            };
            let count = studies::count_studies(&mut tx, reach, &filter).await;
            assert_eq!(count.unwrap(), u64::from(is_found), "{modality}");
        }
    }
}

#[test]
fn reasons_are_not_printed() {
    let row = checks::OverrideRow {
        rule: "P03".to_owned(),
        reason: "Sampel is how the facility writes Sample".to_owned(),
        found: "Sampel".to_owned(),
    };
    let printed = format!("{row:?}");
    assert!(printed.contains("P03") && !printed.contains("Sampel"));
}

both!(pages_of_grants, super::pages_of_what_is_granted);

/// However the pages are looked for, they hold what one list of all that is granted holds.
async fn pages_of_what_is_granted(house: House) {
    let case_id = CaseId::from_random([4; 16]);
    let dates = ["20260302", "", "20250101"];
    let of = |study: u64| Spec {
        study,
        date: dates[study as usize % 3],
        ..Spec::default()
    };
    let (granted, others): (Vec<Spec>, Vec<Spec>) =
        (1..=30).map(of).partition(|spec| spec.study % 5 != 0);
    enter(&house, &scope(machine(), Some(case_id.clone())), &granted).await;
    enter(&house, &scope(machine(), None), &others).await;
    let mut tx = house.store.begin().await.unwrap();
    let studies = checks::studies_to_judge(&mut tx, &case_id).await.unwrap();
    // One nobody judged, and one is deleted.
    for study in &studies[1..] {
        checks::show_judged(&mut tx, &case_id, study.id)
            .await
            .unwrap();
    }
    let deletion = NewDeletion {
        id: &DeletionId::from_random([1; 16]),
        study: studies::StudyKey(studies[1].id),
        reason: "a test",
        erase_at: NOW.plus_days(1),
    };
    let marked = deletions::mark(&mut tx, &deletion, &machine(), NOW).await;
    assert!(marked.unwrap());
    let new = NewToken {
        name: "a viewer",
        role: Role::ReferringPhysician,
        case_id: Some(&case_id),
    };
    let (_, secret) = tokens::create(&mut tx, &new, NOW).await.unwrap();
    let viewer = tokens::find_by_secret(&mut tx, &secret).await.unwrap();
    let reach = reach(&mut tx, &viewer.unwrap(), NOW).await.unwrap();
    tx.commit().await.unwrap();

    let all = StudyFilter::default();
    let pages = async move |tx: &mut Tx| {
        let whole = studies::search_studies(tx, &reach, &all, &Page::default()).await;
        let whole = whole.unwrap();
        assert_eq!(whole.len(), studies.len() - 2);
        for limit in [1, 4, 100] {
            for offset in 0..30 {
                let page = Page {
                    limit,
                    offset,
                    after: None,
                };
                let found = studies::page_of_studies(tx, &reach, &all, &page).await;
                let found = found.unwrap();
                let begin = whole.len().min(offset as usize);
                let end = whole.len().min((offset + limit) as usize);
                assert_eq!(found.rows, whole[begin..end], "{limit} from {offset}");
                let behind = if found.rows.is_empty() {
                    0
                } else {
                    whole.len() - end
                };
                assert_eq!(found.remaining, behind as u64, "{limit} from {offset}");
            }
        }
    };
    house.store.ask("a test", pages).await.unwrap();
}
