//! Serves the pages on an empty folder, so that they can be looked at while they are being drawn.

use std::net::SocketAddr;
use std::sync::Arc;

use overread_archive::Archive;
use overread_dicomweb::DicomWebState;
use overread_ingest::Ingest;
use overread_knowledge::Knowledge;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_web::{WebConfig, WebState, router};
use overread_workflow::{MailConfig, Workflow, WorkflowConfig, setup};

#[expect(clippy::disallowed_methods, reason = "an example has no other clock")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_micros(since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(0)))
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example says where to look")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let store = Store::open_sqlite(&folder.join("overread.db")).await?;
    store.migrate().await?;
    let archive = Archive::open(&folder).await?;
    let ingest = Ingest::open(store.clone(), archive.clone()).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let workflow = Workflow {
        store: store.clone(),
        archive: archive.clone(),
        ingest: ingest.clone(),
        knowledge: Knowledge::embedded(),
        config: Arc::new(WorkflowConfig {
            public_url: address.clone(),
            organisation: "Harbour Imaging".to_owned(),
            mail: MailConfig::Folder(folder.join("mail")),
        }),
    };
    if let Some(secret) = setup::prepare(&workflow, now()).await? {
        println!("{address}/setup/{}", secret.reveal());
    } else {
        println!("{address}/");
    }
    let state = WebState {
        workflow,
        dicomweb: DicomWebState::new(store, archive, ingest, now),
        config: Arc::new(WebConfig {
            public_url: address,
            cookie_secure: false,
            organisation: "Harbour Imaging".to_owned(),
            emergency_number: "911".to_owned(),
            behind_proxy: false,
        }),
        clock: now,
    };
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
