//! The request: who asks, about which exam, and why.

use anyhow::{Result, bail};
use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::CalendarDate;
use overread_testkit::lumbar::Exam as Phantom;
use overread_workflow::asking::{AskStep, Exam, Saved, Urgency, Who, Why};
use overread_workflow::{Workflow, asking};

use super::directory::texts;
use super::{Story, told};

pub(super) fn date_of(phantom: &Phantom) -> Result<CalendarDate> {
    Ok(phantom.study_date.parse()?)
}

pub(super) async fn ask(
    ctx: &Workflow,
    patient: &Actor,
    phantom: &Phantom,
    story: &mut Story,
) -> Result<CaseId> {
    let now = story.hours_later(2);
    let case_id = asking::start(ctx, patient, now).await.map_err(told)?;
    let (who, exam, why) = (who(phantom), exam(phantom)?, why());
    let urgency = Urgency {
        answered: true,
        ..Urgency::default()
    };
    for step in [
        AskStep::Who(who),
        AskStep::Exam(exam),
        AskStep::Why(why),
        AskStep::Urgency(urgency),
    ] {
        let version = asking::view(ctx, patient, &case_id, now)
            .await
            .map_err(told)?
            .version;
        if asking::save(ctx, patient, &case_id, version, step, now)
            .await
            .map_err(told)?
            == Saved::Emergency
        {
            bail!("the demonstration's case is no emergency");
        }
    }
    let view = asking::view(ctx, patient, &case_id, now)
        .await
        .map_err(told)?;
    if let Some(problem) = view.problems.first() {
        bail!("{}: {}", problem.field, problem.message);
    }
    asking::submit(ctx, patient, &case_id, view.version, now)
        .await
        .map_err(told)?;
    Ok(case_id)
}

fn who(phantom: &Phantom) -> Who {
    let text = str::to_owned;
    Who {
        requester: text("patient"),
        patient_name: text("Elena Rivera"),
        patient_birth_date: text("1979-06-14"),
        patient_sex: text("F"),
        patient_region: text("US-WA"),
        patient_mrn: phantom.patient_id.clone(),
        sender_name: text("Elena Rivera"),
        sender_address: text("27 Alder Street\nSeattle, WA 98101"),
        sender_phone: text("+1 206 555 0143"),
        sender_email: text("patient@demo.example"),
        language: text("en"),
        ..Who::default()
    }
}

fn exam(phantom: &Phantom) -> Result<Exam> {
    let text = str::to_owned;
    Ok(Exam {
        modality: text("MR"),
        body_part: text("lumbar spine"),
        name: text("MRI lumbar spine without contrast"),
        date: date_of(phantom)?.to_string(),
        facility: phantom.institution_name.clone(),
        facility_address: text("Medical Records\n900 Lakeside Avenue\nSeattle, WA 98122"),
        images_at: text("me"),
        report_at: text("me"),
        first_reader: text("Dr. R. Hale"),
        ..Exam::default()
    })
}

fn why() -> Why {
    let text = str::to_owned;
    Why {
        triggers: texts(&["surgery", "mismatch"]),
        symptoms: text("Pain down the left leg for ten weeks."),
        diagnosis: text("Disc protrusion L4-L5"),
        reason: text(
            "Surgery was suggested, and the report speaks of the right side while the left leg hurts.",
        ),
        question: text("Does anything press on a nerve, and is surgery likely to help?"),
        physician_name: text("Dr. Daniel Okafor"),
        physician_role: text("primary care physician"),
        physician_phone: text("+1 206 555 0187"),
        physician_email: text("physician@demo.example"),
    }
}
