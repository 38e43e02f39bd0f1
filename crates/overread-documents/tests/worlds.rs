//! The catalog and facts the tests share.

use std::sync::LazyLock;

use overread_documents::letters::{self, LetterFacts};
use overread_model::letter::{Language, LetterCatalog, LetterKind, Requester};
use overread_model::time::CalendarDate;

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../overread-knowledge/data/letters"
);

pub(crate) static CATALOG: LazyLock<LetterCatalog> = LazyLock::new(|| {
    let read = |name: &str| std::fs::read_to_string(format!("{DATA}/{name}")).unwrap();
    LetterCatalog::parse(
        &read("catalog.json"),
        &read("templates.en.json"),
        &read("templates.es.json"),
    )
    .unwrap()
});

pub(crate) fn today() -> CalendarDate {
    CalendarDate::new(2026, 3, 5).unwrap()
}

pub(crate) fn kind(id: &str) -> &'static LetterKind {
    CATALOG.letter(id).unwrap()
}

/// The documented facts of a kind, written by this requester.
pub(crate) fn facts(id: &str, requester: Requester) -> LetterFacts {
    let mut facts = letters::parse_facts(&CATALOG, letters::sample(id).unwrap()).unwrap();
    facts.requester = requester;
    let mut set = |key: &str, text: &str| facts.set(&CATALOG, key, text).unwrap();
    if !matches!(
        requester,
        Requester::ReferringPhysician | Requester::Insurer
    ) {
        set("sender.name", "Jordan Avery");
        set("sender.credentials", "");
    }
    match requester {
        Requester::Patient => {}
        Requester::ParentGuardian => {
            set("relation", "mother");
            set("patient.dob", "2012-06-30");
            set("patient.name", "Rowan Avery");
        }
        Requester::PersonalRepresentative => {
            set("relation", "daughter");
            set("authority", "health-care power of attorney of May 3, 2025");
            set("patient.name", "Morgan Avery");
        }
        Requester::ReferringPhysician => {
            set("sender.name", "Nadia Okafor");
            set("sender.credentials", "MD");
            set(
                "sender.address",
                "Lakeside Family Medicine\n12 Harbor Street\nMadison, WI 53703",
            );
        }
        Requester::Insurer => {
            set("sender.name", "Case Management, Prairie Health Plan");
            set("sender.address", "PO Box 771\nMilwaukee, WI 53201");
        }
    }
    if id == "hipaa_authorization" && requester == Requester::Patient {
        // A patient's own form names nobody who signs for the patient.
        set("sender.name", "");
    }
    facts
}

/// The same facts with the words of a Spanish letter.
pub(crate) fn facts_in(id: &str, requester: Requester, language: Language) -> LetterFacts {
    let mut facts = facts(id, requester);
    if language == Language::En {
        return facts;
    }
    for (key, text) in SPANISH {
        let differs = key == "differences" && id == "third_opinion_request";
        let asks = key == "asks" && id != "followup_treating_physician";
        let reason = key == "reason" && id == "referral_request";
        let other = key == "sender.name"
            && matches!(
                requester,
                Requester::ReferringPhysician | Requester::Insurer
            );
        let represented = key == "patient.name"
            && matches!(
                requester,
                Requester::ParentGuardian | Requester::PersonalRepresentative
            );
        if facts.get(key).is_some() && !represented && !differs && !asks && !reason && !other {
            facts.set(&CATALOG, key, text).unwrap();
        }
    }
    let mut set = |key: &str, text: &str| facts.set(&CATALOG, key, text).unwrap();
    match id {
        "third_opinion_request" => set(
            "differences",
            "Abombamiento sin contacto radicular frente a extrusión con desplazamiento de la raíz S1 izquierda en L5-S1",
        ),
        "referral_request" => set(
            "reason",
            "Se propuso cirugía y deseo que un subespecialista lea antes las imágenes",
        ),
        _ => {}
    }
    if requester == Requester::PersonalRepresentative {
        set(
            "authority",
            "poder notarial de atención médica del 3 de mayo de 2025",
        );
    }
    facts
}

const SPANISH: [(&str, &str); 35] = [
    ("sender.name", "Íñigo Peña Muñoz"),
    ("patient.name", "Íñigo Peña Muñoz"),
    (
        "symptoms",
        "Dolor lumbar desde hace ocho meses, con dolor y adormecimiento de la pierna izquierda hasta el pie",
    ),
    (
        "reason",
        "Se propuso cirugía, y el plan no parece corresponder a lo que describe el informe",
    ),
    (
        "question",
        "¿Está comprimida la raíz nerviosa en L5-S1 del lado izquierdo, y explica el disco el adormecimiento?",
    ),
    (
        "exam.name",
        "resonancia magnética de columna lumbar sin contraste",
    ),
    ("exam.modality_label", "Resonancia magnética"),
    ("exam.body_part_label", "columna lumbar"),
    ("exam.facility", "Centro de Imagen Ribera, Madison"),
    ("pcp.name", "Dra. Nadia Okafor"),
    ("pcp.role", "médica de cabecera"),
    (
        "format.text",
        "Copia electrónica en formato DICOM, en disco o por descarga",
    ),
    (
        "delivery.text",
        "Por correo postal a la dirección indicada arriba o por un enlace seguro a mi correo electrónico",
    ),
    (
        "auth.disclosers",
        "Centro de Imagen Ribera, 900 River Road, Madison, WI 53704",
    ),
    (
        "auth.receivers",
        "Harper Quill, abogacía, 3 Court Square, Madison, WI 53703",
    ),
    ("auth.purpose", "A solicitud de la persona"),
    ("auth.expires", "31 de diciembre de 2026"),
    (
        "scope.items",
        "Resonancia magnética de columna lumbar del 11 de febrero de 2026: todas las imágenes DICOM\nEl informe radiológico firmado y todos los adendos",
    ),
    (
        "referral.to",
        "radiología musculoesquelética, para una segunda lectura con informe escrito",
    ),
    ("reviewer.name", "Dra. Elena Marsh"),
    ("reviewer.specialty", "radiología musculoesquelética"),
    (
        "service.text",
        "Segunda lectura de una resonancia magnética externa de columna lumbar con informe escrito",
    ),
    (
        "necessity",
        "Seis semanas de fisioterapia no trajeron alivio, y el informe original deja abierto si la raíz S1 izquierda está comprimida.\nLa respuesta decide entre la cirugía y continuar el tratamiento conservador.",
    ),
    ("diagnosis.text", "Radiculopatía lumbar izquierda"),
    (
        "gap.searched",
        "Lakeshore Radiology, 2 de marzo de 2026: sin radiología musculoesquelética\nCapital Imaging, 3 de marzo de 2026: no lee estudios de otros centros",
    ),
    (
        "gap.why",
        "Ningún consultorio de la red ofrece la lectura por un subespecialista antes de la fecha en que debe decidirse la cirugía",
    ),
    ("denial.reason", "No es médicamente necesario"),
    (
        "appeal.grounds",
        "El profesional tratante pidió la segunda lectura porque el primer informe deja abierta la causa del adormecimiento.\nEl plan, sección 4.2, cubre segundas opiniones antes de una cirugía programada.",
    ),
    ("opinion1.author", "Centro de Imagen Ribera"),
    (
        "opinion1.summary",
        "Pequeño abombamiento discal central en L5-S1 sin contacto radicular",
    ),
    ("opinion2.author", "Dra. Elena Marsh"),
    (
        "opinion2.summary",
        "Extrusión paracentral izquierda en L5-S1 con desplazamiento de la raíz S1 izquierda",
    ),
    (
        "differences",
        "El primer informe describe un pequeño abombamiento discal central en L5-S1; el segundo, una extrusión izquierda que toca la raíz S1\nEl segundo informe menciona cambios grasos de la médula ósea que el primero no menciona",
    ),
    (
        "asks",
        "¿Cambia el segundo informe el plan de cirugía?\n¿Es útil otro estudio, y cuándo?",
    ),
    (
        "thanks.for",
        "la lectura cuidadosa y el tiempo que dedicó a explicarla",
    ),
];
