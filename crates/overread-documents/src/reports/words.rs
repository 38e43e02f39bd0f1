//! The fixed words of a report, in both languages.

use overread_model::letter::Language;
use overread_model::time::Timestamp;

use super::{ExamQuality, OriginalReport, Standing};

pub(crate) struct Words {
    pub(super) language: Language,
    pub(super) title: &'static str,
    pub(super) page: &'static str,
    pub(super) patient: &'static str,
    pub(super) born: &'static str,
    pub(super) identifier: &'static str,
    pub(super) sex: &'static str,
    pub(super) exam: &'static str,
    pub(super) exam_date: &'static str,
    pub(super) facility: &'static str,
    pub(super) accession: &'static str,
    pub(super) requested_by: &'static str,
    pub(super) self_referred: &'static str,
    pub(super) question: &'static str,
    pub(super) materials: &'static str,
    pub(super) material_what: &'static str,
    pub(super) material_extent: &'static str,
    pub(super) not_seen: &'static str,
    pub(super) none_seen: &'static str,
    pub(super) clinical: &'static str,
    pub(super) comparison: &'static str,
    pub(super) no_comparison: &'static str,
    pub(super) quality: &'static str,
    pub(super) findings: &'static str,
    pub(super) impression: &'static str,
    pub(super) agreement: &'static str,
    pub(super) alternatives: &'static str,
    pub(super) next_steps: &'static str,
    pub(super) urgent: &'static str,
    pub(super) limits: &'static str,
    pub(super) limits_text: &'static str,
    pub(super) plain: &'static str,
    pub(super) signature: &'static str,
    pub(super) signed: &'static str,
    pub(super) unsigned: &'static str,
    pub(super) subspecialty: &'static str,
    pub(super) license: &'static str,
    pub(super) conflict: &'static str,
    pub(super) version: &'static str,
    pub(super) digest: &'static str,
    pub(super) addendum: &'static str,
    pub(super) disclaimer: &'static str,
    pub(super) made: &'static str,
    pub(super) case: &'static str,
}

pub(crate) fn of(language: Language) -> Words {
    match language {
        Language::En => ENGLISH,
        Language::Es => SPANISH,
    }
}

impl Words {
    pub(super) fn standing(&self, standing: Standing) -> &'static str {
        match (standing, self.language) {
            (Standing::Preliminary, Language::En) => "Preliminary",
            (Standing::Preliminary, Language::Es) => "Preliminar",
            (Standing::Final, Language::En | Language::Es) => "Final",
            (Standing::FinalWithAddendum, Language::En) => "Final, with addendum",
            (Standing::FinalWithAddendum, Language::Es) => "Final, con adenda",
        }
    }

    pub(super) fn standing_note(&self, standing: Standing) -> Option<&'static str> {
        match (standing, self.language) {
            (Standing::Preliminary, Language::En) => {
                Some("Preliminary: not signed and subject to change. Not for decisions on care.")
            }
            (Standing::Preliminary, Language::Es) => Some(
                "Preliminar: sin firma y sujeto a cambios. No debe usarse para decidir la atención.",
            ),
            _ => None,
        }
    }

    pub(super) fn quality_of(&self, quality: ExamQuality) -> &'static str {
        match (quality, self.language) {
            (ExamQuality::Diagnostic, Language::En) => "Diagnostic.",
            (ExamQuality::Diagnostic, Language::Es) => "Diagnóstica.",
            (ExamQuality::Limited, Language::En) => "Limited.",
            (ExamQuality::Limited, Language::Es) => "Limitada.",
            (ExamQuality::NonDiagnostic, Language::En) => "Not diagnostic.",
            (ExamQuality::NonDiagnostic, Language::Es) => "No diagnóstica.",
        }
    }

    pub(super) fn original_report(
        &self,
        read: OriginalReport,
        at: impl Fn(Timestamp) -> String,
    ) -> String {
        match (read, self.language) {
            (OriginalReport::NotAvailable, Language::En) => {
                "The original report was not available.".to_owned()
            }
            (OriginalReport::NotAvailable, Language::Es) => {
                "El informe original no estaba disponible.".to_owned()
            }
            (OriginalReport::ReadBefore, Language::En) => {
                "The original report was read before the images.".to_owned()
            }
            (OriginalReport::ReadBefore, Language::Es) => {
                "El informe original se leyó antes que las imágenes.".to_owned()
            }
            (OriginalReport::ReadAfter(when), Language::En) => {
                let locked = when.map(|when| format!(" (locked {})", at(when)));
                format!(
                    "The original report was opened only after an independent first impression had been recorded{}.",
                    locked.unwrap_or_default()
                )
            }
            (OriginalReport::ReadAfter(when), Language::Es) => {
                let locked = when.map(|when| format!(" ({})", at(when)));
                format!(
                    "El informe original se abrió solo después de registrar una primera impresión independiente{}.",
                    locked.unwrap_or_default()
                )
            }
        }
    }
}

const ENGLISH: Words = Words {
    language: Language::En,
    title: "Radiology second opinion report",
    page: "Page {page} of {pages}",
    patient: "Patient",
    born: "Date of birth",
    identifier: "Record number",
    sex: "Sex",
    exam: "Exam",
    exam_date: "Exam date",
    facility: "Facility",
    accession: "Accession number",
    requested_by: "Requested by",
    self_referred: "Self-referred",
    question: "Question asked",
    materials: "Materials reviewed",
    material_what: "Material",
    material_extent: "Extent",
    not_seen: "Not available for this opinion",
    none_seen: "No materials are listed.",
    clinical: "Clinical information",
    comparison: "Comparison",
    no_comparison: "None available.",
    quality: "Exam quality",
    findings: "Findings",
    impression: "Impression",
    agreement: "Agreement with the first report",
    alternatives: "Other possible explanations",
    next_steps: "Suggested next steps",
    urgent: "Urgent communication",
    limits: "Limits of this opinion",
    limits_text: "Based only on the materials listed; no examination of the patient; not a substitute for the treating physician.",
    plain: "In plain words",
    signature: "Signature",
    signed: "Electronically signed {at}",
    unsigned: "This report has not been signed.",
    subspecialty: "Subspecialty",
    license: "License",
    conflict: "Conflicts of interest",
    version: "Report version",
    digest: "Verification code (BLAKE3)",
    addendum: "Addendum of {at}, after the report was signed: read this first",
    disclaimer: "This second opinion is advice to the patient and the treating physician. It does not replace an examination or the care of the treating physician. In an emergency call the local emergency number.",
    made: "Printed {at}",
    case: "Case {number}",
};

const SPANISH: Words = Words {
    language: Language::Es,
    title: "Informe radiológico de segunda opinión",
    page: "Página {page} de {pages}",
    patient: "Paciente",
    born: "Fecha de nacimiento",
    identifier: "Número de expediente",
    sex: "Sexo",
    exam: "Estudio",
    exam_date: "Fecha del estudio",
    facility: "Centro",
    accession: "Número de acceso",
    requested_by: "Solicitado por",
    self_referred: "Solicitud propia",
    question: "Pregunta planteada",
    materials: "Material revisado",
    material_what: "Material",
    material_extent: "Extensión",
    not_seen: "No disponible para esta opinión",
    none_seen: "No consta material.",
    clinical: "Información clínica",
    comparison: "Comparación",
    no_comparison: "Sin estudios disponibles.",
    quality: "Calidad del estudio",
    findings: "Hallazgos",
    impression: "Impresión",
    agreement: "Concordancia con el primer informe",
    alternatives: "Otras posibles explicaciones",
    next_steps: "Siguientes pasos sugeridos",
    urgent: "Comunicación urgente",
    limits: "Límites de esta opinión",
    limits_text: "Basada solo en el material indicado; sin examen del paciente; no sustituye al médico tratante.",
    plain: "En palabras sencillas",
    signature: "Firma",
    signed: "Firmado electrónicamente el {at}",
    unsigned: "Este informe no está firmado.",
    subspecialty: "Subespecialidad",
    license: "Licencia",
    conflict: "Conflictos de interés",
    version: "Versión del informe",
    digest: "Código de verificación (BLAKE3)",
    addendum: "Adenda del {at}, posterior a la firma del informe: léala primero",
    disclaimer: "Esta segunda opinión es un consejo para el paciente y su médico tratante. No sustituye un examen ni la atención del médico tratante. En una emergencia llame al número local de emergencias.",
    made: "Impreso el {at}",
    case: "Caso {number}",
};
