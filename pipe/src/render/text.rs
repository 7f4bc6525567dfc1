//! `--format text`: for people.
//!
//! Owns the order of what is told: findings by file, each secret once, what is new first; what was suppressed; what was not looked at; the base and
//! the conditions; one line that sums up.
//! Readable without colour, and without a word about time: the same run makes the same bytes.

mod frame;
mod style;

use std::collections::BTreeSet;
use std::io::{self, Write};

use penstock_common::gate::Verdict;
use penstock_common::plain::cut;
use penstock_common::{Change, Finding, Location, Reference, Run, Skipped, SuppressionKind};

use self::style::Style;
use super::clean::line;
use super::cluster::{Cluster, clusters};
use super::{Report, Summary, conditions};

/// Maximum characters of a headline: the description of a third-party rule may be a page long.
const TITLE_MAX: usize = 160;
/// Maximum characters of the message of a finding. The other formats have all of it.
const NOTE_MAX: usize = 500;
/// Places of the same secret that are listed.
const PLACES: usize = 10;
/// Suppressed findings that are listed.
const SUPPRESSED: usize = 50;
/// Fixed findings that are listed.
const FIXED: usize = 50;
/// Skipped subjects that are listed, beside those that make the run incomplete.
const SKIPPED: usize = 10;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut printer = Printer { out, style: Style { color: report.color }, told: BTreeSet::new() };
    let run = report.run;
    match &run.comparison {
        Some(comparison) if comparison.base.kind.is_known() => {
            printer.section("New in this change", run.findings.iter().filter(|one| one.change == Some(Change::New)))?;
            printer.section("Leaked by this change", &comparison.leaked)?;
            printer.section("Existing", run.findings.iter().filter(|one| one.change != Some(Change::New)))?;
            printer.places_of("Fixed", &comparison.fixed)?;
        }
        _ => printer.files(clusters(&run.findings))?,
    }
    printer.suppressed(&run.findings)?;
    printer.skipped(report)?;
    printer.comparison(run)?;
    printer.conditions(run)?;
    let summary = Summary::of(report);
    let last = summary.line(report, line);
    let failed = conditions::verdict(run) == Verdict::Failed;
    let certain = summary.complete && conditions::verdict(run) != Verdict::Unknown;
    writeln!(printer.out, "{}", printer.style.verdict(&last, failed, certain))
}

struct Printer<'o, 'r> {
    out: &'o mut dyn Write,
    style: Style,
    /// Rules of which it was said how to revoke.
    told: BTreeSet<&'r str>,
}

impl<'r> Printer<'_, 'r> {
    /// What counts of these findings, under a title.
    fn section(&mut self, title: &str, findings: impl IntoIterator<Item = &'r Finding>) -> io::Result<()> {
        let clusters = clusters(findings);
        if clusters.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}\n", self.style.section(title))?;
        self.files(clusters)
    }

    fn files(&mut self, clusters: Vec<Cluster<'r>>) -> io::Result<()> {
        let mut file = None;
        for cluster in clusters {
            let path = cluster.first.location.path.as_str();
            if file != Some(path) {
                writeln!(self.out, "{}\n", self.style.heading(&line(path)))?;
                file = Some(path);
            }
            self.cluster(&cluster)?;
        }
        Ok(())
    }

    /// Findings by their places alone.
    fn places_of(&mut self, title: &str, findings: &[Finding]) -> io::Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}", self.style.heading(title))?;
        for finding in findings.iter().take(FIXED) {
            let place = place_of(&finding.location);
            writeln!(self.out, "  {place} {} `{}`", finding.severity, line(&finding.rule))?;
        }
        if findings.len() > FIXED {
            writeln!(self.out, "  and {} more", findings.len() - FIXED)?;
        }
        writeln!(self.out)
    }

    /// The base, what the change does to its own rules, and what else there is to know.
    fn comparison(&mut self, run: &Run) -> io::Result<()> {
        if let Some(comparison) = &run.comparison {
            if !comparison.policy_changes.is_empty() {
                let title = "Changes to the configuration, effective after the merge";
                writeln!(self.out, "{}", self.style.heading(title))?;
                for sentence in &comparison.policy_changes {
                    writeln!(self.out, "  {}", line(sentence))?;
                }
                writeln!(self.out)?;
            }
            writeln!(self.out, "{}", line(&conditions::base(&comparison.base)))?;
            if !comparison.base.hint.is_empty() {
                writeln!(self.out, "hint: {}", line(&comparison.base.hint))?;
            }
        }
        for notice in &run.notices {
            writeln!(self.out, "note: {}: {}", line(&notice.subject), line(&notice.text))?;
        }
        if run.comparison.is_some() || !run.notices.is_empty() {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn conditions(&mut self, run: &Run) -> io::Result<()> {
        if !conditions::are_told(run) {
            return Ok(());
        }
        writeln!(self.out, "{}", self.style.heading("Gate"))?;
        for row in conditions::rows(run) {
            let outcome = self.style.outcome(row.outcome, &format!("{:<14}", row.outcome));
            let told = format!("{:<15} {:>5}  {:<6} {}", line(row.name), row.value, row.bound, line(&row.remark));
            writeln!(self.out, "  {outcome} {}", told.trim_end())?;
        }
        writeln!(self.out)
    }

    fn cluster(&mut self, cluster: &Cluster<'r>) -> io::Result<()> {
        let finding = cluster.first;
        let mut about = format!("`{}`", line(&finding.rule));
        if let Some(validity) = finding.validity {
            about.push_str(&format!(", {}", validity.label()));
        }
        if let Some(encoding) = &finding.decoded_from {
            about.push_str(&format!(", encoded as {}", line(encoding)));
        }
        let place = format!("{}:{}", finding.location.start_line, finding.location.start_column);
        let severity = self.style.severity(finding.severity);
        writeln!(self.out, "  {place} {severity}: {} ({about})", self.style.heading(&cut(&finding.title, TITLE_MAX)))?;
        match &finding.excerpt {
            Some(excerpt) => frame::write(excerpt, &self.style, self.out)?,
            None => {
                if let Some(masked) = &finding.masked {
                    self.note("value", &line(masked))?;
                }
            }
        }
        // A message that only repeats the headline is left out.
        if !finding.message.starts_with(finding.title.as_str()) {
            self.note("note", &cut(&finding.message, NOTE_MAX))?;
        }
        for location in &finding.related {
            self.note("belongs to it", &place_of(location))?;
        }
        self.places(cluster)?;
        if let Some(commit) = &finding.commit {
            let id: String = commit.id.chars().take(12).collect();
            let who = format!("{} <{}>", line(&commit.author), line(&commit.email));
            let told = format!("{} of {} by {who}: {}", line(&id), line(&commit.date), line(&commit.subject));
            self.note("commit", &told)?;
        }
        if !finding.owners.is_empty() {
            self.note("owners", &line(&finding.owners.join(" ")))?;
        }
        if self.told.insert(&finding.rule) {
            self.remedy(finding)?;
        }
        writeln!(self.out)
    }

    fn places(&mut self, cluster: &Cluster<'_>) -> io::Result<()> {
        let others = &cluster.others;
        if others.is_empty() {
            return Ok(());
        }
        let label = if others.len() == 1 { "same secret in 1 more place" } else { "same secret in more places" };
        self.note(label, "")?;
        for other in others.iter().take(PLACES) {
            let mut place = place_of(&other.location);
            if let Some(commit) = &other.commit {
                let id: String = commit.id.chars().take(12).collect();
                place.push_str(&format!(" in commit {}", line(&id)));
            }
            if other.rule != cluster.first.rule {
                place.push_str(&format!(" (`{}`)", line(&other.rule)));
            }
            writeln!(self.out, "        {place}")?;
        }
        if others.len() > PLACES {
            writeln!(self.out, "        and {} more", others.len() - PLACES)?;
        }
        Ok(())
    }

    fn remedy(&mut self, finding: &Finding) -> io::Result<()> {
        let page = finding.references.iter().find_map(|reference| match reference {
            Reference::Url(url) => Some(url),
            _ => None,
        });
        match (&finding.remediation, page) {
            (Some(remedy), _) => self.note("to revoke", &cut(remedy, NOTE_MAX))?,
            (None, None) => return Ok(()),
            (None, Some(_)) => {}
        }
        match page {
            Some(page) => self.note("read more", &line(page)),
            None => Ok(()),
        }
    }

    fn note(&mut self, label: &str, text: &str) -> io::Result<()> {
        let text = if text.is_empty() { String::new() } else { format!(" {text}") };
        writeln!(self.out, "      {} {label}:{text}", self.style.frame("="))
    }

    fn suppressed(&mut self, findings: &[Finding]) -> io::Result<()> {
        let suppressed: Vec<_> = findings.iter().filter_map(|one| Some((one, one.suppression.as_ref()?))).collect();
        if suppressed.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}", self.style.heading("Suppressed"))?;
        for (finding, suppression) in suppressed.iter().take(SUPPRESSED) {
            let means = means(suppression.kind);
            let reason = match suppression.reason.as_str() {
                "" => means.to_owned(),
                reason => format!("{means}: {}", line(reason)),
            };
            let place = place_of(&finding.location);
            writeln!(self.out, "  {place} {} `{}` by {reason}", finding.severity, line(&finding.rule))?;
        }
        if suppressed.len() > SUPPRESSED {
            writeln!(self.out, "  and {} more", suppressed.len() - SUPPRESSED)?;
        }
        writeln!(self.out)
    }

    fn skipped(&mut self, report: &Report<'_>) -> io::Result<()> {
        let all = || report.run.tools.iter().flat_map(|tool| &tool.skipped);
        let unread: Vec<&Skipped> = all().filter(|one| !one.by_limit).collect();
        if !report.run.complete() {
            let title = "Incomplete: not everything could be read";
            writeln!(self.out, "{}", self.style.alarm(title))?;
            for one in unread {
                writeln!(self.out, "  {}: {}", line(&one.subject), line(&one.reason))?;
            }
            writeln!(self.out)?;
        }
        let limited: Vec<&Skipped> = all().filter(|one| one.by_limit).collect();
        if limited.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}", self.style.heading("Skipped by a limit"))?;
        for one in limited.iter().take(SKIPPED) {
            writeln!(self.out, "  {}: {}", line(&one.subject), line(&one.reason))?;
        }
        if limited.len() > SKIPPED {
            writeln!(self.out, "  and {} more", limited.len() - SKIPPED)?;
        }
        writeln!(self.out)
    }
}

/// `path:line:column`, which many terminals and editors open.
fn place_of(location: &Location) -> String {
    format!("{}:{}:{}", line(&location.path), location.start_line, location.start_column)
}

/// By what a finding was suppressed, for people.
pub(super) fn means(kind: SuppressionKind) -> &'static str {
    match kind {
        SuppressionKind::Inline => "a comment",
        SuppressionKind::GitleaksAllowlist => "an allowlist of gitleaks",
        SuppressionKind::GitleaksIgnore => "`.gitleaksignore`",
        SuppressionKind::Configuration => "`penstock.toml`",
        SuppressionKind::Triage => "somebody's judgement",
    }
}
