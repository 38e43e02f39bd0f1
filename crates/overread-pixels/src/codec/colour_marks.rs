//! What a JPEG stream itself says of its colours and size.

/// What stands in the markers before the first scan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The frame header's kind: 0xC0 baseline ... 0xC3 lossless, 0xF7 JPEG-LS.
    pub(super) process: u8,
    pub(super) precision: u8,
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) components: u8,
    pub(super) has_jfif: bool,
    /// The transform of an Adobe marker: 0 none, 1 YCbCr, 2 YCCK.
    pub(super) adobe_transform: Option<u8>,
    /// Components are called R, G, B.
    pub(super) is_named_rgb: bool,
    /// The interleave mode of the first scan (JPEG-LS): 0 by plane, 1 by line, 2 by sample.
    pub(super) interleave: u8,
}

impl Marks {
    /// Reads the markers up to the first scan; `None` without a frame header.
    pub(super) fn read(stream: &[u8]) -> Option<Self> {
        let mut marks = Self::default();
        let mut at = 2;
        loop {
            while stream.get(at) == Some(&0xFF) && stream.get(at + 1) == Some(&0xFF) {
                at += 1;
            }
            let [0xFF, marker, high, low] = *stream.get(at..)?.first_chunk::<4>()? else {
                return None;
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let body = stream.get(at + 4..at + 2 + length.max(2))?;
            match marker {
                0xE0 if body.starts_with(b"JFIF") => marks.has_jfif = true,
                0xEE if body.starts_with(b"Adobe") => marks.adobe_transform = body.get(11).copied(),
                0xC0..=0xCF | 0xF7 if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                    marks.frame(marker, body)?;
                }
                0xDA => {
                    let count = usize::from(*body.first()?);
                    marks.interleave = body.get(2 + count * 2).copied().unwrap_or(0);
                    return (marks.process != 0).then_some(marks);
                }
                _ => {}
            }
            at += 2 + length.max(2);
        }
    }

    fn frame(&mut self, marker: u8, body: &[u8]) -> Option<()> {
        let [precision, a, b, c, d, components] = *body.first_chunk::<6>()?;
        self.process = marker;
        self.precision = precision;
        self.rows = u16::from_be_bytes([a, b]);
        self.columns = u16::from_be_bytes([c, d]);
        self.components = components;
        let names = body.get(6..)?.iter().step_by(3);
        self.is_named_rgb = components == 3 && names.copied().eq(*b"RGB");
        Some(())
    }

    /// Says whether three components are luminance and colour differences, for a header that says so or not.
    ///
    /// What the stream says is believed first: many writers leave RGB in the header after compressing.
    pub(super) fn has_ybr(&self, stated: bool) -> bool {
        match self.adobe_transform {
            Some(transform) => transform == 1,
            None if self.is_named_rgb => false,
            None => stated || self.has_jfif,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn markers_tell_size_and_colours() {
        let mut stream = b"\xff\xd8\xff\xe0\0\x07JFIF\0".to_vec();
        stream
            .extend_from_slice(b"\xff\xc0\0\x11\x08\0\x10\0\x20\x03\x01\x22\0\x02\x11\0\x03\x11\0");
        stream.extend_from_slice(b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0");
        let marks = Marks::read(&stream).unwrap_or_default();
        assert_eq!((marks.rows, marks.columns, marks.components), (16, 32, 3));
        assert!(marks.has_jfif && marks.has_ybr(false));
        assert!(
            !Marks {
                is_named_rgb: true,
                ..marks
            }
            .has_ybr(true)
        );
        assert!(
            !Marks {
                adobe_transform: Some(0),
                ..marks
            }
            .has_ybr(true)
        );
        for end in 0..stream.len() - 1 {
            let _nothing_breaks = Marks::read(stream.get(..end).unwrap_or_default());
        }
        assert_eq!(Marks::read(b"\xff\xd8\xff\xe0\0\0"), None);
    }
}
