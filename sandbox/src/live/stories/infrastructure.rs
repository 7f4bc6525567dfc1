//! The infrastructure: credentials of clouds, and somebody who names things as nobody should.

use penstock_sandbox::Commit;

use super::secrets::fill;
use super::{HOSTILE, OWNER, Telling, WRITER};

pub(super) fn tell(infrastructure: &mut Telling) {
    let mut first = Commit::new("Begin\n").write("README.md", "# Infrastructure\n\nWhere everything runs.\n");
    for (path, form) in [
        (
            "terraform/provider.tf",
            "provider \"aws\" {\n  access_key = \"AKIA<upper:16>\"\n  secret_key = \"<alnum:40>\"\n}\n",
        ),
        (
            "terraform/database.tf",
            "resource \"db\" \"main\" {\n  username = \"root\"\n  password = \"<alnum:24>\"\n}\n",
        ),
        ("ansible/hosts.yml", "all:\n  vars:\n    ansible_password: <alnum:20>\n"),
        ("kubernetes/registry.yml", "stringData:\n  password: <alnum:22>\n"),
        ("monitoring/grafana.ini", "[security]\nadmin_password = <alnum:18>\n"),
        ("ci/runner.toml", "token = \"glrt-<alnum:20>\"\n"),
    ] {
        first = first.write(path, fill(form));
    }
    infrastructure.push(0, OWNER, first);
    infrastructure.ordinary((1..59).filter(|day| day % 4 != 0), &["scripts", "modules"]);

    for (day, path, text) in [
        (8, "terraform/provider.tf", "provider \"aws\" {}\n"),
        (28, "ansible/hosts.yml", "all:\n  vars:\n    ansible_password: \"{{ vault_password }}\"\n"),
        (44, "monitoring/grafana.ini", "[security]\nadmin_password = ${GRAFANA}\n"),
    ] {
        infrastructure.push(day, OWNER, Commit::new("Take a secret out\n").write(path, text));
    }
    let more = fill("all:\n  vars:\n    db_password: <alnum:20>\n    api_token: <alnum:32>\n");
    infrastructure.push(32, WRITER, Commit::new("Describe another site\n").write("ansible/site.yml", more));

    for (day, branch, title) in
        [(12, "feature/network", "Split the network"), (36, "feature/alerts", "Wake somebody up")]
    {
        let commit = Commit::new("Do it\n").write(format!("{branch}.tf"), "resource \"none\" \"here\" {}\n");
        infrastructure.change(day, WRITER, branch, title, vec![commit]);
        infrastructure.merge(day + 1, OWNER, branch);
    }
    hostile(infrastructure);
    infrastructure.judge("ci/runner.toml", "wont_fix", "the runner is registered with each start anew", None);
}

/// Names that try to be more than text.
fn hostile(infrastructure: &mut Telling) {
    let secret = || fill("password = \"<alnum:20>\"\n");
    let commit = Commit::new("<script>alert('commit')</script> \u{202e}drow\n")
        .write("<img src=x onerror=alert(1)>.py", secret())
        .write("a/\"quotes\" & 'more' <b>.py", secret())
        .write("rtl/\u{202e}yp.erusaert.py", secret())
        .write("]](javascript:alert(1))/`tick`|pipe.py", secret())
        .write(format!("long/{}.py", "seriously-long-name-".repeat(11)), secret());
    infrastructure.change(
        56,
        HOSTILE,
        "feature/<script>alert(document.domain)</script>",
        "\"><img src=x onerror=alert('title')> {{7*7}} ${7*7} \u{202e}drow",
        vec![commit],
    );
}
