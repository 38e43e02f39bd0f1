//! Measures searches over a made index: `cargo run --release -p overread-store --example search -- STUDIES [POSTGRES-URL]`.
//!
//! The rows are written straight into the tables: names, dates and numbers are made up, nothing stands in an archive.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement may end by a panic, and prints"
)]

use std::time::Instant;

use overread_store::access::Reach;
use overread_store::studies::{
    self, DateRange, InstanceFilter, Page, SeriesFilter, StudyFilter, TextMatch,
};
use overread_store::{Store, Tx};

const FAMILIES: [&str; 20] = [
    "mueller", "garcia", "nguyen", "smith", "kowalski", "tanaka", "rossi", "dubois", "hansen",
    "okafor", "patel", "silva", "jones", "brown", "weber", "costa", "ivanov", "khan", "ali",
    "lopez",
];
const TURNS: u32 = 200;

/// Runs a statement with the same text on either database.
macro_rules! run {
    ($tx:expr, $query:expr) => {
        match $tx {
            Tx::Sqlite(held) => drop($query.execute(&mut **held).await.unwrap()),
            Tx::Pg(held) => drop($query.execute(&mut **held).await.unwrap()),
            // It only reads; `begin` gives no such one.
            Tx::Quick(_) => {}
        }
    };
}

async fn fill(store: &Store, studies: i64) {
    let mut tx = store.begin().await.unwrap();
    for number in 0..studies {
        let spread = number.wrapping_mul(2_654_435_761) % 2190;
        let date = format!(
            "{}{:02}{:02}",
            2019 + spread / 365,
            1 + spread % 365 / 31,
            1 + spread % 28
        );
        let person = number / 2;
        let family = FAMILIES[(person % 20) as usize];
        let name = format!("{family}{:02} given{:03}", person / 20 % 50, person % 977);
        let modality = ["CT", "MR", "CR", "US"][(number % 4) as usize];
        run!(&mut tx, sqlx::query(
            "insert into study (id, study_instance_uid, patient_name, patient_name_folded, patient_id, study_date, study_time, \
             accession_number, modalities, series_count, instance_count, created_at, changed_at) \
             values ($1, $2, $3, $3, $4, $5, '101500', $6, $7, 1, 20, 0, 0)")
            .bind(number).bind(format!("1.2.826.0.1.3680043.10.998.1.{}", 20_000_000 + number)).bind(&name)
            .bind(format!("PID{person:09}")).bind(&date).bind(format!("AC{number:08}")).bind(modality));
        run!(
            &mut tx,
            sqlx::query(include_str!("../src/studies/insert_name_parts.sql"))
                .bind(number)
                .bind(&name)
        );
        run!(
            &mut tx,
            sqlx::query(
                "insert into study_modality (modality, study_date, study_id) values ($1, $2, $3)"
            )
            .bind(modality)
            .bind(&date)
            .bind(number)
        );
        run!(&mut tx, sqlx::query(
            "insert into series (id, study_id, series_instance_uid, modality, series_number, instance_count, created_at, \
             changed_at) values ($1, $1, $2, $3, 1, 20, 0, 0)")
            .bind(number).bind(format!("1.2.826.0.1.3680043.10.998.2.{number}")).bind(modality));
    }
    run!(&mut tx, sqlx::query("analyze"));
    tx.commit().await.unwrap();
}

async fn measure(store: &Store, what: &str, filter: StudyFilter, page: Page) {
    let (mut least, mut all, mut rows, mut remaining) = (f64::MAX, 0.0, 0, 0);
    for _ in 0..TURNS {
        let start = Instant::now();
        let mut tx = store.read().await.unwrap();
        let found = studies::page_of_studies(&mut tx, &Reach::Everything, &filter, &page)
            .await
            .unwrap();
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        least = f64::min(least, ms);
        all += ms;
        (rows, remaining) = (found.rows.len(), found.remaining);
    }
    println!(
        "{what:28} mean {:7.3} ms  least {least:7.3} ms  {rows} rows, {remaining} more",
        all / f64::from(TURNS)
    );
}

fn page(limit: u32, offset: u32) -> Page {
    Page {
        limit,
        offset,
        after: None,
    }
}

fn named(pattern: &str) -> StudyFilter {
    StudyFilter {
        patient_name: Some(TextMatch(pattern.to_owned())),
        ..StudyFilter::default()
    }
}

fn week(modalities: &[&str]) -> StudyFilter {
    StudyFilter {
        study_date: Some(DateRange {
            from: Some("20210601".to_owned()),
            to: Some("20210607".to_owned()),
        }),
        modalities_in_study: modalities.iter().map(|one| (*one).to_owned()).collect(),
        ..StudyFilter::default()
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let studies_count: i64 = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(50_000);
    let dir = tempfile::tempdir().unwrap();
    let store = match arguments.next() {
        Some(url) => Store::open_postgres_in(&url, &format!("bench_{}", std::process::id()))
            .await
            .unwrap(),
        None => Store::open_sqlite(&dir.path().join("overread.sqlite"))
            .await
            .unwrap(),
    };
    let start = Instant::now();
    fill(&store, studies_count).await;
    println!(
        "{} with {studies_count} studies, filled in {:.1} s",
        store.kind(),
        start.elapsed().as_secs_f64()
    );
    measure_all(&store, studies_count).await;
}

async fn measure_all(store: &Store, studies_count: i64) {
    let patient = StudyFilter {
        patient_id: Some(TextMatch("PID000000042".to_owned())),
        ..StudyFilter::default()
    };
    measure(store, "patient id", patient, page(100, 0)).await;
    measure(store, "name, common start", named("mueller*"), page(25, 0)).await;
    measure(store, "name, rarer start", named("smith03*"), page(25, 0)).await;
    measure(store, "name, common middle", named("*uelle*"), page(25, 0)).await;
    measure(store, "name, rarer middle", named("*mith0*"), page(25, 0)).await;
    measure(store, "name, rare middle", named("*ali03*"), page(25, 0)).await;
    let fuzzy = StudyFilter {
        patient_name_words: ["given04", "smi"]
            .map(|word| TextMatch(word.to_owned()))
            .to_vec(),
        ..StudyFilter::default()
    };
    measure(store, "name, fuzzy", fuzzy, page(25, 0)).await;
    measure(store, "week", week(&[]), page(25, 0)).await;
    measure(store, "modality and week", week(&["MR"]), page(25, 0)).await;
    measure(store, "first 50", StudyFilter::default(), page(50, 0)).await;
    let last = u32::try_from(studies_count - 60).unwrap_or_default();
    measure(store, "last page", StudyFilter::default(), page(50, last)).await;
    measure(
        store,
        "middle page",
        StudyFilter::default(),
        page(50, last / 2),
    )
    .await;
    let start = Instant::now();
    let mut tx = store.read().await.unwrap();
    let found = studies::page_of_series(
        &mut tx,
        &Reach::Everything,
        &SeriesFilter::default(),
        &page(50, 0),
    )
    .await
    .unwrap();
    println!(
        "all series, first 50 of {}: {:?}",
        found.remaining + 50,
        start.elapsed()
    );
    let start = Instant::now();
    studies::page_of_instances(
        &mut tx,
        &Reach::Everything,
        &InstanceFilter::default(),
        &page(50, 0),
    )
    .await
    .unwrap();
    println!("all instances, first 50: {:?}", start.elapsed());
}
