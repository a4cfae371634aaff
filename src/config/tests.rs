//! The whole parser: what a configuration becomes, and what is said of each mistake.
//!
//! Not here: the leaf parsers, which are tested beside their code.
