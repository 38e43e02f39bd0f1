//! A letter as PDF.

use overread_model::letter::Frame;

use super::Letter;
use crate::pdf::{PdfError, Sheet, render as set};

pub(super) fn render(letter: &Letter) -> Result<Vec<u8>, PdfError> {
    let data = serde_json::to_value(letter).map_err(PdfError::Facts)?;
    set(&Sheet {
        template: match letter.frame {
            Frame::Letter => "/letter.typ",
            Frame::Form => "/form.typ",
        },
        data: &data,
        at: letter.day.start(),
    })
}
