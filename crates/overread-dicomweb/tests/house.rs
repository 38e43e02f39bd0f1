//! A throw-away index and archive behind the real router.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use overread_archive::{Archive, PackId, S3Secret, S3Settings};
use overread_dicomweb::{DicomWebState, router, uri_router};
use overread_ingest::Ingest;
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, PersonId, TokenId};
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::access::Reach;
use overread_store::grants::{NewGrant, give};
use overread_store::studies::{
    Page, StudyFilter, StudyKey, find_instance, link_to_case, search_studies,
};
use serde_json::Value;
use tower::ServiceExt;

use crate::made::Made;

pub(crate) const NOW: i64 = 1_772_446_500_000_000;

pub(crate) struct House {
    pub(crate) store: Store,
    archive: Archive,
    router: Router,
    folder: tempfile::TempDir,
}

/// An answer, read to its end.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn archive_token() -> Actor {
    Actor::Machine {
        token_id: TokenId::from_random([1; 16]),
        role: Role::Archive,
    }
}

pub(crate) fn person(number: u8, role: Role) -> Actor {
    Actor::Person {
        person_id: PersonId::from_random([number; 16]),
        role,
    }
}

thread_local! {
    /// How much later it is for the test that runs on this thread.
    static LATER_MICROS: Cell<i64> = const { Cell::new(0) };
}

pub(crate) fn clock() -> Timestamp {
    Timestamp::from_micros(NOW + LATER_MICROS.get())
}

/// Lets time pass, for a test on one thread.
pub(crate) fn pass(time: Duration) {
    LATER_MICROS.set(LATER_MICROS.get() + time.as_micros() as i64);
}

/// Stands for the lexicon of findings.
fn names_finding(label: &str) -> bool {
    label.contains("extrusion")
}

/// Opens the place of a folder: SQLite and a disc, or PostgreSQL and a bucket.
async fn place(dir: &Path) -> (Store, Archive) {
    let Some(shared) = overread_testkit::place::shared(dir) else {
        let store = Store::open_sqlite(&dir.join("overread.sqlite")).await;
        return (store.unwrap(), Archive::open(dir).await.unwrap());
    };
    let settings = S3Settings {
        endpoint: shared.endpoint,
        region: "eu-central-1".to_owned(),
        bucket: overread_testkit::s3::BUCKET.to_owned(),
        prefix: shared.name.clone(),
        access_key_id: "test".to_owned(),
        secret: S3Secret::new("test"),
        allow_http: true,
        cache_bytes: overread_archive::limits::CACHE_MIN_BYTES,
        patience: overread_archive::limits::PATIENCE,
    };
    let store = Store::open_postgres_in(&shared.database_url, &shared.name).await;
    let archive = Archive::open_s3(dir, &settings).await;
    (store.unwrap(), archive.unwrap())
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, archive) = place(folder.path()).await;
        let ingest = Ingest::open(store.clone(), archive.clone()).await.unwrap();
        let first_reading = serde_json::from_str(include_str!(
            "../../overread-knowledge/data/reading/first_reading_attributes.json"
        ));
        let first_reading = first_reading.unwrap();
        let state = DicomWebState::new(
            store.clone(),
            archive.clone(),
            ingest,
            first_reading,
            names_finding,
            clock,
        );
        Self {
            store,
            archive,
            router: Router::new()
                .nest("/dicom-web", router(state.clone()))
                .nest("/wado", uri_router(state)),
            folder,
        }
    }

    /// Says whether it stands on PostgreSQL and a bucket.
    pub(crate) fn is_shared(&self) -> bool {
        overread_testkit::place::shared(self.folder.path()).is_some()
    }

    /// Returns the door as it stands behind the address of a link.
    pub(crate) fn behind_link(&self) -> Router {
        Router::new().nest("/links/{secret}", self.router.clone())
    }

    /// Does this in the database where it is SQLite; says whether it is.
    pub(crate) fn on_sqlite(&self, sql: &str) -> bool {
        let is_sqlite = self.store.kind() == "sqlite";
        if is_sqlite {
            let path = self.folder.path().join("overread.sqlite");
            let database = rusqlite::Connection::open(path).unwrap();
            database.execute_batch(sql).unwrap();
        }
        is_sqlite
    }

    /// Listens on a port of this machine, to whoever comes there as somebody; returns where.
    pub(crate) async fn listen(&self, actor: Option<Actor>) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = match actor {
            Some(actor) => self.router.clone().layer(axum::Extension(actor)),
            None => self.router.clone(),
        };
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    /// A house that holds these instances.
    pub(crate) async fn with(instances: &[Made]) -> Self {
        let house = Self::new().await;
        let files: Vec<Vec<u8>> = instances.iter().map(Made::bytes).collect();
        let got = house.stow("/studies", &files).await;
        // What is damaged is kept, and whoever sent it is told.
        assert!(
            matches!(got.status, StatusCode::OK | StatusCode::ACCEPTED),
            "{}",
            String::from_utf8_lossy(&got.body)
        );
        house
    }

    /// Sends a request, and reads nothing of the body of its answer.
    pub(crate) async fn begin(
        &self,
        actor: Actor,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response {
        let mut request = request(Method::GET, path, headers, Body::empty());
        request.extensions_mut().insert(actor);
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, actor: Option<Actor>, mut request: Request<Body>) -> Got {
        if let Some(actor) = actor {
            request.extensions_mut().insert(actor);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Got {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str, accept: &str) -> Got {
        self.get_as(Some(archive_token()), path, &[("accept", accept)])
            .await
    }

    pub(crate) async fn get_as(
        &self,
        actor: Option<Actor>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Got {
        self.send(actor, request(Method::GET, path, headers, Body::empty()))
            .await
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let got = self.get(path, "application/dicom+json").await;
        assert_eq!(
            got.status,
            StatusCode::OK,
            "{path}: {}",
            String::from_utf8_lossy(&got.body)
        );
        serde_json::from_slice(&got.body).unwrap()
    }

    pub(crate) async fn stow(&self, path: &str, files: &[Vec<u8>]) -> Got {
        self.stow_as(archive_token(), path, &[], multipart(files))
            .await
    }

    pub(crate) async fn stow_as(
        &self,
        actor: Actor,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Got {
        let content_type = (
            "content-type",
            "multipart/related; type=\"application/dicom\"; boundary=b0undary",
        );
        let headers: Vec<_> = [content_type]
            .into_iter()
            .chain(headers.iter().copied())
            .collect();
        self.send(
            Some(actor),
            request(Method::POST, path, &headers, Body::from(body)),
        )
        .await
    }

    pub(crate) async fn study_key(&self, uid: &str) -> StudyKey {
        let mut tx = self.store.read().await.unwrap();
        let filter = StudyFilter {
            study_instance_uids: vec![uid.to_owned()],
            ..StudyFilter::default()
        };
        let rows = search_studies(&mut tx, &Reach::Everything, &filter, &Page::default())
            .await
            .unwrap();
        StudyKey(rows[0].id)
    }

    /// Loses the pack of an instance, as a broken disc does.
    pub(crate) async fn lose(&self, made: &Made) {
        let pack_id = self.pack_of(made).await;
        self.archive.remove(pack_id).await.unwrap();
    }

    /// Makes the pack of an instance one that cannot be read, as a failing disc does; `false` where packs are no files.
    pub(crate) async fn spoil(&self, made: &Made) -> bool {
        let name = format!("{}.pack", self.pack_of(made).await);
        let shelves = std::fs::read_dir(self.folder.path().join("packs"));
        let shelves = shelves.into_iter().flatten();
        let mut paths = shelves.map(|shelf| shelf.unwrap().path().join(&name));
        let Some(path) = paths.find(|path| path.is_file()) else {
            assert!(self.is_shared());
            return false;
        };
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        true
    }

    async fn pack_of(&self, made: &Made) -> PackId {
        let mut tx = self.store.read().await.unwrap();
        let reach = Reach::Everything;
        let found = find_instance(&mut tx, &reach, made.study, made.series, &made.instance).await;
        found.unwrap().unwrap().extent.pack_id
    }

    /// Puts a study into a case and gives somebody rights there.
    pub(crate) async fn grant(
        &self,
        case: u8,
        study: &str,
        actor: &Actor,
        rights: &[Right],
        until: Option<i64>,
    ) -> CaseId {
        let case_id = CaseId::from_random([case; 16]);
        let study = self.study_key(study).await;
        let mut tx = self.store.begin().await.unwrap();
        link_to_case(&mut tx, study, &case_id, clock())
            .await
            .unwrap();
        let grant = NewGrant {
            case_id: &case_id,
            subject_kind: actor.kind(),
            subject_id: actor.id(),
            rights,
            until_at: until.map(Timestamp::from_micros),
        };
        give(&mut tx, grant, actor, Timestamp::from_micros(NOW - 10))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        case_id
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/dicom-web{path}"))
        .header("host", "pacs.example:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

pub(crate) fn multipart(files: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for file in files {
        body.extend_from_slice(b"\r\n--b0undary\r\nContent-Type: application/dicom\r\n\r\n");
        body.extend_from_slice(file);
    }
    body.extend_from_slice(b"\r\n--b0undary--\r\n");
    body
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The parts of a multipart answer: headers in lower case and content.
    pub(crate) fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let content_type = self.header("content-type");
        let boundary = content_type
            .split("boundary=")
            .nth(1)
            .unwrap()
            .trim_matches('"');
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let body = [b"\r\n".as_slice(), &self.body].concat();
        let mut starts: Vec<usize> = body
            .windows(delimiter.len())
            .enumerate()
            .filter(|(_, window)| *window == delimiter)
            .map(|(at, _)| at)
            .collect();
        let end = starts.pop().unwrap();
        assert!(body[end + delimiter.len()..].starts_with(b"--"));
        let ends: Vec<usize> = starts.iter().skip(1).copied().chain([end]).collect();
        starts
            .iter()
            .zip(ends)
            .map(|(start, end)| {
                let part = &body[start + delimiter.len() + 2..end];
                let split = part
                    .windows(4)
                    .position(|window| window == b"\r\n\r\n")
                    .unwrap();
                (
                    String::from_utf8(part[..split].to_vec())
                        .unwrap()
                        .to_lowercase(),
                    part[split + 4..].to_vec(),
                )
            })
            .collect()
    }
}
