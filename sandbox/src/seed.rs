//! A small world to begin with: a repository with a pull request that adds two secrets and fixes one.

use crate::git::Commit;
use crate::random;
use crate::sandbox::Bitbucket;
use crate::state::Error;

/// What was seeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Full name of the repository.
    pub repository: String,
    /// Number of the pull request.
    pub pull_request: u64,
    /// Its source.
    pub source: String,
    /// Its destination, which went on since: with a secret that is not the pull request's.
    pub destination: String,
}

impl Bitbucket {
    /// Makes `acme/shop`. Its secrets are random: no scanner need know them, and no test can hold one.
    pub fn seed(&self) -> Result<Seed, Error> {
        let seed = Seed {
            repository: "acme/shop".to_owned(),
            pull_request: 1,
            source: "feature/payments".to_owned(),
            destination: "main".to_owned(),
        };
        let name = seed.repository.as_str();
        let password = || random::token("").split_off(20);
        self.repository(name)?;
        let old = format!("HOST = \"db.internal\"\npassword = \"{}\"\n", password());
        let legacy = format!("api:\n  password: {}\n", password());
        let first = Commit::new("Begin\n")
            .write("README.md", "# Shop\n\nSells things.\n")
            .write("config/settings.py", &old)
            .write("config/legacy.yml", &legacy)
            .write("src/main.py", "def main():\n    return 0\n");
        self.push(name, &seed.destination, &first)?;
        self.branch(name, &seed.source, &seed.destination)?;
        let payments = format!("url = \"https://payments.example.com\"\npassword = \"{}\"\n", password());
        let add = Commit::new("Take payments\n")
            .write("src/payments.py", payments)
            .write("src/main.py", "import payments\n\ndef main():\n    return payments.take()\n");
        self.push(name, &seed.source, &add)?;
        let mail = format!("[smtp]\nuser = shop\npassword = {}\n", password());
        let more = Commit::new("Send mail, and read the legacy password from the environment\n")
            .write("config/mail.ini", mail)
            .write("config/legacy.yml", "api:\n  password: ${API_PASSWORD}\n");
        self.push(name, &seed.source, &more)?;
        let id = self.open_pull_request(name, "Take payments", &seed.source, &seed.destination)?;
        let debt = format!("password = \"{}\"\n", password());
        self.push(name, &seed.destination, &Commit::new("Meanwhile\n").write("config/other.py", debt))?;
        Ok(Seed { pull_request: id, ..seed })
    }
}
