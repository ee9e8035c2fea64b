//! What an instruction has to do with others: whether it reads or changes memory that they see, or asks the kernel.
#![allow(unsafe_code)] // reads this program's own code

use super::place::Effect;
use iced_x86::{
    Decoder, DecoderOptions, FastFormatter, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, Register, UsedMemory,
};
use libc::user_regs_struct as Registers;
use std::ops::Range;

/// The memory of a process that others see: its shared mappings, and the head of its first thread's robust list, which the
/// kernel reads when the thread is gone.
pub(super) struct Shared(Vec<Range<u64>>);

impl Shared {
    pub(super) fn of(pid: i32) -> Self {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let mut ranges: Vec<_> = maps.lines().filter_map(shared_range).collect();
        ranges.extend(robust_head(pid));
        Self(ranges)
    }

    fn touches(&self, address: u64, bytes: u64) -> bool {
        self.0.iter().any(|range| address < range.end && address + bytes > range.start)
    }
}

/// The range of a line of `/proc/pid/maps`, if the mapping is shared.
fn shared_range(line: &str) -> Option<Range<u64>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let rights = fields.next()?;
    let number = |hex| u64::from_str_radix(hex, 16).ok();
    rights.ends_with('s').then_some(number(start)?..number(end)?)
}

fn robust_head(pid: i32) -> Option<Range<u64>> {
    let (mut head, mut bytes) = (0_u64, 0_u64);
    // SAFETY: two live words for the kernel to fill.
    let done =
        unsafe { libc::syscall(libc::SYS_get_robust_list, pid, &raw mut head, &raw mut bytes) };
    (done == 0 && head != 0).then(|| head..head + bytes)
}

/// The instruction that a stopped child of this program executes next.
pub(super) fn next(registers: &Registers) -> Instruction {
    // A forked child runs the same code at the same addresses; nothing is mapped differently before its text ends.
    let mut code = [0; 15];
    let from = std::ptr::with_exposed_provenance::<u8>(usize::try_from(registers.rip).unwrap_or(0));
    let local = libc::iovec { iov_base: code.as_mut_ptr().cast(), iov_len: code.len() };
    let remote = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: code.len() };
    let this = std::process::id().cast_signed();
    // SAFETY: the kernel copies what is there into a live buffer, and says where it stopped.
    unsafe { libc::process_vm_readv(this, &raw const local, 1, &raw const remote, 1, 0) };
    Decoder::with_ip(64, &code, registers.rip, DecoderOptions::NONE).decode()
}

/// What it does to others.
pub(super) fn effect(
    instruction: &Instruction,
    registers: &Registers,
    shared: &Shared,
    infos: &mut InstructionInfoFactory,
) -> Effect {
    if instruction.mnemonic() == Mnemonic::Syscall {
        return Effect::Changes;
    }
    let touched = |memory: &&UsedMemory| {
        let bytes = u64::try_from(memory.memory_size().size()).unwrap_or(0).max(1);
        address(memory, registers).is_some_and(|address| shared.touches(address, bytes))
    };
    let used = infos.info(instruction).used_memory().iter().filter(touched);
    used.map(|memory| if writes(memory) { Effect::Changes } else { Effect::Reads })
        .max()
        .unwrap_or(Effect::Private)
}

fn writes(memory: &UsedMemory) -> bool {
    use OpAccess::{CondWrite, ReadCondWrite, ReadWrite, Write};
    matches!(memory.access(), Write | ReadWrite | CondWrite | ReadCondWrite)
}

fn address(memory: &UsedMemory, registers: &Registers) -> Option<u64> {
    memory.virtual_address(0, |register, _, _| value(register.full_register(), registers))
}

fn value(register: Register, r: &Registers) -> Option<u64> {
    Some(match register {
        Register::RAX => r.rax,
        Register::RBX => r.rbx,
        Register::RCX => r.rcx,
        Register::RDX => r.rdx,
        Register::RSI => r.rsi,
        Register::RDI => r.rdi,
        Register::RBP => r.rbp,
        Register::RSP => r.rsp,
        Register::R8 => r.r8,
        Register::R9 => r.r9,
        Register::R10 => r.r10,
        Register::R11 => r.r11,
        Register::R12 => r.r12,
        Register::R13 => r.r13,
        Register::R14 => r.r14,
        Register::R15 => r.r15,
        Register::RIP => r.rip,
        Register::FS => r.fs_base,
        Register::GS => r.gs_base,
        Register::CS | Register::DS | Register::ES | Register::SS => 0,
        _ => return None,
    })
}

/// As a disassembler writes it.
pub(super) fn text(instruction: &Instruction) -> String {
    let mut text = String::new();
    FastFormatter::new().format(instruction, &mut text);
    text
}
