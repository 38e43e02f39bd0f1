//! Studies, series and instances are found as QIDO-RS asks.

use overread_model::ids::DeletionId;
use overread_store::access::Reach;
use overread_store::deletions::{self, NewDeletion};
use overread_store::proof;
use overread_store::studies::{
    self, DateRange, Entered, InstanceFilter, Page, SeriesFilter, StudyFilter, TextMatch,
};

use crate::house::{House, NOW, Spec, both, enter, machine, scope};

both!(search, super::rules);

async fn archive(house: &House) {
    let scope = scope(machine(), None);
    let specs = [
        Spec::default(),
        Spec {
            instance: 2,
            ..Spec::default()
        },
        Spec {
            series: 2,
            modality: "SR",
            ..Spec::default()
        },
        Spec {
            study: 2,
            patient: "Mullins^Ana",
            patient_id: "P_2",
            date: "20260101",
            modality: "CT",
            ..Spec::default()
        },
        Spec {
            study: 3,
            patient: "Yamada^Tarou=山田^太郎",
            patient_id: "p-3",
            date: "",
            modality: "CT",
            ..Spec::default()
        },
    ];
    let outcomes = enter(house, &scope, &specs).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome.entered, Entered::Stored(_))),
        "{outcomes:?}"
    );
}

async fn check(house: &House, filter: StudyFilter, expect: &[u64]) {
    let mut tx = house.store.read().await.unwrap();
    let found = studies::search_studies(&mut tx, &Reach::Everything, &filter, &Page::default())
        .await
        .unwrap();
    let uids: Vec<String> = found
        .iter()
        .map(|study| study.study_instance_uid.clone())
        .collect();
    let expect: Vec<String> = expect.iter().map(|study| format!("1.2.{study}")).collect();
    assert_eq!(uids, expect, "{filter:?}");
    let count = studies::count_studies(&mut tx, &Reach::Everything, &filter)
        .await
        .unwrap();
    assert_eq!(count, expect.len() as u64, "{filter:?}");
}

fn text(pattern: &str) -> Option<TextMatch> {
    Some(TextMatch(pattern.to_owned()))
}

async fn rules(house: House) {
    archive(&house).await;
    check(&house, StudyFilter::default(), &[1, 2, 3]).await;
    for (pattern, expect) in [
        ("muller^jorg", &[1][..]),
        ("MÜLLER*", &[1]),
        ("Mul*", &[1, 2]),
        ("*jörg*", &[1]),
        ("*ULL*", &[1, 2]),
        ("Mull?ns^Ana", &[2]),
        ("*太郎*", &[3]),
        ("*", &[1, 2, 3]),
        ("", &[1, 2, 3]),
        ("Doe", &[]),
        ("%", &[]),
        ("Müller^*", &[1]),
        ("*ller*jö*", &[1]),
        ("*ullerjorg*", &[]),
        ("*uller jorg*", &[1]),
    ] {
        check(
            &house,
            StudyFilter {
                patient_name: text(pattern),
                ..StudyFilter::default()
            },
            expect,
        )
        .await;
    }
    for (pattern, expect) in [
        ("P-1", &[1][..]),
        ("P_2", &[2]),
        ("P?*", &[1, 2, 3]),
        ("P_*", &[2]),
        ("*_*", &[2]),
        ("P-1'; drop", &[]),
    ] {
        check(
            &house,
            StudyFilter {
                patient_id: text(pattern),
                ..StudyFilter::default()
            },
            expect,
        )
        .await;
    }
    check(
        &house,
        StudyFilter {
            study_description: text("*lumbar 2%*"),
            ..StudyFilter::default()
        },
        &[2],
    )
    .await;
    check(
        &house,
        StudyFilter {
            accession_number: text("A3"),
            ..StudyFilter::default()
        },
        &[3],
    )
    .await;
    by_date_and_modality(&house).await;
    pages(&house).await;
    page_by_page(&house).await;
    below(&house).await;
}

async fn by_date_and_modality(house: &House) {
    let range = |from: Option<&str>, to: Option<&str>| {
        Some(DateRange {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        })
    };
    for (study_date, expect) in [
        (range(Some("20260101"), Some("20260101")), &[2][..]),
        (range(Some("20260201"), None), &[1]),
        (range(None, Some("20260201")), &[2]),
    ] {
        check(
            house,
            StudyFilter {
                study_date,
                ..StudyFilter::default()
            },
            expect,
        )
        .await;
    }
    let modality = |modality: &str| StudyFilter {
        modalities_in_study: vec![modality.to_owned()],
        ..StudyFilter::default()
    };
    check(house, modality("CT"), &[2, 3]).await;
    check(house, modality("SR"), &[1]).await;
    let both = StudyFilter {
        study_date: range(Some("20260101"), Some("20261231")),
        ..modality("CT")
    };
    check(house, both, &[2]).await;
    let uids = vec!["1.2.1".to_owned(), "1.2.3".to_owned(), "1.2.99".to_owned()];
    check(
        house,
        StudyFilter {
            study_instance_uids: uids,
            ..StudyFilter::default()
        },
        &[1, 3],
    )
    .await;
}

async fn pages(house: &House) {
    let mut tx = house.store.read().await.unwrap();
    let all = StudyFilter::default();
    for (limit, offset, expect) in [(1, 0, "1.2.1"), (1, 1, "1.2.2"), (9, 2, "1.2.3")] {
        let page = Page {
            limit,
            offset,
            after: None,
        };
        let found = studies::page_of_studies(&mut tx, &Reach::Everything, &all, &page)
            .await
            .unwrap();
        assert_eq!(found.rows[0].study_instance_uid, expect);
        assert_eq!(found.remaining, u64::from(2 - offset), "{offset}");
    }
    for offset in [3, 900] {
        let page = Page {
            limit: 9,
            offset,
            after: None,
        };
        let found = studies::page_of_studies(&mut tx, &Reach::Everything, &all, &page)
            .await
            .unwrap();
        assert_eq!((found.rows.len(), found.remaining), (0, 0));
    }
}

both!(deep_pages, super::deep_pages_rules);

/// Page after page is the whole list, from whichever end it was read.
async fn deep_pages_rules(house: House) {
    let specs: Vec<Spec> = (1..=1300)
        .map(|study| Spec {
            study,
            date: ["20260302", "20260301", ""][study as usize % 3],
            ..Spec::default()
        })
        .collect();
    enter(&house, &scope(machine(), None), &specs).await;
    let mut tx = house.store.read().await.unwrap();
    let all = StudyFilter::default();
    let whole = studies::search_studies(&mut tx, &Reach::Everything, &all, &Page::default())
        .await
        .unwrap();
    let mut paged = Vec::new();
    for offset in (0..1300).step_by(70) {
        let page = Page {
            limit: 70,
            offset,
            after: None,
        };
        let found = studies::page_of_studies(&mut tx, &Reach::Everything, &all, &page)
            .await
            .unwrap();
        paged.extend(found.rows);
        assert_eq!(found.remaining, 1300 - paged.len() as u64);
    }
    assert!(whole == paged);
    let (mut behind, mut after) = (Vec::new(), None);
    loop {
        let page = Page {
            limit: 70,
            offset: 0,
            after,
        };
        let rows = studies::search_studies(&mut tx, &Reach::Everything, &all, &page)
            .await
            .unwrap();
        after = rows.last().map(studies::StudyRow::place);
        if after.is_none() {
            break;
        }
        behind.extend(rows);
    }
    assert!(whole == behind);
}

both!(further_keys, super::further_keys_rules);

async fn further_keys_rules(house: House) {
    archive(&house).await;
    for (words, expect) in [
        (&["jorg"][..], &[1][..]),
        (&["MÜL", "jö"], &[1]),
        (&["jo mul"], &[1]),
        (&["mul"], &[1, 2]),
        (&["ull"], &[]),
        (&["太"], &[3]),
        (&["tarou", "yam"], &[3]),
        (&["%"], &[]),
    ] {
        let patient_name_words = words.iter().map(|word| TextMatch((*word).to_owned()));
        let filter = StudyFilter {
            patient_name_words: patient_name_words.collect(),
            ..StudyFilter::default()
        };
        check(&house, filter, expect).await;
    }
    // A group of a name is matched by itself.
    for pattern in [
        "Yamada^Tarou",
        "山田^太郎",
        "山田*",
        "*太郎",
        "yamada*",
        "*tarou",
        "Yamad? Tarou",
    ] {
        let filter = StudyFilter {
            patient_name: text(pattern),
            ..StudyFilter::default()
        };
        check(&house, filter, &[3]).await;
    }
    let born = |from: &str, to: &str| StudyFilter {
        patient_birth_date: Some(DateRange {
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
        }),
        ..StudyFilter::default()
    };
    check(&house, born("19700301", "19700303"), &[1, 2, 3]).await;
    check(&house, born("19700303", "19700304"), &[]).await;
    for (modalities, expect) in [
        (&["C*"][..], &[2, 3][..]),
        (&["S?", "CT"], &[1, 2, 3]),
        (&["X*"], &[]),
    ] {
        let modalities: Vec<String> = modalities.iter().map(|one| (*one).to_owned()).collect();
        let of_study = StudyFilter {
            modalities_in_study: modalities.clone(),
            ..StudyFilter::default()
        };
        check(&house, of_study, expect).await;
        let with_series = StudyFilter {
            with_series: Some(Box::new(SeriesFilter {
                modalities,
                ..SeriesFilter::default()
            })),
            ..StudyFilter::default()
        };
        check(&house, with_series, expect).await;
    }
    of_the_study(&house).await;
}

/// What is asked of the study narrows its series and instances.
async fn of_the_study(house: &House) {
    let mut tx = house.store.read().await.unwrap();
    let series = SeriesFilter {
        study: StudyFilter {
            patient_name: text("*mull*"),
            ..StudyFilter::default()
        },
        ..SeriesFilter::default()
    };
    let page = Page {
        limit: 1,
        offset: 1,
        after: None,
    };
    let found = studies::page_of_series(&mut tx, &Reach::Everything, &series, &page)
        .await
        .unwrap();
    assert_eq!(found.rows[0].series_instance_uid, "1.2.1.2");
    assert_eq!(found.remaining, 1);
    for (sop_class_uid, expect) in [("1.2.840.10008.5.1.4.1.1.4", 4), ("1.2.3", 0)] {
        let instances = InstanceFilter {
            series: series.clone(),
            sop_class_uids: vec![sop_class_uid.to_owned()],
            ..InstanceFilter::default()
        };
        let counted = studies::count_instances(&mut tx, &Reach::Everything, &instances).await;
        assert_eq!(counted.unwrap(), expect);
    }
    let instances = InstanceFilter {
        series,
        ..InstanceFilter::default()
    };
    let found = studies::page_of_instances(&mut tx, &Reach::Everything, &instances, &page)
        .await
        .unwrap();
    assert_eq!((found.rows.len(), found.remaining), (1, 2));
}

/// Every page of everything holds what the studies hold, in their order.
async fn page_by_page(house: &House) {
    let mut tx = house.store.read().await.unwrap();
    let everything = &Reach::Everything;
    let (any, whole) = (StudyFilter::default(), Page::default());
    let all = studies::search_studies(&mut tx, everything, &any, &whole);
    let all = all.await.unwrap().into_iter();
    let mut uids: Vec<String> = all.map(|study| study.study_instance_uid).collect();
    uids.sort_unstable();
    assert!(uids.len() > 2);
    let (mut series, mut instances) = (Vec::new(), Vec::new());
    for uid in uids {
        let mut of_study = SeriesFilter {
            study_instance_uid: Some(uid),
            ..SeriesFilter::default()
        };
        series.extend(
            studies::search_series(&mut tx, everything, &of_study, &Page::default())
                .await
                .unwrap(),
        );
        let study_instance_uid = of_study.study_instance_uid.take();
        let of_study = InstanceFilter {
            study_instance_uid,
            ..InstanceFilter::default()
        };
        instances.extend(
            studies::search_instances(&mut tx, everything, &of_study, &Page::default())
                .await
                .unwrap(),
        );
    }
    for offset in 0..=instances.len() as u32 {
        let page = Page {
            limit: 2,
            offset,
            after: None,
        };
        let end = |len: usize| len.min(offset as usize)..len.min(offset as usize + 2);
        let found = studies::page_of_series(&mut tx, everything, &SeriesFilter::default(), &page)
            .await
            .unwrap();
        let expect = end(series.len());
        assert_eq!(found.rows, series[expect.clone()]);
        assert_eq!(found.remaining as usize, series.len() - expect.end);
        let found =
            studies::page_of_instances(&mut tx, everything, &InstanceFilter::default(), &page)
                .await
                .unwrap();
        let expect = end(instances.len());
        assert_eq!(found.rows, instances[expect.clone()]);
        assert_eq!(found.remaining as usize, instances.len() - expect.end);
    }
}

async fn below(house: &House) {
    let mut tx = house.store.read().await.unwrap();
    let filter = SeriesFilter {
        study_instance_uid: Some("1.2.1".to_owned()),
        ..SeriesFilter::default()
    };
    let series = studies::search_series(&mut tx, &Reach::Everything, &filter, &Page::default())
        .await
        .unwrap();
    let told: Vec<(&str, i64)> = series
        .iter()
        .map(|series| (&*series.modality, series.instance_count))
        .collect();
    assert_eq!(told, [("MR", 2), ("SR", 1)]);
    let filter = InstanceFilter {
        series_instance_uid: Some("1.2.1.1".to_owned()),
        ..InstanceFilter::default()
    };
    let instances =
        studies::search_instances(&mut tx, &Reach::Everything, &filter, &Page::default())
            .await
            .unwrap();
    let numbers: Vec<_> = instances
        .iter()
        .map(|instance| instance.instance_number)
        .collect();
    assert_eq!(numbers, [Some(1), Some(2)]);
    let everything = Reach::Everything;
    let places = studies::metadata_places(&mut tx, &everything, "1.2.1", Some("1.2.1.1"), None)
        .await
        .unwrap();
    assert_eq!(places.len(), 2);
    let pieces = studies::read_metadata(&mut tx, &places, 0..2)
        .await
        .unwrap();
    let pieces = pieces.unwrap();
    for (piece, instance) in pieces.iter().zip(&instances) {
        assert_eq!(&*piece.series_instance_uid, "1.2.1.1");
        assert!(String::from_utf8_lossy(&piece.dicom_json).contains(&instance.sop_instance_uid));
    }
    let size = studies::metadata_size(&mut tx, &everything, "1.2.1", Some("1.2.1.1"), None)
        .await
        .unwrap();
    let lengths = pieces.iter().map(|piece| piece.dicom_json.len() as u64);
    let told = (
        places.size_from(0).length_bytes,
        lengths.clone().max().unwrap(),
    );
    assert_eq!((size.length_bytes, size.longest_bytes), told);
    assert_eq!((size.count, size.length_bytes), (2, lengths.sum()));
    for (most, expect) in [
        (0, 0..1),
        (size.length_bytes - 1, 0..1),
        (size.length_bytes, 0..2),
    ] {
        assert_eq!(places.from(0, most), expect);
    }
    assert_eq!(places.from(2, 1), 2..2);
    assert!(
        studies::read_metadata(&mut tx, &places, 1..3)
            .await
            .is_err()
    );
    let nothing = studies::metadata_places(&mut tx, &Reach::Nothing, "1.2.1", None, None).await;
    assert!(nothing.unwrap().is_empty());
    assert_eq!(
        proof::contradictions(&mut tx).await.unwrap(),
        [] as [String; 0]
    );
    drop(tx);
    assert_eq!(
        proof::damaged_blocks(&house.store).await.unwrap(),
        [] as [String; 0]
    );
}

both!(twins, super::twins_and_conflicts);

async fn twins_and_conflicts(house: House) {
    let scope = scope(machine(), None);
    // Twice in one batch, then again, then with other bytes.
    let outcomes = enter(&house, &scope, &[Spec::default(), Spec::default()]).await;
    assert!(matches!(outcomes[0].entered, Entered::Stored(_)));
    assert!(matches!(outcomes[1].entered, Entered::Duplicate(_)));
    let again = enter(
        &house,
        &scope,
        &[
            Spec::default(),
            Spec {
                instance: 2,
                patient: "Other^Name",
                ..Spec::default()
            },
        ],
    )
    .await;
    assert!(matches!(again[0].entered, Entered::Duplicate(_)));
    assert!(again[1].patient_differs);
    let mut tx = house.store.read().await.unwrap();
    assert_eq!(
        proof::contradictions(&mut tx).await.unwrap(),
        [] as [String; 0]
    );
    let claims = proof::claims_of(&mut tx, overread_model::extent::PackId::new(7).unwrap())
        .await
        .unwrap();
    let starts: Vec<u64> = claims
        .iter()
        .map(|claim| claim.extent.offset_bytes)
        .collect();
    assert_eq!(starts, [16, 116, 216, 316]);
    drop(tx);

    let mut tx = house.store.begin().await.unwrap();
    let study = studies::StudyKey(match again[0].entered {
        Entered::Duplicate(key) => key.0,
        _ => panic!("a duplicate names its study"),
    });
    let id = DeletionId::from_random([1; 16]);
    let new = NewDeletion {
        id: &id,
        study,
        reason: "a test",
        erase_at: NOW,
    };
    let marked = deletions::mark(&mut tx, &new, &machine(), NOW).await;
    assert!(marked.unwrap());
    let begun = deletions::begin_erasure(&mut tx, &id, NOW).await;
    let (erased_study, erased) = begun.unwrap().unwrap();
    assert_eq!(erased_study, study);
    tx.commit().await.unwrap();
    assert!(
        erased.extents.is_empty() && !erased.empty_packs.is_empty(),
        "what was set aside as other bytes of it goes, too: {erased:?}"
    );
    let mut tx = house.store.read().await.unwrap();
    assert_eq!(
        proof::contradictions(&mut tx).await.unwrap(),
        [] as [String; 0]
    );
    let all = StudyFilter::default();
    assert_eq!(
        studies::count_studies(&mut tx, &Reach::Everything, &all)
            .await
            .unwrap(),
        0
    );
    let _ = NOW;
}
