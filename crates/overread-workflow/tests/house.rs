//! A whole installation for one test, with people of every role and a case that can be walked to any state.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use dicom_dictionary_std::tags;
use overread_archive::Archive;
use overread_ingest::{Ingest, Receipt};
use overread_knowledge::Knowledge;
use overread_model::access::{Actor, Role};
use overread_model::duration::WorkCalendar;
use overread_model::ids::{CaseId, ReviewerId};
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};
use overread_workflow::asking::{self, AskStep, Exam, Urgency, Who, Why};
use overread_workflow::choosing::{self, AcceptOffer};
use overread_workflow::consenting::{self, SignConsent};
use overread_workflow::inviting::{self, AcceptInvitation, Invite};
use overread_workflow::keeping::Keeping;
use overread_workflow::letters::{LetterDraft, LetterValues};
use overread_workflow::reading::{self, OriginalFacts, OriginalInput};
use overread_workflow::records::{self, Incoming};
use overread_workflow::reviewers::{self, ReviewerForm};
use overread_workflow::setup::{self, FirstAdministrator};
use overread_workflow::signing_in::Client;
use overread_workflow::{MailConfig, PasswordCost, StepError, Workflow, WorkflowConfig};
use overread_workflow::{cases, checking, comparing, covering, delivering, reporting, sessions};
use tempfile::TempDir;

/// 2026-03-02, a Monday.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_446_500_000_000);
pub(crate) const PASSWORD: &str = "green kettles sing at noon";

pub(crate) struct House {
    pub(crate) ctx: Workflow,
    pub(crate) dir: TempDir,
    pub(crate) administrator: Actor,
    pub(crate) coordinator: Actor,
    pub(crate) patient: Actor,
    pub(crate) reviewer: Actor,
    pub(crate) reviewer_id: ReviewerId,
}

pub(crate) fn client() -> Client {
    Client {
        address: "192.0.2.7".to_owned(),
        device: "Firefox on Linux".to_owned(),
        known_browser: String::new(),
    }
}

/// Opens rooms over an empty folder (SQLite).
pub(crate) async fn rooms(dir: &TempDir, mail: Option<MailConfig>) -> Workflow {
    let store = Store::open_sqlite(&dir.path().join("overread.sqlite"))
        .await
        .unwrap();
    over(dir, store, mail).await
}

async fn over(dir: &TempDir, store: Store, mail: Option<MailConfig>) -> Workflow {
    let archive = Archive::open(dir.path()).await.unwrap();
    let ingest = Ingest::open(store.clone(), archive.clone()).await.unwrap();
    let config = WorkflowConfig {
        public_url: "https://overread.example".to_owned(),
        organisation: "Harbour Imaging".to_owned(),
        mail: mail.unwrap_or_else(|| MailConfig::Folder(dir.path().join("mail"))),
        calendar: WorkCalendar::default(),
        password_cost: PasswordCost {
            memory_kib: 8,
            passes: 1,
        },
        keeping: Keeping {
            grace_days: 30,
            rules: Vec::new(),
        },
    };
    Workflow {
        store,
        archive,
        ingest,
        knowledge: Knowledge::embedded(),
        config: Arc::new(config),
    }
}

/// Makes the first administrator, who coordinates too.
pub(crate) async fn first_administrator(ctx: &Workflow) -> Actor {
    let secret = setup::prepare(ctx, NOW).await.unwrap().unwrap().secret;
    let form = FirstAdministrator {
        name: "Ada Admin".to_owned(),
        email: "ada@harbour.example".to_owned(),
        password: PASSWORD.to_owned(),
        password_again: PASSWORD.to_owned(),
        also_coordinator: false,
    };
    let session = setup::create_administrator(ctx, secret.reveal(), &form, &client(), NOW)
        .await
        .unwrap();
    Actor::Person {
        person_id: session.person_id,
        role: Role::Administrator,
    }
}

/// Invites a person and lets them take the invitation.
pub(crate) async fn join(
    ctx: &Workflow,
    by: &Actor,
    name: &str,
    email: &str,
    role: Role,
    case_id: Option<CaseId>,
) -> Actor {
    let invite = Invite {
        name: name.to_owned(),
        email: email.to_owned(),
        role,
        case_id,
        language: "en".to_owned(),
    };
    let invited = inviting::invite(ctx, by, &invite, NOW).await.unwrap();
    let form = AcceptInvitation {
        name: String::new(),
        password: PASSWORD.to_owned(),
        password_again: PASSWORD.to_owned(),
    };
    let session = inviting::accept(ctx, invited.secret.reveal(), &form, &client(), NOW)
        .await
        .unwrap();
    let signed_in = sessions::find(ctx, session.token.reveal(), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(signed_in.role, role);
    signed_in.actor
}

/// A letter in English as its form sends it.
pub(crate) fn draft_of<'a>(
    kind: &'a str,
    version: i64,
    facts_mark: &'a str,
    values: &'a LetterValues,
) -> LetterDraft<'a> {
    LetterDraft {
        kind,
        language: "en",
        version,
        facts_mark,
        values,
    }
}

pub(crate) fn reviewer_form() -> ReviewerForm {
    ReviewerForm {
        name: "Rosa Reader".to_owned(),
        credentials: "MD".to_owned(),
        kind: "radiologist".to_owned(),
        email: "rosa@coast.example".to_owned(),
        subspecialties: vec!["neuroradiology".to_owned()],
        modalities: vec!["MR".to_owned()],
        institution: "Coast Radiology".to_owned(),
        licence_regions: vec!["US-WA".to_owned()],
        languages: vec!["en".to_owned()],
        fee_cents: Some(25_000),
        currency: "USD".to_owned(),
        turnaround_business_days: Some(3),
        credentials_checked_on: "2026-01-10".to_owned(),
        credentials_source: "State board".to_owned(),
        ..ReviewerForm::default()
    }
}

impl House {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ctx = rooms(&dir, None).await;
        Self::furnish(dir, ctx).await
    }

    pub(crate) async fn postgres(test: &str) -> Option<Self> {
        let url = overread_testkit::postgres::server_url(test)?;
        let dir = tempfile::tempdir().unwrap();
        let schema = format!("w_{test}_{}", std::process::id());
        let store = Store::open_postgres_in(&url, &schema).await.unwrap();
        let ctx = over(&dir, store, None).await;
        Some(Self::furnish(dir, ctx).await)
    }

    async fn furnish(dir: TempDir, ctx: Workflow) -> Self {
        let administrator = first_administrator(&ctx).await;
        let coordinator = join(
            &ctx,
            &administrator,
            "Cora Coordinator",
            "cora@harbour.example",
            Role::Coordinator,
            None,
        )
        .await;
        let patient = join(
            &ctx,
            &coordinator,
            "Alex Sample",
            "alex@home.example",
            Role::Patient,
            None,
        )
        .await;
        let reviewer_id = reviewers::create(&ctx, &coordinator, &reviewer_form(), NOW)
            .await
            .unwrap();
        let reviewer = join(
            &ctx,
            &coordinator,
            "Rosa Reader",
            "rosa@coast.example",
            Role::Reviewer,
            None,
        )
        .await;
        Self {
            ctx,
            dir,
            administrator,
            coordinator,
            patient,
            reviewer,
            reviewer_id,
        }
    }

    pub(crate) async fn version(&self, actor: &Actor, case_id: &CaseId) -> i64 {
        cases::journey(&self.ctx, actor, case_id, NOW)
            .await
            .unwrap()
            .version
    }

    pub(crate) async fn state(&self, case_id: &CaseId) -> String {
        cases::journey(&self.ctx, &self.coordinator, case_id, NOW)
            .await
            .unwrap()
            .row
            .state
    }

    /// draft -> consent_pending
    pub(crate) async fn asked(&self) -> CaseId {
        let ctx = &self.ctx;
        let case_id = asking::start(ctx, &self.patient, NOW).await.unwrap();
        for (version, step) in (1..).zip(steps()) {
            let saved = asking::save(ctx, &self.patient, &case_id, version, step, NOW)
                .await
                .unwrap();
            assert_eq!(
                saved,
                asking::Saved::Kept {
                    version: version + 1
                }
            );
        }
        let view = asking::view(ctx, &self.patient, &case_id, NOW)
            .await
            .unwrap();
        assert!(view.can_submit, "{:?}", view.problems);
        asking::submit(ctx, &self.patient, &case_id, view.version, NOW)
            .await
            .unwrap();
        case_id
    }

    /// -> records_collecting
    pub(crate) async fn consented(&self) -> CaseId {
        let case_id = self.asked().await;
        consenting::sign(&self.ctx, &self.patient, &case_id, &consent(), NOW)
            .await
            .unwrap();
        case_id
    }

    /// Sends a disc in; the case moves on by itself.
    pub(crate) async fn deliver(&self, case_id: &CaseId, files: &[DiscFile]) -> Receipt {
        let zip = Cursor::new(zip_of(files, true).unwrap());
        records::receive(
            &self.ctx,
            &self.patient,
            Some(case_id),
            Incoming::Zip(zip),
            NOW,
        )
        .await
        .unwrap()
    }

    /// -> in_review, where nobody has entered a first report
    pub(crate) async fn in_review_without_original(&self) -> CaseId {
        let case_id = self.consented().await;
        self.deliver(&case_id, &disc("Sample^Alex", 1)).await;
        let reason = "It was never written.";
        reading::declare_original_missing(&self.ctx, &self.patient, &case_id, reason, NOW)
            .await
            .unwrap();
        self.accept_records(&case_id).await;
        self.offer(&case_id).await;
        self.take(&case_id).await;
        case_id
    }

    /// -> matching
    pub(crate) async fn matching(&self) -> CaseId {
        let case_id = self.consented().await;
        self.deliver(&case_id, &disc("Sample^Alex", 1)).await;
        let input = OriginalInput::Pasted(ORIGINAL.to_owned());
        reading::enter_original(
            &self.ctx,
            &self.patient,
            &case_id,
            input,
            &OriginalFacts::default(),
            NOW,
        )
        .await
        .unwrap();
        self.accept_records(&case_id).await;
        case_id
    }

    /// Waves through whatever the check of a tiny disc finds, and accepts.
    pub(crate) async fn accept_records(&self, case_id: &CaseId) {
        self.wave_through(case_id).await;
        let version = self.version(&self.coordinator, case_id).await;
        records::accept(&self.ctx, &self.coordinator, case_id, version, NOW)
            .await
            .unwrap();
    }

    /// Waves through whatever the check of a tiny disc finds.
    pub(crate) async fn wave_through(&self, case_id: &CaseId) {
        let check = checking::run(&self.ctx, &self.coordinator, case_id, NOW)
            .await
            .unwrap();
        let blockers: Vec<String> = check
            .findings
            .iter()
            .filter(|finding| finding.severity == "blocker" && finding.overridden.is_none())
            .map(|finding| finding.rule.clone())
            .collect();
        if !blockers.is_empty() {
            let version = self.version(&self.coordinator, case_id).await;
            let reason = "A small test disc.";
            checking::override_rules(
                &self.ctx,
                &self.coordinator,
                case_id,
                version,
                &blockers,
                reason,
                NOW,
            )
            .await
            .unwrap();
        }
    }

    /// -> offered
    pub(crate) async fn offered(&self) -> CaseId {
        let case_id = self.matching().await;
        self.offer(&case_id).await;
        case_id
    }

    /// matching -> offered
    pub(crate) async fn offer(&self, case_id: &CaseId) {
        let version = self.version(&self.coordinator, case_id).await;
        choosing::choose(
            &self.ctx,
            &self.coordinator,
            case_id,
            version,
            &self.reviewer_id,
            NOW,
        )
        .await
        .unwrap();
        let version = self.version(&self.patient, case_id).await;
        covering::accept(&self.ctx, &self.patient, case_id, version, 25_000, NOW)
            .await
            .unwrap();
    }

    /// -> in_review
    pub(crate) async fn in_review(&self) -> CaseId {
        let case_id = self.offered().await;
        self.take(&case_id).await;
        case_id
    }

    async fn take(&self, case_id: &CaseId) {
        let offer = choosing::offer(&self.ctx, &self.reviewer, case_id, NOW)
            .await
            .unwrap();
        choosing::accept(
            &self.ctx,
            &self.reviewer,
            case_id,
            offer.version,
            &acceptance(),
            NOW,
        )
        .await
        .unwrap();
    }

    /// -> report_final, compared
    pub(crate) async fn signed(&self) -> CaseId {
        let case_id = self.in_review().await;
        let text = "Left paracentral disc extrusion at L5-S1 that touches the left S1 root.";
        reading::lock_first_impression(&self.ctx, &self.reviewer, &case_id, text, NOW)
            .await
            .unwrap();
        let desk = reporting::desk(&self.ctx, &self.reviewer, &case_id, NOW)
            .await
            .unwrap();
        reporting::save_draft(
            &self.ctx,
            &self.reviewer,
            &case_id,
            desk.version,
            &sections(),
            NOW,
        )
        .await
        .unwrap();
        let desk = reporting::desk(&self.ctx, &self.reviewer, &case_id, NOW)
            .await
            .unwrap();
        assert!(desk.may_sign, "{:?}", desk.problems);
        reporting::sign(
            &self.ctx,
            &self.reviewer,
            &case_id,
            signing(desk.version),
            NOW,
        )
        .await
        .unwrap();
        case_id
    }

    /// -> delivered
    pub(crate) async fn delivered(&self) -> CaseId {
        let case_id = self.signed().await;
        self.release(&case_id).await;
        case_id
    }

    /// report_final -> delivered
    pub(crate) async fn release(&self, case_id: &CaseId) {
        let view = comparing::view(&self.ctx, &self.reviewer, case_id, NOW)
            .await
            .unwrap();
        let form = comparing::DecideComparison {
            concordance_id: view.concordance_id.as_str().to_owned(),
            overall: "changes_management".to_owned(),
            note: "The extrusion is on the left and touches the root.".to_owned(),
            corrections: Vec::new(),
        };
        assert!(view.may_decide);
        comparing::decide(&self.ctx, &self.reviewer, case_id, &form, NOW)
            .await
            .unwrap();
        let act = delivering::view(&self.ctx, &self.coordinator, case_id, NOW)
            .await
            .unwrap();
        assert!(
            act.release_problems.is_empty(),
            "{:?}",
            act.release_problems
        );
        delivering::release(&self.ctx, &self.coordinator, case_id, act.version, NOW)
            .await
            .unwrap();
    }
}

pub(crate) fn steps() -> Vec<AskStep> {
    let text = str::to_owned;
    vec![
        AskStep::Who(Who {
            requester: text("patient"),
            patient_name: text("Alex Sample"),
            patient_birth_date: text("1970-03-02"),
            patient_sex: text("F"),
            patient_region: text("US-WA"),
            sender_name: text("Alex Sample"),
            sender_address: text("1 Quiet Street\nSeattle, WA"),
            sender_phone: text("+1 206 555 0100"),
            sender_email: text("alex@home.example"),
            language: text("en"),
            ..Who::default()
        }),
        AskStep::Exam(Exam {
            modality: text("MR"),
            body_part: text("lumbar spine"),
            name: text("MRI lumbar spine"),
            date: text("2026-03-02"),
            facility: text("Riverside Imaging"),
            facility_address: text("9 River Road\nSeattle, WA"),
            ..Exam::default()
        }),
        AskStep::Why(Why {
            triggers: vec![text("surgery")],
            symptoms: text("Pain in the left leg for two months."),
            reason: text("Surgery was advised."),
            question: text("Is the disc at L5-S1 touching the nerve root?"),
            physician_name: text("Dr. Tom Treating"),
            physician_email: text("tom@clinic.example"),
            ..Why::default()
        }),
        AskStep::Urgency(Urgency {
            answered: true,
            ..Urgency::default()
        }),
    ]
}

/// What a reviewer says who signs with the right password, over an original report that did not change.
pub(crate) const fn signing(version: i64) -> reporting::Signing<'static> {
    reporting::Signing {
        version,
        password: PASSWORD,
        seen_original_version: 0,
        seen_doubts: false,
    }
}

pub(crate) fn consent() -> SignConsent {
    SignConsent {
        scope_review: true,
        scope_letters: true,
        scope_share: true,
        scope_email: true,
        scope_insurer: false,
        receivers: "Harbour Imaging and its reviewers; Dr. Tom Treating".to_owned(),
        expires_on: "2026-12-31".to_owned(),
        signature: "Alex Sample".to_owned(),
        authority: String::new(),
    }
}

pub(crate) fn acceptance() -> AcceptOffer {
    AcceptOffer {
        independent: true,
        licensed: true,
        statement: String::new(),
    }
}

/// A disc of one small series that names a patient.
pub(crate) fn disc(patient_name: &str, study: u64) -> Vec<DiscFile> {
    use dicom_core::VR;
    let birth = if patient_name == "Other^Person" {
        "19510707"
    } else {
        "19700302"
    };
    (1..=5_u64)
        .map(|instance| {
            let spec = InstanceSpec::mr(study, 1, instance)
                .at_z_mm(instance as f64 * 4.0)
                .with(tags::PATIENT_NAME, VR::PN, patient_name)
                .with(tags::PATIENT_BIRTH_DATE, VR::DA, birth)
                .with(tags::SERIES_DESCRIPTION, VR::LO, "AX T2");
            DiscFile::new(format!("DICOM/IM{instance:04}"), spec.part10().unwrap())
        })
        .collect()
}

pub(crate) const ORIGINAL: &str = "FINDINGS:\nL4-L5: No disc herniation.\nL5-S1: Right paracentral disc protrusion. \
    No nerve root contact.\n\nIMPRESSION:\nRight paracentral disc protrusion at L5-S1.";

pub(crate) fn sections() -> BTreeMap<String, String> {
    [
        ("request", "Is the disc at L5-S1 touching the nerve root?"),
        ("materials", "MRI lumbar spine, 2026-03-02."),
        ("clinical", "Pain in the left leg."),
        ("comparison", "None available."),
        ("quality", "diagnostic"),
        ("technique_quality", "Axial T2. Diagnostic quality."),
        ("findings", "L4-L5: No disc herniation.\nL5-S1: Left paracentral disc extrusion contacting the left S1 nerve root."),
        ("agreement_overall", "differs_major"),
        ("agreement", "The first report puts the disc on the right; it is on the left."),
        ("impression", "1. Left paracentral disc extrusion at L5-S1 contacting the left S1 nerve root."),
        ("alternatives", "None considered likely."),
        ("recommendations", "Discuss with the surgeon before any operation."),
        ("limits", "Based on the listed images alone. The small disc was accepted with a reason."),
        ("plain", "A disc in your lower back presses on a nerve on the left side. Talk to your doctor about it."),
    ]
    .into_iter()
    .map(|(key, text)| (key.to_owned(), text.to_owned()))
    .collect()
}

/// Lets the newest check say that images of another patient may be in the case.
pub(crate) async fn open_identity_blocker(house: &House, case_id: &CaseId) {
    use overread_store::checks;
    let mut tx = house.ctx.store.begin().await.unwrap();
    let row = checks::newest(&mut tx, case_id).await.unwrap().unwrap();
    let mut result: serde_json::Value = serde_json::from_str(&row.result).unwrap();
    let finding = serde_json::json!({"rule": "P02", "severity": "blocker", "subject": "", "message": "Two people."});
    result["findings"] = serde_json::json!([finding]);
    let row = checks::CheckRow {
        result: result.to_string(),
        ..row
    };
    checks::insert(&mut tx, case_id, &row).await.unwrap();
    tx.commit().await.unwrap();
}

/// Says that a step found nothing: the answer for whatever one may not see.
pub(crate) fn assert_not_found<T>(result: Result<T, StepError>) {
    assert!(
        matches!(result, Err(StepError::NotFound)),
        "{:?}",
        result.err()
    );
}

pub(crate) fn assert_forbidden<T>(result: Result<T, StepError>) {
    assert!(
        matches!(result, Err(StepError::Forbidden)),
        "{:?}",
        result.err()
    );
}

pub(crate) fn assert_stale<T>(result: Result<T, StepError>) {
    assert!(
        matches!(result, Err(StepError::Stale)),
        "{:?}",
        result.err()
    );
}

pub(crate) fn assert_invalid<T>(result: Result<T, StepError>, field: &str) {
    match result {
        Err(StepError::Invalid(problems)) => {
            assert!(
                problems.iter().any(|problem| problem.field == field),
                "{field}: {problems:?}"
            );
        }
        other => panic!("{field}: {:?}", other.err()),
    }
}
