//! A library for payments: little debt, and a leak in the middle that came through a pull request in spite of the gate.

use penstock_sandbox::Commit;

use super::secrets::fill;
use super::{OWNER, Telling, WRITER};

pub(super) fn tell(payments: &mut Telling) {
    let first = Commit::new("Begin\n")
        .write("README.md", "# Payments\n\nTakes money.\n")
        .write("src/ledger.py", "def balance(entries):\n    return sum(entries)\n")
        .write("tests/sample.py", fill("SAMPLE = \"sk_live_<alnum:24>\"\n"))
        .write("config/vault.hcl", fill("token = \"hvs.<alnum:24>\"\n"));
    payments.push(0, OWNER, first);
    payments.ordinary(1..59, &["src/ledger", "src/refunds", "src/currency"]);

    let leak = fill("CLIENT = \"bank\"\nclient_secret = \"<alnum:40>\"\n");
    let commit = Commit::new("Speak to the bank\n").write("src/bank.py", leak);
    payments.change(20, WRITER, "feature/bank", "Speak to the bank", vec![commit]);
    payments.merge(21, OWNER, "feature/bank");
    let read = "import os\nCLIENT = \"bank\"\nclient_secret = os.environ[\"BANK\"]\n";
    payments.push(29, OWNER, Commit::new("Take the bank's secret out\n").write("src/bank.py", read));
    // It is back: somebody restored the file from an old copy.
    let again = fill("CLIENT = \"bank\"\nclient_secret = \"<alnum:40>\"\n");
    payments.push(37, WRITER, Commit::new("Restore the bank's client\n").write("src/bank.py", again));
    payments.push(39, OWNER, Commit::new("Take it out again\n").write("src/bank.py", read));

    for (day, branch, title, path) in [
        (9, "feature/refunds", "Refund in parts", "src/refunds/parts.py"),
        (33, "feature/currency", "Take other currencies", "src/currency/other.py"),
        (50, "fix/idempotency", "Take each payment once", "src/ledger/once.py"),
    ] {
        let commit = Commit::new("Do it\n").write(path, "def run(items):\n    return list(items)\n");
        payments.change(day, WRITER, branch, title, vec![commit]);
        payments.merge(day + 2, OWNER, branch);
    }
    let commits = vec![
        Commit::new("Sign requests\n").write("src/sign.py", fill("SIGNING_KEY = \"<hex:64>\"\n")),
        Commit::new("Read the key from the environment\n")
            .write("src/sign.py", "import os\nSIGNING_KEY = os.environ[\"KEY\"]\n"),
    ];
    payments.change(58, WRITER, "feature/sign", "Sign requests", commits);
    payments.judge("tests/sample.py", "false_positive", "the provider's documented sample", None);
}
