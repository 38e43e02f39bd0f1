//! Here is the DICOMweb door: QIDO-RS, WADO-RS, STOW-RS.
