//! The closed vocabulary (placeholder list until the full one lands).
