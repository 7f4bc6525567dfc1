//! Looking at content: from a target to findings.
//!
//! Owns bringing checkout and analyzers together: which source is read, with how many threads, and how the findings of all threads become one
//! ordered list. One [`Scan`] may look at several targets, and then knows which of their secrets have the same value. Decides nothing about
//! findings and prints nothing.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use penstock_common::redact::escape_control;
use penstock_common::{Confidence, Secret, Skipped, ToolRun};
use sha2::{Digest, Sha256};

use crate::analyze::secrets::gitleaks::Layer;
use crate::analyze::secrets::{Engine, Found, Reporter, Scanner, redact_text, rule};
use crate::checkout::archive::{self, ArchiveLimits};
use crate::checkout::platform::path_name;
use crate::checkout::{self, Coverage, Item, Limits, Progress, Repository, TreeOptions, Visitor, path};
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
    /// Globs of paths to leave out.
    pub exclude: Vec<String>,
    /// What a gitleaks configuration adds.
    pub gitleaks: Option<Arc<Layer>>,
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
    /// What the next commit would add to the repository that the path lies in.
    Staged(PathBuf),
    /// What the commits of a range add to the repository that the path lies in.
    Range(PathBuf, String),
    /// Every blob that any reference of the repository reaches.
    History(PathBuf),
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
            Self::Tree(paths) => {
                let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                format!("tree {}", shown.join(" "))
            }
            Self::Staged(_) => "staged".to_owned(),
            Self::Range(_, range) => format!("range {range}"),
            Self::History(_) => "history".to_owned(),
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
    /// The globs of what to leave out are too many or too large.
    #[error("the paths to leave out cannot be used")]
    Exclude(#[from] globset::Error),
}

/// Most values that are kept to be hidden elsewhere.
const SECRETS: usize = 2_000;

/// Ready to look.
pub struct Scan<'r> {
    request: &'r Request,
    engine: Engine,
    exclude: GlobSet,
    archives: Option<ArchiveLimits>,
    /// Values that any look found.
    secrets: Mutex<Vec<Secret>>,
}

impl<'r> Scan<'r> {
    /// Prepares what all looks share.
    pub fn new(request: &'r Request) -> Result<Self, Error> {
        let engine = Engine::new(request.key, request.now, &request.enabled).with_layer(request.gitleaks.clone());
        let globs = request.exclude.iter();
        let globs = globs.filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok());
        let exclude = globs.fold(GlobSetBuilder::new(), |mut set, glob| {
            set.add(glob);
            set
        });
        let limits = ArchiveLimits { file: request.limits.max_file_size, ..ArchiveLimits::default() };
        Ok(Self {
            request,
            engine,
            exclude: exclude.build()?,
            archives: request.archives.then_some(limits),
            secrets: Mutex::default(),
        })
    }

    /// Looks at a target.
    pub fn look(&self, target: &Target, progress: Option<&dyn Progress>) -> Result<Scanned, Error> {
        let request = self.request;
        let open = |path: &Path| Repository::discover(path, &request.tree.trust);
        let limits = &request.limits;
        let visitor = || self.visitor();
        let (visitors, coverage) = match target {
            Target::Tree(paths) => work_tree::scan(paths, &request.tree, limits, progress, visitor)?,
            Target::Staged(path) => staged::scan(&open(path)?, limits, progress, visitor)?,
            Target::Range(path, commits) => range::scan(&open(path)?, commits, limits, progress, visitor)?,
            Target::History(path) => history::history(&open(path)?, limits, progress, || self.filter(), visitor)?,
            Target::Input(name) => stdin::scan(std::io::stdin().lock(), name.as_bytes(), limits, visitor())?,
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

    /// `text` made fit to be shown, if it may hold what the engine takes for a secret.
    pub fn masked(&self, text: &str) -> String {
        redact_text(&mut self.engine.scanner(), &escape_control(text))
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
            excluded: (0, 0),
            allowed: (0, 0),
            skipped: Vec::new(),
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
    exclude: &'e GlobSet,
    /// Files and bytes that the configuration leaves out.
    excluded: (u64, u64),
    layer: Option<&'e Layer>,
    /// Files and bytes that an allowlist leaves out.
    allowed: (u64, u64),
    /// What was passed over within archives, and items on which a rule panicked.
    skipped: Vec<Skipped>,
}

impl Visitor for SecretsVisitor<'_> {
    fn visit(&mut self, item: Item<'_>) {
        if !self.exclude.is_empty() && self.exclude.is_match(&*path_name(item.path)) {
            self.excluded.0 += 1;
            self.excluded.1 += item.bytes.len() as u64;
            return;
        }
        let commit = item.commit.map(|commit| commit.id.as_str());
        if self.layer.is_some_and(|layer| layer.covers(item.path, commit)) {
            self.allowed.0 += 1;
            self.allowed.1 += item.bytes.len() as u64;
            return;
        }
        let found = self.reporter.found.len();
        if catch_unwind(AssertUnwindSafe(|| self.look(item))).is_err() {
            // What the fault left behind is not to be trusted: this item is given up, everything else is not.
            self.reporter.found.truncate(found);
            self.scanner = self.engine.scanner();
            let reason = "a rule failed on it; this is a fault of penstock".to_owned();
            self.skipped.push(Skipped { subject: path::display(item.path), reason, by_limit: false });
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
        let mut excluded = (0, 0);
        let mut allowed = (0, 0);
        for visitor in visitors {
            below_minimum += visitor.reporter.below_minimum;
            for (subject, count) in visitor.reporter.omitted {
                let reason = format!("{count} further findings in this file are not listed");
                coverage.skipped.push(Skipped { subject, reason, by_limit: true });
            }
            coverage.skipped.extend(visitor.reporter.notices);
            allowed = (allowed.0 + visitor.allowed.0, allowed.1 + visitor.allowed.1);
            excluded = (excluded.0 + visitor.excluded.0, excluded.1 + visitor.excluded.1);
            found.extend(visitor.reporter.found);
            coverage.skipped.extend(visitor.skipped);
        }
        let reasons = [
            (excluded, "left out by the configuration"),
            (allowed, "left out by an allowlist of the gitleaks configuration"),
        ];
        for ((files, bytes), reason) in reasons.into_iter().filter(|((files, _), _)| *files > 0) {
            coverage.files -= files;
            coverage.bytes -= bytes;
            let subject = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            coverage.skipped.push(Skipped { subject, reason: reason.to_owned(), by_limit: true });
        }
        coverage.skipped.extend(self.request.gitleaks.iter().flat_map(|layer| layer.notices()).cloned());
        // A file may be called by a secret, and reasons may quote what they are about.
        let mut scanner = self.engine.scanner();
        for skipped in &mut coverage.skipped {
            skipped.subject = redact_text(&mut scanner, &skipped.subject);
            skipped.reason = redact_text(&mut scanner, &skipped.reason);
        }
        coverage.skipped.sort();
        found.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = SECRETS.saturating_sub(secrets.len());
        secrets.extend(found.iter().take(left).map(|one| one.value.clone()));
        let tool = ToolRun {
            name: "penstock".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            configuration: configuration(self.request),
            scope: target.scope(),
            complete: coverage.complete(),
            files: coverage.files,
            bytes: coverage.bytes,
            skipped: coverage.skipped,
        };
        Scanned { found, tool, below_minimum }
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
