//! The demonstration: people of every role and two cases, made by the same steps a practice takes.

mod cast;
mod directory;
mod request;
mod texts;

use std::io::Cursor;

use anyhow::{Context, Result, anyhow};
use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, ReviewerId};
use overread_model::time::Timestamp;
use overread_testkit::disc::zip_of;
use overread_testkit::lumbar::{Exam as Phantom, disc};
use overread_workflow::{
    StepError, Workflow, choosing, comparing, consenting, covering, delivering, reading, records,
    reporting,
};
use serde::Serialize;

use cast::{Cast, bring_in, people};
use directory::directory;
use request::{ask, date_of};

/// What the demonstration prints.
#[derive(Serialize)]
pub(crate) struct Demonstration {
    /// Who can sign in.
    pub(crate) people: Vec<SignIn>,
    /// What there is to see.
    pub(crate) cases: Vec<DemoCase>,
    /// The treating physician's link to the finished case, as a path.
    pub(crate) physician_path: String,
}

/// A name and password.
#[derive(Serialize)]
pub(crate) struct SignIn {
    /// Role.
    pub(crate) role: Role,
    /// Name.
    pub(crate) name: &'static str,
    /// Name to sign in with.
    pub(crate) email: String,
    /// Password, made for this start.
    pub(crate) password: String,
}

/// A case to look at.
#[derive(Serialize)]
pub(crate) struct DemoCase {
    /// Its id.
    pub(crate) case_id: CaseId,
    /// What it shows.
    pub(crate) about: &'static str,
}

/// The clock of the demonstration: starts days ago, so that the timeline tells a story.
struct Story {
    now: Timestamp,
}

impl Story {
    fn hours_later(&mut self, hours: i64) -> Timestamp {
        self.now = self.now.plus_seconds(hours * 3600);
        self.now
    }
}

/// Fills an empty installation.
pub(crate) async fn seed(ctx: &Workflow, now: Timestamp) -> Result<Demonstration> {
    const DAYS_TOLD: i64 = 12;
    let mut story = Story {
        now: now.plus_days(-DAYS_TOLD),
    };
    let (people, cast) = people(ctx, &mut story).await?;
    let neuroradiologist = directory(ctx, &cast, &mut story).await?;
    let today = now.date();
    let finished = Phantom {
        study_date: today.plus_days(-40).to_da(),
        ..Phantom::default()
    };
    let waiting = Phantom {
        number: 2,
        study_date: today.plus_days(-20).to_da(),
        ..Phantom::default()
    };
    let first = to_review(ctx, &cast, &neuroradiologist, &finished, &mut story)
        .await
        .context("the finished case")?;
    let physician_path = finish(ctx, &cast, &first, &mut story)
        .await
        .context("the finished case")?;
    for short in ["representative", "physician", "insurer"] {
        bring_in(ctx, &cast, &first, short, &mut story)
            .await
            .with_context(|| format!("the {short} of the finished case"))?;
    }
    let second = to_review(ctx, &cast, &neuroradiologist, &waiting, &mut story)
        .await
        .context("the waiting case")?;
    let cases = vec![
        DemoCase {
            case_id: first,
            about: "finished: both reports compared, the treating physician has a link",
        },
        DemoCase {
            case_id: second,
            about: "in review: the reviewer has not locked a first impression yet",
        },
    ];
    Ok(Demonstration {
        people,
        cases,
        physician_path,
    })
}

/// Asks, consents, brings the disc, chooses and agrees on the cost, until the reviewer has accepted.
async fn to_review(
    ctx: &Workflow,
    cast: &Cast,
    reviewer: &ReviewerId,
    phantom: &Phantom,
    story: &mut Story,
) -> Result<CaseId> {
    let (patient, coordinator) = (cast.get("patient")?, cast.get("coordinator")?);
    let case_id = ask(ctx, patient, phantom, story).await.context("asking")?;
    let now = story.hours_later(1);
    let mut consent = consenting::view(ctx, patient, &case_id, now)
        .await
        .map_err(told)?;
    consent.form.signature.clone_from(&consent.signer_name);
    (
        consent.form.scope_review,
        consent.form.scope_letters,
        consent.form.scope_share,
        consent.form.scope_insurer,
    ) = (true, true, true, true);
    consenting::sign(ctx, patient, &case_id, &consent.form, now)
        .await
        .map_err(told)
        .context("consent")?;

    bring_records(ctx, patient, &case_id, phantom, story).await?;

    let now = story.hours_later(3);
    let view = records::view(ctx, coordinator, &case_id, now)
        .await
        .map_err(told)?;
    records::accept(ctx, coordinator, &case_id, view.version, now)
        .await
        .map_err(told)
        .with_context(|| {
            let open = view
                .check
                .map(|check| check.missing.join("; "))
                .unwrap_or_default();
            format!("accepting the records ({open})")
        })?;
    let view = choosing::view(ctx, coordinator, &case_id, now)
        .await
        .map_err(told)?;
    choosing::choose(ctx, coordinator, &case_id, view.version, reviewer, now)
        .await
        .map_err(told)
        .context("choosing")?;
    pay(ctx, cast, &case_id, story).await.context("coverage")?;

    let reader = cast.get("reviewer")?;
    let now = story.hours_later(2);
    let offer = choosing::offer(ctx, reader, &case_id, now)
        .await
        .map_err(told)?;
    let form = choosing::AcceptOffer {
        independent: true,
        licensed: true,
        statement: "No ties to the first reader.".to_owned(),
    };
    choosing::accept(ctx, reader, &case_id, offer.version, &form, now)
        .await
        .map_err(told)
        .context("accepting the offer")?;
    Ok(case_id)
}

/// Uploads the disc and enters the original report.
async fn bring_records(
    ctx: &Workflow,
    patient: &Actor,
    case_id: &CaseId,
    phantom: &Phantom,
    story: &mut Story,
) -> Result<()> {
    let now = story.hours_later(20);
    let files = disc(phantom, &texts::ORIGINAL_REPORT.replace('\n', "\r\n"))?;
    let incoming = records::Incoming::Zip(Cursor::new(zip_of(&files, true)?));
    records::receive(ctx, patient, Some(case_id), incoming, now)
        .await
        .map_err(told)
        .context("the disc")?;
    let original = reading::OriginalInput::Pasted(texts::ORIGINAL_REPORT.to_owned());
    let facts = reading::OriginalFacts {
        report_date: date_of(phantom)?.plus_days(1).to_string(),
        author: "Dr. R. Hale".to_owned(),
        institution: phantom.institution_name.clone(),
    };
    reading::enter_original(ctx, patient, case_id, original, &facts, now)
        .await
        .map_err(told)
        .context("the original report")?;
    Ok(())
}

async fn pay(ctx: &Workflow, cast: &Cast, case_id: &CaseId, story: &mut Story) -> Result<()> {
    let (patient, coordinator) = (cast.get("patient")?, cast.get("coordinator")?);
    let now = story.hours_later(1);
    let version = covering::view(ctx, coordinator, case_id, now)
        .await
        .map_err(told)?
        .version;
    let quote = covering::CoverageForm {
        kind: "self_pay".to_owned(),
        quote_cents: 42_000,
        share_cents: 42_000,
        currency: "USD".to_owned(),
        ..covering::CoverageForm::default()
    };
    covering::quote(ctx, coordinator, case_id, version, &quote, now)
        .await
        .map_err(told)?;
    let now = story.hours_later(4);
    let version = covering::view(ctx, patient, case_id, now)
        .await
        .map_err(told)?
        .version;
    covering::accept(ctx, patient, case_id, version, 42_000, now)
        .await
        .map_err(told)
}

/// Reads, reports, compares and delivers; returns the path of the physician's link.
async fn finish(
    ctx: &Workflow,
    cast: &Cast,
    case_id: &CaseId,
    story: &mut Story,
) -> Result<String> {
    let (reader, coordinator) = (cast.get("reviewer")?, cast.get("coordinator")?);
    let now = story.hours_later(18);
    reading::viewer(ctx, reader, case_id, now)
        .await
        .map_err(told)?;
    reading::lock_first_impression(ctx, reader, case_id, texts::FIRST_IMPRESSION, now)
        .await
        .map_err(told)?;
    report(ctx, cast, case_id, story)
        .await
        .context("the second report")?;

    let now = story.hours_later(1);
    comparing::compare(ctx, reader, case_id, now)
        .await
        .map_err(told)
        .context("comparing")?;
    let proposed = comparing::view(ctx, reader, case_id, now)
        .await
        .map_err(told)?;
    let form = comparing::DecideComparison {
        concordance_id: proposed.concordance_id.as_str().to_owned(),
        overall: overall_word(&proposed.concordance)?,
        note: "The side differs; this matters before any procedure.".to_owned(),
        corrections: Vec::new(),
    };
    comparing::decide(ctx, reader, case_id, &form, now)
        .await
        .map_err(told)
        .context("deciding")?;

    let now = story.hours_later(2);
    let version = delivering::view(ctx, coordinator, case_id, now)
        .await
        .map_err(told)?
        .version;
    delivering::release(ctx, coordinator, case_id, version, now)
        .await
        .map_err(told)
        .context("releasing")?;
    let link = delivering::NewLink {
        recipient_name: "Dr. Daniel Okafor".to_owned(),
        recipient_email: "physician@demo.example".to_owned(),
        with_images: true,
        ..delivering::NewLink::default()
    };
    let made = delivering::share(ctx, coordinator, case_id, &link, now)
        .await
        .map_err(told)
        .context("the link")?;
    Ok(format!("/links/{}", made.secret.reveal()))
}

/// Returns the engine's own word for the overall category.
fn overall_word(concordance: &overread_concordance::Concordance) -> Result<String> {
    let overall = concordance
        .overall
        .context("the demo's reports could not be compared")?;
    Ok(overall.name().to_owned())
}

async fn report(ctx: &Workflow, cast: &Cast, case_id: &CaseId, story: &mut Story) -> Result<()> {
    let reader = cast.get("reviewer")?;
    let now = story.hours_later(1);
    reading::original(ctx, reader, case_id, now)
        .await
        .map_err(told)?;
    let desk = reporting::desk(ctx, reader, case_id, now)
        .await
        .map_err(told)?;
    let offered = desk
        .sections
        .iter()
        .filter(|section| section.text.is_empty() && !section.suggested.is_empty());
    let mut sections: reporting::Sections = offered
        .map(|section| (section.key.clone(), section.suggested.clone()))
        .collect();
    sections.extend(texts::SECOND_REPORT.map(|(key, text)| (key.to_owned(), text.to_owned())));
    reporting::save_draft(ctx, reader, case_id, desk.version, &sections, now)
        .await
        .map_err(told)?;
    let desk = reporting::desk(ctx, reader, case_id, now)
        .await
        .map_err(told)?;
    let signing = reporting::Signing {
        version: desk.version,
        password: cast.password("reviewer")?,
        seen_original_version: 0,
        seen_doubts: false,
    };
    reporting::sign(ctx, reader, case_id, signing, story.hours_later(2))
        .await
        .map_err(told)?;
    Ok(())
}

/// Puts a step's refusal into one line for whoever starts the demonstration.
fn told(error: StepError) -> anyhow::Error {
    match error {
        StepError::Invalid(problems) => {
            let lines: Vec<String> = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.field, problem.message))
                .collect();
            anyhow!("the step was refused: {}", lines.join("; "))
        }
        other => anyhow!(other),
    }
}
