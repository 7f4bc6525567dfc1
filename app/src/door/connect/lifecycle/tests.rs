mod mistakes;
mod proof;
mod signers;
mod world;
