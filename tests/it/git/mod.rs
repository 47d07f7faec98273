//! Git repositories as sources: mirrors, transports, and remotes that misbehave.

mod child;
mod disk;
mod echo;
mod hostile;
mod https;
mod mirror;
mod remote;
mod slow;
mod ssh;
mod sshd;
mod stuck;
mod unusual;
