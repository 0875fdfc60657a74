//! The command as its users meet it.
//!
//! The real binary talks TLS, both sides verified, to a server in the test process that answers
//! from a script. What is compared is what a shell sees: standard output, standard error, exit
//! code; and what the server saw.

#![expect(clippy::unwrap_used, reason = "clippy allows it in tests, but not in what they share")]

mod complete;
mod containers;
mod delete;
mod deployed;
mod dump;
mod flush;
mod full;
mod future;
mod help;
mod hints;
mod list;
mod load;
mod logs;
mod quota;
mod restart;
mod run;
mod server;
mod session;
mod settings;
mod show;
mod terminal;
mod views;
mod wait;
