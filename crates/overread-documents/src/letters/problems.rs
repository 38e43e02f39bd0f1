//! What is wrong with the facts of a letter, in words.

use overread_model::letter::{Bilingual, Language, Requester};

use crate::dates;

/// One thing to put right before a letter can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactProblem {
    /// The key of the fact, `patient.name`; empty when the whole file is meant.
    pub field: String,
    /// What a form calls it.
    pub label: Option<Bilingual>,
    /// What is wrong.
    pub kind: FactProblemKind,
}

/// What is wrong with a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactProblemKind {
    /// The letter cannot be written without it.
    Missing,
    /// No letter uses it; perhaps another was meant.
    Unknown {
        /// The nearest key there is.
        meant: Option<String>,
    },
    /// The file is no TOML.
    NotToml {
        /// The line, from 1; 0 when unknown.
        line: usize,
    },
    /// The file is longer than a facts file ever is.
    FileTooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// No day of the calendar.
    NotADate,
    /// Text was expected.
    NotText,
    /// A list of texts was expected.
    NotAList,
    /// None of the choices.
    NotAChoice {
        /// What may be chosen.
        allowed: Vec<String>,
    },
    /// No email address.
    NotAnEmail,
    /// More characters than fit a letter.
    TooLong {
        /// The limit.
        limit_chars: usize,
    },
    /// More items than fit a letter.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// This requester does not send this kind of letter.
    WrongRequester {
        /// Who does.
        allowed: Vec<String>,
    },
    /// Neither images among the enclosures nor a way to reach them.
    NoImages,
    /// The original report is not enclosed and nothing says why.
    NoReportReason,
    /// The original report is enclosed, and something says why it is missing.
    ReportIsEnclosed,
    /// It says something that is not so of this requester.
    NotThisWriter(Requester),
    /// The patient writes, under a name that is not the patient's.
    NotThePatient,
    /// Somebody writes for the patient, under the patient's own name.
    ThePatient,
    /// A password stands in the letter that says where the images are.
    PasswordInside,
    /// The day by which the records were due has not passed.
    NotYetDue {
        /// That day.
        due: overread_model::time::CalendarDate,
    },
    /// A day that lies before another it should follow.
    BeforeOther,
    /// A day that has not come yet, of something that has happened.
    InFuture,
}

impl FactProblem {
    /// Returns what the fact is called in a form, or its key.
    pub fn name(&self, language: Language) -> &str {
        match &self.label {
            Some(label) => label.of(language),
            None => &self.field,
        }
    }

    /// Returns the problem in one plain sentence that says what to do. It never repeats what was typed.
    pub fn message(&self, language: Language) -> String {
        match language {
            Language::En => self.english(),
            Language::Es => self.spanish(),
        }
    }

    fn english(&self) -> String {
        let name = self.name(Language::En);
        match &self.kind {
            FactProblemKind::Missing => format!("{name} is missing. Please fill it in."),
            FactProblemKind::Unknown { meant: Some(meant) } => {
                format!("“{}” is not a fact of any letter. Did you mean “{meant}”?", self.field)
            }
            FactProblemKind::Unknown { meant: None } => {
                format!("“{}” is not a fact of any letter. Please remove it.", self.field)
            }
            FactProblemKind::NotToml { line: 0 } => {
                "The facts file cannot be read: it is not valid TOML.".to_owned()
            }
            FactProblemKind::NotToml { line } => {
                format!("The facts file cannot be read: line {line} is not valid TOML.")
            }
            FactProblemKind::FileTooLong { limit_bytes } => {
                format!("The facts file is too long: at most {} KB.", limit_bytes / 1024)
            }
            FactProblemKind::NotADate => {
                format!("{name} is not a date. Write year-month-day, for example 2026-03-02.")
            }
            FactProblemKind::NotText => format!("{name} should be one text."),
            FactProblemKind::NotAList => format!("{name} should be a list of texts."),
            FactProblemKind::NotAChoice { allowed } => {
                format!("{name} should be one of: {}.", allowed.join(", "))
            }
            FactProblemKind::NotAnEmail => format!("{name} is not an email address."),
            FactProblemKind::TooLong { limit_chars } => {
                format!("{name} is too long: at most {limit_chars} characters.")
            }
            FactProblemKind::TooMany { limit } => {
                format!("{name} has too many items: at most {limit}.")
            }
            FactProblemKind::WrongRequester { allowed } => {
                format!("This letter is sent by: {}. Choose one of them, or another letter.", allowed.join(", "))
            }
            FactProblemKind::NoImages => "The letter offers no images. List the images among the enclosures, or say through which portal or link they can be reached.".to_owned(),
            FactProblemKind::NoReportReason => "The original report is not among the enclosures. Add it, or say why it is missing.".to_owned(),
            FactProblemKind::ReportIsEnclosed => "The original report is among the enclosures, and the letter also says why it is missing. Keep one of the two.".to_owned(),
            FactProblemKind::NotThisWriter(writer) => format!("{name} does not fit: the letter is written by “{}”. Leave it out, or say that somebody else writes.", writer.title(Language::En)),
            FactProblemKind::NotThePatient => "The letter says that the patient writes, but the name of the writer is not the patient's. Write both names the same way, or say who writes for the patient.".to_owned(),
            FactProblemKind::ThePatient => "The letter says that somebody writes for the patient, but both names are the same. Put in the name of the person who writes; if both have the same name, add what tells them apart (Sr., Jr.).".to_owned(),
            FactProblemKind::PasswordInside => format!("{name} seems to hold a password. Send it another way, never in the same letter."),
            FactProblemKind::NotYetDue { due } => format!("The facility still has time: day 30 is {}. A reminder can be written after it.", dates::long(*due, Language::En)),
            FactProblemKind::InFuture => format!("{name} lies in the future. Please check the year."),
            FactProblemKind::BeforeOther => format!("{name} lies before the date it should follow. Please check both."),
        }
    }

    fn spanish(&self) -> String {
        let name = self.name(Language::Es);
        match &self.kind {
            FactProblemKind::Missing => format!("Falta este dato: {name}. Complételo, por favor."),
            FactProblemKind::Unknown { meant: Some(meant) } => {
                format!("“{}” no es un dato de ninguna carta. ¿Quiso decir “{meant}”?", self.field)
            }
            FactProblemKind::Unknown { meant: None } => {
                format!("“{}” no es un dato de ninguna carta. Quítelo, por favor.", self.field)
            }
            FactProblemKind::NotToml { line: 0 } => {
                "No se puede leer el archivo de datos: no es TOML válido.".to_owned()
            }
            FactProblemKind::NotToml { line } => {
                format!("No se puede leer el archivo de datos: la línea {line} no es TOML válido.")
            }
            FactProblemKind::FileTooLong { limit_bytes } => {
                format!("El archivo de datos es demasiado largo: como máximo {} KB.", limit_bytes / 1024)
            }
            FactProblemKind::NotADate => {
                format!("{name}: no es una fecha. Escriba año-mes-día, por ejemplo 2026-03-02.")
            }
            FactProblemKind::NotText => format!("{name}: debe ser un solo texto."),
            FactProblemKind::NotAList => format!("{name}: debe ser una lista de textos."),
            FactProblemKind::NotAChoice { allowed } => {
                format!("{name}: debe ser una de estas opciones: {}.", allowed.join(", "))
            }
            FactProblemKind::NotAnEmail => format!("{name}: no es un correo electrónico."),
            FactProblemKind::TooLong { limit_chars } => {
                format!("{name}: demasiado largo, como máximo {limit_chars} caracteres.")
            }
            FactProblemKind::TooMany { limit } => {
                format!("{name}: demasiados elementos, como máximo {limit}.")
            }
            FactProblemKind::WrongRequester { allowed } => {
                format!("Esta carta la envía: {}. Elija una de estas opciones u otra carta.", allowed.join(", "))
            }
            FactProblemKind::NoImages => "La carta no ofrece imágenes. Inclúyalas entre los documentos adjuntos o indique en qué portal o enlace están.".to_owned(),
            FactProblemKind::NoReportReason => "El informe original no está entre los documentos adjuntos. Agréguelo o explique por qué falta.".to_owned(),
            FactProblemKind::ReportIsEnclosed => "El informe original está entre los documentos adjuntos y la carta también dice por qué falta. Deje solo una de las dos cosas.".to_owned(),
            FactProblemKind::NotThisWriter(writer) => format!("{name}: no corresponde, porque quien escribe la carta es “{}”. Quítelo o indique que escribe otra persona.", writer.title(Language::Es)),
            FactProblemKind::NotThePatient => "La carta dice que escribe la persona examinada, pero quien escribe tiene otro nombre. Escriba ambos nombres igual o indique quién escribe en su lugar.".to_owned(),
            FactProblemKind::ThePatient => "La carta dice que alguien escribe en lugar de la persona examinada, pero ambos nombres son iguales. Ponga el nombre de quien escribe; si se llaman igual, agregue lo que los distingue (padre, hijo).".to_owned(),
            FactProblemKind::PasswordInside => format!("{name}: parece contener una contraseña. Envíela por otra vía, nunca en la misma carta."),
            FactProblemKind::NotYetDue { due } => format!("El centro todavía está en plazo: el día 30 es el {}. El recordatorio puede escribirse después.", dates::long(*due, Language::Es)),
            FactProblemKind::InFuture => format!("{name}: es una fecha futura. Revise el año, por favor."),
            FactProblemKind::BeforeOther => format!("{name}: es anterior a la fecha que debería seguir. Revise ambas, por favor."),
        }
    }
}

impl FactProblem {
    pub(crate) fn new(
        catalog: &overread_model::letter::LetterCatalog,
        field: &str,
        kind: FactProblemKind,
    ) -> Self {
        Self {
            field: field.to_owned(),
            label: catalog.fields.get(field).map(|entry| entry.label.clone()),
            kind,
        }
    }
}
