//! What the processes behind the hub have used.

use std::{collections::HashMap, fs};

/// CPU time in microseconds: the hub, its script workers, the sessions of its database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu {
    pub hub: u64,
    pub workers: u64,
    pub database: u64,
}

impl Cpu {
    /// `database` is a word in the command lines of the database's sessions.
    pub fn of(hub: u32, database: &str) -> Self {
        let mut cpu = Self::default();
        let mut parents: HashMap<u32, (u32, u64)> = HashMap::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let Some((parent, own, reaped)) = stat(id) else { continue };
            parents.insert(id, (parent, own));
            if id == hub {
                cpu.hub = own;
                // Workers that were replaced.
                cpu.workers += reaped;
            }
            let words = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
            if !database.is_empty() && words.starts_with("postgres") && words.contains(database) {
                cpu.database += own;
            }
        }
        cpu.workers += parents.values().filter(|(parent, _)| *parent == hub).map(|(_, own)| own).sum::<u64>();
        cpu
    }

    pub fn since(self, before: Self) -> Self {
        Self {
            hub: self.hub.saturating_sub(before.hub),
            workers: self.workers.saturating_sub(before.workers),
            database: self.database.saturating_sub(before.database),
        }
    }
}

/// Parent, own time and that of children that ended.
fn stat(id: u32) -> Option<(u32, u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<u64> =
        text.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    let time = |from: usize| (fields[from] + fields[from + 1]) * 10_000;
    Some((u32::try_from(fields[1]).ok()?, time(11), time(13)))
}

/// Resident bytes.
pub fn resident(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// A counter of `/metrics`.
pub fn counter(metrics: &str, name: &str) -> f64 {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()).unwrap_or(0.0)
}
