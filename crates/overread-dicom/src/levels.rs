//! Which attributes describe a study or a series, so that one of its instances may speak for all of them.

/// Says whether an attribute describes the patient or the study.
pub fn is_of_study(tag: u32) -> bool {
    matches!(tag >> 16, 0x0010 | 0x0012)
        || matches!(
            tag,
            0x0008_0005
                | 0x0008_0020
                | 0x0008_0030
                | 0x0008_0050
                | 0x0008_0051
                | 0x0008_0061
                | 0x0008_0062
                | 0x0008_0080
                | 0x0008_0090
                | 0x0008_0096
                | 0x0008_009C
                | 0x0008_0201
                | 0x0008_1030
                | 0x0008_1032
                | 0x0008_1048
                | 0x0008_1060
                | 0x0008_1080
                | 0x0008_1084
                | 0x0008_1110
                | 0x0020_000D
                | 0x0020_0010
                | 0x0032_1032
                | 0x0032_1060
        )
}

/// Says whether an attribute describes the series or what is above it.
pub fn is_of_series(tag: u32) -> bool {
    is_of_study(tag)
        || matches!(
            tag,
            0x0008_0021
                | 0x0008_0031
                | 0x0008_0060
                | 0x0008_0068
                | 0x0008_0070
                | 0x0008_0081
                | 0x0008_1010
                | 0x0008_103E
                | 0x0008_103F
                | 0x0008_1040
                | 0x0008_1050
                | 0x0008_1070
                | 0x0008_1090
                | 0x0008_1111
                | 0x0018_0010
                | 0x0018_0015
                | 0x0018_1000
                | 0x0018_1020
                | 0x0018_1030
                | 0x0018_5100
                | 0x0020_000E
                | 0x0020_0011
                | 0x0020_0052
                | 0x0020_0060
                | 0x0020_1040
                | 0x0040_0244
                | 0x0040_0245
                | 0x0040_0250
                | 0x0040_0251
                | 0x0040_0253
                | 0x0040_0254
                | 0x0040_0260
                | 0x0040_0275
        )
}
