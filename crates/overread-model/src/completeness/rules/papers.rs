//! D01 to D11: reports, notes and dates.

use super::{Context, Findings, StudyView, has_document};
use crate::choosing::ExamFacts;
use crate::completeness::documents::{DocumentFacts, DocumentKind};
use crate::completeness::identity::{PersonIdentity, names_somebody_else};
use crate::completeness::tables::Severity;
use crate::text::folded;
use crate::time::CalendarDate;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings<'_>) {
    let input = context.input;
    check_report(context, findings);
    for document in input
        .documents
        .iter()
        .filter(|d| d.kind == DocumentKind::OriginalReport)
    {
        check_match(context, document, findings);
        if document.hints.is_preliminary {
            findings.add("D03", document.name.clone(), "");
        }
    }
    for document in input.documents {
        check_person(context, document, findings);
    }
    for view in &context.studies {
        if view.study.preliminary_reports > 0 {
            findings.add("D03", view.subject(), "the structured report says so");
        }
    }
    if input
        .question
        .is_some_and(|question| question.trim().is_empty())
    {
        findings.add("D04", "the request", "");
    }
    if !has_document(input, &[DocumentKind::ClinicalNote, DocumentKind::Referral]) {
        findings.add("D05", "the papers", "");
    }
    if !has_document(input, &[DocumentKind::Laboratory, DocumentKind::Pathology]) {
        let words = folded(&format!(
            "{} {}",
            input.reason,
            input.question.unwrap_or("")
        ));
        let severity = if context.tables.condition_words.is_match(&words) {
            Severity::Warning
        } else {
            Severity::Info
        };
        findings.add_as("D06", severity, "the papers", "");
    }
    check_asked(context, findings);
    check_earlier(context, findings);
    check_dates(context, findings);
}

fn check_report(context: &Context<'_>, findings: &mut Findings<'_>) {
    let (others, in_images): (Vec<&StudyView<'_>>, Vec<&StudyView<'_>>) = context
        .studies
        .iter()
        .filter(|view| view.study.report_objects + view.study.encapsulated_documents > 0)
        .partition(|view| is_of_somebody_else(context, view));
    let named = context.input.documents.iter();
    let (short, whole): (Vec<&DocumentFacts>, Vec<&DocumentFacts>) = named
        .filter(|document| document.kind == DocumentKind::OriginalReport)
        .partition(|document| document.hints.is_too_short);
    if !whole.is_empty() || !in_images.is_empty() || context.input.no_report_available {
        return;
    }
    let detail = match short.first() {
        Some(document) => format!("{} holds too few words to be one", document.name),
        None if !others.is_empty() => "the images hold one, but they name somebody else; read it, and enter it as the first report only when it is the right one".to_owned(),
        None => String::new(),
    };
    findings.add("D01", "the report", detail);
}

/// Says whether a study names somebody else than the patient; that its images were let in says nothing of the report in it.
fn is_of_somebody_else(context: &Context<'_>, view: &StudyView<'_>) -> bool {
    let Some(wanted) = &context.input.patient else {
        return false;
    };
    let table = &context.tables.identity;
    let named = view.study.patients.iter();
    named
        .filter_map(|index| context.gathered.patients.get(*index))
        .any(|seen| names_somebody_else(wanted, &seen.identity, table))
}

/// Looks whether a report belongs to one of the studies.
fn check_match(context: &Context<'_>, document: &DocumentFacts, findings: &mut Findings<'_>) {
    /// A report may be dated the day after the exam.
    const DAYS_APART: i64 = 1;
    if let Some(date) = document.clinical_date.or(document.hints.exam_date) {
        let days: Vec<i64> = study_dates(context)
            .map(|day| (day.to_days() - date.to_days()).abs())
            .collect();
        if !days.is_empty() && days.iter().all(|apart| *apart > DAYS_APART) {
            let detail = format!(
                "the report is about an exam of {}, the images are not",
                date.in_english()
            );
            return findings.add("D02", document.name.clone(), detail);
        }
    }
    if let Some(number) = &document.accession_number {
        let known = context
            .studies
            .iter()
            .filter_map(|view| view.study.accession_number.as_ref());
        let known: Vec<String> = known.map(|known| folded(known.reveal())).collect();
        if !known.is_empty() && !known.contains(&folded(number.reveal())) {
            return findings.add(
                "D02",
                document.name.clone(),
                "the accession number is another one",
            );
        }
    }
    let exams: Vec<ExamFacts> = context
        .studies
        .iter()
        .map(|view| view.study.exam.clone())
        .collect();
    let heading = document.hints.heading.reveal();
    let asked = &context.input.asked;
    if let Some(why) = asked.differs_from_report(heading, &exams, context.map) {
        findings.add("D02", document.name.clone(), why);
    }
}

/// Looks whether any of the images is of the place that the request asks about, and of its side.
fn check_asked(context: &Context<'_>, findings: &mut Findings<'_>) {
    let with_images = || {
        context
            .studies
            .iter()
            .filter(|view| view.readable().next().is_some())
    };
    let asked = &context.input.asked;
    let elsewhere = |view: &StudyView<'_>| asked.is_elsewhere(&view.study.exam, context.map);
    if with_images().next().is_some() && with_images().all(elsewhere) {
        let names: Vec<String> = with_images().map(StudyView::subject).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        findings.add("D10", "the images", crate::text::listed(&names));
    }
    let exams: Vec<ExamFacts> = with_images().map(|view| view.study.exam.clone()).collect();
    if let Some(told) = asked.other_side(&exams, context.map) {
        findings.add("D11", "the images", told);
    }
}

/// Looks whether a paper names the patient. The name in it is told to nobody: it may be somebody else's.
fn check_person(context: &Context<'_>, document: &DocumentFacts, findings: &mut Findings<'_>) {
    let tables = context.tables;
    let fits = |patient: &PersonIdentity| !document.hints.names_another(patient, tables);
    let is_theirs = match &context.input.patient {
        Some(patient) => fits(patient),
        // A disc without a case: whoever its images name.
        None => {
            let named = &context.gathered.patients;
            named.is_empty() || named.iter().any(|seen| fits(&seen.identity))
        }
    };
    if !is_theirs {
        let detail = "the name or birth date written in it is not this patient's";
        findings.add("D02", document.name.clone(), detail);
    }
}

fn study_dates(context: &Context<'_>) -> impl Iterator<Item = CalendarDate> {
    context
        .studies
        .iter()
        .filter_map(|view| view.study.exam.study_date)
}

/// Looks for earlier exams, and for those that a report compared with.
fn check_earlier(context: &Context<'_>, findings: &mut Findings<'_>) {
    if context.studies.is_empty() {
        return;
    }
    let named: Vec<CalendarDate> = context
        .input
        .documents
        .iter()
        .filter(|document| document.kind == DocumentKind::OriginalReport)
        .flat_map(|document| document.hints.comparison_dates.iter().copied())
        .filter(|date| !study_dates(context).any(|known| known == *date))
        .collect();
    if !named.is_empty() {
        let days: Vec<String> = named.iter().map(|date| date.in_english()).collect();
        let detail = format!(
            "the report compares with an exam of {}",
            crate::text::listed(&days)
        );
        return findings.add_as("D07", Severity::Warning, "earlier exams", detail);
    }
    let with_images = || {
        context
            .studies
            .iter()
            .filter(|view| view.readable().next().is_some())
    };
    let has_earlier =
        with_images().any(|view| with_images().any(|other| is_earlier_of(other, view)));
    if !has_earlier {
        findings.add("D07", "earlier exams", "");
    }
}

/// Says whether one study is an earlier look at a region of the other.
fn is_earlier_of(earlier: &StudyView<'_>, later: &StudyView<'_>) -> bool {
    let (before, after) = (earlier.study.exam.study_date, later.study.exam.study_date);
    let in_order = before
        .zip(after)
        .is_some_and(|(before, after)| before < after);
    in_order
        && earlier
            .regions
            .iter()
            .any(|region| later.regions.contains(region))
}

/// Looks for days that cannot be, and for papers without one.
fn check_dates(context: &Context<'_>, findings: &mut Findings<'_>) {
    for view in &context.studies {
        let exam = &view.study.exam;
        let Some(date) = exam.study_date else {
            continue;
        };
        if context
            .input
            .today
            .is_some_and(|today| date > today.plus_days(1))
        {
            findings.add("D09", view.subject(), "the study is dated in the future");
        } else if exam.patient_birth_date.is_some_and(|birth| date < birth) {
            findings.add(
                "D09",
                view.subject(),
                "the study is dated before the patient's birth",
            );
        }
    }
    let undated_studies = context
        .studies
        .iter()
        .filter(|v| v.study.exam.study_date.is_none())
        .count();
    let undated_papers = context
        .input
        .documents
        .iter()
        .filter(|document| {
            document
                .clinical_date
                .or(document.hints.exam_date)
                .is_none()
        })
        .count();
    let undated = undated_studies + undated_papers;
    if undated > 0 {
        let detail = crate::text::counted(
            undated,
            "item has no date and stands last",
            "items have no date and stand last",
        );
        findings.add("D08", "the timeline", detail);
    }
}
