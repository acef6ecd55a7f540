//! Bad input and faults: one clear sentence each; nothing is ever more open than the owner last said.

mod address;
mod certificates;
mod contract;
mod damage;
mod disk;
mod events;
mod input;
mod kill_rounds;
mod levels;
mod sharing;
pub(crate) mod world;
