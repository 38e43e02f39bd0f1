//! A store for one test, and instances to put into it.

use std::sync::Arc;

use overread_model::access::{Actor, Role};
use overread_model::extent::{Digest, Extent, PackId};
use overread_model::ids::{CaseId, DeliveryId, PersonId, TokenId};
use overread_model::imaging::InstanceFacts;
use overread_model::keeping::Quota;
use overread_model::time::Timestamp;
use overread_store::quotas::Rooms;
use overread_store::studies::{self, Batch, DeliveryScope, NewInstance, Outcome};
use overread_store::{Store, deliveries, packs};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_446_500_000_000);

const PLENTY: Quota = Quota {
    bytes: 1 << 40,
    instances: 1 << 20,
};

pub(crate) struct House {
    pub(crate) store: Store,
    /// How much a case may hold.
    pub(crate) quota: Quota,
    _dir: TempDir,
}

impl House {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&dir.path().join("overread.sqlite"))
            .await
            .unwrap();
        Self {
            store,
            quota: PLENTY,
            _dir: dir,
        }
    }

    pub(crate) async fn postgres(test: &str) -> Option<Self> {
        let url = overread_testkit::postgres::server_url(test)?;
        let schema = format!("s_{test}_{}", std::process::id());
        let store = Store::open_postgres_in(&url, &schema).await.unwrap();
        Some(Self {
            store,
            quota: PLENTY,
            _dir: tempfile::tempdir().unwrap(),
        })
    }
}

/// Runs the same rules on both databases.
macro_rules! both {
    ($name:ident, $rules:path) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                $rules(crate::house::House::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgresql() {
                if let Some(house) = crate::house::House::postgres(stringify!($name)).await {
                    $rules(house).await;
                }
            }
        }
    };
}
pub(crate) use both;

pub(crate) fn machine() -> Actor {
    Actor::Machine {
        token_id: TokenId::from_random([9; 16]),
        role: Role::Archive,
    }
}

pub(crate) fn person(number: u8, role: Role) -> Actor {
    Actor::Person {
        person_id: PersonId::from_random([number; 16]),
        role,
    }
}

/// One study, series and instance by number.
pub(crate) struct Spec {
    pub(crate) study: u64,
    pub(crate) series: u64,
    pub(crate) instance: u64,
    pub(crate) patient: &'static str,
    pub(crate) patient_id: &'static str,
    pub(crate) date: &'static str,
    pub(crate) modality: &'static str,
    pub(crate) sop_class_uid: &'static str,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            study: 1,
            series: 1,
            instance: 1,
            patient: "Müller^Jörg",
            patient_id: "P-1",
            date: "20260302",
            modality: "MR",
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.4",
        }
    }
}

pub(crate) fn facts(spec: &Spec) -> InstanceFacts {
    let (study, series, instance) = (spec.study, spec.series, spec.instance);
    serde_json::from_value(serde_json::json!({
        "study": {
            "study_instance_uid": format!("1.2.{study}"), "patient_name": spec.patient, "patient_id": spec.patient_id,
            "patient_birth_date": "19700302", "study_date": spec.date, "accession_number": format!("A{study}"),
            "study_description": format!("MRI Lumbar {study}%"), "procedure_code_meanings": [],
        },
        "series": {
            "series_instance_uid": format!("1.2.{study}.{series}"), "modality": spec.modality, "series_number": series,
            "series_description": "sag T2", "anatomic_region_codes": [],
        },
        "sop_instance_uid": format!("1.2.{study}.{series}.{instance}"),
        "sop_class_uid": spec.sop_class_uid, "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "instance_number": instance, "image_type": [], "rows": 16, "columns": 16, "number_of_frames": 1,
        "quality": {"lossy_image_compression_ratio": [], "has_pixel_data": true, "pixel_data_short": false},
        "mr": {"scanning_sequence": [], "sequence_variant": [], "scan_options": []},
        "sub_volume": [],
    }))
    .unwrap()
}

pub(crate) fn scope(actor: Actor, case_id: Option<CaseId>) -> Arc<DeliveryScope> {
    Arc::new(DeliveryScope {
        delivery_id: DeliveryId::from_random([1; 16]),
        case_id,
        actor,
    })
}

/// Enters instances in one transaction, as the committer does.
pub(crate) async fn enter(
    house: &House,
    scope: &Arc<DeliveryScope>,
    specs: &[Spec],
) -> Vec<Outcome> {
    let each: Vec<_> = specs.iter().map(|spec| (scope, spec)).collect();
    enter_each(house, &each).await
}

/// As [`enter`], each instance in a delivery of its own choice.
pub(crate) async fn enter_each(
    house: &House,
    specs: &[(&Arc<DeliveryScope>, &Spec)],
) -> Vec<Outcome> {
    let pack_id = PackId::new(7).unwrap();
    let mut tx = house.store.begin().await.unwrap();
    let committed = packs::committed_bytes(&mut tx, pack_id)
        .await
        .unwrap()
        .unwrap_or(16);
    let new = specs.iter().zip(0_u64..).map(|((scope, spec), index)| {
        let facts = facts(spec);
        let digest = Digest::new([spec.instance as u8; 32]);
        let metadata_json = format!(
            r#"{{"00080018":{{"vr":"UI","Value":["{}"]}}}}"#,
            facts.sop_instance_uid
        );
        let extent = Extent {
            pack_id,
            offset_bytes: committed + index * 100,
            length_bytes: 100,
        };
        NewInstance {
            facts,
            metadata_json: metadata_json.into_bytes(),
            frames: vec![0],
            extent,
            digest,
            scope: Arc::clone(scope),
        }
    });
    let batch = Batch::prepare(new.collect()).unwrap();
    let length_bytes = committed + specs.len() as u64 * 100;
    packs::claim(&mut tx, pack_id, length_bytes, NOW)
        .await
        .unwrap();
    let mut begun = std::collections::HashSet::new();
    for (scope, _) in specs {
        if begun.insert(scope.delivery_id.as_str()) {
            deliveries::start(&mut tx, scope, "test", NOW)
                .await
                .unwrap();
        }
    }
    let mut rooms = Rooms::new(house.quota);
    let (outcomes, script) = studies::enter(&mut tx, &batch, &mut rooms, NOW)
        .await
        .unwrap();
    script.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    outcomes
}
