//! The real router on a throw-away store, and browsers that keep their cookies.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use overread_archive::Archive;
use overread_dicomweb::{DicomWebState, Origins};
use overread_ingest::Ingest;
use overread_knowledge::Knowledge;
use overread_model::access::Role;
use overread_model::duration::WorkCalendar;
use overread_model::ids::CaseId;
use overread_model::peers::{AssociationEnd, Peer, Peers, ProposedContext};
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_testkit::disc::{DiscFile, zip_of};
use overread_web::{WebConfig, WebRooms, router};
use overread_workflow::keeping::Keeping;
use overread_workflow::{MailConfig, PasswordCost, Workflow, WorkflowConfig, setup};
use tower::ServiceExt as _;

/// Password of everybody here.
pub(crate) const PASSWORD: &str = "a calm sea and prosperous voyage";

/// 2026-03-02 10:15 UTC, in microseconds.
static NOW: AtomicI64 = AtomicI64::new(1_772_446_500_000_000);

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(NOW.load(Ordering::Relaxed))
}

/// Lets a second pass, for everybody.
pub(crate) fn tick() {
    NOW.fetch_add(1_000_000, Ordering::Relaxed);
}

/// A door of its own.
pub(crate) struct Door {
    router: Router,
    pub(crate) workflow: Workflow,
    _folder: tempfile::TempDir,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// Returns where it leads; empty when nowhere.
    pub(crate) fn leads_to(&self) -> &str {
        self.headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Returns the value of the first hidden field of this name.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let rest = self
            .body
            .split(&mark)
            .nth(1)
            .unwrap_or_else(|| panic!("no field {name}: {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }

    /// Returns the address shown once after `mark`.
    pub(crate) fn path_after(&self, mark: &str) -> String {
        let rest = self
            .body
            .split(mark)
            .nth(1)
            .unwrap_or_else(|| panic!("no {mark}: {}", self.body));
        format!("{mark}{}", rest.split(['<', '"', '&']).next().unwrap())
    }
}

impl Door {
    /// Opens a door on an empty folder.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("overread.db"))
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let archive = Archive::open(folder.path()).await.unwrap();
        let ingest = Ingest::open(store.clone(), archive.clone()).await.unwrap();
        let workflow = Workflow {
            store: store.clone(),
            archive: archive.clone(),
            ingest: ingest.clone(),
            knowledge: Knowledge::embedded(),
            config: Arc::new(WorkflowConfig {
                public_url: "http://localhost".to_owned(),
                organisation: "Harbour Imaging".to_owned(),
                mail: MailConfig::Folder(folder.path().join("mail")),
                calendar: WorkCalendar::default(),
                password_cost: PasswordCost {
                    memory_kib: 8,
                    passes: 1,
                },
                keeping: Keeping {
                    grace_days: 30,
                    rules: Knowledge::embedded().retention.rules.clone(),
                },
            }),
        };
        let router = router(WebRooms {
            workflow: workflow.clone(),
            dicomweb: DicomWebState::new(
                store,
                archive,
                ingest,
                Knowledge::embedded().first_reading.clone(),
                overread_concordance::names_finding,
                now,
            )
            .with_origins(Origins::parse(&["https://viewer.example".to_owned()]).unwrap()),
            peers: peers(),
            config: Arc::new(WebConfig {
                public_url: "http://localhost".to_owned(),
                cookie_secure: false,
                organisation: "Harbour Imaging".to_owned(),
                emergency_number: "911".to_owned(),
                behind_proxy: false,
            }),
            clock: now,
        });
        Self {
            router,
            workflow,
            _folder: folder,
        }
    }

    /// Sends a request as it stands.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Returns a browser that has signed in nobody.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser {
            door: self,
            cookie: String::new(),
            csrf: String::new(),
        }
    }

    /// Makes the first administrator, who is a coordinator too, and returns their browser.
    pub(crate) async fn administrator(&self) -> Browser<'_> {
        let setup = setup::prepare(&self.workflow, now())
            .await
            .unwrap()
            .unwrap();
        let secret = setup.secret;
        let mut browser = self.browser();
        let path = format!("/setup/{}", secret.reveal());
        let answer = browser
            .post(
                &path,
                &[
                    ("name", "Ada Administrator"),
                    ("email", "ada@example.org"),
                    ("password", PASSWORD),
                    ("password_again", PASSWORD),
                    ("also_coordinator", "true"),
                ],
            )
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser.learn_csrf("/account").await;
        browser
    }

    /// Invites somebody and lets them join.
    pub(crate) async fn join(
        &self,
        administrator: &mut Browser<'_>,
        role: Role,
        name: &str,
    ) -> Browser<'_> {
        administrator.act_as(Role::Administrator).await;
        let first: String = name
            .chars()
            .take_while(|character| *character != ' ')
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let email = format!("{}@example.org", first.to_lowercase());
        let answer = administrator
            .post(
                "/people/invite",
                &[
                    ("name", name),
                    ("email", &email),
                    ("role", role.as_str()),
                    ("language", "en"),
                ],
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let path = answer.path_after("/invitations/");
        let mut browser = self.browser();
        let answer = browser
            .post(
                &path,
                &[
                    ("name", name),
                    ("password", PASSWORD),
                    ("password_again", PASSWORD),
                ],
            )
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser.learn_csrf("/account").await;
        browser
    }
}

/// Keeps cookies and the token for forms.
pub(crate) struct Browser<'a> {
    pub(crate) door: &'a Door,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Browser<'_> {
    /// Gets a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path)
            .header(COOKIE, &self.cookie)
            .body(Body::empty())
            .unwrap();
        self.door.send(request).await
    }

    /// Sends a form with the session's token.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone();
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post_as_is(path, &all).await
    }

    /// Sends a form as it stands.
    pub(crate) async fn post_as_is(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_html_form::to_string(fields).unwrap();
        let request = Request::post(path)
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let answer = self.door.send(request).await;
        for line in answer.headers.get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        answer
    }

    /// Keeps a cookie beside those of other names.
    fn keep(&mut self, line: &str) {
        let pair = line.split(';').next().unwrap();
        let name = format!("{}=", pair.split('=').next().unwrap());
        let others = self
            .cookie
            .split("; ")
            .filter(|one| !one.starts_with(&name) && !one.is_empty());
        self.cookie = others.chain([pair]).collect::<Vec<_>>().join("; ");
    }

    /// Reads the token for forms from a page.
    pub(crate) async fn learn_csrf(&mut self, path: &str) {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        self.csrf = answer.hidden("csrf");
    }

    /// Switches to another role of this person.
    pub(crate) async fn act_as(&mut self, role: Role) {
        let answer = self.post("/account/role", &[("role", role.as_str())]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }

    /// Sends a form with files as browsers do without script.
    pub(crate) async fn post_files(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Answer {
        const EDGE: &str = "----------------overread";
        let mut body = Vec::new();
        let csrf = [("csrf", self.csrf.as_str())];
        for (name, value) in csrf.iter().chain(fields) {
            let part = format!(
                "--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        for (name, file_name, bytes) in files {
            let head = format!(
                "--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
                 content-type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{EDGE}--\r\n").as_bytes());
        let request = Request::post(path)
            .header(COOKIE, &self.cookie)
            .header(
                CONTENT_TYPE,
                format!("multipart/form-data; boundary={EDGE}"),
            )
            .body(Body::from(body))
            .unwrap();
        self.door.send(request).await
    }

    /// Uploads a disc as one ZIP, which is taken in.
    pub(crate) async fn upload(&self, case_id: &CaseId, files: &[DiscFile]) {
        let zip = zip_of(files, true).unwrap();
        let path = format!("/cases/{case_id}/records/upload");
        let disc = [("files", "disc.zip", zip.as_slice())];
        let sent = self.post_files(&path, &[], &disc).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    }

    /// Starts a case and fills in the wizard up to the review, unless told to stop before.
    pub(crate) async fn ask(&mut self, patient: &str) -> CaseId {
        let answer = self.post("/cases", &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let id = answer.leads_to().split('/').nth(2).unwrap().to_owned();
        let base = format!("/cases/{id}/ask");
        self.step(
            &base,
            "who",
            &[
                ("requester", "patient"),
                ("patient_name", patient),
                ("patient_birth_date", "1968-04-12"),
                ("patient_region", "US-WA"),
                ("sender_name", patient),
            ],
        )
        .await;
        self.step(
            &base,
            "contact",
            &[
                ("sender_address", "12 Harbour Lane\nSeattle WA"),
                ("sender_phone", "+1 206 555 0100"),
                ("sender_email", "pat@example.org"),
                ("language", "en"),
            ],
        )
        .await;
        self.step(
            &base,
            "exam",
            &[
                ("modality", "MR"),
                ("name", "MRI lumbar spine without contrast"),
                ("body_part", "lumbar spine"),
                ("date", "2026-02-10"),
                ("facility", "Bay Imaging Center"),
                ("facility_address", "1 Bay Road"),
            ],
        )
        .await;
        self.step(
            &base,
            "papers",
            &[
                ("images_at", "me"),
                ("report_at", "me"),
                ("first_reader", "Dr. First"),
            ],
        )
        .await;
        self.tell_why(&base).await;
        id.parse().unwrap()
    }

    async fn tell_why(&mut self, base: &str) {
        self.step(
            base,
            "why",
            &[
                ("triggers", "surgery"),
                ("triggers", "unclear"),
                ("reason", "Surgery was advised"),
            ],
        )
        .await;
        self.step(
            base,
            "question",
            &[
                ("symptoms", "Pain into the left leg for six weeks"),
                ("question", "Does the disc press on a nerve?"),
            ],
        )
        .await;
        self.step(
            base,
            "doctor",
            &[
                ("physician_name", "Dr. Treat"),
                ("physician_email", "treat@example.org"),
            ],
        )
        .await;
        self.step(base, "urgency", &[("treatment_date", "")]).await;
    }

    pub(crate) async fn step(&mut self, base: &str, step: &str, fields: &[(&str, &str)]) {
        let path = format!("{base}/{step}");
        let screen = self.get(&path).await;
        for nameless in ["\"></label>", "<legend></legend>"] {
            assert!(!screen.body.contains(nameless), "{step}: {}", screen.body);
        }
        let version = screen.hidden("version");
        let mut all = vec![("version", version.as_str())];
        all.extend_from_slice(fields);
        let answer = self.post(&path, &all).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{step}: {}",
            answer.body
        );
        assert!(
            !answer.leads_to().contains("check=true"),
            "{step} is refused: {}",
            self.get(answer.leads_to()).await.body
        );
    }

    /// Sends the request of a case whose wizard was filled in.
    pub(crate) async fn submit(&mut self, case_id: &CaseId) {
        let path = format!("/cases/{case_id}/ask/review");
        let version = self.get(&path).await.hidden("version");
        let answer = self.post(&path, &[("version", &version)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }
}

/// A scanner that was taken in, and a stranger.
pub(crate) fn peers() -> Peers {
    let peers = Peers::default();
    peers.note(peer("MR1", "its certificate is over"));
    peers.note(peer("MR1", ""));
    // A query was refused, and the caller went away at once.
    let end = AssociationEnd {
        denied: "no token is named (status 0124)".to_owned(),
        reason: "the peer ended it".to_owned(),
        ..AssociationEnd::at(now())
    };
    peers.note(Peer {
        ended: Some(end),
        ..peer("FINDER", "")
    });
    peers.note(peer("STRANGER", "this caller may not store here"));
    peers
}

/// Who called; with a reason, it was refused.
pub(crate) fn peer(calling: &str, refused: &str) -> Peer {
    Peer {
        calling: calling.to_owned(),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        asked_at: now(),
        count: 0,
        is_tls: false,
        called: "OVERREAD".to_owned(),
        refused: refused.to_owned(),
        advice: "Add an entry.".to_owned(),
        remarks: vec!["It called OTHER, and our title is OVERREAD.".to_owned()],
        implementation: "SCANNER_1".to_owned(),
        pdu_bytes: 16_384,
        contexts: vec![ProposedContext {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.4".to_owned(),
            transfer_syntax_uids: vec!["1.2.840.10008.1.2".to_owned()],
            answer: Ok("1.2.840.10008.1.2".to_owned()),
        }],
        ended: (refused.is_empty()).then(|| AssociationEnd {
            stored: 2,
            refused: 3,
            refusals: vec![("the case is full (status A700)".to_owned(), 3)],
            ..AssociationEnd::at(now())
        }),
        failure: None,
    }
}
