//! A shop: much old debt, which is paid down; secrets that come in and are fixed; and the pull requests that are open now.

use penstock_sandbox::Commit;

use super::secrets::fill;
use super::{ADMIN, Act, OWNER, Telling, WRITER};

pub(super) fn tell(shop: &mut Telling) {
    begin(shop);
    shop.ordinary(
        (1..59).flat_map(|day| if day % 6 == 5 { vec![day, day] } else { vec![day] }),
        &["src/cart", "src/orders", "src/stock", "src/mail"],
    );
    pay_down(shop);
    merged(shop);
    open(shop);
    shop.judge("tests/fixtures/login.py", "used_in_tests", "a made-up account of the tests", None);
    shop.judge("docs/examples.md", "false_positive", "the documentation of the payment provider shows this key", None);
    shop.judge("config/legacy.yml", "accepted_risk", "the old warehouse is switched off in spring", Some(90));
    shop.judge("deploy/backup.sh", "confirmed", "to be rotated by the operators", None);
}

fn begin(shop: &mut Telling) {
    let mut first = Commit::new("Begin\n")
        .write("README.md", "# Shop\n\nSells things.\n")
        .write("src/main.py", "def main():\n    return 0\n");
    for (path, form) in [
        ("config/settings.py", "HOST = \"db.internal\"\npassword = \"<alnum:20>\"\n"),
        ("config/legacy.yml", "api:\n  password: <alnum:22>\n"),
        ("config/cache.ini", "[redis]\nurl = redis://:<alnum:24>@cache.internal:6379/0\n"),
        ("config/search.py", "SEARCH = \"https://shop:<alnum:20>@search.internal/\"\n"),
        ("config/mail.ini", "[smtp]\nuser = shop\npassword = <alnum:18>\n"),
        ("config/queue.env", "AMQP_URL=amqp://shop:<alnum:20>@queue.internal/shop\n"),
        ("deploy/backup.sh", "export AWS_ACCESS_KEY_ID=AKIA<upper:16>\nexport AWS_SECRET_ACCESS_KEY=<alnum:40>\n"),
        ("deploy/notify.sh", "curl -d '{}' https://hooks.slack.com/services/T<upper:10>/B<upper:10>/<alnum:24>\n"),
        ("deploy/registry.npmrc", "//registry.npmjs.org/:_authToken=npm_<alnum:36>\n"),
        ("tests/fixtures/login.py", "USER = \"probe\"\npassword = \"<alnum:16>\"\n"),
        ("docs/examples.md", "# Example\n\n    stripe_key = \"sk_live_<alnum:24>\"\n"),
        ("scripts/import.py", "token = \"glpat-<alnum:20>\"\n"),
        ("scripts/export.py", "DATABASE_URL = \"postgres://report:<alnum:20>@db.internal/shop\"\n"),
    ] {
        first = first.write(path, fill(form));
    }
    shop.push(0, OWNER, first);
}

/// Each of these takes a secret away.
fn pay_down(shop: &mut Telling) {
    for (day, path, text) in [
        (6, "config/search.py", "import os\nSEARCH = os.environ[\"SEARCH_URL\"]\n"),
        (11, "config/cache.ini", "[redis]\nurl = ${REDIS_URL}\n"),
        (19, "scripts/import.py", "import os\ntoken = os.environ[\"IMPORT_TOKEN\"]\n"),
        (27, "config/mail.ini", "[smtp]\nuser = shop\npassword = ${SMTP_PASSWORD}\n"),
        (34, "deploy/registry.npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
        (43, "config/queue.env", "AMQP_URL=${AMQP_URL}\n"),
        (51, "scripts/export.py", "import os\nDATABASE_URL = os.environ[\"DATABASE_URL\"]\n"),
    ] {
        shop.push(day, OWNER, Commit::new("Read a secret from the environment\n").write(path, text));
    }
    // Pushed in a hurry, and taken back.
    let hurry = fill("KEY = \"SG.<alnum:22>.<alnum:43>\"\n");
    shop.push(23, WRITER, Commit::new("Send mail through the new service\n").write("src/mail/service.py", hurry));
    let read = "import os\nKEY = os.environ[\"MAIL_KEY\"]\n";
    shop.push(25, WRITER, Commit::new("Read the mail key from the environment\n").write("src/mail/service.py", read));
}

/// Pull requests of the past.
fn merged(shop: &mut Telling) {
    let clean =
        |path: &str| Commit::new("Do it in one pass\n").write(path, "def run(items):\n    return sorted(items)\n");
    for (day, branch, title, path) in [
        (4, "feature/sorting", "Sort what is listed", "src/cart/sorting.py"),
        (13, "feature/coupons", "Take coupons", "src/cart/coupons.py"),
        (30, "feature/stock-levels", "Show what is left in stock", "src/stock/levels.py"),
        (40, "fix/rounding", "Round as the tax office does", "src/orders/rounding.py"),
    ] {
        shop.change(day, WRITER, branch, title, vec![clean(path)]);
        shop.merge(day + 1, OWNER, branch);
    }
    let secret = fill("API = \"https://shipping.example.com\"\npassword = \"<alnum:20>\"\n");
    let read = "import os\nAPI = \"https://shipping.example.com\"\npassword = os.environ[\"SHIPPING\"]\n";
    let commits = vec![
        Commit::new("Ask what shipping costs\n").write("src/orders/shipping.py", secret),
        Commit::new("Read the password from the environment\n").write("src/orders/shipping.py", read),
    ];
    shop.change(16, WRITER, "feature/shipping", "Ask what shipping costs", commits);
    shop.merge(18, OWNER, "feature/shipping");
    let probe = fill("PROBE = \"https://probe:<alnum:16>@localhost/\"\n");
    shop.change(
        46,
        WRITER,
        "test/probe",
        "Probe the shop from outside",
        vec![Commit::new("Probe\n").write("tests/probe.py", probe)],
    );
    let reason = "the account exists in the tests only";
    shop.event(46 * 1440 + 900, ADMIN, Act::Ignore { branch: "test/probe", path: "tests/probe.py", reason });
    shop.merge(48, OWNER, "test/probe");
}

/// Pull requests that are open now: one fails, one passes, one waits for its first run.
fn open(shop: &mut Telling) {
    let payments = fill("URL = \"https://payments.example.com\"\npassword = \"<alnum:20>\"\n");
    let webhook = fill("HOOK = \"https://hooks.slack.com/services/T<upper:10>/B<upper:10>/<alnum:24>\"\n");
    let commits = vec![
        Commit::new("Take payments\n").write("src/payments.py", payments),
        Commit::new("Tell the team\n")
            .write("src/notify.py", webhook)
            .write("config/legacy.yml", "api:\n  password: ${LEGACY}\n"),
    ];
    shop.change(57, WRITER, "feature/payments", "Take payments", commits);
    let clean = Commit::new("Show prices with tax\n")
        .write("src/cart/tax.py", "def with_tax(price):\n    return price * 119 // 100\n");
    shop.change(58, WRITER, "feature/tax", "Show prices with tax", vec![clean]);
    let noon = 59 * 1440 + 720;
    let commit =
        Commit::new("Send invoices\n").write("src/orders/invoice.py", "def invoice(order):\n    return str(order)\n");
    shop.event(noon, WRITER, Act::Branch { name: "feature/invoices" });
    shop.event(noon + 5, WRITER, Act::Push { branch: "feature/invoices", commit, runs: false });
    shop.event(noon + 10, WRITER, Act::Open { branch: "feature/invoices", title: "Send invoices", runs: false });
}
