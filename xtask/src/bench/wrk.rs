//! `wrk`, which makes the load.

use crate::error::Error;
use crate::process::{output, written};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A load: where it goes, and from how many connections. One thread makes it, so that the other core is the server's.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) url: String,
    pub(super) connections: u32,
    pub(super) headers: Vec<String>,
    /// A Lua script, for what is not the same GET over and over.
    pub(super) script: Option<PathBuf>,
}

/// What came of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) requests_per_second: f64,
    /// Answers outside 200 to 399.
    pub(super) refused: u64,
    /// Connections that broke, or answers that did not come in time.
    pub(super) broken: u64,
}

impl Load {
    pub(super) fn get(url: String) -> Self {
        Load { url, connections: 32, headers: Vec::new(), script: None }
    }

    pub(super) fn bearer(mut self, token: &str) -> Self {
        self.headers.push(format!("Authorization: Bearer {token}"));
        self
    }

    /// Makes the load for so long.
    ///
    /// # Errors
    /// It cannot be made, or some connection broke: then the figure means nothing.
    pub(super) fn run(&self, seconds: u32) -> Result<Outcome, Error> {
        let mut command = Command::new("wrk");
        command.args([
            "-t1",
            &format!("-c{}", self.connections),
            &format!("-d{seconds}s"),
            "--timeout",
            "10s",
        ]);
        command.args(self.headers.iter().flat_map(|header| ["-H", header]));
        if let Some(script) = &self.script {
            command.arg("-s").arg(script);
        }
        command.arg(&self.url);
        let said = output(&mut command).ok_or_else(|| Error::Missing("wrk failed".to_owned()))?;
        let outcome = parse(&said)
            .ok_or_else(|| Error::Unclear { command: written(&command), output: said.clone() })?;
        if outcome.broken > 0 {
            return Err(Error::Unclear { command: written(&command), output: said });
        }
        Ok(outcome)
    }
}

/// Reads what wrk prints.
fn parse(said: &str) -> Option<Outcome> {
    let after = |mark: &str| said.lines().find_map(|line| line.trim().strip_prefix(mark)).map(str::trim);
    let requests_per_second = after("Requests/sec:")?.parse().ok()?;
    let refused = after("Non-2xx or 3xx responses:").map_or(Some(0), |count| count.parse().ok())?;
    let broken = match after("Socket errors:") {
        None => 0,
        Some(errors) => errors
            .split(',')
            .map(|error| error.trim().rsplit(' ').next()?.parse::<u64>().ok())
            .sum::<Option<u64>>()?,
    };
    Some(Outcome { requests_per_second, refused, broken })
}

/// Writes a script that presents one token after the other.
pub(super) fn cycle_script(path: &Path, tokens: &[String]) -> Result<PathBuf, Error> {
    let tokens: Vec<_> = tokens.iter().map(|token| format!("  {token:?},\n")).collect();
    let script = format!(
        "local tokens = {{\n{}}}\nlocal requests, at = {{}}, 0\n\
         function init()\n  for i, token in ipairs(tokens) do\n    \
         requests[i] = wrk.format(\"GET\", nil, {{Host = wrk.host, Authorization = \"Bearer \" .. token}})\n  end\nend\n\
         function request()\n  at = at % #requests + 1\n  return requests[at]\nend\n",
        tokens.concat()
    );
    write(path, &script)
}

/// Writes a script that sends one body with POST.
pub(super) fn post_script(path: &Path, body: &str) -> Result<PathBuf, Error> {
    let script = format!(
        "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [==[{body}]==]\n"
    );
    write(path, &script)
}

fn write(path: &Path, script: &str) -> Result<PathBuf, Error> {
    fs::write(path, script).map_err(|source| Error::Files { what: path.display().to_string(), source })?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: &str = "Running 1s test @ http://127.0.0.1:8080/auth/demo\n  1 threads and 32 connections\n  \
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   316.00us  109.00us   5.31ms   92.11%\n    \
        Req/Sec    98.70k     4.12k  106.01k    72.73%\n  108102 requests in 1.10s, 21.55MB read\n\
        Requests/sec:  98280.41\nTransfer/sec:     19.59MB\n";

    #[test]
    fn the_rate_is_read() {
        let expected = Outcome { requests_per_second: 98280.41, refused: 0, broken: 0 };
        assert_eq!(parse(CLEAN), Some(expected));
    }

    #[test]
    fn refusals_and_broken_connections_are_counted() {
        let said = CLEAN.replace(
            "Requests/sec:",
            "  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 77\nRequests/sec:",
        );
        assert_eq!(parse(&said), Some(Outcome { requests_per_second: 98280.41, refused: 77, broken: 4321 }));
    }

    #[test]
    fn what_is_no_report_is_not_read() {
        for said in ["", "unable to connect to 127.0.0.1:1 Connection refused", "Requests/sec: many"] {
            assert_eq!(parse(said), None, "{said}");
        }
    }

    #[test]
    fn scripts_hold_what_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lua");
        cycle_script(&path, &["one".to_owned(), "two".to_owned()]).unwrap();
        let script = fs::read_to_string(&path).unwrap();
        assert!(script.starts_with("local tokens = {\n  \"one\",\n  \"two\",\n}\n"), "{script}");
        post_script(&path, r#"{"a":[1]}"#).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains(r#"wrk.body = [==[{"a":[1]}]==]"#));
    }
}
