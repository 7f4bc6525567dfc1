//! The command line.

use clap::{Parser, Subcommand};

/// The companion app of Penstock. It is configured by the environment: see docs/operations.md.
#[derive(Debug, Parser)]
#[command(name = "penstock-app", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve. Needs nothing but BASE_URL
    Serve,
    /// Check configuration, key, database, findings and reachability, and report what is wrong.
    /// Exit code 1 if findings are damaged
    Check {
        /// Rebuild damaged findings from the runs that reported them, and drop what no stored run
        /// reports
        #[arg(long)]
        repair: bool,
    },
    /// Make or upgrade the tables of the database
    Migrate,
    /// Write a copy of the embedded database into a folder, while it is in use. The master key is not in it
    Backup {
        /// A folder that does not exist yet
        folder: std::path::PathBuf,
    },
    /// Check that nothing in the logs was changed or left out. Exit code 1 if something was
    Verify {
        /// UUID of the only workspace to look at
        #[arg(long)]
        workspace: Option<String>,
        /// A file with earlier output of this command, or a log of the program: the entries that it
        /// names must still be there
        #[arg(long)]
        against: Option<std::path::PathBuf>,
        /// Seal the ends of logs that an older version of the program wrote, once no copy of it
        /// runs any more
        #[arg(long)]
        seal: bool,
    },
    /// The audit log
    #[command(subcommand)]
    Audit(Audit),
    /// The master key
    #[command(subcommand)]
    Keys(Keys),
    /// Jobs that nobody tries any more
    #[command(subcommand)]
    Queue(Queue),
    /// API tokens
    #[command(subcommand)]
    Tokens(Tokens),
    /// Workspaces
    #[command(subcommand)]
    Tenants(Tenants),
}

/// API tokens.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Make one and show it, once
    Create {
        /// UUID of the workspace
        #[arg(long)]
        workspace: String,
        /// What it may do: upload, upload:any-ref, read, triage
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// Its name, which stands in logs
        #[arg(long)]
        name: String,
        /// UUID of the only repository that it is good for
        #[arg(long)]
        repository: Option<String>,
        /// For how many days it holds
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// List those of a workspace
    List {
        /// UUID of the workspace
        #[arg(long)]
        workspace: String,
    },
    /// End one at once
    Revoke {
        /// UUID of the workspace
        #[arg(long)]
        workspace: String,
        /// Its id
        token: String,
    },
}

/// The audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Write that of a workspace to standard output, an entry a line, as JSON
    Export {
        /// UUID of the workspace
        workspace: String,
        /// Only entries after this number
        #[arg(long, default_value_t = 0)]
        after: u64,
    },
}

/// The master key.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a new master key and seal everything with it. Running copies follow
    Rotate,
}

/// Jobs that nobody tries any more.
#[derive(Debug, Subcommand)]
pub enum Queue {
    /// List them, with the reason
    List,
    /// Try one again, or all
    Retry {
        /// Its id, or `all`
        job: String,
    },
    /// Forget one
    Drop {
        /// Its id
        job: String,
    },
}

/// Workspaces.
#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// List them
    List,
    /// Write everything of one as JSON to standard output
    Export {
        /// UUID of the workspace
        workspace: String,
    },
    /// Forget somebody's name in one. What he did stays, under his account id
    Forget {
        /// UUID of the workspace
        workspace: String,
        /// Atlassian account id of the person
        account: String,
    },
    /// Delete everything of one. The app should be uninstalled there first
    Delete {
        /// UUID of the workspace
        workspace: String,
        /// Really
        #[arg(long)]
        yes: bool,
    },
}
