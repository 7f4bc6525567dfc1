//! What kind of file a path names, as far as it matters for values without a vendor's mark.
//!
//! Owns the tables of endings and names. Knows only the path.

/// Kinds that are judged differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Source code: a bare word is a variable.
    Code,
    /// Configuration, data, shell, documents: a bare word may be a value.
    Text,
    /// Hashes by the thousand: nothing without a vendor's mark counts.
    Lock,
    /// Style sheets, pictures as text, generated and minified files: likewise.
    Generated,
    /// Texts for people in their languages: a password there is the word for one.
    Translation,
    /// No text at all. Told by content, never by path.
    Binary,
}

#[rustfmt::skip]
const CODE: &[&str] = &[
    "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "cs", "vb", "fs", "go", "java", "kt", "kts", "scala", "groovy",
    "gradle", "swift", "m", "mm", "rs", "py", "pyx", "pyi", "rb", "php", "pl", "pm", "lua", "js", "jsx", "mjs", "cjs",
    "ts", "tsx", "vue", "svelte", "dart", "ex", "exs", "erl", "hs", "clj", "cljs", "ml", "r", "jl", "zig", "nim", "d",
    "pas", "sol", "ps1", "psm1", "tf", "hcl", "proto", "cshtml", "jsp", "aspx", "erb", "ejs", "twig", "coffee", "elm",
    "v", "asm", "s",
];
#[rustfmt::skip]
const LOCK_NAMES: &[&str] = &[
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "cargo.lock",
    "poetry.lock", "pipfile.lock", "uv.lock", "pdm.lock", "composer.lock", "gemfile.lock", "go.sum",
    "packages.lock.json", "podfile.lock", "pubspec.lock", "mix.lock", "flake.lock", "gradle.lockfile",
    "verification-metadata.xml", "cartfile.resolved", "package.resolved", ".terraform.lock.hcl", "conan.lock",
    ".yarn-integrity", "deno.lock", "berksfile.lock", "chart.lock", "paket.lock", "project.assets.json",
    "manifest.json.sha256", "sha256sums", "sha512sums", "checksums.txt", "record",
];
#[rustfmt::skip]
const GENERATED: &[&str] = &[
    "css", "scss", "less", "svg", "map", "lock", "sum", "snap", "pbtxt", "po", "pot", "xlf", "strings", "resx",
    "woff", "eot", "ipa", "min", "wat", "sha256", "sha512", "md5", "asc", "sig",
];

/// The kind that the path tells; [`FileKind::Text`] where it tells nothing.
pub(super) fn of(path: &[u8]) -> FileKind {
    // In archives: `outer.zip!.env`.
    let name = path.rsplit(|&b| b == b'/' || b == b'!').next().unwrap_or(path);
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    if LOCK_NAMES.contains(&name.as_str()) {
        return FileKind::Lock;
    }
    if name.contains(".min.")
        || name.ends_with("-min.js")
        || name.ends_with(".bundle.js")
        || name.ends_with(".chunk.js")
    {
        return FileKind::Generated;
    }
    if is_translation(path, &name) {
        return FileKind::Translation;
    }
    let Some((_, ending)) = name.rsplit_once('.') else { return FileKind::Text };
    if GENERATED.contains(&ending) {
        FileKind::Generated
    } else if CODE.contains(&ending) {
        FileKind::Code
    } else {
        FileKind::Text
    }
}

fn is_translation(path: &[u8], name: &str) -> bool {
    #[rustfmt::skip]
    const FOLDERS: &[&[u8]] = &[
        b"locale", b"locales", b"lang", b"langs", b"language", b"languages", b"i18n", b"l10n", b"translations",
        b"translation", b"nls", b"messages",
    ];
    let separates = |b: &u8| matches!(b, b'/' | b'!');
    let folders = path.iter().rposition(separates).map_or(&b""[..], |end| &path[..end]);
    folders.split(separates).any(|folder| FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known)))
        || name.starts_with("messages_")
        || name.starts_with("messages.")
        || name.starts_with("localstrings")
        || name.strip_suffix(".properties").is_some_and(ends_with_language)
        || name.ends_with(".lproj")
}

/// `…_de`, `…_pt_br`
fn ends_with_language(stem: &str) -> bool {
    stem.rsplit('_')
        .next()
        .is_some_and(|code| code.len() == 2 && code.len() < stem.len() && code.bytes().all(|b| b.is_ascii_lowercase()))
}
