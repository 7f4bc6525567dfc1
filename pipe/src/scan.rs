//! Looking at content: from a target to findings.
//!
//! Owns bringing checkout and analyzers together: which source is read, with how many threads, and how the findings of all threads become one
//! ordered list. One [`Scan`] may look at several targets, and then knows which of their secrets have the same value. Decides nothing about
//! findings and prints nothing.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use penstock_common::redact::escape_control;
use penstock_common::{Confidence, Masked, Notice, Secret, Skipped, ToolRun};
use sha2::{Digest, Sha256};

use crate::analyze::secrets::allow::Allow;
use crate::analyze::secrets::gitleaks::Layer;
use crate::analyze::secrets::{Engine, Found, Reporter, Scanner, rule};
use crate::checkout::archive::{self, ArchiveLimits};
use crate::checkout::content;
use crate::checkout::{
    self, Coverage, Exclude, Item, Limits, Places, Progress, Repository, TreeOptions, Unread, Visitor, path, platform,
};
use crate::checkout::{history, range, snapshot, staged, stdin, work_tree};

/// How to look.
pub struct Request {
    /// Which files of a tree count.
    pub tree: TreeOptions,
    /// Bounds.
    pub limits: Limits,
    /// Look into archives. Those larger than the limit for files are left out like any other file.
    pub archives: bool,
    /// Least confidence of a finding.
    pub minimum: Confidence,
    /// Of each built-in rule, whether it is in force.
    pub enabled: Vec<bool>,
    /// Patterns of paths to exclude.
    pub exclude: Vec<String>,
    /// What a gitleaks configuration adds.
    pub gitleaks: Option<Arc<Layer>>,
    /// Which comments count.
    pub allow: Allow,
    /// The time of the run, unix seconds.
    pub now: i64,
    /// Random bytes, new for every run.
    pub key: [u8; 16],
}

/// Where to look.
#[derive(Clone)]
pub enum Target {
    /// The files of these paths, or of the current folder.
    Tree(Vec<PathBuf>),
    /// What the next commit would add below these paths, or to the repository around the current
    /// folder.
    Staged(Vec<PathBuf>),
    /// What the commits of a range add, below these paths or in the repository.
    Range(Vec<PathBuf>, String),
    /// Every version of every file that any reference reaches, below these paths or in the
    /// repository.
    History(Vec<PathBuf>),
    /// Standard input under this name.
    Input(String),
    /// The files of a commit, as git's objects hold them.
    Commit(Arc<Repository>, ObjectId),
    /// Some files, as git's objects hold them.
    Files(Arc<Repository>, Vec<snapshot::File>),
    /// What the commits add that the last one has and none of the others has.
    Between(Arc<Repository>, Vec<ObjectId>, ObjectId),
}

impl Target {
    /// In words, as a run names its scope.
    pub fn scope(&self) -> String {
        match self {
            Self::Tree(paths) if paths.is_empty() => "tree .".to_owned(),
            Self::Tree(paths) => format!("tree{}", shown(paths)),
            Self::Staged(paths) => format!("staged{}", shown(paths)),
            Self::Range(paths, range) => format!("range {range}{}", shown(paths)),
            Self::History(paths) => format!("history{}", shown(paths)),
            Self::Input(name) => format!("input {name}"),
            Self::Commit(_, commit) => format!("commit {commit}"),
            Self::Files(_, files) => format!("{} files", files.len()),
            Self::Between(_, _, tip) => format!("commits of {tip}"),
        }
    }
}

/// What a look at a target brought.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// What was found, in a stable order: path, line, column, rule.
    pub found: Vec<Found>,
    /// What was looked at.
    pub tool: ToolRun,
    /// Candidates whose confidence was below the asked for.
    pub below_minimum: u64,
    /// Comments that name rules which do not exist, in a stable order.
    pub unknown_rules: Vec<Notice>,
    /// Files that should have been read and were not, or not completely.
    pub unread: Vec<Unread>,
    /// Files that the configuration or an allowlist excludes.
    pub left_out: u64,
}

/// Why a scan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What should be looked at cannot be.
    #[error(transparent)]
    Checkout(#[from] checkout::Error),
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] history::HistoryError),
    /// There are too many exclude patterns, or they are too large.
    #[error("the paths to leave out cannot be used")]
    Exclude(#[from] ignore::Error),
}

/// Paths behind the name of a scope.
fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!(" {}", path.display())).collect()
}

/// Most values that are kept to be hidden elsewhere.
const SECRETS: usize = 2_000;

/// Maximum number of comments with an unknown rule that are reported.
const UNKNOWN_RULES: usize = 100;

/// Ready to look.
pub struct Scan<'r> {
    request: &'r Request,
    engine: Engine,
    exclude: Exclude,
    archives: Option<ArchiveLimits>,
    /// Values that any look found.
    secrets: Mutex<Vec<Secret>>,
}

impl<'r> Scan<'r> {
    /// Prepares what all looks share.
    pub fn new(request: &'r Request) -> Result<Self, Error> {
        let engine = Engine::new(request.key, request.now, &request.enabled)
            .with_layer(request.gitleaks.clone())
            .with_allow(request.allow.clone());
        let limits = ArchiveLimits { file: request.limits.max_file_size, ..ArchiveLimits::default() };
        Ok(Self {
            request,
            engine,
            exclude: Exclude::new(&request.exclude)?,
            archives: request.archives.then_some(limits),
            secrets: Mutex::default(),
        })
    }

    /// Looks at a target.
    pub fn look(&self, target: &Target, progress: Option<&dyn Progress>) -> Result<Scanned, Error> {
        let request = self.request;
        let trust = &request.tree.trust;
        let open = |paths: &[PathBuf]| -> Result<_, checkout::Error> {
            let (location, places) = Places::find(paths, &trust.environment)?;
            Ok((Repository::open(location, trust)?, places))
        };
        let limits = &request.limits;
        let visitor = || self.visitor();
        let (visitors, coverage) = match target {
            Target::Tree(paths) => work_tree::scan(paths, &request.tree, limits, progress, visitor)?,
            Target::Staged(paths) => {
                let (repository, places) = open(paths)?;
                staged::scan(&repository, &places, limits, progress, visitor)?
            }
            Target::Range(paths, commits) => {
                let (repository, places) = open(paths)?;
                range::scan(&repository, commits, &places, limits, progress, visitor)?
            }
            Target::History(paths) => match open(paths)? {
                (repository, places) if places.is_everything() => {
                    let (mut visitors, mut coverage) =
                        history::history(&repository, limits, progress, || self.filter(), visitor)?;
                    // Contents are filtered before their paths are known, so they count as read
                    // under any path.
                    if let (Some(left_out), Some(first)) = (self.leaves_out_all(&repository)?, visitors.first_mut()) {
                        first.excluded = left_out;
                        coverage.files = 0;
                    }
                    (visitors, coverage)
                }
                // Blobs have no path of their own: to scan certain paths, read the commits.
                (repository, places) => range::scan_history(&repository, &places, limits, progress, visitor)?,
            },
            Target::Input(name) => {
                let input = platform::standard_input().map_err(checkout::Error::Input)?;
                stdin::scan(input, name.as_bytes(), limits, visitor())?
            }
            Target::Commit(repository, commit) => {
                let (files, skipped) = snapshot::files(repository, *commit);
                let (visitors, mut coverage) = snapshot::scan(repository, &files, limits, progress, visitor);
                coverage.skipped.extend(skipped);
                (visitors, coverage)
            }
            Target::Files(repository, files) => snapshot::scan(repository, files, limits, progress, visitor),
            Target::Between(repository, known, tip) => {
                range::scan_between(repository, known, *tip, limits, progress, visitor)
            }
        };
        Ok(self.collect(target, visitors, coverage))
    }

    /// Number of files in the references, if the patterns exclude all of them.
    fn leaves_out_all(&self, repository: &Repository) -> Result<Option<u64>, checkout::Error> {
        if self.request.exclude.is_empty() {
            return Ok(None);
        }
        let mut left_out = 0;
        for tip in repository.tips()? {
            let (files, _) = snapshot::files(repository, tip);
            if files.iter().any(|file| !self.exclude.covers(&file.path)) {
                return Ok(None);
            }
            left_out += files.len() as u64;
        }
        Ok((left_out > 0).then_some(left_out))
    }

    /// Exclude patterns that have not matched any path yet.
    pub fn unmatched_excludes(&self) -> impl Iterator<Item = &str> {
        self.exclude.unmatched()
    }

    /// `text` made fit to be shown, if it may hold what the engine takes for a secret.
    pub fn masked(&self, text: &str) -> Masked {
        Masked::new(&mut self.engine.scanner(), &escape_control(text))
    }

    /// The values of what was found so far, for whoever must keep others from repeating them.
    pub fn into_secrets(self) -> Vec<Secret> {
        self.secrets.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn visitor(&self) -> SecretsVisitor<'_> {
        SecretsVisitor {
            engine: &self.engine,
            scanner: self.engine.scanner(),
            reporter: Reporter::new(self.request.minimum),
            archives: self.archives,
            exclude: &self.exclude,
            layer: self.request.gitleaks.as_deref(),
            excluded: 0,
            allowed: 0,
            skipped: Vec::new(),
            unread: Vec::new(),
            foreign: 0,
        }
    }

    /// Whether content of a history is worth finding out where it stands.
    fn filter(&self) -> impl FnMut(&[u8]) -> bool {
        let engine = &self.engine;
        let archives = self.archives.is_some();
        let mut scanner = engine.scanner();
        let reporter = Reporter::new(self.request.minimum);
        // If a rule fails here it fails again when the blob is looked at, and is told there.
        move |bytes: &[u8]| {
            if archives && archive::is_archive(bytes) {
                return true;
            }
            let looks = AssertUnwindSafe(|| reporter.would_tell(&mut scanner, bytes));
            catch_unwind(looks).unwrap_or_else(|_| {
                scanner = engine.scanner();
                true
            })
        }
    }
}

/// One thread's way through the items.
struct SecretsVisitor<'e> {
    engine: &'e Engine,
    scanner: Scanner<'e>,
    reporter: Reporter,
    /// How far archives are opened, if they are.
    archives: Option<ArchiveLimits>,
    exclude: &'e Exclude,
    /// Files that the configuration excludes.
    excluded: u64,
    layer: Option<&'e Layer>,
    /// Files that an allowlist excludes.
    allowed: u64,
    /// What was passed over within archives, and items on which a rule panicked.
    skipped: Vec<checkout::Skipped>,
    /// The files that this is about.
    unread: Vec<Unread>,
    /// Those of them that were passed on but cannot be decoded.
    foreign: u64,
}

impl Visitor for SecretsVisitor<'_> {
    fn wants(&mut self, path: &[u8], commit: Option<&checkout::CommitInfo>) -> bool {
        if self.exclude.covers(path) {
            self.excluded += 1;
            return false;
        }
        if self.layer.is_some_and(|layer| layer.covers(path, commit.map(|commit| commit.id.as_str()))) {
            self.allowed += 1;
            return false;
        }
        true
    }

    fn visit(&mut self, item: Item<'_>) {
        if let Some(encoding) = content::unread_encoding(item.bytes) {
            let reason = format!("it is text in {encoding}, which is not read");
            self.skipped.push(checkout::Skipped { subject: path::display(item.path), reason, by_limit: true });
            self.unread.push(Unread { path: item.path.to_vec(), by_limit: true });
            self.foreign += 1;
        }
        let found = self.reporter.found.len();
        if catch_unwind(AssertUnwindSafe(|| self.look(item))).is_err() {
            // What the fault left behind is not to be trusted: this item is given up, everything else is not.
            self.reporter.found.truncate(found);
            self.scanner = self.engine.scanner();
            let reason = "a rule failed on it; this is a fault of penstock".to_owned();
            self.skipped.push(checkout::Skipped { subject: path::display(item.path), reason, by_limit: false });
            self.unread.push(Unread { path: item.path.to_vec(), by_limit: false });
        }
        for found in &mut self.reporter.found[found..] {
            item.path.clone_into(&mut found.file);
        }
    }
}

impl SecretsVisitor<'_> {
    fn look(&mut self, item: Item<'_>) {
        match &self.archives {
            Some(limits) if archive::is_archive(item.bytes) => {
                let (scanner, reporter) = (&mut self.scanner, &mut self.reporter);
                let skipped = archive::visit_entries(item, limits, &mut |entry| reporter.scan(scanner, &entry));
                // A file in an archive is new if the archive is.
                if let Some(by_limit) = skipped.iter().map(|skipped| skipped.by_limit).reduce(|one, other| one && other)
                {
                    self.unread.push(Unread { path: item.path.to_vec(), by_limit });
                }
                self.skipped.extend(skipped);
            }
            _ => self.reporter.scan(&mut self.scanner, &item),
        }
    }
}

impl Scan<'_> {
    /// Puts the findings of all threads into one order, so that the number of threads leaves no trace.
    fn collect(&self, target: &Target, visitors: Vec<SecretsVisitor<'_>>, mut coverage: Coverage) -> Scanned {
        let mut found: Vec<Found> = Vec::new();
        let mut below_minimum = 0;
        let mut unknown_rules = Vec::new();
        let (mut excluded, mut allowed) = (0, 0);
        for visitor in visitors {
            below_minimum += visitor.reporter.below_minimum;
            for (subject, count) in visitor.reporter.omitted {
                let reason = format!("{count} further findings in this file are not listed");
                coverage.skipped.push(checkout::Skipped { subject, reason, by_limit: true });
            }
            coverage.skipped.extend(visitor.reporter.notices);
            unknown_rules.extend(visitor.reporter.unknown_rules);
            allowed += visitor.allowed;
            excluded += visitor.excluded;
            coverage.files = coverage.files.saturating_sub(visitor.foreign);
            coverage.unread.extend(visitor.unread);
            found.extend(visitor.reporter.found);
            coverage.skipped.extend(visitor.skipped);
        }
        let reasons = [
            (excluded, "left out by the configuration"),
            (allowed, "left out by an allowlist of the gitleaks configuration"),
        ];
        for (files, reason) in reasons.into_iter().filter(|(files, _)| *files > 0) {
            let subject = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            coverage.skipped.push(checkout::Skipped { subject, reason: reason.to_owned(), by_limit: true });
        }
        coverage.sum_up();
        coverage.skipped.extend(self.request.gitleaks.iter().flat_map(|layer| layer.notices()).cloned());
        // A file may be called by a secret, and reasons may quote what they are about.
        let mut scanner = self.engine.scanner();
        let complete = coverage.complete();
        let mut mask = |text: &str| Masked::new(&mut scanner, text);
        let skipped = coverage.skipped.iter().map(|skipped| Skipped {
            subject: mask(&skipped.subject),
            reason: mask(&skipped.reason),
            by_limit: skipped.by_limit,
        });
        let mut skipped: Vec<Skipped> = skipped.collect();
        skipped.sort();
        found.sort_by(|a, b| order(a).cmp(&order(b)));
        unknown_rules.sort();
        unknown_rules.dedup();
        unknown_rules.truncate(UNKNOWN_RULES);
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = SECRETS.saturating_sub(secrets.len());
        secrets.extend(found.iter().flat_map(|one| &one.values).take(left).cloned());
        let tool = ToolRun {
            name: "penstock".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            configuration: configuration(self.request),
            scope: mask(&target.scope()),
            complete,
            files: coverage.files,
            bytes: coverage.bytes,
            skipped,
        };
        let (unread, left_out) = (coverage.unread, excluded + allowed);
        Scanned { found, tool, below_minimum, unknown_rules, unread, left_out }
    }
}

/// Numbers the findings that hold the same secret. Several lists are one list here, told one after the other.
pub fn group(lists: &mut [&mut [Found]]) {
    let mut members: BTreeMap<u128, u32> = BTreeMap::new();
    for one in lists.iter().flat_map(|list| list.iter()) {
        *members.entry(one.identity).or_default() += 1;
    }
    // Numbered by first appearance: the identity itself is random and must leave no trace.
    let mut numbers: BTreeMap<u128, u32> = BTreeMap::new();
    for one in lists.iter_mut().flat_map(|list| list.iter_mut()) {
        if members[&one.identity] > 1 {
            let next = numbers.len() as u32 + 1;
            one.finding.group = Some(*numbers.entry(one.identity).or_insert(next));
        }
    }
}

/// Stands for everything that decides which findings there are, so that a change of rules can be told from a change of code.
fn configuration(request: &Request) -> String {
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(request.minimum.name().as_bytes());
    let layer = request.gitleaks.as_deref();
    for (index, rule) in rule::builtin().iter().enumerate() {
        if request.enabled.get(index).copied().unwrap_or(true) && !layer.is_some_and(|layer| layer.is_muted(index)) {
            add(rule.id.as_bytes());
        }
    }
    add(b"left out");
    for glob in &request.exclude {
        add(glob.as_bytes());
    }
    if request.archives {
        add(b"archives");
    }
    if let Some(layer) = layer {
        add(layer.digest());
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn order(found: &Found) -> impl Ord + '_ {
    let finding = &found.finding;
    (&finding.location, &finding.rule, &finding.commit, &finding.fingerprints)
}
