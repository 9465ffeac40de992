//! Redis, whose GET is what a look-up from memory costs elsewhere.

use super::child::{Child, free_port};
use crate::error::Error;
use crate::process::{output, run_quietly, written};
use std::path::Path;
use std::process::Command;

/// A Redis that keeps nothing on disk.
pub(super) struct Redis {
    _server: Child,
    port: u16,
}

impl Redis {
    pub(super) fn start(folder: &Path) -> Result<Self, Error> {
        let port = free_port()?;
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
            &port.to_string(),
        ]);
        let server = Child::start(command.current_dir(folder))?;
        server.wait_for_port(port)?;
        run_quietly(&mut benchmark(port, "set", 1_000))?;
        Ok(Redis { _server: server, port })
    }

    /// GETs per second from 32 connections, over so many of them.
    pub(super) fn gets(&self, requests: u64) -> Result<f64, Error> {
        let mut command = benchmark(self.port, "get", requests);
        let said = output(&mut command).ok_or_else(|| Error::Missing("redis-benchmark failed".to_owned()))?;
        parse(&said).ok_or_else(|| Error::Unclear { command: written(&command), output: said })
    }
}

fn benchmark(port: u16, test: &str, requests: u64) -> Command {
    let mut command = Command::new("redis-benchmark");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "32", "-t", test, "--csv"]);
    command.args(["-n", &requests.to_string()]);
    command
}

/// Reads the rate of GET from the table that redis-benchmark prints: a head, then `"GET","83333.34",...`.
fn parse(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix("\"GET\",\""))?;
    line.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_get_is_read() {
        let with_head = "\"test\",\"rps\",\"avg_latency_ms\"\n\"GET\",\"94339.62\",\"0.180\"\n";
        assert_eq!(parse(with_head), Some(94339.62));
        assert_eq!(parse("\"GET\",\"83333.34\"\n"), Some(83333.34));
        for said in ["", "\"SET\",\"1.0\"\n", "Could not connect to Redis at 127.0.0.1:1: Connection refused"]
        {
            assert_eq!(parse(said), None, "{said}");
        }
    }
}
