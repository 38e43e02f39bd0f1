//! What is allowed, and probably not meant.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Result;
use overread_dimse::AddressRange;
use overread_store::{Tx, cases, tokens};

use super::{Config, DimseCaller, DimseRight};

impl Config {
    /// Says what of the settings lets in more people than whoever wrote them may think.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let callers = self.dimse.callers.iter();
        let open = callers.filter(|caller| is_open(caller));
        open.map(|caller| {
            format!(
                "dimse.callers: the entry {:?} names no addresses, or all of them, so every machine that reaches the DICOM port and calls \
                 itself so may {}; write `addresses = [\"…\"]`",
                caller.ae_title,
                rights(caller)
            )
        })
        .collect()
    }

    /// Says which callers name a token that opens nothing, or a case that is not there.
    pub(crate) async fn caller_warnings(&self, tx: &mut Tx) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        for caller in &self.dimse.callers {
            if let Some(id) = &caller.token
                && tokens::find_by_id(tx, id).await?.is_none()
            {
                warnings.push(format!(
                    "dimse.callers: the entry {:?} names a token that is revoked or was never made, so it finds and \
                     retrieves nothing; `overread token list` shows those in force",
                    caller.ae_title
                ));
            }
            if let Some(id) = &caller.case
                && cases::find(tx, id).await?.is_none()
            {
                warnings.push(format!(
                    "dimse.callers: the entry {:?} names a case that is not there, so what it stores waits under “Images \
                     without a case”; the id of a case stands in the address of its page, behind /cases/",
                    caller.ae_title
                ));
            }
        }
        Ok(warnings)
    }
}

/// Says whether a caller may come from anywhere.
fn is_open(caller: &DimseCaller) -> bool {
    let ranges = caller.addresses().unwrap_or_default();
    caller.addresses.is_empty() || ranges.iter().any(AddressRange::is_everything)
}

fn rights(caller: &DimseCaller) -> String {
    let word = |right: &DimseRight| match right {
        DimseRight::Store => "store",
        DimseRight::Find => "find",
        DimseRight::Retrieve => "retrieve",
    };
    let words: Vec<&str> = caller.may.iter().map(word).collect();
    words.join(", ")
}

/// Says that other accounts of this machine may look into the data folder.
pub(crate) fn open_folder(data: &Path) -> Option<String> {
    const OTHERS: u32 = 0o007;
    let metadata = std::fs::metadata(data).ok()?;
    (metadata.mode() & OTHERS != 0).then(|| {
        let folder = data.display();
        format!(
            "every account of this machine may look into the data folder {folder}, and read what was kept there by earlier \
             versions; close it: chmod -R o= {folder}"
        )
    })
}
