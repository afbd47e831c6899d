//! What may leave, item by item; and how much of it there is.

mod size;
