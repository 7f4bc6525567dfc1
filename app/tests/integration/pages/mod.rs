//! The pages over HTTP, reached as Bitbucket leads to them: by signed addresses.

mod findings;
mod panels;
mod settings;
mod told;
mod visitor;
