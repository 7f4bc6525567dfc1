//! What a keyword leads to: one file per way of finding a secret.
//!
//! Owns the detectors. Each gets the place of a keyword, looks at a bounded stretch around it and adds candidates; none knows of another.

pub(super) mod assigned;
mod call;
mod decode;
pub(super) use decode::base64;
mod header;
mod key_store;
mod kubernetes;
mod phrase;
pub(super) mod surroundings;
mod token;
mod url;

use super::rule;

/// How candidates of different origin rank when they overlap.
pub(super) mod rank {
    /// The name promises a secret.
    pub(in crate::analyze::secrets) const GENERIC: u8 = 0;
    /// The syntax around it does: a URL, a header, a command.
    pub(in crate::analyze::secrets) const SYNTAX: u8 = 1;
    /// A vendor is named nearby and the form fits; or a form that many kinds share, such as a JWT.
    pub(in crate::analyze::secrets) const NEAR: u8 = 2;
    /// A rule of a configuration, which whoever wrote it wants named.
    pub(in crate::analyze::secrets) const CONFIGURED: u8 = 3;
    /// A mark of three characters or fewer, which several vendors use.
    pub(in crate::analyze::secrets) const SHORT_FORM: u8 = 4;
    /// The vendor is in the name and the form fits.
    pub(in crate::analyze::secrets) const NAMED: u8 = 5;
    /// A vendor's own mark.
    pub(in crate::analyze::secrets) const FORM: u8 = 6;
}

/// Indices of the rules under which detectors report.
pub(super) struct Known {
    pub(super) password: usize,
    pub(super) token: usize,
    pub(super) key_material: usize,
    pub(super) url: usize,
    pub(super) header: usize,
    pub(super) command_line: usize,
    pub(super) kubernetes: usize,
    pub(super) terraform: usize,
    pub(super) nuget: usize,
    pub(super) key_store: usize,
}

impl Known {
    pub(super) fn find() -> Self {
        // `rules/core.toml` holds these ids; a test reads every rule, so 0 is never what is used.
        let index = |id| rule::find(id).unwrap_or(0);
        Self {
            password: index("generic-password"),
            token: index("generic-api-key"),
            key_material: index("generic-key-material"),
            url: index("url-credentials"),
            header: index("http-authorization"),
            command_line: index("command-line-password"),
            kubernetes: index("kubernetes-secret-yaml"),
            terraform: index("hashicorp-tf-password"),
            nuget: index("nuget-config-password"),
            key_store: index("pkcs12-file"),
        }
    }
}
