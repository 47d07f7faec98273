//! The repository kept in order.

mod tidy;
