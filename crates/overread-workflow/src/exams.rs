//! The studies of a case, and which of them are of the exam that the request asks about.

use std::collections::BTreeSet;

use overread_model::choosing::{AskedExam, ExamFacts};
use overread_model::ids::CaseId;
use overread_model::time::CalendarDate;
use overread_store::checks::StudyRow;
use overread_store::studies::SeriesRow;
use overread_store::{Tx, checks, studies};

use crate::casework::Intake;
use crate::{StepResult, Workflow};

/// Returns the exam that the request asks about.
pub(crate) fn asked(intake: &Intake) -> AskedExam<'_> {
    let exam = &intake.exam;
    AskedExam {
        name: &exam.name,
        body_part: &exam.body_part,
        question: &intake.why.question,
        modality: &exam.modality,
        date: exam.date.parse::<CalendarDate>().ok(),
    }
}

/// Returns where the exams of a case were made, as the images name it; each name once.
pub(crate) async fn institutions(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<String>> {
    let rows = checks::studies(tx, case_id).await?;
    let names = rows.into_iter().filter_map(|row| row.institution_name);
    let names: BTreeSet<String> = names
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    Ok(names.into_iter().collect())
}

/// Returns what each study of a case says of itself.
pub(crate) async fn of_case(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<ExamFacts>> {
    let mut exams: Vec<(String, ExamFacts)> = Vec::new();
    for facts in studies::facts_of_case(tx, case_id).await? {
        let uid = facts.study.study_instance_uid.as_str();
        match exams.iter_mut().find(|(known, _)| known == uid) {
            Some((_, exam)) => exam.add(&facts),
            None => {
                let mut exam = ExamFacts::default();
                exam.add(&facts);
                exams.push((uid.to_owned(), exam));
            }
        }
    }
    Ok(exams.into_iter().map(|(_, exam)| exam).collect())
}

/// Says in words that the images in a case are of the other side than its request; `None` when they fit or do not tell.
pub(crate) async fn other_side(
    tx: &mut Tx,
    ctx: &Workflow,
    case_id: &CaseId,
    intake: &Intake,
) -> StepResult<Option<String>> {
    let exams = of_case(tx, case_id).await?;
    Ok(asked(intake).other_side(&exams, &ctx.knowledge.specialties))
}

/// What the studies of the exam asked about say of themselves, as one.
pub(crate) struct AskedAbout {
    pub(crate) exam: ExamFacts,
    /// That they are of the other side than the request, in words.
    pub(crate) other_side: Option<String>,
}

/// Returns what the studies of the exam asked about say of themselves.
pub(crate) async fn asked_about(
    tx: &mut Tx,
    ctx: &Workflow,
    case_id: &CaseId,
    intake: &Intake,
) -> StepResult<AskedAbout> {
    let mut exams = of_case(tx, case_id).await?;
    let best = asked(intake).best(&exams, &ctx.knowledge.specialties);
    let other_side = asked(intake).other_side(&exams, &ctx.knowledge.specialties);
    let mut place = 0..;
    exams.retain(|_| place.next().is_some_and(|at| best.contains(&at)));
    let mut merged = ExamFacts::default();
    for exam in exams {
        merged.merge(exam);
    }
    Ok(AskedAbout {
        exam: merged,
        other_side,
    })
}

/// Puts the studies of the exam asked about first; the order of the rest stays.
pub(crate) fn asked_first(
    shown: Vec<(StudyRow, Vec<SeriesRow>)>,
    ctx: &Workflow,
    intake: &Intake,
) -> Vec<(StudyRow, Vec<SeriesRow>)> {
    let exams: Vec<ExamFacts> = shown.iter().map(exam_of).collect();
    let best = asked(intake).best(&exams, &ctx.knowledge.specialties);
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (place, study) in shown.into_iter().enumerate() {
        if best.contains(&place) {
            first.push(study);
        } else {
            rest.push(study);
        }
    }
    first.append(&mut rest);
    first
}

/// Returns what the list of a study says, without opening its instances.
fn exam_of((study, series): &(StudyRow, Vec<SeriesRow>)) -> ExamFacts {
    let texts = |of: fn(&SeriesRow) -> &Option<String>| {
        let texts = series.iter().filter_map(|row| of(row).clone());
        texts.filter(|text| !text.is_empty()).collect()
    };
    ExamFacts {
        modalities: series.iter().map(|row| row.modality.clone()).collect(),
        body_parts: texts(|row| &row.body_part_examined),
        lateralities: texts(|row| &row.laterality),
        study_description: study.study_description.clone().unwrap_or_default(),
        series_texts: texts(|row| &row.series_description),
        study_date: study.study_date.parse().ok(),
        ..ExamFacts::default()
    }
}
