//! Facts about this process from the system. Without `/proc` there are few.

use std::fs;

/// The resources of this process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessReading {
    /// Bytes of resident memory.
    pub(crate) resident_bytes: Option<u64>,
    /// Open file descriptors.
    pub(crate) open_descriptors: Option<u64>,
    /// The limit on open file descriptors; `None`: no limit.
    pub(crate) max_descriptors: Option<u64>,
    /// Threads.
    pub(crate) threads: Option<u64>,
    /// Processor time used, in seconds.
    pub(crate) cpu_seconds: Option<f64>,
}

/// Reads them from the system.
pub(crate) fn read() -> ProcessReading {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let descriptors = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    ProcessReading {
        resident_bytes: of_status(&status, "VmRSS:").map(|kibibytes| kibibytes * 1024),
        // One of them is the directory that is being read.
        open_descriptors: descriptors.and_then(|count| u64::try_from(count.saturating_sub(1)).ok()),
        max_descriptors: limit.current,
        threads: of_status(&status, "Threads:"),
        cpu_seconds: cpu_ticks(&stat)
            .map(|ticks| ticks as f64 / rustix::param::clock_ticks_per_second() as f64),
    }
}

/// The number after a name in `/proc/self/status`.
fn of_status(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

/// Ticks in user and kernel mode, from `/proc/self/stat` (proc_pid_stat(5), fields 14 and 15). The name of
/// the process comes before them in parentheses and may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_what_the_system_says() {
        let status = "Name:\tjeton\nVmRSS:\t   12345 kB\nThreads:\t7\n";
        assert_eq!(of_status(status, "VmRSS:"), Some(12_345));
        assert_eq!(of_status(status, "Threads:"), Some(7));
        assert_eq!(of_status(status, "VmSwap:"), None);
        assert_eq!(cpu_ticks("7 (a) b) c) S 1 7 7 0 -1 4194304 0 0 0 0 120 34 0 0 20"), Some(154));
        assert_eq!(cpu_ticks(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_something() {
        let reading = read();
        assert!(reading.resident_bytes.is_some_and(|bytes| bytes > 100_000), "{reading:?}");
        assert!(reading.open_descriptors.is_some_and(|count| count >= 3), "{reading:?}");
        assert!(reading.threads.is_some_and(|count| count >= 1), "{reading:?}");
        assert!(reading.cpu_seconds.is_some(), "{reading:?}");
    }
}
