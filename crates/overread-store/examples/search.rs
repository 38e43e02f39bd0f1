//! Measures searches over a made index:
//! `cargo run --release -p overread-store --example search -- STUDIES [POSTGRES-URL | FOLDER [TOKEN-ID [TOKEN-ID]]]`.
//!
//! The rows are written straight into the tables: names, dates and numbers are made up, nothing stands in an archive. Each study
//! has 20 instances; one study in 20 is in a case that one machine token may see, 250 in each; a second token may see the first
//! case alone. In a folder the index stays, so
//! that `overread serve --data FOLDER` can be measured with it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement may end by a panic, and prints"
)]

use std::path::PathBuf;
use std::time::Instant;

use overread_model::access::{Actor, Role};
use overread_model::time::Timestamp;
use overread_store::access::{Reach, reach};
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
/// One study in so many is in a case.
const IN_CASES: i64 = 20;
/// Studies of one case.
const CASE_STUDIES: i64 = 250;
/// A token that nobody has.
const NOBODYS_TOKEN: &str = "0123456789abcdef0123456789abcdef";

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

async fn fill(store: &Store, studies: i64, tokens: &[String]) {
    let mut tx = store.begin().await.unwrap();
    run!(
        &mut tx,
        sqlx::query(
            "insert into delivery (id, source, actor_kind, actor_id, started_at) values ('d', 'stow', '', '', 0)"
        )
    );
    run!(
        &mut tx,
        sqlx::query("insert into pack (id, committed_bytes, created_at) values (1, 1, 0)")
    );
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
        instances(&mut tx, number).await;
        if number % IN_CASES == 0 {
            put_into_case(&mut tx, number, tokens).await;
        }
    }
    // There are no packs to prove, which the server would try beside what is measured.
    run!(
        &mut tx,
        sqlx::query(
            "insert into scrub (id, begun_at, after_pack_id, instances, bytes, damaged, finished_at, last_damaged) \
             values (1, $1, $1, 0, 0, '', $1, '') \
             on conflict (id) do update set after_pack_id = excluded.after_pack_id, finished_at = excluded.finished_at"
        )
        .bind(i64::MAX)
    );
    run!(&mut tx, sqlx::query("analyze"));
    tx.commit().await.unwrap();
}

async fn instances(tx: &mut Tx, study: i64) {
    run!(tx, sqlx::query("insert into metadata_block (id, series_id, inflated_bytes, dicom_json, facts_count, facts) \
        values ($1, $1, 0, $2, 0, $2)").bind(study).bind(Vec::<u8>::new()));
    for number in 0..20 {
        let at = study * 20 + number;
        run!(tx, sqlx::query("insert into instance (series_id, sop_instance_uid, sop_class_uid, transfer_syntax_uid, \
            instance_number, number_of_frames, pack_id, offset_bytes, length_bytes, digest, frames, block_id, \
            block_offset_bytes, block_length_bytes, delivery_id, created_at) values ($1, $2, '1.2.840.10008.5.1.4.1.1.2', \
            '1.2.840.10008.1.2.1', $3, 1, 1, $4, 1, $5, $6, $1, 0, 0, 'd', 0)")
            .bind(study).bind(format!("1.2.826.0.1.3680043.10.998.3.{at}")).bind(number).bind(at)
            .bind(vec![0_u8; 32]).bind(Vec::<u8>::new()));
    }
}

/// Puts a study into a case that the first token may see, and the others where it is the first case.
async fn put_into_case(tx: &mut Tx, study: i64, tokens: &[String]) {
    let number = study / IN_CASES / CASE_STUDIES;
    let case = format!("{number:032x}");
    if study / IN_CASES % CASE_STUDIES == 0 {
        let seeing = if number == 0 { tokens.len() } else { 1 };
        for token in &tokens[..seeing] {
            run!(
                tx,
                sqlx::query(
                    "insert into case_grant (id, case_id, subject_kind, subject_id, right_, from_at, \
                     granted_by, granted_at) values ($1 || $2, $1, 'machine', $2, 'view_images', 0, '', 0)"
                )
                .bind(&case)
                .bind(token)
            );
        }
    }
    run!(
        tx,
        sqlx::query("insert into case_study (case_id, study_id, linked_at) values ($1, $2, 0)")
            .bind(&case)
            .bind(study)
    );
}

async fn measure(store: &Store, reach: &Reach, what: &str, filter: StudyFilter, page: Page) {
    let (mut least, mut all, mut rows, mut remaining) = (f64::MAX, 0.0, 0, 0);
    for _ in 0..TURNS {
        let start = Instant::now();
        let mut tx = store.read().await.unwrap();
        let found = studies::page_of_studies(&mut tx, reach, &filter, &page)
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
    let place = arguments.next();
    let mut tokens: Vec<String> = arguments.collect();
    if tokens.is_empty() {
        tokens.push(NOBODYS_TOKEN.to_owned());
    }
    let store = match place {
        Some(url) if url.starts_with("postgres") => {
            Store::open_postgres_in(&url, &format!("bench_{}", std::process::id())).await
        }
        place => {
            let folder = place.map_or_else(|| dir.path().to_owned(), PathBuf::from);
            Store::open_sqlite(&folder.join("overread.sqlite")).await
        }
    };
    let store = store.unwrap();
    let start = Instant::now();
    fill(&store, studies_count, &tokens).await;
    println!(
        "{} with {studies_count} studies, filled in {:.1} s",
        store.kind(),
        start.elapsed().as_secs_f64()
    );
    measure_all(&store, &Reach::Everything, studies_count).await;
    let actor = Actor::Machine {
        token_id: tokens[0].parse().unwrap(),
        role: Role::ReferringPhysician,
    };
    let mut tx = store.read().await.unwrap();
    let now = Timestamp::from_micros(1);
    let reach = reach(&mut tx, &actor, now).await.unwrap();
    drop(tx);
    println!("through grants on one study in {IN_CASES}");
    measure_all(&store, &reach, studies_count).await;
}

/// What is looked for, and which page of it.
fn searches(studies_count: i64) -> Vec<(&'static str, StudyFilter, Page)> {
    let patient = StudyFilter {
        patient_id: Some(TextMatch("PID000000040".to_owned())),
        ..StudyFilter::default()
    };
    let fuzzy = StudyFilter {
        patient_name_words: ["given04", "smi"]
            .map(|word| TextMatch(word.to_owned()))
            .to_vec(),
        ..StudyFilter::default()
    };
    let last = u32::try_from(studies_count - 60).unwrap_or_default();
    let any = StudyFilter::default;
    vec![
        ("patient id", patient, page(100, 0)),
        ("name, common start", named("mueller*"), page(25, 0)),
        ("name, rarer start", named("smith03*"), page(25, 0)),
        ("name, common middle", named("*uelle*"), page(25, 0)),
        ("name, rarer middle", named("*mith0*"), page(25, 0)),
        ("name, rare middle", named("*ali03*"), page(25, 0)),
        ("name, fuzzy", fuzzy, page(25, 0)),
        ("week", week(&[]), page(25, 0)),
        ("modality and week", week(&["MR"]), page(25, 0)),
        ("first 50", any(), page(50, 0)),
        ("last page", any(), page(50, last)),
        ("middle page", any(), page(50, last / 2)),
    ]
}

async fn measure_all(store: &Store, reach: &Reach, studies_count: i64) {
    for (what, filter, page) in searches(studies_count) {
        measure(store, reach, what, filter, page).await;
    }
    let mut tx = store.read().await.unwrap();
    let first = page(50, 0);
    let start = Instant::now();
    let filter = SeriesFilter::default();
    let found = studies::page_of_series(&mut tx, reach, &filter, &first);
    let remaining = found.await.unwrap().remaining;
    println!(
        "all series, first 50 of {}: {:?}",
        remaining + 50,
        start.elapsed()
    );
    let start = Instant::now();
    let filter = InstanceFilter::default();
    let found = studies::page_of_instances(&mut tx, reach, &filter, &first);
    found.await.unwrap();
    println!("all instances, first 50: {:?}", start.elapsed());
}
