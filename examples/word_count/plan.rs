//! The work: files are cut into pieces, pieces are put together to jobs.
//!
//! A job is what a worker counts at a time and what is counted exactly once. It has about the same
//! size whether the text is one large file or a thousand small ones. A piece that does not reach to
//! the end of its file ends with a border (`tokenizer::is_border`), so no word is cut.

use crate::files::File;
use crate::tokenizer;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A part of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the file.
    pub file: usize,
    /// Which of its bytes.
    pub bytes: Range<u64>,
}

/// All the work.
pub struct Plan {
    /// The texts.
    pub files: Vec<File>,
    /// Their parts, in order, each byte in one of them.
    pub pieces: Vec<Piece>,
    /// For each job the pieces of it, each piece in one of them.
    pub jobs: Vec<Range<usize>>,
    /// The sum of the pieces.
    pub bytes: u64,
}

/// More pieces than this are not put into a job, however small they are.
const PIECES_MAX: usize = 1024;
const JOB_BYTES_MIN: u64 = 64 << 10;
const JOB_BYTES_MAX: u64 = 4 << 20;

impl Plan {
    /// Divides `files` into jobs: at least `jobs_min` if they are large enough.
    pub fn new(files: Vec<File>, jobs_min: u64) -> Self {
        let bytes = files.iter().map(|file| file.len).sum::<u64>();
        let job_bytes = (bytes / jobs_min).clamp(JOB_BYTES_MIN, JOB_BYTES_MAX);
        let mut pieces = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let cuts = cuts(file, job_bytes);
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            let ends = cuts.iter().copied().chain([file.len]);
            pieces.extend(
                starts.zip(ends).map(|(start, end)| Piece { file: index, bytes: start..end }),
            );
        }
        let jobs = jobs(&pieces, job_bytes);
        Self { files, pieces, jobs, bytes }
    }

    /// The pieces of a job, in order.
    pub fn pieces_of(&self, job: usize) -> &[Piece] {
        let pieces = self.jobs.get(job).cloned().unwrap_or(0..0);
        self.pieces.get(pieces).unwrap_or(&[])
    }
}

impl Piece {
    /// Its number of bytes.
    pub const fn len(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }
}

/// Puts neighbours together until a job has `job_bytes`.
fn jobs(pieces: &[Piece], job_bytes: u64) -> Vec<Range<usize>> {
    let mut jobs: Vec<Range<usize>> = Vec::new();
    let mut room = 0;
    for (index, piece) in pieces.iter().enumerate() {
        match jobs.last_mut() {
            Some(job) if piece.len() <= room && job.len() < PIECES_MAX => {
                job.end += 1;
                room -= piece.len();
            }
            _ => {
                jobs.push(index..index + 1);
                room = job_bytes.saturating_sub(piece.len());
            }
        }
    }
    jobs
}

/// Where to cut a file: behind the first border after each multiple of `piece_bytes`.
///
/// A file that can no longer be read is not cut; the count will tell that it changed.
fn cuts(file: &File, piece_bytes: u64) -> Vec<u64> {
    let mut cuts = Vec::new();
    if file.len <= piece_bytes {
        return cuts;
    }
    let Ok(text) = fs::File::open(&file.path) else {
        return cuts;
    };
    let mut start = 0;
    while let Ok(Some(cut)) = border_behind(&text, start + piece_bytes, file.len) {
        cuts.push(cut);
        start = cut;
    }
    cuts
}

/// The position behind the first border in `from..end`, unless that is the end.
fn border_behind(text: &fs::File, from: u64, end: u64) -> io::Result<Option<u64>> {
    let mut window = [0; 4096];
    let mut at = from;
    while at < end {
        let read = text.read_at(&mut window, at)?;
        let seen = window.get(..read).unwrap_or(&[]);
        if let Some(index) = seen.iter().position(|byte| tokenizer::is_border(*byte)) {
            let cut = at + index as u64 + 1;
            return Ok((cut < end).then_some(cut));
        }
        if read == 0 {
            break;
        }
        at += read as u64;
    }
    Ok(None)
}

/// Reads bytes of a file into `text`: as many as there are, if the file is shorter by now.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path, bytes: &Range<u64>, text: &mut Vec<u8>) -> io::Result<()> {
    use io::{Read, Seek, SeekFrom};
    text.clear();
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(bytes.start))?;
    file.take(bytes.end - bytes.start).read_to_end(text)?;
    Ok(())
}
