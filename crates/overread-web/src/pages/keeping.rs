//! What is deleted, held, asked and no longer kept, for administrators; asking and holding in a case.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use overread_model::keeping::{CountsFrom, RetentionRule};
use overread_model::verdict::Verdict;
use overread_store::studies::StudyKey;
use overread_workflow::keeping::{self, Amounts, CaseRoom, Conflicts, KeepingView, Marked};
use overread_workflow::sessions::SignedIn;
use overread_workflow::{StepError, StepResult};
use serde::{Deserialize, Serialize};

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Reason, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this page.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/keeping", get(show))
        .route("/keeping/delete", post(delete).get(back))
        .route("/keeping/hold", post(hold).get(back))
        .route("/keeping/quota", post(set_quota).get(back))
        .route("/keeping/deletions/{id}/restore", post(restore))
        .route("/keeping/holds/{id}/lift", post(lift).get(back))
        .route(
            "/keeping/requests/{id}/delete",
            post(delete_as_asked).get(back),
        )
        .route("/keeping/requests/{id}/decline", post(decline).get(back))
        .route("/keeping/proposals/{study}/delete", post(confirm).get(back))
        .route(
            "/keeping/conflicts/{id}/close",
            post(close_conflict).get(back),
        )
        .route("/cases/{case}/deletion", post(ask))
        .route("/cases/{case}/hold", post(hold_case))
}

#[derive(Template)]
#[template(path = "keeping/keeping.html")]
struct KeepingPage {
    shell: Shell,
    view: KeepingView,
    conflicts: Conflicts,
    /// Behind how many of the contradictions this page begins.
    after: u32,
    /// The contradiction whose form is to be corrected, empty for none, and the reason that was typed.
    open: (String, String),
    /// What was typed and is to be corrected.
    form: Named,
    /// The case whose room is looked at.
    room: Option<CaseRoom>,
    done: String,
    problems: Problems,
}

/// What an administrator names, and why.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    named: String,
    reason: String,
    sure: bool,
}

/// A deletion that the page names itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sure {
    sure: bool,
}

/// Refuses to delete by one click, with script or without: a box says it a second time. The problem stands at this field.
fn agreed(sure: bool, field: &'static str) -> StepResult<()> {
    if sure {
        return Ok(());
    }
    Err(StepError::invalid(
        field,
        "Nothing was deleted. Tick the box beside the button first: it says that you mean these images.",
    ))
}

/// What was done, as the address says it after a form: loading the page again does nothing a second time.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Told {
    done: Done,
    studies: usize,
    shared: usize,
    held: usize,
    cases: usize,
    /// Number of the case whose room is looked at.
    room: String,
    /// Behind how many of the contradictions the page begins.
    #[serde(skip_serializing)]
    after: u32,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    #[default]
    Nothing,
    Deleted,
    Restored,
    Held,
    Lifted,
    Declined,
    Closed,
    Room,
}

impl Done {
    fn told(self) -> Told {
        Told {
            done: self,
            ..Told::default()
        }
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    crate::words::count(&i64::try_from(number).unwrap_or(i64::MAX), one, many)
}

impl From<Marked> for Told {
    fn from(marked: Marked) -> Self {
        Self {
            studies: marked.studies,
            shared: marked.shared,
            held: marked.held,
            ..Done::Deleted.told()
        }
    }
}

impl Told {
    /// Says it in words.
    fn in_words(&self) -> String {
        let text = match self.done {
            Done::Nothing => "",
            Done::Deleted => return self.deleted(),
            Done::Restored if self.cases == 0 => {
                "The exam is restored. It is shown in no case: coordinators find it among what is held back in a case, or under “Images without a case”."
            }
            Done::Restored => {
                let cases = counted(self.cases, "case", "cases");
                return format!(
                    "The exam is restored, in {cases}. Whose images they are is judged again: where that is in question, they \
                     wait in the case for a coordinator."
                );
            }
            Done::Held => "The legal hold stands. Nothing that it covers is erased.",
            Done::Lifted => {
                "The legal hold is lifted. What it kept can be restored for a whole period of grace."
            }
            Done::Declined => {
                "The request is declined. Whoever asked reads why on the case's page."
            }
            Done::Closed => {
                "The matter is closed. What is stored was not changed, and what was set aside stays aside."
            }
            Done::Room => "The room of the case is set; it counts from now on.",
        };
        text.to_owned()
    }

    /// Says what was deleted and what was left.
    fn deleted(&self) -> String {
        let mut told = match self.studies {
            0 => "Nothing was deleted.".to_owned(),
            studies => format!(
                "{} deleted. Nobody reaches the images any more; below, they can be restored.",
                counted(studies, "exam was", "exams were")
            ),
        };
        if self.shared > 0 {
            told.push_str(&format!(
                " {} left, since another case holds them, too.",
                counted(self.shared, "exam was", "exams were")
            ));
        }
        if self.held > 0 {
            told.push_str(&format!(
                " {} left, since a legal hold covers them.",
                counted(self.held, "exam was", "exams were")
            ));
        }
        told
    }
}

impl KeepingPage {
    /// Says from when on a rule counts.
    fn counts_from(rule: &RetentionRule) -> &'static str {
        match rule.counts_from {
            CountsFrom::CaseEnded => "after the last of its cases ended",
            CountsFrom::LastUse => {
                "after it was last opened or added to, and not before the last of its cases ended"
            }
        }
    }

    async fn of(state: &WebState, session: &SignedIn, after: u32) -> Result<Self, PageError> {
        let view = keeping::view(&state.workflow, &session.actor, state.now()).await?;
        let conflicts = keeping::conflicts(&state.workflow, &session.actor, after).await?;
        Ok(Self {
            shell: Shell::new(state, session, "Keeping and deleting", Place::Keeping),
            view,
            conflicts,
            after,
            open: Default::default(),
            form: Named::default(),
            room: None,
            done: String::new(),
            problems: Problems::default(),
        })
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Query(told): Query<Told>,
) -> PageResult {
    let mut shown = KeepingPage::of(&state, &session, told.after).await?;
    shown.done = told.in_words();
    if told.room.trim().is_empty() {
        return page(&shown);
    }
    let room = keeping::room(&state.workflow, &session.actor, &told.room).await;
    match to_correct(room)? {
        Ok(room) => {
            shown.room = Some(room);
            page(&shown)
        }
        Err(problems) => {
            shown.problems = problems;
            page_to_correct(&shown)
        }
    }
}

/// Leads to the page from the address of a form, where a browser may be left with something to correct.
async fn back(Signed(_): Signed) -> Response {
    go("/keeping")
}

/// Leads to the page, which says what was done, or shows it again with what is wrong.
async fn answered(
    state: &WebState,
    session: &SignedIn,
    form: Named,
    result: StepResult<Told>,
) -> PageResult {
    match to_correct(result)? {
        Ok(told) => told_at(&told),
        Err(problems) => {
            let mut shown = KeepingPage::of(state, session, 0).await?;
            (shown.form, shown.problems) = (form, problems);
            page_to_correct(&shown)
        }
    }
}

fn told_at(told: &Told) -> PageResult {
    let query = serde_html_form::to_string(told).map_err(StepError::internal)?;
    Ok(go(&format!("/keeping?{query}")))
}

async fn delete(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Named>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let done = match agreed(form.sure, "sure") {
        Ok(()) => keeping::delete(ctx, &session.actor, &form.named, &form.reason, now).await,
        Err(refused) => Err(refused),
    };
    answered(&state, &session, form, done.map(Told::from)).await
}

async fn hold(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Named>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::place_hold(ctx, &session.actor, &form.named, &form.reason, now).await;
    answered(&state, &session, form, done.map(|()| Done::Held.told())).await
}

/// How much a case may hold, and why.
#[derive(Default, Deserialize)]
#[serde(default)]
struct QuotaForm {
    number: String,
    gb: String,
    images: String,
    reason: String,
}

async fn set_quota(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<QuotaForm>,
) -> PageResult {
    // What is left empty stays; what is no number is refused as none.
    let number = |text: &str| {
        let text = text.trim();
        (!text.is_empty()).then(|| text.parse::<u64>().unwrap_or_default())
    };
    let amounts = Amounts {
        gb: number(&form.gb),
        instances: number(&form.images),
    };
    let names = (form.number.as_str(), form.reason.as_str());
    let done =
        keeping::set_quota(&state.workflow, &session.actor, names, amounts, state.now()).await;
    match to_correct(done)? {
        Ok(()) => told_at(&Told {
            room: form.number,
            ..Done::Room.told()
        }),
        Err(problems) => {
            let mut shown = KeepingPage::of(&state, &session, 0).await?;
            let room = keeping::room(&state.workflow, &session.actor, &form.number).await;
            (shown.room, shown.problems) = (room.ok(), problems);
            page_to_correct(&shown)
        }
    }
}

async fn restore(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let cases = keeping::restore(&state.workflow, &session.actor, &id, state.now()).await?;
    told_at(&Told {
        cases,
        ..Done::Restored.told()
    })
}

async fn lift(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::lift_hold(ctx, &session.actor, &id, &form.reason, now).await;
    let told = done.map(|()| Done::Lifted.told());
    answered(&state, &session, Named::default(), told).await
}

async fn delete_as_asked(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, form, .. }: Posted<Sure>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    let done = match agreed(form.sure, "") {
        Ok(()) => keeping::delete_as_asked(ctx, &session.actor, &id, now).await,
        Err(refused) => Err(refused),
    };
    answered(&state, &session, Named::default(), done.map(Told::from)).await
}

async fn decline(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::decline(ctx, &session.actor, &id, &form.reason, now).await;
    let told = done.map(|()| Done::Declined.told());
    answered(&state, &session, Named::default(), told).await
}

async fn confirm(
    State(state): State<WebState>,
    Path(study): Path<i64>,
    Posted { session, form, .. }: Posted<Sure>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let done = match agreed(form.sure, "") {
        Ok(()) => keeping::confirm(ctx, &session.actor, StudyKey(study), now).await,
        Err(refused) => Err(refused),
    };
    let told = done.map(|()| {
        Told::from(Marked {
            studies: 1,
            ..Marked::default()
        })
    });
    answered(&state, &session, Named::default(), told).await
}

/// Which of two images is right, and how that is known.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Judged {
    /// The word of a [`Verdict`].
    right: String,
    reason: String,
    /// Behind how many of the contradictions the page began.
    after: u32,
}

async fn close_conflict(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, form, .. }: Posted<Judged>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let verdict = Verdict::of(&form.right);
    let (actor, reason) = (&session.actor, form.reason.as_str());
    let done = keeping::close_conflict(ctx, actor, &id, verdict, reason, now).await;
    match to_correct(done)? {
        Ok(()) => told_at(&Done::Closed.told()),
        Err(problems) => {
            let mut shown = KeepingPage::of(&state, &session, form.after).await?;
            (shown.open, shown.problems) = ((id, form.reason), problems);
            page_to_correct(&shown)
        }
    }
}

async fn ask(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    keeping::ask(ctx, &session.actor, &case_id, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}

async fn hold_case(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    keeping::place_hold_on_case(ctx, &session.actor, &case_id, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}
