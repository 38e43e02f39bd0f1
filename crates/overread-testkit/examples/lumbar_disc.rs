//! Writes the synthetic lumbar spine disc into a folder: `cargo run -p overread-testkit --example lumbar_disc -- DIR`.

use std::path::PathBuf;

use overread_testkit::disc::write_folder;
use overread_testkit::lumbar::{Exam, disc};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("a folder is expected")?;
    let report = "MRI LUMBAR SPINE WITHOUT CONTRAST\r\nIMPRESSION: see the facility's letter.\r\n";
    write_folder(&folder, &disc(&Exam::default(), report)?)?;
    Ok(())
}
