//! No output holds a secret: canaries in every form and place, and every format searched for them.

use base64_of::base64;

use crate::expand::expand;
use crate::folder::{Folder, token};
use crate::pack::{stored, zip};
use crate::run::{Penstock, Told};

/// Parts of a secret as long as this must not appear either.
const PIECE: usize = 12;

/// Values that must not be seen, in the forms in which they stand in the input.
struct Canaries(Vec<String>);

impl Canaries {
    fn plant(&mut self, secret: String) -> String {
        self.0.push(secret.clone());
        secret
    }

    fn assert_absent(&self, told: &Told, from: &str) {
        for secret in &self.0 {
            // What follows a vendor's public mark.
            let value = secret.strip_prefix("glpat-").unwrap_or(secret);
            for out in [&told.stdout, &told.stderr] {
                let windows = value.len().saturating_sub(PIECE);
                let seen = (0..=windows).find(|at| out.contains(&value[*at..(at + PIECE).min(value.len())]));
                let line = seen
                    .and_then(|at| out.lines().find(|line| line.contains(&value[at..(at + PIECE).min(value.len())])));
                assert_eq!(line, None, "{secret} is seen in {from}");
            }
        }
    }
}

/// Base64, written here because nothing else needs it.
mod base64_of {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pub(super) fn base64(bytes: &[u8]) -> String {
        let letter = |chunk: &[u8], at: usize| {
            let word = chunk.iter().chain(&[0, 0]).take(3).fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
            if at > chunk.len() { '=' } else { char::from(LETTERS[word >> (18 - 6 * at) & 63]) }
        };
        bytes.chunks(3).flat_map(|chunk| (0..4).map(move |at| letter(chunk, at))).collect()
    }
}

/// A repository full of secrets, in the tree and in what is said about it.
fn planted() -> (Folder, Canaries) {
    let mut seen = Canaries(Vec::new());
    let folder = Folder::repository();
    let password = |seed: u64| expand("{{alnum:16}}", seed);
    let (a, b, c) = (seen.plant(token(1)), seen.plant(token(2)), seen.plant(token(3)));
    folder.write("neighbours.env", format!("A={a} B={b}\nPASSWORD={}\nNEXT={c}\n", seen.plant(password(4))));
    let encoded = base64(format!("token={}", seen.plant(token(5))).as_bytes());
    folder.write("encoded.yml", format!("data:\n  config: {}\n", seen.plant(encoded)));
    let allowed = format!("x = '{}'  # penstock: allow it is {}\n", seen.plant(token(6)), seen.plant(token(7)));
    folder.write("allowed.py", format!("{allowed}y = '{}'\n", seen.plant(token(8))));
    let repeated = seen.plant(password(9));
    folder.write("repeated.py", format!("password = '{repeated}'\nprint('{repeated}')\ntoken = '{}'\n", token(1)));
    folder.write(format!("{}.env", seen.plant(token(10))), format!("T={}\n", seen.plant(token(11))));
    folder.write(format!("{}/pipe.env", seen.plant(token(12))), format!("T={}\n", seen.plant(token(13))));
    let long = format!("{} {} {}", "word ".repeat(400), seen.plant(token(14)), "word ".repeat(400));
    folder.write("long.txt", format!("{long}{} {}\n", seen.plant(token(15)), "word ".repeat(99)));
    let url = format!("https://user:{}@host.internal/{}", seen.plant(password(16)), seen.plant(token(17)));
    folder.write("url.sh", format!("curl {url}\n"));
    let wide: Vec<u8> =
        format!("token = {}\r\n", seen.plant(token(18))).encode_utf16().flat_map(u16::to_le_bytes).collect();
    folder.write("wide.txt", wide);
    let inner = format!("T={}\n", seen.plant(token(19)));
    folder.write("x.zip", zip(&[stored(&seen.plant(token(20)), inner.as_bytes()), stored("broken", b"")]));
    folder.write(format!("{}.zip", seen.plant(token(21))), b"PK\x03\x04 and no more");
    folder.write(format!("{}.big", seen.plant(token(22))), vec![b'x'; 30_000]);
    // A form that is known, with a checksum that does not hold, and one whose context speaks against it.
    let doubtful = expand("ghp_{{alnum:36}}", 23);
    folder.write("doubtful.md", format!("for example {} {}\n", seen.plant(doubtful), seen.plant(token(24))));
    folder.commit(&format!("rotate {} and password={}", seen.plant(token(25)), seen.plant(password(26))));
    folder.git(&[
        "commit",
        "-q",
        "--amend",
        "--author",
        &format!("{} <{}@x>", seen.plant(token(27)), seen.plant(token(28))),
        "--no-edit",
    ]);
    (folder, seen)
}

#[test]
fn no_format_of_any_source_shows_a_secret() {
    let (folder, seen) = planted();
    let sources: [&[&str]; 4] = [
        &["--archives", "--max-file-size", "20kB"],
        &["--history"],
        &["--min-confidence", "high"],
        &["--rule", "github-pat"],
    ];
    for source in sources {
        for format in ["text", "json", "jsonl", "sarif", "junit", "markdown"] {
            let scan = Penstock::new().args(["scan", "--color", "always", "--format", format]).args(source);
            let told = scan.dir(folder.path()).run_colored();
            assert!(told.code < 2, "{}", told.stderr);
            seen.assert_absent(&told, &format!("{source:?} {format}"));
        }
    }
}

#[test]
fn no_report_file_shows_a_secret() {
    let (folder, seen) = planted();
    let reports = Folder::new();
    let outputs = ["json", "sarif", "junit", "markdown", "text"].map(|format| (format, reports.at(format)));
    let arguments = outputs.iter().map(|(format, path)| format!("--output={format}={}", path.display()));
    let told = Penstock::new().arg("scan").args(arguments).dir(folder.path()).run();
    assert_eq!(told.code, 1, "{}", told.stderr);
    for (format, path) in outputs {
        let stdout = std::fs::read_to_string(path).unwrap();
        assert!(stdout.len() > 1000);
        seen.assert_absent(&Told { code: 0, stdout, stderr: String::new() }, format);
    }
}

#[test]
fn no_message_shows_a_secret() {
    let (_, seen) = planted();
    let folder = Folder::new();
    folder.write("penstock.toml", format!("[secrets]\ndisable = [\"{}\"]\n", token(1)));
    for arguments in
        [&["scan"][..], &["scan", &token(2)], &["scan", "--rule", &token(3)], &["scan", "--range", &token(5)]]
    {
        seen.assert_absent(&Penstock::new().args(arguments).dir(folder.path()).run(), &format!("{arguments:?}"));
    }
    folder.write("penstock.toml", format!("{} = {}\n", token(6), token(7)));
    seen.assert_absent(&Penstock::new().arg("scan").dir(folder.path()).run(), "a broken configuration");
}
