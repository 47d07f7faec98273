//! The program as a whole: against a model, for a long time, and as the README shows it.

mod both_ways;
mod model;
mod readme;
mod soak;
