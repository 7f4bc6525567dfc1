//! Atlassian Connect: the app's descriptor, its installation, and signed requests in both directions.
//!
//! Owns everything that is peculiar to Connect. It keeps nothing: what is known of an installation is handed in.
