//! Running the example.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Longer than any run takes, even unoptimised on a busy machine.
const STUCK: Duration = Duration::from_secs(120);

/// What the program left.
#[derive(Debug)]
pub struct Answer {
    /// Its exit status.
    pub status: Option<i32>,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

impl Answer {
    /// The value of a field of the JSON object, as it is written.
    pub fn field(&self, name: &str) -> &str {
        let (_, rest) = self.output.split_once(&format!("\"{name}\":")).expect(name);
        let is_array = rest.starts_with('[');
        let end = if is_array { rest.find("],\"").map(|at| at + 1) } else { rest.find([',', '}']) };
        let end = end.expect("an object");
        rest.get(..end).expect("ASCII")
    }

    /// The value of a field that is a number.
    pub fn number(&self, name: &str) -> u64 {
        self.field(name).parse().expect(name)
    }
}

/// Runs the program to its end.
pub fn word_count(options: &[&str], paths: &[&Path]) -> Answer {
    start(options, paths).finish()
}

/// Starts the program.
pub fn start(options: &[&str], paths: &[&Path]) -> Running {
    let mut command = Command::new(&*PROGRAM);
    command.args(options).args(paths).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("to run");
    let output = read(child.stdout.take());
    let errors = read(child.stderr.take());
    Running { child, output, errors }
}

/// A run that is not over yet.
pub struct Running {
    child: Child,
    output: JoinHandle<String>,
    errors: JoinHandle<String>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_some()
    }

    /// Kills it; its workers are its own business.
    pub fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// Waits until it ends.
    pub fn finish(mut self) -> Answer {
        let begun = Instant::now();
        while !self.is_over() {
            if begun.elapsed() > STUCK {
                self.kill();
                panic!("it is stuck");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let status = self.child.wait().expect("our own child").code();
        let [output, errors] = [self.output, self.errors].map(|pipe| pipe.join().expect("UTF-8"));
        Answer { status, output, errors }
    }
}

fn read(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut pipe = pipe.expect("a pipe");
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("UTF-8");
        text
    })
}

/// The processes that `pid` has started, the youngest last.
pub fn children(pid: u32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The example, next to this test. `cargo test` builds it, `cargo test --test word_count` does not.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("a path");
    let profile = test.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let program = profile.join("examples/word_count");
    let newest = ["examples/word_count", "examples/common", "src"].map(newest_in);
    if changed(&program) < newest.into_iter().max().flatten() {
        build(profile);
    }
    program
});

fn build(profile: &Path) {
    let name = profile.file_name().and_then(OsStr::to_str).expect("a profile");
    let name = if name == "debug" { "test" } else { name };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--quiet", "--example", "word_count", "--profile", name, "--target-dir"]);
    let built = cargo.arg(profile.parent().expect("a target directory")).status();
    assert!(built.expect("to run cargo").success());
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// When any file of a folder of this repository was last changed.
fn newest_in(folder: &str) -> Option<SystemTime> {
    let mut ahead = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut newest = None;
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).expect("sources").flatten() {
            newest = newest.max(changed(&entry.path()));
            if entry.path().is_dir() {
                ahead.push(entry.path());
            }
        }
    }
    newest
}

/// A folder that is removed in the end.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
}

impl Folder {
    /// An empty one.
    pub fn new(name: &str) -> Self {
        let name = format!("word_count-{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self { path }
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path); // at worst it stays in the target directory
    }
}
