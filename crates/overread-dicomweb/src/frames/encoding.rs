//! In what frames go out, by what a client takes (PS3.18 8.7.3).

use overread_dicom::FrameTable;
use overread_dicom::syntax::{EXPLICIT_VR_LITTLE_ENDIAN, frame_media_type};
use overread_pixels::{JPEG_LS_LOSSLESS, is_decodable};
use overread_store::studies::StoredInstance;

use crate::accept::{Accept, MediaRange};
use crate::refusal::{Answer, Refusal};

const OCTETS: &str = "application/octet-stream";

/// In what frames go out that do not go out as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Decoded,
    JpegLs,
}

impl Sent {
    pub(super) fn encoding(self) -> Encoding {
        match self {
            Self::JpegLs => Encoding::jpeg_ls(),
            Self::Decoded => Encoding::decoded(),
        }
    }
}

/// What the frames of an instance are on the wire.
#[derive(Clone)]
pub(super) struct Encoding {
    pub(super) media_type: &'static str,
    transfer_syntax_uid: String,
}

impl Encoding {
    pub(super) fn of(found: &StoredInstance, table: &FrameTable) -> Self {
        if !table.is_encapsulated() {
            return Self::decoded();
        }
        Self {
            media_type: frame_media_type(&found.transfer_syntax_uid).unwrap_or(OCTETS),
            transfer_syntax_uid: found.transfer_syntax_uid.clone(),
        }
    }

    fn is_compressed(&self) -> bool {
        self.transfer_syntax_uid != EXPLICIT_VR_LITTLE_ENDIAN
    }

    /// Says whether a range takes this encoding in parts (`true`) or alone (`false`); `None` when not at all.
    fn taken_by(&self, range: &MediaRange) -> Option<bool> {
        let any_syntax = range.transfer_syntax.as_deref() == Some("*");
        let syntax_fits = match range.transfer_syntax.as_deref() {
            None | Some("*") => true,
            Some(wanted) => wanted == self.transfer_syntax_uid,
        };
        if !syntax_fits {
            return None;
        }
        // `type=application/octet-stream; transfer-syntax=*` is how viewers ask for whatever is stored.
        let as_octets = any_syntax || !self.is_compressed() || self.media_type == OCTETS;
        if range.takes_parts(self.media_type) || as_octets && range.takes_parts(OCTETS) {
            return Some(true);
        }
        (range.takes_single(self.media_type) || as_octets && range.takes_single(OCTETS))
            .then_some(false)
    }

    /// Chooses the encoding for what a client takes, and whether it goes in parts.
    pub(super) fn choose(
        &self,
        accept: &Accept,
        frame_count: usize,
    ) -> Answer<(Option<Sent>, bool)> {
        let may_be_decoded = self.is_compressed() && is_decodable(&self.transfer_syntax_uid);
        let mut offers = vec![None];
        if may_be_decoded {
            offers.push(Some(Sent::Decoded));
        }
        if may_be_decoded || !self.is_compressed() {
            offers.push(Some(Sent::JpegLs));
        }
        let taken = accept.0.iter().find_map(|range| {
            offers.iter().find_map(|sent| {
                // Nobody is sent what must be computed unless it is named.
                if *sent == Some(Sent::JpegLs) && !names_jpeg_ls(range) {
                    return None;
                }
                let is_parts = match sent {
                    None => self.taken_by(range)?,
                    Some(sent) => sent.encoding().taken_by(range)?,
                };
                // PS3.18 8.6.1.2: only one frame can go alone.
                (is_parts || frame_count == 1).then_some((*sent, is_parts))
            })
        });
        taken.ok_or_else(|| {
            let uid = &self.transfer_syntax_uid;
            let media_type = self.media_type;
            Refusal::not_acceptable(format!(
                "the frames are stored as {media_type} ({uid}); accept multipart/related; \
                 type=\"{media_type}\"; transfer-syntax={uid}, or application/octet-stream for decoded ones"
            ))
        })
    }

    fn decoded() -> Self {
        Self {
            media_type: OCTETS,
            transfer_syntax_uid: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        }
    }

    fn jpeg_ls() -> Self {
        Self {
            media_type: "image/jls",
            transfer_syntax_uid: JPEG_LS_LOSSLESS.to_owned(),
        }
    }

    pub(super) fn part_type(&self) -> String {
        format!(
            "{}; transfer-syntax={}",
            self.media_type, self.transfer_syntax_uid
        )
    }
}

fn names_jpeg_ls(range: &MediaRange) -> bool {
    let name = range.part_type.as_deref().unwrap_or(&range.essence);
    name == "image/jls" && range.transfer_syntax.as_deref() != Some("*")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{Encoding, Sent};
    use crate::accept::Accept;

    fn check(
        media_type: &'static str,
        syntax: &str,
        accept: &str,
        expect: Option<(Option<Sent>, bool)>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", accept.parse().expect("a header"));
        let accept_ranges = Accept::of_request(&headers, "").expect("reads");
        let encoding = Encoding {
            media_type,
            transfer_syntax_uid: syntax.to_owned(),
        };
        assert_eq!(encoding.choose(&accept_ranges, 1).ok(), expect, "{accept}");
    }

    #[test]
    fn viewers_get_what_is_stored() {
        let native = "1.2.840.10008.1.2.1";
        let octets = "application/octet-stream";
        let any = "multipart/related; type=application/octet-stream; transfer-syntax=*";
        let plain = "multipart/related; type=\"application/octet-stream\"";
        let jls_parts = "multipart/related; type=\"image/jls\"";
        let stored = |is_parts| Some((None, is_parts));
        check(octets, native, any, stored(true));
        check(octets, native, plain, stored(true));
        check(octets, native, octets, stored(false));
        check(octets, native, "*/*", stored(true));
        check(octets, native, jls_parts, Some((Some(Sent::JpegLs), true)));
        check(
            octets,
            native,
            "image/jls",
            Some((Some(Sent::JpegLs), false)),
        );
        check(octets, native, "image/*", None);
        check(octets, native, "image/jpeg", None);
        let jls = "1.2.840.10008.1.2.4.80";
        check("image/jls", jls, any, stored(true));
        check("image/jls", jls, plain, Some((Some(Sent::Decoded), true)));
        let explicit = format!("{plain}; transfer-syntax={native}");
        check(
            "image/jls",
            jls,
            &explicit,
            Some((Some(Sent::Decoded), true)),
        );
        check("image/jls", jls, jls_parts, stored(true));
        check("image/jls", jls, "image/*", stored(false));
        check(
            "image/jls",
            jls,
            "image/jls; transfer-syntax=1.2.840.10008.1.2.4.81",
            None,
        );
        check(
            "image/jls",
            jls,
            &format!("{octets}, image/jls;q=0.1"),
            Some((Some(Sent::Decoded), false)),
        );
        let film = "1.2.840.10008.1.2.4.102";
        check("video/mp4", film, plain, None);
        check("video/mp4", film, any, stored(true));
    }
}
