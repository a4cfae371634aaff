//! How a person is told to connect a server, in the form that their client understands, and what is said in the
//! server's stead until then.
//!
//! Not here: connecting (`flow::connect`).

pub mod capabilities;
pub mod heard;
pub mod initialize;
pub mod probe;
pub mod request_state;
pub mod signal;
pub mod unconnected;
