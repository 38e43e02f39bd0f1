//! The fixed words of a comparison, in both languages.

use std::collections::BTreeMap;

use overread_model::letter::Language;

use super::{Category, Relation};

pub(super) struct Words {
    language: Language,
    pub(super) title: &'static str,
    pub(super) page: &'static str,
    pub(super) original: &'static str,
    pub(super) second: &'static str,
    pub(super) signed: &'static str,
    pub(super) was_proposed: &'static str,
    pub(super) coverage: &'static str,
    pub(super) made: &'static str,
    pub(super) case: &'static str,
    pub(super) reviewer: &'static str,
    fixed: [(&'static str, &'static str); 15],
}

pub(super) fn of(language: Language) -> Words {
    match language {
        Language::En => ENGLISH,
        Language::Es => SPANISH,
    }
}

impl Words {
    /// Words the template asks for by name.
    pub(super) fn map(&self) -> BTreeMap<&'static str, &'static str> {
        let both = [("original", self.original), ("second", self.second)];
        self.fixed.into_iter().chain(both).collect()
    }

    pub(super) fn category(&self, category: Category) -> &'static str {
        match (category, self.language) {
            (Category::Confirms, Language::En) => "The reports agree where it matters",
            (Category::Confirms, Language::Es) => "Los informes coinciden en lo importante",
            (Category::Refines, Language::En) => "The second report adds or adjusts",
            (Category::Refines, Language::Es) => "El segundo informe agrega o ajusta",
            (Category::ChangesManagement, Language::En) => "A difference may change care",
            (Category::ChangesManagement, Language::Es) => {
                "Una diferencia puede cambiar la atención"
            }
        }
    }

    pub(super) fn relation(&self, relation: Relation) -> &'static str {
        match (relation, self.language) {
            (Relation::Contradicted, Language::En) => "Stated by one, denied by the other",
            (Relation::Contradicted, Language::Es) => "Uno lo afirma, el otro lo niega",
            (Relation::Laterality, Language::En) => "Other side",
            (Relation::Laterality, Language::Es) => "Otro lado",
            (Relation::Location, Language::En) => "Other place",
            (Relation::Location, Language::Es) => "Otro lugar",
            (Relation::Interpretation, Language::En) => "Read differently",
            (Relation::Interpretation, Language::Es) => "Otra interpretación",
            (Relation::Severity, Language::En) => "Other grade",
            (Relation::Severity, Language::Es) => "Otro grado",
            (Relation::Size, Language::En) => "Other size",
            (Relation::Size, Language::Es) => "Otro tamaño",
            (Relation::Certainty, Language::En) => "Other certainty",
            (Relation::Certainty, Language::Es) => "Otra certeza",
            (Relation::MoreDetail, Language::En) => "More detail",
            (Relation::MoreDetail, Language::Es) => "Más detalle",
            (Relation::Agree, Language::En) => "The same",
            (Relation::Agree, Language::Es) => "Lo mismo",
            (Relation::OnlyOriginal, Language::En) => "Only in the original",
            (Relation::OnlyOriginal, Language::Es) => "Solo en el original",
            (Relation::OnlySecond, Language::En) => "Only in the second",
            (Relation::OnlySecond, Language::Es) => "Solo en el segundo",
        }
    }
}

const ENGLISH: Words = Words {
    language: Language::En,
    title: "Comparison of two radiology reports",
    page: "Page {page} of {pages}",
    original: "Original report",
    second: "Second report",
    signed: "Signed by {name}, {at}",
    was_proposed: "The comparison had proposed: {category}.",
    coverage: "The rules found words they know in {percent} % of the sentences with findings; in a sentence they know in part, they can miss the rest.",
    made: "Printed {at} · {engine}",
    case: "Case {number}",
    reviewer: "Judged so by the reviewer",
    fixed: [
        ("differences", "Differences"),
        (
            "no_differences",
            "No differences were found in what was compared.",
        ),
        ("about", "About"),
        ("critical", "May change care"),
        ("not_said", "Not mentioned"),
        ("folded", "Common differences between readers"),
        ("notes", "The reviewer\u{2019}s notes on rows"),
        ("agreed", "Stated by both"),
        ("not_compared", "Not compared: please read these passages"),
        ("texts", "Both reports in full"),
        ("proposal", "Proposal, not yet signed by a reviewer"),
        ("doubts", "Before you compare"),
        ("reasons", "Why"),
        ("digest", "Verification code (BLAKE3)"),
        (
            "caveat",
            "The rows were found by rules and may be incomplete; the words of the reports count. A difference does not say which report is right.",
        ),
    ],
};

const SPANISH: Words = Words {
    language: Language::Es,
    title: "Comparación de dos informes radiológicos",
    page: "Página {page} de {pages}",
    original: "Informe original",
    second: "Segundo informe",
    signed: "Firmado por {name}, {at}",
    was_proposed: "La comparación había propuesto: {category}.",
    coverage: "Las reglas reconocieron palabras en el {percent} % de las frases con hallazgos; en una frase reconocida en parte se les puede escapar el resto.",
    made: "Impreso el {at} · {engine}",
    case: "Caso {number}",
    reviewer: "Así lo juzgó quien revisa",
    fixed: [
        ("differences", "Diferencias"),
        (
            "no_differences",
            "No se encontraron diferencias en lo comparado.",
        ),
        ("about", "Tema"),
        ("critical", "Puede cambiar la atención"),
        ("not_said", "No se menciona"),
        ("folded", "Diferencias frecuentes entre lectores"),
        ("notes", "Notas de quien revisa sobre las filas"),
        ("agreed", "Dicho por ambos"),
        ("not_compared", "Sin comparar: lea estos pasajes"),
        ("texts", "Ambos informes completos"),
        ("proposal", "Propuesta, aún sin firma de quien revisa"),
        ("doubts", "Antes de comparar"),
        ("reasons", "Por qué"),
        ("digest", "Código de verificación (BLAKE3)"),
        (
            "caveat",
            "Las filas se encontraron con reglas y pueden estar incompletas; valen las palabras de los informes. Una diferencia no dice cuál informe acierta.",
        ),
    ],
};
