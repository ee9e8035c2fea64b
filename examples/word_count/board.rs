//! What lies in the region, and under which names.
//!
//! | name | what | written by | read by |
//! |---|---|---|---|
//! | `notes` | the bells, and who is at work | everybody | everybody |
//! | `pieces`, `paths` | the plan: which bytes of which files | parent, before there are workers | workers |
//! | `jobs 0`, `jobs 1` … | for each desk a ring of jobs | parent | the worker at that desk |
//! | `results 0` … | for each desk a ring of results, in blocks | the worker at that desk | parent |
//!
//! A *desk* is a place for a worker. When the worker is killed, its successor sits down at the same
//! desk and takes over both rings as they are.

use crate::options::WORKERS_MAX;
use crate::plan::Plan;
use sabha::ring::spsc::Spsc;
use sabha::{Region, Result, Shareable, Shared};
use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::time::Duration;
use zerocopy::FromBytes;

/// This process's handles on what does not belong to one desk.
pub struct Board {
    notes: Shared<Notes>,
    pieces: Shared<[Place]>,
    paths: Shared<[AtomicU8]>,
}

#[derive(Shareable)]
#[repr(C)]
struct Notes {
    /// How long `pieces` and `paths` are.
    lens: [AtomicU64; 2],
    /// For each desk 1 + the job that is being counted there, or 0. It only tells whether a kill
    /// has hit somebody at work; nothing depends on it.
    at_work: [AtomicU64; WORKERS_MAX],
    /// The parent sleeps on this one: it counts what workers have done.
    bell: AtomicU32,
    /// The worker at each desk sleeps on its own: it counts what was put into its ring of jobs.
    calls: [AtomicU32; WORKERS_MAX],
}

/// Where a piece of text is.
#[derive(Shareable)]
#[repr(C)]
struct Place {
    /// Where its path begins and ends in `paths`.
    path: [AtomicU64; 2],
    /// Where it begins and ends in the file.
    bytes: [AtomicU64; 2],
}

/// The order to count some pieces, side by side in the plan.
#[derive(Clone, Copy, Shareable, FromBytes)]
#[repr(C)]
pub struct Job {
    id: u64,
    first_piece: u64,
    pieces: u64,
}

/// A part of the result of a job.
#[derive(Clone, Copy, Shareable, FromBytes)]
#[repr(C)]
pub struct Block {
    job: u64,
    part: u64,
    parts: u64,
    len: u64,
    bytes: [u8; BLOCK_BYTES],
}

const BLOCK_BYTES: usize = (16 << 10) - 32;
/// One is being counted; the others see to it that no worker waits for the parent.
const JOBS_AHEAD: usize = 4;
/// How many blocks a quick worker can be ahead of a busy parent.
const BLOCKS_AHEAD: usize = 32;

impl Board {
    /// How large a region for `plan` and `desks` desks has to be. Pages that nobody touches cost
    /// no more than their reservation, so it is generous.
    pub fn region_bytes(plan: &Plan, desks: usize) -> u64 {
        let rings = JOBS_AHEAD * size_of::<Job>() + BLOCKS_AHEAD * size_of::<Block>() + (8 << 10);
        let pieces = plan.pieces.len() * size_of::<Place>();
        let paths = plan.files.iter().map(|file| file.path.as_os_str().len()).sum::<usize>();
        (size_of::<Notes>() + pieces + paths + desks * rings + (64 << 10)) as u64
    }

    /// Puts up the plan. The parent does it once, before there are workers.
    ///
    /// # Errors
    /// The region is too small.
    pub fn publish(region: &Region, plan: &Plan) -> Result<Self> {
        let mut paths = Vec::new();
        let places = plan.files.iter().map(|file| {
            let start = paths.len();
            paths.extend_from_slice(file.path.as_os_str().as_bytes());
            [start, paths.len()].map(|at| at as u64)
        });
        let places: Vec<_> = places.collect();
        let notes = region.object::<Notes>("notes")?;
        let lens = [plan.pieces.len() as u64, paths.len() as u64];
        store(&notes.lens, lens);
        let board = Self::with(notes)?;
        board.paths.copy_from(0, &paths)?;
        for (place, piece) in board.pieces.iter().zip(&plan.pieces) {
            store(&place.path, places.get(piece.file).copied().unwrap_or_default());
            store(&place.bytes, [piece.bytes.start, piece.bytes.end]);
        }
        Ok(board)
    }

    /// Finds what the parent has put up.
    ///
    /// # Errors
    /// It has not.
    pub fn open(region: &Region) -> Result<Self> {
        Self::with(region.open_object("notes")?)
    }

    fn with(notes: Shared<Notes>) -> Result<Self> {
        let [pieces, paths] = load(&notes.lens).map(to_usize);
        let pieces = notes.region().slice("pieces", pieces)?;
        let paths = notes.region().slice("paths", paths)?;
        Ok(Self { notes, pieces, paths })
    }

    /// The region that it is in.
    pub fn region(&self) -> &Region {
        self.notes.region()
    }

    /// The texts of a job: paths, and which bytes.
    pub fn texts_of(&self, job: &Job) -> impl Iterator<Item = (PathBuf, Range<u64>)> {
        let pieces = to_usize(job.first_piece)..to_usize(job.first_piece + job.pieces);
        self.pieces.get(pieces).unwrap_or(&[]).iter().map(|place| {
            let [start, end] = load(&place.path).map(to_usize);
            let path = self.paths.to_vec(start..end).unwrap_or_default();
            let [start, end] = load(&place.bytes);
            (PathBuf::from(OsString::from_vec(path)), start..end)
        })
    }

    /// The ring of jobs for a desk.
    ///
    /// # Errors
    /// The region is too small.
    pub fn jobs(&self, desk: usize) -> Result<Spsc<Job>> {
        Spsc::open_or_create(self.region(), &format!("jobs {desk}"), JOBS_AHEAD)
    }

    /// The ring of results from a desk.
    ///
    /// # Errors
    /// The region is too small.
    pub fn results(&self, desk: usize) -> Result<Spsc<Block>> {
        Spsc::open_or_create(self.region(), &format!("results {desk}"), BLOCKS_AHEAD)
    }
}

/// Who is at work.
impl Board {
    /// Notes that a job is being counted at a desk, or that none is.
    pub fn set_at_work(&self, desk: usize, job: Option<&Job>) {
        if let Some(at_work) = self.notes.at_work.get(desk) {
            at_work.store(job.map_or(0, |job| job.id + 1), Relaxed);
        }
    }

    /// Whether a job is being counted at a desk; if the worker is dead, whether it was.
    pub fn is_at_work(&self, desk: usize) -> bool {
        self.notes.at_work.get(desk).is_some_and(|job| job.load(Relaxed) != 0)
    }
}

/// Waking each other.
impl Board {
    /// How often the parent's bell has rung.
    pub fn bell(&self) -> u32 {
        self.notes.bell.load(Relaxed)
    }

    /// Wakes the parent.
    ///
    /// # Errors
    /// There is no seat for this thread.
    pub fn ring_bell(&self) -> Result<()> {
        self.region().add_and_notify(&self.notes.bell, 1, 1).map(drop)
    }

    /// Sleeps until the bell rings; not at all, if it has rung since [`bell`](Self::bell) said
    /// `heard`.
    ///
    /// # Errors
    /// The system's.
    pub fn wait_for_bell(&self, heard: u32, longest: Duration) -> Result<()> {
        self.region().wait_until(&self.notes.bell, heard, longest).map(drop)
    }

    /// How often a desk was called. Desks that do not exist are never called.
    pub fn calls(&self, desk: usize) -> u32 {
        self.notes.calls.get(desk).map_or(0, |calls| calls.load(Relaxed))
    }

    /// Wakes the worker at a desk.
    ///
    /// # Errors
    /// There is no seat for this thread.
    pub fn call(&self, desk: usize) -> Result<()> {
        let Some(calls) = self.notes.calls.get(desk) else { return Ok(()) };
        self.region().add_and_notify(calls, 1, 1).map(drop)
    }

    /// Sleeps until a desk is called; not at all, if it was since [`calls`](Self::calls) said
    /// `heard`.
    ///
    /// # Errors
    /// The system's.
    pub fn wait_for_call(&self, desk: usize, heard: u32) -> Result<()> {
        let Some(calls) = self.notes.calls.get(desk) else { return Ok(()) };
        self.region().wait(calls, heard).map(drop)
    }
}

impl Job {
    /// Job `id` of the plan.
    pub fn new(id: usize, plan: &Plan) -> Self {
        let pieces = plan.jobs.get(id).cloned().unwrap_or(0..0);
        Self { id: id as u64, first_piece: pieces.start as u64, pieces: pieces.len() as u64 }
    }
}

impl Block {
    /// The blocks of the result of `job`, in order.
    pub fn of(job: &Job, table: &[u8]) -> impl Iterator<Item = Self> {
        let (job, parts) = (job.id, table.len().div_ceil(BLOCK_BYTES) as u64);
        table.chunks(BLOCK_BYTES).zip(0..).map(move |(chunk, part)| {
            let mut block =
                Self { job, part, parts, len: chunk.len() as u64, bytes: [0; BLOCK_BYTES] };
            if let Some(bytes) = block.bytes.get_mut(..chunk.len()) {
                bytes.copy_from_slice(chunk);
            }
            block
        })
    }

    /// Of which job it is, which part of the result, and of how many.
    pub fn place(&self) -> (usize, usize, usize) {
        (to_usize(self.job), to_usize(self.part), to_usize(self.parts))
    }

    /// Its part of the result.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..to_usize(self.len)).unwrap_or(&self.bytes)
    }
}

fn load<const N: usize>(words: &[AtomicU64; N]) -> [u64; N] {
    words.each_ref().map(|word| word.load(Relaxed))
}

/// Before there is anybody to see it: starting a process orders it before all that the process does.
fn store<const N: usize>(words: &[AtomicU64; N], values: [u64; N]) {
    words.iter().zip(values).for_each(|(word, value)| word.store(value, Relaxed));
}

/// Counts, on a 64-bit machine.
fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
