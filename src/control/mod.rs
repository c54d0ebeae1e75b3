//! The control socket: how every other invocation talks to the owner of a state directory.

mod client;
mod protocol;
mod server;

pub(crate) use client::Remote;
pub(crate) use protocol::{
    Answer, Asked, BatchWord, Batched, MadeRun, Making, OpenRun, Request, TokenVerb, Verb,
};
pub(crate) use server::{Server, socket_path};
