//! The app's copies.
//!
//! Owns their processes, what they are told in their environment, and the one address in front of them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use penstock_sandbox::Sandbox;

use crate::Failure;
use crate::app_demo::Programs;

/// How long a copy may take to be ready.
const START: Duration = Duration::from_secs(30);

const KEY: &str = "master.key";
/// The login that the app serves with, which owns nothing. `scripts/with-postgres` makes it.
const LOGIN: &str = "penstock_run";

/// The copies that run.
pub(crate) struct Copies {
    app: PathBuf,
    environment: Vec<(&'static str, String)>,
    base: String,
    copies: Vec<Copy>,
    _folder: Option<tempfile::TempDir>,
}

struct Copy {
    listen: SocketAddr,
    health: SocketAddr,
    process: Option<Child>,
}

impl Copies {
    pub(crate) fn start(programs: &Programs, sandbox: &Sandbox) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let free = || -> io::Result<SocketAddr> { TcpListener::bind("127.0.0.1:0")?.local_addr() };
        let count = if programs.database.is_some() { 2 } else { 1 };
        let mut copies = Vec::new();
        for _ in 0..count {
            copies.push(Copy { listen: free()?, health: free()?, process: None });
        }
        let base = match &copies[..] {
            [only] => format!("http://{}", only.listen),
            several => format!("http://{}", in_front(several.iter().map(|copy| copy.listen).collect())?),
        };
        let mut environment = environment(&base, folder.path(), sandbox);
        if let Some(url) = &programs.database {
            let mut login = url::Url::parse(url)?;
            login.set_username(LOGIN).map_err(|()| "the address of the database has no place for a user")?;
            environment.push(("DATABASE_URL", login.to_string()));
            environment.push(("MIGRATE_DATABASE_URL", url.clone()));
            write_key(&folder.path().join(KEY))?;
        }
        let app = programs.app.canonicalize()?;
        Self { app, environment, base, copies, _folder: Some(folder) }.begin()
    }

    /// One copy that keeps its data in `folder`, on this port and the next one.
    pub(crate) fn one(app: &Path, sandbox: &Sandbox, folder: &Path, port: u16) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        for port in [port, port.saturating_add(1)] {
            // Somebody else's program would answer in the app's place.
            TcpListener::bind(at(port)).map_err(|why| format!("the app cannot listen on port {port}: {why}"))?;
        }
        let copy = Copy { listen: at(port), health: at(port.saturating_add(1)), process: None };
        let base = format!("http://{}", copy.listen);
        let environment = environment(&base, folder, sandbox);
        Self { app: app.to_owned(), environment, base, copies: vec![copy], _folder: None }.begin()
    }

    fn begin(mut self) -> Result<Self, Failure> {
        self.command(&["migrate"])?;
        for at in 0..self.copies.len() {
            self.copies[at].process = Some(self.spawn(at)?);
        }
        for copy in &self.copies {
            ready(copy.health)?;
        }
        Ok(self)
    }

    /// Asks all to end in order, and waits until they have.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        for process in self.copies.iter_mut().filter_map(|copy| copy.process.as_mut()) {
            // Every shell can, and the standard library cannot. One that has ended already is not told.
            let mut tell = program(Path::new("/bin/sh"));
            tell.args(["-c", &format!("kill -TERM {}", process.id())]).stderr(Stdio::null()).status()?;
            process.wait()?;
        }
        self.copies.iter_mut().for_each(|copy| copy.process = None);
        Ok(())
    }

    /// Ends all in order, and starts them again.
    pub(crate) fn restart(&mut self) -> Result<(), Failure> {
        self.stop()?;
        for at in 0..self.copies.len() {
            self.copies[at].process = Some(self.spawn(at)?);
        }
        self.copies.iter().try_for_each(|copy| ready(copy.health))
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Kills one of several, as a power cut would.
    pub(crate) fn kill_one(&mut self) -> Result<(), Failure> {
        if let [first, _, ..] = &mut self.copies[..]
            && let Some(mut process) = first.process.take()
        {
            process.kill()?;
            process.wait()?;
            writeln!(io::stdout(), "(one of two copies of the app was killed)")?;
        }
        Ok(())
    }

    /// Starts again what was killed.
    pub(crate) fn revive(&mut self) -> Result<(), Failure> {
        for at in 0..self.copies.len() {
            if self.copies[at].process.is_none() {
                self.copies[at].process = Some(self.spawn(at)?);
                ready(self.copies[at].health)?;
                writeln!(io::stdout(), "(the copy that was killed is back)")?;
            }
        }
        Ok(())
    }

    /// Runs another command of the program, and hands back what it prints.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = program(&self.app).args(arguments).envs(self.environment.iter().cloned()).output()?;
        if !output.status.success() {
            return Err(
                format!("`penstock-app {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    pub(crate) fn dead_jobs(&self) -> Result<String, Failure> {
        Ok(self.command(&["queue", "list"])?.lines().last().unwrap_or_default().to_owned())
    }

    fn spawn(&self, at: usize) -> io::Result<Child> {
        let copy = &self.copies[at];
        program(&self.app)
            .arg("serve")
            .envs(self.environment.iter().cloned())
            .env("LISTEN_ADDR", copy.listen.to_string())
            .env("HEALTH_ADDR", copy.health.to_string())
            .spawn()
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        for process in self.copies.iter_mut().filter_map(|copy| copy.process.as_mut()) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn program(path: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the program that is shown; this crate is never shipped")]
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null());
    command
}

/// What every copy is told.
fn environment(base: &str, folder: &Path, sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    vec![
        ("BASE_URL", base.to_owned()),
        ("DATA_DIR", folder.display().to_string()),
        ("MASTER_KEY_FILE", folder.join(KEY).display().to_string()),
        ("PENSTOCK_DEVELOPMENT", "1".to_owned()),
        ("BITBUCKET_API_URL", sandbox.api_url()),
        // By the name that the host's pages have in a browser: they are to hold the app's frames.
        ("BITBUCKET_SITE_URL", sandbox.page_url()),
        ("LOG_LEVEL", "warn".to_owned()),
    ]
}

fn write_key(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(writeln!(file, "{hex}")?)
}

/// Waits until a copy says that it is ready.
fn ready(health: SocketAddr) -> Result<(), Failure> {
    let begin = Instant::now();
    while begin.elapsed() < START {
        let asked = TcpStream::connect(health).and_then(|mut stream| {
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        });
        if asked.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err("the app does not become ready".into())
}

/// One address for several copies: each connection goes to the next that takes it.
fn in_front(copies: Vec<SocketAddr>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (copies, next) = (Arc::new(copies), Arc::new(AtomicUsize::new(0)));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (copies, next) = (Arc::clone(&copies), Arc::clone(&next));
            thread::spawn(move || {
                let first = next.fetch_add(1, Ordering::Relaxed);
                let others = (0..copies.len()).map(|at| copies[(first + at) % copies.len()]);
                if let Some(there) = others.into_iter().find_map(|copy| TcpStream::connect(copy).ok()) {
                    let _ = join(&stream, &there);
                }
            });
        }
    });
    Ok(address)
}

fn join(one: &TcpStream, other: &TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (one.try_clone()?, other.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (other.try_clone()?, one.try_clone()?);
    let copied = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = there.join();
    copied.map(drop)
}
