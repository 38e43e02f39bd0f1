//! The few addresses that programs and our own script use instead of forms.

pub(crate) mod deliveries;
