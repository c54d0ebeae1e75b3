//! What the engine promises, asked of the core with a played clock and of the whole with threads.

mod breakers;
mod children;
mod client;
mod damage;
mod explain;
mod recovery;
mod retries;
mod rig;
