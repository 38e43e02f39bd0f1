//! The rules, one function for each group of ids, and how findings become an answer.

mod files;
mod images;
mod papers;
mod people;
mod protocols;
mod volumes;

use std::collections::BTreeMap;

use super::gather::{Gathered, SeriesGathered, StudyGathered};
use super::result::{CheckResult, Finding, Missing, PatientLine, StudyLine, TimelineItem};
use super::series::SeriesSummary;
use super::tables::{RuleTables, Severity};
use super::{CheckInput, DocumentKind};
use crate::choosing::{SpecialtyMap, groups_in_text, infer};
use crate::hidden::Hidden;
use crate::letter::Requester;
use crate::limits;
use crate::text::counted;
use crate::uid::StudyInstanceUid;

/// One study with everything the rules ask of it.
pub(super) struct StudyView<'a> {
    pub(super) uid: &'a StudyInstanceUid,
    pub(super) study: &'a StudyGathered,
    /// Each series as kept and as summed up, in order of the series number.
    pub(super) series: Vec<(&'a SeriesGathered, SeriesSummary)>,
    /// Region groups that anything in the study names.
    pub(super) regions: Vec<String>,
}

impl StudyView<'_> {
    /// Returns what to call the study: `MRI LUMBAR SPINE (March 2, 2026)`.
    pub(super) fn subject(&self) -> String {
        let name = match self.study.description.trim() {
            "" => "a study without a description",
            description => description,
        };
        match self.study.exam.study_date {
            Some(date) => format!("{name} ({})", date.in_english()),
            None => name.to_owned(),
        }
    }

    /// Returns what to call the study where its description may not stand: `the MR exam of March 2, 2026`.
    pub(super) fn plain_subject(&self) -> String {
        let exam = &self.study.exam;
        let modalities: Vec<&str> = exam.modalities.iter().map(String::as_str).collect();
        let day = exam.study_date.map_or_else(
            || "without a date".to_owned(),
            |date| format!("of {}", date.in_english()),
        );
        format!("the {} exam {day}", modalities.join("/"))
    }

    /// Returns the series that hold images to read: no localizers, no screen captures.
    pub(super) fn readable(&self) -> impl Iterator<Item = &(&SeriesGathered, SeriesSummary)> {
        self.series.iter().filter(|(series, summary)| {
            series.images > series.secondary_captures && !summary.localizer
        })
    }

    /// Returns all descriptions, folded, for patterns.
    pub(super) fn words(&self) -> String {
        let exam = &self.study.exam;
        let mut words = vec![
            exam.study_description.clone(),
            exam.requested_procedure_description.clone(),
        ];
        words.extend(exam.procedure_code_meanings.iter().cloned());
        words.extend(exam.body_parts.iter().cloned());
        words.extend(
            self.series
                .iter()
                .flat_map(|(series, _)| [series.description.clone(), series.protocol_name.clone()]),
        );
        crate::text::folded(&words.join(" / "))
    }
}

/// What the rules read.
pub(super) struct Context<'a> {
    pub(super) gathered: &'a Gathered,
    pub(super) input: &'a CheckInput<'a>,
    pub(super) tables: &'a RuleTables,
    pub(super) map: &'a SpecialtyMap,
    pub(super) studies: Vec<StudyView<'a>>,
}

/// Where findings are collected.
pub(super) struct Findings<'a> {
    tables: &'a RuleTables,
    letter: &'static str,
    overridden: &'a [String],
    list: Vec<Finding>,
    counts: BTreeMap<String, usize>,
}

impl Findings<'_> {
    /// Adds a finding with the weight of its rule. A rule that the tables do not list does not run.
    pub(super) fn add(
        &mut self,
        rule: &str,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) {
        if let Some(entry) = self.tables.rule(rule) {
            self.add_as(rule, entry.severity, subject, detail);
        }
    }

    /// Adds a finding with a weight of its own.
    pub(super) fn add_as(
        &mut self,
        rule: &str,
        severity: Severity,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) {
        let Some(entry) = self.tables.rule(rule) else {
            return;
        };
        let count = self.counts.entry(rule.to_owned()).or_default();
        *count += 1;
        if *count > limits::FINDINGS_A_RULE_COUNT {
            return;
        }
        let (subject, detail) = (subject.into(), detail.into());
        self.list.push(Finding {
            rule: rule.to_owned(),
            severity,
            subject,
            message: entry.message(&detail),
            title: entry.title_en.clone(),
            title_es: entry.title_es.clone(),
            letter: entry.letter.as_ref().map(|_| self.letter.to_owned()),
            action: entry.action().map(str::to_owned),
            overridden: self.overridden.iter().any(|waved| waved == rule),
        });
    }

    /// Adds one line for what was left out of a long list, and puts blockers first.
    fn finish(mut self) -> Vec<Finding> {
        for (rule, count) in std::mem::take(&mut self.counts) {
            let more = count.saturating_sub(limits::FINDINGS_A_RULE_COUNT);
            if more > 0
                && let Some(last) = self.list.iter_mut().rev().find(|f| f.rule == rule)
            {
                let also = counted(more, "more place", "more places");
                last.message = format!("{} The same was found at {also}.", last.message);
            }
        }
        self.list.sort_by(|a, b| {
            (a.overridden, a.severity, &a.rule).cmp(&(b.overridden, b.severity, &b.rule))
        });
        self.list
    }
}

/// Runs every rule.
pub(super) fn run(
    gathered: &Gathered,
    input: &CheckInput<'_>,
    tables: &RuleTables,
    map: &SpecialtyMap,
) -> CheckResult {
    let context = Context {
        gathered,
        input,
        tables,
        map,
        studies: views(gathered, input, map),
    };
    let mut findings = Findings {
        tables,
        letter: letter_for(input.requester),
        overridden: input.overridden,
        list: Vec::new(),
        counts: BTreeMap::new(),
    };
    files::check(&context, &mut findings);
    let identity_score = people::check(&context, &mut findings);
    papers::check(&context, &mut findings);
    images::check(&context, &mut findings);
    volumes::check(&context, &mut findings);
    protocols::check(&context, &mut findings);
    let findings = findings.finish();
    let ready = !findings
        .iter()
        .any(|finding| finding.severity == Severity::Blocker && !finding.overridden);
    CheckResult {
        ready,
        patients: patients(gathered),
        missing: missing(&findings, tables),
        findings,
        timeline: timeline(&context),
        studies: study_lines(context.studies),
        identity_score,
    }
}

/// Returns the kind of letter by which a requester asks for records.
const fn letter_for(requester: Requester) -> &'static str {
    match requester {
        Requester::ReferringPhysician => "provider_records_request",
        // An insurer has no right of access of its own: the patient must authorize it.
        Requester::Insurer => "hipaa_authorization",
        Requester::Patient | Requester::ParentGuardian | Requester::PersonalRepresentative => {
            "records_request_access"
        }
    }
}

fn views<'a>(
    gathered: &'a Gathered,
    input: &CheckInput<'_>,
    map: &SpecialtyMap,
) -> Vec<StudyView<'a>> {
    let mut views: Vec<StudyView<'a>> = gathered
        .studies
        .iter()
        .map(|(uid, study)| {
            let mut series: Vec<_> = study
                .series
                .iter()
                .map(|(uid, series)| (series, SeriesSummary::of(uid, series)))
                .collect();
            series.sort_by(|(_, a), (_, b)| {
                (a.number.is_none(), a.number).cmp(&(b.number.is_none(), b.number))
            });
            let suggested = infer(&study.exam, input.reason, map)
                .into_iter()
                .filter_map(|s| s.group);
            let mut regions: Vec<String> = suggested.collect();
            for text in [
                &study.exam.study_description,
                &study.exam.requested_procedure_description,
            ] {
                regions.extend(groups_in_text(text, map).into_keys());
            }
            regions.sort();
            regions.dedup();
            StudyView {
                uid,
                study,
                series,
                regions,
            }
        })
        .collect();
    views.sort_by_key(|view| std::cmp::Reverse(view.study.exam.study_date));
    views
}

fn patients(gathered: &Gathered) -> Vec<PatientLine> {
    let text = |value: &Option<Hidden<String>>| {
        value
            .as_ref()
            .map(|hidden| hidden.reveal().clone())
            .unwrap_or_default()
    };
    let mut lines: Vec<PatientLine> = Vec::new();
    for seen in &gathered.patients {
        let line = PatientLine {
            name: text(&seen.identity.name),
            birth_date: text(&seen.birth_date_text),
            sex: seen.identity.sex.clone().unwrap_or_default(),
            id: text(&seen.identity.patient_id),
            instances: seen.instance_count,
            images: seen.image_count,
        };
        let same = |known: &&mut PatientLine| {
            (&known.name, &known.birth_date, &known.sex, &known.id)
                == (&line.name, &line.birth_date, &line.sex, &line.id)
        };
        match lines.iter_mut().find(same) {
            Some(known) => {
                known.instances += line.instances;
                known.images += line.images;
            }
            None => lines.push(line),
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.instances));
    lines
}

fn study_lines(studies: Vec<StudyView<'_>>) -> Vec<StudyLine> {
    studies
        .into_iter()
        .map(|view| StudyLine {
            study_instance_uid: view.uid.clone(),
            description: view.study.description.clone(),
            date: view.study.study_date.clone().unwrap_or_default(),
            institution: view.study.institution_name.clone().unwrap_or_default(),
            modalities: view.study.exam.modalities.iter().cloned().collect(),
            regions: view.regions,
            series: view
                .series
                .into_iter()
                .map(|(_, summary)| summary)
                .collect(),
        })
        .collect()
}

/// Returns what should still come: one line for each thing, however many rules speak of it.
fn missing(findings: &[Finding], tables: &RuleTables) -> Vec<Missing> {
    let mut missing: Vec<Missing> = Vec::new();
    for finding in findings.iter().filter(|finding| !finding.overridden) {
        let Some(letter) = &finding.letter else {
            continue;
        };
        // What is merely good to have is listed among the findings; a suggested series is asked for.
        if finding.severity == Severity::Info && !matches!(finding.rule.as_str(), "S07" | "S08") {
            continue;
        }
        let item = match finding.rule.as_str() {
            "D01" => "the original written report".to_owned(),
            "F01" | "F02" => "the DICOM images".to_owned(),
            _ => finding.subject.clone(),
        };
        missing.push(Missing {
            rule: finding.rule.clone(),
            item,
            message: finding.message.clone(),
            letter: letter.clone(),
            letter_names_it: tables
                .rule(&finding.rule)
                .is_some_and(|entry| entry.letter_names_it),
        });
    }
    missing
}

fn timeline(context: &Context<'_>) -> Vec<TimelineItem> {
    let studies = context.studies.iter().map(|view| TimelineItem {
        date: view.study.exam.study_date,
        kind: "study".to_owned(),
        title: view.study.description.clone(),
    });
    let documents = context.input.documents.iter().map(|document| TimelineItem {
        date: document.clinical_date.or(document.hints.exam_date),
        kind: document.kind.as_str().to_owned(),
        title: document.name.clone(),
    });
    let mut items: Vec<TimelineItem> = studies.chain(documents).collect();
    items.sort_by_key(|item| (item.date.is_none(), item.date));
    items
}

/// Says whether a document of a kind is there.
pub(super) fn has_document(input: &CheckInput<'_>, kinds: &[DocumentKind]) -> bool {
    input
        .documents
        .iter()
        .any(|document| kinds.contains(&document.kind))
}
