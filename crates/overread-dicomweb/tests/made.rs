//! Small instances, byte by byte.

/// What an instance is made of.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) study: &'static str,
    pub(crate) series: &'static str,
    pub(crate) instance: String,
    pub(crate) number: u32,
    pub(crate) modality: &'static str,
    pub(crate) sop_class: &'static str,
    pub(crate) patient: &'static str,
    /// Of the study.
    pub(crate) description: &'static str,
    pub(crate) patient_id: &'static str,
    pub(crate) date: &'static str,
    pub(crate) transfer_syntax: &'static str,
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) extra: Vec<u8>,
}

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
/// 4 rows, 4 columns, 16 bits.
pub(crate) const FRAME_BYTES: usize = 32;

impl Default for Made {
    fn default() -> Self {
        Self {
            study: "1.2.3",
            series: "1.2.3.1",
            instance: "1.2.3.1.1".to_owned(),
            number: 1,
            modality: "MR",
            sop_class: "1.2.840.10008.5.1.4.1.1.4",
            patient: "Dö^Jane",
            description: "Lumbar spine",
            patient_id: "P1",
            date: "20260302",
            transfer_syntax: EXPLICIT,
            frames: vec![(0..FRAME_BYTES as u8).collect()],
            extra: Vec::new(),
        }
    }
}

pub(crate) fn element(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
    out.extend_from_slice(&(tag as u16).to_le_bytes());
    out.extend_from_slice(vr.as_bytes());
    let padded = value.len() + value.len() % 2;
    if matches!(vr, "OB" | "OW" | "SQ" | "UN" | "UT") {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(padded as u32).to_le_bytes());
    } else {
        out.extend_from_slice(&(padded as u16).to_le_bytes());
    }
    out.extend_from_slice(value);
    if padded > value.len() {
        out.push(if vr == "UI" || vr == "OB" { 0 } else { b' ' });
    }
    out
}

fn item(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
    out
}

impl Made {
    pub(crate) fn number(number: u32) -> Self {
        Self {
            instance: format!("1.2.3.1.{number}"),
            number,
            ..Self::default()
        }
    }

    fn pixels(&self) -> Vec<u8> {
        if self.transfer_syntax == EXPLICIT {
            return element(0x7FE0_0010, "OW", &self.frames.concat());
        }
        let mut out = vec![
            0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        ];
        out.extend(item(b""));
        for frame in &self.frames {
            out.extend(item(frame));
        }
        out.extend_from_slice(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        out
    }

    /// The Part 10 file; its preamble is not empty, so that what is served can be told from what is stored.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = b"MZ<html>".to_vec();
        out.resize(128, b'x');
        out.extend_from_slice(b"DICM");
        out.extend(element(0x0002_0010, "UI", self.transfer_syntax.as_bytes()));
        let number = self.number.to_string();
        let texts: [(u32, &str, &str); 16] = [
            (0x0008_0005, "CS", "ISO_IR 192"),
            (0x0008_0016, "UI", self.sop_class),
            (0x0008_0018, "UI", &self.instance),
            (0x0008_0020, "DA", self.date),
            (0x0008_0030, "TM", "101500"),
            (0x0008_0050, "SH", "ACC1"),
            (0x0008_0060, "CS", self.modality),
            (0x0008_0090, "PN", "Ref^Erring"),
            (0x0008_1030, "LO", self.description),
            (0x0008_103E, "LO", "T2 sagittal"),
            (0x0010_0010, "PN", self.patient),
            (0x0010_0020, "LO", self.patient_id),
            (0x0018_0050, "DS", "4.0"),
            (0x0020_000D, "UI", self.study),
            (0x0020_000E, "UI", self.series),
            (0x0020_0011, "IS", "3"),
        ];
        for (tag, vr, value) in texts {
            out.extend(element(tag, vr, value.as_bytes()));
        }
        out.extend(element(0x0020_0013, "IS", number.as_bytes()));
        out.extend(element(0x0028_0002, "US", &1_u16.to_le_bytes()));
        out.extend(element(
            0x0028_0008,
            "IS",
            self.frames.len().to_string().as_bytes(),
        ));
        out.extend(element(0x0028_0010, "US", &4_u16.to_le_bytes()));
        out.extend(element(0x0028_0011, "US", &4_u16.to_le_bytes()));
        out.extend(element(0x0028_0100, "US", &16_u16.to_le_bytes()));
        out.extend_from_slice(&self.extra);
        if !self.frames.is_empty() {
            out.extend(self.pixels());
        }
        out
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "/studies/{}/series/{}/instances/{}",
            self.study, self.series, self.instance
        )
    }
}
