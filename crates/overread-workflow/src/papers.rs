//! Papers of a case: kept durably in the archive, and their text.

use bytes::Bytes;
use overread_archive::{Digest, PackKey};
use overread_ingest::{IngestError, PdfText, directory_of_document, text_of_pdf};
use overread_model::ids::{CaseId, DocumentId};
use overread_model::report::OriginalSource;
use overread_model::time::Timestamp;
use overread_store::documents::{self, DocumentRow, NewDocument};
use overread_store::packs;

use crate::{StepError, StepResult, Workflow, casework, limits};

/// Kind of a letter we wrote.
pub(crate) const LETTER: &str = "letter";

/// A paper to keep.
pub(crate) struct NewPaper<'a> {
    pub(crate) case_id: &'a CaseId,
    /// Shown, never used as a path.
    pub(crate) name: &'a str,
    pub(crate) media_type: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Keeps a paper: bytes synced first, then its row; the same bytes twice are one paper.
pub(crate) async fn keep(
    ctx: &Workflow,
    new: NewPaper<'_>,
    now: Timestamp,
) -> StepResult<DocumentId> {
    ctx.ingest.check_room().map_err(StepError::internal)?;
    let digest = Digest::new(*blake3::hash(&new.bytes).as_bytes());
    let id = casework::new_id(DocumentId::from_random)?;
    let name: String = new
        .name
        .chars()
        .filter(|c| !c.is_control())
        .take(limits::SHORT_TEXT_CHARACTERS)
        .collect();
    let (archive, case_id, document_id) = (ctx.archive.clone(), new.case_id.clone(), id.clone());
    let written = tokio::task::spawn_blocking(move || {
        let mut batch = archive.begin();
        let extent = batch
            .append(&PackKey::Mixed, &new.bytes)
            .map_err(StepError::internal)?;
        let document = NewDocument {
            id: document_id,
            case_id: Some(case_id),
            delivery_id: None,
            name,
            media_type: new.media_type.into(),
            kind: new.kind.into(),
            extent,
            digest,
        };
        let directory =
            directory_of_document(&document, &new.bytes, now).map_err(StepError::internal)?;
        let lengths = batch.sync(&directory).map_err(StepError::internal)?;
        Ok::<_, StepError>((batch, document, lengths))
    });
    let (batch, document, lengths) = written.await.map_err(StepError::internal)??;
    let mut tx = ctx.store.begin().await?;
    for length in lengths {
        if !packs::claim(&mut tx, length.pack_id, length.length_bytes, now).await? {
            return Err(StepError::internal(IngestError::NotStored));
        }
    }
    let is_new = documents::enter(&mut tx, &document, now).await?;
    let known = if is_new {
        None
    } else {
        documents::list_of_case(&mut tx, new.case_id)
            .await?
            .into_iter()
            .find(|row| row.digest == digest)
    };
    tx.commit().await?;
    batch.committed();
    Ok(known.map_or(id, |row| row.id))
}

/// Reads a paper's bytes.
pub(crate) async fn bytes_of(ctx: &Workflow, row: &DocumentRow) -> StepResult<Bytes> {
    let length = row.extent.length_bytes;
    if length > limits::DOCUMENT_BYTES {
        return Err(StepError::Limit(
            "This document is too large to be opened here.".to_owned(),
        ));
    }
    ctx.archive
        .read(row.extent, 0..length)
        .await
        .map_err(StepError::internal)
}

/// Reads a paper's bytes where one that cannot be read must not stop what is decided about the others.
pub(crate) async fn bytes_if_readable(ctx: &Workflow, row: &DocumentRow) -> Option<Bytes> {
    let bytes = bytes_of(ctx, row).await;
    if bytes.is_err() {
        tracing::warn!(document.id = %row.id, "a paper cannot be read");
    }
    bytes.ok()
}

/// Returns the text of a text file or of a PDF that has text; a scan is refused with what to do.
pub(crate) async fn text_of(bytes: &[u8]) -> StepResult<(String, OriginalSource)> {
    let head = bytes.get(..1024).unwrap_or(bytes);
    if head.windows(5).any(|window| window == b"%PDF-") {
        return match text_of_pdf(bytes.to_vec()).await {
            Ok(PdfText::Text(text)) => Ok((text, OriginalSource::Pdf)),
            Ok(PdfText::ScanOnly) => Err(StepError::invalid(
                "file",
                "This PDF is a scan: a picture of the report without text. Please type or paste what the report says.",
            )),
            Err(_) => Err(StepError::invalid(
                "file",
                "The text of this PDF cannot be read. Please type or paste what the report says.",
            )),
        };
    }
    if bytes.contains(&0) && !bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff])
    {
        return Err(StepError::invalid(
            "file",
            "This is no text file and no PDF. Please paste the text of the report.",
        ));
    }
    Ok((decoded(bytes), OriginalSource::TextFile))
}

/// Returns the type under which the file is kept.
pub(crate) const fn media_type_of(source: OriginalSource) -> &'static str {
    match source {
        OriginalSource::Pdf => "application/pdf",
        _ => "text/plain",
    }
}

/// Decodes UTF-8 or UTF-16 with a mark, else what Windows wrote in the West.
pub(crate) fn decoded(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], from: fn([u8; 2]) -> u16| {
        let units = rest
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok().map(from));
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let plain = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
            std::str::from_utf8(plain).map_or_else(
                |_| plain.iter().map(|byte| windows_1252(*byte)).collect(),
                str::to_owned,
            )
        }
    }
}

/// Returns the character of a byte in Windows-1252.
const fn windows_1252(byte: u8) -> char {
    match byte {
        0x80 => '€',
        0x85 => '…',
        0x91 => '‘',
        0x92 => '’',
        0x93 => '“',
        0x94 => '”',
        0x95 => '•',
        0x96 => '–',
        0x97 => '—',
        other => other as char,
    }
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn texts_of_old_programs_are_read() {
        assert_eq!(decoded(b"L4\x96L5"), "L4–L5");
        assert_eq!(decoded("Columna señal".as_bytes()), "Columna señal");
        assert_eq!(decoded(b"\xff\xfeL\x004\x00"), "L4");
        assert_eq!(decoded(b"\xef\xbb\xbfL4"), "L4");
    }
}
