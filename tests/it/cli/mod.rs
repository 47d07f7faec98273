//! The program's commands.

mod ci;
mod commands;
mod diff;
mod history;
mod logs;
mod plain_secrets;
mod planted;
mod secrets;
mod settings;
mod slips;
mod validate;
