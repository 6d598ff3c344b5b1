//! What a worker gives up before it sees any script: memory beyond a bound, files, network, other
//! processes. A call of the system outside the list ends the process.

use std::collections::BTreeMap;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// Bytes of address space; `script.memory` is at most 384 MiB of it.
const ADDRESS_SPACE: u64 = 512 * 1024 * 1024;
/// Seconds of computing in a worker's life, if the hub should fail to end it; the pool replaces
/// workers long before.
pub(super) const CPU_SECONDS: u64 = 2 * 60 * 60;

/// Gives up all rights but those of computing. The words are for the log.
pub(super) fn enter() -> Result<(), String> {
    let bound = |resource, most: u64, name: &str| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
            .map_err(|error| format!("limit {name}: {error}"))
    };
    // The hub's end is the worker's, also in the middle of a loop.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| format!("death signal: {error}"))?;
    bound(Resource::As, ADDRESS_SPACE, "address space")?;
    bound(Resource::Cpu, CPU_SECONDS, "cpu")?;
    bound(Resource::Nofile, 3, "open files")?;
    bound(Resource::Fsize, 0, "file size")?;
    bound(Resource::Core, 0, "core")?;
    rustix::thread::set_no_new_privs(true).map_err(|error| format!("no-new-privileges: {error}"))?;
    let filter = filter().map_err(|error| format!("filter: {error}"))?;
    seccompiler::apply_filter_all_threads(&filter).map_err(|error| format!("filter: {error}"))
}

/// Calls that take no argument worth a look.
const PLAIN: &[i64] = &[
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    use SeccompCmpArgLen::Dword;
    let when = |argument: u8, operator, value: u64| {
        SeccompCondition::new(argument, Dword, operator, value)
            .and_then(|condition| SeccompRule::new(vec![condition]))
    };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = PLAIN.iter().map(|call| (*call, Vec::new())).collect();
    // Its own pipe only: a descriptor that leaked from the hub's parent stays closed to it.
    rules.insert(libc::SYS_read, vec![when(0, SeccompCmpOp::Eq, 0)?]);
    rules.insert(libc::SYS_write, vec![when(0, SeccompCmpOp::Eq, 1)?, when(0, SeccompCmpOp::Eq, 2)?]);
    // Memory, but none that can be executed.
    let no_code = || when(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0);
    rules.insert(libc::SYS_mmap, vec![no_code()?]);
    rules.insert(libc::SYS_mprotect, vec![no_code()?]);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch)?.try_into()
}

/// Tries what the sandbox forbids, for tests: whoever comes back from here was not stopped.
pub(super) fn probe(act: &str) -> String {
    let done = match act {
        "open" => std::fs::File::open("/etc/hostname").is_ok(),
        "create" => std::fs::File::create("/tmp/jethub-script-probe").is_ok(),
        "list" => std::fs::read_dir("/").is_ok(),
        "socket" => std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
        "connect" => std::net::TcpStream::connect("127.0.0.1:1").is_ok(),
        "program" => std::process::Command::new("/bin/true").status().is_ok(),
        "thread" => std::thread::Builder::new().spawn(|| ()).is_ok(),
        "kill" => rustix::process::getppid()
            .is_some_and(|parent| rustix::process::kill_process(parent, Signal::CONT).is_ok()),
        "limits" => setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: Some(3) }).is_ok(),
        "nothing" => true,
        _ => false,
    };
    format!("probe {act} was not stopped (it {})", if done { "succeeded" } else { "failed" })
}
