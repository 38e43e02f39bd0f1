//! Which contrast an MR series shows; used for expectations only, never to block.

use serde::Serialize;

use crate::imaging::MrFacts;
use crate::text::folded;

/// What an MR series weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Positions the others.
    Localizer,
    /// Apparent diffusion coefficient.
    Adc,
    /// Diffusion.
    Dwi,
    /// T2* or susceptibility.
    T2starSwi,
    /// Short-tau inversion recovery.
    Stir,
    /// Fluid-attenuated inversion recovery.
    Flair,
    /// Proton density.
    Pd,
    /// Proton density, fat suppressed.
    PdFs,
    /// T1.
    T1,
    /// T1, fat suppressed.
    T1Fs,
    /// T2.
    T2,
    /// T2, fat suppressed.
    T2Fs,
    /// Cannot be told.
    Unknown,
}

impl Weighting {
    /// Returns the weighting as JSON and the protocols write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Localizer => "localizer",
            Self::Adc => "adc",
            Self::Dwi => "dwi",
            Self::T2starSwi => "t2star_swi",
            Self::Stir => "stir",
            Self::Flair => "flair",
            Self::Pd => "pd",
            Self::PdFs => "pd_fs",
            Self::T1 => "t1",
            Self::T1Fs => "t1_fs",
            Self::T2 => "t2",
            Self::T2Fs => "t2_fs",
            Self::Unknown => "unknown",
        }
    }

    const fn fat_suppressed(self) -> Self {
        match self {
            Self::Pd => Self::PdFs,
            Self::T1 => Self::T1Fs,
            Self::T2 => Self::T2Fs,
            other => other,
        }
    }
}

/// Says whether a text or Image Type names a localizer.
pub fn names_localizer(image_type: &[String], description: &str) -> bool {
    let by_type = image_type
        .iter()
        .any(|value| value.eq_ignore_ascii_case("LOCALIZER"));
    let text = folded(description);
    let words: Vec<&str> = text.split(' ').collect();
    let sure = ["LOCALIZER", "LOCALISER", "SCOUT", "TOPOGRAM", "LOCALIZADOR"];
    // Short words name a localizer only where a name begins or ends: "ext loc ref" is something else.
    let short = ["LOC", "SURVEY", "PILOT"];
    let edges = [words.first(), words.last()];
    let by_text = words.iter().any(|word| sure.contains(word))
        || edges.into_iter().flatten().any(|word| short.contains(word))
        || text.contains("3 PLANE");
    by_type || by_text
}

/// Returns the weighting, by name where there is one, else by the numbers of a spin echo.
// The thresholds are from memory and for spin echo; the data says so, and rules built on them are soft.
pub fn weighting(image_type: &[String], description: &str, mr: &MrFacts) -> Weighting {
    let text = format!(" {} ", folded(description));
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let typed = |word: &str| {
        image_type
            .iter()
            .any(|value| value.eq_ignore_ascii_case(word))
    };
    let raw = description.to_uppercase();
    if names_localizer(image_type, description) {
        return Weighting::Localizer;
    }
    if typed("ADC") || has(&[" ADC", " APPARENT DIFFUSION"]) {
        return Weighting::Adc;
    }
    let diffusion_text = has(&[" DWI", " DTI", " DIFF", " TRACE", " EP2D DIFF", " DIFUSION"]);
    if mr.diffusion_b_value.is_some_and(|b| b > 0.0) || typed("DIFFUSION") || diffusion_text {
        return Weighting::Dwi;
    }
    if raw.contains("T2*")
        || has(&[
            " SWI", " SWAN", " T2STAR", " T2 STAR", " T2 FFE", " GRE T2", " T2 GRE", " MERGE",
            " MEDIC", " HEMO", " VENBOLD",
        ])
    {
        return Weighting::T2starSwi;
    }
    let suppressed = has(&[
        " FS ",
        " FATSAT",
        " FAT SAT",
        " SPAIR",
        " SPIR ",
        " DIXON W",
        " FAT SUPP",
        " FSAT",
        " FS2 ",
        " CHESS",
    ]) || text.trim_end().ends_with(" FS")
        || mr
            .scan_options
            .iter()
            .any(|option| option.eq_ignore_ascii_case("FS"));
    let base = by_name(&text, &has, mr).unwrap_or_else(|| by_numbers(mr));
    if suppressed {
        base.fat_suppressed()
    } else {
        base
    }
}

fn is_inversion_recovery(mr: &MrFacts) -> bool {
    mr.scanning_sequence
        .iter()
        .any(|value| value.eq_ignore_ascii_case("IR"))
}

fn by_name(text: &str, has: &dyn Fn(&[&str]) -> bool, mr: &MrFacts) -> Option<Weighting> {
    let short_inversion = is_inversion_recovery(mr)
        && mr
            .inversion_time_ms
            .is_some_and(|ti| (80.0..=300.0).contains(&ti));
    // Names win over numbers: a T1 FLAIR is a T1, although it is an inversion recovery.
    if has(&[" STIR", " TIRM", " SHORT TAU"]) {
        return Some(Weighting::Stir);
    }
    let t1 = has(&[
        " T1", " T1W", " MPRAGE", " SPGR", " BRAVO", " LAVA", " VIBE", " THRIVE",
    ]);
    let t2 = has(&[" T2", " T2W", " CISS", " FIESTA", " HASTE", " SSFSE"]);
    if t1 && !t2 {
        return Some(Weighting::T1);
    }
    if has(&[" FLAIR", " DARK FLUID"]) {
        return Some(Weighting::Flair);
    }
    if short_inversion {
        return Some(Weighting::Stir);
    }
    let long_inversion = is_inversion_recovery(mr)
        && mr.inversion_time_ms.is_some_and(|ti| ti >= 1500.0)
        && mr.echo_time_ms.is_some_and(|te| te >= 60.0);
    if long_inversion {
        return Some(Weighting::Flair);
    }
    if has(&[" PD ", " PDW", " DP ", " PROTON", " PD FS", " PDFS"]) || text.contains(" PD") {
        return Some(Weighting::Pd);
    }
    t2.then_some(Weighting::T2)
}

fn by_numbers(mr: &MrFacts) -> Weighting {
    match (mr.repetition_time_ms, mr.echo_time_ms) {
        (Some(tr), Some(te)) if tr < 1000.0 && te < 30.0 => Weighting::T1,
        (Some(tr), Some(te)) if tr >= 1500.0 && te >= 60.0 => Weighting::T2,
        (Some(tr), Some(te)) if tr >= 1000.0 && te < 60.0 => Weighting::Pd,
        _ => Weighting::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Weighting, names_localizer, weighting};
    use crate::imaging::MrFacts;

    #[test]
    fn localizers_are_named() {
        for name in [
            "3-PLANE LOC",
            "* SAG LOC",
            "LOC",
            "Loc 3pl",
            "Scout",
            "T/S/C RF FAST PILOT",
            "Localizador",
            "SURVEY",
        ] {
            assert!(names_localizer(&[], name), "{name}");
        }
        for name in [
            "temporal position,ext loc ref",
            "SAG T2",
            "LOCALIZED SPECTROSCOPY",
            "",
            "3D T2 SPACE",
        ] {
            assert!(!names_localizer(&[], name), "{name}");
        }
    }

    fn check(description: &str, expect: Weighting) {
        assert_eq!(
            weighting(&[], description, &MrFacts::default()),
            expect,
            "{description}"
        );
    }

    #[test]
    fn names_of_many_makers_are_understood() {
        check("t2_tse_sag_320", Weighting::T2);
        check("t1_tse_tra_fs", Weighting::T1Fs);
        check("SAG T2 FAT SAT", Weighting::T2Fs);
        check("t2_tirm_sag", Weighting::Stir);
        check("T2 STIR COR", Weighting::Stir);
        check("AX PD SPAIR", Weighting::PdFs);
        check("DP FS CORONAL", Weighting::PdFs);
        check("AX T2* GRE", Weighting::T2starSwi);
        check("t1_mprage_sag_p2_iso", Weighting::T1);
        check("Ax T2 FLAIR", Weighting::Flair);
        check("DWI b1000", Weighting::Dwi);
        check("dADC", Weighting::Unknown);
        check("pd_tse_fs_cor", Weighting::PdFs);
    }
}
