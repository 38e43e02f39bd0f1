//! The directory of reviewers.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use overread_model::ids::ReviewerId;
use overread_workflow::reviewers::{self, ReviewerForm, ReviewerRow};
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use crate::errors::{PageError, PageResult};
use crate::forms::{Posted, Problems, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/reviewers", get(list).post(create))
        .route("/reviewers/new", get(blank))
        .route("/reviewers/{reviewer}", get(show).post(update))
        .route("/reviewers/{reviewer}/active", post(set_active))
}

#[derive(Template)]
#[template(path = "reviewers/directory.html")]
struct Directory {
    shell: Shell,
    rows: Vec<ReviewerRow>,
    specialties: Vec<(String, String)>,
}

impl Directory {
    /// Returns a sub-specialty in words.
    fn specialty<'a>(&'a self, id: &'a str) -> &'a str {
        let known = self.specialties.iter().find(|(key, _)| key == id);
        known.map_or(id, |(_, words)| words.as_str())
    }
}

#[derive(Template)]
#[template(path = "reviewers/entry.html")]
struct Entry {
    shell: Shell,
    row: Option<ReviewerRow>,
    form: ReviewerForm,
    fee: String,
    kinds: [(&'static str, &'static str); 2],
    specialties: Vec<(String, String)>,
    modalities: [(&'static str, &'static str); 7],
    problems: Problems,
}

/// Returns the sub-specialties of the map, then the kinds of clinical specialists, id and words.
fn specialties(state: &WebState) -> Vec<(String, String)> {
    let map = &state.workflow.knowledge.specialties;
    let of_images = map.subspecialties.iter();
    let clinical = map.clinical_by_group.values().flatten();
    let clinical: BTreeSet<(&str, &str)> = clinical
        .map(|one| (one.en.as_str(), one.nucc.as_str()))
        .collect();
    of_images
        .map(|one| (one.id.clone(), one.en.clone()))
        .chain(
            clinical
                .into_iter()
                .map(|(en, nucc)| (nucc.to_owned(), en.to_owned())),
        )
        .collect()
}

impl Entry {
    fn new(state: &WebState, session: &SignedIn, form: ReviewerForm) -> Self {
        let title = if form.name.is_empty() {
            "New reviewer"
        } else {
            &form.name
        };
        Self {
            shell: Shell::new(state, session, title, Place::Reviewers),
            row: None,
            fee: form
                .fee_cents
                .map(|cents| format!("{}.{:02}", cents / 100, cents % 100))
                .unwrap_or_default(),
            form,
            kinds: [
                ("radiologist", "Radiologist: reads images"),
                (
                    "clinical_specialist",
                    "Clinical specialist: decides treatment",
                ),
            ],
            specialties: specialties(state),
            modalities: [
                ("MR", "MRI"),
                ("CT", "CT"),
                ("US", "Ultrasound"),
                ("CR", "X-ray"),
                ("MG", "Mammography"),
                ("PT", "PET"),
                ("NM", "Nuclear medicine"),
            ],
            problems: Problems::default(),
        }
    }

    /// Returns one entry a line.
    fn lines(list: &[String]) -> String {
        list.join("\n")
    }
}

async fn list(State(state): State<WebState>, Signed(session): Signed) -> PageResult {
    let rows = reviewers::list(&state.workflow, &session.actor, state.now()).await?;
    page(&Directory {
        shell: Shell::new(&state, &session, "Reviewers", Place::Reviewers),
        rows,
        specialties: specialties(&state),
    })
}

async fn blank(State(state): State<WebState>, Signed(session): Signed) -> PageResult {
    // Asked only so that a wrong role sees what it sees on the list: nothing.
    reviewers::list(&state.workflow, &session.actor, state.now()).await?;
    let form = ReviewerForm {
        kind: "radiologist".to_owned(),
        currency: "USD".to_owned(),
        ..ReviewerForm::default()
    };
    page(&Entry::new(&state, &session, form))
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Path(id): Path<String>,
) -> PageResult {
    let id: ReviewerId = id.parse().map_err(|_| PageError::NotFound)?;
    let row = reviewers::find(&state.workflow, &session.actor, &id, state.now()).await?;
    let mut entry = Entry::new(&state, &session, row.form.clone());
    entry.row = Some(row);
    page(&entry)
}

/// What is typed: lists as lines, money as people write it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    credentials: String,
    kind: String,
    email: String,
    subspecialties: Vec<String>,
    modalities: Vec<String>,
    institution: String,
    licence_regions: String,
    languages: String,
    paediatric: bool,
    fee: String,
    currency: String,
    turnaround_business_days: String,
    capacity: String,
    conflicts: String,
    npi: String,
    credentials_checked_on: String,
    credentials_source: String,
}

fn listed(text: &str) -> Vec<String> {
    text.split(['\n', ','])
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Reads `350`, `350.5`, `350.50` as cents.
pub(super) fn cents(text: &str) -> Option<i64> {
    let text = text.trim().replace(',', "");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part = match part.len() {
        0 => 0,
        1 => part.parse::<i64>().ok()?.checked_mul(10)?,
        2 => part.parse::<i64>().ok()?,
        _ => return None,
    };
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(part)
}

impl Typed {
    fn into_form(self) -> ReviewerForm {
        ReviewerForm {
            name: self.name,
            credentials: self.credentials,
            kind: self.kind,
            email: self.email,
            subspecialties: self.subspecialties,
            modalities: self.modalities,
            institution: self.institution,
            licence_regions: listed(&self.licence_regions),
            languages: listed(&self.languages),
            paediatric: self.paediatric,
            fee_cents: cents(&self.fee),
            currency: self.currency,
            turnaround_business_days: self.turnaround_business_days.trim().parse().ok(),
            capacity: self.capacity.trim().parse().ok(),
            conflicts: listed(&self.conflicts),
            npi: self.npi,
            credentials_checked_on: self.credentials_checked_on,
            credentials_source: self.credentials_source,
        }
    }
}

async fn create(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Typed>,
) -> PageResult {
    let form = form.into_form();
    let made = reviewers::create(&state.workflow, &session.actor, &form, state.now()).await;
    match to_correct(made)? {
        Ok(_) => Ok(go("/reviewers")),
        Err(problems) => {
            let mut entry = Entry::new(&state, &session, form);
            entry.problems = problems;
            page_to_correct(&entry)
        }
    }
}

async fn update(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted {
        session,
        version,
        form,
    }: Posted<Typed>,
) -> PageResult {
    let id: ReviewerId = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let form = form.into_form();
    match to_correct(reviewers::update(ctx, actor, &id, version, &form, now).await)? {
        Ok(()) => Ok(go("/reviewers")),
        Err(problems) => {
            let mut entry = Entry::new(&state, &session, form);
            entry.row = Some(reviewers::find(ctx, actor, &id, now).await?);
            entry.problems = problems;
            page_to_correct(&entry)
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Active {
    active: bool,
}

async fn set_active(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted {
        session,
        version,
        form,
    }: Posted<Active>,
) -> PageResult {
    let id: ReviewerId = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    reviewers::set_active(ctx, &session.actor, &id, version, form.active, now).await?;
    Ok(go("/reviewers"))
}

#[cfg(test)]
mod tests {
    use super::{cents, listed};

    #[test]
    fn sums_are_read_as_people_write_them() {
        assert_eq!(cents("350"), Some(35_000));
        assert_eq!(cents("1,350.5"), Some(135_050));
        assert_eq!(cents("0.05"), Some(5));
        assert_eq!(cents("350.005"), None);
        assert_eq!(cents("abc"), None);
        assert_eq!(cents("99999999999999999999"), None);
    }

    #[test]
    fn lists_are_read_by_line_or_comma() {
        assert_eq!(listed("US-WA, ES\n\n MX "), ["US-WA", "ES", "MX"]);
    }
}
