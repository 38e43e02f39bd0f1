//! Here live bytes and the DICOM facts read from them: media walk, attributes, frames, quality facts.
