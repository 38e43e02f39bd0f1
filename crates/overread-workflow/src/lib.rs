//! Here live the steps of the journey, one function a step.
