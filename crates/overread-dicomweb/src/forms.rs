//! In which form an instance goes out, by its transfer syntax and what a client takes (PS3.18 8.7.3).

use overread_dicom::Syntax;
use overread_dicom::syntax::EXPLICIT_VR_LITTLE_ENDIAN;
use overread_pixels::{JPEG_LS_LOSSLESS, is_decodable};
use overread_store::studies::StoredInstance;

use crate::accept::{Accept, MediaRange};
use crate::limits::REWRITTEN_BYTES;
use crate::refusal::{Answer, Refusal};

pub(crate) const DICOM: &str = "application/dicom";

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
        "instances are offered as application/dicom, several of them in parts: multipart/related; type=\"application/dicom\"",
    ))
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
pub(crate) fn outgoing(form: Form, stored: &str) -> &str {
    match form {
        Form::Stored => stored,
        Form::Rewritten | Form::Decoded => EXPLICIT_VR_LITTLE_ENDIAN,
        Form::JpegLs => JPEG_LS_LOSSLESS,
    }
}

pub(crate) fn type_of(form: Form, found: &StoredInstance) -> String {
    format!(
        "{DICOM}; transfer-syntax={}",
        outgoing(form, &found.transfer_syntax_uid)
    )
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

#[cfg(test)]
mod tests {
    use super::{Form, form_for};
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
}
