//! P01 to P07: one patient, and the right one.

use std::collections::BTreeSet;

use super::{Context, Findings, StudyView};
use crate::choosing::{SpecialtyMap, sides_in_title};
use crate::completeness::gather::PatientSeen;
use crate::completeness::identity::{
    PersonIdentity, contradicts_sex, identity_score, is_anonymous_name,
};
use crate::limits;
use crate::text::{folded, images_and_others};

pub(super) fn check(context: &Context<'_>, findings: &mut Findings<'_>) -> Option<f64> {
    let patients = &context.gathered.patients;
    check_one_patient(context, findings);
    check_exams_agree(context, findings);
    check_anonymous(patients, findings);
    check_numbers(patients, findings);
    for view in &context.studies {
        check_side(view, context.map, findings);
    }
    check_right_patient(context, findings)
}

/// Compares everybody the images name with the patient of the case and tells of everybody who is not; returns the lowest score.
fn check_right_patient(context: &Context<'_>, findings: &mut Findings<'_>) -> Option<f64> {
    let wanted = context.input.patient.as_ref()?;
    let table = &context.tables.identity;
    // Whoever stands in confirmed studies alone is the patient; the decision says nothing of other studies.
    let unconfirmed: BTreeSet<usize> = context
        .studies
        .iter()
        .filter(|view| {
            let uid = view.uid.as_str();
            !context.input.confirmed_studies.iter().any(|one| one == uid)
        })
        .flat_map(|view| view.study.patients.iter().copied())
        .collect();
    let named = context.gathered.patients.iter().enumerate();
    let mut people: Vec<(f64, &PatientSeen)> = named
        .filter_map(|(index, seen)| {
            if !unconfirmed.contains(&index) {
                return Some((1.0, seen));
            }
            let score = identity_score(wanted, &seen.identity, &table.weights)?;
            (!is_anonymous(seen)).then_some((score, seen))
        })
        .collect();
    people.sort_by(|a, b| a.0.total_cmp(&b.0));
    let lowest = people.first()?.0;
    let told = |from: f64, below: f64, how: &str| -> Vec<String> {
        let between = people
            .iter()
            .filter(|(score, _)| (from..below).contains(score));
        between
            .map(|(_, seen)| {
                let images = images_and_others(seen.image_count, seen.instance_count);
                let differing = differences(wanted, &seen.identity);
                format!("{images} with {how} {differing}")
            })
            .collect()
    };
    let (different, same) = (table.different_below, table.same_from);
    for (rule, people) in [
        ("P01", told(f64::MIN, different, "another")),
        ("P03", told(different, same, "a slightly different")),
    ] {
        if !people.is_empty() {
            findings.add(rule, "the patient", all_of(&people));
        }
    }
    Some(lowest)
}

/// Joins what is told of each person; of very many, how many more there are.
fn all_of(people: &[String]) -> String {
    let (listed, rest) = people.split_at(people.len().min(limits::PEOPLE_TOLD_COUNT));
    let mut text = listed.join("; ");
    if !rest.is_empty() {
        text.push_str(&format!("; and {} more names or numbers", rest.len()));
    }
    text
}

/// Names what differs, without saying the values.
fn differences(left: &PersonIdentity, right: &PersonIdentity) -> String {
    let mut parts = Vec::new();
    let text = |value: &Option<crate::hidden::Hidden<String>>| {
        value.as_ref().map(|hidden| {
            let mut words: Vec<String> = folded(hidden.reveal())
                .split(' ')
                .map(str::to_owned)
                .collect();
            words.sort();
            words
        })
    };
    if left.name.is_some() && right.name.is_some() && text(&left.name) != text(&right.name) {
        parts.push("name");
    }
    if left.birth_date.is_some()
        && right.birth_date.is_some()
        && left.birth_date != right.birth_date
    {
        parts.push("birth date");
    }
    if left.sex.is_some() && right.sex.is_some() && left.sex != right.sex {
        parts.push("sex");
    }
    if parts.is_empty() {
        parts.push("patient number");
    }
    crate::text::listed(&parts)
}

/// Puts the people of the images into clusters; who cannot be compared with anybody joins the first.
fn check_one_patient(context: &Context<'_>, findings: &mut Findings<'_>) {
    let table = &context.tables.identity;
    let mut clusters: Vec<Vec<&PatientSeen>> = Vec::new();
    for seen in &context.gathered.patients {
        let fits = |cluster: &Vec<&PatientSeen>| {
            cluster.iter().any(|other| {
                identity_score(&other.identity, &seen.identity, &table.weights)
                    .is_none_or(|score| score >= table.different_below)
            })
        };
        let (mut own, rest): (Vec<_>, Vec<_>) = clusters.into_iter().partition(fits);
        let mut merged: Vec<&PatientSeen> = own.drain(..).flatten().collect();
        merged.push(seen);
        clusters = rest;
        clusters.push(merged);
    }
    if clusters.len() > 1 {
        findings.add(
            "P02",
            "the upload",
            format!("{} different people", clusters.len()),
        );
    }
}

/// Compares the exams with each other, whatever the request says or leaves open.
fn check_exams_agree(context: &Context<'_>, findings: &mut Findings<'_>) {
    let given: Vec<(&StudyView<'_>, &PersonIdentity)> = context
        .studies
        .iter()
        .flat_map(|view| view.study.patients.iter().map(move |index| (view, index)))
        .filter_map(|(view, index)| Some((view, &context.gathered.patients.get(*index)?.identity)))
        .collect();
    let sex = told_apart(&given, |one, other| {
        contradicts_sex(one.sex.as_deref(), other.sex.as_deref())
    });
    let birth_date = told_apart(&given, |one, other| {
        one.birth_date.is_some() && other.birth_date.is_some() && one.birth_date != other.birth_date
    });
    for (what, exams) in [("sex", sex), ("birth date", birth_date)] {
        if !exams.is_empty() {
            let detail = format!("another {what} in {}", all_of(&exams));
            findings.add("P07", "the patient", detail);
        }
    }
}

/// Names the first exam of which another says something else, and all those others.
fn told_apart(
    given: &[(&StudyView<'_>, &PersonIdentity)],
    contradicts: impl Fn(&PersonIdentity, &PersonIdentity) -> bool,
) -> Vec<String> {
    for (view, first) in given {
        let others = given.iter().filter(|(_, other)| contradicts(first, other));
        let mut others: Vec<String> = others.map(|(other, _)| other.plain_subject()).collect();
        others.dedup();
        if !others.is_empty() {
            let first = view.plain_subject();
            return others
                .into_iter()
                .map(|other| format!("{other} than in {first}"))
                .collect();
        }
    }
    Vec::new()
}

fn is_anonymous(seen: &PatientSeen) -> bool {
    let name = seen
        .identity
        .name
        .as_ref()
        .map_or("", |hidden| hidden.reveal().as_str());
    let birth = seen
        .birth_date_text
        .as_ref()
        .map_or("", |hidden| hidden.reveal().as_str());
    let no_birth = birth.trim().is_empty() || birth.trim() == "19000101";
    let no_number = seen.identity.patient_id.is_none();
    is_anonymous_name(name) || (no_birth && no_number)
}

fn check_anonymous(patients: &[PatientSeen], findings: &mut Findings<'_>) {
    // Who says that the name was taken out, and still gives it, is compared with the patient like everybody.
    let mut tell = |seen: Vec<&PatientSeen>, more: &str| {
        let sum = |count: fn(&PatientSeen) -> usize| seen.iter().map(|one| count(one)).sum();
        let (images, all) = (sum(|one| one.image_count), sum(|one| one.instance_count));
        if all > 0 {
            let images = images_and_others(images, all);
            findings.add("P04", "the patient", format!("{images}{more}"));
        }
    };
    let (nameless, named): (Vec<_>, Vec<_>) = patients.iter().partition(|seen| is_anonymous(seen));
    tell(nameless, "");
    tell(
        named.into_iter().filter(|seen| seen.removed).collect(),
        " say so, but a name, birth date or number still stands in them",
    );
}

fn check_numbers(patients: &[PatientSeen], findings: &mut Findings<'_>) {
    let mut numbers: Vec<String> = patients
        .iter()
        .filter_map(|seen| seen.identity.patient_id.as_ref())
        .map(|id| folded(id.reveal()))
        .collect();
    numbers.sort();
    numbers.dedup();
    if numbers.len() > 1 {
        findings.add(
            "P05",
            "the patient",
            format!("{} numbers, which is normal", numbers.len()),
        );
    }
}

/// Looks whether a study contradicts itself; what the request says of the side is rule D11.
fn check_side(view: &StudyView<'_>, map: &SpecialtyMap, findings: &mut Findings<'_>) {
    let exam = &view.study.exam;
    for text in [
        &exam.study_description,
        &exam.requested_procedure_description,
    ] {
        let (wanted, other, words, not) = match sides_in_title(text, map) {
            (true, false) => ("R", "L", "right", "left"),
            (false, true) => ("L", "R", "left", "right"),
            _ => continue,
        };
        let wrong = view
            .series
            .iter()
            .find(|(series, _)| series.sides.contains(other) && !series.sides.contains(wanted));
        if let Some((_, summary)) = wrong {
            let detail = format!(
                "the description says {words}, {} says {not}",
                summary.subject()
            );
            findings.add("P06", view.subject(), detail);
            return;
        }
    }
}
