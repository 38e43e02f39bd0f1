//! The text of PDFs from strangers.

use overread_ingest::pdf::{self, PdfError, PdfText, Reader, text_of_pdf};
use overread_testkit::pdf::page;

#[tokio::test]
async fn text_is_read_and_scans_are_told() {
    let report = page("BT /F1 12 Tf 72 700 Td (Impression: no acute fracture of the wrist.) Tj ET");
    match text_of_pdf(report).await.unwrap() {
        PdfText::Text(text) => assert!(text.contains("no acute fracture"), "{text}"),
        PdfText::ScanOnly => panic!("there is text"),
    }
    assert_eq!(
        text_of_pdf(page("0 0 100 100 re f")).await,
        Ok(PdfText::ScanOnly)
    );
}

#[tokio::test]
async fn broken_ones_are_refused_without_harm() {
    assert_eq!(
        text_of_pdf(b"not a PDF".to_vec()).await,
        Err(PdfError::Unreadable)
    );
    let whole = page("BT /F1 12 Tf (text that is long enough to be seen) Tj ET");
    for end in (0..whole.len()).step_by(41) {
        let _ = text_of_pdf(whole[..end].to_vec()).await;
    }
    let huge = vec![b' '; overread_ingest::limits::PDF_BYTES + 1];
    assert_eq!(text_of_pdf(huge).await, Err(PdfError::TooLarge));
}

const SWITCH: &str = "OVERREAD_PDF_TEST_CHILD";

/// Runs only when started by the test below.
#[test]
fn child() {
    if std::env::args().any(|argument| argument == SWITCH) {
        pdf::child_main().unwrap();
    }
}

#[tokio::test]
async fn a_process_of_its_own_reads_the_same() {
    let arguments = [
        "--exact",
        "pdf::child",
        "--nocapture",
        "--test-threads",
        "1",
        "--skip",
        SWITCH,
    ];
    let reader = Reader::Process {
        program: std::env::current_exe().unwrap(),
        arguments: arguments.map(str::to_owned).to_vec(),
    };
    let report = page("BT /F1 12 Tf 72 700 Td (Impression: no acute fracture of the wrist.) Tj ET");
    match pdf::read_with(&reader, report).await.unwrap() {
        PdfText::Text(text) => assert!(text.contains("no acute fracture"), "{text}"),
        PdfText::ScanOnly => panic!("there is text"),
    }
    assert_eq!(
        pdf::read_with(&reader, b"junk".to_vec()).await,
        Err(PdfError::Unreadable)
    );
    let missing = Reader::Process {
        program: "/nowhere/at/all".into(),
        arguments: Vec::new(),
    };
    assert_eq!(
        pdf::read_with(&missing, b"%PDF-1.4".to_vec()).await,
        Err(PdfError::Busy)
    );
}
