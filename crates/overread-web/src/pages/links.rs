//! The treating physician behind a share link: both reports, the comparison, confirm, decide.

use askama::Template;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};
use overread_model::access::Actor;
use overread_workflow::reading;
use overread_workflow::sessions::SignedIn;
use overread_workflow::treating::{self, Decide, LinkDoor, LinkView, OpenLink};
use serde::Deserialize;

use super::concordance::{Compared, Reader, Sheet};
use super::letters::pdf_file;
use super::viewer::{PageData, show_data};
use crate::auth::ask_as;
use crate::errors::{PageError, PageResult};
use crate::forms::{Open, Peer, Problems, to_correct};
use crate::shell::{CaseNav, Shell, go, page, page_to_correct};
use crate::state::{WebConfig, WebState};
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/links/{secret}", get(show))
        .route("/links/{secret}/unlock", post(unlock))
        .route("/links/{secret}/acknowledge", post(acknowledge))
        .route("/links/{secret}/decide", post(decide))
        .route("/links/{secret}/report.pdf", get(pdf))
        .route("/links/{secret}/viewer", get(viewer))
}

/// Returns the images behind a link: DICOMweb for reading, as the link's holder.
pub(crate) fn shared_images(state: &WebState) -> Router {
    let images = overread_dicomweb::router(state.dicomweb.clone())
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), as_holder));
    Router::new().nest("/links/{secret}/dicom-web", images)
}

/// Makes the holder of the link the actor of a request for images.
async fn as_holder(
    State(state): State<WebState>,
    Path(params): Path<std::collections::HashMap<String, String>>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::GET {
        return PageError::NotFound.into_response();
    }
    let secret = params.get("secret").map(String::as_str).unwrap_or_default();
    let session = unlocked(request.headers(), &state.config);
    match treating::actor(&state.workflow, secret, session.as_deref(), state.now()).await {
        Ok(actor) => {
            ask_as(&mut request, actor);
            next.run(request).await
        }
        Err(error) => PageError::from(error).into_response(),
    }
}

fn cookie_name(config: &WebConfig) -> &'static str {
    if config.cookie_secure {
        "__Host-overread-link"
    } else {
        "overread-link"
    }
}

/// Returns what the browser was given after the passcode fitted.
fn unlocked(headers: &HeaderMap, config: &WebConfig) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie_name(config))
        .map(|(_, value)| value.to_owned())
}

/// Who is signed in in the browser that opened a link, if anybody is.
type Beside = Option<Extension<SignedIn>>;

#[derive(Template)]
#[template(path = "act/passcode.html")]
struct PasscodePage {
    shell: Shell,
    path: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "act/link.html")]
struct LinkPage {
    shell: Shell,
    path: String,
    csrf: String,
    view: LinkView,
    sheet: Option<Sheet>,
    form: Decide,
    problems: Problems,
}

impl LinkPage {
    fn new(state: &WebState, secret: &str, open: OpenLink) -> Self {
        let mut view = open.view;
        let original = view.original_text.clone().unwrap_or_default();
        let sheet = view.concordance.take().map(|concordance| {
            Sheet::new(Compared {
                concordance,
                corrections: &view.corrections,
                signed: view.overall.as_deref(),
                remark: &view.remark,
                original: &original,
                second: &view.second_text,
                reader: Reader::Physician,
                glossary: &state.workflow.knowledge.glossary,
            })
        });
        Self {
            shell: Shell::anonymous("A second opinion for your patient")
                .of(state)
                .wide(),
            path: format!("/links/{secret}"),
            csrf: open.csrf,
            view,
            sheet,
            form: Decide::default(),
            problems: Problems::default(),
        }
    }
}

fn person_of(beside: &Beside) -> Option<&Actor> {
    beside.as_ref().map(|Extension(session)| &session.actor)
}

async fn door(
    state: &WebState,
    secret: &str,
    headers: &HeaderMap,
    person: Option<&Actor>,
    client: &overread_workflow::signing_in::Client,
) -> Result<LinkDoor, PageError> {
    let session = unlocked(headers, &state.config);
    let (ctx, now) = (&state.workflow, state.now());
    Ok(treating::open(ctx, secret, session.as_deref(), person, client, now).await?)
}

async fn show(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    beside: Beside,
    Peer(client): Peer,
    headers: HeaderMap,
) -> PageResult {
    match door(&state, &secret, &headers, person_of(&beside), &client).await? {
        LinkDoor::PasscodeNeeded => page(&passcode_page(&state, &secret, Problems::default())),
        LinkDoor::Open(open) => page(&LinkPage::new(&state, &secret, *open)),
    }
}

fn passcode_page(state: &WebState, secret: &str, problems: Problems) -> PasscodePage {
    PasscodePage {
        shell: Shell::anonymous("Passcode").of(state).narrow(),
        path: format!("/links/{secret}"),
        problems,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Passcode {
    passcode: String,
}

async fn unlock(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    Peer(client): Peer,
    Open(form): Open<Passcode>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let unlocked = treating::unlock(ctx, &secret, &form.passcode, &client, now).await;
    match to_correct(unlocked)? {
        Ok(value) => {
            let secure = if state.config.cookie_secure {
                "; Secure"
            } else {
                ""
            };
            let name = cookie_name(&state.config);
            let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
            let mut response = go(&format!("/links/{secret}"));
            let mut header = HeaderValue::from_str(&line).map_err(|_| PageError::Unreadable)?;
            header.set_sensitive(true);
            response.headers_mut().insert(SET_COOKIE, header);
            Ok(response)
        }
        Err(problems) => page_to_correct(&passcode_page(&state, &secret, problems)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Token {
    csrf: String,
    /// How many changes of the result the page showed.
    changes: usize,
}

async fn acknowledge(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    beside: Beside,
    Peer(client): Peer,
    headers: HeaderMap,
    Open(token): Open<Token>,
) -> PageResult {
    if !treating::csrf_matches(&secret, &token.csrf) {
        return Err(PageError::ForeignForm);
    }
    let session = unlocked(&headers, &state.config);
    let (ctx, now, person) = (&state.workflow, state.now(), person_of(&beside));
    let (session, shown) = (session.as_deref(), token.changes);
    let confirmed = treating::acknowledge(ctx, &secret, session, person, shown, now).await;
    match to_correct(confirmed)? {
        Ok(()) => Ok(go(&format!("/links/{secret}#act"))),
        Err(problems) => {
            let door = door(&state, &secret, &headers, person, &client).await?;
            to_correct_there(&state, &secret, door, Decide::default(), problems)
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Decided {
    csrf: String,
    decision: String,
    note: String,
    /// How many changes of the result the page showed.
    changes: usize,
}

async fn decide(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    beside: Beside,
    Peer(client): Peer,
    headers: HeaderMap,
    Open(form): Open<Decided>,
) -> PageResult {
    if !treating::csrf_matches(&secret, &form.csrf) {
        return Err(PageError::ForeignForm);
    }
    let session = unlocked(&headers, &state.config);
    let (ctx, now) = (&state.workflow, state.now());
    let typed = Decide {
        decision: form.decision,
        note: form.note,
        changes_shown: form.changes,
    };
    let decided = treating::decide(
        ctx,
        &secret,
        session.as_deref(),
        person_of(&beside),
        &typed,
        now,
    )
    .await;
    let problems = match to_correct(decided)? {
        Ok(()) => return Ok(go(&format!("/links/{secret}#act"))),
        Err(problems) => problems,
    };
    let door = door(&state, &secret, &headers, person_of(&beside), &client).await?;
    to_correct_there(&state, &secret, door, typed, problems)
}

/// Shows the page as it is now, with what was typed and what is wrong with it.
fn to_correct_there(
    state: &WebState,
    secret: &str,
    door: LinkDoor,
    typed: Decide,
    problems: Problems,
) -> PageResult {
    let LinkDoor::Open(open) = door else {
        return Err(PageError::NotFound);
    };
    let mut link = LinkPage::new(state, secret, *open);
    (link.form, link.problems) = (typed, problems);
    page_to_correct(&link)
}

async fn pdf(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    beside: Beside,
    headers: HeaderMap,
) -> PageResult {
    let session = unlocked(&headers, &state.config);
    let (ctx, now) = (&state.workflow, state.now());
    let person = person_of(&beside);
    let bytes = treating::report_pdf(ctx, &secret, session.as_deref(), person, now).await?;
    Ok(pdf_file(bytes, "second-report.pdf"))
}

async fn viewer(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> PageResult {
    let session = unlocked(&headers, &state.config);
    let (ctx, now) = (&state.workflow, state.now());
    let actor = treating::actor(ctx, &secret, session.as_deref(), now).await?;
    let Actor::Link { case_id, .. } = &actor else {
        return Err(PageError::NotFound);
    };
    let data = reading::viewer(ctx, &actor, case_id, now).await?;
    let mut shell = Shell::anonymous("Images").of(&state);
    shell.body = "body--viewer body--wide";
    shell.case = Some(CaseNav {
        path: format!("/links/{secret}"),
        caption: String::new(),
        tabs: Vec::new(),
    });
    let root = format!("/links/{secret}/dicom-web");
    show_data(
        shell,
        PageData {
            data,
            root: Some(root),
            csrf: String::new(),
        },
    )
}
