//! The reviewers one can choose among.

use anyhow::{Context, Result};
use overread_model::ids::ReviewerId;
use overread_model::time::CalendarDate;
use overread_workflow::{Workflow, reviewers};

use super::cast::Cast;
use super::{Story, told};

pub(super) fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn reviewer_entry(
    [name, kind, email, institution]: [&str; 4],
    subspecialties: &[&str],
    checked_on: CalendarDate,
) -> reviewers::ReviewerForm {
    reviewers::ReviewerForm {
        name: name.to_owned(),
        credentials: "MD".to_owned(),
        kind: kind.to_owned(),
        email: email.to_owned(),
        subspecialties: texts(subspecialties),
        modalities: texts(&["MR", "CT"]),
        institution: institution.to_owned(),
        licence_regions: texts(&["US-WA", "US-OR"]),
        languages: texts(&["en"]),
        fee_cents: Some(42_000),
        currency: "USD".to_owned(),
        turnaround_business_days: Some(3),
        capacity: Some(8),
        credentials_checked_on: checked_on.to_string(),
        credentials_source: "State medical board, demonstration entry".to_owned(),
        ..reviewers::ReviewerForm::default()
    }
}

pub(super) async fn directory(
    ctx: &Workflow,
    cast: &Cast,
    story: &mut Story,
) -> Result<ReviewerId> {
    let checked_on = story.now.date();
    let entry =
        |name: &str, kind: &str, email: &str, subspecialties: &[&str], institution: &str| {
            reviewer_entry([name, kind, email, institution], subspecialties, checked_on)
        };
    let mut solberg = entry(
        "Ingrid Solberg",
        "radiologist",
        "reviewer@demo.example",
        &["neuroradiology"],
        "University Spine Imaging",
    );
    solberg.languages = texts(&["en", "es"]);
    let others = [
        entry(
            "Hanna Iversen",
            "radiologist",
            "iversen@demo.example",
            &["msk"],
            "Harbor Joint Imaging",
        ),
        entry(
            "Peter Adeyemi",
            "radiologist",
            "adeyemi@demo.example",
            &["neuroradiology"],
            "Lakeside Imaging (fictional)",
        ),
        entry(
            "Lucia Moretti",
            "radiologist",
            "moretti@demo.example",
            &["breast"],
            "Women's Imaging Center",
        ),
        entry(
            "Tomas Weber",
            "clinical_specialist",
            "surgeon@demo.example",
            &["207XS0117X"],
            "Cascade Spine Surgery",
        ),
    ];
    let coordinator = cast.get("coordinator")?;
    let now = story.hours_later(1);
    let chosen = reviewers::create(ctx, coordinator, &solberg, now)
        .await
        .map_err(told)?;
    for other in others {
        reviewers::create(ctx, coordinator, &other, now)
            .await
            .map_err(told)
            .with_context(|| other.name.clone())?;
    }
    Ok(chosen)
}
