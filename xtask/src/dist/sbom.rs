//! What the program consists of: a bill of materials in CycloneDX 1.5 (<https://cyclonedx.org/docs/1.5/json/>).
//!
//! It names the crates that are linked into the program, with their checksums, and none that only build or test it. Made from what
//! cargo says: cargo-cyclonedx would list what the whole workspace resolves to, tests included.

use crate::error::Error;
use crate::process::{cargo, output, written};
use crate::{release, root};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The crate of the program.
const PROGRAM: &str = "jeton";

/// Name and version.
type Id = (String, String);

/// A crate of the program.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) id: Id,
    /// An expression of SPDX.
    pub(super) licence: String,
    repository: Option<String>,
    /// The SHA-256 of what the registry has; the workspace's own crates have none.
    checksum: Option<String>,
    /// The folder with its sources.
    pub(super) folder: PathBuf,
    needs: Vec<Id>,
}

/// The crates of the program, in the order of their names.
#[derive(Debug)]
pub(super) struct Bill {
    pub(super) components: Vec<Component>,
}

impl Bill {
    /// That of this workspace's program on a system like this one.
    ///
    /// # Errors
    /// cargo does not say what was asked.
    pub(super) fn of_program() -> Result<Self, Error> {
        let host = release::host()?;
        let mut tree = cargo(&["tree", "--locked", "--package", PROGRAM, "--edges", "normal,no-proc-macro"]);
        tree.args(["--target", &host, "--prefix", "depth", "--format", "{p}"]);
        let mut metadata =
            cargo(&["metadata", "--locked", "--format-version", "1", "--filter-platform", &host]);
        let unclear = |command, output| Error::Unclear { command: written(command), output };
        let tree_text = output(&mut tree).ok_or_else(|| unclear(&tree, String::new()))?;
        let metadata_text = output(&mut metadata).ok_or_else(|| unclear(&metadata, String::new()))?;
        let described: Value =
            serde_json::from_str(&metadata_text).map_err(|error| unclear(&metadata, error.to_string()))?;
        let lock = root().join("Cargo.lock");
        let locked = fs::read_to_string(&lock)
            .map_err(|source| Error::Files { what: lock.display().to_string(), source })?;
        Bill::read(&tree_text, &described, &checksums(&locked)).map_err(|line| unclear(&tree, line))
    }

    /// The error is what was not understood.
    fn read(tree: &str, metadata: &Value, checksums: &BTreeMap<Id, String>) -> Result<Self, String> {
        let packages = metadata["packages"].as_array().ok_or("no packages")?;
        let mut components = Vec::new();
        for (id, needs) in edges(tree)? {
            let is_it = |package: &&Value| package["name"] == *id.0 && package["version"] == *id.1;
            let package =
                packages.iter().find(is_it).ok_or_else(|| format!("no package {} {}", id.0, id.1))?;
            let text = |member: &str| package[member].as_str().map(str::to_owned);
            let manifest = text("manifest_path").ok_or_else(|| format!("{} is nowhere", id.0))?;
            components.push(Component {
                checksum: checksums.get(&id).cloned(),
                licence: expression(&text("license").ok_or_else(|| format!("{} has no licence", id.0))?),
                repository: text("repository"),
                folder: Path::new(&manifest).parent().map(Path::to_owned).unwrap_or_default(),
                id,
                needs,
            });
        }
        Ok(Bill { components })
    }

    /// The document, for a release of this time.
    pub(super) fn document(&self, time: &str) -> Value {
        let (program, others): (Vec<_>, Vec<_>) =
            self.components.iter().partition(|component| component.id.0 == PROGRAM);
        let dependencies = self.components.iter().map(|component| {
            let needs: Vec<_> = component.needs.iter().map(url).collect();
            json!({"ref": url(&component.id), "dependsOn": needs})
        });
        json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "timestamp": time,
                "component": program.first().map(|component| component.described("application")),
            },
            "components": others.iter().map(|component| component.described("library")).collect::<Vec<_>>(),
            "dependencies": dependencies.collect::<Vec<_>>(),
        })
    }
}

impl Component {
    fn described(&self, kind: &str) -> Value {
        let (name, version) = &self.id;
        let mut described = json!({
            "type": kind,
            "bom-ref": url(&self.id),
            "name": name,
            "version": version,
            "licenses": [{"expression": self.licence}],
            "purl": url(&self.id),
        });
        if let Some(checksum) = &self.checksum {
            described["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
        }
        if let Some(repository) = &self.repository {
            described["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
        }
        described
    }
}

/// The URL of a package (<https://github.com/package-url/purl-spec>).
fn url((name, version): &Id) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// Older manifests have a slash between licences of which one may choose.
fn expression(licence: &str) -> String {
    licence.replace(" / ", " OR ").replace('/', " OR ")
}

/// What each crate of a tree needs. Its lines begin with their depth; what a crate needs stands where it is first.
fn edges(tree: &str) -> Result<BTreeMap<Id, Vec<Id>>, String> {
    let mut edges: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    let mut path: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let (depth, package) = line.split_at(digits);
        let depth: usize = depth.parse().map_err(|_| line.to_owned())?;
        let mut words = package.split(' ');
        let (Some(name), Some(version)) =
            (words.next(), words.next().and_then(|word| word.strip_prefix('v')))
        else {
            return Err(line.to_owned());
        };
        let id = (name.to_owned(), version.to_owned());
        path.truncate(depth);
        if let Some(above) = path.last() {
            let needs = edges.entry(above.clone()).or_default();
            if !needs.contains(&id) {
                needs.push(id.clone());
            }
        }
        edges.entry(id.clone()).or_default();
        path.push(id);
    }
    for needs in edges.values_mut() {
        needs.sort();
    }
    Ok(edges)
}

/// The checksums that a lock file has.
fn checksums(lock: &str) -> BTreeMap<Id, String> {
    let value = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
        line.map(|value| value.trim_end_matches('"').to_owned())
    };
    let blocks = lock.split("[[package]]").skip(1);
    let found = blocks.filter_map(|block| {
        Some(((value(block, "name")?, value(block, "version")?), value(block, "checksum")?))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0jeton v1.2.3 (/x/crates/jeton)\n1a v1.0.0\n2b v0.1.0+7\n1b v0.1.0+7 (*)\n";
    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"x\"\nchecksum = \"aa\"\n\
                        dependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"jeton\"\nversion = \"1.2.3\"\n";

    fn package(name: &str, version: &str, licence: &str) -> Value {
        json!({"name": name, "version": version, "license": licence, "manifest_path": format!("/x/{name}/Cargo.toml")})
    }

    #[test]
    fn a_bill_names_each_crate_once_with_what_it_needs() {
        let metadata = json!({"packages": [
            package("jeton", "1.2.3", "MIT"),
            package("a", "1.0.0", "MIT/Apache-2.0"),
            package("a", "2.0.0", "GPL-3.0"),
            package("b", "0.1.0+7", "ISC"),
        ]});
        let bill = Bill::read(TREE, &metadata, &checksums(LOCK)).unwrap();
        let library = |name: &str, version: &str, licence: &str| {
            let url = format!("pkg:cargo/{name}@{version}");
            let (version, licence) = (version.replace("%2B", "+"), json!([{"expression": licence}]));
            json!({"type": "library", "bom-ref": url, "name": name, "version": version, "licenses": licence, "purl": url})
        };
        let document = bill.document("2026-11-30T00:00:00Z");
        let mut a = library("a", "1.0.0", "MIT OR Apache-2.0");
        a["hashes"] = json!([{"alg": "SHA-256", "content": "aa"}]);
        assert_eq!(document["components"], json!([a, library("b", "0.1.0%2B7", "ISC")]));
        assert_eq!(document["metadata"]["component"]["bom-ref"], "pkg:cargo/jeton@1.2.3");
        assert_eq!(
            document["dependencies"],
            json!([
                {"ref": "pkg:cargo/a@1.0.0", "dependsOn": ["pkg:cargo/b@0.1.0%2B7"]},
                {"ref": "pkg:cargo/b@0.1.0%2B7", "dependsOn": []},
                {"ref": "pkg:cargo/jeton@1.2.3", "dependsOn": ["pkg:cargo/a@1.0.0", "pkg:cargo/b@0.1.0%2B7"]},
            ])
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let nothing = json!({"packages": []});
        for tree in ["jeton v1.0.0", "0jeton", "0jeton 1.0.0", "0jeton v1.0.0"] {
            assert!(Bill::read(tree, &nothing, &BTreeMap::new()).is_err(), "{tree}");
        }
        let unlicensed = json!({"packages": [{"name": "jeton", "version": "1.0.0", "manifest_path": "/x"}]});
        assert!(Bill::read("0jeton v1.0.0", &unlicensed, &BTreeMap::new()).is_err());
    }

    #[test]
    fn the_bill_of_this_program_is_whole() {
        let bill = Bill::of_program().unwrap();
        let names: Vec<&str> = bill.components.iter().map(|component| component.id.0.as_str()).collect();
        for name in ["jeton", "jeton-core", "tokio", "libsqlite3-sys", "aws-lc-sys", "libmimalloc-sys"] {
            assert!(names.contains(&name), "{name} is missing");
        }
        for name in ["insta", "jeton-testkit", "proptest", "serde_derive", "cc", "xtask"] {
            assert!(!names.contains(&name), "{name} is not in the program");
        }
        for component in &bill.components {
            let is_ours = component.id.0.starts_with("jeton");
            assert_eq!(component.checksum.is_none(), is_ours, "{component:?}");
            assert!(component.needs.iter().all(|id| names.contains(&id.0.as_str())), "{component:?}");
        }
    }
}
