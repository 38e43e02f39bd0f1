//! Typst as a library: one template, one JSON value, no other file, no network, no clock.

use std::collections::HashMap;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};

use overread_model::time::Timestamp;
use serde_json::Value;
use typst::diag::{FileError, FileResult, SourceDiagnostic, Warned};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::limits;

/// Says why a document could not be set.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// There is more text than a document of ours ever holds.
    #[error("the document is too long: more than {limit_bytes} bytes of text")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// The facts are no JSON value.
    #[error("the facts cannot be handed to the typesetter")]
    Facts(#[source] serde_json::Error),
    /// The template does not compile, or the result breaks the standard it claims.
    #[error("the page cannot be set: {0}")]
    Typesetting(String),
}

/// A template of ours and the value it prints.
pub(crate) struct Sheet<'a> {
    /// The path of the template: `/letter.typ`.
    pub(crate) template: &'static str,
    /// What it reads as `/data.json`.
    pub(crate) data: &'a Value,
    /// The date in the file's metadata.
    pub(crate) at: Timestamp,
}

/// Templates by path. Nothing else can be read from inside Typst.
const TEMPLATES: [(&str, &str); 5] = [
    ("/house.typ", include_str!("../templates/house.typ")),
    (
        "/letter.typ",
        include_str!("../templates/letters/letter.typ"),
    ),
    ("/form.typ", include_str!("../templates/letters/form.typ")),
    (
        "/second_report.typ",
        include_str!("../templates/reports/second_report/template.typ"),
    ),
    (
        "/concordance.typ",
        include_str!("../templates/reports/concordance/template.typ"),
    ),
];

struct House {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    sources: HashMap<FileId, Source>,
    data: Option<FileId>,
}

fn file_id(path: &str) -> Option<FileId> {
    let path = VirtualPath::new(path).ok()?;
    Some(RootedPath::new(VirtualRoot::Project, path).intern())
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let fonts: Vec<Font> = typst_assets::fonts()
        .flat_map(|data| Font::iter(Bytes::new(data)))
        .filter(|font| {
            let family = &font.info().family;
            family.starts_with("Libertinus") || family.starts_with("DejaVu")
        })
        .collect();
    let source = |(path, text): (&str, &str)| {
        let id = file_id(path)?;
        Some((id, Source::new(id, text.to_owned())))
    };
    House {
        library: LazyHash::new(Library::default()),
        book: LazyHash::new(FontBook::from_fonts(&fonts)),
        fonts,
        sources: TEMPLATES.into_iter().filter_map(source).collect(),
        data: file_id("/data.json"),
    }
});

struct Desk<'a> {
    house: &'a House,
    main: FileId,
    data: Bytes,
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.house.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.house.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.house
            .sources
            .get(&id)
            .cloned()
            .ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if Some(id) == self.house.data {
            Ok(self.data.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.house.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Counts the documents being set; the rest wait.
struct Desks {
    free: Mutex<usize>,
    freed: Condvar,
}

static DESKS: Desks = Desks {
    free: Mutex::new(limits::CONCURRENT_PDFS),
    freed: Condvar::new(),
};

struct Seat;

impl Seat {
    fn take() -> Self {
        let free = DESKS.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = DESKS
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // What comemo keeps of one letter is no use for the next, and grows.
        typst::comemo::evict(4);
        *DESKS.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        DESKS.freed.notify_one();
    }
}

/// Returns the document as tagged PDF/A-2a and PDF/UA-1.
///
/// Blocks while other documents are set; a server calls it off its async threads.
///
/// # Errors
/// When there is too much text, or the page cannot be set.
pub(crate) fn render(sheet: &Sheet<'_>) -> Result<Vec<u8>, PdfError> {
    let mut data = sheet.data.clone();
    make_printable(&mut data);
    let json = serde_json::to_vec(&data).map_err(PdfError::Facts)?;
    if json.len() > limits::PDF_DATA_BYTES {
        return Err(PdfError::TooLong {
            limit_bytes: limits::PDF_DATA_BYTES,
        });
    }
    let Some(main) = file_id(sheet.template) else {
        return Err(PdfError::Typesetting("no such template".to_owned()));
    };
    let desk = Desk {
        house: &HOUSE,
        main,
        data: Bytes::new(json),
    };
    let _seat = Seat::take();
    let Warned { output, .. } = typst::compile::<PagedDocument>(&desk);
    let document = output.map_err(|errors| typesetting(&errors))?;
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1])
        .map_err(|error| PdfError::Typesetting(error.message().to_string()))?;
    let options = PdfOptions {
        ident: Smart::Auto,
        creator: Smart::Custom(Some("Overread".to_owned())),
        timestamp: stamp(sheet.at),
        page_ranges: None,
        standards,
        tagged: true,
        pretty: false,
    };
    typst_pdf::pdf(&document, &options).map_err(|errors| typesetting(&errors))
}

/// Says what Typst complains of. Its messages may quote a line of the template, never the facts.
fn typesetting(errors: &[SourceDiagnostic]) -> PdfError {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    PdfError::Typesetting(messages.join("; "))
}

fn stamp(at: Timestamp) -> Option<typst_pdf::Timestamp> {
    let (hour, minute, second) = at.time_of_day();
    let date = at.date();
    let datetime =
        Datetime::from_ymd_hms(date.year(), date.month(), date.day(), hour, minute, second)?;
    Some(typst_pdf::Timestamp::new_utc(datetime))
}

/// Characters some embedded font has a glyph for.
static PRINTABLE: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut codes: Vec<u32> = HOUSE
        .fonts
        .iter()
        .flat_map(|font| font.info().coverage.iter())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
});

fn is_printable(character: char) -> bool {
    character == '\n'
        || matches!(character, '\u{200C}' | '\u{200D}')
        || PRINTABLE.binary_search(&u32::from(character)).is_ok()
}

/// Returns the characters of a text that the embedded fonts cannot show, each once.
///
/// On paper each is replaced by a white square; a page warns about them before the letter is made.
pub fn unprintable(text: &str) -> Vec<char> {
    let mut missing: Vec<char> = text.chars().filter(|c| !is_printable(*c)).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

// PDF/A forbids the glyph for "no such character", so the replacement is a character of its own.
fn make_printable(value: &mut Value) {
    match value {
        Value::String(text) => {
            if text.chars().any(|c| !is_printable(c)) {
                *text = text
                    .chars()
                    .map(|c| if is_printable(c) { c } else { '\u{25A1}' })
                    .collect();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_printable),
        Value::Object(map) => map.values_mut().for_each(make_printable),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
