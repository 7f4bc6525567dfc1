//! The pages over HTTP, reached as Bitbucket leads to them: by signed addresses.

mod budgets;
mod findings;
mod panels;
mod settings;
mod told;
mod views;
pub(crate) mod visitor;
