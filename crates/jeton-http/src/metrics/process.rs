//! Facts about this process from the system. Without `/proc` there are few.

use procfs::process::Process;

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
    let max_descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let Ok(process) = Process::myself() else {
        return ProcessReading { max_descriptors, ..ProcessReading::default() };
    };
    let (status, stat) = (process.status().ok(), process.stat().ok());
    ProcessReading {
        resident_bytes: status.as_ref().and_then(|status| status.vmrss).map(|kibibytes| kibibytes * 1024),
        // One of them is the directory that is being read.
        open_descriptors: process.fd_count().ok().map(|count| (count as u64).saturating_sub(1)),
        max_descriptors,
        threads: status.map(|status| status.threads),
        cpu_seconds: stat.map(|stat| (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
