//! The app's public interface from outside.

mod oracle;
