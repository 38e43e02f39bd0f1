//! Here stand the kinds of words that change what is around them.

/// A word that changes what is around it.
#[derive(Debug)]
pub(crate) struct Cue {
    pub(crate) kind: CueKind,
    pub(crate) value: String,
    pub(crate) range: (u8, u8),
}

/// What a cue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CueKind {
    Neg,
    NegPost,
    Pseudo,
    End,
    Firm,
    Likely,
    Possible,
    Unlikely,
    Hypo,
    Hist,
    Other,
    Left,
    Right,
    Both,
    Sev,
    Acute,
    Chronic,
    Qual,
    Additional,
    Prior,
    Distance,
    NotSize,
    Many,
    Anaphor,
    Below,
    Above,
    Normal,
    Limited,
    Attr,
    Report,
    Said,
    Agree,
    Disagree,
    Recommend,
    Admin,
    Type,
    Rads,
    GradeWord,
    Modality,
}

impl CueKind {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "neg" => Self::Neg,
            "negpost" => Self::NegPost,
            "pseudo" => Self::Pseudo,
            "end" => Self::End,
            "firm" => Self::Firm,
            "likely" => Self::Likely,
            "possible" => Self::Possible,
            "unlikely" => Self::Unlikely,
            "hypo" => Self::Hypo,
            "hist" => Self::Hist,
            "other" => Self::Other,
            "left" => Self::Left,
            "right" => Self::Right,
            "both" => Self::Both,
            "sev" => Self::Sev,
            "acute" => Self::Acute,
            "chronic" => Self::Chronic,
            "qual" => Self::Qual,
            "additional" => Self::Additional,
            "prior" => Self::Prior,
            "distance" => Self::Distance,
            "notsize" => Self::NotSize,
            "many" => Self::Many,
            "anaphor" => Self::Anaphor,
            "below" => Self::Below,
            "above" => Self::Above,
            "normal" => Self::Normal,
            "limited" => Self::Limited,
            "attr" => Self::Attr,
            "report" => Self::Report,
            "said" => Self::Said,
            "agree" => Self::Agree,
            "disagree" => Self::Disagree,
            "recommend" => Self::Recommend,
            "admin" => Self::Admin,
            "type" => Self::Type,
            "rads" => Self::Rads,
            "gradeword" => Self::GradeWord,
            "modality" => Self::Modality,
            _ => return None,
        })
    }

    /// Cues that keep their meaning inside the name of a finding.
    pub(crate) fn works_inside_a_finding(self) -> bool {
        matches!(
            self,
            Self::Left
                | Self::Right
                | Self::Both
                | Self::Sev
                | Self::Type
                | Self::Acute
                | Self::Chronic
                | Self::Many
                | Self::GradeWord
        )
    }
}
