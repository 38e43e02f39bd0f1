//! Here synthetic discs, DICOM objects and throw-away stores are made, for tests and the demonstration.
