//! The notation of a file, which decides where its values end.
//!
//! Owns the table of file names and extensions. Knows only the path.

/// A family of formats whose values end by the same rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::analyze::secrets) enum Notation {
    /// The path is unknown: every reading that any notation allows counts.
    Unknown,
    /// Prose, logs and formats without rules of their own.
    Text,
    /// `NAME=value`, up to the end of the line.
    Dotenv,
    /// Words of a shell, and of a Dockerfile.
    Shell,
    Yaml,
    /// Java's properties: up to the end of the line, which a backslash continues.
    Properties,
    /// Sections of `name = value`, up to the end of the line.
    Ini,
    Toml,
    Json,
    /// XML and HTML.
    Markup,
    Sql,
    /// A language in which a backslash escapes within a string.
    Code,
    /// A language in which only a doubled mark escapes: Basic, Pascal, PowerShell.
    Basic,
}

/// The notation of files with this extension, or with this name if it has no extension; in lower
/// case.
#[rustfmt::skip]
fn by_ending(ending: &[u8]) -> Notation {
    match ending {
        b"env" | b"envrc" => Notation::Dotenv,
        b"sh" | b"bash" | b"zsh" | b"ksh" | b"fish" | b"profile" | b"bashrc" | b"zshrc" | b"dockerfile" |
        b"containerfile" => Notation::Shell,
        b"yml" | b"yaml" | b"eyaml" | b"sls" => Notation::Yaml,
        b"properties" | b"props" => Notation::Properties,
        b"ini" | b"cfg" | b"conf" | b"cnf" | b"npmrc" | b"pypirc" | b"gitconfig" | b"s3cfg" | b"service" |
        b"desktop" | b"inf" | b"reg" | b"credentials" | b"netrc" | b"_netrc" => Notation::Ini,
        b"toml" => Notation::Toml,
        b"json" | b"jsonc" | b"json5" | b"jsonl" | b"ndjson" | b"ipynb" | b"tfstate" | b"geojson" |
        b"webmanifest" | b"har" => Notation::Json,
        b"xml" | b"html" | b"htm" | b"xhtml" | b"plist" | b"csproj" | b"vbproj" | b"fsproj" | b"pom" | b"wsdl" |
        b"xsd" | b"xaml" | b"resx" | b"settings" | b"jsp" | b"aspx" | b"cshtml" | b"xsl" | b"xslt" | b"svg" |
        b"nuspec" | b"dtsx" | b"jmx" | b"jrxml" | b"rdl" => Notation::Markup,
        b"sql" | b"ddl" | b"dml" | b"psql" | b"pgsql" | b"mysql" | b"plsql" | b"hql" => Notation::Sql,
        b"vb" | b"vbs" | b"bas" | b"pas" | b"dpr" | b"ps1" | b"psm1" | b"psd1" | b"st" | b"ads" | b"adb" => Notation::Basic,
        b"c" | b"cc" | b"cpp" | b"cxx" | b"h" | b"hh" | b"hpp" | b"cs" | b"fs" | b"go" | b"java" | b"kt" |
        b"kts" | b"scala" | b"groovy" | b"gradle" | b"swift" | b"m" | b"mm" | b"rs" | b"py" | b"pyx" | b"pyi" |
        b"rb" | b"php" | b"pl" | b"pm" | b"lua" | b"js" | b"jsx" | b"mjs" | b"cjs" | b"ts" | b"tsx" | b"vue" |
        b"svelte" | b"dart" | b"ex" | b"exs" | b"erl" | b"hs" | b"clj" | b"cljs" | b"ml" | b"r" | b"jl" |
        b"zig" | b"nim" | b"d" | b"sol" | b"tf" | b"hcl" | b"tfvars" | b"proto" | b"erb" | b"ejs" | b"twig" |
        b"coffee" | b"elm" | b"v" | b"asm" | b"s" => Notation::Code,
        _ => Notation::Text,
    }
}

impl Notation {
    /// The notation of the file at `path`; an empty path is unknown.
    pub(in crate::analyze::secrets) fn of(path: &[u8]) -> Self {
        if path.is_empty() {
            return Self::Unknown;
        }
        let name = path.rsplit(|&b| b == b'/' || b == b'!').next().unwrap_or(path);
        let begins = |start: &[u8]| name.len() >= start.len() && name[..start.len()].eq_ignore_ascii_case(start);
        let ends = |end: &[u8]| name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end);
        if begins(b".env") || begins(b"env.") {
            return Self::Dotenv;
        }
        if begins(b"dockerfile") || begins(b"containerfile") {
            return Self::Shell;
        }
        // Other files with this extension are not XML.
        if ends(b"web.config") || ends(b"app.config") || ends(b"nuget.config") {
            return Self::Markup;
        }
        let ending = name.rsplit(|b| *b == b'.').next().unwrap_or(name);
        let mut lower = [0; 16];
        let Some(lower) = lower.get_mut(..ending.len()) else { return Self::Text };
        lower.copy_from_slice(ending);
        lower.make_ascii_lowercase();
        by_ending(lower)
    }

    /// Whether a value without quotes may be the rest of the line.
    pub(in crate::analyze::secrets) fn has_whole_lines(self) -> bool {
        matches!(self, Self::Dotenv | Self::Properties | Self::Ini | Self::Yaml)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_are_known_by_name() {
        for (path, notation) in [
            ("", Notation::Unknown),
            (".env", Notation::Dotenv),
            ("deploy/.env.production", Notation::Dotenv),
            ("prod.env", Notation::Dotenv),
            ("application.yml", Notation::Yaml),
            ("a.zip!b/application.properties", Notation::Properties),
            ("Dockerfile.dev", Notation::Shell),
            ("Web.config", Notation::Markup),
            ("setup.cfg", Notation::Ini),
            (".npmrc", Notation::Ini),
            ("README.md", Notation::Text),
            ("Main.java", Notation::Code),
        ] {
            assert_eq!(Notation::of(path.as_bytes()), notation, "{path}");
        }
    }
}
