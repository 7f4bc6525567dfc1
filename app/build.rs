//! The assets of the pages: joined, named by what is in them, and compressed, so that the program serves bytes and nothing else.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Digits of the digest in a name.
const DIGITS: usize = 12;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=templates");
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut code = String::new();
    for (constant, kind, end, files) in [
        ("STYLE", "text/css; charset=utf-8", "css", &["tokens.css", "penstock.css"][..]),
        ("SCRIPT", "text/javascript; charset=utf-8", "js", &["penstock.js"][..]),
    ] {
        let mut bytes = Vec::new();
        for file in files {
            bytes.extend(fs::read(here.join("assets").join(file))?);
        }
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("penstock-{}.{end}", &digest[..DIGITS]);
        fs::write(out.join(&name), &bytes)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?;
        let include = |path: &Path| format!("include_bytes!({:?})", path.display().to_string());
        let (plain, gzip) = (include(&out.join(&name)), include(&out.join(format!("{name}.gz"))));
        // Writing to a string cannot fail.
        let _ = writeln!(
            code,
            "pub(super) static {constant}: Asset = Asset {{ name: {name:?}, kind: {kind:?}, plain: {plain}, gzip: {gzip} }};"
        );
    }
    fs::write(out.join("assets.rs"), code)
}

#[expect(clippy::disallowed_methods, reason = "this is how cargo talks to a build script")]
fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
