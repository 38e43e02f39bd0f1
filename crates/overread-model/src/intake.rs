//! Here lives the asking: who asks, why, how fast, and when to stop because it is an emergency.

use serde::{Deserialize, Serialize};

use crate::duration::Span;
use crate::letter::Requester;
use crate::limits;
use crate::person;
use crate::text::FieldProblem;
use crate::time::CalendarDate;

/// How fast an answer is needed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum UrgencyLevel {
    /// Five business days.
    #[default]
    Standard,
    /// Three business days.
    Expedited,
    /// One business day.
    Urgent,
    /// Not a second-opinion case.
    Emergent,
}

impl UrgencyLevel {
    /// Every level, least urgent first.
    pub const ALL: [Self; 4] = [
        Self::Standard,
        Self::Expedited,
        Self::Urgent,
        Self::Emergent,
    ];

    /// Returns the level as columns and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Expedited => "expedited",
            Self::Urgent => "urgent",
            Self::Emergent => "emergent",
        }
    }

    /// Reads what `as_str` writes.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// Returns the level in words for a page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Expedited => "Expedited",
            Self::Urgent => "Urgent",
            Self::Emergent => "Emergency",
        }
    }
}

/// A reason to ask for a second opinion, from `triggers.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trigger {
    /// Stable name.
    pub id: String,
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
    /// Points; three together make it recommended.
    pub weight: u32,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    #[serde(default)]
    pub needs_sign_off: bool,
}

/// A question that stops the request when answered with yes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RedFlag {
    /// Stable name.
    pub id: String,
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    #[serde(default)]
    pub needs_sign_off: bool,
}

/// A level of urgency as the data describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UrgencyEntry {
    /// Which level.
    pub id: UrgencyLevel,
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
    /// What sets it, in words.
    pub rule: String,
    /// How long the review may take; `None` when it is not accepted.
    pub sla: Option<Span>,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    #[serde(default)]
    pub needs_sign_off: bool,
}

/// The red-flag questions with their rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RedFlags {
    /// Where they come from.
    pub source: String,
    /// What a yes leads to.
    pub rule: String,
    /// The questions.
    pub items: Vec<RedFlag>,
    /// What is shown after a yes, English.
    pub emergency_text_en: String,
    /// What is shown after a yes, Spanish.
    pub emergency_text_es: String,
}

/// Everything `triggers.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IntakeTables {
    /// Reasons to ask.
    pub triggers: Vec<Trigger>,
    /// Questions that stop.
    pub red_flags: RedFlags,
    /// Levels of urgency.
    pub urgency: Vec<UrgencyEntry>,
    /// What the waiting page must say.
    pub do_not_wait: String,
}

/// What the triggers add up to; there is no "unnecessary", on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Three points or more.
    Recommended,
    /// Anything less, nothing ticked included.
    Reasonable,
}

impl Advice {
    /// Returns the advice as columns and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Reasonable => "reasonable",
        }
    }

    /// Returns the advice as a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Recommended => "A second opinion is recommended in a situation like this.",
            Self::Reasonable => "Asking for a second opinion is reasonable.",
        }
    }
}

/// Points from which a second opinion is recommended.
const RECOMMENDED_FROM: u32 = 3;

/// Adds up the triggers; ids the table does not know count nothing, one named twice counts once.
pub fn advise<S: AsRef<str>>(trigger_ids: &[S], tables: &IntakeTables) -> Advice {
    let points: u32 = tables
        .triggers
        .iter()
        .filter(|trigger| trigger_ids.iter().any(|id| id.as_ref() == trigger.id))
        .map(|trigger| trigger.weight)
        .sum();
    if points >= RECOMMENDED_FROM {
        Advice::Recommended
    } else {
        Advice::Reasonable
    }
}

/// What sets the urgency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrgencyFacts {
    /// A red-flag question was answered with yes, or emergency surgery is planned.
    pub red_flag: bool,
    /// Day of the planned treatment or operation.
    pub treatment_on: Option<CalendarDate>,
    /// New cancer with a start date, fetal anomaly with a gestational limit, or the doctor marks it urgent, with the reason.
    pub urgent_reason_given: bool,
    /// The patient is in hospital.
    pub inpatient: bool,
}

/// Days to a treatment up to which a case is urgent, and up to which it is expedited.
const URGENT_DAYS: i64 = 7;
const EXPEDITED_DAYS: i64 = 21;

/// Returns the level and, in words, why.
///
/// A treatment day that has passed does not make a case urgent.
pub fn urgency(facts: &UrgencyFacts, today: CalendarDate) -> (UrgencyLevel, &'static str) {
    let days = facts
        .treatment_on
        .map(|day| day.to_days() - today.to_days())
        .filter(|days| *days >= 0);
    if facts.red_flag {
        return (
            UrgencyLevel::Emergent,
            "a red-flag question was answered with yes",
        );
    }
    match days {
        Some(days) if days <= URGENT_DAYS => {
            (UrgencyLevel::Urgent, "a treatment is planned within 7 days")
        }
        _ if facts.urgent_reason_given => (UrgencyLevel::Urgent, "a reason for urgency was given"),
        Some(days) if days <= EXPEDITED_DAYS => (
            UrgencyLevel::Expedited,
            "a treatment is planned within 21 days",
        ),
        _ if facts.inpatient => (UrgencyLevel::Expedited, "the patient is in hospital"),
        _ => (UrgencyLevel::Standard, "no date presses"),
    }
}

/// Decides whether a coordinator may set another level: raising is free, lowering needs a reason.
///
/// # Errors
/// When a case would be lowered without a reason, or set to emergent by hand.
pub fn change_urgency(
    from: UrgencyLevel,
    to: UrgencyLevel,
    reason_given: bool,
) -> Result<UrgencyLevel, FieldProblem> {
    if to == UrgencyLevel::Emergent {
        return Err(FieldProblem::new(
            "urgency",
            "An emergency is not a second-opinion case: end it and send the person to emergency care.",
        ));
    }
    if to < from && !reason_given {
        return Err(FieldProblem::new(
            "reason",
            "Write why the case is less urgent than the answers say.",
        ));
    }
    Ok(to)
}

/// What a person typed to ask for a second opinion; texts as typed, empty when left out.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    /// Who asks.
    pub requester: Option<Requester>,
    /// Relation to the patient, when a parent or guardian asks.
    pub relation: &'a str,
    /// What the authority rests on, when a representative asks.
    pub authority: &'a str,
    /// Name of the patient.
    pub patient_name: &'a str,
    /// Birth date of the patient.
    pub patient_birth_date: &'a str,
    /// Name of who writes; not asked of a patient who writes alone.
    pub sender_name: &'a str,
    /// E-mail of who writes.
    pub sender_email: &'a str,
    /// The exam in words.
    pub exam_name: &'a str,
    /// Day of the exam.
    pub exam_date: &'a str,
    /// Where it was done.
    pub exam_facility: &'a str,
    /// Symptoms.
    pub symptoms: &'a str,
    /// Why a second opinion.
    pub reason: &'a str,
    /// Question for the reviewer.
    pub question: &'a str,
    /// Number of triggers ticked.
    pub trigger_count: usize,
    /// The red-flag questions were answered.
    pub red_flags_answered: bool,
    /// Planned day of treatment.
    pub treatment_date: &'a str,
}

/// Returns what keeps a request from being sent, field by field, in plain words.
///
/// Field names are those of the wizard, with their step: `who.patient_name`.
pub fn check_request(request: &Request<'_>, today: CalendarDate) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    check_who(request, today, &mut problems);
    check_exam(request, today, &mut problems);
    check_why(request, &mut problems);
    if !request.red_flags_answered {
        problems.push(FieldProblem::new(
            "urgency.answered",
            "Answer the emergency questions. If none applies, say so.",
        ));
    }
    let treatment = request.treatment_date.trim();
    let wrong = match treatment.parse::<CalendarDate>() {
        _ if treatment.is_empty() => None,
        Err(_) => Some(NOT_A_DATE),
        Ok(day) if day < today => Some(TREATMENT_IS_OVER),
        Ok(_) => None,
    };
    problems.extend(wrong.map(|message| FieldProblem::new("urgency.treatment_date", message)));
    problems
}

const TREATMENT_IS_OVER: &str =
    "This day is over. Write the day of the treatment to come, or leave it empty.";
const NOT_A_DATE: &str = "This is not a date. Write it as 2026-03-02.";

fn need(problems: &mut Vec<FieldProblem>, field: &str, value: &str, message: &str) {
    if value.trim().is_empty() {
        problems.push(FieldProblem::new(field, message));
    } else if value.chars().count() > limits::INTAKE_ANSWER_CHARS {
        let limit = limits::INTAKE_ANSWER_CHARS;
        problems.push(FieldProblem::new(
            field,
            format!("This is too long: at most {limit} characters."),
        ));
    }
}

fn check_who(request: &Request<'_>, today: CalendarDate, problems: &mut Vec<FieldProblem>) {
    match request.requester {
        None => problems.push(FieldProblem::new("who.requester", "Say who asks.")),
        Some(Requester::ParentGuardian) => need(
            problems,
            "who.relation",
            request.relation,
            "Say how you are related to the patient, for example mother.",
        ),
        Some(Requester::PersonalRepresentative) => need(
            problems,
            "who.authority",
            request.authority,
            "Say what your authority rests on, for example a health-care power of attorney.",
        ),
        Some(Requester::Patient | Requester::ReferringPhysician | Requester::Insurer) => {}
    }
    if let Err(problem) = person::check_name("who.patient_name", request.patient_name) {
        problems.push(problem);
    }
    if request
        .requester
        .is_some_and(|who| who != Requester::Patient)
        && let Err(problem) = person::check_name("who.sender_name", request.sender_name)
    {
        problems.push(problem);
    }
    if let Err(problem) = person::check_email(request.sender_email) {
        problems.push(FieldProblem::new("who.sender_email", problem.message));
    }
    let field = "who.patient_birth_date";
    match request.patient_birth_date.parse::<CalendarDate>() {
        _ if request.patient_birth_date.trim().is_empty() => {
            problems.push(FieldProblem::new(
                field,
                "Enter the patient's date of birth.",
            ));
        }
        Err(_) => problems.push(FieldProblem::new(field, NOT_A_DATE)),
        Ok(birth) if birth > today => {
            problems.push(FieldProblem::new(
                field,
                "This date of birth is in the future.",
            ));
        }
        Ok(birth) if today.year() - birth.year() > OLDEST_YEARS => {
            problems.push(FieldProblem::new(field, "Check the year of birth."));
        }
        Ok(_) => {}
    }
}

/// No patient is older.
const OLDEST_YEARS: i32 = 130;

fn check_exam(request: &Request<'_>, today: CalendarDate, problems: &mut Vec<FieldProblem>) {
    need(
        problems,
        "exam.name",
        request.exam_name,
        "Say which exam it was, for example MRI of the lumbar spine.",
    );
    need(
        problems,
        "exam.facility",
        request.exam_facility,
        "Say where the exam was done.",
    );
    let field = "exam.date";
    let birth = request.patient_birth_date.parse::<CalendarDate>().ok();
    match request.exam_date.parse::<CalendarDate>() {
        _ if request.exam_date.trim().is_empty() => {
            problems.push(FieldProblem::new(field, "Enter the day of the exam."));
        }
        Err(_) => problems.push(FieldProblem::new(field, NOT_A_DATE)),
        Ok(exam) if exam > today => problems.push(FieldProblem::new(
            field,
            "This day is in the future. A second opinion needs an exam that was done.",
        )),
        // A scan of the unborn is the mother's exam, so it too follows her birth.
        Ok(exam) if birth.is_some_and(|birth| exam < birth) => {
            problems.push(FieldProblem::new(
                field,
                "This day is before the date of birth.",
            ));
        }
        Ok(_) => {}
    }
}

fn check_why(request: &Request<'_>, problems: &mut Vec<FieldProblem>) {
    let nothing = request.question.trim().is_empty()
        && request.reason.trim().is_empty()
        && request.trigger_count == 0;
    if nothing {
        problems.push(FieldProblem::new(
            "why.question",
            "Write your question, or why you want a second opinion. One sentence is enough.",
        ));
    }
    for (field, text) in [
        ("why.symptoms", request.symptoms),
        ("why.reason", request.reason),
        ("why.question", request.question),
    ] {
        if text.chars().count() > limits::INTAKE_ANSWER_CHARS {
            let limit = limits::INTAKE_ANSWER_CHARS;
            problems.push(FieldProblem::new(
                field,
                format!("This is too long: at most {limit} characters."),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, UrgencyFacts, UrgencyLevel, change_urgency, check_request, urgency};
    use crate::letter::Requester;
    use crate::time::CalendarDate;

    fn today() -> CalendarDate {
        "2026-03-02".parse().unwrap()
    }

    fn good() -> Request<'static> {
        Request {
            requester: Some(Requester::Patient),
            patient_name: "Ana Pérez",
            patient_birth_date: "1970-03-02",
            sender_email: "ana@example.org",
            exam_name: "MRI lumbar spine",
            exam_date: "2026-02-20",
            exam_facility: "City Hospital",
            question: "Is the nerve pressed?",
            red_flags_answered: true,
            ..Request::default()
        }
    }

    fn check(change: impl FnOnce(&mut Request<'static>), expect: &[&str]) {
        let mut request = good();
        change(&mut request);
        let problems = check_request(&request, today());
        let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, expect);
    }

    #[test]
    fn a_request_says_what_it_lacks() {
        check(|_| {}, &[]);
        check(|r| r.requester = None, &["who.requester"]);
        check(
            |r| r.requester = Some(Requester::ParentGuardian),
            &["who.relation", "who.sender_name"],
        );
        check(
            |r| r.requester = Some(Requester::PersonalRepresentative),
            &["who.authority", "who.sender_name"],
        );
        check(|r| r.patient_name = " ", &["who.patient_name"]);
        check(
            |r| r.patient_birth_date = "2030-01-01",
            &["who.patient_birth_date", "exam.date"],
        );
        check(
            |r| r.patient_birth_date = "1770-01-01",
            &["who.patient_birth_date"],
        );
        check(
            |r| r.patient_birth_date = "yesterday",
            &["who.patient_birth_date"],
        );
        check(|r| r.exam_date = "2026-03-03", &["exam.date"]);
        check(|r| r.exam_date = "1969-01-01", &["exam.date"]);
        check(|r| r.question = "", &["why.question"]);
        check(
            |r| {
                r.question = "";
                r.trigger_count = 1;
            },
            &[],
        );
        check(|r| r.red_flags_answered = false, &["urgency.answered"]);
        check(|r| r.treatment_date = "soon", &["urgency.treatment_date"]);
        check(
            |r| r.treatment_date = "1900-01-01",
            &["urgency.treatment_date"],
        );
        check(|r| r.sender_email = "nowhere", &["who.sender_email"]);
    }

    fn urgent(
        treatment: Option<&str>,
        reason: bool,
        inpatient: bool,
        red_flag: bool,
        expect: UrgencyLevel,
    ) {
        let facts = UrgencyFacts {
            red_flag,
            treatment_on: treatment.map(|day| day.parse().unwrap()),
            urgent_reason_given: reason,
            inpatient,
        };
        assert_eq!(urgency(&facts, today()).0, expect, "{facts:?}");
    }

    #[test]
    fn urgency_follows_the_table() {
        use UrgencyLevel::{Emergent, Expedited, Standard, Urgent};
        urgent(None, false, false, false, Standard);
        urgent(Some("2026-03-02"), false, false, false, Urgent);
        urgent(Some("2026-03-09"), false, false, false, Urgent);
        urgent(Some("2026-03-10"), false, false, false, Expedited);
        urgent(Some("2026-03-23"), false, false, false, Expedited);
        urgent(Some("2026-03-24"), false, false, false, Standard);
        urgent(Some("2026-03-01"), false, false, false, Standard);
        urgent(Some("2026-03-20"), true, false, false, Urgent);
        urgent(None, true, false, false, Urgent);
        urgent(None, false, true, false, Expedited);
        urgent(Some("2026-03-03"), true, true, true, Emergent);
    }

    #[test]
    fn lowering_needs_a_reason() {
        use UrgencyLevel::{Emergent, Standard, Urgent};
        assert_eq!(change_urgency(Standard, Urgent, false), Ok(Urgent));
        assert!(change_urgency(Urgent, Standard, false).is_err());
        assert_eq!(change_urgency(Urgent, Standard, true), Ok(Standard));
        assert!(change_urgency(Urgent, Emergent, true).is_err());
    }
}
