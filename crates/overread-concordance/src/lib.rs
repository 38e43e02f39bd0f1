//! Here two report texts become aligned statements and discrepancies: pure, no model weights.
