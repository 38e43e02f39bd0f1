//! WADO-RS: whole instances, alone or a series or study of them (PS3.18 10.4.1.1.1).

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use overread_archive::Archive;
use overread_dicom::syntax::EXPLICIT_VR_LITTLE_ENDIAN;
use overread_dicom::{ParseLimits, Syntax, to_explicit_little_endian_without};
use overread_model::extent::Extent;
use overread_pixels::{JPEG_LS_LOSSLESS, is_decodable};
use overread_store::studies::{StoredInstance, find_instance};
use serde::Deserialize;

use crate::accept::{Accept, MediaRange};
use crate::address::Address;
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery, Sending};
use crate::conditional::{Tag, is_same};
use crate::frames::table_of;
use crate::limits::{REWRITTEN_BYTES, WHOLE_INSTANCE_BYTES};
use crate::multipart::{Boundary, answer, body_of, body_of_stream};
use crate::range::{Wanted, wanted};
use crate::recoded::{self, Frames};
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

pub(crate) const DICOM: &str = "application/dicom";
/// Where `DICM` stands, and what the preamble before it is replaced by: a preamble may be a program or a page (PS3.10 7.1).
const PREAMBLE_BYTES: usize = 128;
/// Bytes that tell whether there is a preamble.
const HEAD_BYTES: u64 = 132;
static EMPTY_PREAMBLE: [u8; PREAMBLE_BYTES] = [0; PREAMBLE_BYTES];

/// One instance in a path.
#[derive(Deserialize)]
pub(crate) struct One {
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) instance: String,
}

/// How an instance goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is stored, the preamble apart.
    Stored,
    /// Written anew in Explicit VR Little Endian.
    Rewritten,
    /// As [`Self::Rewritten`], with compressed pixel data decoded.
    Decoded,
    /// With the pixel data in JPEG-LS, without loss.
    JpegLs,
}

impl Form {
    /// Says whether pixel data are decoded for it.
    pub(crate) const fn is_coded(self) -> bool {
        matches!(self, Self::Decoded | Self::JpegLs)
    }
}

/// Finds one instance, or says why it is not there: 410 for a deleted study to who could see it, else 404.
pub(crate) async fn find(
    state: &DicomWebState,
    caller: &Caller,
    one: &One,
) -> Answer<StoredInstance> {
    let mut tx = state.store.peek().await?;
    let (study, series, instance) = (&one.study, &one.series, &one.instance);
    let found = find_instance(&mut tx, &caller.reach, study, series, instance).await?;
    drop(tx);
    match found {
        Some(found) => Ok(found),
        None => Err(caller.missing(state, study).await),
    }
}

/// Decides how an instance goes out to a client that takes these transfer syntaxes; `None` when it cannot.
fn form_for(range: &MediaRange, stored: &str, is_whole: bool) -> Option<Form> {
    let syntax = Syntax::of_uid(stored);
    // PS3.18 8.7.3: never implicit little endian, never big endian on the web. What is not whole is not deflated again.
    let must_change = !syntax.explicit_vr || syntax.big_endian || (syntax.deflated && !is_whole);
    let rewritten = Some(Form::Rewritten).filter(|_| must_change || syntax.deflated);
    let takes_any = range.essence == "*/*";
    match range.transfer_syntax.as_deref() {
        Some("*") if !must_change => Some(Form::Stored),
        None if takes_any && !must_change => Some(Form::Stored),
        Some(wanted) if wanted == stored && !must_change => Some(Form::Stored),
        // The default is Explicit VR Little Endian (PS3.18 8.7.3.4).
        None if stored == EXPLICIT_VR_LITTLE_ENDIAN || is_lossy(stored) => Some(Form::Stored),
        // PS3.18 8.7.3.4: what was compressed without loss is decoded for who does not ask for a compression.
        None | Some(EXPLICIT_VR_LITTLE_ENDIAN) if is_decodable(stored) => Some(Form::Decoded),
        None | Some(EXPLICIT_VR_LITTLE_ENDIAN | "*") => rewritten,
        Some(JPEG_LS_LOSSLESS) if !syntax.encapsulated || is_decodable(stored) => {
            Some(Form::JpegLs)
        }
        _ => None,
    }
}

/// Says whether a syntax always loses something, so that nothing is gained by decoding it.
fn is_lossy(stored: &str) -> bool {
    let last = stored
        .strip_prefix("1.2.840.10008.1.2.4.")
        .unwrap_or_default();
    matches!(last, "50" | "51" | "81" | "91" | "93" | "203" | "112") || last.starts_with("10")
}

fn refused_transcode(stored: &str) -> Refusal {
    Refusal::not_acceptable(format!(
        "the instance is stored as {stored} and is not sent in what was asked; ask for transfer-syntax={stored} or transfer-syntax=*"
    ))
}

/// The transfer syntax that goes out.
fn outgoing(form: Form, stored: &str) -> &str {
    match form {
        Form::Stored => stored,
        Form::Rewritten | Form::Decoded => EXPLICIT_VR_LITTLE_ENDIAN,
        Form::JpegLs => JPEG_LS_LOSSLESS,
    }
}

/// Chooses among the ranges: parts or a single part, and the form.
pub(crate) fn choose(accept: &Accept, stored: &str, is_whole: bool) -> Answer<(bool, Form)> {
    let mut could_be_taken = false;
    for range in &accept.0 {
        let is_parts = range.takes_parts(DICOM);
        if !is_parts && !range.takes_single(DICOM) {
            continue;
        }
        could_be_taken = true;
        if let Some(form) = form_for(range, stored, is_whole) {
            return Ok((is_parts, form));
        }
    }
    if could_be_taken {
        return Err(refused_transcode(stored));
    }
    Err(Refusal::not_acceptable(
        "instances are offered as application/dicom",
    ))
}

/// GET .../instances/{instance}.
pub(crate) async fn instance(
    State(state): State<DicomWebState>,
    Path(one): Path<One>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let accept = Accept::of_request(&headers, &query)?;
    accept.refuse_mixed()?;
    answered(&state, &caller, &headers, &one, &accept).await
}

/// Answers one instance as the client takes it.
pub(crate) async fn answered(
    state: &DicomWebState,
    caller: &Caller,
    headers: &HeaderMap,
    one: &One,
    accept: &Accept,
) -> Answer {
    let found = find(state, caller, one).await?;
    let mut tx = state.store.peek().await?;
    let withheld = caller.withheld(&mut tx, &one.study).await?;
    drop(tx);
    let is_whole = !withheld.is_any();
    let (is_parts, form) = choose(accept, &found.transfer_syntax_uid, is_whole)?;
    caller
        .note_images(
            state,
            "study.images_read",
            (&one.study, Some(&one.series), Some(&one.instance)),
        )
        .await?;
    // Without what is withheld it is another instance, which the digest does not name.
    let tag = Tag::of_stored(
        caller,
        &found,
        outgoing(form, &found.transfer_syntax_uid),
        is_parts,
    )
    .filter(|_| is_whole);
    let mut response = match &tag {
        Some(tag) if tag.is_known(headers) => tag.not_modified(),
        _ => {
            let content = Content::of(state, caller.sending, &found, form, withheld).await?;
            if is_parts {
                in_parts(&caller.address, &found, form, content, tag.as_ref())?
            } else {
                alone(headers, &found, form, content, tag.as_ref())?
            }
        }
    };
    if is_whole {
        // What is left out today must not live on in the reader's cache when the lock has opened it.
        immutable(&mut response);
    }
    Ok(response)
}

/// Says that an answer never changes: an instance is never overwritten.
pub(crate) fn immutable(response: &mut Response) {
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    response.headers_mut().insert(
        header::VARY,
        HeaderValue::from_static("Accept, Authorization, Cookie"),
    );
}

pub(crate) fn type_of(form: Form, found: &StoredInstance) -> String {
    format!(
        "{DICOM}; transfer-syntax={}",
        outgoing(form, &found.transfer_syntax_uid)
    )
}

fn in_parts(
    address: &Address,
    found: &StoredInstance,
    form: Form,
    content: Content,
    tag: Option<&Tag>,
) -> Answer {
    let boundary = Boundary::new()?;
    let location = address.instance(
        &found.study_instance_uid,
        &found.series_instance_uid,
        &found.sop_instance_uid,
    );
    let opening = boundary.opening(
        true,
        &type_of(form, found),
        &location,
        content.length_bytes(),
    );
    let closing = boundary.closing();
    let total = opening.len() as u64 + content.length_bytes() + closing.len() as u64;
    let content_type = boundary.content_type(DICOM)?;
    let body = match content {
        Content::Pieces(pieces) => {
            let whole = [opening]
                .into_iter()
                .chain(pieces)
                .chain([closing])
                .collect();
            body_of(whole).0
        }
        long => {
            let start = stream::iter([Ok(opening)]);
            let end = stream::iter([Ok(closing)]);
            body_of_stream(start.chain(long.stream()).chain(end))
        }
    };
    Ok(tagged(answer(body, content_type, total), tag))
}

fn alone(
    headers: &HeaderMap,
    found: &StoredInstance,
    form: Form,
    content: Content,
    tag: Option<&Tag>,
) -> Answer {
    let content_type =
        HeaderValue::try_from(type_of(form, found)).map_err(|_| Refusal::internal())?;
    let name = format!("attachment; filename=\"{}.dcm\"", found.sop_instance_uid);
    let mut response = ranged(headers, content, content_type, tag)?;
    if let Ok(value) = HeaderValue::try_from(name) {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Answers a single part, or the one range of it that was asked.
pub(crate) fn ranged(
    headers: &HeaderMap,
    content: Content,
    content_type: HeaderValue,
    tag: Option<&Tag>,
) -> Answer {
    let total = content.length_bytes();
    let asked = match &content {
        // Frames before the range would be decoded for nothing: a server may pass over a range (RFC 9110 14.2).
        Content::Frames(_) => Wanted::Everything,
        _ => wanted(headers, is_same(headers, tag), total),
    };
    let (range, status) = match asked {
        Wanted::Everything => (0..total, StatusCode::OK),
        Wanted::Bytes(range) => (range, StatusCode::PARTIAL_CONTENT),
        Wanted::Nothing => {
            let mut response =
                Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "there are no such bytes")
                    .into_response();
            set_content_range(&mut response, &format!("bytes */{total}"));
            return Ok(response);
        }
    };
    let length_bytes = range.end - range.start;
    let shown = format!(
        "bytes {}-{}/{total}",
        range.start,
        range.end.saturating_sub(1)
    );
    let mut response = answer(content.body(range), content_type, length_bytes);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        set_content_range(&mut response, &shown);
    }
    Ok(tagged(response, tag))
}

/// Says that an answer may be another one next time: more instances may come to a series or study.
pub(crate) fn not_kept(response: &mut Response) {
    let again = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, again);
}

/// Puts a tag on an answer that has one.
pub(crate) fn tagged(response: Response, tag: Option<&Tag>) -> Response {
    match tag {
        Some(tag) => tag.on(response),
        None => response,
    }
}

fn set_content_range(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
}

/// Refuses an instance that is too large to be written anew, before the answer begins: after that it could only be broken off.
pub(crate) fn can_be_rewritten(found: &StoredInstance) -> Answer<()> {
    if found.extent.length_bytes > REWRITTEN_BYTES {
        return Err(Refusal::too_large(
            "the instance is too large to be written anew in Explicit VR Little Endian",
        ));
    }
    Ok(())
}

/// What a part holds: in memory, or still in the archive.
pub(crate) enum Content {
    /// In memory, to be sent one after another.
    Pieces(Vec<Bytes>),
    /// A long instance with a preamble that is not sent.
    Long(Long),
    /// Frames that are decoded while they are sent.
    Frames(Box<Frames>),
}

/// A long instance in the archive.
pub(crate) struct Long {
    archive: Archive,
    extent: Extent,
}

impl Content {
    /// Reads an instance in a form, without what is withheld.
    pub(crate) async fn of(
        state: &DicomWebState,
        sending: Sending,
        found: &StoredInstance,
        form: Form,
        withheld: Withheld,
    ) -> Answer<Self> {
        let archive = &state.archive;
        match form {
            Form::JpegLs => return recoded::jpeg_ls(state, found, &withheld).await,
            // Some compressed instances hold no image at all.
            Form::Decoded if table_of(found)?.is_encapsulated() => {
                return recoded::decoded(state, found, &withheld).await;
            }
            _ => {}
        }
        if form == Form::Stored
            && !withheld.is_any()
            && let Some(content) = Self::as_stored(archive, sending, found.extent).await?
        {
            return Ok(content);
        }
        can_be_rewritten(found)?;
        let all = 0..found.extent.length_bytes;
        let bytes = archive.read(found.extent, all).await?;
        let written = tokio::task::spawn_blocking(move || {
            let leaves_out = |tag, vr: &str, value: &[u8]| withheld.holds_bytes(tag, vr, value);
            to_explicit_little_endian_without(&bytes, &ParseLimits::default(), &leaves_out)
        })
        .await
        .map_err(|_| Refusal::internal())?
        .map_err(|problem| Refusal::not_acceptable(problem.message))?;
        Ok(Self::Pieces(vec![Bytes::from(written)]))
    }

    /// Returns an instance as it is stored, but for its preamble; `None` when it has none.
    async fn as_stored(
        archive: &Archive,
        sending: Sending,
        extent: Extent,
    ) -> Answer<Option<Self>> {
        let head = archive
            .read(extent, 0..HEAD_BYTES.min(extent.length_bytes))
            .await?;
        if !has_preamble(&head) {
            return Ok(None);
        }
        let rest = PREAMBLE_BYTES as u64..extent.length_bytes;
        let rest = match sending.unread(archive, extent, &rest) {
            Some(rest) => rest,
            None if extent.length_bytes > WHOLE_INSTANCE_BYTES => {
                return Ok(Some(Self::Long(Long {
                    archive: archive.clone(),
                    extent,
                })));
            }
            None => vec![archive.read(extent, rest).await?],
        };
        let preamble = Bytes::from_static(&EMPTY_PREAMBLE);
        Ok(Some(Self::Pieces([vec![preamble], rest].concat())))
    }

    pub(crate) fn length_bytes(&self) -> u64 {
        match self {
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Self::Long(long) => long.extent.length_bytes,
            Self::Frames(frames) => frames.length_bytes(),
        }
    }

    pub(crate) fn stream(self) -> BoxStream<'static, std::io::Result<Bytes>> {
        match self {
            Self::Pieces(pieces) => stream::iter(pieces.into_iter().map(Ok)).boxed(),
            Self::Long(long) => {
                let all = 0..long.extent.length_bytes;
                long.stream(all)
            }
            Self::Frames(frames) => frames.stream(),
        }
    }

    fn body(self, range: Range<u64>) -> Body {
        match self {
            Self::Pieces(pieces) => body_of(cut(pieces, &range)).0,
            Self::Long(long) => body_of_stream(long.stream(range)),
            Self::Frames(frames) => body_of_stream(frames.stream()),
        }
    }
}

/// Cuts a range out of pieces.
fn cut(pieces: Vec<Bytes>, range: &Range<u64>) -> Vec<Bytes> {
    let mut start = 0_u64;
    let mut out = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let length = piece.len() as u64;
        let from = range.start.saturating_sub(start).min(length);
        let to = range.end.saturating_sub(start).min(length);
        if from < to {
            out.push(piece.slice(from as usize..to as usize));
        }
        start += length;
    }
    out
}

impl Long {
    fn stream(self, range: Range<u64>) -> BoxStream<'static, std::io::Result<Bytes>> {
        let preamble = PREAMBLE_BYTES as u64;
        let empty = cut(vec![Bytes::from_static(&EMPTY_PREAMBLE)], &range);
        let start = range.start.max(preamble);
        let rest = Extent {
            pack_id: self.extent.pack_id,
            offset_bytes: self.extent.offset_bytes.saturating_add(start),
            length_bytes: range.end.saturating_sub(start),
        };
        stream::iter(empty.into_iter().map(Ok))
            .chain(self.archive.stream(rest))
            .boxed()
    }
}

fn has_preamble(bytes: &[u8]) -> bool {
    bytes.get(PREAMBLE_BYTES..PREAMBLE_BYTES + 4) == Some(b"DICM")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Form, cut, form_for};
    use crate::accept::MediaRange;

    fn range(text: &str) -> MediaRange {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("accept", text.parse().expect("a header"));
        let accept = crate::accept::Accept::of_request(&headers, "").expect("reads");
        accept.0.into_iter().next().expect("one range")
    }

    #[test]
    fn forms_follow_g11_g12_g13() {
        let plain = range("multipart/related; type=\"application/dicom\"");
        let any = range("multipart/related; type=application/dicom; transfer-syntax=*");
        let explicit = "1.2.840.10008.1.2.1";
        let jpeg_lossless = "1.2.840.10008.1.2.4.70";
        assert_eq!(form_for(&plain, explicit, true), Some(Form::Stored));
        assert_eq!(form_for(&any, jpeg_lossless, true), Some(Form::Stored));
        assert_eq!(form_for(&plain, jpeg_lossless, true), Some(Form::Decoded));
        let named = |uid: &str| range(&format!("application/dicom; transfer-syntax={uid}"));
        let jpeg = "1.2.840.10008.1.2.4.50";
        assert_eq!(form_for(&named(explicit), jpeg, true), Some(Form::Decoded));
        for stored in [explicit, "1.2.840.10008.1.2", jpeg_lossless] {
            let jpeg_ls = named("1.2.840.10008.1.2.4.80");
            assert_eq!(form_for(&jpeg_ls, stored, true), Some(Form::JpegLs));
        }
        let film = "1.2.840.10008.1.2.4.102";
        assert_eq!(form_for(&named(explicit), film, true), None);
        assert_eq!(form_for(&named(jpeg), explicit, true), None);
        assert_eq!(
            form_for(&plain, "1.2.840.10008.1.2.4.50", true),
            Some(Form::Stored)
        );
        for implicit_or_big in ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2"] {
            assert_eq!(form_for(&any, implicit_or_big, true), Some(Form::Rewritten));
            assert_eq!(
                form_for(&plain, implicit_or_big, true),
                Some(Form::Rewritten)
            );
        }
        assert_eq!(
            form_for(&plain, "1.2.840.10008.1.2.1.99", true),
            Some(Form::Rewritten)
        );
        assert_eq!(
            form_for(&any, "1.2.840.10008.1.2.1.99", true),
            Some(Form::Stored)
        );
        assert_eq!(
            form_for(&any, "1.2.840.10008.1.2.1.99", false),
            Some(Form::Rewritten)
        );
    }

    #[test]
    fn ranges_cross_pieces() {
        let pieces = vec![Bytes::from_static(b"abc"), Bytes::from_static(b"defg")];
        assert_eq!(
            cut(pieces.clone(), &(2..5)),
            [Bytes::from_static(b"c"), Bytes::from_static(b"de")]
        );
        assert_eq!(cut(pieces, &(4..5)), [Bytes::from_static(b"e")]);
    }
}
