//! Files of the repository that are made from the code.
//!
//! Owns comparing what is committed with what the code gives, and renewing it when asked to.

use std::path::Path;

/// `docs/NAME` holds just `made`. With `PENSTOCK_UPDATE` set it is written first. `test` is the module that the failure names.
pub(crate) fn is_current(name: &str, made: &str, test: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if renewing() {
        std::fs::create_dir_all(path.parent().unwrap()).expect("the folder can be made");
        std::fs::write(&path, made).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let renew = format!("PENSTOCK_UPDATE=1 cargo test -p penstock --test integration {test}");
    assert!(committed == made, "docs/{name} is out of date; this renews it: {renew}");
}

#[expect(clippy::disallowed_methods, reason = "the program's environment is not asked, the test's is")]
fn renewing() -> bool {
    std::env::var_os("PENSTOCK_UPDATE").is_some()
}
