//! What a check tells of the first reading, left out for who reads the case before the lock.

use overread_model::completeness::{CheckResult, Finding, Missing, PatientLine, RuleTables};
use serde::Serialize;

use super::{CheckView, FindingRow};
use crate::reading;

/// Rules that speak of the first report, whether it is here and what stands in it, that count papers, or whose words list the
/// names of exams.
const FIRST_READING_RULES: [&str; 6] = ["D01", "D02", "D03", "D08", "D10", "D11"];

/// How the names of the rules begin that count and name files as they arrived, reports among the images as well.
const ARRIVAL_PREFIX: char = 'F';

/// A check as it is kept.
#[derive(Serialize)]
pub(super) struct Checked {
    /// Of everything.
    #[serde(flatten)]
    pub(super) all: CheckResult,
    /// What is told before the lock, where that differs since there are reports among the images: numbers and references of a
    /// finding would tell of them.
    pub(super) before_lock: Option<BeforeLock>,
}

/// What a check tells as if the reports among the images did not exist.
#[derive(Serialize)]
pub(super) struct BeforeLock {
    patients: Vec<PatientLine>,
    findings: Vec<Finding>,
    missing: Vec<Missing>,
}

impl BeforeLock {
    /// Keeps of a check of the images alone what a page shows.
    pub(super) fn of(check: CheckResult) -> Self {
        Self {
            patients: check.patients,
            findings: check.findings,
            missing: check.missing,
        }
    }
}

impl CheckView {
    /// Leaves out what names the papers of the first reading, tells what they say, or quotes a name that names a finding.
    ///
    /// What an exam or series of such a name lacks is still told, without the name; what was wrong with files that arrived,
    /// without their number and names.
    pub(crate) fn leave_out_first_reading(&mut self, rules: &RuleTables) {
        let (left_out, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.findings)
            .into_iter()
            .partition(|finding| {
                FIRST_READING_RULES.contains(&finding.rule.as_str())
                    || reading::tells(&detail(finding, rules))
            });
        self.missing
            .retain(|message| !left_out.iter().any(|finding| finding.message == *message));
        self.findings = kept;
        for finding in &mut self.findings {
            if finding.rule.starts_with(ARRIVAL_PREFIX) {
                let told = rules.rule(&finding.rule).map(|rule| rule.message(""));
                let told = told.unwrap_or_default();
                let lines = self.missing.iter_mut();
                lines
                    .filter(|line| **line == finding.message)
                    .for_each(|line| line.clone_from(&told));
                finding.message = told;
            }
            if reading::tells(&finding.subject) {
                finding.subject.clear();
            }
        }
        let blocks = |row: &FindingRow| row.severity == "blocker" && row.overridden.is_none();
        self.ready = !self.findings.iter().any(blocks);
    }
}

/// Returns a finding's message without its rule's own words, which may speak of pathology.
fn detail(finding: &FindingRow, rules: &RuleTables) -> String {
    let message = finding.message.as_str();
    let Some(rule) = rules.rule(&finding.rule) else {
        return message.to_owned();
    };
    let said = message.strip_prefix(&rule.title_en).unwrap_or(message);
    let action = rule.patient_action.trim_end_matches('.');
    match said.rsplit_once(action) {
        Some((before, after)) => format!("{before} {after}"),
        None => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use overread_knowledge::Knowledge;
    use overread_model::time::Timestamp;

    use super::super::{CheckView, FindingRow};

    fn finding(rule: &str, subject: &str, message: &str) -> FindingRow {
        FindingRow {
            rule: rule.to_owned(),
            severity: "warning".to_owned(),
            subject: subject.to_owned(),
            message: message.to_owned(),
            overridden: None,
            letter_kind: String::new(),
        }
    }

    /// What is left of a check, rule and subject each.
    fn left(findings: Vec<FindingRow>) -> Vec<(String, String)> {
        let mut view = view_of(findings);
        view.leave_out_first_reading(&Knowledge::embedded().rules);
        let messages: Vec<&String> = view.findings.iter().map(|row| &row.message).collect();
        assert_eq!(view.missing.iter().collect::<Vec<_>>(), messages);
        let rows = view.findings.into_iter();
        rows.map(|row| (row.rule, row.subject)).collect()
    }

    fn view_of(findings: Vec<FindingRow>) -> CheckView {
        CheckView {
            checked_at: Timestamp::from_micros(0),
            ready: true,
            patients: Vec::new(),
            missing: findings
                .iter()
                .map(|finding| finding.message.clone())
                .collect(),
            findings,
        }
    }

    #[test]
    fn a_check_before_the_lock_quotes_no_name_that_tells() {
        let findings = vec![
            finding("D03", "REPORT.TXT", "It is preliminary."),
            finding("D10", "the images", "They are of another part."),
            finding("D11", "the images", "They are of the other side."),
            finding("P06", "MRI", "Sides: series 4 (T2 protrusion) says right."),
            finding("S07", "MRI protrusion right", "A plane is missing."),
            finding("S02", "series 4 (SAG T2)", "Slices are missing."),
        ];
        let told = left(findings);
        let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(told, [("S07", ""), ("S02", "series 4 (SAG T2)")]);
    }

    #[test]
    fn what_arrived_is_told_without_numbers_and_names() {
        let duplicates = "Exact duplicate file skipped: 91 files.";
        let missing = "DICOMDIR lists files that are missing: 2 files, the first is SR/0001. Upload the entire disc.";
        let mut view = view_of(vec![
            finding("F08", "the upload", duplicates),
            finding("F04", "the upload", missing),
        ]);
        view.leave_out_first_reading(&Knowledge::embedded().rules);
        let told: Vec<&str> = view.findings.iter().map(|row| &*row.message).collect();
        assert_eq!(view.missing, told);
        assert_eq!(told[0], "Exact duplicate file skipped.");
        assert!(
            told[1].starts_with("DICOMDIR lists files that are missing. Upload the entire disc;")
        );
    }

    /// Else what it finds would be left out whatever the exam is called.
    #[test]
    fn no_rule_is_left_out_for_its_own_words() {
        for rule in &Knowledge::embedded().rules.rules {
            let action = rule.patient_action.trim_end_matches('.');
            let message = format!("{}: 3 of 5. {action}.", rule.title_en);
            let is_left_out = left(vec![finding(&rule.id, "MRI", &message)]).is_empty();
            let is_listed = super::FIRST_READING_RULES.contains(&rule.id.as_str());
            assert_eq!(is_left_out, is_listed, "{message}");
        }
    }
}
