//! Changes without casualties: what the owner changes reaches exactly those it is meant for, while everyone else's
//! requests, downloads and tunnels go on; and whatever a tool or a visitor does meanwhile stays between the two.

mod early;
mod flips;
mod steady;
mod stored;
mod tools;
